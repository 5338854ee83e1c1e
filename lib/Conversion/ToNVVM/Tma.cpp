//===- Tma.cpp - Copies by the tensor memory accelerator -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace mlir;
using namespace heddle;

static constexpr llvm::StringLiteral mapAttrName = "aref.map";
static constexpr int64_t maxBox = 256;
/// A swizzle repeats after so many rows.
static constexpr int64_t swizzleRows = 8;

namespace {
/// How one buffer is copied: in boxes of equal size.
struct Boxes {
  /// Innermost first, one extent per dimension of the view.
  SmallVector<int64_t> extents;
  /// The coordinate that counts rows of the tile.
  int64_t rowCoordinate = 1;
  int64_t numPanels;
  /// Boxes that the rows of a panel are cut into, and the rows of each.
  int64_t numRowBlocks;
  int64_t rowsPerBlock;
};
} // namespace

/// How many blocks share the copy `op`.
static int64_t getNumSharers(Operation *op) {
  auto load = dyn_cast<aref::TmaLoadOp>(op);
  if (!load || !load.getMulticast())
    return 1;
  return aref::getClusterSize(op->getParentOfType<tile::KernelOp>());
}

/// The boxes that fill `buffer` from a view of rank `viewRank`, of which the
/// tile covers the dimensions `along`, or the last ones. As many for each block
/// that shares `op`, if the tile can be cut so.
static FailureOr<Boxes> getBoxes(Operation *op, int64_t viewRank,
                                 aref::BufferType buffer,
                                 std::optional<ArrayRef<int64_t>> along) {
  SharedLayout layout = getSharedLayout(buffer);
  ArrayRef<int64_t> shape = buffer.getShape();
  Boxes boxes;
  boxes.numPanels = buffer.getNumPanels();
  boxes.numRowBlocks = 1;
  boxes.extents.push_back(layout.getPanelColumns());
  for (int64_t extent : llvm::reverse(shape.drop_back()))
    boxes.extents.push_back(extent);
  boxes.rowsPerBlock = buffer.getRows();

  if (boxes.extents[0] > maxBox || layout.getPitch() % 16 != 0)
    return op->emitOpError("expected rows of a multiple of 32 bytes, or of 16 "
                           "bytes and at most 256 elements, found ")
           << shape.back() << " elements of " << buffer.getElementType();
  if (shape.size() == 2 && shape[0] > maxBox) {
    // Equal blocks need but one tensor map.
    int64_t rows = maxBox;
    while (shape[0] % rows != 0)
      rows -= swizzleRows;
    if (rows == 0)
      return op->emitOpError("expected at most 256 rows or a multiple of 8, "
                             "found ")
             << shape[0];
    boxes.extents[1] = boxes.rowsPerBlock = rows;
    boxes.numRowBlocks = shape[0] / rows;
  }
  int64_t sharers = getNumSharers(op);
  int64_t cuts =
      sharers / std::gcd(sharers, boxes.numPanels * boxes.numRowBlocks);
  if (shape.size() == 2 && boxes.rowsPerBlock % (cuts * swizzleRows) == 0) {
    boxes.extents[1] = boxes.rowsPerBlock /= cuts;
    boxes.numRowBlocks *= cuts;
  }
  for (int64_t extent : boxes.extents)
    if (extent > maxBox)
      return op->emitOpError("expected extents of at most 256, found ")
             << extent;
  if (!along) {
    boxes.extents.resize(viewRank, 1);
    return boxes;
  }
  SmallVector<int64_t> extents(viewRank, 1);
  for (auto [i, extent] : llvm::enumerate(boxes.extents))
    extents[viewRank - 1 - (*along)[along->size() - 1 - i]] = extent;
  boxes.extents = extents;
  if (along->size() > 1)
    boxes.rowCoordinate = viewRank - 1 - (*along)[along->size() - 2];
  return boxes;
}

static MemRefType getViewType(Value view) {
  return cast<MemRefType>(view.getType());
}

/// The kernel's argument that a view is, casts aside.
static BlockArgument getViewArgument(Value view) {
  while (auto cast = view.getDefiningOp<memref::CastOp>())
    view = cast.getSource();
  auto argument = dyn_cast<BlockArgument>(view);
  if (argument && isa<tile::KernelOp>(argument.getOwner()->getParentOp()))
    return argument;
  return {};
}

LogicalResult heddle::assignTensorMaps(tile::KernelOp kernel) {
  MLIRContext *context = kernel.getContext();
  Builder builder(context);
  // The number of each map, by its description.
  llvm::SmallMapVector<Attribute, int64_t, 4> maps;
  auto visit = [&](Operation *op, Value view, aref::BufferType buffer,
                   std::optional<ArrayRef<int64_t>> along,
                   Type element) -> WalkResult {
    FailureOr<Boxes> boxes =
        getBoxes(op, getViewType(view).getRank(), buffer, along);
    if (failed(boxes))
      return WalkResult::interrupt();
    BlockArgument argument = getViewArgument(view);
    if (!argument) {
      op->emitOpError("expected a view that is an argument of the kernel");
      return WalkResult::interrupt();
    }
    Attribute map = builder.getDictionaryAttr(
        {builder.getNamedAttr(
             "argument", builder.getI64IntegerAttr(argument.getArgNumber())),
         builder.getNamedAttr("box",
                              builder.getDenseI64ArrayAttr(boxes->extents)),
         builder.getNamedAttr("swizzle",
                              builder.getI64IntegerAttr(buffer.getSwizzle())),
         builder.getNamedAttr("type", TypeAttr::get(element))});
    auto [it, inserted] = maps.insert({map, int64_t(maps.size())});
    op->setAttr(mapAttrName, builder.getI64IntegerAttr(it->second));
    return WalkResult::advance();
  };
  WalkResult result = kernel.walk([&](Operation *op) {
    if (auto load = dyn_cast<aref::TmaLoadOp>(op))
      return visit(
          op, load.getView(), load.getBuffer().getType(), load.getAlong(),
          load.getRoundTf32() ? builder.getTF32Type()
                              : getViewType(load.getView()).getElementType());
    if (auto copy = dyn_cast<aref::CopyOutOp>(op))
      return visit(op, copy.getView(), copy.getBuffer().getType(),
                   copy.getAlong(),
                   getViewType(copy.getView()).getElementType());
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (maps.empty())
    return success();
  SmallVector<Attribute> list;
  for (auto &[map, number] : maps) {
    list.push_back(map);
    kernel.getBody().addArgument(LLVM::LLVMPointerType::get(context),
                                 kernel.getLoc());
  }
  kernel->setAttr("aref.tensor_maps", builder.getArrayAttr(list));
  return success();
}

/// The pointer to the tensor map of a copy.
static Value getTensorMap(Operation *op) {
  auto kernel = op->getParentOfType<tile::KernelOp>();
  int64_t number = op->getAttrOfType<IntegerAttr>(mapAttrName).getInt();
  return kernel.getBody().getArgument(kernel.getFunctionType().getNumInputs() +
                                      number);
}

namespace {
/// One box of a copy: where it is in the buffer and in the view.
struct Box {
  Value address;
  /// i32, innermost first.
  SmallVector<Value> coordinates;
};
} // namespace

/// The values of operands that each convert to one.
static SmallVector<Value> getValues(ArrayRef<ValueRange> operands) {
  return llvm::map_to_vector(operands, [](ValueRange values) {
    return llvm::getSingleElement(values);
  });
}

namespace {
/// Where the boxes of a copy are.
class BoxEmitter {
public:
  BoxEmitter(OpBuilder &builder, Operation *op, ValueRange offsets,
             Value pointer, aref::BufferType buffer,
             std::optional<ArrayRef<int64_t>> along);

  int64_t getNumBoxes() const { return boxes.numPanels * boxes.numRowBlocks; }
  Box emit(int64_t number);
  /// `number` is an i32.
  Box emit(Value number);

private:
  Value add(Value value, int64_t amount);
  Value add(Value value, Value count, int64_t amount);

  OpBuilder &builder;
  Location loc;
  Boxes boxes;
  SharedLayout layout;
  /// Of the first box.
  Value address;
  SmallVector<Value> origin;
};
} // namespace

BoxEmitter::BoxEmitter(OpBuilder &builder, Operation *op, ValueRange offsets,
                       Value pointer, aref::BufferType buffer,
                       std::optional<ArrayRef<int64_t>> along)
    : builder(builder), loc(op->getLoc()),
      boxes(*getBoxes(op, offsets.size(), buffer, along)),
      layout(getSharedLayout(buffer)),
      address(getSharedAddress(builder, loc, pointer)) {
  for (Value offset : llvm::reverse(offsets))
    origin.push_back(
        arith::IndexCastOp::create(builder, loc, builder.getI32Type(), offset));
}

Value BoxEmitter::add(Value value, int64_t amount) {
  if (amount == 0)
    return value;
  return arith::AddIOp::create(builder, loc, value,
                               getI32(builder, loc, amount));
}

Value BoxEmitter::add(Value value, Value count, int64_t amount) {
  Value product =
      arith::MulIOp::create(builder, loc, count, getI32(builder, loc, amount));
  return arith::AddIOp::create(builder, loc, value, product);
}

Box BoxEmitter::emit(int64_t number) {
  int64_t panel = number / boxes.numRowBlocks;
  int64_t row = number % boxes.numRowBlocks * boxes.rowsPerBlock;
  Box box;
  box.address =
      add(address, panel * layout.getPanelBytes() + row * layout.getPitch());
  box.coordinates = origin;
  box.coordinates[0] = add(origin[0], panel * layout.getPanelColumns());
  if (boxes.numRowBlocks > 1)
    box.coordinates[boxes.rowCoordinate] =
        add(origin[boxes.rowCoordinate], row);
  return box;
}

Box BoxEmitter::emit(Value number) {
  Value panel = number, block = number;
  if (boxes.numPanels > 1 && boxes.numRowBlocks > 1) {
    Value count = getI32(builder, loc, boxes.numRowBlocks);
    panel = arith::DivUIOp::create(builder, loc, number, count);
    block = arith::RemUIOp::create(builder, loc, number, count);
  }
  Box box{address, origin};
  if (boxes.numPanels > 1) {
    box.address = add(box.address, panel, layout.getPanelBytes());
    box.coordinates[0] = add(origin[0], panel, layout.getPanelColumns());
  }
  if (boxes.numRowBlocks > 1) {
    box.address =
        add(box.address, block, boxes.rowsPerBlock * layout.getPitch());
    box.coordinates[boxes.rowCoordinate] =
        add(origin[boxes.rowCoordinate], block, boxes.rowsPerBlock);
  }
  return box;
}

/// "{$2, $3}" for two coordinates from operand 2 on.
static std::string getCoordinates(size_t rank, size_t first) {
  std::string text = "{";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

/// The constraints of as many coordinates, each after a comma.
static std::string getConstraints(size_t rank) {
  std::string text;
  for (size_t i = 0; i < rank; ++i)
    text += ",r";
  return text;
}

namespace {

struct TmaLoadPattern : OpConversionPattern<aref::TmaLoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::TmaLoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    size_t rank = op.getOffsets().size();
    Value map = getTensorMap(op);
    Value barrier = getBarrierAddress(
        rewriter, loc, llvm::getSingleElement(adaptor.getBarriers()),
        llvm::getSingleElement(adaptor.getStage()));
    std::string text = "@$0 cp.async.bulk.tensor." + std::to_string(rank) +
                       "d.shared::cluster.global.tile.mbarrier::complete_tx::"
                       "bytes";
    std::string operandText =
        " [$1], [$3, " + getCoordinates(rank, 4) + "], [$2]";
    std::string constraints = "b,r,r,l" + getConstraints(rank);
    BoxEmitter boxes(rewriter, op, getValues(adaptor.getOffsets()),
                     llvm::getSingleElement(adaptor.getBuffer()),
                     op.getBuffer().getType(), op.getAlong());
    auto emit = [&](const Box &box, Value elected, Value mask) {
      SmallVector<Value> operands = {elected, box.address, barrier, map};
      operands.append(box.coordinates);
      if (!mask) {
        emitInlinePTX(rewriter, loc, text + operandText + ";", constraints,
                      operands);
        return;
      }
      operands.push_back(mask);
      emitInlinePTX(rewriter, loc,
                    text + ".multicast::cluster" + operandText + ", $" +
                        std::to_string(operands.size() - 1) + ";",
                    constraints + ",h", operands);
    };
    if (!op.getMulticast()) {
      Value elected = getElected(rewriter, op);
      for (int64_t i = 0; i < boxes.getNumBoxes(); ++i)
        emit(boxes.emit(i), elected, /*mask=*/Value());
      rewriter.eraseOp(op);
      return success();
    }
    // The blocks of the cluster take turns.
    Value size = getLaunchedClusterSize(rewriter, loc);
    Value one = getI32(rewriter, loc, 1);
    Value mask = arith::SubIOp::create(
        rewriter, loc, arith::ShLIOp::create(rewriter, loc, one, size), one);
    mask = arith::TruncIOp::create(rewriter, loc, rewriter.getI16Type(), mask);
    Value place =
        NVVM::BlockInClusterIdXOp::create(rewriter, loc, rewriter.getI32Type());
    auto loop = scf::ForOp::create(
        rewriter, loc, place, getI32(rewriter, loc, boxes.getNumBoxes()), size);
    rewriter.setInsertionPointToStart(loop.getBody());
    Value elected = getElected(rewriter, op);
    emit(boxes.emit(loop.getInductionVar()), elected, mask);
    rewriter.eraseOp(op);
    return success();
  }
};

struct CopyOutPattern : OpConversionPattern<aref::CopyOutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::CopyOutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    size_t rank = op.getOffsets().size();
    Value elected = getElected(rewriter, op);
    Value map = getTensorMap(op);
    std::string text = "@$0 cp.";
    if (op.getReduce())
      text += "reduce.";
    text +=
        "async.bulk.tensor." + std::to_string(rank) + "d.global.shared::cta.";
    if (auto kind = op.getReduce())
      text += (stringifyReduceKind(*kind) + ".").str();
    text += "tile.bulk_group [$2, " + getCoordinates(rank, 3) + "], [$1];";
    BoxEmitter boxes(rewriter, op, getValues(adaptor.getOffsets()),
                     llvm::getSingleElement(adaptor.getBuffer()),
                     op.getBuffer().getType(), op.getAlong());
    for (int64_t i = 0; i < boxes.getNumBoxes(); ++i) {
      Box box = boxes.emit(i);
      SmallVector<Value> operands = {elected, box.address, map};
      operands.append(box.coordinates);
      emitInlinePTX(rewriter, loc, text, "b,r,l" + getConstraints(rank),
                    operands);
    }
    emitInlinePTX(rewriter, loc, "@$0 cp.async.bulk.commit_group;", "b",
                  elected);
    rewriter.eraseOp(op);
    return success();
  }
};

struct DrainPattern : OpConversionPattern<aref::DrainOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::DrainOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::string text = "@$0 cp.async.bulk.wait_group";
    if (!op.getComplete())
      text += ".read";
    text += " " + std::to_string(op.getPending()) + ";";
    emitInlinePTX(rewriter, op.getLoc(), text, "b", getElected(rewriter, op));
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void heddle::populateTmaPatterns(const TypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<TmaLoadPattern, CopyOutPattern, DrainPattern>(
      converter, patterns.getContext());
}
