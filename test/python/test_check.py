# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Comparison with the reference semantics."""

import unittest

import heddle
import numpy as np
import programs


class CheckTest(unittest.TestCase):
    def test_right(self):
        x = programs.numbers(300)
        check = heddle.compile_source(programs.SEVERAL).check(x, entry="both")
        self.assertTrue(check)
        self.assertEqual([output.name for output in check.outputs], ["y", "z"])
        self.assertEqual([output.wrong for output in check.outputs], [0, 0])
        self.assertEqual(check.outputs[0].compared, 300)
        self.assertIn("ok", str(check))

    def test_in_place(self):
        x = programs.numbers(300)
        program = heddle.compile_source(programs.IN_PLACE)
        self.assertTrue(program.check(x, sizes={"N": 300}))
        np.testing.assert_array_equal(x, 2 * programs.numbers(300))

    def test_refuses_what_a_call_refuses(self):
        program = heddle.compile_source(programs.DOUBLE)
        with self.assertRaisesRegex(heddle.InputError, "no argument 'z'"):
            program.check(z=programs.numbers(4))


if __name__ == "__main__":
    unittest.main()
