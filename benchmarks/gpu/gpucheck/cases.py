"""What is checked and timed: a case per host function of a program.

A program that nobody describes here is checked all the same, at sizes that no
tile divides, and not timed.
"""

import dataclasses
import pathlib
import re
import typing


@dataclasses.dataclass
class Timing:
    """A size at which a case is timed, and what a call there takes."""

    sizes: dict
    flops: float
    bytes: float
    # Whose product is this, as runner/CublasLt.h describes it; or None.
    cublas: typing.Optional[dict] = None
    # The peers in peers/torch_peers.py; or None.
    torch: typing.Optional[dict] = None


@dataclasses.dataclass
class Case:
    source: str
    host: str
    # Sizes for fresh inputs. The first is what a simulator checks.
    checks: typing.List[dict]
    # The size whose results travel with the packages.
    record: dict
    times: typing.List[Timing] = dataclasses.field(default_factory=list)
    # What a simulator times.
    simulated: typing.Optional[Timing] = None
    # Two runs may differ in the last bits: blocks add up in any order.
    may_vary: bool = False

    # The file's name, with the host function's where a file has several.
    name: str = ""


def sizes(text):
    """`M=4 N=8` as a dictionary."""
    return {name: int(value) for name, value in (part.split("=") for part in text.split())}


# Overhanging tiles with TMA, sizes that TMA does not take, one element, several
# tiles that fit, and more tiles than there are multiprocessors.
GEMM_CHECKS = [sizes("M=200 N=264 K=144"), sizes("M=65 N=67 K=69"), sizes("M=1 N=1 K=1"),
               sizes("M=129 N=520 K=1000"), sizes("M=640 N=768 K=512"),
               sizes("M=2000 N=3080 K=136")]
GEMM_RECORD = sizes("M=136 N=144 K=80")
TYPE_BYTES = {"bf16": 2, "f16": 2, "e4m3": 1, "f32": 4, "i8": 1, "i32": 4}


def gemm_timing(size, inputs, output, transpose_b=False, batch=0, bias=False, fast=False, torch=None):
    m, n, k = size["M"], size["N"], size["K"]
    count = batch or 1
    bytes = count * ((m * k + k * n) * TYPE_BYTES[inputs] + m * n * TYPE_BYTES[output]) + (4 * n if bias else 0)
    cublas = {"m": m, "n": n, "k": k, "batch": count, "a": "A", "b": "B", "c": "C",
              "transpose_b": transpose_b, "fast_accum": fast}
    if bias:
        cublas["bias"] = "bias"
    peer = {"peers": list(torch)} if torch else None
    return Timing({**size, **({"batch": batch} if batch else {})}, 2.0 * count * m * n * k, bytes, cublas, peer)


def gemm_case(source, host, inputs, output, timed, checks=None, record=None, torch_for=(), **options):
    checks = checks or GEMM_CHECKS
    times = [gemm_timing(sizes(text), inputs, output, torch=options.get("torch") if i in torch_for else None,
                         **{k: v for k, v in options.items() if k != "torch"})
             for i, text in enumerate(timed)]
    small = gemm_timing(sizes("M=128 N=256 K=128"), inputs, output,
                        **{k: min(v, 2) if k == "batch" else v for k, v in options.items() if k != "torch"})
    return Case(source, host, checks, record or GEMM_RECORD, times, small)


def with_batch(list_of_sizes, batch):
    return [{**size, "batch": batch} for size in list_of_sizes]


def softmax_case():
    def timing(text):
        size = sizes(text)
        elements = size["rows"] * size["columns"]
        # A subtraction, an exponential, an addition, a division per element.
        return Timing(size, 4.0 * elements, 8.0 * elements, torch={"peers": ["torch.softmax", "compiled softmax"]})
    return Case("examples/softmax.mlir", "softmax",
                [sizes("rows=100 columns=1000"), sizes("rows=1 columns=1"), sizes("rows=17 columns=4097"),
                 sizes("rows=1000 columns=333")],
                sizes("rows=33 columns=300"),
                [timing("rows=8192 columns=8192"), timing("rows=65536 columns=1024")],
                timing("rows=32 columns=512"))


BF16_SIZES = ["M=8192 N=8192 K=8192", "M=4096 N=4096 K=1024", "M=4096 N=4096 K=16384", "M=2048 N=2048 K=2048"]


def all_cases():
    """The cases that are described; in the order in which they run."""
    odd_batch = with_batch(GEMM_CHECKS[:4], 3)
    return [
        gemm_case("examples/gemm.mlir", "gemm", "bf16", "bf16", BF16_SIZES, torch=("torch.matmul", "Triton"), torch_for=(0, 1, 2, 3)),
        gemm_case("examples/gemm_bias_gelu.mlir", "linear_gelu", "bf16", "bf16",
                  ["M=8192 N=8192 K=8192", "M=4096 N=4096 K=1024"], bias=True,
                  torch=("compiled addmm and gelu",), torch_for=(0, 1)),
        gemm_case("examples/batched_gemm.mlir", "batched_gemm", "bf16", "bf16",
                  ["M=1024 N=1024 K=1024"], checks=odd_batch, record={**GEMM_RECORD, "batch": 2},
                  batch=32, torch=("torch.matmul",), torch_for=(0,)),
        softmax_case(),
        gemm_case("benchmarks/gemm/gemm_bf16_nt.mlir", "gemm", "bf16", "bf16", BF16_SIZES[:2],
                  transpose_b=True),
        gemm_case("benchmarks/gemm/gemm_f16.mlir", "gemm", "f16", "f16", BF16_SIZES[:1]),
        gemm_case("benchmarks/gemm/gemm_e4m3.mlir", "gemm", "e4m3", "bf16", BF16_SIZES[:1],
                  transpose_b=True),
        gemm_case("benchmarks/gemm/gemm_e4m3_fast.mlir", "gemm", "e4m3", "bf16", BF16_SIZES[:1],
                  transpose_b=True, fast=True),
        gemm_case("benchmarks/gemm/gemm_tf32.mlir", "gemm", "f32", "f32", BF16_SIZES[:1],
                  transpose_b=True),
        gemm_case("benchmarks/gemm/gemm_i8.mlir", "gemm", "i8", "i32", BF16_SIZES[:1],
                  transpose_b=True),
    ]


@dataclasses.dataclass
class Baseline:
    """What a peer takes for something that no program here does yet."""

    name: str
    options: dict
    flops: float
    bytes: float = 0


def attention(backend, head, causal, length=4096, batch=4, heads=16):
    flops = 4.0 * batch * heads * length * length * head * (0.5 if causal else 1)
    mask = "causal" if causal else "full"
    return Baseline(f"attention {backend} d={head} {mask}",
                    {"peer": f"{backend} attention", "backend": backend, "head": head, "causal": causal,
                     "length": length, "batch": batch, "heads": heads}, flops)


def all_baselines():
    settings = ((128, False), (128, True), (64, True))
    # FlexAttention is compiled for each anew, which takes long.
    return [attention(backend, head, causal) for backend in ("cudnn", "flash", "flex")
            for head, causal in (settings[:2] if backend == "flex" else settings)]


HOST = re.compile(r"tile\.host\s+@(\w+)\s*(?:\[([^\]]*)\])?")


def default_cases(source, text):
    """Cases of a program that `all_cases` does not know, from its text."""
    cases = []
    for host, names in HOST.findall(text):
        names = re.findall(r"%(\w+)", names)
        odd = [{name: size + 2 * i for i, name in enumerate(names)} for size in (64, 100, 129)]
        cases.append(Case(source, host, odd, odd[0]))
    return cases


def find_cases(programs):
    """The cases of `programs`, a dictionary of sources and their texts."""
    described = [case for case in all_cases() if case.source in programs]
    known = {case.source for case in described}
    for source in sorted(programs):
        if source not in known:
            described += default_cases(source, programs[source])
    sources = [case.source for case in described]
    for case in described:
        case.name = pathlib.PurePosixPath(case.source).stem
        if sources.count(case.source) > 1:
            case.name += "." + case.host
    return described
