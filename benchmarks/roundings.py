#!/usr/bin/env python3
"""How much of an error of the gated delta rule is due to its inputs, and how much to where it rounds.

Runs examples/gated_delta_rule.mlir on the virtual GPU for keys that are far from
orthogonal and strengths of up to 2, and emulates chunks of 64 that are rounded
where flash-linear-attention's are: BETA K, BETA V and the inverse (here exact,
where that takes tf32), products by it, states, what tokens add, once for the
results and once as it is left at the end of the chunk, and scores. Then the same
with nothing rounded but what tokens add to the state, which no chunk of products
of bf16 can spare. Prints all errors, over the size of what a loop over tokens in
f64 gives.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "examples" / "Inputs"))

from attention import Run, bf16  # noqa: E402
from recurrence import draw_gates, draw_keys, draw_strengths, get_ratio, recur  # noqa: E402

CHUNK = 64
CASES = [(keys, strengths, gates) for keys, strengths in
         (("usual", "usual"), ("usual", "strong"), ("parallel", "usual"), ("parallel", "full"), ("parallel", "strong"))
         for gates in ("usual", "weak", "open")]


def rounded(x):
    return bf16(numpy.asarray(x, numpy.float32)).astype(numpy.float64)


def emulate(q, k, v, g, beta, all_else=True):
    """One head, by chunks; without ALL_ELSE, only what tokens add to the state is rounded."""
    state, out = numpy.zeros((k.shape[1], v.shape[1])), numpy.zeros(v.shape)
    maybe = rounded if all_else else lambda x: x
    for t in range(0, len(k), CHUNK):
        part = slice(t, t + CHUNK)
        sums = numpy.cumsum(g[part])
        left = numpy.tril(numpy.exp(numpy.minimum(sums[:, None] - sums, 0)))
        strength, since, until = beta[part, None], numpy.exp(sums)[:, None], numpy.exp(sums[-1] - sums)[:, None]
        system = numpy.eye(len(sums)) + numpy.tril(strength * (k[part] @ k[part].T) * left, -1)
        inverse = maybe(numpy.linalg.inv(system))
        w = maybe(inverse @ maybe(strength * since * k[part]))
        u = maybe(inverse @ maybe(strength * v[part]))
        before = maybe(state)
        added = u - w @ before
        scores = maybe((q[part] @ k[part].T) * left)
        out[part] = maybe(((q[part] @ before) * since + scores @ maybe(added)) * k.shape[1] ** -0.5)
        state = numpy.exp(sums[-1]) * state + k[part].T @ rounded(until * added)
    return out, state


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", default=ROOT / "build" / "bin" / "heddle", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=1024)
    arguments = parser.parse_args()
    tokens, quiet = arguments.tokens, {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    print("| keys | BETA | gates | O, H1 | with flash-linear-attention's roundings | additions rounded alone |")
    print("|---|---|---|---|---|---|")
    for keys, strengths, gates in CASES:
        generator = numpy.random.default_rng(11)
        arrays = {
            "Q": bf16(generator.standard_normal((1, tokens, 1, 128))),
            "K": draw_keys(generator, keys, 1, tokens, 1, 128),
            "V": bf16(generator.standard_normal((1, tokens, 1, 128))),
            "G": draw_gates(generator, gates, 1, tokens, 1),
            "BETA": draw_strengths(generator, strengths, 1, tokens, 1),
            "H0": numpy.zeros((1, 1, 128, 128), numpy.float32),
        }
        with tempfile.TemporaryDirectory() as folder:
            run = Run(ROOT / "examples" / "gated_delta_rule.mlir", pathlib.Path(folder), [], arguments.heddle)
            run.size(B=1, T=tokens, HK=1, HV=1)
            for buffer, array in arrays.items():
                run.input(buffer, array, numpy.float32)
            found = run("O", "H1", **quiet)
        exact = recur(*arrays.values())
        head = [arrays[buffer][0, :, 0].astype(numpy.float64) for buffer in ("Q", "K", "V", "G", "BETA")]
        errors = [found]
        for all_else in (True, False):
            out, state = emulate(*head, all_else)
            errors.append((out[None, :, None], state[None, None]))
        columns = [", ".join(f"{get_ratio(a, b):.1e}" for a, b in zip(arrays, exact)) for arrays in errors]
        print(f"| {keys} | {strengths} | {gates} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
