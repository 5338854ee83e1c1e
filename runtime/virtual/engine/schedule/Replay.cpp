//===- Replay.cpp - The choices of a recorded run -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/schedule/Chosen.h"
#include "engine/schedule/Trace.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

class ReplayLaunchSchedule final : public LaunchSchedule {
public:
  ReplayLaunchSchedule(const Launch &launch, TraceReader reader)
      : text(launch.schedule.trace), reader(std::move(reader)) {}

  std::unique_ptr<ClusterSchedule> createFor(Cluster &cluster) override;
  uint64_t slice() override { return randomSlice; }
  uint64_t window(uint64_t capacity) const override {
    return std::min(capacity, randomWindow);
  }
  uint64_t orderOf(uint64_t position, uint64_t total) const override {
    return shuffle(position, total, reader.schedule().seed);
  }
  size_t choose(size_t count) override {
    return next(Choice::Kind::Cluster, count).value_or(0);
  }
  std::string trace() const override { return text; }
  std::string misfit() const override { return message; }

  std::optional<uint32_t> next(Choice::Kind kind, size_t count) {
    if (!message.empty())
      return std::nullopt;
    auto value = reader.next(kind, uint32_t(count));
    if (!value)
      message = fmt::format("the trace does not fit the program: choice {} is "
                            "not one of the {} that there are",
                            reader.position(), count);
    return value;
  }

private:
  const std::string &text;
  TraceReader reader;
  std::string message;
};

class ReplaySchedule final : public ChosenSchedule {
public:
  ReplaySchedule(Cluster &cluster, ReplayLaunchSchedule &owner)
      : ChosenSchedule(cluster), owner(owner) {}
  bool failsSpuriously() override {
    return owner.next(Choice::Kind::TryWait, 2).value_or(0);
  }

protected:
  std::optional<size_t> choose(std::span<const Candidate> candidates) override {
    if (candidates.size() == 1)
      return 0;
    return owner.next(Choice::Kind::Step, candidates.size());
  }

private:
  ReplayLaunchSchedule &owner;
};

std::unique_ptr<ClusterSchedule>
ReplayLaunchSchedule::createFor(Cluster &cluster) {
  return std::make_unique<ReplaySchedule>(cluster, *this);
}

} // namespace

Expected<std::unique_ptr<LaunchSchedule>>
heddle::vgpu::createReplaySchedule(const Launch &launch,
                                   const std::string &text) {
  auto reader = TraceReader::create(launch, text);
  if (!reader)
    return tl::unexpected(reader.error());
  switch (reader->schedule().kind) {
  case Schedule::Kind::Random:
    return std::make_unique<ReplayLaunchSchedule>(launch, std::move(*reader));
  default:
    // It made no choices.
    Launch again = launch;
    again.schedule = reader->schedule();
    return createSchedule(again);
  }
}
