# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""CUDA devices, over the test driver, which HEDDLE_CUDA_DRIVER names."""

import os
import unittest

import heddle
import numpy as np
import programs


@unittest.skipUnless(os.environ.get("HEDDLE_CUDA_DRIVER"), "no test driver")
class CudaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = heddle.compile_source(programs.DOUBLE)

    def test_devices(self):
        self.assertEqual(heddle.devices()[0], "cuda:0")
        self.assertEqual(heddle.Device("cuda").properties.kind, "cuda")
        self.assertEqual(heddle.Device("cuda"), heddle.Device("cuda:0"))

    def test_call(self):
        x = programs.numbers(300)
        y = self.double(heddle.array(x, device="cuda:0"))
        self.assertEqual(y.device.name, "cuda:0")
        np.testing.assert_array_equal(y.numpy(), 2 * x)

    def test_given_output_and_device(self):
        x = heddle.array(programs.numbers(300), device="cuda:0")
        y = heddle.zeros(300, "f32", "cuda:0")
        self.assertIsNone(self.double(x, y, device="cuda:0"))
        np.testing.assert_array_equal(y.numpy(), 2 * x.numpy())

    def test_bfloat16(self):
        copy = heddle.compile_source(programs.copy("bf16"))
        x = heddle.array(np.linspace(-2, 2, 256), "bfloat16", "cuda:0")
        y = copy(x)
        np.testing.assert_array_equal(y.numpy("f4"), x.numpy("f4"))

    def test_foreign_arrays(self):
        streams = []

        class Foreign:
            """What PyTorch and CuPy offer."""

            def __init__(self, array):
                self.array = array

            def __dlpack__(self, *, stream=None, **options):
                streams.append(stream)
                return self.array.__dlpack__(stream=stream, **options)

            def __dlpack_device__(self):
                return self.array.__dlpack_device__()

        x = heddle.array(programs.numbers(300), device="cuda:0")
        y = heddle.zeros(300, "f32", "cuda:0")
        self.assertEqual(Foreign(x).__dlpack_device__(), (2, 0))
        self.double(Foreign(x), Foreign(y))
        np.testing.assert_array_equal(y.numpy(), 2 * x.numpy())
        # The legacy default stream, as the protocol numbers it.
        self.assertEqual(streams, [1, 1])

    def test_host_arrays_are_refused(self):
        x = programs.numbers(4)
        with self.assertRaisesRegex(
            heddle.InputError,
            r"argument 'x' is in host memory, and the device is cuda:0: copy it, "
            r"for example with heddle.array\(..., device='cuda:0'\)",
        ):
            self.double(x, device="cuda:0")
        with self.assertRaisesRegex(
            heddle.InputError,
            "argument 'y' is in host memory, and argument 'x' is on cuda:0",
        ):
            self.double(heddle.array(x, device="cuda:0"), x)
        with self.assertRaisesRegex(heddle.InputError, "the device is virtual:0"):
            self.double(heddle.array(x, device="cuda:0"), device="virtual:0")
        with self.assertRaisesRegex(heddle.InputError, "expected an array in host"):
            array = heddle.array(x, device="cuda:0")
            array.copy_from(array)

    def test_stream(self):
        x = heddle.array(programs.numbers(300), device="cuda:0")
        for stream in 0, 1, None:
            y = self.double(x, stream=stream)
            heddle.Device("cuda:0").synchronize(stream)
            np.testing.assert_array_equal(y.numpy(), 2 * x.numpy())

        class Stream:
            cuda_stream = 0

        np.testing.assert_array_equal(
            self.double(x, stream=Stream()).numpy(), 2 * x.numpy()
        )

    def test_memory_is_given_back(self):
        def resident_bytes():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        size = 1 << 26
        heddle.zeros(size, "i8", "cuda:0")
        before = resident_bytes()
        for _ in range(8):
            heddle.zeros(size, "i8", "cuda:0")
        self.assertLess(resident_bytes() - before, 2 * size)


if __name__ == "__main__":
    unittest.main()
