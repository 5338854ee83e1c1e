//===- SharedMemory.h - Addresses in shared memory -*- C++ -* ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_SHAREDMEMORY_H
#define HEDDLE_CONVERSION_TONVVM_SHAREDMEMORY_H

#include "dialects/Aref/Aref.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace heddle {

/// The symbol of the dynamic shared memory that kernels launch with.
inline constexpr llvm::StringLiteral sharedMemoryName = "heddle_shared";
inline constexpr int64_t mbarrierBytes = 8;

/// The module's symbol for dynamic shared memory, made when first asked for.
mlir::LLVM::GlobalOp getSharedMemory(mlir::ModuleOp module);

/// A pointer to `offset` bytes behind the start of shared memory.
mlir::Value getSharedPointer(mlir::OpBuilder &builder, mlir::Location loc,
                             int64_t offset);

/// The i32 that instructions take for a pointer into shared memory.
mlir::Value getSharedAddress(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value pointer);

/// The i32 address of one mbarrier of an array.
mlir::Value getBarrierAddress(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value barriers, mlir::Value stage);

/// How many blocks the cluster has with which the kernel was launched, an i32.
mlir::Value getLaunchedClusterSize(mlir::OpBuilder &builder,
                                   mlir::Location loc);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_SHAREDMEMORY_H
