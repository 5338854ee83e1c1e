//===- RoleTrace.cpp - What a role does with its slots --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/RoleTrace.h"

#include <deque>

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

/// One slot that the role took.
struct Slot {
  Operation *taken;
  Value ring;
  /// Given back by commit, else by release.
  bool acquired;
  bool held = true;
  /// Accessed by threads since the last fence.
  bool touched = false;
};

/// A product that was started.
struct Product {
  MmaOp op;
  unsigned id;
  SmallVector<unsigned> slots;
};

/// The abstract value of slots (a number, or `none`), of buffers (the slot that
/// they are in) and of tiles (the product that they are the result of).
using Abstract = std::optional<unsigned>;
constexpr unsigned none = ~0u;

class Tracer {
public:
  explicit Tracer(const Course &course) : course(course) {}

  LogicalResult run(RoleOp role);
  RoleTrace trace;

private:
  LogicalResult visit(Block &block);
  LogicalResult visitOp(Operation *op);
  LogicalResult visitLoop(scf::ForOp loop);
  LogicalResult visitBranch(scf::IfOp branch);
  LogicalResult visitWhile(scf::WhileOp loop);
  LogicalResult take(Operation *op, bool acquired);
  LogicalResult giveBack(Operation *op, bool acquired);
  LogicalResult startProduct(MmaOp mma);
  /// Checks that `buffer` is not in a slot that was given back; returns its
  /// slot, or nothing if it is in none.
  FailureOr<Abstract> access(Operation *op, Value buffer);
  LogicalResult checkProducts(Operation *op);

  SmallVector<Abstract> get(ValueRange values) {
    SmallVector<Abstract> result;
    for (Value value : values)
      result.push_back(abstracts.lookup(value));
    return result;
  }
  void set(ValueRange values, ArrayRef<Abstract> abstract) {
    for (auto [value, a] : llvm::zip_equal(values, abstract))
      abstracts[value] = a;
  }
  unsigned getChoice(Operation *op) { return course.lookup(op); }

  const Course &course;
  llvm::DenseMap<Value, Abstract> abstracts;
  std::vector<Slot> slots;
  std::deque<Product> inFlight;
  unsigned numProducts = 0;
};

/// Names the ring of `slot` in words of the author's program.
std::string describe(Value ring) {
  std::string text = "the ring of ";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(cast<RingType>(ring.getType()).getTiles(), stream);
  return text;
}

InFlightDiagnostic emitAt(Operation *op, Value ring) {
  return op->emitError() << describe(ring) << ": ";
}

} // namespace

bool heddle::concernsSlots(Operation *op) {
  return op
      ->walk([](Operation *nested) {
        bool concerned = isa<AcquireOp, CommitOp, WaitOp, ReleaseOp, ViewOp,
                             CopyInOp, CopyAsyncOp, MmaOp, MmaWaitOp,
                             LocalLoadOp, LocalStoreOp, FenceAsyncOp>(nested);
        return concerned ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult Tracer::take(Operation *op, bool acquired) {
  Value ring = op->getOperand(0);
  abstracts[op->getResult(0)] = slots.size();
  slots.push_back({op, ring, acquired});
  trace.events.push_back({op, ring});
  RoleTrace::Held &held = trace.held[ring];
  if (++held.now > held.most) {
    held.most = held.now;
    held.op = op;
  }
  return success();
}

LogicalResult Tracer::giveBack(Operation *op, bool acquired) {
  Value ring = op->getOperand(0);
  Abstract abstract = abstracts.lookup(op->getOperand(1));
  if (!abstract)
    return emitAt(op, ring) << "gives back a slot that was not taken from it";
  if (*abstract == none) {
    if (acquired)
      return emitAt(op, ring) << "commits a slot that was not acquired";
    return success();
  }
  Slot &slot = slots[*abstract];
  if (slot.ring != ring)
    return emitAt(op, ring) << "gives back a slot of another ring";
  if (slot.acquired != acquired)
    return emitAt(op, ring) << (acquired ? "commits a slot that it waited for"
                                         : "releases a slot that it acquired");
  if (!slot.held) {
    InFlightDiagnostic diag = emitAt(op, ring)
                              << "gives back a slot a second time";
    diag.attachNote(slot.taken->getLoc()) << "the slot was taken here";
    return diag;
  }
  for (const Product &product : inFlight) {
    if (!llvm::is_contained(product.slots, *abstract))
      continue;
    InFlightDiagnostic diag =
        emitAt(op, ring)
        << "gives back a slot that a matrix product may still read; expected "
           "an aref.mma_wait that covers the product before";
    diag.attachNote(MmaOp(product.op).getLoc())
        << "the product is started here";
    return diag;
  }
  if (slot.touched)
    return emitAt(op, ring)
           << "gives back a slot that threads accessed; expected an "
              "aref.fence_async in between";
  slot.held = false;
  --trace.held[ring].now;
  trace.events.push_back({op, ring});
  return success();
}

FailureOr<Abstract> Tracer::access(Operation *op, Value buffer) {
  Abstract abstract = abstracts.lookup(buffer);
  if (!abstract)
    return abstract;
  if (*abstract == none) {
    op->emitError("reads a slot where there may be none");
    return failure();
  }
  if (!slots[*abstract].held) {
    emitAt(op, slots[*abstract].ring) << "uses a slot after it was given back";
    return failure();
  }
  return abstract;
}

LogicalResult Tracer::startProduct(MmaOp mma) {
  Product product{mma, numProducts++, {}};
  for (Value operand : {mma.getA(), Value(mma.getB())}) {
    if (!isa<BufferType>(operand.getType()))
      continue;
    FailureOr<Abstract> slot = access(mma, operand);
    if (failed(slot))
      return failure();
    if (*slot)
      product.slots.push_back(**slot);
  }
  abstracts[mma.getResult()] = product.id;
  inFlight.push_back(std::move(product));
  return success();
}

/// Checks that `op` uses no result of a product in flight. It may start the
/// next product from one, and hand one on.
LogicalResult Tracer::checkProducts(Operation *op) {
  if (isa<MmaWaitOp>(op) || op->hasTrait<OpTrait::IsTerminator>())
    return success();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    if (auto mma = dyn_cast<MmaOp>(op); mma && &operand == &mma.getAccMutable())
      continue;
    Abstract product = abstracts.lookup(operand.get());
    for (const Product &other : inFlight) {
      if (!product || other.id != *product)
        continue;
      InFlightDiagnostic diag =
          op->emitError("uses the result of a matrix product that may still be "
                        "in flight; expected an aref.mma_wait in between");
      diag.attachNote(MmaOp(other.op).getLoc())
          << "the product is started here";
      return diag;
    }
  }
  return success();
}

LogicalResult Tracer::visitLoop(scf::ForOp loop) {
  SmallVector<Abstract> carried = get(loop.getInitArgs());
  for (unsigned i = 0, n = getChoice(loop); i < n; ++i) {
    set(loop.getRegionIterArgs(), carried);
    if (failed(visit(*loop.getBody())))
      return failure();
    carried = get(loop.getYieldedValues());
  }
  set(loop.getResults(), carried);
  return success();
}

LogicalResult Tracer::visitBranch(scf::IfOp branch) {
  Region &region =
      getChoice(branch) ? branch.getThenRegion() : branch.getElseRegion();
  if (region.empty())
    return success();
  if (failed(visit(region.front())))
    return failure();
  set(branch.getResults(), get(region.front().getTerminator()->getOperands()));
  return success();
}

LogicalResult Tracer::visitWhile(scf::WhileOp loop) {
  SmallVector<Abstract> carried = get(loop.getInits());
  for (unsigned i = 0, n = getChoice(loop);; ++i) {
    set(loop.getBeforeArguments(), carried);
    if (failed(visit(*loop.getBeforeBody())))
      return failure();
    carried = get(loop.getConditionOp().getArgs());
    if (i == n)
      break;
    set(loop.getAfterArguments(), carried);
    if (failed(visit(*loop.getAfterBody())))
      return failure();
    carried = get(loop.getYieldOp().getOperands());
  }
  set(loop.getResults(), carried);
  return success();
}

LogicalResult Tracer::visitOp(Operation *op) {
  if (failed(checkProducts(op)))
    return failure();
  if (op->getNumRegions() != 0) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return visitLoop(loop);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return visitBranch(branch);
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return visitWhile(loop);
    if (concernsSlots(op))
      return op->emitError("expected rings to be used within scf.for, scf.if "
                           "and scf.while only");
    return success();
  }
  if (isa<AcquireOp>(op))
    return take(op, true);
  if (isa<WaitOp>(op))
    return take(op, false);
  if (isa<CommitOp>(op))
    return giveBack(op, true);
  if (isa<ReleaseOp>(op))
    return giveBack(op, false);
  if (isa<NoneOp>(op)) {
    abstracts[op->getResult(0)] = none;
    return success();
  }
  if (auto mma = dyn_cast<MmaOp>(op))
    return startProduct(mma);
  if (auto wait = dyn_cast<MmaWaitOp>(op)) {
    while (inFlight.size() > wait.getPending())
      inFlight.pop_front();
    set(wait.getResults(), get(wait.getValues()));
    return success();
  }
  if (isa<FenceAsyncOp>(op)) {
    for (Slot &slot : slots)
      slot.touched = false;
    return success();
  }
  if (auto view = dyn_cast<ViewOp>(op)) {
    FailureOr<Abstract> slot = access(op, view.getSlot());
    if (failed(slot))
      return failure();
    abstracts[view.getBuffer()] = *slot;
    return success();
  }
  if (isa<RowsOp, ColumnsOp, StageOp>(op)) {
    abstracts[op->getResult(0)] = abstracts.lookup(op->getOperand(0));
    return success();
  }
  if (isa<LocalLoadOp, LocalStoreOp, CopyInOp, CopyAsyncOp>(op)) {
    for (Value operand : op->getOperands()) {
      if (!isa<BufferType, SlotType>(operand.getType()))
        continue;
      FailureOr<Abstract> slot = access(op, operand);
      if (failed(slot))
        return failure();
      if (*slot && !isa<CopyInOp, CopyAsyncOp>(op))
        slots[**slot].touched = true;
    }
    return success();
  }
  if (!op->hasTrait<OpTrait::IsTerminator>())
    for (Value operand : op->getOperands())
      if (isa<SlotType>(operand.getType()))
        return op->emitError("expected slots to be handed on by scf.for, "
                             "scf.if and scf.while only");
  return success();
}

LogicalResult Tracer::visit(Block &block) {
  for (Operation &op : block)
    if (failed(visitOp(&op)))
      return failure();
  return success();
}

LogicalResult Tracer::run(RoleOp role) {
  if (failed(visit(role.getBody().front())))
    return failure();
  for (const Slot &slot : slots)
    if (slot.held)
      return emitAt(slot.taken, slot.ring)
             << "takes a slot that is not given back on every path";
  return success();
}

FailureOr<RoleTrace> heddle::traceRole(RoleOp role, const Course &course) {
  Tracer tracer(course);
  if (failed(tracer.run(role)))
    return failure();
  return std::move(tracer.trace);
}
