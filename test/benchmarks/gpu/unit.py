"""What gpu-check computes and prints, without a device."""

import json
import os
import pathlib
import sys
import tempfile
import textwrap
import time
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks" / "gpu"))
sys.path.insert(1, str(ROOT / "benchmarks" / "gpu" / "peers"))
sys.dont_write_bytecode = True

import torch_peers  # noqa: E402
from gpucheck import cases, machine, processes, run, statistics, table  # noqa: E402
from gpucheck.probe import evaluate  # noqa: E402
from gpucheck.probe.catalog import all_probes  # noqa: E402


class Statistics(unittest.TestCase):
    def test_median_of_even_and_odd(self):
        self.assertEqual(statistics.median([3, 1, 2]), 2)
        self.assertEqual(statistics.median([4, 1, 2, 3]), 2.5)

    def test_quantiles_interpolate(self):
        self.assertEqual(statistics.quantile([0, 10], 0.25), 2.5)
        self.assertEqual(statistics.quantile([7], 0.9), 7)

    def test_summary(self):
        self.assertEqual(statistics.summary([1, 2, 3, 4, 100]),
                         {"median": 3, "iqr": 2, "min": 1, "max": 100, "samples": 5})

    def test_ratio_is_above_one_if_ours_is_faster(self):
        self.assertEqual(statistics.ratio(ours=[1, 2, 3], peer=[4, 4, 4]), 2)

    def test_no_samples_are_an_error(self):
        with self.assertRaises(ValueError):
            statistics.median([])


class Evaluate(unittest.TestCase):
    def job(self, **values):
        return {"name": "p", "parameters": {}, "unit": "cycles", "measure": "cycles per operation", "work": 4,
                "rounds": 10, "slots": 2, "grid": [1, 1, 1], "simulated": False, **values}

    def sample(self, *clocks, milliseconds=1.0):
        return {"clocks": [list(clock) for clock in clocks], "milliseconds": milliseconds}

    def test_cycles_go_from_first_start_to_last_end(self):
        sample = self.sample((100, 160, 0, 1), (80, 140, 0, 1))
        self.assertEqual(evaluate.evaluate(self.job(), [sample]), [2])

    def test_slots_that_were_not_written_do_not_count(self):
        sample = self.sample((100, 180, 0, 1), (0, 0, 0, 0))
        self.assertEqual(evaluate.evaluate(self.job(), [sample]), [2])

    def test_nothing_written_is_an_error(self):
        line = evaluate.result(self.job(), {"samples": [self.sample((0, 0, 0, 0), (0, 0, 0, 0))]})
        self.assertEqual(line["status"], "failed")
        self.assertIn("no block wrote its clocks", line["error"])

    def test_operations_per_cycle(self):
        sample = self.sample((0, 20, 0, 1), (0, 10, 0, 1))
        self.assertEqual(evaluate.evaluate(self.job(measure="operations per cycle"), [sample]), [2])

    def test_bytes_per_second(self):
        job = self.job(measure="per second", work=1e9, rounds=2, unit="GB/s")
        self.assertEqual(evaluate.evaluate(job, [self.sample((0, 1, 0, 1), (0, 1, 0, 1), milliseconds=10)]), [200])

    def test_clock_in_mhz(self):
        job = self.job(measure="clock", slots=1)
        self.assertEqual(evaluate.evaluate(job, [self.sample((0, 1800, 1000, 1))]), [1800])

    def test_refused_instructions_are_failures_of_hardware_only(self):
        output = {"error": "red.async is not supported; expected red"}
        self.assertEqual(evaluate.result(self.job(simulated=True), output)["status"], "unsupported on simulator")
        self.assertEqual(evaluate.result(self.job(), output)["status"], "failed")

    def test_a_value_of_zero_is_a_failure(self):
        output = {"samples": [self.sample((5, 5, 0, 1), (5, 5, 0, 1))]}
        self.assertEqual(evaluate.result(self.job(), output)["status"], "failed")


class Probes(unittest.TestCase):
    def test_keys_are_distinct_file_names(self):
        keys = [probe.key for probe in all_probes()]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertFalse([key for key in keys if "/" in key or " " in key])


class Machine(unittest.TestCase):
    def test_clocks_are_those_of_the_gpu_that_is_used(self):
        for visible, ordinal, expected in (("", "", "0"), ("", "3", "3"), ("4, 5", "1", "5"), ("GPU-12ab", "0", "GPU-12ab")):
            with unittest.mock.patch.dict(os.environ, {"CUDA_VISIBLE_DEVICES": visible}):
                self.assertEqual(machine.name_of_gpu(ordinal), expected)


class Peers(unittest.TestCase):
    def test_kernels_of_another_backend_are_refused(self):
        torch_peers.verify_backend("cudnn", ["cudnn_generated_fort_native_sdpa_sm90", "copy"])
        with self.assertRaisesRegex(RuntimeError, "expected a kernel of cudnn, found pytorch_flash"):
            torch_peers.verify_backend("cudnn", ["pytorch_flash::flash_fwd_kernel"])

    def test_a_profiler_that_may_not_look_refuses_nothing(self):
        torch_peers.verify_backend("cudnn", [])


class Cases(unittest.TestCase):
    def test_unknown_programs_are_checked_at_odd_sizes(self):
        found = cases.find_cases({"examples/new.mlir": "tile.host @f[%M, %N](\ntile.host @g(%A: memref<4xf32>)"})
        self.assertEqual([case.name for case in found], ["new.f", "new.g"])
        self.assertIn({"M": 129, "N": 131}, found[0].checks)
        self.assertEqual(found[1].record, {})

    def test_known_programs_exist(self):
        for case in cases.all_cases():
            self.assertTrue((ROOT / case.source).exists(), case.source)
            self.assertIn(f"@{case.host}[", (ROOT / case.source).read_text())

    def test_work_of_a_product(self):
        timing = cases.gemm_timing(cases.sizes("M=2 N=3 K=4"), "bf16", "f32", batch=5)
        self.assertEqual(timing.flops, 2 * 5 * 2 * 3 * 4)
        self.assertEqual(timing.bytes, 5 * (2 * (8 + 12) + 4 * 6))


WORKER = """
    import json, os, signal, sys, time
    jobs = json.load(open(sys.argv[1]))
    out = open(sys.argv[2], "a")
    def write(line):
        out.write(json.dumps(line) + "\\n")
        out.flush()
    for i, job in enumerate(jobs):
        write({"start": i})
        if job == "hang": time.sleep(60)
        if job == "die": os.kill(os.getpid(), signal.SIGSEGV)
        if job == "exit": sys.exit("no reason")
        write({"result": {"did": job}})
        if job == "spoil": sys.exit(3)
"""


class Processes(unittest.TestCase):
    def run_jobs(self, jobs, limit=5, seconds=30, script=WORKER):
        with tempfile.TemporaryDirectory() as folder:
            worker = pathlib.Path(folder) / "worker.py"
            worker.write_text(textwrap.dedent(script))
            return processes.run_jobs([sys.executable, str(worker)], jobs, limit, processes.Budget(seconds))

    def test_a_job_that_dies_does_not_spoil_the_others(self):
        results = self.run_jobs(["a", "die", "b", "exit", "c"])
        self.assertEqual([result.get("did") for result in results], ["a", None, "b", None, "c"])
        self.assertIn("SIGSEGV", results[1]["error"])
        self.assertIn("status 1: no reason", results[3]["error"])

    def test_a_job_that_hangs_is_ended(self):
        results = self.run_jobs(["a", "hang", "b"], limit=1)
        self.assertEqual([result.get("did") for result in results], ["a", None, "b"])
        self.assertIn("no result after 1 s", results[1]["error"])

    def test_another_worker_follows_a_fault(self):
        results = self.run_jobs(["spoil", "spoil", "a"])
        self.assertEqual([result["did"] for result in results], ["spoil", "spoil", "a"])

    def test_what_there_was_no_time_for_is_skipped(self):
        start = time.monotonic()
        results = self.run_jobs(["a", "hang", "b"], seconds=1.5)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(results[0], {"did": "a"})
        self.assertIn("skipped", results[1])
        self.assertIn("skipped", results[2])

    def test_a_worker_that_never_starts_fails_all(self):
        results = self.run_jobs(["a", "b"], script="import sys\nsys.exit('no driver')")
        self.assertEqual(len(results), 2)
        for result in results:
            self.assertIn("no driver", result["error"])


class Reports(unittest.TestCase):
    def timing(self):
        return {"sizes": {"M": 64}, "flops": 2e12, "bytes": 1e9}

    def test_rate_and_ratio(self):
        result = {"milliseconds": {"ours": [2.0, 2.0], "peer": [3.0, 3.0]}, "relative_difference": 1e-3}
        line = run.time_line("gemm", self.timing(), result, "cuBLAS", "", False)
        self.assertEqual(line["status"], "ok")
        self.assertAlmostEqual(line["rate"], 1000)
        self.assertEqual(line["unit"], "TFLOP/s")
        self.assertAlmostEqual(line["ratio"], 1.5)

    def test_a_time_of_zero_fails(self):
        line = run.time_line("gemm", self.timing(), {"milliseconds": {"ours": [2.0, 0.0]}}, "", "", False)
        self.assertEqual(line["status"], "failed")

    def test_json_has_no_infinities(self):
        self.assertEqual(run.finite({"a": [1.5, float("inf"), (float("nan"),)]}), {"a": [1.5, "inf", ["nan"]]})

    def test_bytes_bound_the_rate_of_a_softmax(self):
        timing = {"sizes": {}, "flops": 4e9, "bytes": 8e9}
        line = run.time_line("softmax", timing, {"milliseconds": {"ours": [4.0]}}, "", "", False)
        self.assertEqual((line["unit"], line["rate"]), ("GB/s", 2000))

    def test_a_result_that_differs_from_the_peer_fails(self):
        result = {"milliseconds": {"ours": [2.0], "peer": [3.0]}, "relative_difference": 0.5}
        self.assertEqual(run.time_line("gemm", self.timing(), result, "cuBLAS", "", False)["status"], "failed")

    def report(self, **values):
        results = {"device": {"name": "GPU"}, "simulated": False, "versions": {"driver": "580"}, "revision": "r",
                   "seed": 1, "probes": [], "times": [], "checks": [], "skipped": [], "errors": [],
                   "passed": True, "seconds": 1, "path": "x", **values}
        json.dumps(results, allow_nan=False)
        return table.report(results)

    def test_failures_are_named_at_the_end(self):
        check = {"case": "gemm", "sizes": {"M": 65}, "status": "failed", "error": "C: 3 elements are wrong"}
        text = self.report(checks=[check], passed=False)
        self.assertIn("FAILED gemm (M=65): C: 3 elements are wrong", text)
        self.assertIn("NOT all is right", text.splitlines()[-1])

    def test_many_failures_leave_the_times_in_sight(self):
        check = {"case": "gemm", "sizes": {"M": 65}, "status": "failed", "error": "wrong\n" * 1000}
        text = self.report(checks=[check] * 100, skipped=["something"] * 100, passed=False)
        self.assertLess(len(text), 7000)
        self.assertIn("and 88 more", text)

    def test_simulated_times_say_so(self):
        line = run.time_line("gemm", self.timing(), {"milliseconds": {"ours": [2.0]}}, "", "", True)
        text = self.report(simulated=True, times=[line])
        self.assertIn("SIMULATED", text)
        self.assertIn("OF A SIMULATOR", text)

    def test_columns_line_up(self):
        lines = table.columns([("a", "b"), ("long", "1.5"), ("x", "10")])
        self.assertEqual(lines, ["a       b", "long  1.5", "x      10"])

    def test_numbers(self):
        self.assertEqual([table.number(x) for x in (None, 0, 1234.5, 0.00123, 12.3456)],
                         ["", "0", "1234", "0.00123", "12.3"])


if __name__ == "__main__":
    unittest.main()
