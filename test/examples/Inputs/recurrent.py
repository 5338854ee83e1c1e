"""Runs examples/linear_attention or gated_delta_rule.mlir and compares.

The program's name says which recurrence it is. Other arguments go to
`heddle run`.
"""

import numpy

from attention import Run, make_parser
from recurrence import (
    TOLERANCES,
    check,
    draw_gates,
    draw_keys,
    draw_strengths,
    recur,
)

parser = make_parser(__doc__)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--tokens", type=int, required=True)
parser.add_argument("--heads", type=int, nargs=2, default=(1, 2), help="of keys, of values")
parser.add_argument("--gates", default="usual")
parser.add_argument("--strengths", default="usual")
parser.add_argument("--keys", default="usual")
arguments, rest = parser.parse_known_args()

batch, tokens, (key_heads, heads) = arguments.batch, arguments.tokens, arguments.heads
name = next(name for name in TOLERANCES if name in arguments.program)
run = Run(arguments.program, arguments.folder, rest)
run.size(B=batch, T=tokens, HK=key_heads, HV=heads)
q = run.random("Q", batch, tokens, key_heads, 128)
v = run.random("V", batch, tokens, heads, 128)
inputs = {
    "K": draw_keys(run.generator, arguments.keys, batch, tokens, key_heads, 128),
    "G": draw_gates(run.generator, arguments.gates, batch, tokens, heads),
}
if name == "gated_delta_rule":
    inputs["BETA"] = draw_strengths(run.generator, arguments.strengths, batch, tokens, heads)
for buffer, array in inputs.items():
    run.input(buffer, array, numpy.float32)
initial = run.random("H0", batch, heads, 128, 128)
out, final = run("O", "H1")
expected = recur(q, inputs["K"], v, inputs["G"], inputs.get("BETA"), initial)
for what, found, right in zip(("o", "final"), (out, final), expected):
    check(what, found, right, TOLERANCES[name][what])
