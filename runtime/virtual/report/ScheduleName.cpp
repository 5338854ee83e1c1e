//===- ScheduleName.cpp - Schedules as text -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/MakeError.h"
#include "heddle/Runtime/VirtualDevice.h"

#include <charconv>

using namespace heddle;

static constexpr std::pair<std::string_view, Schedule::Kind> names[] = {
    {"timed", Schedule::Kind::Timed},   {"eager", Schedule::Kind::Eager},
    {"lazy", Schedule::Kind::Lazy},     {"random", Schedule::Kind::Random},
    {"replay", Schedule::Kind::Replay},
};

std::string heddle::getName(const Schedule &schedule) {
  for (auto [name, kind] : names)
    if (kind == schedule.kind)
      return kind == Schedule::Kind::Random
                 ? fmt::format("{}:{}", name, schedule.seed)
                 : std::string(name);
  return "";
}

Expected<Schedule> heddle::parseSchedule(std::string_view text) {
  Schedule schedule;
  size_t colon = text.find(':');
  std::string_view wanted = text.substr(0, colon);
  for (auto [name, kind] : names) {
    if (name != wanted || kind == Schedule::Kind::Replay)
      continue;
    schedule.kind = kind;
    if (colon == text.npos && kind != Schedule::Kind::Random)
      return schedule;
    if (colon == text.npos || kind != Schedule::Kind::Random)
      break;
    std::string_view seed = text.substr(colon + 1);
    const char *end = seed.data() + seed.size();
    auto [rest, status] = std::from_chars(seed.data(), end, schedule.seed);
    if (status == std::errc() && rest == end)
      return schedule;
  }
  return makeError(ErrorKind::InvalidInput,
                   "expected a schedule 'timed', 'eager', 'lazy' or "
                   "'random:SEED', found '{}'",
                   text);
}
