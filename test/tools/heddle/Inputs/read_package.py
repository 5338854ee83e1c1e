"""Prints what is in a package as docs/package.md describes the format."""

import json
import struct
import sys

data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89HDL\r\n\x1a\n"
major, minor, producer, size, table, count = struct.unpack_from("<II40sQQI", data, 8)
assert size == len(data)
print(f"version {major}.{minor}, {producer.rstrip(bytes(1)).decode()}")
kinds = {1: "metadata", 2: "PTX", 3: "cubin", 4: "reference"}
for i in range(count):
    kind, _, offset, size, arch, _ = struct.unpack_from(
        "<IIQQ16s16s", data, table + 56 * i
    )
    assert offset % 64 == 0
    section = data[offset : offset + size]
    print("section", kinds[kind], arch.rstrip(bytes(1)).decode())
    if kind == 1:
        print(json.dumps(json.loads(section), indent=1))
    if kind == 2:
        print(section.decode())
