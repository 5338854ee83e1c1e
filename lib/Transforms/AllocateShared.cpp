//===- AllocateShared.cpp - Addresses in shared memory --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Buffers come first, from the start of the kernel's shared memory, then
/// mbarriers. Two buffers share bytes only if both are scratch: all their uses
/// are in one block, the first one writes the whole buffer, and an `aref.sync`
/// stands between the last use of the one and the first use of the other, in
/// both directions if the block is a loop's.
///
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"
#include "lib/Transforms/Passes.h"

namespace heddle {
#define GEN_PASS_DEF_ALLOCATESHARED
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

/// An allocation whose contents matter between two operations of a block only.
struct Scratch {
  AllocOp alloc;
  Operation *first;
  Operation *last;
};

/// Allocations at the same address.
struct Place {
  SmallVector<AllocOp> allocs;
  /// Filled if all of them are scratch.
  SmallVector<Scratch> scratch;
  int64_t bytes = 0;
};

bool hasSyncBetween(Block::iterator begin, Block::iterator end) {
  return std::any_of(begin, end, [](Operation &op) { return isa<SyncOp>(op); });
}

/// The last operation of `mma`'s block before which `mma` may read its
/// operands, or null if they may be read beyond the block's end.
Operation *getEndOfReads(MmaOp mma) {
  for (Operation *op = mma->getNextNode(); op; op = op->getNextNode())
    if (auto wait = dyn_cast<MmaWaitOp>(op); wait && wait.getPending() == 0)
      return op;
  return nullptr;
}

/// Collects the accesses of `buffer`, through parts of it. Returns failure if
/// one may go on after the operation. `whole` is true if `buffer` is all that
/// an instance has of the allocation.
LogicalResult
collectAccesses(Value buffer, bool whole,
                SmallVectorImpl<std::pair<Operation *, Operation *>> &accesses,
                llvm::SmallPtrSetImpl<Operation *> &wholeStores) {
  for (Operation *user : buffer.getUsers()) {
    if (isa<StageOp, RowsOp, ColumnsOp>(user)) {
      if (failed(collectAccesses(user->getResult(0),
                                 whole && isa<StageOp>(user), accesses,
                                 wholeStores)))
        return failure();
    } else if (isa<LocalStoreOp>(user)) {
      accesses.push_back({user, user});
      if (whole)
        wholeStores.insert(user);
    } else if (isa<LocalLoadOp>(user)) {
      accesses.push_back({user, user});
    } else if (auto mma = dyn_cast<MmaOp>(user)) {
      Operation *end = getEndOfReads(mma);
      if (!end)
        return failure();
      accesses.push_back({user, end});
    } else {
      return failure();
    }
  }
  return success();
}

std::optional<Scratch> getScratch(AllocOp alloc) {
  SmallVector<std::pair<Operation *, Operation *>> accesses;
  llvm::SmallPtrSet<Operation *, 4> wholeStores;
  if (failed(collectAccesses(alloc.getResult(), true, accesses, wholeStores)) ||
      accesses.empty())
    return std::nullopt;
  Scratch scratch{alloc, accesses[0].first, accesses[0].second};
  for (auto [begin, end] : accesses) {
    if (begin->getBlock() != scratch.first->getBlock())
      return std::nullopt;
    if (begin->isBeforeInBlock(scratch.first))
      scratch.first = begin;
    if (scratch.last->isBeforeInBlock(end))
      scratch.last = end;
  }
  if (!wholeStores.contains(scratch.first))
    return std::nullopt;
  return scratch;
}

/// Whether `a` is done, for all threads of the instance, when `b` starts, and
/// the other way round in the next iteration.
bool isOrdered(const Scratch &a, const Scratch &b) {
  Block *block = a.first->getBlock();
  if (block != b.first->getBlock())
    return false;
  if (!a.last->isBeforeInBlock(b.first))
    return b.last->isBeforeInBlock(a.first) && isOrdered(b, a);
  if (!hasSyncBetween(a.last->getIterator(), b.first->getIterator()))
    return false;
  return isa<RoleOp, tile::KernelOp>(block->getParentOp()) ||
         hasSyncBetween(b.last->getIterator(), block->end()) ||
         hasSyncBetween(block->begin(), a.first->getIterator());
}

struct AllocateShared : heddle::impl::AllocateSharedBase<AllocateShared> {
  void runOnOperation() override;
};

void AllocateShared::runOnOperation() {
  tile::KernelOp kernel = getOperation();
  SmallVector<Place> places;
  kernel.walk([&](AllocOp alloc) {
    std::optional<Scratch> scratch = getScratch(alloc);
    int64_t bytes = getAllocBytes(alloc);
    if (scratch) {
      for (Place &place : places) {
        // Instances keep to their own part only if all parts are as long.
        bool fits = !place.scratch.empty() && place.bytes == bytes &&
                    place.allocs[0].getDepth() == alloc.getDepth() &&
                    llvm::all_of(place.scratch, [&](const Scratch &other) {
                      return isOrdered(other, *scratch);
                    });
        if (!fits)
          continue;
        place.allocs.push_back(alloc);
        place.scratch.push_back(*scratch);
        return;
      }
    }
    Place &place = places.emplace_back();
    place.allocs.push_back(alloc);
    place.bytes = bytes;
    if (scratch)
      place.scratch.push_back(*scratch);
  });

  Builder b(&getContext());
  int64_t offset = 0;
  for (Place &place : places) {
    for (AllocOp alloc : place.allocs)
      alloc.setOffsetAttr(b.getI64IntegerAttr(offset));
    offset += place.bytes;
  }
  kernel.walk([&](MbarriersOp barriers) {
    barriers.setOffsetAttr(b.getI64IntegerAttr(offset));
    offset += getMbarrierBytes(barriers.getType().getDepth());
  });
  if (offset > maxSharedBytes) {
    auto largest =
        llvm::max_element(places, [](const Place &a, const Place &b) {
          return a.bytes < b.bytes;
        });
    InFlightDiagnostic diag = kernel.emitError()
                              << "kernel @" << kernel.getSymName() << " needs "
                              << offset << " bytes of shared memory, "
                              << offset - maxSharedBytes << " more than the "
                              << maxSharedBytes
                              << " that a block of sm_90a has; lower "
                                 "tile.stages or use smaller tiles";
    AllocOp alloc = largest->allocs[0];
    diag.attachNote(alloc.getLoc())
        << "the largest part is " << alloc.getDepth() << " x "
        << getStageBytes(alloc.getType()) << " bytes for "
        << alloc.getType().getTile();
    return signalPassFailure();
  }
  kernel->setAttr(ArefDialect::getSharedBytesAttrName(),
                  b.getI64IntegerAttr(offset));
}

} // namespace
