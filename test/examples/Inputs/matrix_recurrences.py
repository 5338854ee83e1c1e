"""Runs a linear recurrence of examples/ whose state is a matrix, and compares.

The program's name says which recurrence it is, and whether sequences are packed
or split, or one token is decoded of each.
Other arguments go to `heddle run`.
"""

import numpy

from attention import Run, bf16
from recurrence import (
    PRECONDITIONER_TOLERANCES,
    TOLERANCES,
    check,
    draw_gates,
    draw_keys,
    draw_preconditioner,
    draw_strengths,
    lay_out,
    make_recurrence_parser,
    precondition,
    recur,
    recur_packed,
)

parser = make_recurrence_parser(__doc__)
parser.add_argument("--segments", type=int)
parser.add_argument("--at-most", type=float, help="the error of outputs and states, below what all may have")
arguments, rest = parser.parse_known_args()

key_heads, heads = arguments.heads
width, columns = arguments.sizes
name = next(name for name in TOLERANCES if name in arguments.program)
decodes = "decode" in arguments.program
run = Run(arguments.program, arguments.folder, rest)
batch, states, total, edges = lay_out(run, arguments)
if arguments.segments is not None:
    run.size(SEGMENTS=arguments.segments)
normal = run.generator.standard_normal
# Which operators decay by a number for each channel of keys.
channels = (width,) if name in ("gated_linear_attention", "kimi_delta_attention") else ()
inputs = {
    "Q": bf16(normal((*batch, total, key_heads, width))),
    "V": bf16(normal((*batch, total, heads, columns))),
    "K": draw_keys(run.generator, arguments.keys, *batch, total, key_heads, width),
    "G": draw_gates(run.generator, arguments.gates, *batch, total, heads, *channels),
}
if "delta" in name:
    inputs["BETA"] = draw_strengths(run.generator, arguments.strengths, *batch, total, heads)
m = None
if name == "preconditioned_delta_rule" and not decodes:
    m = inputs["M"] = run.generator.uniform(0.5, 1.5, (*batch, total, key_heads, width))
elif name == "preconditioned_delta_rule":
    # Where a token is all there is, what scales its key is computed with it.
    drawn = arguments.gates, arguments.strengths, (*batch, total), states, key_heads, width
    drawn = draw_preconditioner(run.generator, *drawn)
    m, sums = precondition(inputs["K"], *drawn.values())
    for buffer in ("CENTER", "A0"):
        run.input(buffer, drawn.pop(buffer), numpy.float32)
    inputs |= drawn
for buffer, array in inputs.items():
    run.input(buffer, array[:, 0] if decodes else array, numpy.float32)
initial = run.random("H" if decodes else "H0", states, heads, width, columns)
outputs = {"o": "O", "final": "H" if decodes else "H1"}
tolerances = dict(TOLERANCES[name])
if arguments.at_most is not None:
    tolerances = dict.fromkeys(tolerances, arguments.at_most)
if decodes and m is not None:
    outputs["sums"], tolerances["sums"] = "A1", PRECONDITIONER_TOLERANCES["sums"]
found = run(*outputs.values())
arrays = [inputs.get(buffer) for buffer in ("Q", "K", "V", "G", "BETA")]
if edges:
    q, k, v, g, beta, m = (x if x is None else x[None] for x in (*arrays, m))
    out, final = recur_packed(q, k, v, edges, g, beta, initial, m=m)
    expected = [out[0], final]
else:
    out, final = recur(*arrays, initial, m=m)
    expected = [out[:, 0] if decodes else out, final]
if "sums" in outputs:
    expected.append(sums)
for what, array, right in zip(outputs, found, expected):
    check(what, array, right, tolerances[what])
