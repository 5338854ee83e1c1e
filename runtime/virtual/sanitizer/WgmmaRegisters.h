//===- WgmmaRegisters.h - Which registers wgmma.fence covers ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_WGMMAREGISTERS_H
#define HEDDLE_VIRTUAL_SANITIZER_WGMMAREGISTERS_H

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace heddle::vgpu {

/// wgmma is ordered with other accesses to its registers by wgmma.fence alone:
/// one is needed before the first wgmma of a warp, and after every ordinary
/// access to an accumulator or a register of A. wgmmas that chain accumulators
/// need none between them.
class WgmmaRegisters {
public:
  explicit WgmmaRegisters(uint32_t slots) : touchedAt(slots, untouched) {}

  void start() {
    std::ranges::fill(touchedAt, untouched);
    everFenced = false;
  }
  /// The instruction at `pc`, which is no wgmma, reads or writes `slots`.
  void touch(const std::vector<uint32_t> &slots, uint32_t pc) {
    for (uint32_t slot : slots)
      touchedAt[slot] = pc;
  }
  void fence() {
    std::ranges::fill(touchedAt, untouched);
    everFenced = true;
  }
  /// A wgmma uses `slots`: the instruction that touched one of them since the
  /// last fence, or `neverFenced`. Each is found once.
  static constexpr uint32_t neverFenced = ~0u - 1;
  std::optional<uint32_t> use(const std::vector<uint32_t> &slots) {
    std::optional<uint32_t> found;
    for (uint32_t slot : slots)
      if (touchedAt[slot] != untouched) {
        found = touchedAt[slot];
        touchedAt[slot] = untouched;
      }
    if (!found && !everFenced)
      found = neverFenced;
    everFenced = true;
    return found;
  }

private:
  static constexpr uint32_t untouched = ~0u;
  std::vector<uint32_t> touchedAt;
  bool everFenced = false;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_WGMMAREGISTERS_H
