//===- Run.cpp - heddle run -----------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Buffers.h"
#include "tools/heddle/DeviceRun.h"
#include "tools/heddle/Driver.h"
#include "tools/heddle/Files.h"
#include "tools/heddle/Load.h"
#include "tools/heddle/Progress.h"
#include "tools/heddle/PtxFile.h"
#include "tools/heddle/ScheduledRun.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

using namespace heddle;

//===----------------------------------------------------------------------===//
// The reference
//===----------------------------------------------------------------------===//

/// Shows what a run of the reference is at; there may be several runs.
static ReferenceOptions showProgress(std::optional<Progress> &progress) {
  ReferenceOptions options;
  options.progress = [&progress, what = std::string()](std::string_view run,
                                                       uint64_t done,
                                                       uint64_t total) mutable {
    if (run != what)
      progress.emplace(what = run);
    progress->update(done, total);
  };
  return options;
}

/// Compares what a run made of `before` with the reference semantics, and
/// prints what is known of each output to `text`; of other schedules' results,
/// what is wrong.
static ExitCode check(std::FILE *text, const LoadedProgram &loaded,
                      const LaunchPlan &plan, std::span<const int64_t> sizes,
                      std::span<const HostArray> before,
                      std::span<const HostArray> after,
                      const ScheduledRun &scheduled) {
  std::vector<std::span<const HostArray>> results = {after};
  for (const auto &[schedule, arrays] : scheduled.getVariants())
    results.emplace_back(arrays);
  std::optional<Progress> progress;
  auto checks = loaded.reference->checkAll(plan.name, sizes, before, results,
                                           showProgress(progress));
  progress.reset();
  if (!checks)
    return report(checks.error(), loaded.source);
  ExitCode code = ExitCode::Good;
  for (const OutputCheck &output : checks->front()) {
    fmt::print(text, "{}", output.text);
    if (!output.passed)
      code = ExitCode::Failed;
  }
  if (code != ExitCode::Good)
    return code;
  for (size_t i = 1; i < checks->size(); ++i) {
    const std::string &schedule = scheduled.getVariants()[i - 1].first;
    for (const OutputCheck &output : (*checks)[i]) {
      if (output.passed)
        continue;
      fmt::print(text, "under {}: {}", schedule, output.text);
      code = ExitCode::Failed;
    }
    if (code == ExitCode::Good)
      continue;
    scheduled.printReplay(schedule);
    break;
  }
  return code;
}

/// Says what results that differ by schedule mean if nothing checks them.
static void explainVariants(std::FILE *text, const ScheduledRun &scheduled) {
  if (size_t count = scheduled.getVariants().size())
    fmt::print(text,
               "{} of the other schedules give other results: blocks add "
               "floats to memory in any order; --check compares each with the "
               "reference\n",
               count);
}

/// Runs what the program means rather than its code.
static ExitCode runReference(const RunCommand &command,
                             const LoadedProgram &loaded,
                             const LaunchPlan &plan,
                             std::span<const int64_t> sizes,
                             std::span<HostArray> arrays) {
  if (command.virtualRequest.isGiven())
    return report({ErrorKind::InvalidInput,
                   "--schedule, --sanitize, --report and --record are of the "
                   "virtual GPU; expected --device=virtual, found "
                   "'reference'"});
  std::optional<Progress> progress;
  Expected<void> ran =
      loaded.reference->run(plan.name, sizes, arrays, showProgress(progress));
  progress.reset();
  return ran ? ExitCode::Good : report(ran.error(), loaded.source);
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// What cannot be written is better known before the program runs.
static Expected<void> checkOutputFiles(const RunCommand &command) {
  std::vector<std::string> files;
  for (const auto &[name, file] : command.outputs)
    files.push_back(file);
  for (const std::string &file :
       {command.virtualRequest.report, command.virtualRequest.record})
    if (!file.empty())
      files.push_back(file);
  for (const std::string &file : files)
    if (Expected<void> writable = checkWritable(file); !writable)
      return writable;
  return {};
}

ExitCode heddle::run(const RunCommand &command,
                     const CompilerCommands *compiler) {
  if (Expected<void> writable = checkOutputFiles(command); !writable)
    return report(writable.error());
  if (isPtxName(command.file) || !command.launch.empty())
    return runPtx(command);
  LoadRequest request;
  request.file = command.file;
  request.needsCode = command.device != "reference";
  request.needsReference = command.check || !request.needsCode;
  request.remarks = command.remarks;
  std::optional<LoadedProgram> loaded = load(request, compiler);
  if (!loaded)
    return ExitCode::BadInput;
  Expected<const LaunchPlan *> plan =
      findHost(loaded->program, command.file, command.entry);
  if (!plan)
    return report(plan.error());
  Expected<std::vector<int64_t>> sizes = orderSizes(**plan, command.sizes);
  if (!sizes)
    return report(sizes.error());
  if (Expected<void> valid = verifyOutputs(**plan, command.outputs); !valid)
    return report(valid.error());

  // A buffer has a copy here and one on the device; the reference takes nine
  // bytes per element for each of two runs, and more to compare them; schedules
  // are compared with the first.
  unsigned copies = request.needsReference ? 32 : 2;
  if (command.virtualRequest.schedules.size() > 1)
    copies += 2;
  Expected<std::vector<HostArray>> before =
      prepareBuffers(**plan, *sizes, command.inputs, copies);
  if (!before)
    return report(before.error());
  std::vector<HostArray> after = *before;
  RunTask task;
  task.source = loaded->source;
  task.unordered = loaded->program.isUnordered(**plan);
  task.run = [&](Device &device, std::span<HostArray> arrays) {
    return runOnDevice(device, loaded->package, **plan, *sizes, arrays);
  };
  // An array in the standard output must stay one.
  auto isStdout = [](const auto &output) { return output.second == "-"; };
  bool isTaken = command.virtualRequest.report == "-" ||
                 std::ranges::any_of(command.outputs, isStdout);
  std::FILE *text = isTaken ? stderr : stdout;
  ScheduledRun scheduled(command, task, text);
  ExitCode code = request.needsCode
                      ? scheduled.run(after)
                      : runReference(command, *loaded, **plan, *sizes, after);
  if (code == ExitCode::Good) {
    if (Expected<void> written = writeOutputs(after, command.outputs); !written)
      return report(written.error());
    if (command.check)
      code = check(text, *loaded, **plan, *sizes, *before, after, scheduled);
    else
      for (const HostArray &array : after)
        if (array.access != Access::In)
          summarizeElements(text, array);
    if (!command.check)
      explainVariants(text, scheduled);
    scheduled.summarize();
  }
  if (Expected<void> written = scheduled.writeReports(code); !written)
    return report(written.error());
  return code;
}
