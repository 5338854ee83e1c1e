"""Runs examples/state_scan.mlir and compares it with a loop over segments in f64.

Other arguments go to `heddle run`.
"""

import numpy
from attention import Run, make_parser
from recurrence import check

# Products of `dense` see ten bits of matrices and states.
TOLERANCES = {"scalar": 1e-6, "diagonal": 1e-6, "dense": 1e-3}

parser = make_parser(__doc__)
parser.add_argument("--kind", choices=TOLERANCES, required=True)
parser.add_argument("--reverse", action="store_true")
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--segments", type=int, required=True)
parser.add_argument("--heads", type=int, default=2)
arguments, rest = parser.parse_known_args()

kind, reverse = arguments.kind, arguments.reverse
entry = kind + ("_reverse" if reverse else "")
run = Run(arguments.program, arguments.folder, [*rest, "--entry", entry])
segments = arguments.batch, arguments.segments, arguments.heads
run.size(B=segments[0], N=segments[1], H=segments[2])
shape = {"scalar": (), "diagonal": (128,), "dense": (128, 128)}[kind]
factors = run.generator.uniform(0, 1.1, (*segments, *shape))
if kind == "dense":
    # What delta rules make: some directions stay, others go.
    factors = numpy.eye(128) - factors / 64
else:
    factors.reshape(-1)[::5] = 0
factors = factors.astype(numpy.float32)
run.input("A", factors, numpy.float32)
added = run.random("S", *segments, 128, 128)
state = run.random("H0", segments[0], segments[2], 128, 128).astype(numpy.float64)

wide = factors.astype(numpy.float64)
if kind == "dense":
    multiply = lambda a, s: (a.swapaxes(-1, -2) if reverse else a) @ s
else:
    multiply = lambda a, s: a.reshape(*a.shape[:2], -1, 1) * s
before = numpy.empty(added.shape)
steps = range(segments[1])
for j in reversed(steps) if reverse else steps:
    before[:, j] = state
    state = multiply(wide[:, j], state) + added[:, j]
found = run("Before", "H1")
check("before", found[0], before, TOLERANCES[kind])
check("final", found[1], state, TOLERANCES[kind])
