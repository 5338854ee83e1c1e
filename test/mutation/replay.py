"""Checks that what `heddle run` finds can be seen again.

For each planted bug: the command that a report ends with gives the same report, one
seed gives one report, and a recorded schedule replays to the same findings.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

BUGS = pathlib.Path(__file__).resolve().parent.parent / "runtime" / "virtual" / "bugs"
AGAIN = "to see it again: heddle "


def broken(text):
    """The broken version of a planted bug."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.endswith("// correct"):
            lines[i] = ""
        elif line.startswith("//!"):
            lines[i] = line[3:]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as folder:

        def run(words):
            done = subprocess.run([str(arguments.heddle.resolve()), *words], capture_output=True, text=True, cwd=folder)
            found = done.stderr.split(AGAIN)
            return done.returncode, found[0], found[1] if len(found) > 1 else None

        def findings(file):
            runs = json.loads((pathlib.Path(folder) / file).read_text())["runs"]
            return [finding for run in runs for launch in run["launches"] for finding in launch["findings"]]

        for bug in sorted(BUGS.glob("*.ptx")):

            def expect(what, condition, text=""):
                if not condition:
                    failures.append(f"{bug.name}: {what}\n{text}")

            (pathlib.Path(folder) / bug.name).write_text(broken(bug.read_text()))
            common = ["run", bug.name, f"--launch={bug.with_suffix('.json')}", "--device=virtual", "--sanitize=full"]
            code, text, again = run([*common, "--schedule=explore"])
            expect("expected exit code 1 and a command to see it again", code == 1 and again, text)
            if again:
                expect("that command gives another report", run(shlex.split(again))[:2] == (1, text), text)
            first = run([*common, "--schedule=random:5", "--report=first.json", "--record=trace.txt"])
            second = run([*common, "--schedule=random:5", "--report=second.json"])
            expect("the same seed gives another report", first[:2] == second[:2], first[1] + second[1])
            expect("the same seed gives other findings", findings("first.json") == findings("second.json"))
            replayed = run([*common, "--schedule=replay:trace.txt", "--report=replayed.json"])
            expect("a recorded schedule gives another report", replayed[:2] == first[:2], first[1] + replayed[1])
            expect("a recorded schedule gives other findings", findings("first.json") == findings("replayed.json"))
    print("\n".join(failures) or "every report can be seen again")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
