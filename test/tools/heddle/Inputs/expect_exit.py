"""Runs a command that must end with the exit code given first."""

import subprocess
import sys

expected, command = int(sys.argv[1]), sys.argv[2:]
code = subprocess.run(command).returncode
if code != expected:
    print(f"expected exit code {expected}, found {code}: {command}")
    sys.exit(1)
