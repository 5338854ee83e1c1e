//===- Progress.cpp - Telling that something takes its time ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Progress.h"

#include <chrono>
#include <fmt/format.h>
#include <unistd.h>

using namespace heddle;

Progress::Progress(std::string what) : what(std::move(what)) {
  if (isatty(STDERR_FILENO))
    thread = std::thread([this] { print(); });
}

Progress::~Progress() {
  if (!thread.joinable())
    return;
  {
    std::lock_guard lock(mutex);
    hasEnded = true;
  }
  ended.notify_one();
  thread.join();
}

void Progress::update(uint64_t newDone, uint64_t newTotal) {
  std::lock_guard lock(mutex);
  done = newDone;
  total = newTotal;
}

void Progress::print() {
  std::unique_lock lock(mutex);
  for (int seconds = 1;; ++seconds) {
    if (ended.wait_for(lock, std::chrono::seconds(1),
                       [this] { return hasEnded; })) {
      if (seconds > 1)
        fmt::print(stderr, "\r\x1b[K");
      return;
    }
    fmt::print(stderr, "\r{}: {} s", what, seconds);
    if (total != 0)
      fmt::print(stderr, ", {} of {} blocks", done, total);
    fmt::print(stderr, "\x1b[K");
  }
}
