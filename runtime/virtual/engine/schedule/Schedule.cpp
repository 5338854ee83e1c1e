//===- Schedule.cpp - What happens next -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/schedule/Schedule.h"

#include "engine/Cluster.h"
#include "engine/schedule/Trace.h"

using namespace heddle;
using namespace heddle::vgpu;

void ClusterSchedule::run(Warp &warp, uint32_t instructions) {
  cluster.count(warp.run(instructions));
}

namespace {

/// Schedules that leave nothing to chance: a trace names them.
template <std::unique_ptr<ClusterSchedule> (*create)(Cluster &)>
class FixedSchedule final : public LaunchSchedule {
public:
  FixedSchedule(const Launch &launch, bool threads)
      : text(Trace(launch, launch.schedule).text()), threads(threads) {}
  std::unique_ptr<ClusterSchedule> createFor(Cluster &cluster) override {
    return create(cluster);
  }
  bool allowsThreads() const override { return threads; }
  std::string trace() const override { return text; }

private:
  const std::string text;
  const bool threads;
};

} // namespace

Expected<std::unique_ptr<LaunchSchedule>>
heddle::vgpu::createSchedule(const Launch &launch) {
  switch (launch.schedule.kind) {
  case Schedule::Kind::Timed:
    return std::make_unique<FixedSchedule<createTimedSchedule>>(
        launch, !launch.kernel->communicates);
  case Schedule::Kind::Eager:
    return std::make_unique<FixedSchedule<createEagerSchedule>>(launch, false);
  case Schedule::Kind::Lazy:
    return std::make_unique<FixedSchedule<createLazySchedule>>(launch, false);
  case Schedule::Kind::Random:
    return createRandomSchedule(launch, launch.schedule.seed);
  case Schedule::Kind::Replay:
    break;
  }
  return createReplaySchedule(launch, launch.schedule.trace);
}
