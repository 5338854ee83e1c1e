//===- Output.h - What a launch prints and how exact it was -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_OUTPUT_H
#define HEDDLE_VIRTUAL_ENGINE_OUTPUT_H

#include "decode/Kernel.h"
#include "heddle/Runtime/LaunchReport.h"

#include <atomic>
#include <mutex>

namespace heddle::vgpu {

/// Executes and counts an instruction that is not exact.
Flow countInexact(Warp &warp, const Instruction &instruction, uint32_t mask);

/// What the clusters of a launch print, and how often they execute instructions
/// that are not exact. Used from several host threads.
class LaunchOutput {
public:
  explicit LaunchOutput(const Kernel &kernel)
      : kernel(kernel), counts(kernel.inexact.size()) {}

  void print(std::string_view text) {
    std::lock_guard lock(mutex);
    printed += text;
  }
  /// `number` is that of `InstructionInfo::inexact`.
  void count(uint32_t number) {
    counts[number].fetch_add(1, std::memory_order_relaxed);
  }

  void moveTo(LaunchReport &report) {
    report.output = std::move(printed);
    for (size_t i = 0; i < counts.size(); ++i) {
      uint64_t count = counts[i];
      if (!count)
        continue;
      const Kernel::Inexact &at = kernel.inexact[i];
      auto &totals = at.fidelity == Fidelity::WithinTolerance
                         ? report.withinTolerance
                         : report.approximate;
      totals[kernel.info[at.pc].opcode] += count;
    }
  }

private:
  const Kernel &kernel;
  std::mutex mutex;
  std::string printed;
  std::vector<std::atomic<uint64_t>> counts;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_OUTPUT_H
