//===- heddle.cpp - Compiles, runs, checks and explains tile programs -----===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Commands.h"

#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM initialize(argc, argv);
  static constexpr heddle::CompilerCommands commands = {
      heddle::compile, heddle::explain, heddle::compileToRun};
  return heddle::runDriver(argc, argv, &commands);
}
