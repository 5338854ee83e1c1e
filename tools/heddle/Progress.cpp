//===- Progress.cpp - Telling that something takes its time ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Progress.h"

#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace heddle;

Progress::Progress(std::string what)
    : what(std::move(what)), next(Clock::now() + std::chrono::seconds(1)),
      isTerminal(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (isShown)
    llvm::errs() << "\r\x1b[K";
}

void Progress::update(uint64_t done, uint64_t total) {
  if (!isTerminal || Clock::now() < next)
    return;
  next = Clock::now() + std::chrono::milliseconds(200);
  isShown = true;
  llvm::errs() << "\r" << what << ": " << done << " of " << total
               << " blocks\x1b[K";
}
