"""Runs examples/attention_mixed.mlir and compares it with attention in NumPy.

Sequences have the queries and lengths that are given; other arguments go to
`heddle run`.
"""

import numpy

from attention import Run, attend, check, make_parser

PAGE = 128

parser = make_parser(__doc__)
parser.add_argument("--queries", type=int, nargs="+", required=True)
parser.add_argument("--lengths", type=int, nargs="+", required=True)
parser.add_argument("--heads", type=int, default=1)
parser.add_argument("--group", type=int, default=4)
arguments, rest = parser.parse_known_args()

lengths, heads, group = arguments.lengths, arguments.heads, arguments.group
count = len(lengths)
starts = numpy.cumsum([0, *arguments.queries])
pages = [-(-length // PAGE) for length in lengths]
run = Run(arguments.program, arguments.folder, rest)
run.size(B=count, STARTS=count + 1, HK=heads, GROUP=group)
run.size(ROWS=starts[-1] * group, SQ_MAX=max(arguments.queries))
run.size(POOL=sum(pages), PAGES=max(pages))
q = run.random("Q", heads, starts[-1] * group, 128)
k = run.random("K", sum(pages), heads, PAGE, 128)
v = run.random("V", sum(pages), heads, PAGE, 128)
order = run.generator.permutation(sum(pages))
table = numpy.full((count, max(pages)), -1, numpy.int32)
for b in range(count):
    table[b, : pages[b]] = order[sum(pages[:b]) : sum(pages[: b + 1])]
run.input("pages", table)
run.input("starts", starts)
run.input("lengths", lengths)
out, sums = run("O", "L")
for b, length in enumerate(lengths):
    rows = slice(starts[b] * group, starts[b + 1] * group)
    queries = numpy.arange(arguments.queries[b] * group) // group
    positions = queries + length - arguments.queries[b]
    for h in range(heads):
        kept = [x[table[b, : pages[b]], h].reshape(-1, 128)[:length] for x in (k, v)]
        expected = attend(q[h, rows], *kept, True, positions)
        check(f"sequence {b}, head {h}", (out[h, rows], sums[h, rows]), expected)
