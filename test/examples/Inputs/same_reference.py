"""Runs the reference of a program and of its package; the outputs must be the same.

    same_reference.py HEDDLE-RUNTIME PREFIX PROGRAM OUTPUT [--size NAME=INT]...
"""

import pathlib
import subprocess
import sys

runtime, prefix, program, output, *sizes = sys.argv[1:]
package, a, b = f"{prefix}.heddle", pathlib.Path(f"{prefix}.a.npy"), pathlib.Path(f"{prefix}.b.npy")
subprocess.run(["heddle", "compile", program, "-o", package], check=True)
subprocess.run(["heddle", "run", program, *sizes, "--device=reference", f"--output={output}={a}"], check=True)
subprocess.run([runtime, "run", package, *sizes, "--device=reference", f"--output={output}={b}"], check=True)
if a.read_bytes() != b.read_bytes():
    sys.exit(f"{program} and {package} differ in {output}")
