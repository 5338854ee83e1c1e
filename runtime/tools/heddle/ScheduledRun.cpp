//===- ScheduledRun.cpp - Running under the schedules asked for -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/ScheduledRun.h"

#include "heddle/Runtime/MakeError.h"
#include "package/ReadFile.h"
#include "tools/heddle/Elements.h"
#include "tools/heddle/Files.h"
#include "tools/heddle/Messages.h"
#include "tools/heddle/Progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace heddle;
using Json = nlohmann::ordered_json;

/// Traces are some bytes per choice.
static constexpr size_t maxTraceBytes = size_t(1) << 30;

//===----------------------------------------------------------------------===//
// What was asked for
//===----------------------------------------------------------------------===//

Expected<std::string> ScheduledRun::chooseDevice() const {
  std::string device = command.device.empty() ? "auto" : command.device;
  if (!command.virtualRequest.isGiven())
    return device;
  if (device == "auto")
    return "virtual";
  if (device.starts_with("virtual"))
    return device;
  return makeError(ErrorKind::InvalidInput,
                   "--schedule, --sanitize, --report and --record are of the "
                   "virtual GPU; expected --device=virtual, found '{}'",
                   device);
}

Expected<std::vector<Schedule>> ScheduledRun::readSchedules() const {
  std::vector<Schedule> schedules = command.virtualRequest.schedules;
  if (schedules.empty())
    schedules.emplace_back();
  for (Schedule &schedule : schedules) {
    if (schedule.kind != Schedule::Kind::Replay)
      continue;
    Expected<std::string> trace =
        package::readFile(schedule.trace, maxTraceBytes, "a trace");
    if (!trace)
      return tl::unexpected(trace.error());
    schedule.trace = std::move(*trace);
  }
  return schedules;
}

//===----------------------------------------------------------------------===//
// What is printed
//===----------------------------------------------------------------------===//

/// A word of a command line as a shell reads it.
static std::string quote(const std::string &word) {
  auto isPlain = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("-_=./:,+%@").find(char(c)) !=
                                  std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, isPlain))
    return word;
  std::string quoted = "'";
  for (char c : word)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void ScheduledRun::printReplay(const std::string &schedule) const {
  std::string text = "heddle";
  // The command as it was, with this schedule alone.
  for (size_t i = 1; i < command.words.size(); ++i) {
    const std::string &word = command.words[i];
    bool dropped = false;
    for (std::string_view option : {"--schedule", "--record", "--report"}) {
      if (word == option) {
        ++i;
        dropped = true;
      } else if (word.starts_with(std::string(option) + "=")) {
        dropped = true;
      }
    }
    if (!dropped)
      text += " " + quote(word);
  }
  bool isReplay = schedule == "replay";
  const std::vector<Schedule> &asked = command.virtualRequest.schedules;
  fmt::print(stderr, "to see it again: {} {}\n", text,
             quote("--schedule=" +
                   (isReplay ? "replay:" + asked.front().trace : schedule)));
}

void ScheduledRun::printFindings(const Outcome &outcome) {
  bool hasErrors = false;
  for (const LaunchReport &report : outcome.launches)
    for (const Finding &finding : report.findings) {
      std::string text = heddle::describe(finding);
      if (finding.severity == Severity::Error) {
        hasErrors = true;
        printError(text);
      } else if (std::ranges::find(warnings, text) == warnings.end()) {
        // Every schedule would say it again.
        warnings.push_back(text);
        fmt::print(stderr, "heddle: warning: {}\n", text);
      }
    }
  // An error that is a finding has been told.
  if (outcome.error && !(hasErrors && outcome.error->kind == ErrorKind::Fault))
    report(*outcome.error, task.source);
}

/// The opcodes of a fidelity class, those executed most first.
static std::string listOpcodes(const std::map<std::string, uint64_t> &counts) {
  constexpr size_t shown = 4;
  std::vector<std::pair<uint64_t, std::string>> sorted;
  for (const auto &[opcode, count] : counts)
    sorted.emplace_back(count, opcode);
  std::ranges::sort(sorted, std::greater<>(),
                    [](const auto &entry) { return entry.first; });
  std::string text;
  for (size_t i = 0; i < std::min(shown, sorted.size()); ++i)
    text += fmt::format("{}{} {}", i ? ", " : "", sorted[i].first,
                        sorted[i].second);
  if (sorted.size() > shown)
    text += fmt::format(" and {} more", sorted.size() - shown);
  return text;
}

void ScheduledRun::summarize() const {
  // The last schedule ran to its end, as all did; a GPU reports nothing.
  if (outcomes.empty() || outcomes.back().launches.empty())
    return;
  ResultClass worst = ResultClass::ScheduleIndependent;
  std::string reason;
  std::map<std::string, uint64_t> withinTolerance, approximate;
  double bytesRead = 0, bytesWritten = 0;
  for (const LaunchReport &report : outcomes.back().launches) {
    bytesRead += double(report.bytesRead);
    bytesWritten += double(report.bytesWritten);
    if (report.resultClass == ResultClass::Unknown)
      worst = ResultClass::Unknown;
    else if (report.resultClass == ResultClass::SchedulesExplored &&
             worst != ResultClass::Unknown) {
      worst = ResultClass::SchedulesExplored;
      if (reason.empty())
        reason = report.classReason;
    }
    for (const auto &[opcode, count] : report.withinTolerance)
      withinTolerance[opcode] += count;
    for (const auto &[opcode, count] : report.approximate)
      approximate[opcode] += count;
  }
  size_t tried = outcomes.size();
  if (worst == ResultClass::ScheduleIndependent)
    fmt::print(text, "schedule: {} tried; every legal one gives this result\n",
               tried);
  else if (worst == ResultClass::SchedulesExplored)
    fmt::print(text,
               "schedule: {} tried; others may give another result because of "
               "{}\n",
               tried, reason);
  else if (tried > 1)
    fmt::print(text, "schedule: {} tried, which give this result\n", tried);
  fmt::print(text, "memory: {} read and {} written, before caches\n",
             formatBytes(bytesRead), formatBytes(bytesWritten));
  if (withinTolerance.empty() && approximate.empty()) {
    fmt::print(text, "arithmetic: bit for bit that of a GPU\n");
    return;
  }
  if (!withinTolerance.empty())
    fmt::print(text, "arithmetic: within the tolerance of PTX: {}\n",
               listOpcodes(withinTolerance));
  if (!approximate.empty())
    fmt::print(text, "arithmetic: PTX leaves it open: {}\n",
               listOpcodes(approximate));
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Whether results of two schedules are the same; says what is not.
bool ScheduledRun::compare(std::span<const HostArray> first,
                           std::span<const HostArray> other) {
  bool same = true;
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i].access == Access::In || first[i].bytes == other[i].bytes)
      continue;
    Tolerance tolerance;
    if (i < task.tolerances.size())
      tolerance = task.tolerances[i];
    ElementComparison found = compareElements(other[i], first[i], tolerance);
    if (found.wrong == 0)
      continue;
    same = false;
    std::string message = fmt::format(
        "'{}' depends on the schedule: element {} is {} under {} and {} under "
        "{}; {} of {} elements differ",
        first[i].name, formatIndex(first[i], found.first),
        formatElement(first[i], found.first), outcomes.front().schedule,
        formatElement(other[i], found.first), outcomes.back().schedule,
        found.wrong, found.count);
    printError(message);
    differences.push_back(std::move(message));
  }
  return same;
}

ExitCode ScheduledRun::runOnce(const std::string &name,
                               const Schedule &schedule,
                               std::vector<HostArray> &arrays) {
  Outcome &outcome = outcomes.emplace_back();
  outcome.schedule = getName(schedule);
  VirtualDeviceOptions options;
  options.schedule = schedule;
  options.sanitize = command.virtualRequest.sanitize.value_or(options.sanitize);
  options.foreign = task.foreign;
  options.recordTrace = !command.virtualRequest.record.empty();
  options.onReport = [&](const LaunchReport &report) {
    outcome.launches.push_back(report);
  };
  Expected<std::unique_ptr<Device>> device = openDevice(name, options);
  if (!device)
    return report(device.error());
  {
    const DeviceProperties &properties = (*device)->properties();
    Progress progress(properties.kind == DeviceKind::Virtual ? "virtual GPU"
                                                             : properties.name);
    if (Expected<void> ran = task.run(**device, arrays); !ran)
      outcome.error = ran.error();
  }
  // What the program printed, once: of the first schedule, or of one that went
  // wrong.
  if (outcomes.size() == 1 || outcome.error)
    for (const LaunchReport &report : outcome.launches)
      fmt::print(text, "{}", report.output);
  printFindings(outcome);
  if (!outcome.error)
    return ExitCode::Good;
  if (outcome.error->kind != ErrorKind::Fault)
    return ExitCode::BadInput;
  if (!outcome.launches.empty())
    printReplay(outcome.schedule);
  return ExitCode::Failed;
}

ExitCode ScheduledRun::run(std::vector<HostArray> &arrays) {
  Expected<std::string> device = chooseDevice();
  if (!device)
    return report(device.error());
  Expected<std::vector<Schedule>> schedules = readSchedules();
  if (!schedules)
    return report(schedules.error());
  const std::vector<HostArray> before =
      schedules->size() > 1 ? arrays : std::vector<HostArray>();
  outcomes.reserve(schedules->size());
  for (const Schedule &schedule : *schedules) {
    if (outcomes.empty()) {
      if (ExitCode code = runOnce(*device, schedule, arrays);
          code != ExitCode::Good)
        return code;
      continue;
    }
    std::vector<HostArray> others = before;
    if (ExitCode code = runOnce(*device, schedule, others);
        code != ExitCode::Good)
      return code;
    if (task.unordered) {
      auto isSame = [](const HostArray &a, const HostArray &b) {
        return a.access == Access::In || a.bytes == b.bytes;
      };
      if (!std::ranges::equal(arrays, others, isSame))
        variants.emplace_back(outcomes.back().schedule, std::move(others));
      continue;
    }
    if (!compare(arrays, others)) {
      printReplay(outcomes.back().schedule);
      return ExitCode::Failed;
    }
  }
  return ExitCode::Good;
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

Expected<void> ScheduledRun::writeReports(ExitCode code) const {
  const VirtualRequest &request = command.virtualRequest;
  if (!request.record.empty() && !outcomes.empty()) {
    std::string trace;
    for (const LaunchReport &report : outcomes.back().launches)
      trace += report.trace;
    if (Expected<void> written = writeFile(request.record, trace); !written)
      return written;
  }
  if (request.report.empty() || outcomes.empty())
    return {};
  Json runs = Json::array();
  for (const Outcome &outcome : outcomes) {
    Json launches = Json::array();
    // What is printed is JSON that was made a moment ago.
    for (const LaunchReport &report : outcome.launches)
      launches.push_back(Json::parse(toJson(report), nullptr, false));
    Json run = {{"schedule", outcome.schedule},
                {"launches", std::move(launches)}};
    if (outcome.error)
      run["error"] = outcome.error->message;
    runs.push_back(std::move(run));
  }
  Json json = {{"command", command.words},
               {"exitCode", int(code)},
               {"differences", differences},
               {"runs", std::move(runs)}};
  return writeFile(request.report,
                   json.dump(2, ' ', false, Json::error_handler_t::replace) +
                       "\n");
}
