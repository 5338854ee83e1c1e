# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs PTX from elsewhere through `heddle run` and compares with NumPy."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    np = None

HERE = os.path.dirname(os.path.abspath(__file__))
HEDDLE = os.environ.get("HEDDLE", "heddle")
WORK = os.environ.get("HEDDLE_PTX_WORK", os.path.join(tempfile.gettempdir(), "heddle-ptx"))
NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")

#: Kernels from elsewhere must be right under every schedule, and without a word
#: from the sanitizer.
STRICT = ["--sanitize=full", "--schedule=explore:4"]


def heddle(*arguments, cwd=None):
    """What the command did; it must end by itself, with a code that it means."""
    done = subprocess.run(
        [HEDDLE, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=600,
    )
    done.stdout = done.stdout.decode(errors="replace")
    done.stderr = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1, 2):
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def compile_cuda(name, *options):
    """The PTX that nvcc makes of `cuda/NAME.cu`, made anew if that is newer."""
    if not NVCC:
        raise unittest.SkipTest("there is no nvcc")
    os.makedirs(WORK, exist_ok=True)
    source = os.path.join(HERE, "cuda", name + ".cu")
    ptx = os.path.join(WORK, name + "".join(options).replace("=", "") + ".ptx")
    if not os.path.exists(ptx) or os.path.getmtime(ptx) < os.path.getmtime(source):
        command = [NVCC, "-std=c++17", "-lineinfo", "-ptx", source, "-o", ptx + ".new"]
        if not any(option.startswith("-arch") for option in options):
            command.append("-arch=sm_90a")
        subprocess.run(command + list(options), check=True)
        os.replace(ptx + ".new", ptx)
    return ptx


def to_bf16(array):
    """The bits of the nearest bf16 numbers, ties to even."""
    bits = np.asarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


#: How a launch calls what NumPy calls otherwise.
TYPES = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "uint8": "u8",
    "int32": "i32",
    "uint32": "u32",
    "int64": "i64",
}


class Bf16:
    """An array that a kernel sees as bf16."""

    def __init__(self, array):
        self.bits = to_bf16(array)
        self.values = from_bf16(self.bits)


class Undefined:
    """A buffer that nobody has written."""

    def __init__(self, shape, type="f32"):
        self.shape, self.type = shape, type


class Expected:
    """What a buffer should hold at the end."""

    def __init__(self, array, absolute=0.0, relative=0.0):
        self.array, self.absolute, self.relative = array, absolute, relative


@unittest.skipIf(np is None, "there is no NumPy")
class PtxTest(unittest.TestCase):
    """A test with a folder of its own for the files of a launch."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write_spec(self, spec, name="launch.json"):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            json.dump(spec, file)
        return path

    def describe(self, name, contents, expected):
        """A buffer as a launch has it, with its files."""
        if isinstance(contents, Undefined):
            buffer = {"type": contents.type, "shape": list(contents.shape)}
        elif isinstance(contents, Bf16):
            buffer = {"type": "bf16", "shape": list(contents.bits.shape)}
            buffer["init"] = name + ".npy"
            np.save(os.path.join(self.folder, name), contents.bits)
        else:
            buffer = {"type": TYPES[contents.dtype.name], "shape": list(contents.shape)}
            buffer["init"] = name + ".npy"
            np.save(os.path.join(self.folder, name), contents)
        if expected is not None:
            buffer["expected"] = name + ".expected.npy"
            buffer["tolerance"] = {
                "absolute": expected.absolute,
                "relative": expected.relative,
            }
            np.save(os.path.join(self.folder, name + ".expected"), expected.array)
        return buffer

    def run_kernel(self, ptx, buffers, launches, expected, options=STRICT, **members):
        """Runs launches and demands that buffers then hold what is expected."""
        spec = {
            "buffers": {
                name: self.describe(name, contents, expected.get(name))
                for name, contents in buffers.items()
            },
            "launches": launches,
            **members,
        }
        done = heddle("run", ptx, "--launch", self.write_spec(spec), *options)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0, done.stdout)
        for name in expected:
            self.assertIn(f"check {name} ", done.stdout)
        return done.stdout

    def refuse(self, message, *arguments, code=2):
        """Demands one message and an exit code."""
        done = heddle(*arguments, cwd=self.folder)
        self.assertRegex(done.stderr, message)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr
