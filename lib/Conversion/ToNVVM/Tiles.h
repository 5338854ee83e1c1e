//===- Tiles.h - What the patterns on tiles share -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_TILES_H
#define HEDDLE_CONVERSION_TONVVM_TILES_H

#include "lib/Conversion/ToNVVM/Patterns.h"

namespace heddle {

/// Marks accesses of memory, scans and inverses in loops that start products or
/// fill slots: what they need of a thread's number is computed there again and
/// again, since whatever could be computed before the loop would take registers
/// that roles are short of.
void markRecomputations(tile::KernelOp kernel);
/// An i32 or i64 for `op` to use: `value`, but if `op` is marked, nothing that
/// depends on the result is computed before the loop.
mlir::Value computeAt(mlir::OpBuilder &builder, mlir::Operation *op,
                      mlir::Value value);

/// Where the elements are that the executing thread holds: the part of their
/// coordinates that depends on the thread.
class ThreadCoords {
public:
  /// Code is emitted by `builder` for the threads that execute `op`.
  ThreadCoords(mlir::OpBuilder &builder, mlir::Operation *op,
               const TileLayout &layout);

  /// What the thread adds to coordinate `dim`, as i32.
  mlir::Value getBase(unsigned dim);

  /// i1: whether no thread of a lower number holds the same elements. Null if
  /// that is so for all threads. Bits of the warp in `exceptWarps` are ignored.
  mlir::Value getIsFirstCopy(uint64_t exceptWarps = 0);

  /// The number, as i32, that the warp's bits in `mask` make when others are
  /// left out.
  mlir::Value getWarpPart(uint64_t mask);

private:
  mlir::Value getConstant(int64_t value);
  /// The sum of `bases[i]` over the set bits `i` of the thread's number.
  mlir::Value getSum(llvm::ArrayRef<int64_t> bases);

  mlir::OpBuilder &builder;
  mlir::Operation *op;
  mlir::Location loc;
  TileLayout layout;
  mlir::Value thread;
  llvm::SmallVector<mlir::Value> known;
};

/// What an element of this type is in memory: i8 for i1 and 8-bit floats, i64
/// for index, else the type itself.
mlir::Type getMemoryType(mlir::Type elementType);
/// Between a scalar in a register and one in memory.
mlir::Value toMemory(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value scalar);
mlir::Value fromMemory(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value stored, mlir::Type scalarType);
/// Bytes of a scalar of a type that is in memory.
int64_t getMemoryBytes(mlir::Type memoryType);

/// Reads `count` consecutive elements, which are aligned as one value: what
/// memory has, in a vector.
mlir::Value loadVector(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value pointer, int64_t count,
                       mlir::Type scalarType);
/// Between scalars in registers and a vector of what memory has.
mlir::Value packVector(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::ValueRange scalars);
llvm::SmallVector<mlir::Value> unpackVector(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            mlir::Value vector,
                                            mlir::Type scalarType);

/// Reads `count` consecutive elements, which are aligned as one value.
llvm::SmallVector<mlir::Value> loadRun(mlir::OpBuilder &builder,
                                       mlir::Location loc, mlir::Value pointer,
                                       int64_t count, mlir::Type scalarType);
/// Writes consecutive elements, which are aligned as one value.
void storeRun(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pointer,
              mlir::ValueRange scalars);

/// The scalar constant of an attribute, which may be an 8-bit float.
mlir::Value getScalarConstant(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::TypedAttr value);

/// The type of a tile's elements in registers.
mlir::Type getScalarTypeOfTile(mlir::Type tile);

// One per file.
void populateAsyncCopyPatterns(const mlir::TypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateConstantPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
void populateElementwisePatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populateGlobalPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateLaneExchangePatterns(const mlir::TypeConverter &converter,
                                  mlir::RewritePatternSet &patterns);
void populateReducePatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateRelabelPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateScanPatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateSharedPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateTriInversePatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_TILES_H
