//===- Wgmma.cpp - Matrix products on the tensor cores --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

///
/// \file
/// `wgmma` by inline PTX. Upstream's operation has no form with A in registers,
/// and ties registers the same way: each accumulator is an input and an output
/// of one asm statement, so that nothing is moved between a product and its
/// wait (which ptxas would answer by running products one by one).
///
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace heddle;

/// On a wait after which accumulators are copied; see `markDetachedWaits`.
static constexpr llvm::StringLiteral detachAttrName = "aref.detach";
/// Rows of one product.
static constexpr int64_t blockRows = 64;
/// Bytes of K of one product.
static constexpr int64_t stepBytes = 32;

/// What PTX calls an operand's elements, or nothing if there is no such
/// product.
static std::optional<StringRef> getTypeName(Type type) {
  return llvm::TypeSwitch<Type, std::optional<StringRef>>(type)
      .Case([](Float16Type) { return "f16"; })
      .Case([](BFloat16Type) { return "bf16"; })
      .Case([](Float32Type) { return "tf32"; })
      .Case([](Float8E4M3FNType) { return "e4m3"; })
      .Case([](Float8E5M2Type) { return "e5m2"; })
      .Case([](IntegerType type) -> std::optional<StringRef> {
        if (type.getWidth() == 8)
          return "s8";
        return std::nullopt;
      })
      .Default([](Type) { return std::nullopt; });
}

/// One asm statement that reads and writes `registers`, all of them f32 or i32.
/// `text` starts at operand 0 and the other operands follow the registers.
/// Without `reads`, the registers are results only.
static SmallVector<Value> emitTied(OpBuilder &builder, Location loc,
                                   StringRef text, ValueRange registers,
                                   ValueRange others, StringRef constraints,
                                   bool reads) {
  std::string all;
  SmallVector<Value> operands;
  SmallVector<Type> types(registers.getTypes());
  for (Type type : types)
    all += (all.empty() ? "" : ",") + std::string(type.isF32() ? "=f" : "=r");
  if (reads) {
    operands.append(registers.begin(), registers.end());
    for (size_t i = 0; i < registers.size(); ++i)
      all += "," + std::to_string(i);
  }
  operands.append(others.begin(), others.end());
  if (!constraints.empty())
    all += "," + constraints.str();
  if (types.empty()) {
    emitInlinePTX(builder, loc, text, all, operands);
    return {};
  }
  if (types.size() == 1)
    return {emitInlinePTX(builder, loc, text, all, operands, types[0])};
  Type type = LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
  Value result = emitInlinePTX(builder, loc, text, all, operands, type);
  SmallVector<Value> results;
  for (size_t i = 0; i < types.size(); ++i)
    results.push_back(LLVM::ExtractValueOp::create(builder, loc, result, i));
  return results;
}

/// "r,r" for two operands.
static std::string getInputs(ValueRange values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i)
    text += i ? ",r" : "r";
  return text;
}

/// "{$4, $5}" for `count` operands from `first` on.
static std::string getList(size_t first, size_t count) {
  std::string text = "{";
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

/// The descriptor of a buffer but for its start, as i64. That it may be the
/// same in all iterations of a loop is hidden: each step of a product adds to
/// it, and all of the sums would be kept in registers.
static Value emitDescriptor(OpBuilder &builder, Location loc, Value address,
                            WgmmaDescriptor descriptor) {
  descriptor.start = 0;
  Value units = arith::AndIOp::create(
      builder, loc,
      arith::ShRUIOp::create(builder, loc, address, getI32(builder, loc, 4)),
      getI32(builder, loc, 0x3FFF));
  Value wide =
      arith::ExtUIOp::create(builder, loc, builder.getI64Type(), units);
  Value whole =
      arith::OrIOp::create(builder, loc, wide,
                           arith::ConstantIntOp::create(
                               builder, loc, int64_t(descriptor.encode()), 64));
  return emitInlinePTX(builder, loc, "mov.b64 $0, $1;", "=l,l", whole,
                       builder.getI64Type());
}

static Value addStart(OpBuilder &builder, Location loc, Value descriptor,
                      int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(
      builder, loc, descriptor,
      arith::ConstantIntOp::create(builder, loc, bytes / 16, 64));
}

/// True if every element of the tile is zero, so that the first product need
/// not read the accumulator. Negative zero is not: it adds nothing either, but
/// its sign would be lost.
static bool isZeroTile(Value tile) {
  while (auto convert = tile.getDefiningOp<aref::ConvertLayoutOp>())
    tile = convert.getX();
  if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
    return matchPattern(splat.getInput(), m_PosZeroFloat()) ||
           matchPattern(splat.getInput(), m_Zero());
  DenseElementsAttr elements;
  if (!matchPattern(tile, m_Constant(&elements)) || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().isPosZero();
  return elements.getSplatValue<APInt>().isZero();
}

namespace {

/// The size of one instance's product and of its `wgmma`s.
struct Shape {
  /// Blocks of 64 rows that each warpgroup computes.
  int64_t rowBlocks;
  int64_t numWarpgroups;
  int64_t n;
  int64_t columnsPerBlock;
  int64_t steps;
};

/// Operand A: where it is in shared memory, or its registers.
struct OperandA {
  std::optional<SharedLayout> layout;
  MajorDim major = MajorDim::K;
  Value descriptor;
  SmallVector<Value> registers;
};

struct MmaPattern : OpConversionPattern<aref::MmaOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::MmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;

private:
  FailureOr<Shape> getShape(aref::MmaOp op) const;
  FailureOr<OperandA> emitA(aref::MmaOp op, ValueRange values,
                            const Shape &shape,
                            ConversionPatternRewriter &rewriter) const;
};

} // namespace

FailureOr<Shape> MmaPattern::getShape(aref::MmaOp op) const {
  Type elementB = op.getB().getType().getElementType();
  auto acc = cast<RankedTensorType>(op.getAcc().getType());
  RankedTensorType b = op.getB().getType().getTile();
  int64_t warps = getNumWarps(op);
  if (warps % 4 != 0)
    return op.emitOpError("expected a role of whole warpgroups, found ")
           << warps << " warps";
  Shape shape;
  shape.numWarpgroups = warps / 4;
  int64_t rows = acc.getDimSize(0), k = b.getDimSize(op.getTransposeB());
  if (rows % (blockRows * shape.numWarpgroups) != 0)
    return op.emitOpError("expected a multiple of ")
           << blockRows * shape.numWarpgroups << " rows for " << warps
           << " warps, found " << rows;
  shape.rowBlocks = rows / (blockRows * shape.numWarpgroups);
  int64_t bytes = elementB.getIntOrFloatBitWidth() / 8;
  if (k * bytes % stepBytes != 0)
    return op.emitOpError("expected a multiple of ")
           << stepBytes / bytes << " along K, found " << k;
  shape.steps = k * bytes / stepBytes;
  shape.n = acc.getDimSize(1);
  SharedLayout layout = getSharedLayout(op.getB().getType());
  std::optional<int64_t> columns =
      getWgmmaN(shape.n, elementB.isInteger(),
                op.getTransposeB() ? 8 : layout.getPanelColumns());
  if (!columns)
    return op.emitOpError("expected a number of columns that wgmma has, found ")
           << shape.n;
  shape.columnsPerBlock = *columns;
  if (getTileLayout(acc) != TileLayout::wgmmaAccumulator(rows, shape.n, warps))
    return op.emitOpError("expected the layout of a wgmma accumulator, found ")
           << acc;
  return shape;
}

FailureOr<OperandA>
MmaPattern::emitA(aref::MmaOp op, ValueRange values, const Shape &shape,
                  ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  OperandA a;
  if (auto type = dyn_cast<aref::BufferType>(op.getA().getType())) {
    a.layout = getSharedLayout(type);
    a.major = op.getTransposeA() ? MajorDim::MN : MajorDim::K;
    std::optional<WgmmaDescriptor> first =
        a.layout->getDescriptor(a.major, 0, 0);
    if (!first)
      return op.emitOpError("expected rows of a multiple of 32 bytes, found ")
             << type;
    Value address = getSharedAddress(rewriter, loc, values.front());
    if (shape.numWarpgroups > 1) {
      // Warpgroup w computes rows 64 w to 64 w + 63 of every block.
      std::optional<WgmmaDescriptor> second =
          a.layout->getDescriptor(a.major, blockRows, 0);
      if (!second)
        return op.emitOpError("expected panels of at most 64 columns, found ")
               << type;
      Value warpgroup =
          arith::ShRUIOp::create(rewriter, loc, getWarpInInstance(rewriter, op),
                                 getI32(rewriter, loc, 2));
      address = arith::AddIOp::create(
          rewriter, loc, address,
          arith::MulIOp::create(
              rewriter, loc, warpgroup,
              getI32(rewriter, loc, second->start - first->start)));
    }
    a.descriptor = emitDescriptor(rewriter, loc, address, *first);
    return a;
  }

  auto type = cast<RankedTensorType>(op.getA().getType());
  unsigned bits = type.getElementTypeBitWidth();
  TileLayout layout = getTileLayout(type);
  if (layout != TileLayout::wgmmaOperandA(type.getDimSize(0),
                                          type.getDimSize(1), bits,
                                          4 * shape.numWarpgroups))
    return op.emitOpError("expected the layout of operand A of wgmma, found ")
           << type;
  // A product reads four registers: of rows r and r + 8, for the first half of
  // the step along K and then for the second.
  int64_t elements = 32 / bits;
  int64_t stepColumns = stepBytes * 8 / bits;
  for (int64_t block = 0; block < shape.rowBlocks; ++block)
    for (int64_t step = 0; step < shape.steps; ++step)
      for (int64_t half = 0; half < 2; ++half)
        for (int64_t row = 0; row < 2; ++row) {
          SmallVector<Value> parts;
          for (int64_t i = 0; i < elements; ++i) {
            std::optional<int64_t> reg = layout.findRegister(
                {block * blockRows * shape.numWarpgroups + 8 * row,
                 step * stepColumns + half * stepColumns / 2 + i});
            assert(reg && "wgmmaOperandA has these registers");
            parts.push_back(values[*reg]);
          }
          a.registers.push_back(packRegister(rewriter, loc, parts));
        }
  return a;
}

LogicalResult
MmaPattern::matchAndRewrite(aref::MmaOp op, OneToNOpAdaptor adaptor,
                            ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  Type elementA =
      isa<aref::BufferType>(op.getA().getType())
          ? cast<aref::BufferType>(op.getA().getType()).getElementType()
          : cast<RankedTensorType>(op.getA().getType()).getElementType();
  Type elementB = op.getB().getType().getElementType();
  std::optional<StringRef> nameA = getTypeName(elementA);
  std::optional<StringRef> nameB = getTypeName(elementB);
  if (!nameA || !nameB)
    return op.emitOpError("expected elements that wgmma multiplies, found ")
           << elementA << " and " << elementB;
  FailureOr<Shape> shape = getShape(op);
  if (failed(shape))
    return failure();

  bool hasTransposes = elementB.getIntOrFloatBitWidth() == 16;
  if (!hasTransposes && (op.getTransposeA() || !op.getTransposeB()))
    return op.emitOpError("expected operands that are contiguous along K, as "
                          "wgmma needs for ")
           << elementB;
  FailureOr<OperandA> a = emitA(op, adaptor.getA(), *shape, rewriter);
  if (failed(a))
    return failure();
  SharedLayout layoutB = getSharedLayout(op.getB().getType());
  MajorDim majorB = op.getTransposeB() ? MajorDim::K : MajorDim::MN;
  std::optional<WgmmaDescriptor> firstB = layoutB.getDescriptor(majorB, 0, 0);
  if (!firstB)
    return op.emitOpError("expected rows of a multiple of 32 bytes, found ")
           << op.getB().getType();
  Value descriptorB = emitDescriptor(
      rewriter, loc,
      getSharedAddress(rewriter, loc, llvm::getSingleElement(adaptor.getB())),
      *firstB);

  bool isInteger = elementB.isInteger();
  bool inRegisters = !a->descriptor;
  int64_t count = shape->columnsPerBlock / 2;
  bool startsAtZero = isZeroTile(op.getAcc());
  Value accumulate = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
  Value overwrite = arith::ConstantIntOp::create(rewriter, loc, 0, 1);

  std::string opcode =
      ("wgmma.mma_async.sync.aligned.m64n" + Twine(shape->columnsPerBlock) +
       "k" + Twine(stepBytes * 8 / elementB.getIntOrFloatBitWidth()) +
       (isInteger ? ".s32." : ".f32.") + *nameA + "." + *nameB + " ")
          .str();
  // Operands after the accumulators, which are `reads` ? inputs too : not.
  auto getText = [&](bool reads) {
    size_t next = reads ? 2 * count : count;
    std::string text = opcode + getList(0, count) + ", ";
    if (inRegisters) {
      text += getList(next, 4);
      next += 4;
    } else {
      text += "$" + std::to_string(next++);
    }
    text += ", $" + std::to_string(next) + ", $" + std::to_string(next + 1);
    if (!isInteger)
      text += ", 1, 1";
    if (hasTransposes) {
      if (!inRegisters)
        text += op.getTransposeA() ? ", 1" : ", 0";
      text += op.getTransposeB() ? ", 0" : ", 1";
    }
    return text + ";";
  };
  StringRef constraints = inRegisters ? "r,r,r,r,l,b" : "l,l,b";

  // Accumulators pass through the fence, and it reads A, so that all of them
  // are written before.
  SmallVector<Value> fenced;
  if (!startsAtZero)
    fenced.append(adaptor.getAcc().begin(), adaptor.getAcc().end());
  StringRef fence = "wgmma.fence.sync.aligned;";
  if (fenced.empty() && a->registers.empty())
    emitInlinePTX(rewriter, loc, fence, "", {});
  else
    fenced = emitTied(rewriter, loc, fence, fenced, a->registers,
                      getInputs(a->registers), /*reads=*/true);
  SmallVector<Value> accumulators(adaptor.getAcc().begin(),
                                  adaptor.getAcc().end());
  if (!startsAtZero)
    accumulators = fenced;

  SmallVector<Value> results;
  results.reserve(accumulators.size());
  for (int64_t block = 0; block < shape->rowBlocks; ++block) {
    int64_t row = block * blockRows * shape->numWarpgroups;
    for (int64_t column = 0; column < shape->n;
         column += shape->columnsPerBlock) {
      SmallVector<Value> registers = llvm::to_vector(
          ValueRange(accumulators).slice(results.size(), count));
      for (int64_t step = 0; step < shape->steps; ++step) {
        SmallVector<Value> operands;
        if (inRegisters) {
          operands.append(
              a->registers.begin() + (block * shape->steps + step) * 4,
              a->registers.begin() + (block * shape->steps + step) * 4 + 4);
        } else {
          std::optional<WgmmaDescriptor> descriptor =
              a->layout->getDescriptor(a->major, row, step);
          if (!descriptor)
            return op.emitOpError("expected panels of at most 64 columns, "
                                  "found ")
                   << op.getA().getType();
          operands.push_back(
              addStart(rewriter, loc, a->descriptor, descriptor->start));
        }
        std::optional<WgmmaDescriptor> descriptor =
            layoutB.getDescriptor(majorB, column, step);
        if (!descriptor)
          return op.emitOpError("expected blocks of ")
                 << shape->columnsPerBlock
                 << " columns to start at a panel, found "
                 << op.getB().getType();
        operands.push_back(
            addStart(rewriter, loc, descriptorB, descriptor->start));
        bool reads = !(startsAtZero && step == 0);
        operands.push_back(reads ? accumulate : overwrite);
        registers = emitTied(rewriter, loc, getText(reads), registers, operands,
                             constraints, reads);
      }
      results.append(registers);
    }
  }
  emitInlinePTX(rewriter, loc, "wgmma.commit_group.sync.aligned;", "", {});
  rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
  return success();
}

/// A copy of an accumulator, in a form that ptxas does not see through.
static Value detach(OpBuilder &builder, Location loc, Value value) {
  Type type = value.getType(), i32 = builder.getI32Type();
  if (type != i32)
    value = LLVM::BitcastOp::create(builder, loc, i32, value);
  value = LLVM::InlineAsmOp::create(
              builder, loc, i32, value,
              builder.getStringAttr("max.s32 $0, $1, 0x80000000;"),
              builder.getStringAttr("=r,r"), /*has_side_effects=*/nullptr,
              /*is_align_stack=*/nullptr, LLVM::TailCallKindAttr(),
              /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
              .getResult(0);
  if (type != i32)
    value = LLVM::BitcastOp::create(builder, loc, type, value);
  return value;
}

/// Whether `op` waits for what its loop carries, with control flow between the
/// products and the next iteration: then what is carried would be copied to
/// where products write it while they do.
static bool isCarriedPastBranches(aref::MmaWaitOp op) {
  Block *block = op->getBlock();
  if (!isa<LoopLikeOpInterface>(op->getParentOp()) ||
      !llvm::is_contained(op->getUsers(), block->getTerminator()))
    return false;
  Operation *first = op;
  for (Value value : op.getValues())
    if (Operation *mma = value.getDefiningOp();
        mma && mma->getBlock() == block && mma->isBeforeInBlock(first))
      first = mma;
  for (; first; first = first->getNextNode())
    if (first->getNumRegions() != 0)
      return true;
  return false;
}

/// Which of the values that `loop` carries become `value`, of its body or of a
/// branch in it.
static void findCarried(Value value, scf::ForOp loop, llvm::BitVector &found) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner(), *parent = user->getParentOp();
    if (!isa<scf::YieldOp>(user))
      continue;
    if (parent == loop)
      found.set(use.getOperandNumber());
    else if (isa<scf::IfOp>(parent))
      findCarried(parent->getResult(use.getOperandNumber()), loop, found);
  }
}

/// Whether `op` waits for a sum that its loop carries on in another place than
/// where it came from, which holds another value by then: products would have
/// to write to both.
static bool isCarriedElsewhere(aref::MmaWaitOp op) {
  return llvm::any_of(
      llvm::zip_equal(op.getValues(), op.getResults()), [](auto pair) {
        auto [sum, result] = pair;
        while (auto mma = sum.template getDefiningOp<aref::MmaOp>())
          sum = mma.getAcc();
        auto argument = dyn_cast<BlockArgument>(sum);
        auto loop =
            dyn_cast_or_null<scf::ForOp>(sum.getParentBlock()->getParentOp());
        if (!argument || !loop || argument.getArgNumber() == 0)
          return false;
        llvm::BitVector carried(loop.getNumResults());
        findCarried(result, loop, carried);
        return carried.any() && !carried.test(argument.getArgNumber() - 1);
      });
}

void heddle::markDetachedWaits(tile::KernelOp kernel) {
  kernel.walk([](aref::MmaWaitOp op) {
    if ((op.getPending() == 0 && isCarriedPastBranches(op)) ||
        isCarriedElsewhere(op)) {
      op->setAttr(detachAttrName, UnitAttr::get(op->getContext()));
      return;
    }
    if (op.getPending() != 0 || llvm::none_of(op.getValues(), [](Value value) {
          return value.getDefiningOp<LoopLikeOpInterface>();
        }))
      return;
    Operation *scope = op->getParentOfType<aref::RoleOp>();
    if (!scope)
      scope = op->getParentOfType<tile::KernelOp>();
    bool stores =
        scope->walk([](tile::StoreOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (stores)
      op->setAttr(detachAttrName, UnitAttr::get(op->getContext()));
  });
}

void heddle::holdOperands(tile::KernelOp kernel) {
  // A constant would only be written to a register where a product reads it.
  kernel.walk([](aref::MmaOp mma) {
    if (!isa<RankedTensorType>(mma.getA().getType()))
      return;
    OpBuilder builder(mma);
    mma.getAMutable().assign(aref::PinOp::create(
        builder, mma.getLoc(), mma.getA().getType(), mma.getA()));
  });
  kernel.walk([](aref::MmaWaitOp wait) {
    SmallVector<Value> held;
    for (Value value : wait.getValues())
      for (auto mma = value.getDefiningOp<aref::MmaOp>(); mma;
           mma = mma.getAcc().getDefiningOp<aref::MmaOp>())
        if (isa<RankedTensorType>(mma.getA().getType()))
          held.push_back(mma.getA());
    wait.getHeldMutable().assign(held);
  });
}

namespace {

/// Every register passes through the wait, so that none is touched before.
struct MmaWaitPattern : OpConversionPattern<aref::MmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::MmaWaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    std::string text = "wgmma.wait_group.sync.aligned " +
                       std::to_string(op.getPending()) + ";";
    SmallVector<Value> registers;
    for (ValueRange values : adaptor.getValues())
      registers.append(values.begin(), values.end());
    for (Value reg : registers)
      if (!reg.getType().isF32() && !reg.getType().isInteger(32))
        return op.emitOpError("expected accumulators, found elements of ")
               << reg.getType();
    // Assemblers move what computes across the wait, but not across a loop that
    // they cannot see the end of. This one ends at once.
    if (op.getLate())
      emitInlinePTX(rewriter, loc,
                    "{\n\t"
                    ".reg .pred done;\n"
                    "again:\n\t"
                    "vote.sync.any.pred done, 1, 0xffffffff;\n\t"
                    "@!done bra again;\n\t"
                    "}",
                    "", {});
    SmallVector<Value> held;
    for (ValueRange values : adaptor.getHeld())
      llvm::append_range(held, packRegisters(rewriter, loc, values));
    if (registers.empty()) {
      emitInlinePTX(rewriter, loc, text, getInputs(held), held);
      rewriter.eraseOp(op);
      return success();
    }
    SmallVector<Value> waited = emitTied(rewriter, loc, text, registers, held,
                                         getInputs(held), /*reads=*/true);
    if (op->hasAttr(detachAttrName))
      for (Value &value : waited)
        value = detach(rewriter, loc, value);
    SmallVector<ValueRange> results;
    ArrayRef<Value> rest = waited;
    for (ValueRange values : adaptor.getValues()) {
      results.push_back(rest.take_front(values.size()));
      rest = rest.drop_front(values.size());
    }
    rewriter.replaceOpWithMultiple(op, results);
    return success();
  }
};

} // namespace

void heddle::populateWgmmaPatterns(const TypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<MmaPattern, MmaWaitPattern>(converter, patterns.getContext());
}
