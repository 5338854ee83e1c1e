//===- LaunchPlan.cpp - A host function, without its compiler -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;

//===----------------------------------------------------------------------===//
// Sizes and shapes
//===----------------------------------------------------------------------===//

std::string_view heddle::getName(Access access) {
  static constexpr std::string_view names[] = {"in", "out", "inout"};
  return names[size_t(access)];
}

Expected<void> heddle::verifySizes(const LaunchPlan &plan,
                                   std::span<const int64_t> sizes) {
  if (sizes.size() != plan.sizes.size())
    return makeError(ErrorKind::InvalidInput,
                     "expected {} sizes for '{}', found {}", plan.sizes.size(),
                     plan.name, sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] < 0)
      return makeError(ErrorKind::InvalidInput,
                       "expected size '{}' to be 0 or more, found {}",
                       plan.sizes[i], sizes[i]);
  return {};
}

std::vector<int64_t> heddle::getShape(const LaunchPlan &plan, size_t i,
                                      std::span<const int64_t> sizes) {
  std::vector<int64_t> shape;
  for (const Extent &extent : plan.buffers[i].extents)
    shape.push_back(extent.isSize ? sizes[extent.value] : extent.value);
  return shape;
}

Expected<uint64_t> heddle::getBytes(const LaunchPlan &plan, size_t i,
                                    std::span<const int64_t> sizes) {
  int64_t bytes = getBytes(plan.buffers[i].type);
  std::vector<int64_t> shape = getShape(plan, i, sizes);
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0;
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      return makeError(ErrorKind::InvalidInput,
                       "buffer '{}' with extents {} does not fit in memory",
                       plan.buffers[i].name, fmt::join(shape, "x"));
  return bytes;
}

Expected<uint64_t> heddle::getBytes(const ScratchPlan &scratch,
                                    std::span<const uint64_t> values) {
  std::vector<int64_t> shape;
  for (uint32_t extent : scratch.extents)
    shape.push_back(int64_t(values[extent]));
  auto fail = [&](const char *reason) {
    std::string where =
        scratch.location.empty() ? "" : fmt::format(" ({})", scratch.location);
    return makeError(ErrorKind::InvalidInput,
                     "the scratch array with extents {}{} {}",
                     fmt::join(shape, "x"), where, reason);
  };
  int64_t bytes = getBytes(scratch.type);
  bool isEmpty = false, fits = true;
  for (int64_t extent : shape) {
    if (extent < 0)
      return fail("has a negative extent");
    isEmpty |= extent == 0;
    fits = fits && !__builtin_mul_overflow(bytes, extent, &bytes);
  }
  if (isEmpty)
    return 0;
  if (!fits)
    return fail("does not fit in memory");
  return bytes;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

std::string_view heddle::getName(IndexOp op) {
  static constexpr std::string_view names[] = {
      "constant", "addi",      "subi",      "muli",       "divsi",
      "divui",    "ceildivsi", "ceildivui", "floordivsi", "remsi",
      "remui",    "minsi",     "minui",     "maxsi",      "maxui",
      "andi",     "ori",       "xori",      "shli",       "shrsi",
      "shrui",    "cmpi eq",   "cmpi ne",   "cmpi slt",   "cmpi sle",
      "cmpi sgt", "cmpi sge",  "cmpi ult",  "cmpi ule",   "cmpi ugt",
      "cmpi uge", "select",    "extsi",     "extui",
  };
  return names[size_t(op)];
}

size_t heddle::getOperandCount(IndexOp op) {
  switch (op) {
  case IndexOp::Constant:
    return 0;
  case IndexOp::SignExtend:
  case IndexOp::ZeroExtend:
    return 1;
  case IndexOp::Select:
    return 3;
  default:
    return 2;
  }
}

static uint64_t truncate(uint64_t value, unsigned bits) {
  return bits >= 64 ? value : value & ((uint64_t(1) << bits) - 1);
}
static int64_t signExtend(uint64_t value, unsigned bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}

bool heddle::isDivision(IndexOp op) {
  return op >= IndexOp::DivSI && op <= IndexOp::RemUI;
}

/// Signed division; the quotient by -1 wraps instead of overflowing.
static int64_t divide(IndexOp op, int64_t a, int64_t b) {
  if (b == -1)
    return op == IndexOp::RemSI ? 0 : int64_t(-uint64_t(a));
  int64_t quotient = a / b, remainder = a % b;
  switch (op) {
  case IndexOp::RemSI:
    return remainder;
  case IndexOp::FloorDivSI:
    return quotient - (remainder != 0 && (a < 0) != (b < 0));
  case IndexOp::CeilDivSI:
    return quotient + (remainder != 0 && (a < 0) == (b < 0));
  default:
    return quotient;
  }
}

/// The result of `instruction`, of which the low bits count. A divisor is not
/// zero.
static uint64_t compute(const Instruction &instruction, uint64_t a, uint64_t b,
                        uint64_t c) {
  unsigned bits = instruction.operandBits;
  int64_t sa = signExtend(a, bits), sb = signExtend(b, bits);
  switch (instruction.op) {
  case IndexOp::Constant:
    return instruction.constant;
  case IndexOp::AddI:
    return a + b;
  case IndexOp::SubI:
    return a - b;
  case IndexOp::MulI:
    return a * b;
  case IndexOp::DivSI:
  case IndexOp::CeilDivSI:
  case IndexOp::FloorDivSI:
  case IndexOp::RemSI:
    return divide(instruction.op, sa, sb);
  case IndexOp::DivUI:
    return a / b;
  case IndexOp::CeilDivUI:
    return a / b + (a % b != 0);
  case IndexOp::RemUI:
    return a % b;
  case IndexOp::MinSI:
    return std::min(sa, sb);
  case IndexOp::MinUI:
    return std::min(a, b);
  case IndexOp::MaxSI:
    return std::max(sa, sb);
  case IndexOp::MaxUI:
    return std::max(a, b);
  case IndexOp::AndI:
    return a & b;
  case IndexOp::OrI:
    return a | b;
  case IndexOp::XOrI:
    return a ^ b;
  case IndexOp::ShLI:
    return b >= bits ? 0 : a << b;
  case IndexOp::ShRSI:
    return sa >> std::min<uint64_t>(b, bits - 1);
  case IndexOp::ShRUI:
    return b >= bits ? 0 : a >> b;
  case IndexOp::CmpEq:
    return a == b;
  case IndexOp::CmpNe:
    return a != b;
  case IndexOp::CmpSlt:
    return sa < sb;
  case IndexOp::CmpSle:
    return sa <= sb;
  case IndexOp::CmpSgt:
    return sa > sb;
  case IndexOp::CmpSge:
    return sa >= sb;
  case IndexOp::CmpUlt:
    return a < b;
  case IndexOp::CmpUle:
    return a <= b;
  case IndexOp::CmpUgt:
    return a > b;
  case IndexOp::CmpUge:
    return a >= b;
  case IndexOp::Select:
    return a ? b : c;
  case IndexOp::SignExtend:
    return sa;
  case IndexOp::ZeroExtend:
    return a;
  }
  return 0;
}

Expected<std::vector<uint64_t>>
heddle::evaluate(const LaunchPlan &plan, std::span<const int64_t> sizes) {
  if (Expected<void> valid = verifySizes(plan, sizes); !valid)
    return tl::unexpected(valid.error());
  std::vector<uint64_t> values(sizes.begin(), sizes.end());
  auto getPlace = [](const std::string &location) {
    return location.empty() ? "" : location + ": ";
  };
  // Checks come in order, each as soon as its condition is known: they may be
  // what keeps the next instruction from dividing by zero.
  auto check = plan.checks.begin();
  auto runChecks = [&]() -> Expected<void> {
    for (; check != plan.checks.end() && check->condition < values.size();
         ++check) {
      if (values[check->condition] != 0)
        continue;
      std::string found;
      for (size_t i = 0; i < sizes.size(); ++i)
        found += fmt::format("{}{}={}", i ? ", " : "", plan.sizes[i], sizes[i]);
      return makeError(ErrorKind::InvalidInput, "{}{}, found {}",
                       getPlace(check->location), check->message, found);
    }
    return {};
  };
  for (const Instruction &instruction : plan.instructions) {
    if (Expected<void> met = runChecks(); !met)
      return tl::unexpected(met.error());
    auto [a, b, c] = instruction.operands;
    // Constants have no operands, and others may have fewer than three.
    auto get = [&](uint32_t i) { return i < values.size() ? values[i] : 0; };
    if (isDivision(instruction.op) && get(b) == 0)
      return makeError(ErrorKind::InvalidInput,
                       "{}division by zero in '{}': arith.{} of {} and 0",
                       getPlace(instruction.location), plan.name,
                       getName(instruction.op), get(a));
    values.push_back(truncate(compute(instruction, get(a), get(b), get(c)),
                              instruction.resultBits));
  }
  if (Expected<void> met = runChecks(); !met)
    return tl::unexpected(met.error());
  return values;
}
