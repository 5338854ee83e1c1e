"""Runs examples/linear_attention_backward or gated_delta_rule_backward.mlir and
compares.

The program's name says which recurrence it is, and whether sequences are packed.
Other arguments go to `heddle run`.
"""

import numpy
from attention import Run, make_parser, starts
from recurrence import (
    GRADIENT_TOLERANCES,
    TOLERANCES,
    check,
    differentiate,
    differentiate_packed,
    draw_gates,
    draw_keys,
    draw_strengths,
)

parser = make_parser(__doc__)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--tokens", type=int, nargs="+", default=[1])
parser.add_argument("--heads", type=int, nargs=2, default=(1, 2), help="of keys, of values")
parser.add_argument("--gates", default="usual")
parser.add_argument("--strengths", default="usual")
parser.add_argument("--keys", default="usual")
arguments, rest = parser.parse_known_args()

name = next(name for name in TOLERANCES if name in arguments.program)
tokens, (key_heads, heads) = arguments.tokens, arguments.heads
run = Run(arguments.program, arguments.folder, rest)
if packed := "varlen" in arguments.program:
    batch, states, total, edges = (), len(tokens), sum(tokens), starts(tokens)
    run.size(N=states, STARTS=len(edges), T=total, HK=key_heads, HV=heads)
    run.input("starts", edges)
else:
    batch, states, total = (arguments.batch,), arguments.batch, tokens[0]
    run.size(B=states, T=total, HK=key_heads, HV=heads)
q = run.random("Q", *batch, total, key_heads, 128)
k = draw_keys(run.generator, arguments.keys, *batch, total, key_heads, 128)
v = run.random("V", *batch, total, heads, 128)
g = draw_gates(run.generator, arguments.gates, *batch, total, heads)
run.input("K", k, numpy.float32)
run.input("G", g, numpy.float32)
initial = run.random("H0", states, heads, 128, 128)
dout = run.random("dO", *batch, total, heads, 128)
dfinal = run.random("dH1", states, heads, 128, 128)
names, beta = ["dQ", "dK", "dV", "dG", "dH0"], None
if name == "gated_delta_rule":
    beta = draw_strengths(run.generator, arguments.strengths, *batch, total, heads)
    run.input("BETA", beta, numpy.float32)
    names.append("dBETA")
found = run(*names)
arrays = q, k, v, g, initial, dout, dfinal, beta
expected = differentiate_packed(edges, *arrays) if packed else differentiate(*arrays)
for what, array, right in zip(names, found, expected):
    check(what, array, right, GRADIENT_TOLERANCES[what])
