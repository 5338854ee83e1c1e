"""The correct kernels that are mutated, and how each is launched.

Sizes are small, but such that every synchronization matters: rings go round,
and persistent kernels have a second tile. Slots of a ring are used often enough that an
arrival too many or too few in each use adds up to a whole warpgroup.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

import ptx

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclasses.dataclass
class Original:
    name: str
    text: str
    launch: dict  # what `heddle run --launch` takes, without expected values
    outputs: list
    facts: set
    empty_count: int = 0  # arrivals that free a slot of the ring


def run(command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def by_hand(work, tools):
    ring = (HERE / "kernels" / "ring.ptx").read_text()
    rows = 7
    yield Original(
        "ring", ring,
        {"grid": [1], "sizes": {}, "foreign": False,
         "buffers": {"in": {"type": "i32", "shape": [rows, 64], "init": "iota"},
                     "out": {"type": "i32", "shape": [rows, 64], "init": "zeros"}},
         "arguments": ["in", "out", rows]},
        ["out"], {"mbarriers", "alone-in-cluster", "second-tile", "one-group"}, empty_count=2)  # fmt: skip
    gemm = (ROOT / "test" / "runtime" / "virtual" / "ptx" / "gemm_ws.ptx").read_text()
    steps = 5
    tile = {"box": [64, 128], "swizzle": "128B"}
    yield Original(
        "gemm-ws", gemm,
        {"grid": [1], "sharedBytes": 65536, "foreign": False,
         "buffers": {"A": {"type": "bf16", "shape": [128, 64 * steps], "init": "random:1"},
                     "B": {"type": "bf16", "shape": [128, 64 * steps], "init": "random:2"},
                     "C": {"type": "f32", "shape": [128, 128], "init": "zeros"}},
         "arguments": [{"tensorMap": {"buffer": "A", **tile}}, {"tensorMap": {"buffer": "B", **tile}}, "C", 128, steps]},
        ["C"], {"mbarriers", "alone-in-cluster"}, empty_count=2)  # fmt: skip


def cuda(work, tools):
    """Kernels that nvcc compiles."""
    if not tools.nvcc:
        return
    file = work / "cuda.ptx"
    run([tools.nvcc, "-std=c++17", "-arch=sm_90a", "-lineinfo", "-ptx", HERE / "kernels" / "cuda.cu", "-o", file])
    text = file.read_text()

    def original(kernel, launch, outputs, facts, **more):
        launch = {"kernel": kernel, "foreign": False, **launch}
        return Original(f"cuda-{kernel}", ptx.only_kernel(text, kernel), launch, outputs, facts, **more)

    def buffer(kind, shape, init):
        return {"type": kind, "shape": shape, "init": init}

    steps = 5
    yield original(
        "doubled",
        {"block": [64], "arguments": ["in", "out", steps],
         "buffers": {"in": buffer("f32", [steps, 256], "random:1"), "out": buffer("f32", [steps, 256], "zeros")}},
        ["out"], {"shared-by-warps", "one-group"})  # fmt: skip
    m, n, k = 32, 48, 64
    yield original(
        "sgemm",
        {"grid": [n // 16, m // 16], "block": [16, 16], "arguments": ["A", "B", "C", n, k],
         "buffers": {"A": buffer("f32", [m, k], "random:1"), "B": buffer("f32", [k, n], "random:2"),
                     "C": buffer("f32", [m, n], "zeros")}},
        ["C"], {"shared-by-warps", "one-group"})  # fmt: skip
    blocks = 5
    yield original(
        "lastBlock",
        {"grid": [blocks], "block": [64], "arguments": ["in", "sums", "tickets", "total"],
         "buffers": {"in": buffer("i32", [blocks, 64], "iota"), "sums": buffer("i32", [blocks], "zeros"),
                     "tickets": buffer("i32", [1], "zeros"), "total": buffer("i32", [1], "zeros")}},
        ["total"], {"shared-by-warps", "one-group"})  # fmt: skip
    yield original(
        "rotate",
        {"grid": [8], "block": [32], "cluster": [4], "arguments": ["out"],
         "buffers": {"out": buffer("i32", [8, 32], "zeros")}},
        ["out"], set())  # fmt: skip
    tile = {"box": [64, 64], "swizzle": "128B"}
    yield original(
        "hgemm",
        {"grid": [1], "block": [128], "sharedBytes": 16384,
         "arguments": [{"tensorMap": {"buffer": "A", **tile}}, {"tensorMap": {"buffer": "B", **tile}}, "C", 64, 3],
         "buffers": {"A": buffer("bf16", [64, 192], "random:1"), "B": buffer("bf16", [64, 192], "random:2"),
                     "C": buffer("f32", [64, 64], "zeros")}},
        ["C"], {"mbarriers", "alone-in-cluster", "one-group"})  # fmt: skip


def ceildiv(a, b):
    return -(-a // b)


def compiled(work, tools, name, source, host_sizes, tile, plain, seed=1, cluster=1, warps=8):
    """A kernel of Heddle's compiler on one CTA or one cluster, or its twin without TMA.

    `warps` is how many consume a tile.
    """
    package = work / f"{name}.heddle"
    if not package.exists():
        # One CTA has nobody to share with.
        text = re.sub(r" attributes \{tile\.cluster = [^}]*\}", "", source.read_text())
        if cluster > 1:
            text = text.replace(") {\n", f") attributes {{tile.cluster = [{cluster}]}} {{\n", 1)
        source = work / f"{name}.mlir"
        source.write_text(text)
        run([tools.compiler, "compile", source, "-o", package])
        run([tools.compiler, "compile", source, "-o", work / f"{name}.ptx"])
    program = json.loads(run([tools.compiler, "inspect", package, "--json"]))
    host = program["hosts"][0]
    entry = host["launches"][0]["kernel"]
    kernels = {kernel["entry"]: kernel for kernel in program["kernels"]}
    kernel = kernels[entry]
    if plain:
        kernel = kernels[kernel["fallback"]]
    buffers, arguments, outputs = {}, [], []
    for buffer in host["buffers"]:
        extents = [host_sizes[e] if isinstance(e, str) else e for e in buffer["extents"]]
        out = buffer["access"] == "out"
        buffers[buffer["name"]] = {"type": buffer["type"], "shape": extents, "init": "zeros" if out else f"random:{seed}"}
        seed += 1
        if out:
            outputs.append(buffer["name"])
        arguments.append(buffer["name"])
        arguments += extents
        stride, strides = 1, []
        for extent in reversed(extents):
            strides.insert(0, stride)
            stride *= extent
        arguments += strides
    if kernel["persistent"]:
        arguments += [ceildiv(host_sizes["M"], tile[0]), ceildiv(host_sizes["N"], tile[1]), host_sizes.get("batch", 1)]
    for tensor_map in kernel["tensor_maps"]:
        name_of = host["buffers"][tensor_map["argument"]]["name"]
        arguments.append({"tensorMap": {"buffer": name_of, "box": tensor_map["box"], "swizzle": f"{tensor_map['swizzle']}B"}})
    text = ptx.only_kernel((work / f"{name}.ptx").read_text(), kernel["entry"])
    launch = {"kernel": kernel["entry"], "grid": [cluster], "cluster": [cluster], "block": [kernel["threads"]],
              "sharedBytes": kernel["shared_bytes"], "foreign": False, "buffers": buffers, "arguments": arguments}  # fmt: skip
    facts = {"mbarriers", "alone-in-cluster" if cluster == 1 else "multicast", "second-tile"}
    if plain:
        facts.add("stored-ring")
    if warps == 4:
        facts.add("one-group")
    return Original(f"heddle-{name}{'-plain' if plain else ''}", text, launch, outputs, facts,
                    empty_count=warps)


def heddle(work, tools):
    """Kernels that Heddle compiles."""
    if not tools.compiler:
        return
    generator = ROOT / "test" / "end-to-end" / "Inputs" / "gemm.py"
    sizes = {"M": 256, "N": 64, "K": 640}
    for name, flags in (("gemm-bf16", ["--type", "bf16", "--out", "bf16"]), ("gemm-f16", ["--type", "f16", "--transpose-b"]),
                        ("gemm-e4m3", ["--type", "e4m3", "--transpose-b", "--out", "bf16"])):  # fmt: skip
        source = work / f"{name}.mlir"
        source.write_text(run([sys.executable, generator, *flags, "--tile", "128x64x64", "--stages", "3"]))
        yield compiled(work, tools, name, source, sizes, (128, 64), plain=False)
        if name == "gemm-bf16":
            yield compiled(work, tools, name, source, sizes, (128, 64), plain=True)
    source = work / "gemm-cluster.mlir"
    source.write_text(run([sys.executable, generator, "--type", "bf16", "--tile", "64x64x64", "--stages", "3"]))
    yield compiled(work, tools, "gemm-cluster", source, {"M": 128, "N": 128, "K": 640}, (64, 64), plain=False, cluster=2,
                   warps=4)  # fmt: skip
    examples = ROOT / "examples"
    yield compiled(work, tools, "batched", examples / "batched_gemm.mlir",
                   {"batch": 2, "M": 128, "N": 128, "K": 1088}, (128, 128), plain=False)  # fmt: skip
    yield compiled(work, tools, "bias-gelu", examples / "gemm_bias_gelu.mlir",
                   {"M": 256, "N": 128, "K": 1088}, (128, 128), plain=False)  # fmt: skip


def originals(work, tools):
    for family in (by_hand, cuda, heddle):
        yield from family(work, tools)
