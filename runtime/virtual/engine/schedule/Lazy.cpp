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

// What is as late as legal must come all the same while warps poll.

/// Polls in a row by one warp after which it gets what it polls for.
constexpr uint32_t mostPolls = 64;
/// Rounds, of a turn for each warp, from the issue of an operation to its
/// completion, for polls of memory, which do not say what they wait for.
constexpr uint64_t mostRounds = 8192, mostSleep = 64;
/// How often that is looked at.
constexpr uint64_t checkInterval = 64;

/// Warps take turns from one synchronization to the next. Only when none can
/// run, an operation completes: one that a warp waits for, and no other. A warp
/// that polls and sleeps in between cannot run; one that counts its polls can,
/// and so could for ever.
class LazySchedule final : public ClusterSchedule {
public:
  using ClusterSchedule::ClusterSchedule;

  void start() override {
    round = 0;
    size_t count = 0;
    for (auto &cta : cluster.ctas)
      count += cta->warps.size();
    polls.assign(count, {});
  }
  void issued(PendingOperation &operation, uint64_t) override {
    operation.due =
        round + (operation.channel.kind == Channel::Kind::Timer ? mostSleep
                                                                : mostRounds);
  }

  bool step() override {
    bool ran = false, enough = false;
    size_t position = 0;
    for (auto &cta : cluster.ctas)
      for (auto &warp : cta->warps) {
        Polls &count = polls[position++];
        if (warp->done() || !warp->ready())
          continue;
        run(*warp);
        ran = true;
        if (cluster.faulted())
          return true;
        enough |= countPolls(*warp, count);
      }
    if (!ran) {
      PendingOperation *operation = findNeeded();
      if (!operation && !cluster.pending.empty())
        operation = cluster.pending.all().front();
      if (!operation)
        return false;
      complete(*operation);
      return true;
    }
    PendingOperation *late = enough ? findNeeded() : nullptr;
    if (++round % checkInterval == 0 && !late)
      late = findOverdue();
    if (late)
      complete(*late);
    return true;
  }

private:
  /// The wait that a warp polls, and how often it has in a row.
  struct Polls {
    uint32_t pc = noInstruction;
    uint32_t count = 0;
  };

  /// Turns end before each instruction that synchronizes. Whether this was one
  /// poll too many.
  bool countPolls(const Warp &warp, Polls &polls) {
    const std::vector<InstructionInfo> &info = warp.kernel->info;
    for (const Fragment &fragment : warp.fragments) {
      const InstructionInfo &next = info[fragment.pc];
      if (fragment.wait || (!next.wait && next.effects.synchronizes)) {
        polls = {};
      } else if (next.wait) {
        polls.count = polls.pc == fragment.pc ? polls.count + 1 : 1;
        polls.pc = fragment.pc;
      }
    }
    return polls.count >= mostPolls;
  }

  void complete(PendingOperation &operation) {
    polls.assign(polls.size(), {});
    cluster.pending.step(operation);
  }

  PendingOperation *findOverdue() {
    for (PendingOperation *operation : cluster.pending.all())
      if (operation->enabled() && operation->due <= round)
        return operation;
    return nullptr;
  }
  /// The oldest operation that lanes wait or poll for, if there is one.
  PendingOperation *findNeeded() {
    for (PendingOperation *operation : cluster.pending.all())
      if (operation->enabled() && isNeeded(*operation))
        return operation;
    return nullptr;
  }
  bool isNeeded(const PendingOperation &operation) {
    size_t position = 0;
    for (auto &cta : cluster.ctas)
      for (auto &warp : cta->warps) {
        const Polls &polled = polls[position++];
        for (Fragment fragment : warp->fragments) {
          if (!fragment.wait && polled.count >= mostPolls) {
            fragment.instruction = &warp->kernel->code[polled.pc];
            fragment.wait = warp->kernel->info[polled.pc].wait;
            fragment.a = 0;
          }
          if (fragment.wait && fragment.wait->needs &&
              fragment.wait->needs(*warp, fragment, operation))
            return true;
        }
      }
    return false;
  }

  /// By the position of a warp in the cluster.
  std::vector<Polls> polls;
  uint64_t round = 0;
};

} // namespace

std::unique_ptr<ClusterSchedule>
heddle::vgpu::createLazySchedule(Cluster &cluster) {
  return std::make_unique<LazySchedule>(cluster);
}
