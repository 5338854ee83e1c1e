//===- FindingLog.h - What a launch has found so far ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Findings of all clusters of a launch, from several host threads, in an order
/// that does not depend on which thread was faster.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_FINDINGLOG_H
#define HEDDLE_VIRTUAL_ENGINE_FINDINGLOG_H

#include "heddle/Runtime/LaunchReport.h"

#include <mutex>

namespace heddle::vgpu {

/// Thread-safe.
class FindingLog {
public:
  /// Adds what cluster number `cluster` of the grid has found. Findings of one
  /// kind and cause at the same lines are one: the first cluster's, counted.
  void add(Finding finding, uint64_t cluster = 0);

  /// The findings by cluster, in the order in which each found them.
  std::vector<Finding> take();

private:
  struct Entry {
    Finding finding;
    uint64_t cluster = 0;
    uint64_t order = 0;
  };
  std::mutex mutex;
  /// By kind, cause and lines.
  std::map<std::string, Entry> entries;
  uint64_t order = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_FINDINGLOG_H
