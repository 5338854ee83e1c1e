//===- InstructionSet.cpp - Code for several host processors --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/InstructionSet.h"

#include "decode/Decoder.h"

#include <algorithm>
#include <atomic>

using namespace heddle::vgpu;

namespace heddle::vgpu {
namespace baseline {
DecodeFunction findRow(std::string_view base);
}
#ifdef HEDDLE_X86
namespace avx2 {
DecodeFunction findRow(std::string_view base);
}
namespace avx512 {
DecodeFunction findRow(std::string_view base);
}
#endif
} // namespace heddle::vgpu

static InstructionSet detect() {
#ifdef HEDDLE_X86
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("f16c") &&
              __builtin_cpu_supports("lzcnt") &&
              __builtin_cpu_supports("popcnt");
  if (avx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::Avx512;
  if (avx2)
    return InstructionSet::Avx2;
#endif
  return InstructionSet::Baseline;
}

InstructionSet heddle::vgpu::bestInstructionSet() {
  static const InstructionSet best = detect();
  return best;
}

static std::atomic<InstructionSet> limit = InstructionSet::Avx512;

void heddle::vgpu::useInstructionSet(InstructionSet set) { limit = set; }

DecodeFunction heddle::vgpu::findInstruction(std::string_view base) {
  switch (std::min(limit.load(), bestInstructionSet())) {
#ifdef HEDDLE_X86
  case InstructionSet::Avx512:
    return avx512::findRow(base);
  case InstructionSet::Avx2:
    return avx2::findRow(base);
#endif
  default:
    return baseline::findRow(base);
  }
}
