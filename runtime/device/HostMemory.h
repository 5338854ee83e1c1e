//===- HostMemory.h - What the machine has ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_DEVICE_HOSTMEMORY_H
#define HEDDLE_DEVICE_HOSTMEMORY_H

#include <cstdint>

namespace heddle {

/// Bytes of memory that the machine has. Whoever fills more of it is killed, so
/// that what would is refused before.
uint64_t getHostMemoryBytes();

} // namespace heddle

#endif // HEDDLE_DEVICE_HOSTMEMORY_H
