//===- Driver.cpp - The commands of heddle --------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Driver.h"

#include "heddle/Runtime/MakeError.h"

#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>

using namespace heddle;

static ExitCode refuse(const char *command) {
  printError(fmt::format("this installation has the runtime alone; '{}' needs "
                         "the compiler",
                         command));
  return ExitCode::BadInput;
}

static ExitCode runCommand(int argc, const char *const *argv,
                           const CompilerCommands *compiler) {
  ParsedCommandLine parsed = parseCommandLine(argc, argv);
  if (auto *command = std::get_if<RunCommand>(&parsed))
    return run(*command, compiler);
  if (auto *command = std::get_if<InspectCommand>(&parsed))
    return inspect(*command);
  if (auto *command = std::get_if<CompileCommand>(&parsed))
    return compiler ? compiler->compile(*command) : refuse("compile");
  if (auto *command = std::get_if<ExplainCommand>(&parsed))
    return compiler ? compiler->explain(*command) : refuse("explain");
  return std::get<ExitCode>(parsed);
}

/// Says why what was printed did not arrive. Nobody hears it if the standard
/// error is what cannot be written.
static ExitCode reportLostOutput(int error) noexcept {
  try {
    printError(fmt::format("cannot write to the standard output: {}",
                           std::generic_category().message(error)));
  } catch (const std::exception &) {
    // There is nothing left to print to.
  }
  return ExitCode::BadInput;
}

int heddle::runDriver(int argc, const char *const *argv,
                      const CompilerCommands *compiler) {
  try {
    ExitCode code = runCommand(argc, argv, compiler);
    // The buffer may be the first to find that the disk is full.
    bool lost = std::fflush(stdout) != 0 || std::ferror(stdout);
    // A command that noticed has said so.
    return lost && code != ExitCode::BadInput ? reportLostOutput(errno) : code;
  } catch (const std::system_error &error) {
    // This is how fmt says that it could not print.
    return reportLostOutput(error.code().value());
  } catch (const std::bad_alloc &) {
    std::fputs("heddle: error: out of memory\n", stderr);
    return ExitCode::BadInput;
  }
}
