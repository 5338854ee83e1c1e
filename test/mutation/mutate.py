"""Mutates correct kernels and counts which mutants the virtual GPU catches.

Each synchronization of each original is deleted, doubled, moved and altered. A
mutant is caught if `heddle run --sanitize=full` reports an error or gives another
result under one of the schedules timed, eager, lazy and random:0..7. What a mutant
means is decided by rules.py, not by what is reported.

    scripts/mutate                          everything, with a table at the end
    scripts/mutate --sample 60              a fixed sample
    scripts/mutate --only ring/100          mutants whose name has that in it
    scripts/mutate --list                   what would be run, and why

Exit code 1 if an original has a report, a mutant that must be caught is missed, one
that means the same is reported, fewer than 90 % have the right cause, or a mutant is
neither decided by a rule nor reviewed.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import operators
import originals
import ptx
import rules

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCHEDULE = "explore:8"
TIME_LIMIT = 120
RIGHT_CAUSES = 0.9


@dataclasses.dataclass
class Result:
    """What `heddle run` said."""

    code: int
    schedule: str = ""
    cause: str = ""  # of the first error
    text: str = ""
    seconds: float = 0


@dataclasses.dataclass
class Case:
    original: originals.Original
    mutant: operators.Mutant
    verdict: rules.Verdict
    name: str
    result: Result = None

    @property
    def outcome(self):
        if self.result.code not in (0, 1):
            return "failed"
        caught = self.result.code == 1
        if self.verdict.meaning == "open":
            return "open"
        if self.verdict.meaning == "same":
            return "false alarm" if caught else "quiet"
        if not caught:
            return "missed"
        return "caught" if self.result.cause in self.verdict.causes else "other cause"


def class_of(finding):
    """What rules.py calls a cause."""
    if finding["cause"] == "unknown" or finding["kind"] == "wgmma-registers":
        return finding["kind"]
    return finding["cause"]


def first_error(report):
    """The schedule and the cause of the first error of a run."""
    for run in report.get("runs", []):
        for launch in run["launches"]:
            for finding in launch["findings"]:
                if finding["severity"] == "error":
                    return run["schedule"], class_of(finding), finding["message"]
        if "error" in run:
            return run["schedule"], "error", run["error"]
    if report.get("differences"):
        return "", "wrong-result", report["differences"][0]
    return "", "wrong-result", ""


class Runner:
    def __init__(self, tools, work, schedule=SCHEDULE):
        self.tools, self.work, self.schedule = tools, work, schedule

    def run(self, name, text, launch, schedule=None):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        (folder / "kernel.ptx").write_text(text)
        (folder / "launch.json").write_text(json.dumps(launch))
        command = [self.tools.heddle, "run", folder / "kernel.ptx", f"--launch={folder / 'launch.json'}",
                   "--device=virtual", "--sanitize=full", f"--schedule={schedule or self.schedule}",
                   f"--report={folder / 'report.json'}"]  # fmt: skip
        start = time.monotonic()
        try:
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIME_LIMIT)
            result = Result(done.returncode, text=done.stderr)
        except subprocess.TimeoutExpired:
            result = Result(-1, text=f"ran for more than {TIME_LIMIT} s")
        result.seconds = time.monotonic() - start
        report = folder / "report.json"
        if result.code == 1:
            if report.exists():
                result.schedule, result.cause, message = first_error(json.loads(report.read_text()))
                result.text = message or result.text
            else:
                result.cause = "error"
        shutil.rmtree(folder)
        return result

    def expected(self, original):
        """The launch of `original` with the values that it gives as expected ones."""
        launch = json.loads(json.dumps(original.launch))
        for name in original.outputs:
            launch["buffers"][name]["output"] = str(self.work / f"{original.name}-{name}.npy")
        result = self.run(original.name, original.text, launch)
        for name in original.outputs:
            launch["buffers"][name]["expected"] = launch["buffers"][name].pop("output")
        return launch, result


def read_reviewed():
    """Verdicts by original and mutant."""
    verdicts = {}
    for line in (HERE / "reviewed.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        mutant, meaning, causes, reason = (part.strip() for part in line.split("|"))
        original, operator, number = mutant.split()
        verdicts[original, operator, int(number)] = rules.Verdict(meaning, frozenset(causes.split()), reason)
    return verdicts


def all_cases(original, reviewed):
    program = ptx.Program(original.text)
    for mutant in operators.mutants(program):
        number = [unit for unit in program.units if unit.kind == mutant.unit.kind].index(mutant.unit) + 1
        key = (original.name, f"{mutant.unit.kind}/{rules.operator_of(mutant)}", number)
        verdict = reviewed.get(key) or rules.decide(original, program, mutant)
        yield Case(original, mutant, verdict, f"{original.name}/{mutant.name}")


def percent(part, whole):
    return f"{part / whole:.1%}" if whole else "-"


def summarize(cases):
    """Counts by outcome: of all, by operator, and by cause."""
    total = collections.Counter(case.outcome for case in cases)
    by_operator, by_cause = {}, {}
    for case in cases:
        row = by_operator.setdefault(f"{case.mutant.unit.kind} {case.mutant.operator}", collections.Counter())
        row[case.outcome] += 1
        if case.verdict.meaning == "changed":
            by_cause.setdefault(case.result.cause or "missed", collections.Counter())[case.outcome] += 1
    return total, by_operator, by_cause


OUTCOMES = ["caught", "other cause", "missed", "quiet", "false alarm", "open", "failed"]


def print_table(title, rows):
    width = max([len(title), *map(len, rows)])
    print(f"\n{title:{width}} " + " ".join(f"{name:>11}" for name in OUTCOMES))
    for name, row in sorted(rows.items()):
        print(f"{name:{width}} " + " ".join(f"{row[outcome] or '':>11}" for outcome in OUTCOMES))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", type=pathlib.Path, default=ROOT / "build" / "bin" / "heddle")
    parser.add_argument("--compiler", type=pathlib.Path, help="the heddle that compiles, if it is another one")
    parser.add_argument("--no-compiler", action="store_true", help="leave out what Heddle compiles")
    parser.add_argument("--nvcc", type=pathlib.Path, default=shutil.which("nvcc", path="/usr/local/cuda/bin:/usr/bin"))
    parser.add_argument("--no-nvcc", action="store_true", help="leave out what nvcc compiles")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="this many mutants, spread evenly")
    parser.add_argument("--only", help="mutants whose name contains this")
    parser.add_argument("--list", action="store_true", help="print what would be run, and why")
    parser.add_argument("--json", type=pathlib.Path, help="where to write the result")
    parser.add_argument("--verbose", action="store_true", help="print every mutant")
    tools = parser.parse_args()
    tools.compiler = None if tools.no_compiler else tools.compiler or tools.heddle
    if tools.no_nvcc:
        tools.nvcc = None

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        runner = Runner(tools, work)
        reviewed = read_reviewed()
        cases, undecided, alarms = [], [], []
        found = list(originals.originals(work, tools))
        for original in found:
            cases += all_cases(original, reviewed)
        undecided = [case.name for case in cases if not case.verdict]
        if tools.only:
            cases = [case for case in cases if tools.only in case.name]
        if tools.sample and tools.sample < len(cases):
            cases = [cases[i * len(cases) // tools.sample] for i in range(tools.sample)]
        if tools.list:
            for case in cases:
                verdict = case.verdict or rules.Verdict("undecided", frozenset(), "")
                causes = f" ({', '.join(sorted(verdict.causes))})" if verdict.causes else ""
                print(f"{case.name}: {verdict.meaning}{causes}: {verdict.reason}")
            return 0
        cases = [case for case in cases if case.verdict]
        needed = {case.original.name for case in cases}
        found = [original for original in found if original.name in needed]

        with concurrent.futures.ThreadPoolExecutor(tools.jobs) as pool:
            launches = {}
            for original, (launch, result) in zip(found, pool.map(runner.expected, found)):
                launches[original.name] = launch
                if result.code != 0:
                    alarms.append(original.name)
                    print(f"original {original.name}: {result.schedule} {result.cause}\n{result.text}")
            cases = [case for case in cases if case.original.name not in alarms]

            def judge(case):
                case.result = runner.run(case.name, case.mutant.text, launches[case.original.name])
                return case

            for case in pool.map(judge, cases):
                if tools.verbose or case.outcome not in ("caught", "quiet", "open"):
                    expected = ", ".join(sorted(case.verdict.causes)) or "nothing"
                    first = case.result.text.strip().split("\n")[0]
                    print(f"{case.outcome}: {case.name}: {case.verdict.reason}; expected {expected}, found "
                          f"{case.result.cause or 'nothing'} {case.result.schedule} {first}", flush=True)  # fmt: skip

    total, by_operator, by_cause = summarize(cases)
    print_table("operator", by_operator)
    print_table("cause", by_cause)
    changed = total["caught"] + total["other cause"] + total["missed"]
    caught = changed - total["missed"]
    right = total["caught"]
    print(f"\n{len(found)} originals, {len(alarms)} with reports; {len(cases)} mutants in {time.monotonic() - start:.0f} s")
    print(f"{changed} change the meaning: {percent(caught, changed)} caught, {percent(right, caught)} of them with the right cause")
    print(f"{total['quiet'] + total['false alarm']} mean the same: {total['false alarm']} reported")
    print(f"{total['open']} are open, {total['failed']} failed, {len(undecided)} are undecided")
    for name in undecided:
        print(f"undecided: {name}")
    if tools.json:
        sys.path.insert(0, str(ROOT / "benchmarks"))
        from harness import provenance

        result = {
            "command": shlex.join(["scripts/mutate", *sys.argv[1:]]),
            "schedules": SCHEDULE,
            "originals": [original.name for original in found],
            "originalsWithReports": alarms,
            "mutants": len(cases),
            "changed": changed,
            "caught": caught,
            "rightCause": right,
            "same": total["quiet"] + total["false alarm"],
            "falseAlarms": total["false alarm"],
            "open": total["open"],
            "failed": total["failed"],
            "undecided": len(undecided),
            "seconds": round(time.monotonic() - start),
            "byOperator": {name: dict(row) for name, row in sorted(by_operator.items())},
            "byCause": {name: dict(row) for name, row in sorted(by_cause.items())},
            "missed": [case.name for case in cases if case.outcome == "missed"],
            "otherCause": [f"{case.name}: {case.result.cause}" for case in cases if case.outcome == "other cause"],
        }
        data = {**provenance(tools.heddle), "results": result}
        tools.json.write_text(json.dumps(data, indent=2) + "\n")
    bad = alarms or undecided or total["missed"] or total["false alarm"] or total["failed"]
    return 1 if bad or right < RIGHT_CAUSES * caught else 0


if __name__ == "__main__":
    sys.exit(main())
