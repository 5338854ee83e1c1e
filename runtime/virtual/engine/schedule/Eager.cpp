//===- Eager.cpp - Operations complete as they are issued -----------------===//
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

/// Warps stop after an instruction that issues something, and it completes
/// before any of them goes on.
class EagerSchedule final : public ClusterSchedule {
public:
  using ClusterSchedule::ClusterSchedule;

  bool step() override {
    if (!cluster.pending.empty()) {
      // The oldest comes first in its channel, so it is enabled.
      cluster.pending.step(*cluster.pending.all().front());
      return true;
    }
    bool ran = false;
    for (auto &cta : cluster.ctas)
      for (auto &warp : cta->warps) {
        if (warp->done() || !warp->ready())
          continue;
        run(*warp);
        ran = true;
        if (cluster.faulted())
          return true;
        while (!cluster.pending.empty() && !cluster.faulted())
          cluster.pending.step(*cluster.pending.all().front());
      }
    return ran;
  }
};

} // namespace

std::unique_ptr<ClusterSchedule>
heddle::vgpu::createEagerSchedule(Cluster &cluster) {
  return std::make_unique<EagerSchedule>(cluster);
}
