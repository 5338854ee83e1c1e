//===- main.cpp - heddle where the runtime is alone -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Driver.h"

int main(int argc, char **argv) {
  return heddle::runDriver(argc, argv, nullptr);
}
