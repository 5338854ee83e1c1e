#!/usr/bin/env python3
"""How errors of linear recurrences grow over a sequence, as a table and a plot.

Runs the recurrences whose states are matrices on the virtual GPU (or on the
device that `--device` names) at growing lengths, and compares with a loop over
tokens in f64: outputs by the block of tokens, and final states. Writes
results/recurrences.json, and results/recurrences.svg if there is matplotlib.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "examples" / "Inputs"))

from attention import Run, bf16  # noqa: E402
from harness import provenance  # noqa: E402
from recurrence import TOLERANCES, draw_gates, draw_keys, draw_strengths, get_drift, get_ratio, recur  # noqa: E402

BLOCK = 256  # tokens that share an error in the plot
# By kernel: the gates that it is measured with, both extremes among them. Those of
# Kimi delta attention end at -5.
ALL = ("usual", "weak", "open", "closed")
CASES = {
    "linear_attention": ALL,
    "gated_linear_attention": (*ALL, "mixed"),
    "gated_delta_rule": ALL,
    "preconditioned_delta_rule": ALL,
    "kimi_delta_attention": ("usual", "weak", "open", "least"),
}
GATES = {gates for kinds in CASES.values() for gates in kinds}
# Those that decay by a number for each channel of keys.
DIAGONAL = ("gated_linear_attention", "kimi_delta_attention")


def measure(heddle, device, name, gates, tokens, folder):
    """The drift of the outputs, and the error of the final state."""
    generator = numpy.random.default_rng(11)
    arrays = {
        "Q": bf16(generator.standard_normal((1, tokens, 1, 128))),
        "K": draw_keys(generator, "usual", 1, tokens, 1, 128),
        "V": bf16(generator.standard_normal((1, tokens, 1, 128))),
        "G": draw_gates(generator, gates, 1, tokens, 1, *([128] if name in DIAGONAL else [])),
    }
    if "delta" in name:
        arrays["BETA"] = draw_strengths(generator, "usual", 1, tokens, 1)
    if name == "preconditioned_delta_rule":
        # All that preconditioner.mlir can make of keys.
        arrays["M"] = generator.uniform(1 / 1.5, 1.5, (1, tokens, 1, 128)).astype(numpy.float32)
    arrays["H0"] = numpy.zeros((1, 1, 128, 128), numpy.float32)
    run = Run(ROOT / "examples" / f"{name}.mlir", folder, [f"--device={device}"], heddle)
    run.size(B=1, T=tokens, HK=1, HV=1)
    for buffer, array in arrays.items():
        run.input(buffer, array, numpy.float32)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    found, last = run("O", "H1", **quiet)
    inputs = [arrays.get(buffer) for buffer in ("Q", "K", "V", "G", "BETA")]
    out, final = recur(*inputs, arrays["H0"], m=arrays.get("M"))
    return get_drift(found, out, BLOCK), get_ratio(last, final)


def plot(results, path):
    try:
        import matplotlib
    except ImportError:
        print("no plot: there is no matplotlib", file=sys.stderr)
        return
    matplotlib.use("svg")
    import matplotlib.pyplot as pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(10, 6), sharex=True, sharey=True)
    lines = {}
    for axis, (name, cases) in zip(axes.flat, results.items()):
        for gates, case in cases.items():
            lengths = [int(tokens) for tokens in case["final"]]
            color = f"C{sorted(GATES).index(gates)}"
            (lines[gates],) = axis.plot(lengths, list(case["final"].values()), color, marker="o", markersize=3)
        axis.set_title(name, fontsize=10)
        axis.set_xscale("log", base=2)
        axis.axhline(TOLERANCES[name]["final"], color="gray", linestyle=":", linewidth=1)
    for axis in axes[1]:
        axis.set_xlabel("tokens")
    for axis in axes[:, 0]:
        axis.set_ylabel("error of the final state, of its size")
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(lines.values(), [f"{gates} gates" for gates in lines], loc="center")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", default=ROOT / "build" / "bin" / "heddle", type=pathlib.Path)
    parser.add_argument("--device", default="virtual")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 1024, 4096, 8192])
    parser.add_argument("--kernels", nargs="+", choices=CASES, help="measure these again, and keep what is known of others")
    arguments = parser.parse_args()
    kept = ROOT / "benchmarks" / "results"
    data = json.loads((kept / "recurrences.json").read_text()) if arguments.kernels else {"results": {}}
    results = data["results"]
    print(f"{'kernel':26} {'gates':8}" + "".join(f" {tokens:>8}" for tokens in arguments.lengths) + "  last outputs")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.kernels or CASES:
            for gates in CASES[name]:
                final, drift = {}, []
                for tokens in arguments.lengths:
                    drift, final[tokens] = measure(
                        arguments.heddle, arguments.device, name, gates, tokens, pathlib.Path(folder)
                    )
                results.setdefault(name, {})[gates] = {"final": final, "outputs": drift}
                errors = "".join(f" {error:8.1e}" for error in final.values())
                print(f"{name:26} {gates:8}{errors}  {drift[-1]:.1e}", flush=True)
    source = provenance(arguments.heddle)
    source["command"] = " ".join(["benchmarks/recurrences.py", *sys.argv[1:]])
    if arguments.kernels:
        data.setdefault("again", []).append(source)
    else:
        data = {**source, **data}
    (kept / "recurrences.json").write_text(json.dumps(data, indent=1) + "\n")
    plot(results, kept / "recurrences.svg")


if __name__ == "__main__":
    main()
