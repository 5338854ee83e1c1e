//===- Combine.h - What reductions and scans share --------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_COMBINE_H
#define HEDDLE_CONVERSION_TONVVM_COMBINE_H

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace heddle {

/// `a` combined with `b`, scalars of one type.
mlir::Value combine(mlir::OpBuilder &builder, mlir::Location loc,
                    tile::ReduceKind kind, mlir::Value a, mlir::Value b);

/// The scalar that combines with any other of its type to that one.
mlir::Value getNeutral(mlir::OpBuilder &builder, mlir::Location loc,
                       tile::ReduceKind kind, mlir::Type type);

/// What another lane has for `scalar`, of any type of scalars; `kind` says what
/// `lane`, an i32, means. All lanes of the warp take part.
mlir::Value shuffle(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::NVVM::ShflKind kind, mlir::Value scalar,
                    mlir::Value lane);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_COMBINE_H
