# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What needs a Python of its own: the example, and a runtime alone."""

import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

import heddle
import programs

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "python" / "gemm.py"


def run(*arguments):
    # Not from here: `python` is not to find anything beside the tests.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=folder,
            capture_output=True,
            text=True,
        )


class ExampleTest(unittest.TestCase):
    def check(self, device):
        result = run(EXAMPLE, device)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"{device}: largest relative error 0.00", result.stdout)

    def test_virtual(self):
        self.check("virtual:0")

    @unittest.skipUnless(os.environ.get("HEDDLE_CUDA_DRIVER"), "no test driver")
    def test_cuda(self):
        self.check("cuda:0")


class RuntimeOnlyTest(unittest.TestCase):
    def test_runs_packages(self):
        script = """
            import sys
            sys.modules["heddle._compiler"] = None
            import heddle, numpy as np
            x = np.arange(4, dtype=np.float32)
            assert np.array_equal(heddle.load(sys.argv[1])(x), 2 * x)
            try:
                heddle.compile(sys.argv[1])
            except heddle.UnavailableError as error:
                print(error)
        """
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "double.heddle"
            heddle.compile_source(programs.DOUBLE).save(path)
            result = run("-c", textwrap.dedent(script), path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("has no compiler, only the runtime", result.stdout)

    def test_packages_do_not_load_the_compiler(self):
        script = """
            import heddle
            heddle.empty(1, "f32", "virtual")
            maps = open("/proc/self/maps").read()
            assert "libheddle-runtime" in maps
            assert "libheddle-compiler" not in maps and "libLLVM" not in maps
        """
        result = run("-c", textwrap.dedent(script))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_interrupt(self):
        # Ctrl-C during a call shows when the call is over, and not never.
        script = """
            import os, signal, sys, threading
            import heddle, numpy as np
            x = np.zeros(1 << 20, np.float32)
            program = heddle.load(sys.argv[1])
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                while True:
                    program(x)
            except KeyboardInterrupt:
                print("interrupted")
        """
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "double.heddle"
            heddle.compile_source(programs.DOUBLE).save(path)
            result = run("-c", textwrap.dedent(script), path)
        self.assertEqual(result.stdout, "interrupted\n", result.stderr)


if __name__ == "__main__":
    unittest.main()
