"""Assembles probes; a warning of the assembler is a failure."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks" / "gpu"))
sys.dont_write_bytecode = True

from gpucheck.probe import jobs  # noqa: E402
from gpucheck.probe.catalog import all_probes  # noqa: E402

# Of the widths of wgmma, the least and the largest say enough.
probes = [probe for probe in all_probes() if probe.parameters.get("n", 8) in (8, 256)]
complaints = jobs.write_code(sys.argv[1], probes, sys.argv[2])
sys.exit("\n".join(complaints) or 0)
