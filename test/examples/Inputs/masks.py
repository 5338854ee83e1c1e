"""Runs a masked attention of examples/ and compares it with NumPy, which is told
of the mask in other words than the kernel.

Other arguments go to `heddle run`.
"""

import pathlib

import numpy
from attention import Run, check, make_parser

parser = make_parser(__doc__)
parser.add_argument("--queries", type=int, required=True)
parser.add_argument("--keys", type=int, required=True)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--heads", type=int, nargs=2, default=[2, 1])
parser.add_argument("--window", type=int, default=100)
parser.add_argument("--prefix", type=int, nargs="*", default=[])
parser.add_argument("--documents", type=int, nargs="*", default=[])
arguments, rest = parser.parse_known_args()
batch, (hq, hk) = arguments.batch, arguments.heads
nq, nk = arguments.queries, arguments.keys
# A kernel that was made of an example's is told by the first part of its name.
kind = pathlib.Path(arguments.program).name.split(".")[0].split("_")[-1]
generator = numpy.random.default_rng(3)

run = Run(arguments.program, arguments.folder, rest)
run.size(B=batch, HQ=hq, HK=hk, SQ=nq, SK=nk)
q = run.random("Q", batch, hq, nq, 128)
k = run.random("K", batch, hk, nk, 128)
v = run.random("V", batch, hk, nk, 128)
# How far each key is from each query: 0 for its own, negative before it.
distance = numpy.arange(nk)[None, :] - (numpy.arange(nq)[:, None] + nk - nq)
sees = numpy.broadcast_to(distance <= 0, (batch, hq, nq, nk)).copy()
sinks = numpy.full(hq, -numpy.inf)
cap = None

if kind == "window":
    run.size(W=arguments.window)
    sees &= distance > -arguments.window
elif kind == "prefix":
    run.input("prefix", arguments.prefix)
    for b, length in enumerate(arguments.prefix):
        sees[b, ..., : max(length, 0)] = True
elif kind == "softcap":
    cap = 30.0
elif kind == "sink":
    sinks = generator.standard_normal(hq) * 5
    run.input("sinks", sinks, numpy.float32)
elif kind == "document":
    ends = numpy.cumsum(arguments.documents)
    assert ends[-1] == nq == nk
    document = numpy.searchsorted(ends, numpy.arange(nq), side="right")
    sees[:] = document[:, None] == document[None, :]
    run.input("first", (ends - arguments.documents)[document])
    run.input("end", ends[document])
elif kind == "tree":
    tree = generator.integers(0, 2**63, nq, dtype=numpy.int64) * 2 + 1
    run.input("tree", tree, numpy.int64)
    for i in range(nq):
        for t in range(nq):
            sees[..., i, nk - nq + t] = int(tree[i]) >> t & 1
elif kind == "blocks":
    rows, columns = -(-nq // 128), -(-nk // 128)
    run.size(BLOCKS=rows, LIST=columns)
    lists = {name: numpy.zeros((batch, hq, rows, columns)) for name in ("partial", "full")}
    counts = {name: numpy.zeros((batch, hq, rows)) for name in ("partial", "full")}
    for b, h, row in numpy.ndindex(batch, hq, rows):
        block = sees[b, h, row * 128 : row * 128 + 128]
        for column in generator.permutation(columns):
            at = numpy.s_[:, column * 128 : column * 128 + 128]
            # A block that is not full has keys that do not exist, or are hidden.
            is_full = block[at].all() and column * 128 + 128 <= nk
            if not block[at].any() or generator.random() < 0.3:
                block[at] = False
                continue
            name = "full" if is_full else "partial"
            lists[name][b, h, row, int(counts[name][b, h, row])] = column
            counts[name][b, h, row] += 1
    for name in ("partial", "full"):
        run.input(name, lists[name])
        run.input(f"{name}s", counts[name])
else:
    raise SystemExit(f"nothing is known of {kind}")

outputs = run("O", "L") if kind == "sink" else run("O")
for b, h in numpy.ndindex(batch, hq):
    keys, values = (x[b, h * hk // hq].astype(float) for x in (k, v))
    scores = q[b, h].astype(float) @ keys.T / numpy.sqrt(128)
    if cap:
        scores = cap * numpy.tanh(scores / cap)
    scores = numpy.where(sees[b, h], scores, -numpy.inf)
    top = numpy.maximum(scores.max(axis=1, initial=-1e30), sinks[h])
    weights = numpy.exp(scores - top[:, None])
    total = weights.sum(axis=1) + numpy.exp(sinks[h] - top)
    mean = weights @ values / numpy.where(total > 0, total, 1)[:, None]
    with numpy.errstate(divide="ignore"):
        expected = mean, top + numpy.log(total)
    check(f"sequence {b}, head {h}", [x[b, h] for x in outputs], expected)
