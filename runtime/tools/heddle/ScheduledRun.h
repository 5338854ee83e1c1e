//===- ScheduledRun.h - Running under the schedules asked for ---*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_SCHEDULEDRUN_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_SCHEDULEDRUN_H

#include "tools/heddle/CommandLine.h"
#include "tools/heddle/Elements.h"
#include "tools/heddle/Messages.h"

#include <functional>

namespace heddle {

/// Something that runs on a device.
struct RunTask {
  /// Runs it from what the arrays hold; they then hold the results.
  std::function<Expected<void>(Device &device, std::span<HostArray> arrays)>
      run;
  /// How far results of different schedules may be apart, by array; none means
  /// not at all.
  std::vector<Tolerance> tolerances;
  bool foreign = false;
  /// Floats are added up in any order, so that results of two schedules may
  /// differ and both be right.
  bool unordered = false;
  /// Of programs that were compiled just now.
  SourceText source;
};

/// Runs a task on the device that the command line names, under each schedule
/// that it asks for, and writes the reports. The first that goes wrong ends it.
class ScheduledRun {
public:
  /// What is told of good runs goes to `text`.
  ScheduledRun(const RunCommand &command, const RunTask &task, std::FILE *text)
      : command(command), task(task), text(text) {}

  /// Prints what was found and how to see it again, if anything was. `arrays`
  /// then hold the results of the first schedule.
  ExitCode run(std::vector<HostArray> &arrays);

  /// The results of other schedules that differ from those of the first, by the
  /// schedule's name: right or wrong, if the task is unordered.
  const std::vector<std::pair<std::string, std::vector<HostArray>>> &
  getVariants() const {
    return variants;
  }

  /// Prints what is known of a good result: whether it depends on the
  /// schedule, and how exact it is. Nothing of a GPU.
  void summarize() const;

  /// Prints the command that runs one schedule alone.
  void printReplay(const std::string &schedule) const;

  /// Writes the report and the trace that were asked for; `code` is how the
  /// command will end. What the program printed has been.
  Expected<void> writeReports(ExitCode code) const;

private:
  /// What one schedule led to.
  struct Outcome {
    std::string schedule;
    std::vector<LaunchReport> launches;
    std::optional<Error> error;
  };

  Expected<std::string> chooseDevice() const;
  Expected<std::vector<Schedule>> readSchedules() const;
  ExitCode runOnce(const std::string &device, const Schedule &schedule,
                   std::vector<HostArray> &arrays);
  void printFindings(const Outcome &outcome);
  bool compare(std::span<const HostArray> first,
               std::span<const HostArray> other);

  const RunCommand &command;
  const RunTask &task;
  std::FILE *text;
  std::vector<Outcome> outcomes;
  /// What differs between schedules, in words.
  std::vector<std::string> differences;
  std::vector<std::pair<std::string, std::vector<HostArray>>> variants;
  /// Warnings that have been printed.
  std::vector<std::string> warnings;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_SCHEDULEDRUN_H
