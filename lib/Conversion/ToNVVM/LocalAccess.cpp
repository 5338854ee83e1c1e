//===- LocalAccess.cpp - aref.local_load and aref.local_store
//--------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/Tiles.h"
#include "lib/Layout/MatrixAccess.h"

#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace heddle;

namespace {

/// The addresses at which one thread accesses a buffer. A register's address is
/// one that depends on the thread, of which there are few since swizzles
/// repeat, plus a constant.
class SharedTile {
public:
  SharedTile(OpBuilder &builder, Operation *op, const TileLayout &layout,
             aref::BufferType type, Value base);

  Value getPointer(int64_t reg);

  /// Elements that one access moves: at most 16 bytes, which swizzles keep
  /// together.
  int64_t getVectorLength() const {
    return std::min<int64_t>(layout.getRun(layout.getRank() - 1),
                             16 / shared.getElementBytes());
  }

private:
  Value add(Value value, int64_t constant) {
    return constant ? arith::AddIOp::create(builder, loc, value,
                                            getI32(builder, loc, constant))
                    : value;
  }
  Value times(Value value, int64_t constant) {
    return constant == 1
               ? value
               : arith::MulIOp::create(builder, loc, value,
                                       getI32(builder, loc, constant));
  }
  /// The address of the element `row` rows and `column` columns from the
  /// thread's first.
  Value computePointer(int64_t row, int64_t column);

  OpBuilder &builder;
  Location loc;
  TileLayout layout;
  SharedLayout shared;
  Value base;
  /// i32: the row and the column of the thread's first element.
  Value threadRow, threadColumn;
  std::map<std::pair<int64_t, int64_t>, Value> known;
};

} // namespace

SharedTile::SharedTile(OpBuilder &builder, Operation *op,
                       const TileLayout &layout, aref::BufferType type,
                       Value base)
    : builder(builder), loc(op->getLoc()), layout(layout),
      shared(getSharedLayout(type)), base(base) {
  ThreadCoords thread(builder, op, layout);
  unsigned last = layout.getRank() - 1;
  threadColumn = thread.getBase(last);
  int64_t rows = 1;
  for (unsigned dim = last; dim-- > 0; rows *= layout.getShape()[dim]) {
    Value part = times(thread.getBase(dim), rows);
    threadRow =
        threadRow ? arith::AddIOp::create(builder, loc, threadRow, part) : part;
  }
  if (!threadRow)
    threadRow = getI32(builder, loc, 0);
}

Value SharedTile::computePointer(int64_t row, int64_t column) {
  Value rows = add(threadRow, row);
  Value bytes = times(add(threadColumn, column), shared.getElementBytes());
  int64_t pitch = shared.getPitch();
  if (shared.getSwizzle() == 0) {
    Value offset =
        arith::AddIOp::create(builder, loc, times(rows, pitch), bytes);
    return addBytes(builder, loc, base, offset);
  }
  Value panel = arith::ShRUIOp::create(
      builder, loc, bytes, getI32(builder, loc, llvm::Log2_64(pitch)));
  Value within = arith::AndIOp::create(builder, loc, bytes,
                                       getI32(builder, loc, pitch - 1));
  Value linear =
      arith::AddIOp::create(builder, loc, times(rows, pitch), within);
  linear = arith::AddIOp::create(builder, loc, linear,
                                 times(panel, shared.getPanelBytes()));
  // Bits from 7 on, shifted to bits from 4 on.
  Value chunk =
      arith::ShRUIOp::create(builder, loc, linear, getI32(builder, loc, 3));
  chunk = arith::AndIOp::create(
      builder, loc, chunk, getI32(builder, loc, shared.getSwizzleMask() << 4));
  Value offset = arith::XOrIOp::create(builder, loc, linear, chunk);
  return addBytes(builder, loc, base, offset);
}

Value SharedTile::getPointer(int64_t reg) {
  TileLayout::Coords offset = layout.getRegisterOffset(reg);
  int64_t column = offset.back();
  int64_t row = 0;
  for (unsigned dim = 0; dim + 1 != layout.getRank(); ++dim)
    row = row * layout.getShape()[dim] + offset[dim];
  // Whole periods of the pattern and whole panels are constants.
  int64_t restRow = row % shared.getPeriodRows();
  int64_t constant = (row - restRow) * shared.getPitch();
  int64_t restColumn = 0;
  if (shared.getSwizzle() == 0) {
    constant += column * shared.getElementBytes();
  } else if (shared.getPanelBytes() % shared.getPeriodBytes() == 0) {
    restColumn = column % shared.getPanelColumns();
    constant += column / shared.getPanelColumns() * shared.getPanelBytes();
  } else {
    restColumn = column;
  }
  Value &pointer = known[{restRow, restColumn}];
  if (!pointer)
    pointer = computePointer(restRow, restColumn);
  return addBytes(builder, loc, pointer, constant);
}

/// The way of a tile between registers and shared memory by whole matrices, if
/// there is one.
static std::optional<MatrixAccess> getMatrixAccess(Type tile,
                                                   aref::BufferType buffer) {
  auto type = cast<RankedTensorType>(tile);
  // Rows of a matrix must not be torn apart by a swizzle, and start at
  // multiples of 16 bytes.
  if (!type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() != 16 ||
      getSharedLayout(buffer).getPitch() % 16 != 0)
    return std::nullopt;
  return MatrixAccess::get(getTileLayout(type));
}

static NVVM::MMALayout getMatrixLayout(const MatrixAccess &access) {
  return access.transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
}

/// An 8x8 matrix of 16 bits each.
static NVVM::LdStMatrixShapeAttr getMatrixShape(MLIRContext *context) {
  return NVVM::LdStMatrixShapeAttr::get(context, MatrixAccess::rowLength,
                                        MatrixAccess::rowLength);
}

namespace {

struct LocalLoadPattern : OpConversionPattern<aref::LocalLoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalLoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    TileLayout layout = getTileLayout(type);
    if (std::optional<MatrixAccess> access =
            getMatrixAccess(type, op.getBuffer().getType())) {
      loadMatrices(op, adaptor, *access, rewriter);
      return success();
    }
    SharedTile tile(rewriter, op, layout, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    SmallVector<Value> results;
    int64_t length = tile.getVectorLength();
    for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += length) {
      llvm::append_range(results,
                         loadRun(rewriter, op.getLoc(), tile.getPointer(reg),
                                 length, getScalarTypeOfTile(type)));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  void loadMatrices(aref::LocalLoadOp op, OneToNOpAdaptor adaptor,
                    const MatrixAccess &access,
                    ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    SharedTile tile(rewriter, op, access.rows, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    Type i32 = rewriter.getI32Type();
    auto four = LLVM::LLVMStructType::getLiteral(
        rewriter.getContext(),
        SmallVector<Type>(MatrixAccess::numMatrices, i32));
    SmallVector<Value> results(2 * access.registers.size());
    for (size_t i = 0; i < access.registers.size();
         i += MatrixAccess::numMatrices) {
      Value loaded = NVVM::LdMatrixOp::create(
          rewriter, loc, four, tile.getPointer(2 * i),
          MatrixAccess::numMatrices, getMatrixLayout(access),
          getMatrixShape(rewriter.getContext()), NVVM::LdStMatrixEltType::B16);
      for (int64_t matrix = 0; matrix < MatrixAccess::numMatrices; ++matrix) {
        Value pair =
            LLVM::ExtractValueOp::create(rewriter, loc, loaded, matrix);
        int64_t reg = access.registers[i + matrix];
        for (auto [k, value] : llvm::enumerate(unpackRegisters(
                 rewriter, loc, pair, getScalarTypeOfTile(type))))
          results[reg + k] = value;
      }
    }
    rewriter.replaceOpWithMultiple(op, {results});
  }
};

struct LocalStorePattern : OpConversionPattern<aref::LocalStoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalStoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (std::optional<MatrixAccess> access = getMatrixAccess(
            op.getValue().getType(), op.getBuffer().getType())) {
      storeMatrices(op, adaptor, *access, rewriter);
      return success();
    }
    TileLayout layout =
        getTileLayout(cast<RankedTensorType>(op.getValue().getType()));
    if (Value isFirst = ThreadCoords(rewriter, op, layout).getIsFirstCopy()) {
      auto branch = scf::IfOp::create(rewriter, op.getLoc(), isFirst,
                                      /*withElseRegion=*/false);
      rewriter.setInsertionPointToStart(branch.thenBlock());
    }
    SharedTile tile(rewriter, op, layout, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    ValueRange values = adaptor.getValue();
    int64_t length = tile.getVectorLength();
    for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += length)
      storeRun(rewriter, op.getLoc(), tile.getPointer(reg),
               values.slice(reg, length));
    rewriter.eraseOp(op);
    return success();
  }

private:
  void storeMatrices(aref::LocalStoreOp op, OneToNOpAdaptor adaptor,
                     const MatrixAccess &access,
                     ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    SharedTile tile(rewriter, op, access.rows, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    ValueRange values = adaptor.getValue();
    for (size_t i = 0; i < access.registers.size();
         i += MatrixAccess::numMatrices) {
      SmallVector<Value> pairs;
      for (int64_t matrix = 0; matrix < MatrixAccess::numMatrices; ++matrix)
        pairs.push_back(packRegister(
            rewriter, loc, values.slice(access.registers[i + matrix], 2)));
      NVVM::StMatrixOp::create(
          rewriter, loc, tile.getPointer(2 * i), pairs, getMatrixLayout(access),
          getMatrixShape(rewriter.getContext()), NVVM::LdStMatrixEltType::B16);
    }
    rewriter.eraseOp(op);
  }
};

} // namespace

void heddle::populateSharedPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LocalLoadPattern, LocalStorePattern>(converter,
                                                    patterns.getContext());
}
