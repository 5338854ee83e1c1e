# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls that are refused: the message says what was expected and found."""

import unittest

import heddle
import numpy as np
import programs


class ErrorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = heddle.compile_source(programs.DOUBLE)
        cls.bits = heddle.compile_source(programs.copy("bf16"))
        cls.several = heddle.compile_source(programs.SEVERAL)

    def refused(self, text, call, *arguments, **options):
        with self.assertRaisesRegex(heddle.InputError, text) as context:
            call(*arguments, **options)
        self.assertIsInstance(context.exception, ValueError)
        self.assertIsInstance(context.exception, heddle.Error)

    def test_names(self):
        x = programs.numbers(4)
        self.refused("argument 'x' is missing", self.double)
        self.refused("no argument 'z'; its arguments are 'x', 'y'", self.double, x, z=x)
        self.refused("argument 'x' is given twice", self.double, x, x=x)
        self.refused("at most 2 arguments, 'x', 'y', found 3", self.double, x, x, x)

    def test_options(self):
        x = programs.numbers(4)
        self.refused("expected a dict", self.double, x, sizes=[1])
        self.refused("no size 'Q'", self.double, x, sizes={"Q": 1})
        self.refused("size 'N': ", self.double, x, sizes={"N": 1.5})
        self.refused("size 'N'", self.double, x, sizes={"N": 5})
        self.refused("'nowhere'", self.double, x, entry="nowhere")
        self.refused("both", self.several, x)
        self.refused("entry: expected the name", self.double, x, entry=3)
        self.refused("expected a stream", self.double, x, stream="main")
        self.refused("found 'gpu'", self.double, x, device="gpu")
        self.refused("virtual", self.double, x, device="virtual:10000")

    def test_shapes(self):
        x = programs.numbers(4)
        self.refused("'x' to be N of f32", self.double, x.reshape(2, 2))
        self.refused("N", self.double, x, np.zeros(5, np.float32))

    def test_types(self):
        x = programs.numbers(4)
        self.refused(
            "argument 'x': expected float32, found float64",
            self.double,
            x.astype(np.float64),
        )
        self.refused("expected float32, found >f4", self.double, x.astype(">f4"))
        self.refused("expected float32, found complex64", self.double, x * 1j)
        self.refused("found object", self.double, x.astype(object))
        self.refused("found list", self.double, [1.0])
        self.refused("found float", self.double, 1.0)
        self.refused(
            r"expected bfloat16 \(ml_dtypes.bfloat16, or uint16 with the same "
            r"bits\), found float32",
            self.bits,
            x,
        )
        self.refused("found int16", self.bits, x.astype(np.int16))

    def test_strides(self):
        x = programs.numbers(8)
        self.refused(
            r"dense row-major array, found shape \(4\) with strides \(8\)",
            self.double,
            x[::2],
        )
        self.refused("dense", self.double, x[::-1])

    def test_unaligned(self):
        x = np.zeros(17, np.uint8)[1:].view(np.float32)
        self.refused("multiple of 4", self.double, x)

    def test_outputs(self):
        x, y = programs.numbers(4), programs.numbers(4)
        y.flags.writeable = False
        self.refused("'y'.*read-only", self.double, x, y)
        self.refused("share", self.double, x, x)

    def test_devices(self):
        x = heddle.zeros(4, "f32", "virtual:1")
        y = heddle.zeros(4, "f32", "virtual:2")
        self.refused(
            "argument 'y' is in virtual:2, and argument 'x' is on virtual:1",
            self.double,
            x,
            y,
        )
        self.refused("the device is virtual:0", self.double, x, device="virtual:0")

    def test_fault(self):
        program = heddle.compile_source(programs.BEYOND, "beyond.mlir")
        with self.assertRaisesRegex(heddle.FaultError, "beyond") as context:
            program(programs.numbers(4))
        self.assertIsInstance(context.exception, RuntimeError)
        # The device is as good as before.
        x = programs.numbers(4)
        np.testing.assert_array_equal(self.double(x), 2 * x)


if __name__ == "__main__":
    unittest.main()
