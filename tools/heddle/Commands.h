//===- Commands.h - The commands of the compiler ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_COMMANDS_H
#define HEDDLE_TOOLS_HEDDLE_COMMANDS_H

#include "tools/heddle/Driver.h"

namespace heddle {

// What `CompilerCommands` wants.
ExitCode compile(const CompileCommand &command);
ExitCode explain(const ExplainCommand &command);
std::optional<LoadedProgram> compileToRun(const LoadRequest &request);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_COMMANDS_H
