# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is refused: one message that says what is wrong and where, and exit
code 2; 1 for a kernel that does wrong."""

import os
import unittest

from support import PtxTest, heddle, np

HEADER = ".version 8.0\n.target sm_90a\n.address_size 64\n"


def kernel(body, parameters=".param .u64 out", module="", header=HEADER):
    return f"""{header}{module}.visible .entry k({parameters})
{{
  .reg .pred %p<4>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<8>;
  {body}
  ret;
}}
"""


#: A kernel that stores its thread's number.
STORE = kernel(
    "ld.param.u64 %rd1, [out]; mov.u32 %r1, %tid.x; "
    "mad.wide.u32 %rd1, %r1, 4, %rd1; st.global.u32 [%rd1], %r1;"
)
SPEC = {
    "buffers": {"out": {"type": "u32", "shape": 32}},
    "block": 32,
    "arguments": ["out"],
}


class BadInputTest(PtxTest):
    def write(self, text, name="k.ptx"):
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(os.path.join(self.folder, name), mode) as file:
            file.write(text)
        return name

    def refuse_ptx(self, text, message, code=2, spec=SPEC):
        self.write_spec(spec)
        name = self.write(text)
        self.refuse(message, "run", name, "--launch=launch.json", code=code)

    def refuse_spec(self, spec, message, *options):
        self.write(STORE)
        self.write_spec(spec)
        self.refuse(message, "run", "k.ptx", "--launch=launch.json", *options)

    def test_good(self):
        self.write(STORE)
        self.write_spec(SPEC)
        done = heddle("run", "k.ptx", "--launch=launch.json", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("out (32 of i32): min 0, max 31, mean 15.5", done.stdout)

    def test_malformed_ptx(self):
        for text, message in [
            ("", r"'k.ptx' is empty; expected a PTX file"),
            ("hello", r"k.ptx:1: expected a directive"),
            (b"\x00\xff\xfe\x80", r"k.ptx:1: "),
            (kernel("add.u32 %r1, %r2;"), r"k.ptx:9: add.u32: expected 3 operands"),
            (kernel("frob.u32 %r1;"), r"k.ptx:9: frob.u32: unknown"),
            (kernel("bra nowhere;"), r"k.ptx:9: label 'nowhere' is not defined"),
            (kernel("mov.u32 %r1, %q9;"), r"k.ptx:9: .*'%q9'"),
            (kernel("mov.u32 %r1, 5")[:-8], r"k.ptx:\d+: expected"),
            (kernel("{" * 100000), r"k.ptx:9: expected at most \d+ levels"),
            (kernel("mov.b64 %rd1, " + "{" * 100000), r"k.ptx:9: .*levels of nesting"),
            (kernel(".reg .b32 %x<4000000000>;"), r"k.ptx:9: .*registers"),
            (
                kernel("", module=".global .b32 x[2] = " + "{" * 100000),
                r"k.ptx:4: .*levels of nesting",
            ),
            (
                kernel("", module=".global .b8 x[99999999999999999];\n"),
                r"k.ptx:4: expected at most \d+ bytes for 'x'",
            ),
            (STORE[: len(STORE) // 2], r"k.ptx:\d+: "),
        ]:
            with self.subTest(text=text[:200]):
                self.refuse_ptx(text, message)

    def test_missing_symbols(self):
        for module, body, message in [
            (".extern .global .b32 x;\n", "", r"k.ptx: variable 'x' is external"),
            ("", "mov.u64 %rd1, nothing;", r"k.ptx:9: .*'nothing' is not declared"),
            (".extern .func g();\n", "call g;", r"k.ptx:10: .*g"),
            (".global .u64 p = q;\n", "", r"'q' in the initialiser of 'p'"),
        ]:
            with self.subTest(module=module, body=body):
                self.refuse_ptx(kernel(body, module=module), message)

    def test_another_target(self):
        for target in ("sm_100a", "sm_120", "sm_999"):
            with self.subTest(target=target):
                text = STORE.replace("sm_90a", target)
                self.refuse_ptx(text, rf"k.ptx:2: .*{target}")

    def test_more_than_the_device_has(self):
        spec = dict(SPEC, sharedBytes=232449)
        self.refuse_ptx(STORE, r"launch of 'k': .* shared memory exceed the \d+", spec=spec)
        text = kernel("mov.u32 %r1, x;", module=".shared .b8 x[300000];\n")
        self.refuse_ptx(text, r"launch of 'k': 300000 bytes of static")
        for block, message in [
            (1025, r"at most 1024 threads per block, found 1025"),
            ([64, 64], r"at most 1024 threads per block, found 4096"),
            (0, r"expected a grid, a block and a cluster that are not empty"),
        ]:
            with self.subTest(block=block):
                self.refuse_ptx(STORE, message, spec=dict(SPEC, block=block))
        spec = dict(SPEC, grid=32, cluster=32)
        self.refuse_ptx(STORE, r"clusters of at most 16 blocks, found 32", spec=spec)
        spec = dict(SPEC, grid=1000000, block=1024, cooperative=True)
        self.refuse_ptx(STORE, r"cooperative launch of 'k': .*do not fit", spec=spec)

    def test_wrong_specifications(self):
        def buffer(**members):
            return dict(SPEC, buffers={"out": {"type": "u32", "shape": 32, **members}})

        for spec, message in [
            (dict(SPEC, gird=1), r'launch.json: unknown member "gird"'),
            (dict(SPEC, block="M"), r"launch.json: block: 'M': there is no size"),
            (dict(SPEC, arguments=[]), r"launch.json: arguments: expected 1 for the"),
            (dict(SPEC, arguments=["in"]), r"launch.json: arguments\[0\]: 'in'"),
            (buffer(type="u7"), r"launch.json: buffers.out.type: expected a type"),
            (buffer(shape=[-1]), r"launch.json: buffers.out.shape\[0\]: expected an"),
            (buffer(shape=10**18), r"launch.json: buffers.out.shape: expected"),
            (buffer(shape=10**12), r"this run would take \d+\.\d GiB"),
            (buffer(init="none.npy"), r"buffers.out.init: cannot read 'none.npy'"),
            (buffer(expected="none.npy"), r"buffers.out.expected: cannot read"),
            (buffer(init="launch.json.npy"), r"buffers.out.init: cannot read"),
            (dict(SPEC, globals={"t": {"type": "i32", "value": 1}}), r"no variable 't'"),
        ]:
            with self.subTest(message=message):
                self.refuse_spec(spec, message)
        np.save(os.path.join(self.folder, "wrong.npy"), np.zeros((4, 4), "u4"))
        self.refuse_spec(buffer(init="wrong.npy"), r"expected 32 of i32 .* found 4x4")
        self.refuse_spec(
            dict(
                SPEC,
                arguments=[{"tensorMap": {"buffer": "out", "box": [4]}}],
            ),
            r"launch.json: arguments\[0\]: expected 8 bytes for parameter 'out', found 128",
        )

    def test_wrong_tensor_map(self):
        text = kernel("", parameters=".param .align 64 .b8 map[128]")
        self.write(text)
        spec = dict(
            SPEC,
            arguments=[{"tensorMap": {"buffer": "out", "box": [1000]}}],
        )
        self.write_spec(spec)
        self.refuse(
            r"launch.json: arguments\[0\].tensorMap: tensor map dimension 0: .*box",
            "run",
            "k.ptx",
            "--launch=launch.json",
        )

    def test_wrong_options(self):
        self.refuse_spec(SPEC, r"--size N: there is no such size", "--size=N=3")
        self.refuse_spec(SPEC, r"--check: PTX has no reference", "--check")
        self.refuse_spec(SPEC, r"--entry: PTX has no host", "--entry=main")
        self.refuse_spec(SPEC, r"no buffer 'x'; it has: out", "--input=x=zeros")
        self.refuse_spec(SPEC, r"no buffer 'x'; it has: out", "--output=x=x.npy")
        self.refuse_spec(SPEC, r"cannot read 'none'", "--schedule=replay:none")
        self.refuse_spec(SPEC, r"cannot write '.*none/x.npy'", "--output=out=none/x.npy")
        self.refuse(r"cannot read 'none.json'", "run", "k.ptx", "--launch=none.json")
        self.refuse(r"cannot read 'none.ptx'", "run", "none.ptx", "--launch=none.json")
        self.refuse(
            r"missing --launch=FILE.json(.|\n)*kernel k\n  out: 8 bytes", "run", "k.ptx"
        )

    def test_wrong_kernels(self):
        spec = dict(SPEC, buffers={"out": {"type": "u32", "shape": 31}})
        self.refuse_ptx(
            STORE,
            r"k.ptx:9: st.global.u32: .*bytes past the end of the 124-byte(.|\n)*"
            r"to see it again: heddle run k.ptx --launch=launch.json --schedule=timed",
            code=1,
            spec=spec,
        )
        self.refuse_ptx(kernel("trap;"), r"k.ptx:9: trap", code=1)

    def test_nothing_is_half_written(self):
        """A run that fails writes no outputs, and leaves those there are."""
        self.write(STORE)
        spec = dict(SPEC, buffers={"out": {"type": "u32", "shape": 31}})
        self.write_spec(spec)
        out = os.path.join(self.folder, "out.npy")
        with open(out, "w") as file:
            file.write("what was there")
        arguments = ["run", "k.ptx", "--launch=launch.json", "--output=out=out.npy"]
        self.refuse(r"past the end", *arguments, code=1)
        with open(out) as file:
            self.assertEqual(file.read(), "what was there")


if __name__ == "__main__":
    unittest.main()
