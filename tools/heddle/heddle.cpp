//===- heddle.cpp - Compiles, runs, checks and explains tile programs -----===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Commands.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/InitLLVM.h"

using namespace heddle;

int main(int argc, char **argv) {
  llvm::InitLLVM initialize(argc, argv);
  ParsedCommandLine parsed = parseCommandLine(argc, argv);
  return std::visit(
      llvm::makeVisitor(
          [](ExitCode code) { return code; },
          [](const RunCommand &command) { return run(command); },
          [](const CompileCommand &command) { return compile(command); },
          [](const ExplainCommand &command) { return explain(command); }),
      parsed);
}
