//===- Math.h - Elementary functions -*- C++ -* ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_SCALARSTOLLVM_MATH_H
#define HEDDLE_CONVERSION_SCALARSTOLLVM_MATH_H

#include "mlir/IR/BuiltinOps.h"

namespace heddle {

/// Replaces every operation of the math dialect that LLVM cannot compile for
/// NVPTX, which has no mathematical library. Operations without a replacement
/// are errors.
llvm::LogicalResult expandMath(mlir::ModuleOp module);

} // namespace heddle

#endif // HEDDLE_CONVERSION_SCALARSTOLLVM_MATH_H
