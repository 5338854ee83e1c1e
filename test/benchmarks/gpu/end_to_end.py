"""Prepares a folder, runs it on devices that are not GPUs, and damages it."""

import ctypes
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORK = pathlib.Path(sys.argv[1])
RUNNER = shutil.which("gpu-runner")
DRIVER = pathlib.Path(RUNNER).parent.parent / "test-driver" / "libcuda.so.1"

FAULT = """.version 8.0
.target sm_90a
.address_size 64
.visible .entry probe(.param .u64 p_out, .param .u32 p_count)
{
  .reg .b64 %d<2>;
  mov.b64 %d0, 16;
  st.global.u64 [%d0], %d0;
  ret;
}
"""


def expect(condition, *what):
    if not condition:
        sys.exit("end_to_end: " + " ".join(map(str, what)))


def gpu_check(script, *arguments, **environment):
    done = subprocess.run([sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **environment})
    print(done.stdout + done.stderr)
    return done


def prepare(folder, *programs):
    only = [argument for program in programs for argument in ("--only", program)]
    return gpu_check(ROOT / "scripts" / "gpu-check", "prepare", "--out", folder, "--heddle", shutil.which("heddle"),
                     "--runner", RUNNER, "--no-cubins", *only)


def run(folder, *arguments, **environment):
    """The status, the report and the output of a run."""
    report = WORK / "results.json"
    report.unlink(missing_ok=True)
    done = gpu_check(folder / "gpu-check", "run", "--runner", RUNNER, "--out", report, *arguments, **environment)
    results = json.loads(report.read_text())
    expect(len(list(WORK.glob("results*"))) == 1, "expected one file of output")
    return done.returncode, results, done.stdout


def test_whole(folder, device, **environment):
    status, results, text = run(folder, "--device", device, **environment)
    expect(status == 0 and results["passed"], "expected success, found", status, results["errors"])
    expect(results["simulated"] and "SIMULATED" in text and "OF A SIMULATOR" in text, "expected a mark")
    expect([check["case"] for check in results["checks"]] == ["gemm", "gemm", "softmax", "softmax"],
           "expected two checks per case, found", results["checks"])
    recorded = [check for check in results["checks"] if check.get("recorded")]
    expect(len(recorded) == 2, "expected recorded results to be compared")
    for line in results["times"]:
        expect(line["simulated"] and line["ours"]["median"] > 0 and line["rate"] > 0, "no time in", line)
    expect(len(results["times"]) == 2, "expected a time per case")
    expect(len(results["probes"]) > 200, "expected all probes")
    for probe in results["probes"]:
        expect(probe["status"] in ("ok", "unsupported on simulator"), "probe failed:", probe)
        expect(probe["status"] != "ok" or probe["value"] > 0, "no value in", probe)


def test_damaged(folder):
    package = folder / "packages" / "examples-softmax.heddle"
    contents = bytearray(package.read_bytes())
    contents[len(contents) // 2] ^= 1
    package.write_bytes(contents)
    expected = folder / "recorded" / "gemm" / "C.bin"
    expected.write_bytes(bytes(len(expected.read_bytes())))
    (folder / "probes" / "bar.sync-threads128.ptx").write_text(FAULT)

    status, results, text = run(folder, "--device", "virtual", "--only", "softmax", "--only", "gemm",
                                "--only", "bar.sync")
    expect(status == 1 and not results["passed"], "expected a failure, found", status)
    failed = [check for check in results["checks"] if check["status"] == "failed"]
    right = [check for check in results["checks"] if check["status"] == "ok"]
    expect(["gemm", "softmax", "softmax"] == [check["case"] for check in failed], "failed:", failed)
    expect("differ from the recorded results" in failed[0]["error"], failed[0]["error"])
    expect("examples-softmax.heddle" in failed[1]["error"], failed[1]["error"])
    expect(["gemm"] == [check["case"] for check in right], "right:", right)
    expect("FAILED softmax" in text.splitlines()[-4], "the end of the output names no failure")
    probes = {probe["parameters"]["threads"]: probe for probe in results["probes"]}
    expect(sorted(probes) == [32, 128, 256, 512, 1024], "expected the probes after the fault, found", sorted(probes))
    expect([threads for threads, probe in probes.items() if probe["status"] != "ok"] == [128], "probes:", probes)
    expect("kernel 'probe'" in probes[128]["error"], probes[128]["error"])


def test_parts(folder):
    status, results, text = run(folder, "--device", "virtual", "--steps", "time", "--only", "softmax")
    expect(status == 0 and "All is right" in text, "expected success without checks, found", results["errors"])
    expect(len(results["times"]) == 1 and not results["checks"], "expected one time")
    status, results, text = run(folder, "--device", "virtual", "--only", "nosuch", "--steps", "check", "probe")
    expect(status == 1 and "nothing was done" in text, "expected that nothing was done, found", results["errors"])


def test_no_time(folder):
    status, results, text = run(folder, "--device", "virtual", "--time-limit", "0")
    expect(status == 1 and "the time was over" in text, "expected that the time was over")


def test_no_device(folder):
    status, results, text = run(folder, "--device", "cuda", HEDDLE_CUDA_DRIVER="/nowhere/libcuda.so.1")
    expect(status == 1 and "/nowhere/libcuda.so.1" in results["errors"][0], results["errors"])


def test_foreign_folder():
    other = WORK / "other"
    other.mkdir()
    (other / "precious").write_text("")
    done = prepare(other, "softmax")
    expect(done.returncode == 2 and "was not made by gpu-check" in done.stderr, "expected a refusal")
    expect((other / "precious").exists(), "a folder of somebody else was replaced")


def test_c_interface(folder):
    """What the peers in Python call, on memory of ctypes."""
    sys.path.insert(0, str(folder / "peers"))
    import heddle_c
    library = heddle_c.Library(str(pathlib.Path(RUNNER).parent.parent / "lib" / "libheddle-runtime.so"))
    device = library.make("heddle_device_open", b"virtual")
    package = str(folder / "packages" / "examples-softmax.heddle")
    program = heddle_c.Program(library, device, package, "softmax")
    sizes = {"rows": 3, "columns": 5}
    expect(program.shapes(sizes) == {"X": [3, 5], "Y": [3, 5]}, program.shapes(sizes))
    expect([(buffer.name, heddle_c.TYPES[buffer.type], buffer.access) for buffer in program.buffers] ==
           [("X", "float32", heddle_c.IN), ("Y", "float32", heddle_c.OUT)], "buffers")
    x = (ctypes.c_float * 15)(*[0.25 * i * (-1) ** i for i in range(15)])
    y = (ctypes.c_float * 15)()
    addresses = {}
    for name, memory in (("X", x), ("Y", y)):
        address = ctypes.c_uint64()
        library.call("heddle_register_host_memory", device, memory, ctypes.c_size_t(60), ctypes.byref(address))
        addresses[name] = address.value
    program.bind(addresses, sizes)()
    for row in range(0, 15, 5):
        powers = [math.exp(value) for value in x[row:row + 5]]
        for i in range(5):
            expect(abs(y[row + i] - powers[i] / sum(powers)) < 1e-6, "softmax is", list(y))
    try:
        heddle_c.Program(library, device, package, "gemm")
        expect(False, "a host function that is not there was found")
    except heddle_c.HeddleError as error:
        expect("gemm" in str(error), error)


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    folder = WORK / "folder"
    expect(prepare(folder, "examples/softmax", "examples/gemm.").returncode == 0, "prepare failed")
    test_c_interface(folder)
    test_whole(folder, "virtual")
    if DRIVER.exists():
        test_whole(folder, "cuda", HEDDLE_CUDA_DRIVER=str(DRIVER))
    test_parts(folder)
    test_no_time(folder)
    test_no_device(folder)
    test_damaged(folder)
    test_foreign_folder()


if __name__ == "__main__":
    main()
