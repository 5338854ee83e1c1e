//===- Launch.cpp - Clusters on host threads ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Launch.h"

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"
#include "engine/Output.h"
#include "heddle/Runtime/MakeError.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

class Grid {
public:
  Grid(const Launch &launch, LaunchSchedule &schedule)
      : launch(launch), schedule(schedule), total(launch.clustersPerDevice()),
        next(launch.devices.size()) {}

  void run();
  uint64_t instructions() const { return executed; }
  Traffic traffic() const { return {bytesRead, bytesWritten}; }

private:
  using Clusters = std::vector<std::unique_ptr<Cluster>>;
  /// Runs clusters until none is left. With `others`, those that wait for
  /// memory alone are parked: other threads may run what writes it.
  void work(size_t capacity, Clusters resident, bool others);
  /// The device that begins a cluster next, of those with less than `limit`.
  std::optional<size_t> findRoom(const Clusters &resident, size_t limit) const;
  void finished(Cluster &cluster) {
    executed += cluster.instructions();
    bytesRead += cluster.traffic.read;
    bytesWritten += cluster.traffic.written;
  }
  void failed(Cluster &cluster);
  /// The resident clusters wait for memory that nobody will write.
  void stuck(const Clusters &resident);

  const Launch &launch;
  LaunchSchedule &schedule;
  /// Clusters of each device, and how many of those have been begun.
  const uint64_t total;
  std::vector<std::atomic<uint64_t>> next;
  /// Clusters from this number on need not run: an earlier one has failed.
  std::atomic<uint64_t> end = UINT64_MAX;
  std::atomic<uint64_t> executed = 0, bytesRead = 0, bytesWritten = 0;
  std::mutex mutex;
  Clusters parked;
};

void Grid::run() {
  size_t capacity = std::max(1u, launch.residentClusters);
  // Clusters of two devices wait for one another more often than not.
  if (!schedule.allowsThreads() || launch.hostThreads < 2 || total < 2 ||
      next.size() > 1)
    return work(capacity, {}, false);
  size_t threads = size_t(std::min<uint64_t>(total, launch.hostThreads));
  size_t share = std::max<size_t>(1, capacity / threads);
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i)
    others.emplace_back([&] { work(share, {}, true); });
  work(share, {}, true);
  for (std::thread &thread : others)
    thread.join();
  std::ranges::sort(parked, {}, &Cluster::index);
  work(capacity, std::move(parked), false);
}

std::optional<size_t> Grid::findRoom(const Clusters &resident,
                                     size_t limit) const {
  std::optional<size_t> found;
  for (size_t device = 0; device < next.size(); ++device) {
    if (next[device].load(std::memory_order_relaxed) >= total)
      continue;
    size_t count = resident.size();
    if (next.size() > 1)
      count = size_t(std::ranges::count(resident, device, &Cluster::device));
    if (count < limit) {
      limit = count;
      found = device;
    }
  }
  return found;
}

void Grid::work(size_t capacity, Clusters resident, bool others) {
  Clusters idle;
  uint64_t progress = 1;
  // Those that have run are at the end, and have waited since this progress.
  for (auto &cluster : resident)
    cluster->join(progress);
  size_t window = size_t(schedule.window(capacity));
  while (schedule.misfit().empty()) {
    bool allWait = std::ranges::all_of(resident, [&](auto &cluster) {
      return cluster->waitsSince() == progress;
    });
    // A cluster that used up its slice waits; a fresh one may be what it waits
    // for.
    if (auto device = findRoom(resident, allWait ? capacity : window)) {
      uint64_t position = next[*device].fetch_add(1, std::memory_order_relaxed);
      uint64_t number =
          position < total ? *device * total + schedule.orderOf(position, total)
                           : UINT64_MAX;
      if (number < end.load()) {
        if (idle.empty())
          idle.push_back(std::make_unique<Cluster>(launch, schedule));
        resident.insert(resident.begin(), std::move(idle.back()));
        idle.pop_back();
        resident.front()->start(number, progress);
        allWait = false;
      } else if (position < total) {
        continue;
      }
    }
    if (resident.empty())
      return;
    if (allWait) {
      if (others) {
        std::lock_guard lock(mutex);
        std::ranges::move(resident, std::back_inserter(parked));
        resident.clear();
        continue;
      }
      return stuck(resident);
    }
    size_t chosen = resident.size() > 1 ? schedule.choose(resident.size()) : 0;
    std::unique_ptr<Cluster> cluster = std::move(resident[chosen]);
    resident.erase(resident.begin() + ptrdiff_t(chosen));
    // A cluster before the one that failed goes on, so that which failure is
    // reported does not depend on the host.
    if (cluster->index > end) {
      idle.push_back(std::move(cluster));
      continue;
    }
    switch (cluster->run(schedule.slice())) {
    case Cluster::Result::Finished:
      finished(*cluster);
      idle.push_back(std::move(cluster));
      break;
    case Cluster::Result::Yielded:
    case Cluster::Result::Waiting:
      resident.push_back(std::move(cluster));
      break;
    case Cluster::Result::Faulted:
      failed(*cluster);
      idle.push_back(std::move(cluster));
      break;
    }
  }
}

void Grid::failed(Cluster &cluster) {
  finished(cluster);
  // A replay that does not fit ends without a fault.
  if (!cluster.fault)
    return;
  cluster.report(std::move(*cluster.fault));
  uint64_t last = end;
  while (cluster.index < last &&
         !end.compare_exchange_weak(last, cluster.index)) {
  }
}

void Grid::stuck(const Clusters &resident) {
  std::vector<Cluster *> waiting;
  for (const auto &cluster : resident) {
    finished(*cluster);
    if (cluster->index <= end)
      waiting.push_back(cluster.get());
  }
  if (waiting.empty())
    return;
  std::ranges::sort(waiting, {}, &Cluster::index);
  uint64_t unstarted = 0;
  for (const std::atomic<uint64_t> &begun : next)
    unstarted += total - std::min<uint64_t>(begun, total);
  waiting.front()->report(
      describeStarvation(waiting, launch.residentClusters, unstarted));
}

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
    // Warnings about order are not errors in kernels from elsewhere, but they
    // say that an order is missing.
    auto lacksOrder = [](const Finding &finding) {
      return finding.kind == FindingKind::Race ||
             finding.kind == FindingKind::MissingProxyFence ||
             finding.kind == FindingKind::WgmmaRegisters;
    };
    auto found = std::ranges::find_if(report.findings, lacksOrder);
    if (found == report.findings.end()) {
      report.resultClass = ResultClass::ScheduleIndependent;
    } else {
      report.resultClass = ResultClass::SchedulesExplored;
      report.classReason =
          fmt::format("the {} at {}:{}", getName(found->kind),
                      found->sites.front().ptx, found->sites.front().ptxLine);
    }
  }
}

Expected<LaunchReport> heddle::vgpu::runLaunch(Launch &launch) {
  FindingLog findings;
  launch.findings = &findings;
  std::optional<GlobalShadow> shadow;
  if (launch.sanitize == SanitizeLevel::Full)
    launch.globalShadow = &shadow.emplace();
  LaunchOutput output(*launch.kernel);
  launch.output = &output;
  auto schedule = createSchedule(launch);
  if (!schedule)
    return tl::unexpected(schedule.error());
  Grid grid(launch, **schedule);
  grid.run();
  if (std::string misfit = (*schedule)->misfit(); !misfit.empty())
    return makeError(ErrorKind::InvalidInput, "{}", misfit);
  LaunchReport report;
  report.kernel = launch.kernel->name;
  report.findings = findings.take();
  report.instructions = grid.instructions();
  report.bytesRead = grid.traffic().read;
  report.bytesWritten = grid.traffic().written;
  report.schedule = getName(launch.schedule);
  if (launch.recordTrace)
    report.trace = (*schedule)->trace();
  output.moveTo(report);
  classify(launch, report);
  return report;
}
