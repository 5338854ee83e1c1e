//===- TileOps.cpp - Operations on tiles ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace heddle::tile;

/// Offsets are indices unless they have a type.
static ParseResult
parseOffsets(OpAsmParser &parser,
             SmallVectorImpl<OpAsmParser::UnresolvedOperand> &offsets,
             SmallVectorImpl<Type> &types) {
  auto parseOffset = [&]() -> ParseResult {
    types.push_back(parser.getBuilder().getIndexType());
    if (parser.parseOperand(offsets.emplace_back()))
      return failure();
    if (failed(parser.parseOptionalColon()))
      return success();
    return parser.parseType(types.back());
  };
  return parser.parseCommaSeparatedList(parseOffset);
}

static void printOffsets(OpAsmPrinter &printer, Operation *,
                         OperandRange offsets, TypeRange types) {
  llvm::interleaveComma(offsets, printer, [&](Value offset) {
    printer << offset;
    if (!offset.getType().isIndex())
      printer << " : " << offset.getType();
  });
}

/// Two types that are written once if they are the same.
static ParseResult parseTypeOfBoth(OpAsmParser &parser, Type &from, Type &to) {
  if (parser.parseType(from))
    return failure();
  to = from;
  return succeeded(parser.parseOptionalArrow()) ? parser.parseType(to)
                                                : success();
}

static void printTypeOfBoth(OpAsmPrinter &printer, Operation *, Type from,
                            Type to) {
  printer << from;
  if (from != to)
    printer << " -> " << to;
}

#define GET_OP_CLASSES
#include "dialects/Tile/TileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// LoadOp, StoreOp
//===----------------------------------------------------------------------===//

/// Checks the rules that loads and stores share.
static LogicalResult verifyAccess(Operation *op, Type viewType, Type tileType,
                                  size_t numOffsets) {
  auto view = cast<MemRefType>(viewType);
  auto tile = cast<RankedTensorType>(tileType);
  if (int64_t(numOffsets) != view.getRank())
    return op->emitOpError("expected ")
           << view.getRank() << " offsets, one per dimension of " << view
           << ", found " << numOffsets;
  if (tile.getRank() < 1 || tile.getRank() > view.getRank())
    return op->emitOpError("expected a tile of rank 1 to ")
           << view.getRank() << ", the rank of the view, found " << tile;
  if (tile.getElementType() != view.getElementType())
    return op->emitOpError("expected a tile of ")
           << view.getElementType() << ", the element type of the view, found "
           << tile;
  return success();
}

bool LoadOp::isGather() {
  return llvm::any_of(getOffsets().getTypes(), llvm::IsaPred<TensorType>);
}

unsigned LoadOp::getNumOuterDims() {
  unsigned covered = getType().getRank() - (isGather() ? 1 : 0);
  return getOffsets().size() - covered;
}

/// Checks the offsets that are tiles.
static LogicalResult verifyGather(LoadOp op) {
  int64_t rows = op.getType().getDimSize(0);
  for (auto [dim, type] : llvm::enumerate(op.getOffsets().getTypes())) {
    auto tile = dyn_cast<RankedTensorType>(type);
    if (!tile)
      continue;
    if (tile.getRank() != 1 || tile.getDimSize(0) != rows)
      return op.emitOpError("expected an offset or ")
             << rows << " of them, one per row of the result, found " << tile;
    if (dim >= op.getNumOuterDims())
      return op.emitOpError("expected one offset along dimension ")
             << dim << " of the view, which the result covers, found " << tile;
  }
  return success();
}

LogicalResult LoadOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getType(),
                          getOffsets().size())) ||
      failed(verifyGather(*this)))
    return failure();
  if (auto pad = getPadAttr();
      pad && pad.getType() != getType().getElementType())
    return emitOpError("expected a pad of type ")
           << getType().getElementType() << ", found " << pad;
  return success();
}

/// Whether memory can combine elements of `type` by itself.
static bool canReduceInMemory(ReduceKind kind, Type type) {
  bool isInteger = type.isInteger(32) || type.isInteger(64);
  if (kind == ReduceKind::Min || kind == ReduceKind::Max)
    return isInteger;
  return kind == ReduceKind::Add &&
         (isInteger ||
          isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type));
}

LogicalResult StoreOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getValue().getType(),
                          getOffsets().size())))
    return failure();
  Type element = getValue().getType().getElementType();
  if (auto kind = getReduce(); kind && !canReduceInMemory(*kind, element))
    return emitOpError("cannot reduce ")
           << element << " by '" << stringifyReduceKind(*kind)
           << "' in memory; 'add' applies to f16, bf16, f32, f64, i32 and i64, "
              "'min' and 'max' to i32 and i64";
  return success();
}

//===----------------------------------------------------------------------===//
// DotOp
//===----------------------------------------------------------------------===//

int64_t DotOp::getM() { return getType().getDimSize(0); }
int64_t DotOp::getN() { return getType().getDimSize(1); }
int64_t DotOp::getK() {
  return getA().getType().getDimSize(getTransposeA() ? 0 : 1);
}

/// The accumulator's element type that goes with operands of these types, or
/// null if they do not multiply.
static Type getAccumulatorType(Type a, Type b) {
  MLIRContext *context = a.getContext();
  auto isFloat8 = [](Type type) {
    return isa<Float8E4M3FNType, Float8E5M2Type>(type);
  };
  if (isFloat8(a) && isFloat8(b))
    return Float32Type::get(context);
  if (a != b)
    return {};
  if (a.isF16() || a.isBF16() || a.isF32())
    return Float32Type::get(context);
  if (a.isInteger(8))
    return IntegerType::get(context, 32);
  return {};
}

LogicalResult DotOp::verify() {
  RankedTensorType a = getA().getType(), b = getB().getType(), acc = getType();
  if (a.getRank() != 2 || b.getRank() != 2 || acc.getRank() != 2)
    return emitOpError("expected operands of rank 2, found ")
           << a << ", " << b << " and " << acc;
  int64_t aM = a.getDimSize(getTransposeA() ? 1 : 0);
  int64_t aK = a.getDimSize(getTransposeA() ? 0 : 1);
  int64_t bK = b.getDimSize(getTransposeB() ? 1 : 0);
  int64_t bN = b.getDimSize(getTransposeB() ? 0 : 1);
  if (aK != bK)
    return emitOpError("expected a and b to have the same K, found ")
           << aK << " and " << bK;
  if (acc.getDimSize(0) != aM || acc.getDimSize(1) != bN)
    return emitOpError("expected an accumulator of shape ")
           << aM << "x" << bN << ", found " << acc;
  Type aElement = a.getElementType(), bElement = b.getElementType();
  Type expected = getAccumulatorType(aElement, bElement);
  if (!expected)
    return emitOpError("cannot multiply ")
           << aElement << " by " << bElement
           << "; operands are both f16, bf16, f32 or i8, or any of f8E4M3FN "
              "and f8E5M2";
  if (acc.getElementType() != expected)
    return emitOpError("expected an accumulator of ")
           << expected << " for operands of " << aElement << ", found " << acc;
  if (getFastAccum() && aElement.getIntOrFloatBitWidth() != 8)
    return emitOpError("expected 8-bit floats with fast_accum, found ")
           << aElement;
  if (getFastAccum() && aElement.isInteger(8))
    return emitOpError("expected 8-bit floats with fast_accum, found ")
           << aElement;
  if (getPrecision() != Precision::IEEE && !aElement.isF32())
    return emitOpError("expected f32 operands with precision, found ")
           << aElement;
  if (getPrecision() == Precision::F16)
    return emitOpError("expected precision ieee or tf32, found f16; operands "
                       "can be truncated to f16");
  return success();
}

//===----------------------------------------------------------------------===//
// TriInverseOp
//===----------------------------------------------------------------------===//

LogicalResult TriInverseOp::verify() {
  RankedTensorType a = getA().getType();
  constexpr int64_t most = 128;
  if (a.getRank() != 2 || a.getDimSize(0) != a.getDimSize(1) ||
      a.getDimSize(0) < 1 || a.getDimSize(0) > most ||
      !a.getElementType().isF32())
    return emitOpError("expected a square of f32 of 1 to ")
           << most << " rows, found " << a;
  return success();
}

//===----------------------------------------------------------------------===//
// ReduceOp, ScanOp, RecurrenceOp, BroadcastOp
//===----------------------------------------------------------------------===//

/// The shape of `type` without the dimensions in `axes`.
static SmallVector<int64_t> dropAxes(RankedTensorType type,
                                     ArrayRef<int64_t> axes) {
  SmallVector<int64_t> shape;
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(axes, int64_t(i)))
      shape.push_back(extent);
  return shape;
}

static LogicalResult verifyAxis(Operation *op, RankedTensorType x,
                                uint64_t axis) {
  if (int64_t(axis) < x.getRank())
    return success();
  return op->emitOpError("expected an axis of 0 to ")
         << x.getRank() - 1 << ", found " << axis;
}

/// Checks that `init` has an element for each line of `x` along `axis`.
static LogicalResult verifyInit(Operation *op, RankedTensorType x, Type init,
                                uint64_t axis) {
  if (failed(verifyAxis(op, x, axis)))
    return failure();
  Type element = x.getElementType(), expected = element;
  if (x.getRank() > 1)
    expected = RankedTensorType::get(dropAxes(x, {int64_t(axis)}), element);
  // Layouts are checked where they matter.
  auto tile = dyn_cast<RankedTensorType>(init);
  if ((tile ? tile.dropEncoding() : init) != expected)
    return op->emitOpError("expected init to be ")
           << expected << ", found " << init;
  return success();
}

static LogicalResult verifyKind(Operation *op, ReduceKind kind, Type element) {
  bool bitwise = kind == ReduceKind::And || kind == ReduceKind::Or ||
                 kind == ReduceKind::Xor;
  if (bitwise && isa<FloatType>(element))
    return op->emitOpError("expected integers for '")
           << stringifyReduceKind(kind) << "', found " << element;
  return success();
}

LogicalResult ReduceOp::verify() {
  if (failed(
          verifyInit(*this, getX().getType(), getInit().getType(), getAxis())))
    return failure();
  return verifyKind(*this, getKind(), getX().getType().getElementType());
}

LogicalResult ScanOp::verify() {
  if (failed(verifyAxis(*this, getType(), getAxis())))
    return failure();
  return verifyKind(*this, getKind(), getType().getElementType());
}

OpFoldResult ScanOp::fold(FoldAdaptor) {
  bool isAlone = getType().getDimSize(getAxis()) == 1;
  return isAlone && !getExclusive() ? OpFoldResult(getX()) : OpFoldResult();
}

LogicalResult RecurrenceOp::verify() {
  RankedTensorType a = getA().getType();
  if (!isa<FloatType>(a.getElementType()))
    return emitOpError("expected floats, found ") << a;
  return verifyInit(*this, a, getInit().getType(), getAxis());
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType x = getX().getType(), result = getType();
  ArrayRef<int64_t> axes = getAxes();
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || axis >= result.getRank())
      return emitOpError("expected axes of 0 to ")
             << result.getRank() - 1 << ", found " << axis;
    if (i > 0 && axes[i - 1] >= axis)
      return emitOpError("expected axes in increasing order");
  }
  if (dropAxes(result, axes) != x.getShape() ||
      x.getElementType() != result.getElementType())
    return emitOpError("expected an operand of type ")
           << RankedTensorType::get(dropAxes(result, axes),
                                    result.getElementType())
           << ", found " << x;
  return success();
}

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::verify() {
  RankedTensorType x = getX().getType(), result = getType();
  ArrayRef<int64_t> permutation = getPermutation();
  if (!isPermutationVector(permutation) ||
      int64_t(permutation.size()) != x.getRank())
    return emitOpError("expected a permutation of 0 to ") << x.getRank() - 1;
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(x.getDimSize(dim));
  if (result.getShape() != ArrayRef(shape) ||
      result.getElementType() != x.getElementType())
    return emitOpError("expected a result of type ")
           << RankedTensorType::get(shape, x.getElementType()) << ", found "
           << result;
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  bool identity = llvm::all_of(llvm::enumerate(getPermutation()), [](auto dim) {
    return int64_t(dim.index()) == dim.value();
  });
  return identity && getX().getType() == getType() ? OpFoldResult(getX())
                                                   : OpFoldResult();
}

namespace {
/// `transpose(transpose(x))` is one transposition.
struct ComposeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> permutation;
    for (int64_t dim : op.getPermutation())
      permutation.push_back(inner.getPermutation()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getX(),
                                             permutation);
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                              MLIRContext *context) {
  results.add<ComposeTransposes>(context);
}

//===----------------------------------------------------------------------===//
// IotaOp
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::verify() {
  if (int64_t(getAxis()) >= getType().getRank())
    return emitOpError("expected an axis of 0 to ")
           << getType().getRank() - 1 << ", found " << getAxis();
  return success();
}
