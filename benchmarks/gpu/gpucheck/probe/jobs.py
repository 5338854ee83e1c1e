"""Writes probes to a folder and makes jobs of the runner from them."""

import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess

from .catalog import all_probes
from .kernel import SM, Buffer, Number, Scale, TensorMap


def _get(value, simulated):
    return value.get(simulated) if isinstance(value, Scale) else value


def _argument(argument, simulated):
    if isinstance(argument, Buffer):
        return {"kind": "buffer", "bytes": _get(argument.bytes, simulated)}
    if isinstance(argument, Number):
        return {"kind": "number", "value": _get(argument.value, simulated)}
    assert isinstance(argument, TensorMap)
    return {"kind": "tensor map", **dataclasses.asdict(argument)}


def make_job(probe, folder, simulated, multiprocessors):
    """The job of one probe whose PTX lies in `folder`."""
    if isinstance(probe.grid, tuple):
        assert probe.grid[0] == SM
        blocks = probe.grid[1] * (2 if simulated else multiprocessors)
    else:
        blocks = probe.grid
    code = pathlib.Path(folder) / probe.key
    job = {
        "kind": "probe", "name": probe.name, "parameters": probe.parameters,
        "unit": probe.unit, "measure": probe.measure, "simulated": simulated,
        "work": _get(probe.work, simulated), "rounds": _get(probe.rounds, simulated),
        "samples": _get(probe.samples, simulated), "slots": probe.slots,
        "ptx": f"{code}.ptx", "entry": probe.entry, "flush": probe.flush and not simulated,
        "grid": [blocks, 1, 1], "block": [probe.threads, 1, 1], "cluster": [probe.cluster, 1, 1],
        "shared_bytes": probe.shared_bytes,
        "arguments": [_argument(argument, simulated) for argument in probe.arguments],
    }
    if pathlib.Path(f"{code}.cubin").exists():
        job["cubin"] = f"{code}.cubin"
    if probe.setup:
        entry, setup_blocks, threads = probe.setup
        job["setup"] = {"entry": entry, "blocks": _get(setup_blocks, simulated), "threads": threads}
    return job


def write_code(folder, probes=None, ptxas=None):
    """Writes the PTX of all probes, and their cubins if there is a `ptxas`.
    Returns what it complained about."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    probes = all_probes() if probes is None else probes
    for probe in probes:
        (folder / f"{probe.key}.ptx").write_text(probe.ptx)
    if not ptxas:
        return []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(lambda probe: assemble(folder / f"{probe.key}.ptx", ptxas), probes)
    return [complaint for complaint in complaints if complaint]


def assemble(path, ptxas):
    """Writes a cubin beside PTX; returns what the assembler complained about."""
    done = subprocess.run([ptxas, "-v", "-arch=sm_90a", str(path), "-o", str(path.with_suffix(".cubin"))],
                          capture_output=True, text=True)
    said = done.stdout + done.stderr
    # Warnings, and wgmmas that it serialized or changed (C75xx).
    if done.returncode or "warning" in said.lower() or "(C75" in said:
        return f"{path.stem}: {said.strip()}"
    return None
