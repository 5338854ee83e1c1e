"""Makes a folder that a machine with a GPU needs, and nothing else."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from . import cases, machine, processes
from .probe import jobs as probe_jobs

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIMIT_MIB = 40
RECORDED_SEED = 20
# Results that are larger do not travel.
RECORDED_BYTES = 256 << 10

# What the runtime and the runner include, as files below a folder of headers.
HEADERS = ("fmt", "tl", "nlohmann", "hwy", "xxhash.h", "xxh3.h")
UNUSED_HEADERS = ("hwy/contrib", "hwy/tests")
SOURCES = ("runtime", "benchmarks/gpu/runner")


class PrepareError(Exception):
    """What the user must do before a folder can be prepared."""


def find_header(name, folders):
    for folder in folders:
        path = pathlib.Path(folder) / name
        if path.exists():
            return path
    raise PrepareError(f"{name} was not found in {' or '.join(map(str, folders))}; name its folder with --include")


def copy_headers(target, folders):
    """Headers of the libraries that the runtime uses, which all do without a
    compiled part, and CMake files that say where they are."""
    include = target / "include"
    include.mkdir(parents=True)
    for name in HEADERS:
        # The second file of xxHash is part of the first in new versions.
        if name == "xxh3.h" and not any((pathlib.Path(folder) / name).exists() for folder in folders):
            continue
        source = find_header(name, folders)
        if source.is_dir():
            skip = [pathlib.Path(unused).name for unused in UNUSED_HEADERS if unused.startswith(name + "/")]
            shutil.copytree(source, include / name, ignore=shutil.ignore_patterns(*skip))
        else:
            shutil.copy(source, include / name)
    for config in sorted((ROOT / "benchmarks" / "gpu" / "cmake").glob("*.cmake")):
        folder = target / "lib" / "cmake" / re.sub(r"(Config|-config)\.cmake$", "", config.name)
        folder.mkdir(parents=True)
        shutil.copy(config, folder / config.name)


def copy_sources(target):
    ignored = shutil.ignore_patterns("__pycache__", "build*")
    for name in SOURCES:
        shutil.copytree(ROOT / name, target / "source" / name, ignore=ignored)
    shutil.copytree(ROOT / "benchmarks" / "gpu" / "gpucheck", target / "gpucheck", ignore=ignored)
    shutil.copytree(ROOT / "benchmarks" / "gpu" / "peers", target / "peers", ignore=ignored)
    # Kernels of peers that other measurements use, too.
    for path in sorted((ROOT / "benchmarks" / "peers").glob("*.py")):
        shutil.copy(path, target / "peers" / path.name)
    shutil.copy(ROOT / "scripts" / "gpu-check", target / "gpu-check")


def find_programs(patterns):
    """All programs of the repository, or those that one of the patterns is part
    of, and their texts."""
    paths = sorted((ROOT / "examples").glob("*.mlir")) + sorted((ROOT / "benchmarks").rglob("*.mlir"))
    programs = {}
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        if not patterns or any(pattern in name for pattern in patterns):
            programs[name] = path.read_text()
    return programs


def compile_programs(target, programs, heddle):
    """Compiles each program; returns the path of its package in the folder."""
    (target / "packages").mkdir()
    packages = {}
    for source in programs:
        stem = source[:-len(".mlir")].replace("/", "-")
        package = f"packages/{stem}.heddle"
        done = subprocess.run([str(heddle), "compile", str(ROOT / source), "-o", str(target / package)],
                              capture_output=True, text=True)
        if done.returncode:
            raise PrepareError(f"{source}: does not compile:\n{done.stdout}{done.stderr}")
        packages[source] = package
    return packages


def record(target, case, package, runner):
    """Computes a case's results here; returns their folder, or nothing if they
    are too large."""
    folder = target / "recorded" / case.name
    folder.mkdir(parents=True)
    job = {"kind": "record", "package": str(target / package), "host": case.host, "sizes": case.record,
           "seed": RECORDED_SEED, "folder": str(folder)}
    result = processes.run_jobs([str(runner), "virtual"], [job], 300, processes.Budget(600))[0]
    if "error" in result:
        raise PrepareError(f"{case.source}: its reference does not run: {result['error']}")
    if sum(path.stat().st_size for path in folder.iterdir()) > RECORDED_BYTES:
        shutil.rmtree(folder)
        return None
    return folder.relative_to(target).as_posix()


def timing_entry(timing):
    return {"sizes": timing.sizes, "flops": timing.flops, "bytes": timing.bytes,
            "cublas": timing.cublas, "torch": timing.torch}


def case_entry(case, package, recorded):
    return {
        "name": case.name, "source": case.source, "package": package, "host": case.host,
        "checks": case.checks, "record": case.record, "recorded": recorded,
        "recorded_seed": RECORDED_SEED, "may_vary": case.may_vary,
        # Comparison.h has the criterion, of which nothing depends on the case.
        "tolerance": "ulp / 2 + twice the reference's error + 2^-18 of the largest",
        "times": [timing_entry(timing) for timing in case.times],
        "simulated": timing_entry(case.simulated) if case.simulated else None,
    }


def revision():
    return machine.first_match(r"(.*)", machine.output_of(
        "git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12")) or "unknown"


def fill(target, options):
    programs = find_programs(options.only)
    if not programs:
        raise PrepareError(f"no program matches {' or '.join(options.only)}")
    build = ROOT / os.environ.get("BUILD_DIR", "build")
    heddle = pathlib.Path(options.heddle or build / "bin" / "heddle")
    runner = pathlib.Path(options.runner or build / "bin" / "gpu-runner")
    for tool in (heddle, runner):
        if not tool.exists():
            raise PrepareError(f"{tool} is not there; build it with scripts/setup")
    packages = compile_programs(target, programs, heddle)
    entries = []
    for case in cases.find_cases(programs):
        package = packages[case.source]
        entries.append(case_entry(case, package, record(target, case, package, runner)))
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    complaints = probe_jobs.write_code(target / "probes",
                                       ptxas=ptxas if options.cubins and os.path.exists(ptxas) else None)
    if complaints:
        raise PrepareError("the assembler complains of probes:\n" + "\n".join(complaints))
    copy_sources(target)
    copy_headers(target / "third-party", [pathlib.Path(folder) for folder in options.include])
    manifest = {
        "schema": 1, "revision": revision(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "producer": machine.first_match(r"(.*)", machine.output_of(str(heddle), "--version")),
        "cases": entries,
        "baselines": [vars(baseline) for baseline in cases.all_baselines()],
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def folder_mib(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)


def verify_place(out):
    """Refuses to replace what was not prepared before."""
    if not out.exists() or (out / "manifest.json").exists():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise PrepareError(f"{out} is there and was not made by gpu-check; name another folder with --out")


def main(options):
    out = pathlib.Path(options.out).resolve()
    try:
        verify_place(out)
        out.parent.mkdir(parents=True, exist_ok=True)
    except (PrepareError, OSError) as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=out.name + ".", dir=out.parent))
    try:
        temporary.chmod(0o755)
        manifest = fill(temporary, options)
        mib = folder_mib(temporary)
        if mib > LIMIT_MIB:
            raise PrepareError(f"the folder has {mib:.1f} MiB; expected at most {LIMIT_MIB}")
        shutil.rmtree(out, ignore_errors=True)
        temporary.rename(out)
    except PrepareError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(f"{out}: {len(manifest['cases'])} cases, {mib:.1f} MiB. On the machine with a GPU: "
          f"{out.name}/gpu-check run")
    return 0
