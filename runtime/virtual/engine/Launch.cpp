//===- Launch.cpp - Clusters on host threads ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Launch.h"

#include "engine/Cluster.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <fmt/format.h>
#include <thread>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Instructions that a cluster runs before its host thread turns to another
/// resident one, so that clusters may wait for each other through memory.
constexpr uint64_t slice = 1 << 15;

class Grid {
public:
  explicit Grid(const Launch &launch)
      : launch(launch),
        total(launch.config.grid.count() / launch.config.cluster.count()) {}

  void run() {
    uint32_t threads = uint32_t(
        std::clamp<uint64_t>(total, 1, std::max(1u, launch.hostThreads)));
    std::vector<std::thread> others;
    for (uint32_t i = 1; i < threads; ++i)
      others.emplace_back([&, threads] { work(threads); });
    work(threads);
    for (std::thread &thread : others)
      thread.join();
  }
  uint64_t instructions() const { return executed; }

private:
  void work(uint32_t threads) {
    size_t capacity = std::max(1u, launch.residentClusters / threads);
    std::deque<std::unique_ptr<Cluster>> resident;
    std::vector<std::unique_ptr<Cluster>> idle;
    while (true) {
      // A cluster that used up its slice waits; a fresh one may be what it
      // waits for.
      if (resident.size() < capacity) {
        uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
        if (number < std::min(total, end.load())) {
          if (idle.empty())
            idle.push_back(std::make_unique<Cluster>(launch));
          resident.push_front(std::move(idle.back()));
          idle.pop_back();
          resident.front()->start(number);
        }
      }
      if (resident.empty())
        return;
      std::unique_ptr<Cluster> cluster = std::move(resident.front());
      resident.pop_front();
      // A cluster before the one that failed goes on, so that which failure is
      // reported does not depend on the host.
      if (cluster->index > end)
        continue;
      switch (cluster->run(slice)) {
      case Cluster::Result::Finished:
        executed += cluster->instructions();
        idle.push_back(std::move(cluster));
        break;
      case Cluster::Result::Yielded:
        resident.push_back(std::move(cluster));
        break;
      case Cluster::Result::Faulted:
        report(*cluster);
        idle.push_back(std::move(cluster));
        break;
      }
    }
  }

  void report(Cluster &cluster) {
    executed += cluster.instructions();
    cluster.report(std::move(*cluster.fault));
    uint64_t last = end;
    while (cluster.index < last &&
           !end.compare_exchange_weak(last, cluster.index)) {
    }
  }

  const Launch &launch;
  const uint64_t total;
  std::atomic<uint64_t> next = 0;
  /// Clusters from this number on need not run: an earlier one has failed.
  std::atomic<uint64_t> end = UINT64_MAX;
  std::atomic<uint64_t> executed = 0;
};

} // namespace

uint32_t Launch::registersPerThread() const {
  if (kernel->maxRegisters)
    return kernel->maxRegisters;
  uint64_t threads = (config.block.count() + 127) / 128 * 128;
  uint64_t share = registersPerMultiprocessor / threads / 8 * 8;
  return uint32_t(std::min<uint64_t>(share, 255));
}

/// What the result may depend on, if nothing was found.
static void classify(const Launch &launch, LaunchReport &report) {
  const Kernel &kernel = *launch.kernel;
  if (kernel.firstOrderDependent != noInstruction) {
    report.resultClass = ResultClass::SchedulesExplored;
    report.classReason =
        fmt::format("{} at {}", kernel.info[kernel.firstOrderDependent].opcode,
                    kernel.place(kernel.firstOrderDependent));
  } else if (launch.sanitize == SanitizeLevel::Full && !report.hasErrors()) {
    report.resultClass = ResultClass::ScheduleIndependent;
  }
}

Expected<LaunchReport> heddle::vgpu::runLaunch(Launch &launch) {
  FindingLog findings;
  launch.findings = &findings;
  std::optional<GlobalShadow> shadow;
  if (launch.sanitize == SanitizeLevel::Full)
    launch.globalShadow = &shadow.emplace();
  Grid grid(launch);
  grid.run();
  LaunchReport report;
  report.kernel = launch.kernel->name;
  report.findings = findings.take();
  report.instructions = grid.instructions();
  classify(launch, report);
  return report;
}
