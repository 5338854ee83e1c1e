"""Runs examples/preconditioner.mlir, or that of packed sequences, and compares
with a loop over tokens in f64.

With --rule, which names a delta rule whose keys are preconditioned, also runs
that, on what was found, and compares with what comes of both loops.
Other arguments go to `heddle run`.
"""

import numpy
from attention import Run, bf16
from recurrence import (
    PRECONDITIONER_TOLERANCES,
    TOLERANCES,
    check,
    draw_gates,
    draw_strengths,
    feed_preconditioner,
    lay_out,
    make_recurrence_parser,
    precondition,
    recur,
)

parser = make_recurrence_parser(__doc__)
parser.add_argument("--rule", help="the program that takes what scales keys")
arguments, rest = parser.parse_known_args()

key_heads, heads = arguments.heads
width, columns = arguments.sizes
run = Run(arguments.program, arguments.folder, rest)
(batch, states, total, edges), k, drawn = feed_preconditioner(run, arguments)
found, last = run("M", "A1")
g, beta, center, first = drawn.values()
if edges:
    # Of each sequence its own sums.
    parts = [
        precondition(k[None, i:j], g[None, i:j], beta[None, i:j], center, first[n : n + 1])
        for n, (i, j) in enumerate(zip(edges, edges[1:]))
    ]
    scales = numpy.concatenate([scales[0] for scales, _ in parts])
    sums = numpy.concatenate([sums for _, sums in parts])
else:
    scales, sums = precondition(k, g, beta, center, first)
check("scales", found, scales, PRECONDITIONER_TOLERANCES["scales"])
check("sums", last, sums, PRECONDITIONER_TOLERANCES["sums"])

if arguments.rule:
    rule = Run(arguments.rule, arguments.folder, rest)
    lay_out(rule, arguments)
    inputs = {
        "Q": bf16(run.generator.standard_normal((*batch, total, key_heads, width))),
        "K": k,
        "V": bf16(run.generator.standard_normal((*batch, total, heads, columns))),
        "G": draw_gates(run.generator, arguments.gates, *batch, total, heads),
        "BETA": draw_strengths(run.generator, arguments.strengths, *batch, total, heads),
    }
    for buffer, array in inputs.items():
        rule.input(buffer, array, numpy.float32)
    rule.input("M", found, numpy.float32)
    initial = rule.random("H0", states, heads, width, columns)
    for what, array, right in zip(
        ("o", "final"), rule("O", "H1"), recur(*inputs.values(), initial, m=scales)
    ):
        check(what, array, right, TOLERANCES["preconditioned_delta_rule"][what])
