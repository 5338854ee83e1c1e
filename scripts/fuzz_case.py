"""Runs one tile program as scripts/fuzz does, and says what became of it."""

import dataclasses
import math
import pathlib
import random
import re
import resource
import signal
import struct
import subprocess
import time

# NumPy's names of types, and those of the struct module. Files of wider floats
# are rounded by whoever reads them.
TYPES = {"i8": ("|i1", "b"), "i16": ("<i2", "h"), "i32": ("<i4", "i"), "i64": ("<i8", "q"), "f16": ("<f2", "e"),
         "f64": ("<f8", "d")}
# Of processor time; a program that waits for nothing does not end either.
LIMIT_SECONDS, LIMIT_WAIT = 120, 1200
ARGUMENT = re.compile(r"(out |inout |)%(\w+): memref<([^,>]*)>(?:\[([^\]]*)\])?")


@dataclasses.dataclass
class Case:
    """A program, and what it runs on."""

    source: str
    sizes: dict
    seed: int
    # The greatest magnitude of each buffer's numbers.
    bounds: dict
    options: tuple = ()

    def get_buffers(self):
        """(access, name, element type, shape) of each buffer of the host function."""
        host = self.source[self.source.index("tile.host"):]
        for access, name, text, names in ARGUMENT.findall(host[:host.index(") {")]):
            *extents, elem = text.split("x")
            dynamic = iter((names or "").replace("%", "").split(","))
            yield access.strip(), name, elem, [self.sizes[next(dynamic).strip()] if e == "?" else int(e)
                                               for e in extents]


@dataclasses.dataclass
class Outcome:
    """`verdict` is right, refused, badly refused, wrong, crashed or slow."""

    verdict: str
    details: str = ""
    seconds: float = 0.0

    @property
    def failed(self):
        return self.verdict not in ("right", "refused")

    @property
    def kind(self):
        """What two failures of one cause have in common."""
        found = re.search(r"error: .*\[([a-z-]+)[,\]]|(WRONG)|exit code (-?\d+)|(Assertion.*failed)", self.details)
        return self.verdict, next((g for g in found.groups() if g), "") if found else ""


def write_npy(path, elem, shape, values):
    """Writes a NumPy file."""
    descr, code = TYPES.get(elem, ("<f4", "f"))
    extents = "".join(f"{extent}," for extent in shape)
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}"
    header = header.ljust(117) + "\n" if len(header) < 118 else header + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                     struct.pack(f"<{len(values)}{code}", *values))


def write_inputs(case, folder):
    """Small integers, which no sum rounds; returns the options that name them."""
    options = []
    for access, name, elem, shape in case.get_buffers():
        if access == "out":
            continue
        bound = int(min(case.bounds.get(name, 4), 4 if access else 127))
        rng = random.Random(f"{case.seed} {name}")
        write_npy(folder / f"{name}.npy", elem, shape, rng.choices(range(-bound, bound + 1), k=math.prod(shape)))
        options += ["--input", f"{name}={folder / name}.npy"]
    return options


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_SECONDS, LIMIT_SECONDS + 5))


def run(heddle, case, folder):
    """Runs a case in a folder, which then has what it takes to run it again."""
    folder = pathlib.Path(folder)
    source = folder / "program.mlir"
    source.write_text(case.source)
    options = [f"--size={name}={value}" for name, value in case.sizes.items()]
    options += write_inputs(case, folder)
    command = [heddle, "run", str(source), *options, "--check", "--device=virtual", *case.options]
    (folder / "command").write_text(" ".join(command) + "\n")
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LIMIT_WAIT,
                              preexec_fn=limit_time)
    except subprocess.TimeoutExpired:
        return Outcome("slow", f"did not end within {LIMIT_WAIT} seconds", LIMIT_WAIT)
    seconds = time.monotonic() - start
    if done.returncode == -signal.SIGXCPU:
        return Outcome("slow", f"did not end within {LIMIT_SECONDS} seconds of processor time", seconds)
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    if done.returncode == 0:
        return Outcome("right", "", seconds)
    if done.returncode == 2:
        # Every kernel may have an error of its own.
        if errors and all(re.search(r"program\.mlir:\d+:\d+: error: ", error) for error in errors):
            return Outcome("refused", errors[0].split("error: ", 1)[1], seconds)
        return Outcome("badly refused", done.stderr, seconds)
    if done.returncode == 1:
        return Outcome("wrong", done.stdout + done.stderr, seconds)
    return Outcome("crashed", f"exit code {done.returncode}\n{done.stderr}", seconds)
