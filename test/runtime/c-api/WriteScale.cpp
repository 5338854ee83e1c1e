//===- WriteScale.cpp - Writes a small package ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/runtime/ScaleProgram.h"

#include <cstdio>

/// WriteScale FILE.heddle
int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  heddle::Expected<void> written =
      heddle::writePackage(argv[1], heddle::test::makeScaleContents());
  if (!written)
    std::fprintf(stderr, "%s\n", written.error().message.c_str());
  return written ? 0 : 2;
}
