"""How lit runs Heddle's tests."""

import os
import shutil
import subprocess
import sys

import lit.formats

config.name = "Heddle"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.heddle_binary_dir, "test")

# What builds Heddle builds what uses it; make need not be there.
config.environment["CMAKE_GENERATOR"] = "Ninja"
config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.heddle_binary_dir, "bin"),
        config.llvm_tools_dir,
        config.environment["PATH"],
    ]
)
config.substitutions.append(
    ("%examples", os.path.join(config.heddle_source_dir, "examples"))
)
config.substitutions.append(
    ("%scripts", os.path.join(config.heddle_source_dir, "scripts"))
)

config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%heddle_build", config.heddle_binary_dir))
config.substitutions.append(("%llvm_prefix", config.llvm_prefix))
config.substitutions.append(
    (
        "%heddle-runtime",
        os.path.join(config.heddle_binary_dir, "runtime", "bin", "heddle-runtime"),
    )
)

# lit's own Python may lack what another one has.
for python in (sys.executable, shutil.which("python3")):
    if python and not subprocess.run(
        [python, "-c", "import numpy"], capture_output=True, check=False
    ).returncode:
        config.available_features.add("numpy")
        config.substitutions.append(("%numpy-python", python))
        break

ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
if os.path.exists(ptxas):
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
