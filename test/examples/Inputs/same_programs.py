"""Compares what examples/recurrence_variant.py prints with its files."""

import pathlib
import sys

examples = pathlib.Path(sys.argv[1])
sys.path.append(str(examples))
from recurrence_variant import PROGRAMS, get_variant

files = {f"{name}_{keys}".removesuffix("_128"): (name, keys) for name, program in PROGRAMS.items() for keys in [128, *program.files]}
for file, (name, keys) in files.items():
    text = get_variant(name, keys, keys, "bf16", PROGRAMS[name].blocks[keys, keys])
    assert text == (examples / f"{file}.mlir").read_text(), file
print(f"{len(files)} programs are their files")
