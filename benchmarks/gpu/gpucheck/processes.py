"""Runs jobs in processes of their own, which may hang or die.

A worker is a program that takes a file of jobs and a file of results. It
appends a line {"start": i} before the i-th job and {"result": ...} after it.
When it does not come back from a job, that job has failed and another worker
does the rest.
"""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

# The worker says so of a device that is of no use after a fault.
SPOILED = 3


class Budget:
    """Time that is left until a deadline, for everything together."""

    def __init__(self, seconds, clock=time.monotonic):
        self.clock = clock
        self.start = clock()
        self.end = self.start + seconds

    def left(self):
        return max(0.0, self.end - self.clock())

    def used(self):
        return self.clock() - self.start

    def without(self, seconds):
        """The same budget, as if it ended so much earlier."""
        other = Budget(0, self.clock)
        other.start, other.end = self.start, self.end - seconds
        return other


def stop(process):
    """Ends a process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def last_line(path):
    lines = pathlib.Path(path).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def read_lines(path):
    """The complete lines of a file that somebody else still writes."""
    text = pathlib.Path(path).read_text(errors="replace") if pathlib.Path(path).exists() else ""
    lines = []
    for line in text.split("\n")[:-1]:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def ended(process, errors, limit, timed_out):
    """Why a worker did not come back from a job."""
    if timed_out:
        return f"no result after {limit:.0f} s"
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        return f"the process was ended by {name}: {last_line(errors)}".rstrip(": ")
    return f"the process ended with status {process.returncode}: {last_line(errors)}".rstrip(": ")


def run_worker(command, jobs, folder, limit, budget, environment=None):
    """One worker's results: a list that is shorter than `jobs` if it failed at
    or after the last of them; and a note on the job that it failed at, or None.
    The note is not that of a job if the list is empty and it did not start."""
    folder = pathlib.Path(folder)
    jobs_path, results_path, errors_path = folder / "jobs.json", folder / "results.jsonl", folder / "errors"
    jobs_path.write_text(json.dumps(jobs))
    results_path.write_text("")
    with open(errors_path, "wb") as errors:
        process = subprocess.Popen(list(command) + [str(jobs_path), str(results_path)],
                                   stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                   start_new_session=True, env=environment)
    began, seen, timed_out = budget.clock(), 0, False
    try:
        while process.poll() is None:
            lines = read_lines(results_path)
            if len(lines) != seen:
                began, seen = budget.clock(), len(lines)
            # The start of the process and of its device takes time, too.
            if budget.clock() - began > limit or not budget.left():
                timed_out = True
                break
            time.sleep(0.02)
    finally:
        # Also when this process is told to end.
        if process.poll() is None:
            stop(process)
    lines = read_lines(results_path)
    results = [line["result"] for line in lines if "result" in line]
    started = sum("start" in line for line in lines)
    if len(results) == len(jobs):
        return results, None, True
    if process.returncode == SPOILED and started == len(results):
        return results, None, True
    if timed_out and not budget.left():
        return results, None, started > 0
    return results, ended(process, errors_path, limit, timed_out), started > 0


def run_jobs(command, jobs, limit, budget, environment=None):
    """The result of each job: what the worker wrote, or {"error": ...}, or
    {"skipped": ...} if there was no time. `limit` is the seconds for a job."""
    results = []
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        while len(results) < len(jobs):
            if not budget.left():
                break
            done, note, started = run_worker(command, jobs[len(results):], folder, limit, budget, environment)
            results += done
            if note is None:
                continue
            if not started and not done:
                # It does not even start; nor would the next.
                results += [{"error": note}] * (len(jobs) - len(results))
            else:
                results.append({"error": note})
    results += [{"skipped": "the time was over"}] * (len(jobs) - len(results))
    return results
