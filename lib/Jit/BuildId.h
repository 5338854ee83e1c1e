//===- BuildId.h - Which build of a library is loaded -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_BUILDID_H
#define HEDDLE_LIB_JIT_BUILDID_H

#include <string>

namespace heddle {

/// The bytes of the build ID that the linker gave the library or program that
/// `address` lies in, or nothing if it has none.
std::string getBuildId(const void *address);

} // namespace heddle

#endif // HEDDLE_LIB_JIT_BUILDID_H
