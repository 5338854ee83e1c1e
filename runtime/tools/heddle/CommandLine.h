//===- CommandLine.h - What the user asked for ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace heddle {

using NamedSizes = std::vector<std::pair<std::string, int64_t>>;
using NamedStrings = std::vector<std::pair<std::string, std::string>>;

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
};

/// `heddle compile`
struct CompileCommand {
  std::string file;
  std::string output;
  EmitKind emit = EmitKind::PTX;
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

/// The program's exit codes.
enum ExitCode { Good = 0, Failed = 1, BadInput = 2 };

/// A command, or the exit code if help, a version or an error has been printed.
using ParsedCommandLine =
    std::variant<ExitCode, RunCommand, CompileCommand, ExplainCommand>;

ParsedCommandLine parseCommandLine(int argc, const char *const *argv);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_COMMANDLINE_H
