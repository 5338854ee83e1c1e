//===- TriInverse.cpp - aref.tri_inverse ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The inverse X of 1 + L by blocks of 16 rows and columns, in place in shared
/// memory, from N = -L:
///
///   1. Half a warp inverts a block of the diagonal by substitution: a lane has
///      a column in registers and reads what multiplies it from shared memory,
///      as all others do, so that nothing goes from lane to lane.
///   2. Columns of blocks do not depend on one another. A warp has one, X(r, j)
///      for r > j, transposed in registers:
///
///        X(r, j)^T = (sum over j <= k < r of X(k, j)^T N(r, k)^T) X(r, r)^T
///
///      The accumulators of one product are the first operand of the next as
///      they are: it does not matter in which order a product goes through k.
///      The second operands are rows of shared memory.
///
/// N stays below the diagonal, and what is found is written above, transposed.
/// Blocks of the diagonal hold both X(r, r), below their own diagonal, and
/// X(r, r)^T, from it upwards.
///
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace heddle;
using tile::Precision;

/// Rows and columns of a block.
static constexpr int64_t extent = 16;

namespace {

/// A block in the registers of a warp: [half of the columns][register], as
/// accumulators of `mma.sync` hold it. Null is zero.
using Fragment = std::array<std::array<Value, 4>, 2>;

/// Emits the code of one inverse.
class Inverter {
public:
  Inverter(OpBuilder &builder, aref::TriInverseOp op, Value scratch);

  void storeOperand(ValueRange a);
  void invertDiagonal();
  void substitute();
  SmallVector<Value> loadResult();

  void sync() { emitBarrier(builder, loc, op); }
  bool hasOneBlock() const { return blocks == 1; }

private:
  /// A sum of products. Terms of what rounding has left have sums of their own,
  /// so that as few instructions as possible depend on one another.
  struct Sum {
    Fragment main = {}, low = {}, rest = {};
  };
  using Registers = SmallVector<Value, 4>;

  //===--------------------------------------------------------------------===//
  // Small code
  //===--------------------------------------------------------------------===//

  Value constant(int64_t value) { return getI32(builder, loc, value); }
  Value zero() {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  }
  Value add(Value a, int64_t b) {
    return arith::AddIOp::create(builder, loc, a, constant(b));
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b);
  }
  Value times(Value a, int64_t b) {
    return arith::MulIOp::create(builder, loc, a, constant(b));
  }
  Value isLess(Value a, int64_t b) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a,
                                 constant(b));
  }
  Value isAtLeast(Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, a, b);
  }
  /// `value` where `condition` holds, else zero.
  Value keep(Value condition, Value value) {
    return arith::SelectOp::create(builder, loc, condition, value, zero());
  }
  /// Emits `body` for threads for which `condition` holds; null is all.
  void emitIf(Value condition, function_ref<void()> body);
  void syncWarp() {
    emitInlinePTX(builder, loc, "bar.warp.sync 0xffffffff;", "", {});
  }

  /// Bytes from the start to an element.
  int64_t getDistance(int64_t row, int64_t column) const {
    return (row * pitch + column) * int64_t(sizeof(float));
  }
  /// The same for one that a thread knows.
  Value getDistance(Value row, Value column) {
    return times(add(times(row, pitch), column), sizeof(float));
  }
  /// From a block of the diagonal to the next one.
  int64_t getBlockStep() const { return getDistance(extent, extent); }

  void clear(int64_t firstRow, int64_t endRow, int64_t firstColumn,
             int64_t endColumn);

  //===--------------------------------------------------------------------===//
  // Diagonal
  //===--------------------------------------------------------------------===//

  void invertBlock(Value first);

  //===--------------------------------------------------------------------===//
  // Columns of blocks
  //===--------------------------------------------------------------------===//

  void substitute(Value column);
  void emitRow(int64_t row, Value column, Value base,
               SmallVectorImpl<Fragment> &found);

  /// The pair of elements of block (`row`, `column`) that a lane holds of the
  /// given halves of its rows and columns.
  std::array<Value, 2> loadPair(Value base, int64_t row, int64_t column,
                                int64_t rowHalf, int64_t columnHalf);
  Fragment loadDiagonal(Value base);
  /// Both are laid out for `second[n][k]`, the pair of half `n` of the columns
  /// and half `k` of the rows of a second operand; null is zero.
  using Second = std::array<std::array<std::array<Value, 2>, 2>, 2>;
  Second loadSecond(Value base, int64_t row, int64_t column, bool isDiagonal);

  Registers round(ValueRange values);
  Registers getRest(ValueRange values, ValueRange rounded);
  Registers packHalves(ValueRange values);
  void multiply(Sum &sum, const Fragment &a, const Second &b);
  void multiplyHalf(Sum &sum, const Fragment &a, const Second &b);
  void multiplyAdd(std::array<Value, 4> &sum, ValueRange a, ValueRange b);
  Fragment finish(const Sum &sum);

  OpBuilder &builder;
  aref::TriInverseOp op;
  Location loc;
  Precision precision;
  Value scratch;
  /// Rows of the matrix and of the scratch, elements of its rows, and blocks.
  int64_t rows, paddedRows, pitch, blocks;
  int64_t numWarps;
  Value warp, lane;
  /// The row and the first of the two columns that a lane has of a quarter of a
  /// block.
  Value group, pair;
  /// Whether the first and the second element of a pair on the diagonal belong
  /// to the block's lower part, and to the upper part.
  std::array<Value, 2> isLower, isUpper;
};

} // namespace

Inverter::Inverter(OpBuilder &builder, aref::TriInverseOp op, Value scratch)
    : builder(builder), op(op), loc(op.getLoc()), precision(op.getPrecision()),
      scratch(scratch) {
  aref::BufferType type = op.getScratch().getType();
  rows = cast<RankedTensorType>(op.getType()).getDimSize(0);
  paddedRows = type.getShape()[0];
  pitch = type.getShape()[1];
  blocks = paddedRows / extent;
  numWarps = getNumWarps(op);
  warp = computeAt(builder, op, getWarpInInstance(builder, op));
  lane = computeAt(builder, op, getLane(builder, op));
  group = arith::ShRUIOp::create(builder, loc, lane, constant(2));
  pair = times(arith::AndIOp::create(builder, loc, lane, constant(3)), 2);
  isLower = {isAtLeast(group, pair), isAtLeast(group, add(pair, 1))};
  isUpper = {isAtLeast(pair, group), isAtLeast(add(pair, 1), group)};
}

void Inverter::emitIf(Value condition, function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(builder, loc, condition,
                                  /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  body();
}

//===----------------------------------------------------------------------===//
// Operand and result
//===----------------------------------------------------------------------===//

/// Zeros the elements of a rectangle.
void Inverter::clear(int64_t firstRow, int64_t endRow, int64_t firstColumn,
                     int64_t endColumn) {
  int64_t columns = endColumn - firstColumn;
  Value thread = getThreadInInstance(builder, op);
  auto loop = scf::ForOp::create(builder, loc, thread,
                                 constant((endRow - firstRow) * columns),
                                 constant(32 * numWarps));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value i = loop.getInductionVar();
  Value row = arith::DivUIOp::create(builder, loc, i, constant(columns));
  Value column = arith::RemUIOp::create(builder, loc, i, constant(columns));
  Value distance = getDistance(add(row, firstRow), add(column, firstColumn));
  storeRun(builder, loc, addBytes(builder, loc, scratch, distance), zero());
}

/// Writes -a.
void Inverter::storeOperand(ValueRange a) {
  TileLayout layout =
      getTileLayout(cast<RankedTensorType>(op.getA().getType()));
  ThreadCoords thread(builder, op, layout);
  emitIf(thread.getIsFirstCopy(), [&] {
    Value base = addBytes(builder, loc, scratch,
                          getDistance(thread.getBase(0), thread.getBase(1)));
    int64_t length = std::min<int64_t>(layout.getRun(1), 4);
    for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += length) {
      TileLayout::Coords at = layout.getRegisterOffset(reg);
      SmallVector<Value> run;
      for (Value value : a.slice(reg, length))
        run.push_back(arith::NegFOp::create(builder, loc, value));
      storeRun(builder, loc,
               addBytes(builder, loc, base, getDistance(at[0], at[1])), run);
    }
  });
  if (rows == paddedRows)
    return;
  clear(rows, paddedRows, 0, paddedRows);
  clear(0, rows, rows, paddedRows);
}

SmallVector<Value> Inverter::loadResult() {
  TileLayout layout = getTileLayout(cast<RankedTensorType>(op.getType()));
  auto getLargestBase = [&](unsigned dim) {
    int64_t sum = 0;
    for (int64_t base : layout.getLaneBases(dim))
      sum += base;
    for (int64_t base : layout.getWarpBases(dim))
      sum += base;
    return sum;
  };
  ThreadCoords thread(builder, op, layout);
  Value base = addBytes(builder, loc, scratch,
                        getDistance(thread.getBase(1), thread.getBase(0)));
  Value depth =
      arith::SubIOp::create(builder, loc, thread.getBase(0), thread.getBase(1));
  SmallVector<Value> results;
  for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
    TileLayout::Coords at = layout.getRegisterOffset(reg);
    int64_t above = at[1] - at[0];
    if (above > getLargestBase(0)) {
      results.push_back(zero());
      continue;
    }
    Value pointer = addBytes(builder, loc, base, getDistance(at[1], at[0]));
    Value value = loadRun(builder, loc, pointer, 1, builder.getF32Type())[0];
    if (-above < getLargestBase(1))
      value = keep(isAtLeast(depth, constant(above)), value);
    results.push_back(value);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Diagonal
//===----------------------------------------------------------------------===//

void Inverter::invertDiagonal() {
  // Two blocks per warp at a time.
  int64_t slots = 2 * numWarps;
  for (int64_t first = 0; first < blocks; first += slots) {
    Value block = add(times(warp, 2), first);
    bool allWork = first + slots - 1 <= blocks;
    emitIf(allWork ? Value() : isLess(block, blocks),
           [&] { invertBlock(block); });
  }
}

/// Inverts block `first` of the diagonal and the next one, if there is one.
void Inverter::invertBlock(Value first) {
  Value half = arith::ShRUIOp::create(builder, loc, lane, constant(4));
  Value column = arith::AndIOp::create(builder, loc, lane, constant(15));
  Value block = add(first, half), isOwner;
  if (blocks % 2) {
    isOwner = isLess(block, blocks);
    block = arith::MinSIOp::create(builder, loc, block, constant(blocks - 1));
  }
  Value base = addBytes(builder, loc, scratch, times(block, getBlockStep()));

  Value one =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1));
  std::array<Value, extent> x;
  for (int64_t r = 0; r < extent; ++r)
    x[r] = keep(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                      column, constant(r)),
                one);
  constexpr int64_t width = 4;
  for (int64_t k = 0; k < extent; k += width) {
    std::array<SmallVector<Value>, extent> factors;
    for (int64_t r = k + 1; r < extent; ++r)
      factors[r] =
          loadRun(builder, loc, addBytes(builder, loc, base, getDistance(r, k)),
                  width, builder.getF32Type());
    for (int64_t i = 0; i < width; ++i)
      for (int64_t r = k + i + 1; r < extent; ++r)
        x[r] = math::FmaOp::create(builder, loc, factors[r][i], x[k + i], x[r]);
  }

  // Rows of the transposed block first, with zeros where the other lanes then
  // put what they have below the diagonal.
  syncWarp();
  emitIf(isOwner, [&] {
    Value row = addBytes(builder, loc, base, times(column, getDistance(1, 0)));
    for (int64_t r = 0; r < extent; r += width)
      storeRun(builder, loc, addBytes(builder, loc, row, getDistance(0, r)),
               ArrayRef<Value>(x).slice(r, width));
  });
  syncWarp();
  emitIf(isOwner, [&] {
    Value top = addBytes(builder, loc, base, times(column, sizeof(float)));
    for (int64_t r = 1; r < extent; ++r)
      emitIf(isLess(column, r), [&] {
        storeRun(builder, loc, addBytes(builder, loc, top, getDistance(r, 0)),
                 x[r]);
      });
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// f32 as tf32, to nearest.
Inverter::Registers Inverter::round(ValueRange values) {
  return llvm::map_to_vector<4>(values, [&](Value value) -> Value {
    return NVVM::ConvertFloatToTF32Op::create(
        builder, loc, builder.getI32Type(), value, NVVM::FPRoundingMode::RN);
  });
}

/// What `round` has left, as tf32.
Inverter::Registers Inverter::getRest(ValueRange values, ValueRange rounded) {
  Registers rests;
  for (auto [value, bits] : llvm::zip_equal(values, rounded))
    rests.push_back(arith::SubFOp::create(
        builder, loc, value,
        arith::BitcastOp::create(builder, loc, builder.getF32Type(), bits)));
  return round(rests);
}

/// Pairs of f32 as pairs of f16.
Inverter::Registers Inverter::packHalves(ValueRange values) {
  Registers packed;
  auto type = VectorType::get(2, builder.getF16Type());
  for (size_t i = 0; i < values.size(); i += 2) {
    Value both = LLVM::PoisonOp::create(builder, loc, type);
    for (size_t j = 0; j < 2; ++j)
      both = LLVM::InsertElementOp::create(
          builder, loc, both,
          arith::TruncFOp::create(builder, loc, builder.getF16Type(),
                                  values[i + j]),
          constant(j));
    packed.push_back(both);
  }
  return packed;
}

/// One `mma.sync`: of 8 columns, in K 16 for f16 and 8 for tf32.
void Inverter::multiplyAdd(std::array<Value, 4> &sum, ValueRange a,
                           ValueRange b) {
  bool isHalf = precision == Precision::F16;
  Registers addend;
  for (Value value : sum)
    addend.push_back(value ? value : zero());
  auto type = isHalf ? NVVM::MMATypes::f16 : NVVM::MMATypes::tf32;
  Value result = NVVM::MmaOp::create(
      builder, loc,
      LLVM::LLVMStructType::getLiteral(
          builder.getContext(), SmallVector<Type>(4, builder.getF32Type())),
      a, b, addend, {16, 8, isHalf ? 16 : 8}, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt, std::array{type, type},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (auto [i, value] : llvm::enumerate(sum))
    value = LLVM::ExtractValueOp::create(builder, loc, result, i);
}

/// K is gone through as accumulators hold it: columns 0, 2, 4, 6, 1, 3, 5, 7.
void Inverter::multiply(Sum &sum, const Fragment &a, const Second &b) {
  if (precision == Precision::F16)
    return multiplyHalf(sum, a, b);
  for (int64_t k = 0; k < 2; ++k) {
    const std::array<Value, 4> &part = a[k];
    Registers values = {part[0], part[2], part[1], part[3]};
    Registers high = round(values), low;
    if (precision == Precision::IEEE)
      low = getRest(values, high);
    for (int64_t n = 0; n < 2; ++n) {
      if (!b[n][k][0])
        continue;
      Registers factor = round(b[n][k]);
      if (precision == Precision::IEEE) {
        multiplyAdd(sum.low[n], low, factor);
        multiplyAdd(sum.rest[n], high, getRest(b[n][k], factor));
      }
      multiplyAdd(sum.main[n], high, factor);
    }
  }
}

void Inverter::multiplyHalf(Sum &sum, const Fragment &a, const Second &b) {
  Registers values(a[0].begin(), a[0].end());
  llvm::append_range(values, a[1]);
  Registers first = packHalves(values);
  for (int64_t n = 0; n < 2; ++n) {
    Registers second;
    for (int64_t k = 0; k < 2; ++k)
      for (Value value : b[n][k])
        second.push_back(value ? value : zero());
    multiplyAdd(sum.main[n], first, packHalves(second));
  }
}

Fragment Inverter::finish(const Sum &sum) {
  Fragment result = sum.main;
  if (precision != Precision::IEEE)
    return result;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t i = 0; i < 4; ++i) {
      Value small =
          arith::AddFOp::create(builder, loc, sum.low[n][i], sum.rest[n][i]);
      result[n][i] = arith::AddFOp::create(builder, loc, result[n][i], small);
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Columns of blocks
//===----------------------------------------------------------------------===//

std::array<Value, 2> Inverter::loadPair(Value base, int64_t row, int64_t column,
                                        int64_t rowHalf, int64_t columnHalf) {
  int64_t distance = getDistance(extent * row + extent / 2 * rowHalf,
                                 extent * column + extent / 2 * columnHalf);
  SmallVector<Value> values =
      loadRun(builder, loc, addBytes(builder, loc, base, distance), 2,
              builder.getF32Type());
  return {values[0], values[1]};
}

/// X(j, j)^T, where `base` is that of column j.
Fragment Inverter::loadDiagonal(Value base) {
  Fragment block;
  for (int64_t column = 0; column < 2; ++column)
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t i = 0; i < 2; ++i) {
        Value &value = block[column][2 * row + i];
        if (row > column)
          value = zero();
        else
          value = loadPair(base, 0, 0, row, column)[i];
        if (row == column)
          value = keep(isUpper[i], value);
      }
  return block;
}

/// The transposed block (`row`, `column`) below the diagonal or on it.
Inverter::Second Inverter::loadSecond(Value base, int64_t row, int64_t column,
                                      bool isDiagonal) {
  Second second;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t k = 0; k < 2; ++k) {
      if (isDiagonal && k > n)
        continue;
      second[n][k] = loadPair(base, row, column, n, k);
      if (isDiagonal && k == n)
        for (int64_t i = 0; i < 2; ++i)
          second[n][k][i] = keep(isLower[i], second[n][k][i]);
    }
  return second;
}

/// Finds X(`row`, 0) and those below, counted from block `column` of the
/// diagonal, where there are any.
void Inverter::emitRow(int64_t row, Value column, Value base,
                       SmallVectorImpl<Fragment> &found) {
  if (row == blocks)
    return;
  // All columns that have work have a first row.
  Value exists = row == 1 ? Value() : isLess(column, blocks - row);
  emitIf(exists, [&] {
    Sum sum, product;
    for (int64_t k = 0; k < row; ++k)
      multiply(sum, found[k], loadSecond(base, row, k, /*isDiagonal=*/false));
    multiply(product, finish(sum),
             loadSecond(base, row, row, /*isDiagonal=*/true));
    Fragment result = finish(product);
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t half = 0; half < 2; ++half) {
        int64_t distance =
            getDistance(extent / 2 * half, extent * row + extent / 2 * n);
        storeRun(builder, loc, addBytes(builder, loc, base, distance),
                 {result[n][2 * half], result[n][2 * half + 1]});
      }
    found.push_back(result);
    emitRow(row + 1, column, base, found);
  });
}

/// Column of blocks number `column`.
void Inverter::substitute(Value column) {
  Value distance = add(getDistance(group, pair), times(column, getBlockStep()));
  Value base = addBytes(builder, loc, scratch, distance);
  SmallVector<Fragment> found = {loadDiagonal(base)};
  emitRow(1, column, base, found);
}

void Inverter::substitute() {
  // The last column has nothing below the diagonal.
  int64_t columns = blocks - 1;
  if (columns <= numWarps) {
    emitIf(columns == numWarps ? Value() : isLess(warp, columns),
           [&] { substitute(warp); });
    return;
  }
  auto loop = scf::ForOp::create(builder, loc, warp, constant(columns),
                                 constant(numWarps));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  substitute(loop.getInductionVar());
}

//===----------------------------------------------------------------------===//
// The pattern
//===----------------------------------------------------------------------===//

namespace {

struct TriInversePattern : OpConversionPattern<aref::TriInverseOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::TriInverseOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Inverter inverter(rewriter, op, adaptor.getScratch().front());
    inverter.sync();
    inverter.storeOperand(adaptor.getA());
    inverter.sync();
    inverter.invertDiagonal();
    inverter.sync();
    if (!inverter.hasOneBlock()) {
      inverter.substitute();
      inverter.sync();
    }
    rewriter.replaceOpWithMultiple(op, {inverter.loadResult()});
    return success();
  }
};

} // namespace

void heddle::populateTriInversePatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<TriInversePattern>(converter, patterns.getContext());
}
