//===- Output.cpp - What a launch prints and how exact it was -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Output.h"

#include "engine/Cluster.h"

using namespace heddle::vgpu;

Flow heddle::vgpu::countInexact(Warp &warp, const Instruction &instruction,
                                uint32_t mask) {
  uint32_t pc = warp.indexOf(instruction);
  const InstructionInfo &info = warp.kernel->info[pc];
  Flow flow = info.counted(warp, instruction, mask);
  // Lanes that wait execute it again.
  if (warp.pc != pc)
    warp.cta.cluster.launch.output->count(info.inexact);
  return flow;
}
