"""Runs gradients of a recurrence of examples/ whose state is a matrix, and compares.

The program's name says which recurrence it is, and whether sequences are packed.
Other arguments go to `heddle run`.
"""

import numpy
from attention import Run
from recurrence import (
    GRADIENT_TOLERANCES,
    TOLERANCES,
    check,
    differentiate,
    differentiate_packed,
    draw_gates,
    draw_keys,
    draw_strengths,
    lay_out,
    make_recurrence_parser,
)

arguments, rest = make_recurrence_parser(__doc__).parse_known_args()

name = next(name for name in TOLERANCES if name in arguments.program)
key_heads, heads = arguments.heads
run = Run(arguments.program, arguments.folder, rest)
batch, states, total, edges = lay_out(run, arguments)
q = run.random("Q", *batch, total, key_heads, 128)
k = draw_keys(run.generator, arguments.keys, *batch, total, key_heads, 128)
v = run.random("V", *batch, total, heads, 128)
each = (128,) if name == "kimi_delta_attention" else ()  # channel of keys decays by itself
g = draw_gates(run.generator, arguments.gates, *batch, total, heads, *each)
run.input("K", k, numpy.float32)
run.input("G", g, numpy.float32)
initial = run.random("H0", states, heads, 128, 128)
dout = run.random("dO", *batch, total, heads, 128)
dfinal = run.random("dH1", states, heads, 128, 128)
names, beta, m = ["dQ", "dK", "dV", "dG", "dH0"], None, None
if "delta" in name:
    beta = draw_strengths(run.generator, arguments.strengths, *batch, total, heads)
    run.input("BETA", beta, numpy.float32)
    names.append("dBETA")
if name == "preconditioned_delta_rule":
    m = run.generator.uniform(0.5, 1.5, (*batch, total, key_heads, 128))
    run.input("M", m, numpy.float32)
    names.append("dM")
found = run(*names)
arrays = q, k, v, g, initial, dout, dfinal, beta, m
expected = differentiate_packed(edges, *arrays) if edges else differentiate(*arrays)
for what, array, right in zip(names, found, expected):
    check(what, array, right, GRADIENT_TOLERANCES[what])
