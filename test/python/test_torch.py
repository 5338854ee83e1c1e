# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch tensors on the CPU, where PyTorch is installed."""

import unittest

import heddle
import programs

try:
    import torch
except ImportError:
    torch = None


@unittest.skipIf(torch is None, "PyTorch is not installed")
class TorchTest(unittest.TestCase):
    def test_call(self):
        double = heddle.compile_source(programs.DOUBLE)
        x, y = torch.arange(300.0), torch.zeros(300)
        self.assertIsNone(double(x, y))
        self.assertTrue(torch.equal(y, 2 * x))
        self.assertTrue(torch.equal(double(x=x), 2 * x))

    def test_bfloat16(self):
        copy = heddle.compile_source(programs.copy("bf16"))
        x = torch.linspace(-3, 3, 300, dtype=torch.bfloat16)
        y = copy(x)
        self.assertEqual(y.dtype, torch.bfloat16)
        self.assertTrue(torch.equal(x, y))

    def test_shares_memory(self):
        array = heddle.zeros((2, 3), torch.bfloat16, "virtual")
        tensor = torch.from_dlpack(array)
        self.assertEqual(tensor.dtype, torch.bfloat16)
        tensor[1, 2] = 7
        self.assertEqual(array.numpy("float32")[1, 2], 7)

    def test_copies(self):
        x = torch.linspace(-3, 3, 300, dtype=torch.bfloat16)
        array = heddle.array(x, device="virtual")
        self.assertTrue(torch.equal(torch.from_dlpack(array), x))

    def test_converts(self):
        x = torch.linspace(-3, 3, 300).reshape(30, 10)
        for name in "bfloat16", "float8_e4m3fn", "float16":
            dtype = getattr(torch, name)
            array = heddle.array(x.t(), name, "virtual")
            self.assertEqual(array.dtype, name)
            found = torch.from_dlpack(array).view(torch.uint8)
            self.assertTrue(torch.equal(found, x.t().to(dtype).contiguous().view(torch.uint8)))
        bits = torch.full((4,), 0x3F80, dtype=torch.int16)
        self.assertEqual(heddle.array(bits, "bfloat16", "virtual").numpy("float32")[0], 1)

    def test_refuses_gradients(self):
        double = heddle.compile_source(programs.DOUBLE)
        x = torch.ones(4, requires_grad=True)
        with self.assertRaisesRegex(heddle.InputError, "argument 'x': .*grad"):
            double(x)


if __name__ == "__main__":
    unittest.main()
