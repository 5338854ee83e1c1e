//===- Driver.h - The commands of heddle ------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The driver without the compiler. The compiler's commands are a table that
/// the full program passes; an installation of the runtime alone has none.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_DRIVER_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_DRIVER_H

#include "heddle/Runtime/Package.h"
#include "heddle/Runtime/Reference.h"
#include "tools/heddle/CommandLine.h"
#include "tools/heddle/Messages.h"

namespace heddle {

/// Something that can be run.
struct LoadedProgram {
  /// Host functions, and kernels if there is a package.
  Program program;
  /// Null if only the reference was asked for.
  std::shared_ptr<const Package> package;
  /// Null if it was not asked for.
  std::shared_ptr<const Reference> reference;
  /// Of programs that were compiled just now.
  SourceText source;
};

/// What is needed of a program.
struct LoadRequest {
  std::string file;
  bool needsCode = true, needsReference = false;
  /// Whether the compiler's remarks are printed.
  bool remarks = false;
};

/// What the compiler adds to the driver. Each says what is wrong if something
/// is, and returns the exit code, or nothing.
struct CompilerCommands {
  ExitCode (*compile)(const CompileCommand &command);
  ExitCode (*explain)(const ExplainCommand &command);
  /// Compiles a program that is no package.
  std::optional<LoadedProgram> (*load)(const LoadRequest &request);
};

/// Runs the command line; `compiler` may be null.
int runDriver(int argc, const char *const *argv,
              const CompilerCommands *compiler);

/// `heddle run`
ExitCode run(const RunCommand &command, const CompilerCommands *compiler);

/// `heddle run` of a PTX file.
ExitCode runPtx(const RunCommand &command);

/// `heddle inspect`, which prints what is wrong if it is not `Good`.
ExitCode inspect(const InspectCommand &command);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_DRIVER_H
