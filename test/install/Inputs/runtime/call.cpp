//===- call.cpp - Opens a package without a compiler ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cstdio>
#include <heddle/Runtime/Executable.h>

int main(int, char **argv) {
  auto package = heddle::Package::open(argv[1]);
  auto device = heddle::openDevice("virtual");
  if (!package || !device)
    return 1;
  auto program = heddle::Executable::load(**device, *package);
  if (!program)
    return 1;
  std::printf("loaded %s\n",
              (*package)->getInfo().program.plans.front().name.c_str());
}
