"""What measurements share: provenance, times of commands, and how results are written."""

import datetime
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

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


def format_table(rows):
    """Rows of cells, the first of which is the head, as Markdown."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def report(name, data, rows):
    """Writes results/NAME.json, and prints a table."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(data, indent=2) + "\n")
    print(format_table(rows))
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
