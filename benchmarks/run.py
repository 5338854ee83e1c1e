#!/usr/bin/env python3
"""Measures Heddle and records the results.

    benchmarks/run.py compile    compile times, side by side with Triton if it is installed
    benchmarks/run.py virtual    the virtual GPU: loops, wgmma, copies, a bf16 GEMM at growing sizes
    benchmarks/run.py kernels    what ptxas says about every example, how long it takes, what loops execute
    benchmarks/run.py runtime    building the runtime alone; launches, calls, packages and the JIT's cache

Each writes benchmarks/results/NAME.json: machine, date, versions, the exact
commands and all samples; and prints the table that benchmarks/README.md shows.
Needs hyperfine for times.
"""

import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sass  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def output_of(*command):
    """The output of a command, or None if it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout + done.stderr


def first_match(pattern, text):
    found = re.search(pattern, text or "")
    return found.group(1).strip() if found else None


def provenance(heddle):
    """What a reader needs to repeat a measurement."""
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {
            "processor": first_match(r"Model name:\s*(.*)", output_of("lscpu")),
            "cores": int(output_of("nproc") or 0),
            "system": platform.platform(),
        },
        "versions": {
            "heddle": first_match(r"(.*)", output_of("git", "-C", str(ROOT), "describe", "--always", "--dirty")),
            "llvm": first_match(r"LLVM version (\S+)", output_of(str(heddle.parent / "heddle-opt"), "--version")),
            "ptxas": first_match(r"release ([\d.]+)", output_of(ptxas, "--version")),
            "hyperfine": first_match(r"hyperfine (\S+)", output_of("hyperfine", "--version")),
        },
    }


def hyperfine(commands, runs, warmup=1):
    """Times named commands; returns {name: {command, seconds: [...], processor_seconds}}, the last one a mean."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        arguments = ["hyperfine", "-N", "--style=none", f"--runs={runs}",
                     f"--warmup={warmup}", f"--export-json={report.name}"]
        subprocess.run(arguments + [" ".join(c) for c in commands.values()], check=True)
        results = json.load(open(report.name))["results"]
    return {name: {"command": result["command"].replace(str(ROOT) + "/", ""), "seconds": result["times"],
                   "processor_seconds": result["user"] + result["system"]}
            for name, result in zip(commands, results)}


def peak_kib(command):
    text = output_of("/usr/bin/time", "-v", *command)
    value = first_match(r"Maximum resident set size \(kbytes\): (\d+)", text)
    return int(value) if value else None


def print_table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)) + " |")


def report(name, data, rows):
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(data, indent=2) + "\n")
    print_table(rows)
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)


def measure_compile(heddle, runs):
    example = ROOT / "examples" / "gemm.mlir"
    work = pathlib.Path(tempfile.mkdtemp())
    commands = {
        "to PTX": [str(heddle), "compile", str(example), "--emit=ptx", "-o", str(work / "gemm.ptx")],
        "to cubin": [str(heddle), "compile", str(example), "--emit=cubin", "-o", str(work / "gemm.cubin")],
    }
    data = provenance(heddle)
    data["results"] = hyperfine(commands, runs)
    for name, command in commands.items():
        data["results"][name]["peak_kib"] = peak_kib(command)

    peer = [sys.executable, str(ROOT / "benchmarks" / "peers" / "triton_matmul.py")]
    samples = []
    for _ in range(runs):
        text = output_of(*peer)
        if text is None:
            break
        samples.append(json.loads(first_match(r"(\{.*\})", text)))
    if samples:
        data["versions"]["triton"] = samples[0]["triton"]
        data["results"]["Triton, to cubin"] = {
            "command": "python3 benchmarks/peers/triton_matmul.py",
            "seconds": [sample["to_cubin_seconds"] for sample in samples],
            "peak_kib": max(sample["peak_kib"] for sample in samples),
        }
    base = statistics.median(data["results"]["to cubin"]["seconds"])
    rows = [("what", "median s", "spread s", "peak MB", "ratio to our cubin")]
    for name, result in data["results"].items():
        seconds = result["seconds"]
        peak = result.get("peak_kib")
        rows.append((name, f"{statistics.median(seconds):.3f}",
                     f"{min(seconds):.3f}..{max(seconds):.3f}",
                     f"{peak / 1024:.0f}" if peak else "",
                     f"{statistics.median(seconds) / base:.2f}"))
    report("compile", data, rows)


def folder_of_benchmarks(heddle):
    """Where a full build, or one of the runtime alone, has the runtime's benchmarks."""
    build = heddle.parent.parent
    inside = build / "runtime" / "benchmarks"
    return inside if inside.exists() else build / "benchmarks"


def per_second(samples, counter):
    """The median and the spread of a rate."""
    values = samples["counters"][counter]
    return statistics.median(values), min(values), max(values)


def measure_virtual(heddle, runs, compiler):
    data = provenance(heddle)
    data["results"] = {}
    rows = [("what", "", "median", "spread", "unit")]
    for name, counter, unit, scale in (("Interpreter", "instructions/s", "M warp instructions/s", 1e6),
                                       ("Wgmma", "FLOP/s", "GFLOP/s", 1e9), ("Tma", "bytes_per_second", "GB/s", 1e9)):
        binary = folder_of_benchmarks(heddle) / f"{name}Benchmark"
        samples = google_benchmark(binary, runs, {})
        data["results"][name] = {"command": str(binary.relative_to(ROOT)), "samples": samples}
        for what, sample in samples.items():
            median, low, high = per_second(sample, counter)
            rows.append((name, what, f"{median / scale:.1f}", f"{low / scale:.1f}..{high / scale:.1f}", unit))
    sizes = (512, 1024, 2048, 4096)
    with tempfile.TemporaryDirectory() as folder:
        package = f"{folder}/gemm.heddle"
        subprocess.run([str(compiler), "compile", str(ROOT / "examples" / "gemm.mlir"), "-o", package], check=True)
        commands = {
            f"{n}^3 {level}": [str(heddle), "run", package, "--device=virtual", f"--sanitize={level}"] +
            [f"--size={d}={n}" for d in "MNK"] for n in sizes for level in ("off", "full")
        }
        data["results"]["gemm"] = hyperfine(commands, runs)
    for name, result in data["results"]["gemm"].items():
        result["command"] = re.sub(r"\S*gemm.heddle", "gemm.heddle", result["command"])
        seconds = result["seconds"]
        rows.append(("GEMM", name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}..{max(seconds):.2f}",
                     f"s ({result['processor_seconds']:.2f} s of processor time)"))
    report("virtual", data, rows)


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
    """Attention and its gradients for heads of other sizes, which a script prints."""
    script = ROOT / "examples" / "attention_variant.py"
    variants = {f"attention_{keys}_{values}": (f"--head={keys}", f"--values={values}")
                for keys, values in ((64, 64), (96, 96), (192, 128), (192, 192), (256, 256))}
    variants |= {f"{program}_64": (f"--program={program}", "--head=64")
                 for program in ("attention_backward", "attention_backward_deterministic", "attention_backward_varlen")}
    paths = []
    for name, options in variants.items():
        text = output_of(sys.executable, str(script), *options)
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


def measure_examples(heddle, runs, examples, folder):
    data = provenance(heddle)
    data["results"] = {}
    rows = [("example", "kernel", "registers", "spills", "shared KiB", "stages", "warps x registers", "threads", "warnings")]
    for example in examples:
        # Without what is said of the program on the standard error.
        text = subprocess.run([str(heddle), "explain", str(example), "--json"], capture_output=True, text=True).stdout
        if not text:
            print(f"{example.name}: explain failed", file=sys.stderr)
            continue
        kernels = json.loads(text)["kernels"]
        data["results"][example.name] = kernels
        for kernel in kernels:
            rows.append((example.stem, kernel["name"], kernel.get("registers", ""), kernel.get("spill_bytes", ""),
                         f"{kernel['shared_bytes'] / 1024:.1f}", ", ".join(str(r["depth"]) for r in kernel.get("rings", [])),
                         describe_roles(kernel), kernel["threads"], len(kernel.get("warnings", []))))
    data["seconds_to_cubin"], versions = compile_examples(heddle, examples, runs, folder)
    data["versions"].update(versions)
    data["loops"] = measure_loops(folder)
    report("kernels", data, rows)
    print()
    times = [("to cubin", "kernels", "median s", "spread s", "median processor s", "per kernel")]
    for name, samples in data["seconds_to_cubin"].items():
        seconds, processor = zip(*samples)
        kernels = len(data["results"].get(f"{name}.mlir", [0]))
        times.append((name, kernels, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}..{max(seconds):.2f}",
                      f"{statistics.median(processor):.2f}", f"{statistics.median(processor) / kernels:.2f}"))
    print_table(times)
    print()
    kinds = ("fma", "mul", "exp", "max", "add", "convert", "mask", "shuffle", "wgmma", "other")
    counts = [("loop of", "way", *kinds, "all")]
    for example, kernels in data["loops"].items():
        for kernel, loops in kernels.items():
            for ways in loops:
                for way, found in ways.items():
                    if way == "unmasked" or found != ways["unmasked"]:
                        counts.append((f"{example}: {kernel}", way, *(found.get(k, 0) for k in kinds), sum(found.values())))
    print_table(counts)


def build_runtime():
    """Builds the runtime alone, as a user would, without ccache."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(["cmake", "-G", "Ninja", "-S", str(ROOT / "runtime"), "-B", folder, "-DBUILD_TESTING=OFF"],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", folder], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "CCACHE_DISABLE": "1"})
        seconds = time.monotonic() - start
        library = (pathlib.Path(folder) / "lib" / "libheddle-runtime.so").stat().st_size
    return {"command": "cmake -G Ninja -S runtime -B FOLDER -DBUILD_TESTING=OFF && ninja -C FOLDER",
            "compiler": first_match(r"(.*)", output_of("c++", "--version")),
            "seconds": seconds, "library_bytes": library}


def google_benchmark(binary, runs, environment):
    """Runs a benchmark; returns {name: {seconds: [...], cpu_seconds: [...]}}."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([str(binary), f"--benchmark_repetitions={runs}", "--benchmark_min_time=0.1",
                        f"--benchmark_out={report.name}", "--benchmark_out_format=json"],
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
        samples = json.load(open(report.name))["benchmarks"]
    results = {}
    for sample in samples:
        if sample["run_type"] != "iteration":
            continue
        unit = units[sample["time_unit"]]
        entry = results.setdefault(sample["run_name"], {"seconds": [], "cpu_seconds": [], "counters": {}})
        entry["seconds"].append(sample["real_time"] * unit)
        entry["cpu_seconds"].append(sample["cpu_time"] * unit)
        known = {"name", "run_name", "run_type", "time_unit", "real_time", "cpu_time", "iterations", "threads", "repetitions",
                 "repetition_index", "family_index", "per_family_instance_index", "label"}
        for counter in sample.keys() - known:
            entry["counters"].setdefault(counter, []).append(sample[counter])
    return results


def measure_runtime(heddle, runs):
    build = heddle.parent.parent
    driver = build / "test-driver" / "libcuda.so.1"
    binaries = {name: build / "runtime" / "benchmarks" / f"{name}Benchmark" for name in ("Launch", "Call", "Package")}
    binaries["Jit"] = build / "benchmarks" / "jit" / "JitBenchmark"
    data = provenance(heddle)
    data["build"] = build_runtime()
    data["results"] = {}
    rows = [("benchmark", "what", "median CPU µs", "median µs", "counters")]
    rows.append(("build", f"{data['build']['library_bytes'] / 1e6:.1f} MB", "", f"{data['build']['seconds'] * 1e6:.0f}", ""))
    for name, binary in binaries.items():
        data["results"][name] = {"command": f"HEDDLE_CUDA_DRIVER={driver.relative_to(ROOT)} {binary.relative_to(ROOT)}",
                                 "samples": google_benchmark(binary, runs, {"HEDDLE_CUDA_DRIVER": str(driver)})}
        for what, sample in data["results"][name]["samples"].items():
            counters = ", ".join(f"{key} {statistics.median(values):.4g}" for key, values in sorted(sample["counters"].items()))
            rows.append((name, what, f"{statistics.median(sample['cpu_seconds']) * 1e6:.2f}",
                         f"{statistics.median(sample['seconds']) * 1e6:.2f}", counters))
    report("runtime", data, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compile", "virtual", "kernels", "runtime"])
    parser.add_argument("--heddle", type=pathlib.Path, default=ROOT / "build" / "bin" / "heddle")
    parser.add_argument("--compiler", type=pathlib.Path, help="what compiles programs, if --heddle is of the runtime alone")
    parser.add_argument("--runs", type=int, default=10)
    arguments = parser.parse_args()
    if not arguments.heddle.exists():
        parser.error(f"{arguments.heddle} does not exist; build it with scripts/setup")
    heddle = arguments.heddle.resolve()
    if arguments.what == "virtual":
        measure_virtual(heddle, arguments.runs, arguments.compiler or heddle)
        return
    measure = {"compile": measure_compile, "kernels": measure_kernels, "runtime": measure_runtime}
    measure[arguments.what](heddle, arguments.runs)


if __name__ == "__main__":
    main()
