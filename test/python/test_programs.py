# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compilation, packages, and what programs say of themselves."""

import os
import pathlib
import tempfile
import unittest

import heddle
import numpy as np
import programs


class CompileTest(unittest.TestCase):
    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "double.mlir"
            path.write_text(programs.DOUBLE)
            double = heddle.compile(path)
        x = programs.numbers(4)
        np.testing.assert_array_equal(double(x), 2 * x)

    def test_diagnostics(self):
        source = programs.DOUBLE.replace("mulf %t, %s", "mulf %t, %nothing")
        with self.assertRaises(heddle.CompileError) as context:
            heddle.compile_source(source, "double.mlir")
        self.assertIsInstance(context.exception, ValueError)
        text = str(context.exception)
        self.assertIn("double.mlir:7:", text)
        self.assertIn("error: ", text)
        self.assertIn("%r = arith.mulf %t, %nothing", text)

    def test_missing_file(self):
        for function in heddle.compile, heddle.load:
            with self.assertRaises(FileNotFoundError):
                function("no/such/file")

    def test_refuses_options(self):
        with self.assertRaisesRegex(heddle.InputError, "0 to 3"):
            heddle.compile_source(programs.DOUBLE, optimization=4)
        with self.assertRaisesRegex(heddle.InputError, "0 to 3, found -1"):
            heddle.compile_source(programs.DOUBLE, optimization=-1)

    def test_program_without_host_functions(self):
        program = heddle.compile_source("", "empty.mlir")
        self.assertEqual(program.signatures, {})
        with self.assertRaisesRegex(heddle.InputError, "no host function"):
            program.signature

    def test_source_that_is_no_text(self):
        with self.assertRaises(heddle.CompileError):
            heddle.compile_source(b"tile.kernel \xff\xfe", "bytes")

    def test_cache(self):
        folder = os.environ.get("HEDDLE_CACHE_DIR")
        if not folder:
            self.skipTest("HEDDLE_CACHE_DIR is not set")
        self.assertEqual(heddle.cache_dir, folder)
        heddle.compile_source(programs.DOUBLE)
        self.assertTrue(os.listdir(folder))


class PackageTest(unittest.TestCase):
    def test_save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "double.heddle"
            compiled = heddle.compile_source(programs.DOUBLE)
            compiled.save(path)
            loaded = heddle.load(path)
            self.assertEqual(loaded.name, str(path))
        self.assertEqual(loaded.signature, compiled.signature)
        self.assertEqual(loaded.kernels, compiled.kernels)
        self.assertEqual(loaded.ptx, compiled.ptx)
        x = programs.numbers(300)
        np.testing.assert_array_equal(loaded(x), 2 * x)

    def test_refuses_what_is_no_package(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "text.heddle"
            path.write_text("not a package" * 20)
            with self.assertRaisesRegex(heddle.InputError, "text.heddle"):
                heddle.load(path)

    def test_refuses_a_folder_that_is_missing(self):
        program = heddle.compile_source(programs.DOUBLE)
        with self.assertRaisesRegex(heddle.Error, "nowhere"):
            program.save("/nowhere/double.heddle")


class DescriptionTest(unittest.TestCase):
    def test_signature(self):
        program = heddle.compile_source(programs.SEVERAL)
        self.assertEqual(list(program.signatures), ["double", "both"])
        self.assertEqual(
            str(program.signature), "double[N](x: f32[N], out y: f32[N])"
        )
        x, y, z = program.signatures["both"].arguments
        self.assertEqual((x.name, x.dtype, x.shape), ("x", "f32", ("N",)))
        self.assertEqual([x.access, y.access, z.access], ["in", "out", "out"])
        self.assertIn("double[N]", repr(program))

    def test_kernels(self):
        program = heddle.compile_source(programs.DOUBLE, "double.mlir")
        kernel = program.kernels[0]
        self.assertIn("scale", kernel.name)
        self.assertGreaterEqual(kernel.threads, 32)
        self.assertEqual(program.target, "sm_90a")
        self.assertIn(".target sm_90a", program.ptx)


class DeviceTest(unittest.TestCase):
    def test_devices(self):
        self.assertIn("virtual:0", heddle.devices())

    def test_properties(self):
        device = heddle.Device("virtual:1")
        self.assertEqual(device, heddle.Device(device))
        self.assertNotEqual(device, heddle.Device("virtual"))
        self.assertEqual(len({device, heddle.Device("virtual:1")}), 1)
        self.assertEqual(str(device), "virtual:1")
        properties = device.properties
        self.assertEqual(properties.kind, "virtual")
        self.assertEqual(properties.ordinal, 1)
        self.assertEqual(properties.sm_arch, 90)
        self.assertTrue(properties.is_simulated)
        self.assertIn("sm_90", repr(properties))
        device.synchronize()

    def test_version(self):
        import importlib.metadata

        self.assertEqual(heddle.__version__, importlib.metadata.version("heddle"))


if __name__ == "__main__":
    unittest.main()
