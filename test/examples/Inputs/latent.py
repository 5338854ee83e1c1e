"""Runs examples/attention_latent.mlir and compares it with attention in NumPy.

Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

import argparse

import numpy

from attention import Run, attend, check

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("program")
parser.add_argument("folder")
parser.add_argument("--lengths", type=int, nargs="+", required=True)
parser.add_argument("--queries", type=int, default=1)
parser.add_argument("--heads", type=int, default=16)
arguments, rest = parser.parse_known_args()

lengths, sq, heads = arguments.lengths, arguments.queries, arguments.heads
rows, longest = heads * sq, max(lengths)
run = Run(arguments.program, arguments.folder, rest)
run.size(B=len(lengths), ROWS=rows, SQ=sq, SK_MAX=longest)
q = run.random("Q", len(lengths), rows, 576)
c = run.random("C", len(lengths), longest, 576)
run.input("lengths", lengths)
out, sums = run("O", "L")
for b, length in enumerate(lengths):
    positions = numpy.arange(rows) % sq + length - sq
    keys = c[b, :length]
    expected = attend(q[b], keys, keys[:, :512], True, positions, width=192)
    check(f"sequence {b}", (out[b], sums[b]), expected)
