"""Writes the arrays that npy.test reads. It needs no NumPy."""

import struct
import sys

VALUES = [0.5, -1.0, 3.140625, 1e-3, 100.0, 7.0]


def write(name, descr, shape, data, fortran=False):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(sys.argv[1] + name + ".npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode() + data)


def bf16(value):
    """The upper half of f32, rounded to nearest even."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


halves = struct.pack("<6H", *map(bf16, VALUES))
columns = [VALUES[row * 3 + column] for column in range(3) for row in range(2)]
write("f4", "<f4", "(2, 3)", struct.pack("<6f", *VALUES))
write("f8", "<f8", "(2, 3)", struct.pack("<6d", *VALUES))
write("V2", "|V2", "(2, 3)", halves)
write("u2", "<u2", "(2, 3)", halves)
write("fortran", "<f4", "(2, 3)", struct.pack("<6f", *columns), fortran=True)
write("shape", "<f4", "(3, 2)", struct.pack("<6f", *VALUES))
write("i4", "<i4", "(2, 3)", struct.pack("<6i", *range(6)))
write("n8", "<i8", "(2,)", struct.pack("<2q", 1, 2))
write("big", ">f4", "(2, 3)", struct.pack(">6f", *VALUES))
