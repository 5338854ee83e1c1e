//===- VerifyProgramTest.cpp - Programs that cannot run -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/runtime/package/TestPackage.h"

#include <functional>
#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::test;

namespace {
/// The test program, with one mistake.
struct Mistake {
  const char *name;
  std::function<void(Program &, LaunchPlan &, KernelEntry &)> make;
  std::string expected;

  friend void PrintTo(const Mistake &mistake, std::ostream *stream) {
    *stream << mistake.name;
  }
};
} // namespace

class VerifyProgramTest : public testing::TestWithParam<Mistake> {};

TEST(VerifyProgram, TheTestProgramIsRight) {
  auto valid = verifyProgram(makeProgram());
  EXPECT_TRUE(valid) << valid.error().message;
  EXPECT_TRUE(verifyProgram({}));
}

TEST_P(VerifyProgramTest, IsRefused) {
  Program program = makeProgram();
  GetParam().make(program, program.plans[0], program.kernels[0]);
  auto valid = verifyProgram(program);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().kind, ErrorKind::InvalidInput);
  EXPECT_EQ(valid.error().message, GetParam().expected);
}

#define MISTAKE(name, change, expected)                                        \
  Mistake {                                                                    \
    name,                                                                      \
        [](Program &program, LaunchPlan &plan, KernelEntry &kernel) {          \
          (void)program, (void)plan, (void)kernel;                             \
          change;                                                              \
        },                                                                     \
        expected                                                               \
  }

static const Mistake mistakes[] = {
    // Names.
    MISTAKE("NoName", kernel.entry = "",
            "program: expected every kernel to have a printable name"),
    MISTAKE("ControlCharacter", plan.name = "a\nb",
            "program: expected every host function to have a printable name"),
    MISTAKE("TwoKernels", program.kernels[1].entry = "k",
            "program: two kernels are called 'k'"),
    MISTAKE("TwoPlans", program.plans.push_back(makeProgram().plans[0]),
            "program: two host functions are called 'host'"),
    MISTAKE("TwoSizes", plan.sizes[1] = "M",
            "host function 'host': two sizes are called 'M'"),
    MISTAKE("TwoBuffers", plan.buffers[1].name = "A",
            "host function 'host': two buffers are called 'A'"),
    // Kernels.
    MISTAKE("NoThreads", kernel.threads = 0,
            "kernel 'k': expected 1 to 1024 threads, found 0"),
    MISTAKE("ManyThreads", kernel.threads = 1025,
            "kernel 'k': expected 1 to 1024 threads, found 1025"),
    MISTAKE("Shared", kernel.sharedBytes = 232449,
            "kernel 'k': expected at most 232448 bytes of shared memory, found "
            "232449"),
    MISTAKE("NoCluster", (kernel.cluster = {1, 0, 1}),
            "kernel 'k': expected a cluster of 1 to 16 blocks, found 1x0x1"),
    MISTAKE("BigCluster", (kernel.cluster = {16, 2, 1}),
            "kernel 'k': expected a cluster of 1 to 16 blocks, found 16x2x1"),
    MISTAKE("HugeCluster", (kernel.cluster = {1u << 31, 1u << 31, 4}),
            "kernel 'k': expected a cluster of 1 to 16 blocks, found "
            "2147483648x2147483648x4"),
    MISTAKE("RankZero",
            (kernel.parameters[0] = {true, ElementType::BF16, {}, {}}),
            "kernel 'k': parameter 0: expected a rank in 1..8, found 0"),
    MISTAKE("NoStride", kernel.parameters[0].strides.pop_back(),
            "kernel 'k': parameter 0: expected one stride per extent"),
    MISTAKE("ScalarExtents", kernel.parameters[0].isView = false,
            "kernel 'k': parameter 0: expected a scalar without extents"),
    MISTAKE("NegativeExtent", kernel.parameters[0].extents[1] = -2,
            "kernel 'k': parameter 0: expected extents and strides of 0 or "
            "more, or -1, found -2 and 1"),
    MISTAKE("ManyParameters",
            kernel.parameters.resize(5000, kernel.parameters[2]),
            "kernel 'k': expected at most 32764 bytes of parameters, found "
            "40216"),
    MISTAKE("NoFallback", kernel.fallback = "none",
            "kernel 'k': its fallback 'none' is not there"),
    MISTAKE("OwnFallback", kernel.fallback = "k",
            "kernel 'k': its fallbacks fall back on one another more than 8 "
            "times"),
    MISTAKE("CircularFallback", program.kernels[1].fallback = "k",
            "kernel 'k': its fallbacks fall back on one another more than 8 "
            "times"),
    MISTAKE("OtherArguments", program.kernels[1].parameters.pop_back(),
            "kernel 'k': expected the fallback 'k_plain' to take the same "
            "arguments"),
    MISTAKE("OtherTypes",
            program.kernels[1].parameters[2].type = ElementType::I32,
            "kernel 'k': expected the fallback 'k_plain' to take the same "
            "arguments"),
    // Tensor maps.
    MISTAKE("MapOfScalar", kernel.tensorMaps[0].argument = 2,
            "kernel 'k': a tensor map describes argument 2, which is not a "
            "view"),
    MISTAKE("MapOfNothing", kernel.tensorMaps[0].argument = 3,
            "kernel 'k': a tensor map describes argument 3, which is not a "
            "view"),
    MISTAKE("BoxRank", kernel.tensorMaps[0].box.pop_back(),
            "kernel 'k': the tensor map of argument 0: expected a box of the "
            "view's rank 2 and at most 5, found 1"),
    MISTAKE("BoxExtent", kernel.tensorMaps[0].box[1] = 257,
            "kernel 'k': the tensor map of argument 0: expected box extents in "
            "1..256, found 257"),
    MISTAKE("MapType", kernel.tensorMaps[0].type = TensorMapType::F32,
            "kernel 'k': the tensor map of argument 0: expected elements as "
            "wide as those of the view, bf16"),
    MISTAKE("Swizzle", kernel.tensorMaps[0].swizzle = Swizzle(48),
            "kernel 'k': the tensor map of argument 0: expected a swizzle of "
            "0, 32, 64 or 128 bytes, found 48"),
    // Buffers and instructions.
    MISTAKE("BufferRank", plan.buffers[0].extents.clear(),
            "host function 'host': buffer 'A': expected a rank in 1..8, found "
            "0"),
    MISTAKE("BufferSize", plan.buffers[0].extents[1].value = 2,
            "host function 'host': buffer 'A': expected one of 2 sizes, found "
            "2"),
    MISTAKE("BufferExtent", plan.buffers[1].extents[1].value = -64,
            "host function 'host': buffer 'C': expected extents of 0 or more, "
            "found -64"),
    MISTAKE("NoBits", plan.instructions[1].operandBits = 0,
            "host function 'host': value 3: expected widths in 1..64, found 0 "
            "and 64"),
    MISTAKE("ManyBits", plan.instructions[0].resultBits = 65,
            "host function 'host': value 2: expected widths in 1..64, found 64 "
            "and 65"),
    MISTAKE("OwnOperand", plan.instructions[1].operands[1] = 3,
            "host function 'host': value 3: expected operands of lower "
            "numbers, found 3"),
    MISTAKE("OperandBits", plan.instructions[1].operandBits = 8,
            "host function 'host': value 3: expected operand 0 to have 8 bits, "
            "found 64"),
    MISTAKE("Condition", plan.instructions[4].operands[0] = 0,
            "host function 'host': value 6: expected operand 0 to have 1 bits, "
            "found 64"),
    MISTAKE("ResultBits", plan.instructions[1].resultBits = 32,
            "host function 'host': value 3: expected the result of 'ceildivui' "
            "to have 64 bits, found 32"),
    // Launches.
    MISTAKE("NoKernel", plan.launches[0].kernel = "none",
            "host function 'host': the launch of 'none': no such kernel is "
            "there"),
    MISTAKE("NoGrid", plan.launches[0].grid.clear(),
            "host function 'host': the launch of 'k': expected 1 to 3 grid "
            "extents, found 0"),
    MISTAKE("GridValue", plan.launches[0].grid[0] = 7,
            "host function 'host': the launch of 'k': expected grid extents to "
            "be values of 64 bits below 7, found value 7"),
    MISTAKE("GridBits", plan.launches[0].grid[0] = 4,
            "host function 'host': the launch of 'k': expected grid extents to "
            "be values of 64 bits below 7, found value 4"),
    MISTAKE("FewArguments", plan.launches[0].arguments.pop_back(),
            "host function 'host': the launch of 'k': expected 3 arguments, "
            "found 2"),
    MISTAKE("NoBuffer", plan.launches[0].arguments[0].number = 3,
            "host function 'host': the launch of 'k': argument 0: expected one "
            "of 3 buffers, found 3"),
    MISTAKE("ScratchForBuffer", plan.launches[0].arguments[0].number = 2,
            "host function 'host': the launch of 'k': argument 0: expected "
            "rank 2 of bf16, found rank 2 of f32"),
    MISTAKE("CheckValue", plan.checks[0].condition = 7,
            "host function 'host': check 0: expected a condition that is a "
            "value of one bit below 7, found value 7"),
    MISTAKE("CheckBits", plan.checks[0].condition = 0,
            "host function 'host': check 0: expected a condition that is a "
            "value of one bit below 7, found value 0"),
    MISTAKE("ScratchValue", plan.scratch[0].extents[0] = 7,
            "host function 'host': scratch array 0: expected extents to be "
            "values of 64 bits below 7, found value 7"),
    MISTAKE("ScratchBits", plan.scratch[0].extents[0] = 4,
            "host function 'host': scratch array 0: expected extents to be "
            "values of 64 bits below 7, found value 4"),
    MISTAKE("ScratchRank", plan.scratch[0].extents.clear(),
            "host function 'host': scratch array 0: expected a rank in 1..8, "
            "found 0"),
    MISTAKE("NoValue", plan.launches[0].arguments[2].number = 7,
            "host function 'host': the launch of 'k': argument 2: expected one "
            "of 7 values, found 7"),
    MISTAKE("ValueForBuffer", plan.launches[0].arguments[0].isBuffer = false,
            "host function 'host': the launch of 'k': argument 0: expected a "
            "buffer, found a value"),
    MISTAKE("ValueBits", plan.launches[0].arguments[2].number = 3,
            "host function 'host': the launch of 'k': argument 2: expected "
            "f32, found a value of 64 bits"),
    MISTAKE("BufferType", plan.launches[0].arguments[0].number = 1,
            "host function 'host': the launch of 'k': argument 0: expected "
            "rank 2 of bf16, found rank 2 of f32"),
};

INSTANTIATE_TEST_SUITE_P(Mistakes, VerifyProgramTest,
                         testing::ValuesIn(mistakes),
                         [](const testing::TestParamInfo<Mistake> &info) {
                           return info.param.name;
                         });
