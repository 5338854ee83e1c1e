//===- Check.h - Comparing outputs with the reference -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_CHECK_H
#define HEDDLE_TOOLS_HEDDLE_CHECK_H

#include "tools/heddle/Buffers.h"

namespace heddle {

/// Runs `host` as the reference does, rounding as `storage` types say, and
/// replaces the bytes of the buffers that it writes. Fails with a diagnostic.
mlir::LogicalResult runReference(tile::HostOp host,
                                 llvm::ArrayRef<int64_t> sizes,
                                 llvm::MutableArrayRef<HostBuffer> buffers);

/// Whether outputs are right.
enum class Verdict { Right, Wrong, Unknown };

/// Compares what a run made of `before` with the reference semantics, and
/// prints one line per output. Unknown means that the reference failed, with a
/// diagnostic.
Verdict check(tile::HostOp host, llvm::ArrayRef<int64_t> sizes,
              llvm::ArrayRef<HostBuffer> before,
              llvm::ArrayRef<HostBuffer> after);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_CHECK_H
