//===- ParserTest.cpp - What the front end refuses and accepts ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

using namespace heddle;
using namespace heddle::test;

namespace {

std::string loadError(const std::string &ptx) {
  TestDevice device;
  auto module =
      device.device->loadModule({.name = "in.ptx", .ptx = ptx, .cubins = {}});
  return module ? "" : module.error().message;
}

std::string bodyError(const std::string &body) {
  return loadError(kernelWith(body));
}

TEST(Parser, UnknownInstructionNamesLineAndMnemonic) {
  EXPECT_EQ(bodyError("frob.u32 %r0, %r1;"),
            "in.ptx:17: frob.u32: unknown instruction");
  EXPECT_EQ(
      bodyError("add.weird.u32 %r0, %r1, %r2;"),
      "in.ptx:17: add.weird.u32: unknown modifier '.weird'; the nearest form "
      "is add.(<int>|u16x2|s16x2)");
}

TEST(Parser, ErrorNamesTheSourceLine) {
  EXPECT_EQ(loadError(kernelWith(".loc 1 42 0\nfrob %r0;") +
                      ".file 1 \"kernel.cu\"\n"),
            "in.ptx:18 (kernel.cu:42): frob: unknown instruction");
}

TEST(Parser, Operands) {
  EXPECT_NE(bodyError("add.u32 %r0, %r1;").find("expected 3 operands, found 2"),
            std::string::npos);
  EXPECT_NE(bodyError("add.u64 %rd0, %rd1, %r2;")
                .find("expected a register of at least 64 bits, found '%r2'"),
            std::string::npos);
  EXPECT_NE(bodyError("add.u32 %r0, %r1, %zz;")
                .find("register '%zz' is not declared"),
            std::string::npos);
  EXPECT_NE(
      bodyError("mov.u32 %r0, nothing;").find("'nothing' is not declared"),
      std::string::npos);
  EXPECT_NE(bodyError("add.u32 %r0, %r1, %p1;").find("found the predicate"),
            std::string::npos);
  EXPECT_NE(bodyError("add.u32 5, %r1, %r1;").find("expected a register"),
            std::string::npos);
}

TEST(Parser, Syntax) {
  EXPECT_EQ(bodyError("bra nowhere;"),
            "in.ptx:17: label 'nowhere' is not defined");
  EXPECT_EQ(bodyError("here: here: mov.u32 %r0, 1;"),
            "in.ptx:17: label 'here' is defined twice");
  EXPECT_EQ(bodyError("mov.u32 %r0, 1"),
            "in.ptx:17: expected ';' after 'mov.u32', found 'ret'");
  EXPECT_NE(bodyError("mov.b32 %r0, 0f12;").find("expected 8 hexadecimal"),
            std::string::npos);
  EXPECT_NE(bodyError("@%r0 mov.u32 %r1, 1;").find("expected a predicate"),
            std::string::npos);
  EXPECT_NE(loadError(preamble() + ".visible .entry k() {").find("end of file"),
            std::string::npos);
  EXPECT_NE(loadError("/* open").find("comment is not closed"),
            std::string::npos);
  EXPECT_NE(loadError(".nonsense").find("unknown directive '.nonsense'"),
            std::string::npos);
  EXPECT_NE(loadError("`").find("unexpected character"), std::string::npos);
}

TEST(Parser, SparseWgmmaIsRefused) {
  EXPECT_NE(bodyError("wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16 "
                      "%r0, %rd0, %rd1, %r1, 0, %p0, 1, 1, 0, 0;")
                .find("sparse wgmma is not supported"),
            std::string::npos);
}

TEST(Parser, NestedScopesHideNames) {
  auto result = runBody(R"(
    mov.u32 %r0, 1;
    { .reg .b32 %r0; mov.u32 %r0, 5; bra L; L: add.u32 %r0, %r0, 1; }
    { .reg .pred %p0; bra L; trap; L: setp.eq.u32 %p0, %r0, 1; @!%p0 trap; }
    cvt.u64.u32 %rd0, %r0;
    st.global.u64 [%mine], %rd0;)");
  EXPECT_EQ(result[0], 1u);
}

TEST(Parser, SectionsAndPragmasAreSkipped) {
  EXPECT_EQ(loadError(kernelWith(".pragma \"nounroll\";") +
                      ".section .debug_info\n{\n.b32 12\n.b8 1,2,3\n}\n"),
            "");
}

TEST(Parser, GlobalsAreInitialised) {
  auto result = runBody(
      R"(mov.u64 %rd0, table; ld.global.u32 %r0, [%rd0+4];
         ld.const.f32 %f0, [half]; mov.b32 %r1, %f0;
         ld.global.u64 %rd1, [pointer]; ld.global.u32 %r2, [%rd1];
         add.u32 %r0, %r0, %r2; mov.b64 %rd2, {%r0, %r1};
         st.global.u64 [%mine], %rd2;)",
      32,
      ".global .align 4 .u32 table[3] = {10, 20, 30};\n"
      ".const .f32 half = 0.5;\n"
      ".global .u64 pointer = generic(table)+8;\n");
  EXPECT_EQ(result[3], 0x3f00000000000032u);
}

TEST(Parser, TablesOfFunctionsDoNoHarm) {
  std::string table =
      ".func (.param .b32 result) twice(.param .b32 value) { ret; }\n"
      ".global .align 8 .u64 table[2] = {0, twice};\n";
  EXPECT_EQ(loadError(kernelWith("", table)), "");
  EXPECT_NE(loadError(kernelWith("", ".global .u64 table[1] = {nobody};\n"))
                .find("'nobody' in the initialiser of 'table' is not a global "
                      "variable or a function"),
            std::string::npos);
}

TEST(Parser, LaunchesAreChecked) {
  TestDevice device;
  std::string ptx = kernelWith("");
  DeviceAddress out = device.upload(std::vector<uint64_t>(1));
  EXPECT_EQ(device.run(ptx, "other", {}, {out}),
            "'test.ptx' has no kernel 'other'; it has 'k'");
  EXPECT_EQ(device.run(ptx, "k", {}, {}),
            "launch of 'k': expected 1 arguments, found 0");
  EXPECT_EQ(device.run(ptx, "k", {}, {1}),
            "launch of 'k': expected 8 bytes for argument 0 ('out'), found 4");
  LaunchConfig wide;
  wide.block.x = 1025;
  EXPECT_EQ(device.run(ptx, "k", wide, {out}),
            "launch of 'k': expected at most 1024 threads per block, found "
            "1025");
  LaunchConfig hungry;
  hungry.dynamicSharedBytes = 240000;
  EXPECT_NE(device.run(ptx, "k", hungry, {out}).find("exceed the 232448 bytes"),
            std::string::npos);
}

} // namespace
