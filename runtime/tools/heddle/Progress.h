//===- Progress.h - Telling that something takes its time -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_PROGRESS_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_PROGRESS_H

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace heddle {

/// A line on the standard error that tells how long the work has taken and how
/// far it is, if that is a terminal and the work takes longer than a second. It
/// is gone when the object is.
class Progress {
public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress &) = delete;

  /// May be called from any thread.
  void update(uint64_t done, uint64_t total);

private:
  void print();

  std::string what;
  std::mutex mutex;
  std::condition_variable ended;
  bool hasEnded = false;
  uint64_t done = 0, total = 0;
  /// Not started unless there is a terminal.
  std::thread thread;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_PROGRESS_H
