"""Writes f32 matrices that show how f32 rounds to tf32, and their product.

A is M x K and B is N x K; all but their first columns are zero, so that each
element of A * B^T is one product of tf32 numbers, which f32 holds. The elements
of A and B are ties, that is halfway between two tf32 numbers, and the neighbours
of ties. The files are called PREFIX and A.npy, B.npy and C.npy. It needs no
NumPy.
"""

import argparse
import struct

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("prefix")
parser.add_argument("sizes", type=int, nargs=3, help="M N K")
parser.add_argument("--scale", type=float, default=1.0, help="of A and B in the product")
arguments = parser.parse_args()
m, n, k = arguments.sizes


def write(name, rows, columns, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(arguments.prefix + name + ".npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode() + struct.pack(f"<{rows * columns}f", *values))


def sample(i):
    """A tie between two tf32 numbers, or the next f32 number below or above it."""
    low = 0x1000 + i // 2 % 3 - 1
    bits = (0x3F800 + i * 37 % 0x800) << 12 & ~0x1FFF | low
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    return -value if i % 2 else value


def round_tf32(value):
    """To nearest even: the 13 low bits of f32 go."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    bits = bits + 0x0FFF + (bits >> 13 & 1) & ~0x1FFF
    return struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))[0]


a = [sample(i) for i in range(m)]
b = [sample(3 * i + 1) for i in range(n)]
rounded_a = [round_tf32(arguments.scale * x) for x in a]
rounded_b = [round_tf32(arguments.scale * x) for x in b]
write("A", m, k, [x for value in a for x in [value] + [0.0] * (k - 1)])
write("B", n, k, [x for value in b for x in [value] + [0.0] * (k - 1)])
write("C", m, n, [x * y for x in rounded_a for y in rounded_b])
