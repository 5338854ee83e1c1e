"""What ptxas says about every example, how long each takes to compile, and what loops execute."""

import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import sass
from harness import RESULTS, ROOT, first_match, format_table, output_of, provenance

KINDS = ("fma", "mul", "exp", "max", "add", "convert", "mask", "shuffle", "wgmma", "other")


def find_nvdisasm():
    """The disassembler of CUDA, or the one in Triton's package."""
    found = shutil.which("nvdisasm") or shutil.which("nvdisasm", path="/usr/local/cuda/bin")
    spec = importlib.util.find_spec("triton")
    if not found and spec and spec.origin:
        inside = pathlib.Path(spec.origin).parent / "backends" / "nvidia" / "bin" / "nvdisasm"
        found = str(inside) if inside.exists() else None
    return found


def describe_roles(kernel):
    """`1 x 24, 8 x 240`: warps and registers of each role, which may be what the kernel has."""
    roles = kernel.get("roles") or [{"instances": 1, "warps": kernel["threads"] // 32, "registers": 0}]
    return ", ".join(f"{role['instances'] * role['warps']} x {role['registers'] or kernel.get('registers', 0)}"
                     for role in roles)


def compile_examples(heddle, examples, runs, folder):
    """Compiles every example to FOLDER/NAME.cubin, and a peer in turn with them.

    Returns {name: [(seconds, processor seconds)]} and the versions of the peers.
    """
    seconds, versions = {}, {}
    for _ in range(runs):
        for example in examples:
            start, before = time.monotonic(), os.times()
            output_of(str(heddle), "compile", str(example), "-o", f"{folder}/{example.stem}.cubin")
            after = os.times()
            seconds.setdefault(example.stem, []).append((time.monotonic() - start, sum(after[2:4]) - sum(before[2:4])))
        text = output_of(sys.executable, str(ROOT / "benchmarks" / "peers" / "triton_attention.py"))
        if text:
            sample = json.loads(first_match(r"(\{.*\})", text))
            versions["triton"] = sample["triton"]
            seconds.setdefault("Triton, attention", []).append((sample["to_cubin_seconds"], sample["processor_seconds"]))
    return seconds, versions


def write_variants(folder):
    """Attention, its gradients and recurrences for heads of other sizes, which scripts print."""
    attention, recurrence = (ROOT / "examples" / f"{name}_variant.py" for name in ("attention", "recurrence"))
    variants = {f"attention_{keys}_{values}": (attention, f"--head={keys}", f"--values={values}")
                for keys, values in ((64, 64), (96, 96), (192, 128), (192, 192), (256, 256))}
    variants |= {f"{program}_64": (attention, f"--program={program}", "--head=64")
                 for program in ("attention_backward", "attention_backward_deterministic", "attention_backward_varlen")}
    variants |= {f"{program}_{head}": (recurrence, program, f"--head={head}")
                 for program in ("linear_attention", "gated_linear_attention", "gated_delta_rule", "kimi_delta_attention",
                                 "preconditioned_delta_rule") for head in (64, 96)}
    paths = []
    for name, (script, *options) in variants.items():
        text = output_of(sys.executable, str(script), *map(str, options))
        if text:
            paths.append(pathlib.Path(folder) / f"{name}.mlir")
            paths[-1].write_text(text)
    return paths


def measure_loops(folder):
    """What the loops of each cubin in a folder execute, if there is a disassembler."""
    nvdisasm = find_nvdisasm()
    cubins = sorted(pathlib.Path(folder).glob("*.cubin")) if nvdisasm else []
    return {cubin.stem: sass.measure_loops(nvdisasm, str(cubin)) for cubin in cubins}


def measure_kernels(heddle, runs):
    with tempfile.TemporaryDirectory() as folder:
        examples = sorted((ROOT / "examples").glob("*.mlir")) + write_variants(folder)
        measure_examples(heddle, runs, sorted(examples, key=lambda path: path.stem), folder)


def get_rows(data):
    """What ptxas says, and what the compiler has decided, by kernel."""
    rows = [("example", "kernel", "registers", "spills", "shared KiB", "stages", "warps x registers", "threads", "warnings")]
    for example, kernels in data["results"].items():
        for kernel in kernels:
            rows.append((example.removesuffix(".mlir"), kernel["name"], kernel.get("registers", ""), kernel.get("spill_bytes", ""),
                         f"{kernel['shared_bytes'] / 1024:.1f}", ", ".join(str(r["depth"]) for r in kernel.get("rings", [])),
                         describe_roles(kernel), kernel["threads"], len(kernel.get("warnings", []))))
    return rows


def get_times(data):
    rows = [("to cubin", "kernels", "median s", "spread s", "median processor s", "per kernel")]
    for name, samples in data["seconds_to_cubin"].items():
        seconds, processor = zip(*samples)
        kernels = len(data["results"].get(f"{name}.mlir", [0]))
        rows.append((name, kernels, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}..{max(seconds):.2f}",
                     f"{statistics.median(processor):.2f}", f"{statistics.median(processor) / kernels:.2f}"))
    return rows


def get_counts(data):
    rows = [("loop of", "way", *KINDS, "all")]
    for example, kernels in data["loops"].items():
        for kernel, loops in kernels.items():
            for ways in loops:
                for way, found in ways.items():
                    if way == "unmasked" or found != ways["unmasked"]:
                        rows.append((f"{example}: {kernel}", way, *(found.get(k, 0) for k in KINDS), sum(found.values())))
    return rows


def get_summary(data):
    """What a reader wants to know first."""
    kernels = [(example, kernel) for example, found in data["results"].items() for kernel in found]
    lines = []
    for twins, what in ((False, "kernels"), (True, "twins without TMA")):
        some = [(example, kernel) for example, kernel in kernels if kernel["name"].endswith("_plain") == twins]
        marked = [f"`{kernel['name']}` of `{example.removesuffix('.mlir')}` ({kernel['spill_bytes']} bytes"
                  f"{', a warning' if kernel.get('warnings') else ''})" for example, kernel in some if kernel.get("spill_bytes")]
        warned = sum(bool(kernel.get("warnings")) for _, kernel in some)
        lines.append(f"Of {len(some)} {what}, {len(marked)} spill, and {warned} have a warning of ptxas"
                     f"{': ' + ', '.join(marked) if marked else ''}.")
    slowest = max((statistics.median(wall for wall, _ in samples), name) for name, samples in data["seconds_to_cubin"].items())
    lines.append(f"The slowest to compile is `{slowest[1]}`, with {slowest[0]:.2f} s for all of its kernels.")
    return "\n\n".join(lines)


def describe(data):
    """The whole of what was measured, as Markdown."""
    return "\n".join([
        "# Kernels", "",
        f"What `benchmarks/run.py kernels` measured on {data['date']}, of {data['versions']['heddle']}, with ptxas "
        f"{data['versions']['ptxas']}. [What it means](../README.md#kernels).{get_later(data)}", "",
        get_summary(data), "",
        "## Resources", "", "Spills are bytes of stores and loads; stages the depths of rings.", "", format_table(get_rows(data)), "",
        "## Compile time", "", format_table(get_times(data)), "",
        "## Instructions", "", "What an iteration of a loop executes, per thread.", "", format_table(get_counts(data)), ""])


def get_later(data):
    """What was measured again since."""
    lines = [(again["versions"]["heddle"], ", ".join(f"`{name}`" for name in again["examples"])) for again in data.get("again", [])]
    return "".join(f" Again, of {version}, but for times: {names}." for version, names in lines)


def explain(heddle, example):
    """What the compiler has decided and what ptxas says, by kernel, or nothing."""
    # Without what is said of the program on the standard error.
    text = subprocess.run([str(heddle), "explain", str(example), "--json"], capture_output=True, text=True).stdout
    if not text:
        print(f"{example.name}: explain failed", file=sys.stderr)
    return json.loads(text)["kernels"] if text else None


def measure_kernels_again(heddle, names):
    """Measures some examples, but for how long they take to compile, and keeps what is known of others."""
    data = json.loads((RESULTS / "kernels.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            example = ROOT / "examples" / f"{name}.mlir"
            data["results"][example.name] = explain(heddle, example) or data["results"].get(example.name, [])
            output_of(str(heddle), "compile", str(example), "-o", f"{folder}/{name}.cubin")
        data["loops"] |= measure_loops(folder)
    data.setdefault("again", []).append({**provenance(heddle), "examples": names})
    write(data)


def write(data):
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "kernels.json").write_text(json.dumps(data, indent=2) + "\n")
    (RESULTS / "kernels.md").write_text(describe(data))
    print(get_summary(data))
    print("written to benchmarks/results/kernels.json and kernels.md", file=sys.stderr)


def measure_examples(heddle, runs, examples, folder):
    data = provenance(heddle)
    data["results"] = {}
    for example in examples:
        if kernels := explain(heddle, example):
            data["results"][example.name] = kernels
    data["seconds_to_cubin"], versions = compile_examples(heddle, examples, runs, folder)
    data["versions"].update(versions)
    data["loops"] = measure_loops(folder)
    write(data)
