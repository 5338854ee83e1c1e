//===- PipelineMma.cpp - Dots become asynchronous products ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A loop that does nothing but accumulate one dot keeps one product in flight
/// while it issues the next, and so gives slots back one iteration late. Every
/// other dot is waited for where it stands.
///
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"
#include "lib/Transforms/BorrowedTiles.h"
#include "lib/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace heddle {
#define GEN_PASS_DEF_PIPELINEMMA
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

/// A ring slot that a loop borrows and gives back in each iteration.
struct Loan {
  GetOp get;
  ReleaseOp release;
};

class Pipeliner {
public:
  explicit Pipeliner(tile::KernelOp kernel)
      : kernel(kernel), rewriter(kernel.getContext()) {}

  LogicalResult run();

private:
  LogicalResult checkOperand(tile::DotOp dot, Value operand, StringRef name);
  std::optional<SmallVector<Loan>> getLoansToLag(tile::DotOp dot);
  bool fitsWithTwoSlots(ArrayRef<Loan> loans);
  LogicalResult lower(tile::DotOp dot);
  Value getScratch(tile::DotOp dot, Value operand, unsigned number);
  void lag(scf::ForOp loop, Value product, ArrayRef<Loan> loans);

  bool isShared(Value tile) { return bool(BorrowedTiles::getOrigin(tile)); }

  tile::KernelOp kernel;
  IRRewriter rewriter;
  BorrowedTiles tiles;
  llvm::SetVector<GetOp> gets;
  /// Scratch per role, operand number and type.
  llvm::DenseMap<std::tuple<Operation *, unsigned, Type>, Value> scratch;
};

/// 8-bit floats are accumulated with fewer bits than the author asked for if
/// products of several dots meet on the tensor core.
bool needsExactSum(tile::DotOp dot) {
  Type type = dot.getA().getType().getElementType();
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8 &&
         !dot.getFastAccum();
}

LogicalResult Pipeliner::checkOperand(tile::DotOp dot, Value operand,
                                      StringRef name) {
  if (std::string obstacle = BorrowedTiles::getObstacle(operand);
      isShared(operand) && !obstacle.empty())
    return dot.emitError() << "cannot multiply " << name
                           << " from shared memory: " << obstacle;
  auto tile = cast<RankedTensorType>(operand.getType());
  int64_t rowBytes = tile.getShape().back() *
                     llvm::divideCeil(tile.getElementTypeBitWidth(), 8);
  if (rowBytes != 16 && rowBytes % 32 != 0)
    return dot.emitError() << "expected rows of " << name
                           << " of 16 bytes or a multiple of 32, found "
                           << rowBytes << "; " << llvm::alignTo(rowBytes, 32)
                           << " would work";
  return success();
}

bool Pipeliner::fitsWithTwoSlots(ArrayRef<Loan> loans) {
  llvm::SmallPtrSet<Operation *, 4> lagged;
  for (const Loan &loan : loans)
    lagged.insert(GetOp(loan.get).getRing().getDefiningOp());
  int64_t bytes = 0;
  for (RingOp ring : kernel.getOps<RingOp>()) {
    int64_t depth = ring.getMinDepth();
    if (lagged.contains(ring))
      depth = std::max<int64_t>(depth, 2);
    bytes += getRingBytes(ring.getType(), depth);
  }
  for (AllocOp alloc : kernel.getOps<AllocOp>())
    bytes += getAllocBytes(alloc);
  return bytes <= maxSharedBytes;
}

/// The slots that the loop around `dot` would give back one iteration late, or
/// nothing if it cannot.
std::optional<SmallVector<Loan>> Pipeliner::getLoansToLag(tile::DotOp dot) {
  auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
  auto acc = dyn_cast<BlockArgument>(dot.getAcc());
  if (!loop || !acc || acc.getOwner() != loop.getBody() || !acc.hasOneUse() ||
      acc == loop.getInductionVar() || needsExactSum(dot))
    return std::nullopt;
  if (!dot.getResult().hasOneUse() ||
      loop.getTiedLoopYieldedValue(acc)->get() != dot.getResult())
    return std::nullopt;
  // Registers that a product reads may not be overwritten while it is in
  // flight, and nothing says so to those who allocate them.
  if (!isShared(dot.getA()) || !isShared(dot.getB()))
    return std::nullopt;
  WalkResult others = loop.walk([&](Operation *op) {
    bool other = isa<MmaOp>(op) || (isa<tile::DotOp>(op) && op != dot);
    return other ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (others.wasInterrupted())
    return std::nullopt;

  SmallVector<Loan> loans;
  for (Value operand : {dot.getA(), dot.getB()}) {
    GetOp get = BorrowedTiles::getOrigin(operand);
    if (!loop->isAncestor(get) ||
        llvm::any_of(loans, [&](const Loan &loan) { return loan.get == get; }))
      continue;
    if (get->getBlock() != loop.getBody() || !get.getSlot().hasOneUse())
      return std::nullopt;
    auto release = dyn_cast<ReleaseOp>(*get.getSlot().user_begin());
    if (!release || release->getBlock() != loop.getBody() ||
        !dot->isBeforeInBlock(release))
      return std::nullopt;
    auto ring = get.getRing().getDefiningOp<RingOp>();
    std::optional<RequestedStages> stages;
    if (ring)
      stages = getRequestedStages(ring);
    if (!ring || (stages && stages->depth < 2) ||
        (ring.getMaxDepth() && int64_t(*ring.getMaxDepth()) < 2))
      return std::nullopt;
    loans.push_back({get, release});
  }
  if (!fitsWithTwoSlots(loans))
    return std::nullopt;
  return loans;
}

/// A buffer for operand `number` of `dot`, of which each instance of the role
/// has its own.
Value Pipeliner::getScratch(tile::DotOp dot, Value operand, unsigned number) {
  auto tile = cast<RankedTensorType>(operand.getType());
  BufferType type = BufferType::get(
      RankedTensorType::get(tile.getShape(), tile.getElementType()));
  auto role = dot->getParentOfType<RoleOp>();
  int64_t instances = role ? int64_t(role.getInstances()) : 1;
  Operation *owner = role ? role.getOperation() : kernel.getOperation();
  Value &alloc = scratch[{owner, number, type}];
  if (!alloc) {
    OpBuilder::InsertionGuard guard(rewriter);
    if (role)
      rewriter.setInsertionPoint(role);
    else
      rewriter.setInsertionPointToStart(&kernel.getBody().front());
    alloc =
        AllocOp::create(rewriter, dot.getLoc(), type,
                        rewriter.getI64IntegerAttr(instances), IntegerAttr());
  }
  if (instances == 1)
    return alloc;
  return StageOp::create(rewriter, dot.getLoc(), alloc, role.getInstance());
}

/// Keeps one product of `loop` in flight. Slots are given back when the product
/// of the next iteration has been issued, the last ones after the loop.
void Pipeliner::lag(scf::ForOp loop, Value product, ArrayRef<Loan> loans) {
  unsigned sum = 0;
  for (auto [i, yielded] : llvm::enumerate(loop.getYieldedValues()))
    if (yielded == product)
      sum = i;
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  SmallVector<Value> none, slots;
  for (const Loan &loan : loans) {
    GetOp get = loan.get;
    none.push_back(
        NoneOp::create(rewriter, get.getLoc(), get.getSlot().getType()));
    slots.push_back(get.getSlot());
  }
  unsigned numResults = loop.getNumResults();
  auto wider = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
      rewriter, none, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return slots; }));
  rewriter.setInsertionPointAfter(wider);
  Value total = wider.getResult(sum);
  auto wait = MmaWaitOp::create(rewriter, loc, total.getType(), total, 0);
  total.replaceAllUsesExcept(wait.getResult(0), wait);
  for (auto [i, loan] : llvm::enumerate(loans)) {
    ReleaseOp release = loan.release;
    release->setOperand(1, wider.getRegionIterArg(numResults + i));
    ReleaseOp::create(rewriter, release.getLoc(), release.getRing(),
                      wider.getResult(numResults + i));
    auto ring = release.getRing().getDefiningOp<RingOp>();
    ring.setMinDepth(std::max<int64_t>(ring.getMinDepth(), 2));
  }
}

LogicalResult Pipeliner::lower(tile::DotOp dot) {
  bool aInRegisters = !isShared(dot.getA()) && !dot.getTransposeA();
  if ((!aInRegisters && failed(checkOperand(dot, dot.getA(), "a"))) ||
      failed(checkOperand(dot, dot.getB(), "b")))
    return failure();
  std::optional<SmallVector<Loan>> loans = getLoansToLag(dot);
  Location loc = dot.getLoc();
  rewriter.setInsertionPoint(dot);

  Value operands[2] = {dot.getA(), dot.getB()};
  bool stores = false;
  for (unsigned i = 0; i < 2; ++i) {
    Value &operand = operands[i];
    if (i == 0 && aInRegisters)
      continue;
    if (isShared(operand)) {
      gets.insert(BorrowedTiles::getOrigin(operand));
      operand = tiles.getBuffer(operand);
      continue;
    }
    Value buffer = getScratch(dot, operand, i);
    LocalStoreOp::create(rewriter, loc, operand, buffer);
    operand = buffer;
    stores = true;
  }
  if (stores) {
    FenceAsyncOp::create(rewriter, loc);
    SyncOp::create(rewriter, loc);
  }

  Value acc = dot.getAcc();
  bool exact = needsExactSum(dot);
  if (exact)
    acc = arith::ConstantOp::create(rewriter, loc,
                                    rewriter.getZeroAttr(dot.getType()));
  Value product = MmaOp::create(rewriter, loc, acc.getType(), operands[0],
                                operands[1], acc, dot.getTransposeA(),
                                dot.getTransposeB(), dot.getFastAccum());
  Value result = MmaWaitOp::create(rewriter, loc, product.getType(), product,
                                   loans ? 1 : 0)
                     .getResult(0);
  // The next dot may write the scratch that other warps' products still read.
  if (stores)
    SyncOp::create(rewriter, loc);
  if (exact)
    result = arith::AddFOp::create(rewriter, loc, dot.getAcc(), result);
  auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
  rewriter.replaceOp(dot, result);
  if (loans)
    lag(loop, result, *loans);
  return success();
}

LogicalResult Pipeliner::run() {
  SmallVector<tile::DotOp> dots;
  kernel.walk([&](tile::DotOp dot) { dots.push_back(dot); });
  for (tile::DotOp dot : dots)
    if (failed(lower(dot)))
      return failure();
  for (GetOp get : gets)
    tiles.lower(get);
  return success();
}

struct PipelineMma : heddle::impl::PipelineMmaBase<PipelineMma> {
  void runOnOperation() override {
    if (failed(Pipeliner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
