//===- Progress.h - Telling that something takes its time -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_PROGRESS_H
#define HEDDLE_TOOLS_HEDDLE_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace heddle {

/// A line on the standard error that counts, if that is a terminal and the work
/// takes longer than a second; it is gone when the object is.
class Progress {
public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress &) = delete;

  void update(uint64_t done, uint64_t total);

private:
  using Clock = std::chrono::steady_clock;
  std::string what;
  Clock::time_point next;
  bool isTerminal, isShown = false;
};

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_PROGRESS_H
