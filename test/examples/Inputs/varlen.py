"""Runs examples/attention_varlen.mlir and compares it with attention in NumPy.

Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

from attention import Run, attend, check, make_packed_parser, starts

parser = make_packed_parser(__doc__)
arguments, rest = parser.parse_known_args()

queries, keys = starts(arguments.queries), starts(arguments.keys)
hq, hk = arguments.heads
run = Run(arguments.program, arguments.folder, rest)
run.size(B=len(arguments.queries), STARTS=len(queries), HQ=hq, HK=hk)
run.size(TQ=queries[-1], TK=keys[-1], SQ_MAX=max(arguments.queries))
q = run.random("Q", hq, queries[-1], 128)
k = run.random("K", hk, keys[-1], 128)
v = run.random("V", hk, keys[-1], 128)
run.input("starts_q", queries)
run.input("starts_k", keys)
out, sums = run("O", "L")
for b in range(len(arguments.queries)):
    rows, columns = slice(*queries[b : b + 2]), slice(*keys[b : b + 2])
    for h in range(hq):
        kept = h * hk // hq, columns
        expected = attend(q[h, rows], k[kept], v[kept], causal=True)
        check(f"sequence {b}, head {h}", (out[h, rows], sums[h, rows]), expected)
