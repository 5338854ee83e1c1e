//===- Driver.cpp - The commands of heddle --------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Driver.h"

#include <fmt/format.h>

using namespace heddle;

static ExitCode refuse(const char *command) {
  printError(fmt::format("this installation has the runtime alone; '{}' needs "
                         "the compiler",
                         command));
  return ExitCode::BadInput;
}

int heddle::runDriver(int argc, const char *const *argv,
                      const CompilerCommands *compiler) {
  ParsedCommandLine parsed = parseCommandLine(argc, argv);
  if (auto *command = std::get_if<RunCommand>(&parsed))
    return run(*command, compiler);
  if (auto *command = std::get_if<CompileCommand>(&parsed))
    return compiler ? compiler->compile(*command) : refuse("compile");
  if (auto *command = std::get_if<ExplainCommand>(&parsed))
    return compiler ? compiler->explain(*command) : refuse("explain");
  return std::get<ExitCode>(parsed);
}
