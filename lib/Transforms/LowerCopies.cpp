//===- LowerCopies.cpp - Loads and stores become copies -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/ArgumentView.h"
#include "lib/Analysis/SharedMemory.h"
#include "lib/Analysis/TensorMaps.h"
#include "lib/Transforms/BorrowedTiles.h"
#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Warpgroups.h"

#include "llvm/ADT/SetVector.h"

namespace heddle {
#define GEN_PASS_DEF_LOWERCOPIES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

class CopyLowering {
public:
  explicit CopyLowering(tile::KernelOp kernel)
      : kernel(kernel), b(kernel.getContext()) {
    tma = usesTma(kernel);
  }

  LogicalResult run();

private:
  FailureOr<bool> feedsTf32(RingOp ring, int64_t number);
  bool canPutByTma(RingOp ring);
  void copyByThreads(tile::LoadOp load, Value buffer, bool roundTf32);
  void lowerPut(PutOp put, bool byTma, ArrayRef<bool> roundTf32);
  bool isLeftToCopies(tile::StoreOp store);
  bool canStage(tile::StoreOp store);
  bool isOverwritten(tile::StoreOp store);
  Value emitIsInside(tile::StoreOp store);
  Value getStaging(RoleOp role, BufferType type, Location loc);
  bool stage(RoleOp role, tile::StoreOp store);

  tile::KernelOp kernel;
  OpBuilder b;
  bool tma;
  llvm::DenseMap<std::pair<Operation *, Type>, Value> staging;
};

//===----------------------------------------------------------------------===//
// Puts
//===----------------------------------------------------------------------===//

/// All puts of a ring go one way, since its mbarriers count either copies or
/// warps.
bool CopyLowering::canPutByTma(RingOp ring) {
  if (!tma)
    return false;
  for (Operation *user : ring->getUsers()) {
    auto put = dyn_cast<PutOp>(user);
    if (!put)
      continue;
    for (Value value : put.getValues()) {
      auto load = value.getDefiningOp<tile::LoadOp>();
      if (!load || !getTmaObstacle(load).empty() || !isPadZero(load))
        return false;
    }
  }
  return true;
}

/// Whether products read tile `number` of `ring` as tf32, to which it must then
/// be rounded on the way in. Emits an error if threads read it too.
FailureOr<bool> CopyLowering::feedsTf32(RingOp ring, int64_t number) {
  RankedTensorType tile = ring.getType().getTiles()[number];
  if (!tile.getElementType().isF32())
    return false;
  bool byProducts = false, byThreads = false;
  SmallVector<Value> buffers;
  for (Operation *user : ring->getUsers()) {
    if (auto get = dyn_cast<GetOp>(user))
      byThreads |= !get.getValues()[number].use_empty();
    else if (auto view = dyn_cast<ViewOp>(user))
      if (int64_t(view.getIndex()) == number)
        buffers.push_back(view);
  }
  while (!buffers.empty())
    for (Operation *user : buffers.pop_back_val().getUsers()) {
      byProducts |= isa<MmaOp>(user);
      byThreads |= isa<LocalLoadOp>(user);
      if (isa<RowsOp, ColumnsOp>(user))
        buffers.push_back(user->getResult(0));
    }
  if (byProducts && byThreads)
    return ring.emitError()
           << "tile " << number << " of the ring, " << tile
           << ", is read by products, which need it rounded to tf32, and by "
              "threads, which do not; a ring for each would work";
  return byProducts;
}

/// Whether `load` gives the same result right before `put`.
bool canSink(tile::LoadOp load, PutOp put) {
  if (!load->hasOneUse() || load->getBlock() != put->getBlock())
    return false;
  for (Operation *op = load->getNextNode(); op != put; op = op->getNextNode())
    if (!isMemoryEffectFree(op) &&
        !isa<tile::LoadOp, AcquireOp, CheckOp, CommitOp, FenceAsyncOp,
             LocalStoreOp>(op))
      return false;
  return true;
}

/// The first of the operations that compute what is put, if all of them are in
/// the same block and none is a load.
static Operation *getFirstComputed(PutOp put) {
  Operation *first = put;
  for (Value value : put.getValues()) {
    Operation *op = value.getDefiningOp();
    if (!op || isa<tile::LoadOp>(op) || op->getBlock() != put->getBlock())
      return nullptr;
    if (op->isBeforeInBlock(first))
      first = op;
  }
  return first;
}

/// The rows of `load` that are copied at a time: so few that a thread has at
/// most 16 registers of them, and 32 elements, which may have registers of
/// their own on the way. That is still enough to keep the memory busy.
static int64_t getRowsAtATime(tile::LoadOp load) {
  constexpr int64_t threads = 128, rowsOfPart = 8;
  RankedTensorType tile = load.getType();
  int64_t rows = tile.getDimSize(0);
  if (tile.getRank() != 2 || load.isGather())
    return rows;
  int64_t columns = tile.getDimSize(1);
  int64_t rowBytes = BufferType::get(tile).getBytes() / rows;
  while ((rows * columns > 32 * threads || rows * rowBytes > 64 * threads) &&
         rows % (2 * rowsOfPart) == 0)
    rows /= 2;
  return rows;
}

/// Copies what `load` reads through registers, some rows after the other.
void CopyLowering::copyByThreads(tile::LoadOp load, Value buffer,
                                 bool roundTf32) {
  Location loc = load.getLoc();
  RankedTensorType tile = load.getType();
  int64_t rows = tile.getDimSize(0), step = getRowsAtATime(load);
  for (int64_t row = 0; row < rows; row += step) {
    auto part = cast<tile::LoadOp>(b.clone(*load));
    Value destination = buffer;
    if (step < rows) {
      auto type = tile.clone(SmallVector<int64_t>{step, tile.getDimSize(1)});
      part.getResult().setType(type);
      b.setInsertionPoint(part);
      Value first = arith::ConstantIndexOp::create(b, loc, row);
      OpOperand &offset = part.getOffsetsMutable()[part.getNumOuterDims()];
      offset.set(arith::AddIOp::create(b, loc, offset.get(), first));
      b.setInsertionPointAfter(part);
      destination = RowsOp::create(
          b, loc,
          BorrowedTiles::getPart(cast<BufferType>(buffer.getType()), type),
          buffer, first);
    }
    Value value = part;
    if (roundTf32)
      value = RoundTF32Op::create(b, loc, value);
    LocalStoreOp::create(b, loc, value, destination);
  }
}

void CopyLowering::lowerPut(PutOp put, bool byTma, ArrayRef<bool> roundTf32) {
  Location loc = put.getLoc();
  Value ring = put.getRing();
  auto slotType =
      SlotType::get(b.getContext(), put.getRing().getType().getTiles());
  // What threads compute, they store at once, so that few tiles are in
  // registers at a time.
  Operation *first = getFirstComputed(put);
  b.setInsertionPoint(first ? first : put);
  Value slot = AcquireOp::create(b, loc, slotType, ring);
  llvm::SetVector<tile::LoadOp> loads;
  int64_t bytes = 0;
  for (auto [i, value] : llvm::enumerate(put.getValues())) {
    auto load = value.getDefiningOp<tile::LoadOp>();
    BufferType type = BufferType::get(cast<RankedTensorType>(value.getType()));
    if (first)
      b.setInsertionPointAfterValue(value);
    else
      b.setInsertionPoint(put);
    Value buffer = ViewOp::create(b, loc, type, ring, slot, i);
    if (byTma) {
      ArgumentView part = *ArgumentView::get(load.getView());
      CopyInOp::create(b, load.getLoc(), part.getArgument(),
                       part.getOffsets(b, load.getLoc(), load.getOffsets()),
                       buffer, ring, slot,
                       part.getDimsOfTile(type.getShape().size()), roundTf32[i],
                       /*multicast=*/false);
      bytes += type.getBytes();
      loads.insert(load);
      continue;
    }
    if (load && canSink(load, put)) {
      copyByThreads(load, buffer, roundTf32[i]);
      loads.insert(load);
      continue;
    }
    if (roundTf32[i])
      value = RoundTF32Op::create(b, loc, value);
    LocalStoreOp::create(b, loc, value, buffer);
  }
  b.setInsertionPoint(put);
  if (!byTma)
    FenceAsyncOp::create(b, loc);
  CommitOp::create(b, loc, ring, slot,
                   byTma ? b.getI64IntegerAttr(bytes) : IntegerAttr(),
                   /*async=*/false);
  put.erase();
  for (tile::LoadOp load : loads)
    if (load->use_empty())
      load.erase();
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

/// Whether the TMA can do what `store` does, if that may happen later.
bool canCopyOut(tile::StoreOp store) {
  RankedTensorType tile = store.getValue().getType();
  if (auto kind = store.getReduce()) {
    Type element = tile.getElementType();
    bool canReduce = *kind == tile::ReduceKind::Add
                         ? !element.isInteger(64) && !isa<Float64Type>(element)
                         : element.isInteger();
    if (!canReduce)
      return false;
  }
  return tile.getRank() == 2 && getTmaObstacle(store.getView(), tile).empty() &&
         llvm::all_of(store.getOffsets(), isKnownNonNegative);
}

/// Whether copies do all of what `store` does. What is outside of a part of an
/// argument, threads drop themselves, and nothing orders what they write and
/// what copies do.
bool CopyLowering::isLeftToCopies(tile::StoreOp store) {
  return canCopyOut(store) && (ArgumentView::get(store.getView())->isWhole() ||
                               !isOverwritten(store));
}

/// Whether `store` is in a loop that computes products in each iteration.
/// There, ptxas takes waits for the buffer of a copy for waits for products.
bool isBetweenProducts(tile::StoreOp store) {
  for (Operation *op = store->getParentOp(); !isa<tile::KernelOp>(op);
       op = op->getParentOp())
    if (isa<LoopLikeOpInterface>(op) &&
        !op->hasAttr(ArefDialect::getBlocksAttrName()) &&
        op->walk([](MmaOp) {
            return WalkResult::interrupt();
          }).wasInterrupted())
      return true;
  return false;
}

/// Whether `store` may write after the operations that follow it have started.
bool CopyLowering::canStage(tile::StoreOp store) {
  if (!isLeftToCopies(store) || isBetweenProducts(store))
    return false;
  Value root = getRootView(store.getView());
  WalkResult conflict = kernel.walk([&](Operation *op) {
    Value view;
    if (auto load = dyn_cast<tile::LoadOp>(op))
      view = load.getView();
    else if (auto copy = dyn_cast<CopyInOp>(op))
      view = copy.getView();
    else if (auto load = dyn_cast<memref::LoadOp>(op))
      view = load.getMemRef();
    else if (auto other = dyn_cast<memref::StoreOp>(op))
      view = other.getMemRef();
    else if (auto other = dyn_cast<tile::StoreOp>(op))
      view = other.getView();
    if (!view || getRootView(view) != root)
      return WalkResult::advance();
    auto other = dyn_cast<tile::StoreOp>(op);
    return other && isLeftToCopies(other) ? WalkResult::advance()
                                          : WalkResult::interrupt();
  });
  return !conflict.wasInterrupted();
}

/// Whether a block may store to the same place more than once, so that copies
/// must be done before the next one starts. Reductions of one kind need not.
bool CopyLowering::isOverwritten(tile::StoreOp store) {
  Value root = getRootView(store.getView());
  int stores = 0;
  bool sameReduction = bool(store.getReduce());
  auto visit = [&](Value view, std::optional<tile::ReduceKind> kind) {
    if (getRootView(view) != root)
      return;
    ++stores;
    sameReduction &= kind == store.getReduce();
  };
  kernel.walk([&](Operation *op) {
    if (auto other = dyn_cast<tile::StoreOp>(op))
      visit(other.getView(), other.getReduce());
    if (auto copy = dyn_cast<CopyOutOp>(op))
      visit(copy.getView(), copy.getReduce());
  });
  if (sameReduction)
    return false;
  for (Operation *op = store->getParentOp(); op != kernel;
       op = op->getParentOp())
    if (isa<LoopLikeOpInterface>(op) &&
        !op->hasAttr(ArefDialect::getBlocksAttrName()))
      return true;
  return stores > 1;
}

/// A buffer per instance of `role`, or null if rings would have to be shorter
/// than is good for them.
Value CopyLowering::getStaging(RoleOp role, BufferType type, Location loc) {
  Value &known = staging[{role, type}];
  if (known)
    return known;
  int64_t instances = role.getInstances();
  int64_t bytes = instances * getStageBytes(type);
  for (AllocOp alloc : kernel.getOps<AllocOp>())
    bytes += getAllocBytes(alloc);
  for (RingOp ring : kernel.getOps<RingOp>()) {
    int64_t depth = ring.getMinDepth();
    if (isUsedInInnerLoop(ring))
      depth = std::max<int64_t>(depth, 2);
    if (auto stages = getRequestedStages(ring))
      depth = std::max(depth, stages->depth);
    if (ring.getType().isPlanned())
      depth = ring.getType().getDepth();
    bytes += getRingBytes(ring.getType(), depth);
  }
  if (bytes > maxSharedBytes)
    return {};
  // Next to the rings: what the roles share comes before them.
  b.setInsertionPoint(*kernel.getOps<RoleOp>().begin());
  return known = AllocOp::create(b, loc, type, b.getI64IntegerAttr(instances),
                                 IntegerAttr());
}

/// Whether no element of the tile is outside of the view.
Value CopyLowering::emitIsInside(tile::StoreOp store) {
  Location loc = store.getLoc();
  RankedTensorType tile = store.getValue().getType();
  int64_t outer = int64_t(store.getOffsets().size()) - tile.getRank();
  Value result;
  for (auto [dim, offset] : llvm::enumerate(store.getOffsets())) {
    int64_t extent = int64_t(dim) < outer ? 1 : tile.getDimSize(dim - outer);
    Value end = arith::AddIOp::create(
        b, loc, offset, arith::ConstantIndexOp::create(b, loc, extent));
    Value size = b.createOrFold<memref::DimOp>(loc, store.getView(), dim);
    Value fits = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle,
                                               end, size);
    result = result ? b.createOrFold<arith::AndIOp>(loc, result, fits) : fits;
  }
  return result;
}

/// Copies the tile out through shared memory, with one instruction for all that
/// is inside of an argument. Of a part of one it can only copy whole tiles:
/// those that overhang, threads store.
bool CopyLowering::stage(RoleOp role, tile::StoreOp store) {
  Location loc = store.getLoc();
  Value buffer =
      getStaging(role, BufferType::get(store.getValue().getType()), loc);
  if (!buffer)
    return false;
  b.setInsertionPoint(store);
  bool isAgain = isOverwritten(store);
  ArgumentView part = *ArgumentView::get(store.getView());
  if (!part.isWhole()) {
    auto branch = scf::IfOp::create(b, loc, emitIsInside(store),
                                    /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.elseBlock());
    b.clone(*store);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  DrainOp::create(b, loc, /*pending=*/0, /*complete=*/isAgain);
  SyncOp::create(b, loc);
  if (role.getInstances() > 1)
    buffer = StageOp::create(b, loc, buffer, role.getInstance());
  LocalStoreOp::create(b, loc, store.getValue(), buffer);
  FenceAsyncOp::create(b, loc);
  SyncOp::create(b, loc);
  CopyOutOp::create(b, loc, buffer, part.getArgument(),
                    part.getOffsets(b, loc, store.getOffsets()),
                    part.getDimsOfTile(store.getValue().getType().getRank()),
                    store.getReduceAttr());
  return true;
}

LogicalResult CopyLowering::run() {
  for (RingOp ring : kernel.getOps<RingOp>()) {
    bool byTma = canPutByTma(ring);
    SmallVector<bool> roundTf32;
    for (size_t i = 0; i < ring.getType().getTiles().size(); ++i) {
      FailureOr<bool> rounds = feedsTf32(ring, i);
      if (failed(rounds))
        return failure();
      roundTf32.push_back(*rounds);
    }
    SmallVector<PutOp> puts;
    for (Operation *user : ring->getUsers())
      if (auto put = dyn_cast<PutOp>(user))
        puts.push_back(put);
    for (PutOp put : puts)
      lowerPut(put, byTma, roundTf32);
  }
  BorrowedTiles tiles;
  SmallVector<GetOp> gets;
  kernel.walk([&](GetOp get) { gets.push_back(get); });
  for (GetOp get : gets)
    tiles.lower(get);
  if (!tma)
    return success();

  for (RoleOp role : kernel.getOps<RoleOp>()) {
    SmallVector<tile::StoreOp> stores, staged;
    role.walk([&](tile::StoreOp store) { stores.push_back(store); });
    // Decide before anything changes: stores to one view go the same way.
    llvm::erase_if(stores,
                   [&](tile::StoreOp store) { return !canStage(store); });
    llvm::DenseSet<Value> kept;
    for (tile::StoreOp store : stores)
      if (!getStaging(role, BufferType::get(store.getValue().getType()),
                      store.getLoc()))
        kept.insert(getRootView(store.getView()));
    for (tile::StoreOp store : stores)
      if (!kept.contains(getRootView(store.getView())) && stage(role, store))
        staged.push_back(store);
    if (staged.empty())
      continue;
    for (tile::StoreOp store : staged)
      store.erase();
    b.setInsertionPointToEnd(&role.getBody().front());
    DrainOp::create(b, role.getLoc(), /*pending=*/0, /*complete=*/true);
  }
  // A staging buffer that a store to the same view could not have is useless.
  for (auto &[key, buffer] : staging)
    if (buffer && buffer.use_empty())
      buffer.getDefiningOp()->erase();
  return success();
}

struct LowerCopies : heddle::impl::LowerCopiesBase<LowerCopies> {
  void runOnOperation() override {
    if (failed(CopyLowering(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
