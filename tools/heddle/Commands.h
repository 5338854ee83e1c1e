//===- Commands.h - The commands of heddle ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_COMMANDS_H
#define HEDDLE_TOOLS_HEDDLE_COMMANDS_H

#include "tools/heddle/CommandLine.h"

namespace heddle {

// Each prints what is wrong if it is not `Good`.
ExitCode run(const RunCommand &command);
ExitCode compile(const CompileCommand &command);
ExitCode explain(const ExplainCommand &command);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_COMMANDS_H
