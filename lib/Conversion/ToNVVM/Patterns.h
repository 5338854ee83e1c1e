//===- Patterns.h - From tiles and arefs to scalars and NVVM ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the patterns of `convert-to-nvvm` share. They run while kernels are
/// still `tile.kernel` with `aref.role` inside, and turn every operation on
/// tiles, buffers and barriers into operations on scalars and pointers:
/// `arith`, `math` and `index` on scalars, `scf` and `cf`, `llvm` and `nvvm`.
/// Kernels are flattened, and scalars lowered to LLVM, afterwards.
///
/// Types convert as follows:
///
/// | from                          | to                                     |
/// |-------------------------------|----------------------------------------|
/// | tile with `#aref.layout`      | one scalar per register of a thread    |
/// | 8-bit float                   | i8 with the same bits                  |
/// | view (strided memref)         | !llvm.ptr<1>, i64 sizes, i64 strides   |
/// | !aref.buffer, !aref.mbarriers | !llvm.ptr<3>                           |
/// | index and other scalars       | themselves                             |
///
/// So patterns are `OpConversionPattern`s that override `matchAndRewrite` with
/// `OneToNOpAdaptor` and finish with `replaceOpWithMultiple`.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_PATTERNS_H
#define HEDDLE_CONVERSION_TONVVM_PATTERNS_H

#include "dialects/Aref/Aref.h"
#include "lib/Layout/SharedLayout.h"
#include "lib/Layout/TileLayout.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace heddle {

/// Address spaces of `!llvm.ptr`.
enum AddressSpace : unsigned { GlobalSpace = 1, SharedSpace = 3 };

/// The conversions of the table above, with materializations.
class ScalarTypeConverter : public mlir::TypeConverter {
public:
  explicit ScalarTypeConverter(mlir::MLIRContext *context);
};

/// The scalar that holds one element: i8 for 8-bit floats, else `type`.
mlir::Type getScalarType(mlir::Type type);

/// The layout of a tile with an `#aref.layout`.
TileLayout getTileLayout(mlir::RankedTensorType type);
/// The layout of a buffer; the product of all extents but the last is its rows.
SharedLayout getSharedLayout(aref::BufferType type);

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// A view in global memory. Sizes and strides are i64 and count elements;
/// static ones are constants.
struct ViewDescriptor {
  mlir::Value base;
  llvm::SmallVector<mlir::Value> sizes;
  llvm::SmallVector<mlir::Value> strides;
  /// The type of the elements in memory, as `getScalarType` has it.
  mlir::Type element;
};

/// Takes apart the converted values of a view of type `type`.
ViewDescriptor getView(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::MemRefType type, mlir::ValueRange values);

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// How many warps run `op`: those of one instance of its role, or of the kernel
/// if it is in none.
int64_t getNumWarps(mlir::Operation *op);

/// The number, as i32, of the thread within its role's instance, or within the
/// block outside of roles. Pure, so that duplicates fold.
mlir::Value getThreadInInstance(mlir::OpBuilder &builder, mlir::Operation *op);
/// The number of the warp within the instance and of the lane within the warp,
/// as i32. The warp is one value for all lanes.
mlir::Value getWarpInInstance(mlir::OpBuilder &builder, mlir::Operation *op);
mlir::Value getLane(mlir::OpBuilder &builder, mlir::Operation *op);
/// i1: true in one thread of the instance, always the same.
mlir::Value getElected(mlir::OpBuilder &builder, mlir::Operation *op);

/// A barrier among the threads of the instance that runs `op`, or among those
/// of the block outside of roles: what `aref.sync` becomes. Orders shared
/// memory accesses of these threads.
void emitBarrier(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Operation *op);

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// Emits inline PTX with side effects. `constraints` are those of LLVM, for
/// results first; `~{memory}` is added if `touchesMemory`. Returns the result,
/// a struct if there are several, or nothing.
mlir::Value emitInlinePTX(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::StringRef text, llvm::StringRef constraints,
                          mlir::ValueRange operands, mlir::Type result = {},
                          bool touchesMemory = true);

/// Packs consecutive elements of up to 32 bits into an i32.
mlir::Value packRegister(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::ValueRange values);

/// All elements of a thread, as few to a register as fit, in order; and back to
/// elements of `type`.
llvm::SmallVector<mlir::Value> packRegisters(mlir::OpBuilder &builder,
                                             mlir::Location loc,
                                             mlir::ValueRange values);
llvm::SmallVector<mlir::Value> unpackRegisters(mlir::OpBuilder &builder,
                                               mlir::Location loc,
                                               mlir::ValueRange registers,
                                               mlir::Type type);

/// Stops the program unless `condition` holds. What a comment in front of it
/// says, the virtual GPU reports. Copies and products may go on meanwhile.
void emitCheck(mlir::OpBuilder &builder, mlir::Location loc,
               mlir::Value condition, llvm::StringRef message);

/// `pointer` plus `bytes`, which is any integer; folds zero.
mlir::Value addBytes(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value pointer, mlir::Value bytes);
mlir::Value addBytes(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value pointer, int64_t bytes);

/// An i32 constant.
mlir::Value getI32(mlir::OpBuilder &builder, mlir::Location loc, int64_t value);

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// Everything on tiles in registers: `arith` and `math` on tiles, constants,
/// tile.load and tile.store, reduce, scan, recurrence, broadcast, transpose,
/// iota, tri_inverse, local_load, local_store, copy_async and convert_layout.
void populateTilePatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns);

/// Shared memory pointers, mbarriers, `sync` and fences.
void populateBarrierPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
/// `tma_load`, `copy_out` and `drain`.
void populateTmaPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
/// `mma` and `mma_wait`.
void populateWgmmaPatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
/// memref.dim, memref.load, memref.store and memref.cast on views.
void populateViewPatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_PATTERNS_H
