//===- InstructionSet.cpp - Code for several host processors --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/InstructionSet.h"

#include "decode/Pattern.h"
#include "instructions/Table.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

using namespace heddle::vgpu;

namespace heddle::vgpu {
#ifdef HEDDLE_X86
namespace avx2 {
std::span<const InstructionFamily> instructionFamilies();
}
namespace avx512 {
std::span<const InstructionFamily> instructionFamilies();
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

namespace {

struct Entry {
  Pattern pattern;
  const InstructionRow *row;
};

/// Rows by base opcode, in the order in which they are tried.
class Index {
public:
  explicit Index(std::span<const InstructionFamily> families) {
    for (const InstructionFamily &family : families)
      for (const InstructionRow &row : family.rows) {
        Pattern pattern(row.pattern);
        entries[pattern.base()].push_back({std::move(pattern), &row});
      }
  }

  RowMatch find(const Modifiers &mods) const {
    auto it = entries.find(mods.base());
    if (it == entries.end())
      return {nullptr, "unknown instruction"};
    const Entry *nearest = nullptr;
    Pattern::Misfit least;
    for (const Entry &entry : it->second) {
      auto misfit = entry.pattern.misfit(mods.rest());
      if (!misfit)
        return {entry.row, {}};
      if (!nearest || misfit->distance < least.distance) {
        nearest = &entry;
        least = std::move(*misfit);
      }
    }
    std::string what = least.extra.empty()
                           ? fmt::format("expected {}", least.missing)
                           : fmt::format("unknown modifier '.{}'", least.extra);
    if (!least.extra.empty() && !least.missing.empty())
      what += fmt::format(", expected {}", least.missing);
    return {nullptr, fmt::format("{}; the nearest form is {}", what,
                                 nearest->pattern.spelling())};
  }

private:
  std::unordered_map<std::string_view, std::vector<Entry>> entries;
};

} // namespace

RowMatch heddle::vgpu::findInstruction(const Modifiers &mods) {
  switch (std::min(limit.load(), bestInstructionSet())) {
#ifdef HEDDLE_X86
  case InstructionSet::Avx512: {
    static const Index index(avx512::instructionFamilies());
    return index.find(mods);
  }
  case InstructionSet::Avx2: {
    static const Index index(avx2::instructionFamilies());
    return index.find(mods);
  }
#endif
  default: {
    static const Index index(baseline::instructionFamilies());
    return index.find(mods);
  }
  }
}
