//===- Spin.h - Loops that only wait ----------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Lanes that come back to the same place with the same registers, and have
/// written nothing since, wait for someone else: they sleep until something
/// happens. A warp is watched for this now and then, so that others pay
/// nothing.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_SPIN_H
#define HEDDLE_VIRTUAL_ENGINE_SPIN_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heddle::vgpu {

struct Fragment;
class Warp;

class SpinWatch {
public:
  void reset() { *this = SpinWatch(); }

  bool active() const { return watching; }
  /// The warp ended a turn without having to.
  void tookTurn() {
    if (!watching && ++turns >= nextWatch) {
      watching = true;
      hasSnapshot = false;
      passages = 0;
      steps = 0;
    }
  }
  /// It wrote something, or does not come to an end.
  void stop();
  void counted(uint32_t instructions) {
    steps += instructions;
    if (steps > mostSteps)
      stop();
  }
  /// The running lanes went back to the warp's program counter. Whether they
  /// wait.
  bool passed(Warp &warp);

private:
  static constexpr uint32_t firstWatch = 8, lastWatch = 8192;
  static constexpr uint32_t mostSteps = 4096;

  bool watching = false, hasSnapshot = false;
  uint32_t turns = 0, nextWatch = firstWatch;
  uint32_t steps = 0;
  /// Loop ends passed; a snapshot is taken at each power of two (Brent's way to
  /// find a cycle).
  uint32_t passages = 0;
  uint32_t pc = 0, mask = 0, carry = 0;
  std::vector<std::byte> registers;
  std::vector<uint32_t> predicates;
};

/// Whether the lanes sleep in such a loop.
bool isSpin(const Fragment &fragment);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_SPIN_H
