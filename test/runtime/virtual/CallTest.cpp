//===- CallTest.cpp - Calls, printf, assert and fidelity ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

/// The report of running `body` in one block of `threads` threads.
LaunchReport report(const std::string &body, const std::string &module,
                    uint32_t threads = 1, std::string *error = nullptr) {
  LaunchReport result;
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 20;
  options.onReport = [&](const LaunchReport &seen) { result = seen; };
  std::string message = runError(body, threads, module, options);
  if (error)
    *error = message;
  else
    EXPECT_EQ(message, "");
  return result;
}

std::string bytes(std::string_view name, std::string_view text) {
  std::string list;
  for (char c : text)
    list += fmt::format("{}, ", int(c));
  return fmt::format(".global .align 8 .b8 {}[{}] = {{{}0}};\n", name,
                     text.size() + 1, list);
}

const char *const declarations =
    ".extern .func (.param .b32 result) vprintf (.param .b64 f, .param .b64 "
    "a);\n"
    ".extern .func __assertfail (.param .b64 m, .param .b64 f, .param .b32 l, "
    ".param .b64 n, .param .b64 s);\n";

/// A call of vprintf with what `arguments` stored at [%rd20].
std::string print(const std::string &arguments) {
  return ".local .align 8 .b8 list[128];\n"
         "mov.u64 %rd20, list; cvta.local.u64 %rd21, %rd20;\n" +
         arguments +
         "mov.u64 %rd22, format; cvta.global.u64 %rd22, %rd22;\n"
         "{ .param .b64 p0; st.param.b64 [p0], %rd22;\n"
         ".param .b64 p1; st.param.b64 [p1], %rd21;\n"
         ".param .b32 q;\n"
         "call.uni (q), vprintf, (p0, p1);\n"
         "ld.param.b32 %r20, [q]; }\n"
         "cvt.u64.u32 %rd23, %r20; st.global.u64 [%mine], %rd23;";
}

TEST(Print, AllConversions) {
  std::string module = declarations + bytes("word", "warp") +
                       bytes("format", "%d %5u|%-4x|%c %lld %s %.3f %g %08.2e "
                                       "%p %% %*d %hd %zu %y\n");
  std::string text =
      report(print("mov.u64 %rd1, word; cvta.global.u64 %rd1, %rd1;\n"
                   "st.local.u32 [%rd20], -7; st.local.u32 [%rd20+4], 42;\n"
                   "st.local.u32 [%rd20+8], 255; st.local.u32 [%rd20+12], 65;\n"
                   "mov.u64 %rd2, -5000000000; st.local.u64 [%rd20+16], %rd2;\n"
                   "st.local.u64 [%rd20+24], %rd1;\n"
                   "mov.f64 %fd1, 0d3FF8000000000000;\n"
                   "st.local.f64 [%rd20+32], %fd1;\n"
                   "st.local.f64 [%rd20+40], %fd1;\n"
                   "st.local.f64 [%rd20+48], %fd1;\n"
                   "mov.u64 %rd3, 4096; st.local.u64 [%rd20+56], %rd3;\n"
                   "st.local.u32 [%rd20+64], 6; st.local.u32 [%rd20+68], 12;\n"
                   "st.local.u32 [%rd20+72], 9; st.local.u64 [%rd20+80], %rd3;"
                   "\n"),
             module)
          .output;
  EXPECT_EQ(text, "-7    42|ff  |A -5000000000 warp 1.500 1.5 1.50e+00 0x1000 "
                  "%     12 9 4096 %y\n");
}

TEST(Print, OncePerThreadInOrder) {
  EXPECT_EQ(report(print("st.local.u32 [%rd20], %r31;\n"),
                   declarations + bytes("format", "%d,"), 3)
                .output,
            "0,1,2,");
}

TEST(Print, BadFormat) {
  std::string error;
  report(print("mov.u64 %rd1, 16; st.local.u64 [%rd20], %rd1;\n"),
         declarations + bytes("format", "%s"), 1, &error);
  EXPECT_NE(error.find("conversion 1 of the format \"%s\" has no argument in "
                       "memory"),
            std::string::npos)
      << error;
}

TEST(Assert, SaysWhatAndWhere) {
  std::string error;
  // A text of the program says nothing of what kind of defect it found.
  std::string body =
      "mov.u64 %rd1, what; cvta.global.u64 %rd1, %rd1;\n"
      "mov.u64 %rd2, file; cvta.global.u64 %rd2, %rd2;\n"
      "mov.u64 %rd3, name; cvta.global.u64 %rd3, %rd3; mov.u64 %rd4, 1;\n"
      "{ .param .b64 p0; st.param.b64 [p0], %rd1;\n"
      ".param .b64 p1; st.param.b64 [p1], %rd2;\n"
      ".param .b32 p2; st.param.b32 [p2], 77;\n"
      ".param .b64 p3; st.param.b64 [p3], %rd3;\n"
      ".param .b64 p4; st.param.b64 [p4], %rd4;\n"
      "call.uni __assertfail, (p0, p1, p2, p3, p4); }\n";
  LaunchReport seen =
      report(body,
             declarations + bytes("what", "!freed") +
                 bytes("file", "kernel.cu") + bytes("name", "void k(int)"),
             1, &error);
  ASSERT_EQ(seen.findings.size(), 1u);
  EXPECT_EQ(seen.findings[0].kind, FindingKind::Fault);
  EXPECT_EQ(seen.findings[0].cause, CauseClass::Unknown);
  EXPECT_NE(error.find("assertion `!freed` failed at kernel.cu:77 in 'void "
                       "k(int)'"),
            std::string::npos)
      << error;
}

// --- Calls through an address ------------------------------------------------

/// Functions of one number: plus, times and, of two numbers, pick. `table` has
/// the addresses of the first two.
const char *const functions = R"(
.func (.param .b32 r) plus(.param .b32 x)
{ .reg .b32 %a; ld.param.b32 %a, [x]; add.u32 %a, %a, 100;
  st.param.b32 [r], %a; ret; }
.func (.param .b32 r) times(.param .b32 x)
{ .reg .b32 %a; ld.param.b32 %a, [x]; mul.lo.u32 %a, %a, 3;
  st.param.b32 [r], %a; ret; }
.func (.param .b32 r) pick(.param .b32 x, .param .b32 y)
{ .reg .b32 %a; ld.param.b32 %a, [y]; st.param.b32 [r], %a; ret; }
.global .align 8 .u64 table[3] = {plus, times, pick};
)";

/// Calls [%rd1] with the thread's number in thread t and stores the result.
const char *const callThrough = R"(
{ .param .b32 p; st.param.b32 [p], %r31; .param .b32 q;
  prototype_0 : .callprototype (.param .b32 _) _ (.param .b32 _);
  call (q), %rd1, (p), prototype_0; ld.param.b32 %r1, [q]; }
cvt.u64.u32 %rd2, %r1; st.global.u64 [%mine], %rd2;
)";

TEST(Call, ThroughAddressesThatLanesDisagreeOn) {
  // Odd threads call times, even ones plus.
  auto result = runBody(std::string("and.b32 %r2, %r31, 1;\n"
                                    "mul.wide.u32 %rd3, %r2, 8;\n"
                                    "mov.u64 %rd4, table;\n"
                                    "add.u64 %rd4, %rd4, %rd3;\n"
                                    "ld.global.u64 %rd1, [%rd4];\n") +
                            callThrough,
                        32, functions);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(result[t], t % 2 ? 3 * t : t + 100);
  // Straight from a name, under a guard.
  result = runBody("setp.lt.u32 %p1, %r31, 3;\nmov.u64 %rd1, times;\n"
                   "mov.u32 %r1, 7;\n"
                   "{ .param .b32 p; st.param.b32 [p], %r31; .param .b32 q;\n"
                   "st.param.b32 [q], 9;\n"
                   "prototype_0 : .callprototype (.param .b32 _) _ "
                   "(.param .b32 _);\n"
                   "@%p1 call (q), %rd1, (p), prototype_0;\n"
                   "ld.param.b32 %r1, [q]; }\n"
                   "cvt.u64.u32 %rd2, %r1; st.global.u64 [%mine], %rd2;",
                   32, functions);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(result[t], t < 3 ? 3 * t : 9);
}

TEST(Call, ThroughAWrongAddress) {
  for (const char *address :
       {"mov.u64 %rd1, 0;", "mov.u64 %rd1, pick;", "mov.u64 %rd1, %out;"}) {
    std::string error =
        runError(std::string(address) + callThrough, 32, functions);
    EXPECT_NE(error.find("the address of no function that has these "
                         "parameters"),
              std::string::npos)
        << error;
  }
  // Without any function, too, and then only if it runs.
  EXPECT_NE(runError(std::string("mov.u64 %rd1, 16;") + callThrough)
                .find("call: calls 0x10, the address of no function"),
            std::string::npos);
  EXPECT_EQ(runError(std::string("bra.uni over;") + callThrough + "over:"), "");
}

TEST(Call, ThroughTheOwnAddressIsRefused) {
  std::string error = runError(
      "mov.u64 %rd1, again;\n" + std::string(callThrough), 32,
      ".func (.param .b32 r) again(.param .b32 x)\n"
      "{ .reg .b32 %a; .reg .b64 %f; ld.param.b32 %a, [x];\n"
      "mov.u64 %f, again;\n{ .param .b32 p; st.param.b32 [p], %a;\n"
      ".param .b32 q;\n"
      "prototype_1 : .callprototype (.param .b32 _) _ (.param .b32 _);\n"
      "call (q), %f, (p), prototype_1; ld.param.b32 %a, [q]; }\n"
      "st.param.b32 [r], %a; ret; }\n");
  EXPECT_NE(error.find("a function that calls itself through an address is not "
                       "supported"),
            std::string::npos)
      << error;
}

TEST(Fidelity, CountsWhatIsNotExact) {
  LaunchReport seen =
      report("mov.f32 %f1, 0f3F800000; mov.u32 %r1, 0;\n"
             "loop: ex2.approx.f32 %f1, %f1; add.u32 %r1, %r1, 1;\n"
             "setp.lt.u32 %p1, %r1, 5; @%p1 bra loop;\n"
             "mov.u32 %r2, %clock; div.rn.f32 %f1, %f1, %f1;",
             "", 64);
  std::map<std::string, uint64_t> tolerance{{"ex2.approx.f32", 10}},
      approximate{{"mov.u32", 2}};
  EXPECT_EQ(seen.withinTolerance, tolerance);
  EXPECT_EQ(seen.approximate, approximate);
}

} // namespace
