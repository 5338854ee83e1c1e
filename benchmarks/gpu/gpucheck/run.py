"""Checks and measures what `prepare` made, on the device that is here."""

import datetime
import json
import math
import pathlib
import random
import signal
import subprocess
import time

from . import machine, processes, table
from .probe import evaluate, jobs as probe_jobs
from .probe.catalog import MODULES, all_probes
from .statistics import ratio, summary

SCHEMA = 1
WARM_UP_MS = 1000
FLUSH_BYTES = 256 << 20
ROUNDS = 25
# Seconds for one job, and what is kept for the probes at the end.
CHECK_LIMIT, TIME_LIMIT, TORCH_LIMIT, PROBE_LIMIT = 60, 60, 150, 30
PROBE_RESERVE = 75
# What an 8-bit float's or a rounded bias's norm may be off.
MAX_DIFFERENCE = 2e-2


def finite(value):
    """The same without numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class Run:
    def __init__(self, folder, options):
        self.folder = pathlib.Path(folder)
        self.options = options
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.budget = processes.Budget(options.time_limit)
        self.clocks = machine.Clocks(options.device)
        self.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
        self.results = {
            "schema": SCHEMA,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": f"gpu-check run --device {options.device}",
            "revision": self.manifest["revision"], "prepared": self.manifest["date"],
            "seed": self.seed, "simulated": options.device.startswith("virtual"),
            "versions": machine.versions(), "device": None,
            "checks": [], "times": [], "probes": [], "skipped": [], "errors": [],
            # Until everything was done.
            "passed": False,
        }
        self.runner = None

    # -- What can go wrong is written down, and the next step goes on. --

    def error(self, text):
        self.results["errors"].append(text)
        self.say(f"ERROR {text}")

    def skip(self, text):
        self.results["skipped"].append(text)

    def say(self, text):
        print(f"[{self.budget.used():5.0f} s] {text}", flush=True)

    def command(self, case):
        return f"gpu-check run --device {self.options.device} --seed {self.seed} --only {case}"

    def selected(self, name):
        return not self.options.only or any(part in name for part in self.options.only)

    def cases(self):
        return [case for case in self.manifest["cases"] if self.selected(case["name"])]

    def run_jobs(self, jobs, limit, budget=None):
        command = [str(self.runner), self.options.device]
        return processes.run_jobs(command, jobs, limit, budget or self.budget)

    # -- Steps --

    def build(self):
        if self.options.runner:
            self.runner = pathlib.Path(self.options.runner)
            return True
        build = pathlib.Path(self.options.build or self.folder / "build")
        source = self.folder / "source" / "benchmarks" / "gpu" / "runner"
        self.say("building the runtime and the runner")
        start = self.budget.used()
        for command in machine.build_command(source, build, self.folder / "third-party"):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=self.budget.left())
            except FileNotFoundError:
                self.error(f"build: {command[0]} was not found; install CMake 3.25 or newer, or name a gpu-runner "
                           "that was built elsewhere with --runner")
                return False
            except (OSError, subprocess.SubprocessError) as error:
                self.error(f"build: {error}")
                return False
            if done.returncode:
                self.error(f"build: `{' '.join(command)}` failed:\n" + (done.stdout + done.stderr)[-4000:])
                return False
        self.results["build_seconds"] = round(self.budget.used() - start, 1)
        self.runner = build / "bin" / "gpu-runner"
        return True

    def open(self):
        info = self.run_jobs([{"kind": "info"}], CHECK_LIMIT)[0]
        if "name" not in info:
            self.error(f"{self.options.device}: {info.get('error') or info.get('skipped')}")
            return False
        self.results["device"] = info
        self.results["simulated"] = info["simulated"]
        if not self.results["versions"]["driver"] and info["driver_version"]:
            self.results["versions"]["driver"] = f"CUDA {info['driver_version'] / 1000:g}"
        self.say(f"device: {info['name']}" + (" (a simulator)" if info["simulated"] else ""))
        return True

    def check(self):
        simulated = self.results["simulated"]
        for case in self.cases():
            jobs = []
            base = {"kind": "check", "package": str(self.folder / case["package"]), "host": case["host"]}
            if case.get("recorded"):
                jobs.append({**base, "sizes": case["record"], "seed": case["recorded_seed"],
                             "recorded": str(self.folder / case["recorded"])})
            for i, sizes in enumerate(case["checks"][:1] if simulated else case["checks"]):
                jobs.append({**base, "sizes": sizes, "seed": self.seed + 1000 * i})
            lines = [self.check_line(case, job, result)
                     for job, result in zip(jobs, self.run_jobs(jobs, CHECK_LIMIT))]
            self.results["checks"] += lines
            right = sum(line["status"] == "ok" for line in lines)
            self.say(f"check {case['name']}: {right} of {len(lines)} right")

    def check_line(self, case, job, result):
        line = {"case": case["name"], "sizes": job["sizes"], "seed": job["seed"],
                "command": self.command(case["name"])}
        reasons = []
        if "skipped" in result:
            self.skip(f"check {case['name']} ({table.size_text(job['sizes'])}): {result['skipped']}")
            return {**line, "status": "skipped", "error": result["skipped"]}
        if "error" in result:
            return {**line, "status": "failed", "error": result["error"]}
        line.update({key: result[key] for key in ("launches", "outputs", "recorded") if key in result})
        for output in result["outputs"]:
            if not output["passed"]:
                reasons.append(output["text"].strip() or f"{output['name']}: {output['wrong']} elements are wrong")
        for output in result.get("recorded", []):
            if output["wrong"]:
                reasons.append(f"{output['name']}: {output['wrong']} elements differ from the recorded results, "
                               f"by up to {output['max_abs_error']}")
        unwritten = {output["name"] for output in result["outputs"] if output["unwritten"]}
        for name, count in result["different"].items():
            if name not in unwritten and not case.get("may_vary"):
                reasons.append(f"{name}: {count} elements changed when the program ran again on memory that held "
                               "something else")
        line["status"] = "failed" if reasons else "ok"
        if reasons:
            line["error"] = "; ".join(reasons)
        return line

    def time(self):
        simulated = self.results["simulated"]
        budget = self.budget.without(0 if simulated else PROBE_RESERVE)
        for case in self.cases():
            times = [case["simulated"]] if simulated and case.get("simulated") else case["times"]
            for timing in [] if simulated and not case.get("simulated") else times:
                job = {"kind": "time", "package": str(self.folder / case["package"]), "host": case["host"],
                       "sizes": timing["sizes"], "seed": self.seed,
                       "rounds": 3 if simulated else ROUNDS, "warm_up_ms": 0 if simulated else WARM_UP_MS,
                       "flush_bytes": 4096 if simulated else FLUSH_BYTES}
                if timing.get("cublas") and not simulated:
                    job["peer"] = {**timing["cublas"], "flush_bytes": FLUSH_BYTES,
                                   "library": machine.cublas_candidates()}
                begin = time.monotonic()
                result = self.run_jobs([job], TIME_LIMIT, budget)[0]
                line = time_line(case["name"], timing, result, "cuBLAS", self.command(case["name"]), simulated)
                self.finish_time(line, begin)

    def finish_time(self, line, begin):
        line.update(self.clocks.between(begin, time.monotonic()))
        if line["status"] == "skipped":
            self.skip(f"time {line['case']} ({table.size_text(line['sizes'])}): {line.pop('error')}")
        self.results["times"].append(line)
        ours = line.get("ours") or line.get("peer_time")
        self.say(f"time {line['case']} ({table.size_text(line['sizes'])}): " +
                 (f"{table.number(ours['median'])} ms" if ours else line.get("error", "skipped")))

    def torch(self):
        """Ours beside PyTorch and Triton, in one Python process; and baselines."""
        if self.results["simulated"]:
            self.skip("peers in Python: they need a GPU")
            return
        jobs, owners = [], []
        library = self.runner.parent.parent / "lib" / "libheddle-runtime.so"
        for case in self.cases():
            for timing in case["times"]:
                if timing.get("torch"):
                    for peer in timing["torch"]["peers"]:
                        jobs.append({"package": str(self.folder / case["package"]), "host": case["host"],
                                     "library": str(library), "sizes": timing["sizes"], "seed": self.seed,
                                     "options": {**timing["torch"], "peer": peer}})
                        owners.append((case["name"], timing))
        for baseline in self.manifest["baselines"]:
            if self.selected(baseline["name"]):
                jobs.append({"options": baseline["options"], "seed": self.seed})
                owners.append((baseline["name"], {"sizes": {}, "flops": baseline["flops"], "bytes": baseline["bytes"]}))
        common = {"rounds": ROUNDS, "warm_up_ms": WARM_UP_MS, "flush_bytes": FLUSH_BYTES, "device": self.options.device}
        jobs = [{**common, **job} for job in jobs]
        if not jobs:
            return
        if not self.results["versions"]["torch"]:
            self.skip("peers in Python: this python3 has no torch")
            return
        self.say("peers in Python")
        script = pathlib.Path(__file__).resolve().parent.parent / "peers" / "torch_peers.py"
        begin = time.monotonic()
        results = processes.run_jobs([machine.python(), str(script)], jobs, TORCH_LIMIT,
                                     self.budget.without(PROBE_RESERVE))
        for (name, timing), job, result in zip(owners, jobs, results):
            line = time_line(name, timing, result, result.get("peer_name", job["options"]["peer"]),
                             self.command(name), False)
            if "package" not in job and line["status"] == "ok":
                line["status"] = "baseline"
            self.finish_time(line, begin)

    def probe(self):
        simulated = self.results["simulated"]
        sms = self.results["device"]["multiprocessors"]
        for module in MODULES:
            probes = [probe for probe in module.probes() if self.selected("probe " + probe.name)]
            jobs = [probe_jobs.make_job(probe, self.folder / "probes", simulated, sms) for probe in probes]
            for job, output in zip(jobs, self.run_jobs(jobs, PROBE_LIMIT) if jobs else []):
                if "skipped" in output:
                    self.skip(f"probe {job['name']} ({table.size_text(job['parameters'])}): {output['skipped']}")
                else:
                    self.results["probes"].append(evaluate.result(job, output))
        self.say(f"{len(self.results['probes'])} of {len(all_probes())} probes")

    # -- All --

    def write(self):
        """Writes the report, whole or not at all; also after each step, since
        somebody may end the process."""
        out = pathlib.Path(self.options.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(out.name + ".part")
        temporary.write_text(json.dumps(finite(self.results), indent=1, allow_nan=False) + "\n")
        temporary.replace(out)

    def finish(self):
        results = self.results
        if not results["errors"] and not any(results[part] for part in ("checks", "times", "probes", "skipped")):
            self.error("nothing was done: no case or probe matches --only in --steps " + " ".join(self.options.steps))
        wrong = [line for part in ("checks", "times", "probes") for line in results[part] if line["status"] == "failed"]
        results["passed"] = not wrong and not results["errors"]
        results["passed"] &= not any("the time was over" in text for text in results["skipped"])
        results["seconds"] = round(self.budget.used(), 1)
        results["path"] = str(self.options.out)
        self.clocks.close()
        self.write()
        print(table.report(results), flush=True)
        return 0 if results["passed"] else 1

    def all(self):
        steps = [("check", self.check), ("time", self.time), ("torch", self.torch), ("probe", self.probe)]
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            if self.build() and self.open():
                for name, step in steps:
                    if name in self.options.steps:
                        self.step(name, step)
                        self.write()
        except KeyboardInterrupt:
            self.error("interrupted")
        return self.finish()

    def step(self, name, step):
        try:
            step()
        except Exception as error:  # A mistake here must not cost the other steps.
            self.error(f"{name}: {type(error).__name__}: {error}")


def time_line(case, timing, result, peer, command, simulated):
    """The report of one size of one case."""
    line = {"case": case, "sizes": timing["sizes"], "simulated": simulated, "command": command}
    if "skipped" in result or "error" in result:
        return {**line, "status": "skipped" if "skipped" in result else "failed",
                "error": result.get("error") or result["skipped"]}
    if "unavailable" in result:
        return {**line, "status": "skipped", "error": result["unavailable"]}
    times = result["milliseconds"]
    if any(time <= 0 for samples in times.values() for time in samples):
        return {**line, "status": "failed", "error": "a time is not positive"}
    line["status"] = "ok"
    measured = times.get("ours") or times["peer"]
    seconds = summary(measured)["median"] / 1e3
    # Whichever limit is nearer says what the rate is of.
    bound_by_bytes = timing["flops"] < 100 * timing["bytes"]
    line["rate"] = (timing["bytes"] / 1e9 if bound_by_bytes else timing["flops"] / 1e12) / seconds
    line["unit"] = "GB/s" if bound_by_bytes else "TFLOP/s"
    line["flops"], line["bytes"] = timing["flops"], timing["bytes"]
    if "ours" in times:
        line["ours"] = summary(times["ours"])
    if "peer" in times:
        line.update(peer=peer, peer_time=summary(times["peer"]))
        if "ours" in times:
            line["ratio"] = ratio(times["ours"], times["peer"])
    for key in ("launches", "peer_error", "relative_difference", "kernels"):
        if key in result:
            line[key] = result[key]
    if result.get("peer"):
        line["peer_details"] = result["peer"]
    if result.get("relative_difference", 0) > MAX_DIFFERENCE:
        line.update(status="failed", error=f"the result is {result['relative_difference']:.2g} off the peer's "
                    "(norm of the difference over the norm)")
    return line


def main(folder, options):
    return Run(folder, options).all()
