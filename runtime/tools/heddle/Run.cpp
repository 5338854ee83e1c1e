//===- Run.cpp - heddle run -----------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Formats.h"
#include "tools/heddle/Buffers.h"
#include "tools/heddle/DeviceRun.h"
#include "tools/heddle/Driver.h"
#include "tools/heddle/Load.h"
#include "tools/heddle/Progress.h"

#include <algorithm>
#include <cmath>
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
/// prints what is known of each output to `text`.
static ExitCode check(std::FILE *text, const LoadedProgram &loaded,
                      const LaunchPlan &plan, std::span<const int64_t> sizes,
                      std::span<const HostArray> before,
                      std::span<const HostArray> after) {
  std::optional<Progress> progress;
  Expected<std::vector<OutputCheck>> checks = loaded.reference->check(
      plan.name, sizes, before, after, showProgress(progress));
  progress.reset();
  if (!checks)
    return report(checks.error(), loaded.source);
  ExitCode code = ExitCode::Good;
  for (const OutputCheck &output : *checks) {
    fmt::print(text, "{}", output.text);
    if (!output.passed)
      code = ExitCode::Failed;
  }
  return code;
}

//===----------------------------------------------------------------------===//
// What is printed of outputs that are not checked
//===----------------------------------------------------------------------===//

static void summarize(std::FILE *text, const HostArray &array) {
  auto type = *reference::NumberType::parse(getName(array.type));
  unsigned width = reference::getByteWidth(type);
  size_t count = array.bytes.size() / width;
  double sum = 0, low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; ++i) {
    reference::Element element =
        reference::loadElement(type, array.bytes.data() + i * width);
    double value = type.isFloat()
                       ? element.f
                       : double(reference::signExtend(element.i, type.width));
    sum += value;
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
  fmt::print(text, "{} ({})", array.name, describe(array));
  if (count > 0)
    fmt::print(text, ": min {:.6g}, max {:.6g}, mean {:.6g}", low, high,
               sum / double(count));
  fmt::print(text, "\n");
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// Runs `plan` where the command says; the arrays then hold the results.
static Expected<void> runPlan(const RunCommand &command,
                              const LoadedProgram &loaded,
                              const LaunchPlan &plan,
                              std::span<const int64_t> sizes,
                              std::span<HostArray> arrays) {
  if (command.device == "reference") {
    std::optional<Progress> progress;
    return loaded.reference->run(plan.name, sizes, arrays,
                                 showProgress(progress));
  }
  Expected<std::unique_ptr<Device>> device =
      openDevice(command.device.empty() ? "auto" : command.device);
  if (!device)
    return tl::unexpected(device.error());
  Progress progress((*device)->properties().kind == DeviceKind::Virtual
                        ? "virtual GPU"
                        : (*device)->properties().name);
  return runOnDevice(**device, loaded.package, plan, sizes, arrays);
}

ExitCode heddle::run(const RunCommand &command,
                     const CompilerCommands *compiler) {
  LoadRequest request;
  request.file = command.file;
  request.needsCode = command.device != "reference";
  request.needsReference = command.check || !request.needsCode;
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
  // bytes per element for each of two runs, and more to compare them.
  unsigned copies = request.needsReference ? 32 : 2;
  Expected<std::vector<HostArray>> before =
      prepareBuffers(**plan, *sizes, command.inputs, copies);
  if (!before)
    return report(before.error());
  std::vector<HostArray> after = *before;
  if (Expected<void> ran = runPlan(command, *loaded, **plan, *sizes, after);
      !ran)
    return report(ran.error(), loaded->source);

  if (Expected<void> written = writeOutputs(after, command.outputs); !written)
    return report(written.error());
  // An array in the standard output must stay one.
  auto isStdout = [](const auto &output) { return output.second == "-"; };
  std::FILE *text =
      std::ranges::any_of(command.outputs, isStdout) ? stderr : stdout;
  if (command.check)
    return check(text, *loaded, **plan, *sizes, *before, after);
  for (const HostArray &array : after)
    if (array.access != Access::In)
      summarize(text, array);
  return ExitCode::Good;
}
