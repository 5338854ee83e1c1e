"""Runs examples/attention_decode, _stream_k, _paged or _gathered.mlir and compares.

With `--page`, keys and values are in pages of that many rows, in random order.
With `--parts`, the plan must give that many blocks equal shares of all keys.
Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

import numpy

from attention import Run, attend, check, make_cached_parser

parser = make_cached_parser(__doc__, heads=2)
parser.add_argument("--group", type=int, default=4)
parser.add_argument("--repeat", type=int, default=1, help="of all sequences")
parser.add_argument("--splits", type=int)
parser.add_argument("--page", type=int)
parser.add_argument("--parts", type=int)
arguments, rest = parser.parse_known_args()

lengths, sq, heads = arguments.lengths * arguments.repeat, arguments.queries, arguments.heads
count, longest, rows = len(lengths), max(lengths), arguments.group * sq
run = Run(arguments.program, arguments.folder, rest)
run.size(B=count, HK=heads, ROWS=rows, SQ=sq)
q = run.random("Q", count, heads, rows, 128)
run.input("lengths", lengths)
if arguments.page:
    page = arguments.page
    needed = -(-longest // page)
    pool = sum(-(-length // page) for length in lengths) + 2
    run.size(POOL=pool, PAGES=needed)
    if "gathered" in arguments.program:
        run.size(PAGE=page)
    k = run.random("K", pool, heads, page, 128)
    v = run.random("V", pool, heads, page, 128)
    # Entries that no sequence needs may be anything.
    table = numpy.full((count, needed), -(2**31), numpy.int32)
    free = run.generator.permutation(pool)
    for b, length in enumerate(lengths):
        used = -(-length // page)
        table[b, :used], free = free[:used], free[used:]
    run.input("pages", table)

    def get(pages, b, h):
        used = table[b][: -(-lengths[b] // page)]
        return pages[used, h].reshape(-1, 128)[: lengths[b]]

else:
    run.size(SK_MAX=longest, SPLITS=arguments.splits)
    k = run.random("K", count, heads, longest, 128)
    v = run.random("V", count, heads, longest, 128)

    def get(cache, b, h):
        return cache[b, h, : lengths[b]]


def check_plan(plan):
    """All units of work, in order, and to which part each should belong."""
    units = []
    for b, length in enumerate(lengths):
        for request in range(heads * -(-rows // 64)):
            number = b * heads * -(-rows // 64) + request
            units += [(number, block) for block in range(max(-(-length // 128), 1))]
    shares = numpy.array_split(numpy.arange(len(units)), arguments.parts)
    for part, share in enumerate(shares):
        first, last = plan[:, :2, part]
        if not len(share):
            assert first[0] > last[0], f"part {part} has work"
            continue
        assert tuple(first) == units[share[0]], f"part {part} begins at {first}"
        assert tuple(last) == units[share[-1]], f"part {part} ends at {last}"
    print(f"plan of {len(units)} for {len(shares)}: ok")


if arguments.parts:
    run.size(PARTS=arguments.parts)
    out, sums, plan = run("O", "L", "plan")
    check_plan(plan)
else:
    out, sums = run("O", "L")
for b, length in enumerate(lengths):
    positions = numpy.arange(rows) % sq + length - sq
    for h in range(heads):
        expected = attend(q[b, h], get(k, b, h), get(v, b, h), True, positions)
        check(f"sequence {b}, head {h}", (out[b, h], sums[b, h]), expected)
