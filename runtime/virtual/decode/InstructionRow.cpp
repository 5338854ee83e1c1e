//===- InstructionRow.cpp - What is said of an instruction ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/InstructionRow.h"

#include "decode/Modifiers.h"

using namespace heddle;
using namespace heddle::vgpu;

RowEffects heddle::vgpu::effectsOf(const InstructionRow &row,
                                   const Modifiers &mods) {
  RowEffects effects = row.effects;
  struct Name {
    std::string_view name;
    MemorySet memory;
  };
  static constexpr Name spaces[] = {
      {"global", globalMemory},
      {"const", globalMemory},
      {"shared", sharedMemory},
      {"shared::cta", sharedMemory},
      {"shared::cluster", sharedMemory},
      {"local", localMemory},
      {"param", parameterMemory | localMemory},
      {"param::entry", parameterMemory},
      {"param::func", localMemory},
  };
  // A copy names the spaces of both sides; its row says which is which.
  if (effects.proxy == Proxy::Generic &&
      effects.completion == Completion::AtOnce)
    for (const Name &space : spaces)
      if (mods.has(space.name)) {
        effects.reads &= space.memory;
        effects.writes &= space.memory;
      }
  if (mods.has("acquire") || mods.has("acq_rel") || mods.has("sc"))
    effects.sync |= acquires;
  if (mods.has("release") || mods.has("acq_rel") || mods.has("sc"))
    effects.sync |= releases;
  if (mods.has("relaxed"))
    effects.sync &= SyncSet(~(acquires | releases));
  return effects;
}

std::string_view heddle::vgpu::getName(Proxy proxy) {
  constexpr std::string_view names[] = {"generic", "async", "tensormap"};
  return names[size_t(proxy)];
}

std::string_view heddle::vgpu::getName(Completion completion) {
  constexpr std::string_view names[] = {"at once", "mbarrier", "cp.async group",
                                        "bulk group", "wgmma group"};
  return names[size_t(completion)];
}

std::string_view heddle::vgpu::getName(Timing timing) {
  constexpr std::string_view names[] = {"alu",  "double", "special", "convert",
                                        "warp", "memory", "atomic",  "copy",
                                        "bulk", "tensor", "sync",    "control"};
  return names[size_t(timing)];
}
