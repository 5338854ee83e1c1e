//===- HostMemory.cpp - What the machine has ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/HostMemory.h"

#include <algorithm>
#include <unistd.h>

uint64_t heddle::getHostMemoryBytes() {
  long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return uint64_t(std::max(pages, 0L)) * uint64_t(std::max(bytes, 0L));
}
