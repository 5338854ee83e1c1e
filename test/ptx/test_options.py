# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options of `heddle run` for PTX, and what is said of good runs."""

import json
import os
import unittest

from support import PtxTest, Undefined, compile_cuda, heddle, np
from test_bad_input import HEADER, STORE


class OptionsTest(PtxTest):
    def setUp(self):
        super().setUp()
        with open(os.path.join(self.folder, "k.ptx"), "w") as file:
            file.write(STORE)
        self.write_spec(
            {
                "sizes": {"N": 40, "BLOCKS": "ceildiv(N, 32)"},
                "buffers": {"out": {"type": "i32", "shape": ["BLOCKS * 32"]}},
                "grid": 1,
                "block": "min(N, 32)",
                "arguments": [{"buffer": "out", "offset": 64}],
            }
        )

    def run_good(self, *options):
        done = heddle(
            "run", "k.ptx", "--launch=launch.json", *options, cwd=self.folder
        )
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0)
        return done.stdout

    def test_sizes_and_files(self):
        np.save(os.path.join(self.folder, "in.npy"), np.full(64, -7, "int32"))
        self.run_good("--input=out=in.npy", "--output=out=out.npy")
        found = np.load(os.path.join(self.folder, "out.npy"))
        expected = np.full(64, -7, "int32")
        expected[16:48] = np.arange(32)
        np.testing.assert_array_equal(found, expected)
        text = self.run_good("--size=N=90", "--input=out=zeros")
        self.assertIn("out (96 of i32): min 0, max 31", text)

    def test_report(self):
        for target in ("report.json", "-"):
            self.run_good(f"--report={target}") if target != "-" else None
        done = heddle(
            "run",
            "k.ptx",
            "--launch=launch.json",
            "--report=-",
            "--schedule=explore:2",
            cwd=self.folder,
        )
        report = json.loads(done.stdout)
        schedules = [run["schedule"] for run in report["runs"]]
        self.assertEqual(
            schedules, ["timed", "eager", "lazy", "random:0", "random:1"]
        )
        self.assertEqual(report["exitCode"], 0)
        for run in report["runs"]:
            self.assertEqual([launch["kernel"] for launch in run["launches"]], ["k"])
            self.assertEqual(run["launches"][0]["findings"], [])
        with open(os.path.join(self.folder, "report.json")) as file:
            self.assertEqual(len(json.load(file)["runs"]), 1)

    def test_report_of_a_failure(self):
        done = heddle(
            "run",
            "k.ptx",
            "--launch=launch.json",
            "--size=N=1",
            "--input=out=zeros",
            "--report=report.json",
            cwd=self.folder,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        spec = os.path.join(self.folder, "launch.json")
        with open(spec) as file:
            text = file.read()
        with open(spec, "w") as file:
            file.write(text.replace('"offset": 64', '"offset": 200'))
        done = heddle(
            "run", "k.ptx", "--launch=launch.json", "--report=report.json", cwd=self.folder
        )
        self.assertEqual(done.returncode, 1)
        with open(os.path.join(self.folder, "report.json")) as file:
            report = json.load(file)
        self.assertEqual(report["exitCode"], 1)
        findings = report["runs"][-1]["launches"][-1]["findings"]
        self.assertEqual([finding["cause"] for finding in findings], ["bounds"])

    def test_record_and_replay(self):
        self.run_good("--schedule=random:3", "--record=trace")
        self.run_good("--schedule=replay:trace")

    def test_replay_of_two_launches(self):
        launch = {"kernel": "k", "grid": 1, "block": 32}
        self.write_spec(
            {
                "buffers": {
                    "a": {"type": "i32", "shape": 32},
                    "b": {"type": "i32", "shape": 32},
                },
                "launches": [
                    {**launch, "arguments": ["a"]},
                    {**launch, "arguments": ["b"]},
                ],
            }
        )
        self.run_good("--schedule=random:3", "--record=trace")
        self.run_good("--schedule=replay:trace")
        trace = os.path.join(self.folder, "trace")
        with open(trace) as file:
            text = file.read()
        with open(trace, "w") as file:
            file.write(text[: text.rindex("heddle-trace")])
        self.refuse(
            r"the trace is of another program: it has 1 launches",
            "run",
            "k.ptx",
            "--launch=launch.json",
            "--schedule=replay:trace",
        )

    def test_inspect(self):
        done = heddle("inspect", "k.ptx", cwd=self.folder)
        self.assertEqual(done.stdout, "kernel k\n  out: 8 bytes, perhaps an address\n")
        done = heddle("inspect", "k.ptx", "--launch", cwd=self.folder)
        with open(os.path.join(self.folder, "starter.json"), "w") as file:
            file.write(done.stdout)
        done = heddle("run", "k.ptx", "--launch=starter.json", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_globals(self):
        text = (
            HEADER
            + """.const .align 4 .f32 factors[2];
.visible .entry k(.param .u64 out)
{
  .reg .b64 %rd<3>;
  .reg .f32 %f<3>;
  ld.param.u64 %rd1, [out];
  ld.const.f32 %f1, [factors+4];
  st.global.f32 [%rd1], %f1;
  ret;
}
"""
        )
        with open(os.path.join(self.folder, "k.ptx"), "w") as file:
            file.write(text)
        self.run_kernel(
            os.path.join(self.folder, "k.ptx"),
            {"out": Undefined((1,))},
            [{"kernel": "k", "block": 1, "arguments": ["out"]}],
            {},
            options=["--output=out=" + os.path.join(self.folder, "out.npy")],
            globals={"factors": {"type": "f32", "value": [1, 2.5]}},
        )
        np.testing.assert_array_equal(
            np.load(os.path.join(self.folder, "out.npy")), [2.5]
        )

    def test_results_that_differ(self):
        """Warps add in the order they come, and one rounds."""
        text = (
            HEADER
            + """.visible .entry k(.param .u64 out)
{
  .reg .pred %p<2>;
  .reg .b32 %r<4>;
  .reg .b64 %rd<3>;
  .reg .b32 %old;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %ctaid.x;
  atom.global.exch.b32 %old, [%rd1], %r1;
  ret;
}
"""
        )
        with open(os.path.join(self.folder, "k.ptx"), "w") as file:
            file.write(text)
        self.write_spec(
            {
                "buffers": {"last": {"type": "i32", "shape": 1, "init": "zeros"}},
                "grid": 64,
                "block": 32,
                "arguments": ["last"],
            }
        )
        done = heddle(
            "run",
            "k.ptx",
            "--launch=launch.json",
            "--schedule=explore:8",
            "--report=report.json",
            cwd=self.folder,
        )
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(
            done.stderr,
            r"heddle: error: 'last' depends on the schedule: element \[0\] is \d+ "
            r"under timed and \d+ under \S+; 1 of 1 elements differ\n"
            r"to see it again: heddle run k.ptx --launch=launch.json --schedule=",
        )
        with open(os.path.join(self.folder, "report.json")) as file:
            self.assertEqual(len(json.load(file)["differences"]), 1)


class SaysTest(PtxTest):
    """What kernels print, and assertions."""

    def test_printf(self):
        ptx = compile_cuda("says")
        spec = {"kernel": "greet", "grid": 2, "block": 32, "arguments": [7]}
        done = heddle(
            "run", ptx, "--launch", self.write_spec(spec), "--schedule=explore:1"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for block in range(2):
            line = f"block {block} of 2:  1.75 text 0x1234567890%\n"
            self.assertEqual(done.stdout.count(line), 1)

    def test_assertion(self):
        ptx = compile_cuda("says")
        spec = {
            "buffers": {"x": {"type": "i32", "shape": 40, "init": "iota"}},
            "kernel": "check",
            "grid": 2,
            "block": 32,
            "arguments": ["x", 40],
        }
        done = heddle("run", ptx, "--launch", self.write_spec(spec))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        spec["buffers"]["x"]["init"] = -1
        message = self.refuse(
            r"numbers are positive", "run", ptx, "--launch", self.write_spec(spec), code=1
        )
        self.assertIn("says.cu", message)


if __name__ == "__main__":
    unittest.main()
