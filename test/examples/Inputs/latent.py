"""Runs examples/attention_latent.mlir and compares it with attention in NumPy.

Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

import numpy

from attention import Run, attend, check, make_cached_parser

parser = make_cached_parser(__doc__, heads=16)
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
