# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""heddle.Array: allocation, copies, conversion, DLPack in and out."""

import gc
import unittest

import heddle
import numpy as np
import programs


class ArrayTest(unittest.TestCase):
    def test_properties(self):
        array = heddle.empty((3, 4), "bf16", "virtual:0")
        self.assertEqual(array.shape, (3, 4))
        self.assertEqual(array.ndim, 2)
        self.assertEqual(array.dtype, "bfloat16")
        self.assertEqual(array.nbytes, 24)
        self.assertEqual(array.device, heddle.Device("virtual:0"))
        self.assertIn("(3, 4) of bfloat16 on virtual:0", repr(array))

    def test_names_of_types(self):
        for dtype in "f32", "float32", np.float32, np.dtype("f4"):
            self.assertEqual(heddle.empty(1, dtype, "virtual").dtype, "float32")

    def test_zeros(self):
        zeros = heddle.zeros(5, "int32", "virtual")
        np.testing.assert_array_equal(zeros.numpy(), np.zeros(5, np.int32))

    def test_round_trip(self):
        x = programs.numbers(12).reshape(3, 4)
        array = heddle.array(x, device="virtual")
        np.testing.assert_array_equal(array.numpy(), x)
        np.testing.assert_array_equal(np.asarray(array), x)
        target = np.empty_like(x)
        array.copy_to(target)
        np.testing.assert_array_equal(target, x)

    def test_copies_what_is_not_dense(self):
        x = programs.numbers(12).reshape(3, 4).T
        np.testing.assert_array_equal(heddle.array(x, device="virtual").numpy(), x)

    def test_copies_lists_and_scalars(self):
        array = heddle.array([[1, 2], [3, 4]], "float32", "virtual")
        np.testing.assert_array_equal(array.numpy(), [[1, 2], [3, 4]])
        scalar = heddle.array(np.float32(3), device="virtual")
        self.assertEqual(scalar.shape, ())
        self.assertEqual(scalar.numpy(), 3)

    def test_converts_bfloat16(self):
        # Ties go to even; NaN and infinity stay.
        values = [1.0, 1.00390625, 1.01171875, -2.5, np.inf, 3.3e38, np.nan]
        expected = [1.0, 1.0, 1.015625, -2.5, np.inf, 3.2962e38, np.nan]
        array = heddle.array(np.array(values), "bfloat16", "virtual")
        np.testing.assert_allclose(array.numpy(np.float32), expected, 1e-3)
        bits = np.array([0x3F80, 0x4000], np.uint16)
        array = heddle.array(bits, "bfloat16", "virtual")
        np.testing.assert_array_equal(array.numpy("f4"), [1, 2])

    def test_in_a_call(self):
        double = heddle.compile_source(programs.DOUBLE)
        x = programs.numbers(300)
        y = double(heddle.array(x, device="virtual:2"))
        self.assertIsInstance(y, heddle.Array)
        self.assertEqual(y.device.name, "virtual:2")
        np.testing.assert_array_equal(y.numpy(), 2 * x)
        # NumPy arrays are used where the other arguments are.
        y = np.empty_like(x)
        double(heddle.array(x, device="virtual:2"), y)
        np.testing.assert_array_equal(y, 2 * x)

    def test_refuses(self):
        array = heddle.empty((3, 4), "float32", "virtual")
        for source, text in (
            (np.zeros((4, 3), np.float32), r"expected shape \(3, 4\), found \(4, 3\)"),
            (np.zeros((3, 4)), "expected float32, found float64"),
            ([1.0], "expected a NumPy array, .* found list"),
        ):
            with self.subTest(text):
                with self.assertRaisesRegex(heddle.InputError, text):
                    array.copy_from(source)
        fixed = np.zeros((3, 4), np.float32)
        fixed.flags.writeable = False
        with self.assertRaisesRegex(heddle.InputError, "read-only"):
            array.copy_to(fixed)
        for arguments, text in (
            ((-1, "f32"), "expected extents of 0 or more, found -1"),
            (((1 << 40, 1 << 40), "f32"), "does not fit in memory"),
            ((1, "complex64"), "expected one of the types .* found 'complex64'"),
            (("x", "f32"), "shape: "),
            ((2.5, "f32"), "shape: "),
            ((1, "f32", "gpu"), "expected cuda, .* found 'gpu'"),
            ((1, "f32", 0), "expected a device .* found int"),
        ):
            with self.subTest(text):
                with self.assertRaisesRegex(heddle.InputError, text):
                    heddle.empty(*arguments[:2], *(arguments[2:] or ("virtual",)))


class DLPackTest(unittest.TestCase):
    def test_numpy_shares_memory(self):
        array = heddle.zeros((2, 3), "float32", "virtual")
        view = np.from_dlpack(array)
        view[1, 2] = 7
        self.assertEqual(array.numpy()[1, 2], 7)

    def test_view_keeps_memory(self):
        view = np.from_dlpack(heddle.array([1.0, 2.0], "f32", "virtual"))
        gc.collect()
        heddle.zeros(2, "f32", "virtual")
        np.testing.assert_array_equal(view, [1, 2])

    def test_device(self):
        array = heddle.empty(1, "f32", "virtual:1")
        self.assertEqual(array.__dlpack_device__(), (1, 0))

    def test_old_and_new_protocol(self):
        array = heddle.empty(1, "f32", "virtual")
        self.assertIn('"dltensor"', repr(array.__dlpack__()))
        capsule = array.__dlpack__(max_version=(1, 0))
        self.assertIn('"dltensor_versioned"', repr(capsule))

    def test_foreign_objects_in_a_call(self):
        class Foreign:
            """An array of a library that knows no versions of DLPack."""

            def __init__(self, array):
                self.array = array

            def __dlpack__(self, stream=None):
                return self.array.__dlpack__()

            def __dlpack_device__(self):
                return self.array.__dlpack_device__()

        class New(Foreign):
            def __dlpack__(self, **options):
                return self.array.__dlpack__(**options)

        double = heddle.compile_source(programs.DOUBLE)
        x = programs.numbers(300)
        for kind in Foreign, New:
            y = np.zeros_like(x)
            double(kind(x), kind(y))
            np.testing.assert_array_equal(y, 2 * x)

    def test_refuses_foreign_objects(self):
        class Broken:
            def __dlpack__(self, **options):
                raise BufferError("not today")

            def __dlpack_device__(self):
                return (1, 0)

        class Elsewhere(Broken):
            def __dlpack_device__(self):
                return (8, 0)

        class Nonsense(Broken):
            def __dlpack__(self, **options):
                return 3

        double = heddle.compile_source(programs.DOUBLE)
        for x, text in (
            (Broken(), "argument 'x': not today"),
            (Elsewhere(), "argument 'x': .* found DLPack device type 8"),
            (Nonsense(), "argument 'x': expected a DLPack tensor .* found int"),
        ):
            with self.subTest(text):
                with self.assertRaisesRegex(heddle.InputError, text):
                    double(x)

    def test_read_only_output(self):
        double = heddle.compile_source(programs.DOUBLE)

        class ReadOnly:
            def __init__(self, array):
                self.array = array

            def __dlpack__(self, **options):
                return self.array.__dlpack__(**options)

            def __dlpack_device__(self):
                return (1, 0)

        x, y = programs.numbers(4), programs.numbers(4)
        y.flags.writeable = False
        with self.assertRaisesRegex(heddle.InputError, "read-only"):
            double(x, ReadOnly(y))


if __name__ == "__main__":
    unittest.main()
