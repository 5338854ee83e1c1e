#!/usr/bin/env python3
"""Measures Heddle and records the results.

    benchmarks/run.py compile    compile times, side by side with Triton if it is installed
    benchmarks/run.py virtual    the virtual GPU: loops, wgmma, copies, a bf16 GEMM at growing sizes
    benchmarks/run.py kernels    what ptxas says about every example, how long it takes, what loops execute
    benchmarks/run.py runtime    building the runtime alone; launches, calls, packages and the JIT's cache

Each writes benchmarks/results/NAME.json: machine, date, versions, the exact
commands and all samples; and prints the table that benchmarks/README.md shows.
Of kernels, there is too much of that: it is in benchmarks/results/kernels.md.
Needs hyperfine for times.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, first_match, hyperfine, output_of, peak_kib, provenance, report  # noqa: E402
from kernels import measure_kernels, measure_kernels_again  # noqa: E402


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
    parser.add_argument("--examples", nargs="+", help="of kernels: measure these again, but for times")
    arguments = parser.parse_args()
    if not arguments.heddle.exists():
        parser.error(f"{arguments.heddle} does not exist; build it with scripts/setup")
    heddle = arguments.heddle.resolve()
    if arguments.what == "virtual":
        measure_virtual(heddle, arguments.runs, arguments.compiler or heddle)
        return
    if arguments.examples:
        if arguments.what != "kernels":
            parser.error("--examples is for kernels")
        unknown = [name for name in arguments.examples if not (ROOT / "examples" / f"{name}.mlir").exists()]
        if unknown:
            parser.error(f"no examples/{unknown[0]}.mlir")
        measure_kernels_again(heddle, arguments.examples)
        return
    measure = {"compile": measure_compile, "kernels": measure_kernels, "runtime": measure_runtime}
    measure[arguments.what](heddle, arguments.runs)


if __name__ == "__main__":
    main()
