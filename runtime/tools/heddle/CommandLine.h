//===- CommandLine.h - What the user asked for ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H

#include "heddle/Runtime/VirtualDevice.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace heddle {

using NamedSizes = std::vector<std::pair<std::string, int64_t>>;
using NamedStrings = std::vector<std::pair<std::string, std::string>>;

/// What the virtual GPU is asked for.
struct VirtualRequest {
  /// Those to try, in order; empty for the usual one. A `Replay` has the name
  /// of its file in place of a trace.
  std::vector<Schedule> schedules;
  std::optional<SanitizeLevel> sanitize;
  /// Where a report is written as JSON, and a trace to replay; empty for none.
  std::string report, record;

  /// Whether anything is asked for that only a virtual GPU can do.
  bool isGiven() const {
    return !schedules.empty() || sanitize || !report.empty() || !record.empty();
  }
};

enum class EmitKind { Tile, Aref, NVVM, LLVM, PTX, Cubin, Package };

/// `heddle run`
struct RunCommand {
  std::string file;
  /// As `openDevice` calls it, `reference`, or empty for the best there is.
  std::string device;
  std::string entry;
  NamedSizes sizes;
  /// A file, `random`, `random:SEED` or `zeros`, by buffer.
  NamedStrings inputs;
  NamedStrings outputs;
  bool check = false;
  /// Prints the compiler's remarks, too.
  bool remarks = false;
  /// How the kernels of a PTX file are launched: a file, or empty.
  std::string launch;
  VirtualRequest virtualRequest;
  /// All words of the command line, to say how to run it again.
  std::vector<std::string> words;
};

/// `heddle compile`
struct CompileCommand {
  std::string file;
  std::string output;
  EmitKind emit = EmitKind::PTX;
  /// Prints the compiler's remarks, too.
  bool remarks = false;
};

/// `heddle explain`
struct ExplainCommand {
  std::string file;
  std::string entry;
  /// Empty, or all sizes, to count the bytes that are moved.
  NamedSizes sizes;
  /// Prints one JSON object instead of tables.
  bool json = false;
};

/// `heddle inspect`, of packages and PTX.
struct InspectCommand {
  std::string file;
  /// Prints the metadata as JSON instead of text.
  bool json = false;
  /// Prints a launch to start from, of PTX.
  bool launch = false;
};

/// The program's exit codes.
enum ExitCode { Good = 0, Failed = 1, BadInput = 2 };

/// A command, or the exit code if help, a version or an error has been printed.
using ParsedCommandLine = std::variant<ExitCode, RunCommand, CompileCommand,
                                       ExplainCommand, InspectCommand>;

ParsedCommandLine parseCommandLine(int argc, const char *const *argv);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H
