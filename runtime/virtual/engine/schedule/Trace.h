//===- Trace.h - The choices of a run, as text ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The first lines name the version, the launch and the schedule; then comes
/// each choice that had an alternative, in order: `3` is the candidate that a
/// cluster let go on, `c3` the cluster that ran, `t1` an `mbarrier.try_wait`
/// that failed without need. `3*12` is `3` twelve times.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_SCHEDULE_TRACE_H
#define HEDDLE_VIRTUAL_ENGINE_SCHEDULE_TRACE_H

#include "heddle/Runtime/VirtualDevice.h"

#include <optional>

namespace heddle::vgpu {

struct Launch;

struct Choice {
  enum class Kind : char { Step = 's', Cluster = 'c', TryWait = 't' };
  Kind kind = Kind::Step;
  uint32_t value = 0;
  bool operator==(const Choice &) const = default;
};

/// A trace as it is recorded.
class Trace {
public:
  Trace(const Launch &launch, const Schedule &schedule);
  void add(Choice choice);
  std::string text() const;

private:
  void flush(std::string &to) const;

  std::string head, body;
  Choice last;
  uint64_t count = 0;
};

/// A trace as it is read.
class TraceReader {
public:
  /// An error if the text is no trace, or one of another launch.
  static Expected<TraceReader> create(const Launch &launch, std::string text);

  /// What the run was scheduled by.
  const Schedule &schedule() const { return origin; }
  /// The next choice of this kind among `count`; none if the trace does not
  /// have it.
  std::optional<uint32_t> next(Choice::Kind kind, uint32_t count);
  /// Choices read so far.
  uint64_t position() const { return numRead; }

private:
  Schedule origin;
  std::string text;
  size_t at = 0;
  Choice current;
  uint64_t left = 0, numRead = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_SCHEDULE_TRACE_H
