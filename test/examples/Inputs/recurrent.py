"""Runs examples/linear_attention or gated_delta_rule.mlir and compares.

The program's name says which recurrence it is, and whether sequences are packed.
Other arguments go to `heddle run`.
"""

import numpy

from attention import Run, make_parser, starts
from recurrence import (
    TOLERANCES,
    check,
    draw_gates,
    draw_keys,
    draw_strengths,
    recur,
    recur_packed,
)

parser = make_parser(__doc__)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--tokens", type=int, nargs="+", required=True)
parser.add_argument("--heads", type=int, nargs=2, default=(1, 2), help="of keys, of values")
parser.add_argument("--gates", default="usual")
parser.add_argument("--strengths", default="usual")
parser.add_argument("--keys", default="usual")
arguments, rest = parser.parse_known_args()

tokens, (key_heads, heads) = arguments.tokens, arguments.heads
name = next(name for name in TOLERANCES if name in arguments.program)
packed = "varlen" in arguments.program
run = Run(arguments.program, arguments.folder, rest)
if packed:
    batch, states, total, edges = (), len(tokens), sum(tokens), starts(tokens)
    run.size(N=states, STARTS=len(edges), T=total, HK=key_heads, HV=heads)
    run.input("starts", edges)
else:
    batch, states, total = (arguments.batch,), arguments.batch, tokens[0]
    run.size(B=states, T=total, HK=key_heads, HV=heads)
q = run.random("Q", *batch, total, key_heads, 128)
v = run.random("V", *batch, total, heads, 128)
inputs = {
    "K": draw_keys(run.generator, arguments.keys, *batch, total, key_heads, 128),
    "G": draw_gates(run.generator, arguments.gates, *batch, total, heads),
}
if name == "gated_delta_rule":
    inputs["BETA"] = draw_strengths(run.generator, arguments.strengths, *batch, total, heads)
for buffer, array in inputs.items():
    run.input(buffer, array, numpy.float32)
initial = run.random("H0", states, heads, 128, 128)
out, final = run("O", "H1")
arrays = [q, inputs["K"], v, inputs["G"], inputs.get("BETA")]
if packed:
    q, k, v, g, beta = (x if x is None else x[None] for x in arrays)
    expected = recur_packed(q, k, v, edges, g, beta, initial)
    expected = expected[0][0], expected[1]
else:
    q, k, v, g, beta = arrays
    expected = recur(q, k, v, g, beta, initial)
for what, found, right in zip(("o", "final"), (out, final), expected):
    check(what, found, right, TOLERANCES[name][what])
