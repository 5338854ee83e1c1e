"""Runs an example of attention's gradients and compares with NumPy's.

    backward.py PROGRAM FOLDER [--batch B] [--heads HQ HK] [--queries SQ] [--keys SK]
                [--dim D] [--causal] [--scale X] [OPTION OF heddle run]...
"""

import numpy
from attention import Run, attend, bf16, make_parser
from gradients import check, differentiate, plainly


def gradients(q, k, v, g, causal, keep):
    """The gradients of all heads; those that share keys and values add up."""
    q, k, v, g = (numpy.asarray(x, numpy.float64) for x in (q, k, v, g))
    group = q.shape[1] // k.shape[1]
    dq, dk, dv = numpy.zeros_like(q), numpy.zeros_like(k), numpy.zeros_like(v)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            kv = h // group
            parts = differentiate(q[b, h], k[b, kv], v[b, kv], g[b, h], causal, keep)
            dq[b, h] = parts[0]
            dk[b, kv] += parts[1]
            dv[b, kv] += parts[2]
    return dq, keep(dk), keep(dv)


parser = make_parser(__doc__)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--heads", type=int, nargs=2, default=[2, 1])
parser.add_argument("--queries", type=int, default=100)
parser.add_argument("--keys", type=int, default=100)
parser.add_argument("--dim", type=int, default=128)
parser.add_argument("--causal", action="store_true")
parser.add_argument("--scale", type=float, default=1, help="of the queries")
parser.add_argument("--shift", type=float, default=0, help="of all scores, about")
arguments, options = parser.parse_known_args()
(hq, hk), d = arguments.heads, arguments.dim
rows, columns = (arguments.batch, hq, arguments.queries, d), (arguments.batch, hk, arguments.keys, d)

run = Run(arguments.program, arguments.folder, options)
run.size(B=arguments.batch, HQ=hq, HK=hk, SQ=arguments.queries, SK=arguments.keys, CAUSAL=int(arguments.causal))
q, k, v, g = (run.generator.standard_normal(shape) for shape in (rows, columns, columns, rows))
q = bf16(arguments.scale * q)
if arguments.shift:
    # The first component of each query times that of each key.
    q[..., 0] = numpy.copysign(numpy.sqrt(abs(arguments.shift) * numpy.sqrt(d)), arguments.shift)
    k[..., 0] = abs(q[..., :1, 0]).repeat(arguments.keys, axis=-1)[:, :hk]
    q = bf16(q)
k, v, g = bf16(k), bf16(v), bf16(g)
o, l = numpy.zeros(rows), numpy.zeros(rows[:3])
for b in range(arguments.batch):
    for h in range(hq):
        kv = h * hk // hq
        o[b, h], l[b, h] = attend(q[b, h], k[b, kv], v[b, kv], arguments.causal)
for name, array in (("Q", q), ("K", k), ("V", v), ("O", bf16(o)), ("dO", g), ("L", l)):
    run.input(name, array, numpy.float32)
found = run("dQ", "dK", "dV")
exact = gradients(q, k, v, g, arguments.causal, lambda x: x)
plain = gradients(q, k, v, g, arguments.causal, plainly)
check(found, exact, plain)
assert not numpy.asarray(found[0])[~numpy.isfinite(l)].any(), "rows that see nothing have gradients"
print(f"logarithms from {l.min(initial=0):.3g}" if l.size else "no logarithms")
