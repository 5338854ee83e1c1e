//===- CacheKey.h - What a compilation depends on ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_CACHEKEY_H
#define HEDDLE_LIB_JIT_CACHEKEY_H

#include "heddle/Jit.h"

#include "llvm/Support/BLAKE3.h"

namespace heddle {

/// Hashes a sequence of fields; where one ends and the next begins matters.
class KeyBuilder {
public:
  KeyBuilder &add(llvm::StringRef field);
  /// 64 hexadecimal digits.
  std::string finish() const;

private:
  llvm::BLAKE3 hasher;
};

/// The fields that all compilations with `options` in this process share: the
/// builds of the compiler, of MLIR and of LLVM, the options, and ptxas where it
/// is used. An error if it cannot be told which build of the compiler this is.
Expected<KeyBuilder> startKey(const JitOptions &options);

} // namespace heddle

#endif // HEDDLE_LIB_JIT_CACHEKEY_H
