//===- Trace.cpp - The choices of a run, as text --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/schedule/Trace.h"

#include "engine/Launch.h"
#include "heddle/Runtime/MakeError.h"

#include <charconv>

using namespace heddle;
using namespace heddle::vgpu;

static constexpr std::string_view version = "heddle-trace 1";
static constexpr size_t lineWidth = 78;

/// A number that tells programs apart (FNV-1a over the mnemonics).
static uint64_t hashCode(const Kernel &kernel) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const InstructionInfo &info : kernel.info)
    for (char c : info.opcode + "\n")
      hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

static std::string describeLaunch(const Launch &launch) {
  auto text = [](const Dim3 &dim) {
    return fmt::format("{}x{}x{}", dim.x, dim.y, dim.z);
  };
  std::string head = fmt::format(
      "kernel {} code {:016x} grid {} block {} cluster {}", launch.kernel->name,
      hashCode(*launch.kernel), text(launch.config.grid),
      text(launch.config.block), text(launch.config.cluster));
  if (launch.devices.size() > 1)
    head += fmt::format(" devices {}", launch.devices.size());
  return head;
}

Trace::Trace(const Launch &launch, const Schedule &schedule)
    : head(fmt::format("{}\n{}\nschedule {}\n", version, describeLaunch(launch),
                       getName(schedule))) {}

void Trace::add(Choice choice) {
  if (count && choice == last) {
    ++count;
    return;
  }
  flush(body);
  last = choice;
  count = 1;
}

void Trace::flush(std::string &to) const {
  if (!count)
    return;
  std::string word;
  if (last.kind != Choice::Kind::Step)
    word += char(last.kind);
  word += std::to_string(last.value);
  if (count > 1)
    word += fmt::format("*{}", count);
  size_t line = to.rfind('\n');
  size_t used = to.size() - (line == to.npos ? 0 : line + 1);
  if (used)
    to += used + word.size() > lineWidth ? '\n' : ' ';
  to += word;
}

std::string Trace::text() const {
  std::string all = body;
  flush(all);
  return head + all + (all.empty() ? "" : "\n");
}

Expected<TraceReader> TraceReader::create(const Launch &launch,
                                          std::string text) {
  auto takeLine = [&, at = size_t(0)]() mutable {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = std::min(end + 1, text.size());
    return std::pair(line, at);
  };
  auto [first, afterFirst] = takeLine();
  if (first != version)
    return makeError(ErrorKind::InvalidInput,
                     "expected a trace that begins with '{}', found '{}'",
                     version, first.substr(0, 40));
  auto [program, afterProgram] = takeLine();
  if (std::string expected = describeLaunch(launch); program != expected)
    return makeError(ErrorKind::InvalidInput,
                     "the trace is of another launch: expected '{}', found "
                     "'{}'",
                     expected, program);
  auto [origin, afterOrigin] = takeLine();
  constexpr std::string_view key = "schedule ";
  TraceReader reader;
  auto schedule = parseSchedule(
      origin.starts_with(key) ? origin.substr(key.size()) : origin);
  if (!schedule || schedule->kind == Schedule::Kind::Replay)
    return makeError(ErrorKind::InvalidInput,
                     "trace: expected the schedule of the run, found '{}'",
                     origin);
  reader.origin = *schedule;
  reader.at = afterOrigin;
  reader.text = std::move(text);
  return reader;
}

std::optional<uint32_t> TraceReader::next(Choice::Kind kind, uint32_t count) {
  if (!left) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
    if (at == text.size())
      return std::nullopt;
    current.kind = Choice::Kind::Step;
    if (text[at] == char(Choice::Kind::Cluster) ||
        text[at] == char(Choice::Kind::TryWait))
      current.kind = Choice::Kind(text[at++]);
    const char *end = text.data() + text.size();
    auto [rest, status] = std::from_chars(text.data() + at, end, current.value);
    if (status != std::errc())
      return std::nullopt;
    left = 1;
    if (rest != end && *rest == '*') {
      auto [after, good] = std::from_chars(rest + 1, end, left);
      if (good != std::errc() || !left)
        return std::nullopt;
      rest = after;
    }
    at = size_t(rest - text.data());
  }
  if (current.kind != kind || current.value >= count)
    return std::nullopt;
  --left;
  ++numRead;
  return current.value;
}
