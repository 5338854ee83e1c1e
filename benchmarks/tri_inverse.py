"""How far `tile.tri_inverse` is off on the matrices of delta rules, as a table.

A chunk of tokens with keys k and strengths beta needs the inverse of
1 + strict(diag(beta) k k^T). Its errors, against f64, are measured for every
precision on the virtual GPU (or on the device that `--device` names), over
chunks of 64 tokens and keys of 128 elements.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy

CHUNK, WIDTH = 64, 128

PROGRAM = """
tile.kernel @invert(%a: memref<?x{c}x{c}xf32>, %x: memref<?x{c}x{c}xf32>) {{
  %c0 = arith.constant 0 : index
  %b = gpu.block_id x
  %t = tile.load %a[%b, %c0, %c0] : memref<?x{c}x{c}xf32> -> tensor<{c}x{c}xf32>
  %r = tile.tri_inverse %t precision {precision} : tensor<{c}x{c}xf32>
  tile.store %r, %x[%b, %c0, %c0] : tensor<{c}x{c}xf32>, memref<?x{c}x{c}xf32>
}}
tile.host @main[%N](%a: memref<?x{c}x{c}xf32>[%N], out %x: memref<?x{c}x{c}xf32>[%N]) {{
  tile.launch @invert grid(%N) args(%a, %x) : memref<?x{c}x{c}xf32>, memref<?x{c}x{c}xf32>
}}
"""


def draw(generator, count, spread, low, high):
    """Matrices for keys that differ by `spread` from a common one."""
    common = numpy.ones(WIDTH) if numpy.isfinite(spread) else numpy.zeros(WIDTH)
    width = spread if numpy.isfinite(spread) else 1
    keys = common + width * generator.standard_normal((count, CHUNK, WIDTH))
    keys /= numpy.linalg.norm(keys, axis=-1, keepdims=True)
    beta = generator.uniform(low, high, (count, CHUNK, 1))
    return numpy.tril(beta * (keys @ keys.transpose(0, 2, 1)), -1).astype(numpy.float32)


CASES = {
    "random keys, beta up to 1": (numpy.inf, 0, 1),
    "random keys, beta up to 2": (numpy.inf, 0, 2),
    "random keys, beta 2": (numpy.inf, 2, 2),
    "keys half alike, beta up to 2": (1, 0, 2),
    "parallel keys, beta up to 1": (0.01, 0, 1),
    "parallel keys, beta up to 2": (0.01, 0, 2),
    "parallel keys, beta 1.9 to 2": (0.01, 1.9, 2),
}


def invert(heddle, device, precision, a, folder):
    program = folder / f"{precision}.mlir"
    program.write_text(PROGRAM.format(c=CHUNK, precision=precision))
    numpy.save(folder / "a.npy", a)
    command = [heddle, "run", program, "--size", f"N={len(a)}"]
    command += ["--input", f"a={folder / 'a.npy'}", "--output", f"x={folder / 'x.npy'}"]
    command += [f"--device={device}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return numpy.load(folder / "x.npy").astype(numpy.float64)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heddle", default="heddle")
    parser.add_argument("--device", default="virtual")
    parser.add_argument("--count", type=int, default=64, help="matrices per case")
    arguments = parser.parse_args()
    print("| matrices | largest | precision | greatest error | RMS error / RMS |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for case, parameters in CASES.items():
            generator = numpy.random.default_rng(7)
            a = draw(generator, arguments.count, *parameters)
            exact = numpy.linalg.inv(numpy.eye(CHUNK) + a.astype(numpy.float64))
            for precision in ("ieee", "tf32", "f16"):
                found = invert(
                    arguments.heddle, arguments.device, precision, a, pathlib.Path(name)
                )
                error = found - exact
                ratio = numpy.sqrt((error**2).mean() / (exact**2).mean())
                print(
                    f"| {case} | {abs(exact).max():.2f} | {precision} "
                    f"| {abs(error).max():.1e} | {ratio:.1e} |"
                )


if __name__ == "__main__":
    main()
