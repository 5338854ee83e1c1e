//===- Warpgroup.h - Four warps and their tensor core queue -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_WARPGROUP_H
#define HEDDLE_VIRTUAL_ENGINE_WARPGROUP_H

#include <cstdint>
#include <deque>

namespace heddle::vgpu {

struct Instruction;
class PendingOperation;

/// A wgmma that some warp of the group has issued. It runs once all four have.
struct PendingWgmma {
  const Instruction *instruction = nullptr;
  uint64_t descA = 0, descB = 0;
  bool scaleD = true;
  /// Warps that have issued it, one bit each.
  uint32_t issued = 0;
};

struct Warpgroup {
  /// Registers per thread, as setmaxnreg left them.
  uint32_t registers = 0;
  /// Issued by at least one warp and not completed, oldest first; `completed`
  /// is the number of the front one.
  std::deque<PendingWgmma> queue;
  uint64_t completed = 0;
  /// When the last one issued by all warps completes.
  uint64_t busyUntil = 0;
  /// The newest in flight that all warps have issued.
  PendingOperation *newest = nullptr;
  /// setmaxnreg: warps that have arrived at it.
  uint32_t resizing = 0;
  uint64_t resizes = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_WARPGROUP_H
