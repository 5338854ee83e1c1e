"""What a reader must know of the machine: versions, clocks, libraries."""

import glob
import importlib.util
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time


def output_of(*command, limit=20):
    """The output of a command, or None if it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit)
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout + done.stderr).strip()


def first_match(pattern, text):
    found = re.search(pattern, text or "")
    return found.group(1).strip() if found else None


def package_version(name):
    """The version of an installed Python package, without importing it."""
    try:
        from importlib import metadata
        return metadata.version(name)
    except Exception:  # Of whatever kind: there is none.
        return None


def versions():
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    query = output_of("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    compiler = os.environ.get("CXX", "c++")
    return {
        "driver": query.splitlines()[0] if query else None,
        "cuda": first_match(r"release ([\d.]+)", output_of(nvcc, "--version")),
        "cuda_of_driver": first_match(r"CUDA Version:\s*([\d.]+)", output_of("nvidia-smi")),
        "compiler": first_match(r"(.*)", output_of(compiler, "--version")),
        "cmake": first_match(r"version (\S+)", output_of("cmake", "--version")),
        "python": platform.python_version(),
        "torch": package_version("torch"),
        "triton": package_version("triton"),
        "system": platform.platform(),
        "processor": first_match(r"Model name:\s*(.*)", output_of("lscpu")),
        "cores": os.cpu_count(),
    }


def site_folders():
    """Where NVIDIA's libraries lie that came with Python packages."""
    folders = []
    spec = importlib.util.find_spec("nvidia")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folders += glob.glob(os.path.join(location, "*", "lib"))
    return sorted(folders)


def cublas_candidates():
    """Files and names of cuBLASLt, the likeliest first."""
    names = ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"]
    folders = ["/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib"] + site_folders()
    paths = [os.path.join(folder, name) for name in names for folder in folders]
    return [path for path in paths if os.path.exists(path)] + names


def name_of_gpu(ordinal):
    """How nvidia-smi, which counts all GPUs, calls the one that CUDA calls by
    this number."""
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    number = int(ordinal) if ordinal.isdigit() else 0
    return visible[number] if number < len(visible) else str(number)


class Clocks:
    """Reads the GPU's clock, power and temperature all the while."""

    FIELDS = "clocks.sm,clocks.mem,power.draw,temperature.gpu"

    def __init__(self, device="cuda"):
        """`device` is that of the run."""
        self.samples = []
        self.process = None
        kind, _, ordinal = device.partition(":")
        if kind == "virtual" or not shutil.which("nvidia-smi"):
            return
        try:
            self.process = subprocess.Popen(
                ["nvidia-smi", f"--query-gpu={self.FIELDS}", "--format=csv,noheader,nounits", "-i", name_of_gpu(ordinal), "-lms", "200"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            return
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            try:
                values = [float(value) for value in line.split(",")]
            except ValueError:
                continue
            self.samples.append((time.monotonic(), values))

    def between(self, begin, end):
        """The median of what was read: {sm_mhz, ...}, or nothing."""
        values = [values for when, values in list(self.samples) if begin <= when <= end and len(values) == 4]
        if not values:
            return {}
        names = ("sm_mhz", "memory_mhz", "watts", "celsius")
        return {name: statistics.median(column) for name, column in zip(names, zip(*values))}

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def build_command(source, build, third_party):
    """The commands that configure and build the runner."""
    configure = ["cmake", "-S", str(source), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release"]
    if third_party and pathlib.Path(third_party).is_dir():
        # Only what came with the folder, so that a build is the same everywhere.
        configure.append(f"-DCMAKE_PREFIX_PATH={third_party}")
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    return [configure, ["cmake", "--build", str(build), "--target", "gpu-runner", "HeddleRuntime",
                        "--parallel", str(os.cpu_count() or 1)]]


def python():
    """The Python that may have torch: that of the command line, if there is one."""
    return shutil.which("python3") or sys.executable
