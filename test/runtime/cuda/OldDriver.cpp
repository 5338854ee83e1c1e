//===- OldDriver.cpp - A driver without most functions --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

extern "C" unsigned cuInit(unsigned) { return 0; }

extern "C" unsigned cuDriverGetVersion(int *version) {
  *version = 11040;
  return 0;
}
