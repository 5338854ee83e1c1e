//===- PipelineMma.cpp - Dots become asynchronous products ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A loop whose dots do nothing but sum up from one iteration to the next keeps
/// their products in flight while it starts the next ones, and so gives slots
/// back one iteration late. Every other product is waited for where its result
/// is needed, or what it reads in registers is overwritten.
///
/// Products drop the low bits of f32 operands, which a dot with tf32 precision
/// rounds: those in registers here, those in rings on their way into the ring.
///
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"
#include "lib/Transforms/BorrowedTiles.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Warpgroups.h"

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

/// A product of the block that is being lowered.
struct Product {
  MmaOp mma;
  /// The gets of the slots that it reads.
  SmallVector<GetOp, 2> gets;
  /// Releases of these slots, which follow the wait.
  SmallVector<ReleaseOp, 2> releases;
  /// Reads scratch, which other warps may write after the wait only.
  bool usesScratch = false;
  /// A later product adds to its sum: there is nothing to hand on.
  bool isContinued = false;
};

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
  bool addLoans(scf::ForOp loop, tile::DotOp dot, SmallVectorImpl<Loan> &loans);
  std::optional<SmallVector<Loan>> getLoansToLag(scf::ForOp loop,
                                                 ArrayRef<tile::DotOp> dots);
  bool fitsWithTwoSlots(ArrayRef<Loan> loans);
  int64_t getLeastSharedBytes(const llvm::SmallPtrSetImpl<Operation *> &lagged);
  Value getScratch(tile::DotOp dot, Value operand, unsigned number);
  Value issue(tile::DotOp dot, Value acc, bool &usesScratch);
  void lowerBlock(Block &block);
  void start(tile::DotOp dot);
  /// Waits, before `op`, for the first `count` products in flight.
  void retire(size_t count, Operation *op);
  size_t countNeeded(Operation *op);
  void release(ReleaseOp op);
  void lowerLoop(scf::ForOp loop, ArrayRef<tile::DotOp> dots,
                 ArrayRef<Loan> loans);

  void findExactTiles();
  bool isShared(Value tile);
  bool needsScratch(tile::DotOp dot);
  bool storesA(tile::DotOp dot);
  bool lacksRegistersForA(tile::DotOp dot);
  bool readsOtherwise(Operation *op, Value a);

  tile::KernelOp kernel;
  IRRewriter rewriter;
  BorrowedTiles tiles;
  llvm::SetVector<GetOp> gets;
  /// The block's products that were not waited for yet, in order.
  SmallVector<Product> inFlight;
  /// Tiles of f32 in rings that are more than operands, and so not rounded.
  llvm::DenseSet<Value> exactTiles;
  /// Scratch per role, operand number and type.
  llvm::DenseMap<std::tuple<Operation *, unsigned, Type>, Value> scratch;
  /// Whether registers lack room for what is to the left of a product.
  llvm::DenseMap<Operation *, bool> lacksRegisters;
  /// What such a buffer holds: products of one operand need it only once.
  llvm::DenseMap<Value, LocalStoreOp> stored;
};

/// 8-bit floats are accumulated with fewer bits than the author asked for if
/// products of several dots meet on the tensor core.
bool needsExactSum(tile::DotOp dot) {
  Type type = dot.getA().getType().getElementType();
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8 &&
         !dot.getFastAccum();
}

/// Whether `tile`, borrowed from a ring, is used but by products.
bool hasOtherUses(Value tile) {
  return llvm::any_of(tile.getUses(), [](OpOperand &use) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner()))
      return hasOtherUses(slice.getResult());
    auto dot = dyn_cast<tile::DotOp>(use.getOwner());
    return !dot || use.get() == dot.getAcc();
  });
}

void Pipeliner::findExactTiles() {
  llvm::DenseSet<std::pair<Value, unsigned>> exact;
  auto visit = [&](auto action) {
    kernel.walk([&](GetOp get) {
      for (auto [i, tile] : llvm::enumerate(get.getValues()))
        if (getElementTypeOrSelf(tile).isF32())
          action(tile, std::pair(Value(get.getRing()), unsigned(i)));
    });
  };
  visit([&](Value tile, auto key) {
    if (hasOtherUses(tile))
      exact.insert(key);
  });
  visit([&](Value tile, auto key) {
    if (exact.contains(key))
      exactTiles.insert(tile);
  });
}

/// Whether a product can read `tile` where it is, in a ring.
bool Pipeliner::isShared(Value tile) {
  if (!BorrowedTiles::getOrigin(tile))
    return false;
  while (auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>())
    tile = slice.getSource();
  return !exactTiles.contains(tile);
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
  return getLeastSharedBytes(lagged) <= maxSharedBytes;
}

/// The shared memory of rings that are as short as may be, those of `lagged`
/// with two slots, and of what else there is by now.
int64_t Pipeliner::getLeastSharedBytes(
    const llvm::SmallPtrSetImpl<Operation *> &lagged) {
  int64_t bytes = 0;
  for (RingOp ring : kernel.getOps<RingOp>()) {
    int64_t depth = ring.getMinDepth();
    if (lagged.contains(ring))
      depth = std::max<int64_t>(depth, 2);
    bytes += getRingBytes(ring.getType(), depth);
  }
  for (AllocOp alloc : kernel.getOps<AllocOp>())
    bytes += getAllocBytes(alloc);
  return bytes;
}

/// Adds the slots that `dot` reads and that an iteration of `loop` borrows and
/// gives back after it. Returns false if it does anything else with them.
bool Pipeliner::addLoans(scf::ForOp loop, tile::DotOp dot,
                         SmallVectorImpl<Loan> &loans) {
  for (Value operand : {dot.getA(), dot.getB()}) {
    GetOp get = BorrowedTiles::getOrigin(operand);
    if (!loop->isAncestor(get))
      continue;
    if (get->getBlock() != loop.getBody() || !get.getSlot().hasOneUse())
      return false;
    auto release = dyn_cast<ReleaseOp>(*get.getSlot().user_begin());
    if (!release || release->getBlock() != loop.getBody() ||
        !dot->isBeforeInBlock(release))
      return false;
    auto ring = get.getRing().getDefiningOp<RingOp>();
    if (!ring || (ring.getMaxDepth() && int64_t(*ring.getMaxDepth()) < 2))
      return false;
    if (auto stages = getRequestedStages(ring); stages && stages->depth < 2)
      return false;
    if (llvm::none_of(loans, [&](const Loan &loan) { return loan.get == get; }))
      loans.push_back({get, release});
  }
  return true;
}

/// The slots that `loop` would give back one iteration late, or nothing if it
/// cannot keep the products of `dots`, all that are in it, in flight.
std::optional<SmallVector<Loan>>
Pipeliner::getLoansToLag(scf::ForOp loop, ArrayRef<tile::DotOp> dots) {
  size_t products = 0;
  loop.walk([&](Operation *op) { products += isa<MmaOp, tile::DotOp>(op); });
  if (products != dots.size())
    return std::nullopt;
  SmallVector<Loan> loans;
  for (tile::DotOp dot : dots) {
    auto acc = dyn_cast<BlockArgument>(dot.getAcc());
    if (dot->getParentOp() != loop || !acc ||
        acc.getOwner() != loop.getBody() || !acc.hasOneUse() ||
        acc == loop.getInductionVar() || needsExactSum(dot))
      return std::nullopt;
    if (!dot.getResult().hasOneUse() ||
        loop.getTiedLoopYieldedValue(acc)->get() != dot.getResult())
      return std::nullopt;
    // Registers that a product reads may not be overwritten while it is in
    // flight, and nothing says so to those who allocate them.
    if (!isShared(dot.getA()) || !isShared(dot.getB()) ||
        !addLoans(loop, dot, loans))
      return std::nullopt;
  }
  if (!fitsWithTwoSlots(loans))
    return std::nullopt;
  return loans;
}

/// A buffer for operand `number` of `dot`, of which each instance of the role
/// has its own.
Value Pipeliner::getScratch(tile::DotOp dot, Value operand, unsigned number) {
  auto type = BufferType::get(cast<RankedTensorType>(operand.getType()));
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

static Value getScratchAlloc(Value buffer) {
  auto stage = buffer.getDefiningOp<StageOp>();
  return stage ? stage->getOperand(0) : buffer;
}

/// Whether `last` is before `dot` in its block, and only operations without
/// regions are in between.
static bool isStraightTo(Operation *last, Operation *dot) {
  for (Operation *op = dot->getPrevNode(); op; op = op->getPrevNode()) {
    if (op == last)
      return true;
    if (op->getNumRegions() != 0)
      return false;
  }
  return false;
}

/// Whether a left operand that no ring holds goes through shared memory: if the
/// product reads columns, or if registers lack room for it.
bool Pipeliner::storesA(tile::DotOp dot) {
  if (dot.getTransposeA())
    return true;
  // What is allocated for others must not change the answer.
  auto [known, isNew] = lacksRegisters.try_emplace(dot);
  if (isNew)
    known->second = lacksRegistersForA(dot);
  return known->second;
}

/// Whether registers do not hold the left operand beside what the loop carries
/// and a sum that begins with it, and shared memory does.
bool Pipeliner::lacksRegistersForA(tile::DotOp dot) {
  auto role = dot->getParentOfType<RoleOp>();
  auto loop = dot->getParentOfType<scf::ForOp>();
  if (!role || !loop)
    return false;
  auto count = [&](Value value) -> int64_t {
    auto tile = dyn_cast<RankedTensorType>(value.getType());
    if (!tile || !tile.getElementType().isIntOrFloat())
      return 0;
    int64_t bits = tile.getNumElements() * tile.getElementTypeBitWidth();
    return bits / (32 * 32 * int64_t(role.getWarps()));
  };
  int64_t needed = otherRegisters;
  for (Value carried : loop.getRegionIterArgs())
    needed += count(carried);
  if (!llvm::is_contained(loop.getRegionIterArgs(), dot.getA()))
    needed += count(dot.getA());
  // Other sums go on in the registers of what they are added to.
  if (matchPattern(dot.getAcc(), m_Constant()))
    needed += count(dot.getResult());
  int64_t own = role.getRegisters();
  if (needed <= (own ? own : maxRegisters))
    return false;
  auto buffer = BufferType::get(dot.getA().getType());
  int64_t bytes = 0;
  if (!scratch.contains({role.getOperation(), 0u, Type(buffer)}))
    bytes = int64_t(role.getInstances()) * getStageBytes(buffer);
  return getLeastSharedBytes(llvm::SmallPtrSet<Operation *, 4>()) + bytes <=
         maxSharedBytes;
}

/// Starts the product of `dot` on top of `acc`.
Value Pipeliner::issue(tile::DotOp dot, Value acc, bool &usesScratch) {
  Location loc = dot.getLoc();
  Value operands[2] = {dot.getA(), dot.getB()};
  bool stores = false;
  for (unsigned i = 0; i < 2; ++i) {
    Value &operand = operands[i];
    if (isShared(operand)) {
      gets.insert(BorrowedTiles::getOrigin(operand));
      operand = tiles.getBuffer(operand);
      continue;
    }
    if (getElementTypeOrSelf(operand).isF32())
      operand = RoundTF32Op::create(rewriter, loc, operand);
    if (i == 1 || storesA(dot)) {
      Value buffer = getScratch(dot, operand, i);
      usesScratch = true;
      LocalStoreOp &last = stored[getScratchAlloc(buffer)];
      if (!last || last.getValue() != operand || !isStraightTo(last, dot)) {
        last = LocalStoreOp::create(rewriter, loc, operand, buffer);
        stores = true;
      }
      operand = buffer;
    }
  }
  if (stores) {
    FenceAsyncOp::create(rewriter, loc);
    SyncOp::create(rewriter, loc);
  }
  return MmaOp::create(rewriter, loc, acc.getType(), operands[0], operands[1],
                       acc, dot.getTransposeA(), dot.getTransposeB(),
                       dot.getFastAccum());
}

/// Says so if the sums of `dots`, which are live at once, do not fit in
/// registers. A kernel without TMA is what another one falls back on, which is
/// slow anyway.
void checkRegisters(ArrayRef<tile::DotOp> dots) {
  tile::DotOp first = dots.front();
  auto role = first->getParentOfType<RoleOp>();
  auto kernel = first->getParentOfType<tile::KernelOp>();
  if (!role || !usesTma(kernel))
    return;
  int64_t own = role.getRegisters();
  int64_t limit = own ? own : maxRegisters;
  int64_t threads = 32 * int64_t(role.getWarps()), sums = 0;
  bool exact = false;
  for (tile::DotOp dot : dots) {
    int64_t part = dot.getType().getNumElements() / threads;
    // Products are summed apart before they are added.
    sums += needsExactSum(dot) ? 2 * part : part;
    exact |= needsExactSum(dot);
  }
  if (sums + otherRegisters <= limit)
    return;
  InFlightDiagnostic warning =
      first.emitWarning()
      << "the sums take " << sums << " registers of every thread, which has "
      << limit << " and needs " << otherRegisters
      << " of them for other values: some will be spilled to memory, and "
         "products may run one by one; use a smaller tile";
  if (exact)
    warning << " or fast_accum, which takes half as many";
}

/// Whether `op` computes a scalar in few instructions, none of which branches:
/// ptxas runs products one by one if a function is called while they are in
/// flight, as divisions of 64 bits do.
bool isCheapScalar(Operation *op) {
  if (isa<arith::DivUIOp, arith::RemUIOp, arith::DivSIOp, arith::RemSIOp>(op))
    return op->getResult(0).getType().isInteger(32);
  return isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::AddIOp,
             arith::SubIOp, arith::MulIOp, arith::MinUIOp, arith::MinSIOp,
             arith::MaxUIOp, arith::MaxSIOp>(op) &&
         !isa<ShapedType>(op->getResult(0).getType());
}

/// Moves scalars of which nothing is needed before `loop` ends behind it, where
/// the last products are still in flight and hide how long they take.
void sinkScalars(scf::ForOp loop) {
  Block *block = loop->getBlock();
  for (Operation *op = loop->getPrevNode(); op;) {
    Operation *previous = op->getPrevNode();
    bool isNeededLater = !op->use_empty() && isCheapScalar(op) &&
                         llvm::all_of(op->getUsers(), [&](Operation *user) {
                           Operation *ancestor =
                               block->findAncestorOpInBlock(*user);
                           return ancestor && loop->isBeforeInBlock(ancestor);
                         });
    if (isNeededLater)
      op->moveAfter(loop);
    op = previous;
  }
}

/// Keeps the products of one iteration of `loop` in flight until those of the
/// next have been started, and gives back their slots then; those of the last
/// iteration after the loop.
void Pipeliner::lowerLoop(scf::ForOp loop, ArrayRef<tile::DotOp> dots,
                          ArrayRef<Loan> loans) {
  SmallVector<Value> products;
  SmallVector<unsigned> sums;
  for (tile::DotOp dot : dots) {
    rewriter.setInsertionPoint(dot);
    bool usesScratch = false;
    products.push_back(issue(dot, dot.getAcc(), usesScratch));
    sums.push_back(cast<BlockArgument>(dot.getAcc()).getArgNumber() -
                   loop.getNumInductionVars());
  }
  tile::DotOp last = dots.back();
  rewriter.setInsertionPointAfter(last);
  auto wait =
      MmaWaitOp::create(rewriter, last.getLoc(), products, products.size());
  Operation *after = wait;
  for (const Loan &loan : loans) {
    ReleaseOp release = loan.release;
    if (release->isBeforeInBlock(wait)) {
      release->moveAfter(after);
      after = release;
    }
  }
  for (auto [dot, result] : llvm::zip_equal(dots, wait.getResults()))
    rewriter.replaceOp(dot, result);

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
  SmallVector<Location> locs;
  for (BlockArgument argument : loop.getBody()->getArguments())
    locs.push_back(argument.getLoc());
  auto wider = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
      rewriter, none, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return slots; }));
  for (auto [argument, argumentLoc] :
       llvm::zip(wider.getBody()->getArguments(), locs))
    argument.setLoc(argumentLoc);
  for (BlockArgument last : wider.getRegionIterArgs().drop_front(numResults))
    last.setLoc(NameLoc::get(rewriter.getStringAttr("last"), loc));
  rewriter.setInsertionPointAfter(wider);
  SmallVector<Value> totals;
  for (unsigned sum : sums)
    totals.push_back(wider.getResult(sum));
  auto done = MmaWaitOp::create(rewriter, loc, totals, 0);
  for (auto [total, result] : llvm::zip_equal(totals, done.getResults()))
    total.replaceAllUsesExcept(result, done);
  for (auto [i, loan] : llvm::enumerate(loans)) {
    ReleaseOp release = loan.release;
    release->setOperand(1, wider.getRegionIterArg(numResults + i));
    ReleaseOp::create(rewriter, release.getLoc(), release.getRing(),
                      wider.getResult(numResults + i));
    auto ring = release.getRing().getDefiningOp<RingOp>();
    ring.setMinDepth(std::max<int64_t>(ring.getMinDepth(), 2));
  }
  sinkScalars(wider);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Whether the product of `dot` reads what its role's threads write to shared
/// memory for it.
bool Pipeliner::needsScratch(tile::DotOp dot) {
  return !isShared(dot.getB()) || (storesA(dot) && !isShared(dot.getA()));
}

/// Starts the product of `dot`. Products with exact sums are waited for at
/// once: the sum is added afterwards.
void Pipeliner::start(tile::DotOp dot) {
  Location loc = dot.getLoc();
  rewriter.setInsertionPoint(dot);
  Value acc = dot.getAcc();
  bool exact = needsExactSum(dot);
  if (exact)
    acc = arith::ConstantOp::create(rewriter, loc,
                                    rewriter.getZeroAttr(dot.getType()));
  Product product;
  for (Value operand : {dot.getA(), dot.getB()})
    if (isShared(operand))
      product.gets.push_back(BorrowedTiles::getOrigin(operand));
  for (Product &other : inFlight)
    other.isContinued |= other.mma.getResult() == acc;
  Value result = issue(dot, acc, product.usesScratch);
  product.mma = result.getDefiningOp<MmaOp>();
  inFlight.push_back(std::move(product));
  if (!exact) {
    rewriter.replaceOp(dot, result);
    return;
  }
  auto sum = arith::AddFOp::create(rewriter, loc, dot.getAcc(), result);
  rewriter.replaceOp(dot, sum);
  retire(inFlight.size(), sum);
}

/// Whether floats are computed between `wait` and the product that is started
/// or waited for last. Indices are quick.
static bool computesSinceLastStep(MmaWaitOp wait) {
  for (Operation *op = wait->getPrevNode(); op && !isa<MmaOp, MmaWaitOp>(op);
       op = op->getPrevNode()) {
    WalkResult computes = op->walk([](Operation *nested) {
      bool isFloat = llvm::any_of(nested->getResultTypes(), [](Type type) {
        return isa<RankedTensorType>(type) &&
               isa<FloatType>(getElementTypeOrSelf(type));
      });
      return isFloat && (nested->hasTrait<OpTrait::Elementwise>() ||
                         isa<tile::ReduceOp, tile::ScanOp, tile::RecurrenceOp>(
                             nested))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (computes.wasInterrupted())
      return true;
  }
  return false;
}

void Pipeliner::retire(size_t count, Operation *op) {
  if (count == 0)
    return;
  rewriter.setInsertionPoint(op);
  auto done = MutableArrayRef(inFlight).take_front(count);
  SmallVector<Value> values;
  bool usedScratch = false;
  for (Product &product : done) {
    usedScratch |= product.usesScratch;
    if (!product.isContinued)
      values.push_back(product.mma.getResult());
  }
  auto wait = MmaWaitOp::create(rewriter, done.back().mma.getLoc(), values,
                                inFlight.size() - count);
  wait.setLate(computesSinceLastStep(wait));
  for (auto [value, result] : llvm::zip_equal(values, wait.getResults()))
    value.replaceAllUsesExcept(result, wait);
  for (Product &product : done)
    for (ReleaseOp release : product.releases)
      release->moveBefore(op);
  if (usedScratch)
    SyncOp::create(rewriter, wait.getLoc());
  inFlight.erase(inFlight.begin(), inFlight.begin() + count);
}

/// Whether `op` reads the tile `a` but as what it multiplies in registers.
bool Pipeliner::readsOtherwise(Operation *op, Value a) {
  if (!isa<RankedTensorType>(a.getType()))
    return false;
  return llvm::any_of(a.getUses(), [&](OpOperand &use) {
    if (!op->isAncestor(use.getOwner()))
      return false;
    auto dot = dyn_cast<tile::DotOp>(use.getOwner());
    return !dot || storesA(dot) || &use != &dot.getAMutable();
  });
}

/// How many of the products in flight `op` must wait for.
size_t Pipeliner::countNeeded(Operation *op) {
  auto dot = dyn_cast<tile::DotOp>(op);
  // What a loop does while products are in flight is not looked at. Stores and
  // inverses are conditional, which ptxas answers by running products one by
  // one.
  if (op->hasTrait<OpTrait::IsTerminator>() ||
      isa<LoopLikeOpInterface, tile::StoreOp, tile::TriInverseOp>(op))
    return inFlight.size();
  WalkResult multiplies = op->walk([&](tile::DotOp nested) {
    return nested == op ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (multiplies.wasInterrupted())
    return inFlight.size();
  // The operation that computes what is carried in place of a tile that a
  // product reads in registers writes these registers.
  DenseSet<Value> overwritten;
  if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp()))
    for (auto [argument, yielded] :
         llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues()))
      if (yielded.getDefiningOp() == op)
        overwritten.insert(argument);
  for (size_t count = inFlight.size(); count > 0; --count) {
    Product &product = inFlight[count - 1];
    if (overwritten.contains(product.mma.getA()))
      return count;
    if (dot && product.usesScratch && needsScratch(dot))
      return count;
    // Only products may read what a product reads in registers.
    if (readsOtherwise(op, product.mma.getA()))
      return count;
    for (OpOperand &use : product.mma.getResult().getUses()) {
      if (!op->isAncestor(use.getOwner()))
        continue;
      bool adds = dot && use.get() == dot.getAcc() && !needsExactSum(dot) &&
                  product.mma.getResult().hasOneUse();
      if (!adds)
        return count;
    }
  }
  return 0;
}

/// A slot is given back after the last product that reads it.
void Pipeliner::release(ReleaseOp op) {
  for (Product &product : llvm::reverse(inFlight))
    for (GetOp get : product.gets)
      if (get.getSlot() == op.getSlot()) {
        product.releases.push_back(op);
        return;
      }
}

/// Starts the products of `block` where its dots are and waits for each where
/// its result is needed, or at the end.
void Pipeliner::lowerBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto given = dyn_cast<ReleaseOp>(op)) {
      release(given);
      continue;
    }
    retire(countNeeded(&op), &op);
    if (auto dot = dyn_cast<tile::DotOp>(op)) {
      checkRegisters(dot);
      start(dot);
    }
  }
}

LogicalResult Pipeliner::run() {
  findExactTiles();
  // The dots of each innermost loop, or of what is in no loop.
  llvm::MapVector<Operation *, SmallVector<tile::DotOp>> groups;
  WalkResult checked = kernel.walk([&](tile::DotOp dot) -> WalkResult {
    groups[dot->getParentOfType<LoopLikeOpInterface>()].push_back(dot);
    bool inRegisters = !isShared(dot.getA()) && !storesA(dot);
    if (!inRegisters && failed(checkOperand(dot, dot.getA(), "a")))
      return WalkResult::interrupt();
    return WalkResult(checkOperand(dot, dot.getB(), "b"));
  });
  if (checked.wasInterrupted())
    return failure();
  llvm::SetVector<Block *> blocks;
  for (auto &[op, dots] : groups) {
    auto loop = dyn_cast_or_null<scf::ForOp>(op);
    std::optional<SmallVector<Loan>> loans;
    if (loop)
      loans = getLoansToLag(loop, dots);
    if (loans) {
      checkRegisters(dots);
      lowerLoop(loop, dots, *loans);
      continue;
    }
    for (tile::DotOp dot : dots)
      blocks.insert(dot->getBlock());
  }
  for (Block *block : blocks)
    lowerBlock(*block);
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
