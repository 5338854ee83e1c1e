"""Runs examples/attention_fp8_cache.mlir or attention_int4_cache.mlir and
compares it with attention in NumPy.

Sequences have the lengths that are given; other arguments go to `heddle run`.
"""

import numpy

from attention import Run, attend, check, make_cached_parser

parser = make_cached_parser(__doc__, heads=2)
parser.add_argument("--group", type=int, default=4)
arguments, rest = parser.parse_known_args()

lengths, sq, heads = arguments.lengths, arguments.queries, arguments.heads
count, longest, rows = len(lengths), max(lengths), arguments.group * sq
run = Run(arguments.program, arguments.folder, rest)
run.size(B=count, HK=heads, ROWS=rows, SQ=sq, SK_MAX=longest)
q = run.random("Q", count, heads, rows, 128)
run.input("lengths", lengths)


def float8(name):
    """Numbers that e4m3 holds, in eighths, and a scale for each head."""
    shape = (count, heads, longest, 128)
    stored = run.generator.integers(-15, 16, shape) / 8
    scales = run.generator.uniform(0.5, 1.5, shape[:2]).astype(numpy.float32)
    run.input(name, stored, numpy.float32)
    run.input(f"scales_{name.lower()}", scales, numpy.float32)
    return stored * scales[:, :, None, None]


def int4(name):
    """Numbers of -8 to 7, two in a byte, and a scale for each row."""
    shape = (count, heads, longest, 128)
    stored = run.generator.integers(-8, 8, shape)
    scales = run.generator.uniform(0.1, 0.3, shape[:3]).astype(numpy.float32)
    packed = (stored[..., :64] & 15 | stored[..., 64:] << 4).astype(numpy.int8)
    run.input(name, packed, numpy.int8)
    run.input(f"scales_{name.lower()}", scales, numpy.float32)
    return stored * scales[..., None]


make = int4 if "int4" in arguments.program else float8
k, v = make("K"), make("V")
out, sums = run("O", "L")
for b, length in enumerate(lengths):
    positions = numpy.arange(rows) % sq + length - sq
    for h in range(heads):
        kept = b, h, slice(length)
        expected = attend(q[b, h], k[kept], v[kept], True, positions)
        check(f"sequence {b}, head {h}", (out[b, h], sums[b, h]), expected)
