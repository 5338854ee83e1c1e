"""Runs examples/attention_backward_varlen.mlir and compares with NumPy's gradients.

Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

import numpy
from attention import Run, attend, bf16, make_packed_parser, starts
from gradients import check, differentiate, plainly

parser = make_packed_parser(__doc__)
parser.add_argument("--dim", type=int, default=128)
parser.add_argument("--causal", action="store_true")
arguments, rest = parser.parse_known_args()

queries, keys = starts(arguments.queries), starts(arguments.keys)
hq, hk = arguments.heads
run = Run(arguments.program, arguments.folder, rest)
run.size(B=len(arguments.queries), STARTS=len(queries), HQ=hq, HK=hk, TQ=queries[-1], TK=keys[-1])
run.size(SQ_MAX=max(arguments.queries), SK_MAX=max(arguments.keys), CAUSAL=int(arguments.causal))
q = run.random("Q", hq, queries[-1], arguments.dim)
k = run.random("K", hk, keys[-1], arguments.dim)
v = run.random("V", hk, keys[-1], arguments.dim)
g = run.random("dO", hq, queries[-1], arguments.dim)
o, l = numpy.zeros(q.shape), numpy.zeros(q.shape[:2])
exact, plain = ([numpy.zeros(x.shape) for x in (q, k, v)] for _ in range(2))
for b in range(len(arguments.queries)):
    rows, columns = slice(*queries[b : b + 2]), slice(*keys[b : b + 2])
    for h in range(hq):
        kept = h * hk // hq, columns
        o[h, rows], l[h, rows] = attend(q[h, rows], k[kept], v[kept], arguments.causal)
        tiles = [numpy.asarray(x, numpy.float64) for x in (q[h, rows], k[kept], v[kept], g[h, rows])]
        for sums, keep in ((exact, lambda x: x), (plain, plainly)):
            dq, dk, dv = differentiate(*tiles, arguments.causal, keep)
            sums[0][h, rows] = dq
            sums[1][kept] += dk
            sums[2][kept] += dv
for name, array, dtype in (("O", bf16(o), "f4"), ("L", l, "f4"), ("starts_q", queries, "i4"), ("starts_k", keys, "i4")):
    run.input(name, array, dtype)
check(run("dQ", "dK", "dV"), exact, plain)
