# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls with NumPy arrays on the virtual device."""

import threading
import unittest

import heddle
import numpy as np
import programs


class CallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = heddle.compile_source(programs.DOUBLE)
        cls.several = heddle.compile_source(programs.SEVERAL)
        cls.in_place = heddle.compile_source(programs.IN_PLACE)

    def test_by_name(self):
        x, y = programs.numbers(1000), np.zeros(1000, np.float32)
        self.assertIsNone(self.double(x=x, y=y))
        np.testing.assert_array_equal(y, 2 * x)

    def test_by_position(self):
        x, y = programs.numbers(1000), np.zeros(1000, np.float32)
        self.assertIsNone(self.double(x, y))
        np.testing.assert_array_equal(y, 2 * x)

    def test_returns_output_that_is_left_out(self):
        x = programs.numbers(300)
        for y in self.double(x), self.double(x=x), self.double(x, None):
            self.assertIsInstance(y, np.ndarray)
            self.assertEqual(y.dtype, np.float32)
            np.testing.assert_array_equal(y, 2 * x)

    def test_returns_outputs_in_declared_order(self):
        x = programs.numbers(300)
        y, z = self.several(x, entry="both")
        np.testing.assert_array_equal(y, 2 * x)
        np.testing.assert_array_equal(z, 3 * x)
        y = np.empty_like(x)
        z = self.several(x, y, entry="both")
        np.testing.assert_array_equal(y, 2 * x)
        np.testing.assert_array_equal(z, 3 * x)

    def test_in_place_with_a_size(self):
        x = programs.numbers(1024)
        self.assertIsNone(self.in_place(x, sizes={"N": 256}))
        np.testing.assert_array_equal(x[:256], 2 * programs.numbers(256))
        np.testing.assert_array_equal(x[256:], np.arange(256, 1024))

    def test_new_arrays_at_each_call(self):
        for count in 1, 7, 1000, 7:
            x = np.random.default_rng(count).random(count, np.float32)
            np.testing.assert_array_equal(self.double(x), 2 * x)

    def test_part_of_an_array(self):
        x, y = programs.numbers(1000), np.zeros(1000, np.float32)
        self.double(x[100:500], y[200:600])
        np.testing.assert_array_equal(y[200:600], 2 * x[100:500])
        self.assertFalse(y[:200].any() or y[600:].any())

    def test_empty_arrays(self):
        self.assertEqual(self.double(np.empty(0, np.float32)).shape, (0,))

    def test_read_only_input(self):
        x = programs.numbers(300)
        x.flags.writeable = False
        np.testing.assert_array_equal(self.double(x), 2 * x)

    def test_other_virtual_device(self):
        x = programs.numbers(300)
        y = self.double(x, device="virtual:3")
        np.testing.assert_array_equal(y, 2 * x)
        y = self.double(x, device=heddle.Device("virtual:3"))
        np.testing.assert_array_equal(y, 2 * x)

    def test_threads(self):
        failures = []

        def work(seed):
            x = np.random.default_rng(seed).random(5000, np.float32)
            for _ in range(5):
                if not np.array_equal(self.double(x), 2 * x):
                    failures.append(seed)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_other_threads_run_meanwhile(self):
        # With the GIL held, the other thread could not count before the end.
        x = programs.numbers(1 << 20)
        started, done = threading.Event(), threading.Event()
        count = 0

        def call():
            started.set()
            self.double(x)
            done.set()

        thread = threading.Thread(target=call)
        thread.start()
        started.wait()
        while not done.is_set():
            count += 1
        thread.join()
        self.assertGreater(count, 100)


class DTypeTest(unittest.TestCase):
    def check(self, name, x):
        y = heddle.compile_source(programs.copy(name))(x)
        self.assertEqual(y.dtype, x.dtype)
        np.testing.assert_array_equal(y.view(np.uint8), x.view(np.uint8))

    def test_numpy_types(self):
        for name, dtype in {
            "i8": np.int8,
            "i16": np.int16,
            "i32": np.int32,
            "f16": np.float16,
            "f32": np.float32,
        }.items():
            with self.subTest(name):
                self.check(name, programs.numbers(300).astype(dtype))

    def test_unsigned_integers(self):
        self.check("i32", programs.numbers(300, np.uint32))

    def test_ml_dtypes(self):
        try:
            import ml_dtypes
        except ImportError:
            self.skipTest("ml_dtypes is not installed")
        for name, dtype in {
            "bf16": ml_dtypes.bfloat16,
            "f8E4M3FN": ml_dtypes.float8_e4m3fn,
            "f8E5M2": ml_dtypes.float8_e5m2,
        }.items():
            with self.subTest(name):
                self.check(name, np.linspace(-3, 3, 300).astype(dtype))

    def test_carriers(self):
        bits = np.arange(256)
        self.check("bf16", bits.astype(np.uint16) << 8)
        self.check("f8E4M3FN", bits.astype(np.uint8))
        self.check("f8E5M2", bits.astype(np.uint8))


if __name__ == "__main__":
    unittest.main()
