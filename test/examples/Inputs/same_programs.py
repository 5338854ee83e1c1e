"""Compares what examples/recurrence_variant.py prints for heads of 128 with its files."""

import pathlib
import sys

examples = pathlib.Path(sys.argv[1])
sys.path.append(str(examples))
from recurrence_variant import PROGRAMS, get_variant

for name, program in PROGRAMS.items():
    text = get_variant(name, 128, 128, "bf16", program.blocks[128, 128])
    assert text == (examples / f"{name}.mlir").read_text(), name
print(f"{len(PROGRAMS)} programs are their files")
