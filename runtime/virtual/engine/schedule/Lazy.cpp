//===- Lazy.cpp - Operations complete when someone waits ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t quantum = 128;

/// Warps take turns from one synchronization to the next. Only when none can
/// run, an operation completes: one that a warp waits for, and no other.
class LazySchedule final : public ClusterSchedule {
public:
  using ClusterSchedule::ClusterSchedule;

  bool step() override {
    bool ran = false;
    for (auto &cta : cluster.ctas)
      for (auto &warp : cta->warps) {
        if (warp->done() || !warp->ready())
          continue;
        run(*warp, quantum);
        ran = true;
        if (cluster.faulted())
          return true;
      }
    if (ran)
      return true;
    PendingOperation *operation = findNeeded();
    if (!operation)
      return false;
    cluster.pending.step(*operation);
    return true;
  }

private:
  /// The oldest operation that lanes wait for, or else the oldest at all: what
  /// polls memory does not say what it waits for.
  PendingOperation *findNeeded() {
    if (cluster.pending.empty())
      return nullptr;
    for (PendingOperation *operation : cluster.pending.all())
      if (operation->enabled() && isNeeded(*operation))
        return operation;
    return cluster.pending.all().front();
  }
  bool isNeeded(const PendingOperation &operation) {
    for (auto &cta : cluster.ctas)
      for (auto &warp : cta->warps)
        for (const Fragment &fragment : warp->fragments)
          if (fragment.wait && fragment.wait->needs &&
              fragment.wait->needs(*warp, fragment, operation))
            return true;
    return false;
  }
};

} // namespace

std::unique_ptr<ClusterSchedule>
heddle::vgpu::createLazySchedule(Cluster &cluster) {
  return std::make_unique<LazySchedule>(cluster);
}
