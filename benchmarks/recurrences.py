#!/usr/bin/env python3
"""How errors of linear recurrences grow over a sequence, as a table and a plot.

Runs `linear_attention` and `gated_delta_rule` on the virtual GPU (or on the
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
from recurrence import draw_gates, draw_keys, draw_strengths, get_drift, get_ratio, recur  # noqa: E402
from run import provenance  # noqa: E402

BLOCK = 256  # tokens that share an error in the plot
CASES = {
    "linear_attention": ("usual", "weak", "open", "closed"),
    "gated_delta_rule": ("usual", "weak", "open", "closed"),
}


def measure(heddle, device, name, gates, tokens, folder):
    """The drift of the outputs, and the error of the final state."""
    generator = numpy.random.default_rng(11)
    arrays = {
        "Q": bf16(generator.standard_normal((1, tokens, 1, 128))),
        "K": draw_keys(generator, "usual", 1, tokens, 1, 128),
        "V": bf16(generator.standard_normal((1, tokens, 1, 128))),
        "G": draw_gates(generator, gates, 1, tokens, 1),
    }
    if name == "gated_delta_rule":
        arrays["BETA"] = draw_strengths(generator, "usual", 1, tokens, 1)
    arrays["H0"] = numpy.zeros((1, 1, 128, 128), numpy.float32)
    run = Run(ROOT / "examples" / f"{name}.mlir", folder, [f"--device={device}"], heddle)
    run.size(B=1, T=tokens, HK=1, HV=1)
    for buffer, array in arrays.items():
        run.input(buffer, array, numpy.float32)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    found, last = run("O", "H1", **quiet)
    inputs = [arrays.get(buffer) for buffer in ("Q", "K", "V", "G", "BETA")]
    out, final = recur(*inputs, arrays["H0"])
    return get_drift(found, out, BLOCK), get_ratio(last, final)


def plot(results, path):
    try:
        import matplotlib
    except ImportError:
        print("no plot: there is no matplotlib", file=sys.stderr)
        return
    matplotlib.use("svg")
    import matplotlib.pyplot as pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.6), sharey=True)
    for axis, (name, cases) in zip(axes, results.items()):
        for gates, case in cases.items():
            lengths = [int(tokens) for tokens in case["final"]]
            axis.plot(lengths, list(case["final"].values()), marker="o", markersize=3, label=f"{gates} gates")
        axis.set_title(name)
        axis.set_xscale("log", base=2)
        axis.set_xlabel("tokens")
        axis.axhline(5e-3, color="gray", linestyle=":", linewidth=1)
    axes[0].set_ylabel("error of the final state, of its size")
    axes[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", default=ROOT / "build" / "bin" / "heddle", type=pathlib.Path)
    parser.add_argument("--device", default="virtual")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 1024, 4096, 8192])
    arguments = parser.parse_args()
    results = {}
    print(f"{'kernel':18} {'gates':8}" + "".join(f" {tokens:>8}" for tokens in arguments.lengths) + "  last outputs")
    with tempfile.TemporaryDirectory() as folder:
        for name, kinds in CASES.items():
            for gates in kinds:
                final, drift = {}, []
                for tokens in arguments.lengths:
                    drift, final[tokens] = measure(
                        arguments.heddle, arguments.device, name, gates, tokens, pathlib.Path(folder)
                    )
                results.setdefault(name, {})[gates] = {"final": final, "outputs": drift}
                print(f"{name:18} {gates:8}" + "".join(f" {error:8.1e}" for error in final.values()) + f"  {drift[-1]:.1e}")
    data = provenance(arguments.heddle)
    data["command"] = " ".join(["benchmarks/recurrences.py", *sys.argv[1:]])
    data["results"] = results
    folder = ROOT / "benchmarks" / "results"
    (folder / "recurrences.json").write_text(json.dumps(data, indent=1) + "\n")
    plot(results, folder / "recurrences.svg")


if __name__ == "__main__":
    main()
