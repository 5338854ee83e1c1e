"""Runs examples/preconditioner_backward.mlir, or that of packed sequences, and
compares with a loop over tokens in f64.

Other arguments go to `heddle run`.
"""

import numpy
from attention import Run
from recurrence import (
    PRECONDITIONER_TOLERANCES,
    check,
    differentiate_preconditioner,
    feed_preconditioner,
    make_recurrence_parser,
)

arguments, rest = make_recurrence_parser(__doc__).parse_known_args()

key_heads = arguments.heads[0]
run = Run(arguments.program, arguments.folder, rest)
(batch, states, total, edges), k, drawn = feed_preconditioner(run, arguments)
dscales = run.random("dM", *batch, total, key_heads, 128)
dsums = run.random("dA1", states, key_heads, 128)
if edges:
    # Of each sequence its own sums: what belongs to tokens lies side by side, what to sequences one by one.
    g, beta, center, first = drawn.values()
    parts = []
    for n, (i, j) in enumerate(zip(edges, edges[1:])):
        tokens = (x[None, i:j] for x in (k, g, beta))
        parts.append(differentiate_preconditioner(*tokens, center, first[n : n + 1], dscales[None, i:j], dsums[n : n + 1]))
    expected = {}
    for what in parts[0]:
        of_sequences = what in ("dCENTER", "dA0")
        whole = numpy.concatenate([part[what] for part in parts], axis=0 if of_sequences else 1)
        expected[what] = whole if of_sequences else whole[0]
else:
    expected = differentiate_preconditioner(k, *drawn.values(), dscales, dsums)
for what, array in zip(expected, run(*expected)):
    check(what, array, expected[what], PRECONDITIONER_TOLERANCES[what])
