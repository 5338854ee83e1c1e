//===- TileCut.cpp - Which tiles instances share out ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/TileCut.h"

#include "lib/Transforms/BorrowedTiles.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace heddle;

bool heddle::isTileSource(Operation *op) {
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  if (auto load = dyn_cast_or_null<tile::LoadOp>(op))
    return !load.isGather();
  return isa_and_nonnull<aref::GetOp, tensor::EmptyOp, tensor::SplatOp,
                         tile::IotaOp>(op);
}

/// Rows that a warpgroup multiplies at once.
static constexpr int64_t rowsOfProduct = 64;

bool heddle::canSumInParts(tile::DotOp dot) {
  return (matchPattern(dot.getAcc(), m_Zero()) ||
          matchPattern(dot.getAcc(), m_AnyZeroFloat())) &&
         llvm::all_of(dot.getResult().getUsers(), [](Operation *user) {
           auto store = dyn_cast<tile::StoreOp>(user);
           return store && store.getReduce() == tile::ReduceKind::Add;
         });
}

LogicalResult TileCut::fail(Operation *op, StringRef why) {
  obstacle = op;
  reason = why;
  return failure();
}

LogicalResult TileCut::require(Operation *op, Value value, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return success();
  if (type.getDimSize(dim) % instances != 0)
    return fail(op, "the extent of its tile is not a multiple of the number of "
                    "warpgroups");
  // Halves of matrices have whole parts of rows, since products do.
  if (value.getDefiningOp<aref::GetOp>() && dim == type.getRank() - 1 &&
      type.getRank() <= 2) {
    int64_t unit = BorrowedTiles::getCutUnit(type, dim);
    if (unit == 0 || type.getDimSize(dim) / instances % unit != 0)
      return fail(op, type.getRank() == 1
                          ? "a vector that arrives in a ring is cut into parts "
                            "of 16 bytes each, of at most 256 elements"
                          : "a matrix that arrives in a ring is cut into whole "
                            "panels of columns");
  }
  if (isTileSource(value.getDefiningOp()))
    return success();
  auto [it, isNew] = dims.insert({value, dim});
  if (!isNew)
    return it->second == dim
               ? success()
               : fail(op, "it would cut one tile along two dimensions");
  return success();
}

LogicalResult TileCut::requireAll(Operation *op, ValueRange values,
                                  int64_t dim) {
  for (Value value : values)
    if (failed(require(op, value, dim)))
      return failure();
  return success();
}

LogicalResult TileCut::compute() {
  SmallVector<tile::DotOp> flexible;
  WalkResult walked = role.getBody().walk([&](tile::DotOp dot) {
    if (canSumInParts(dot)) {
      flexible.push_back(dot);
      return WalkResult::advance();
    }
    return WalkResult(require(dot, dot.getResult(), 0));
  });
  if (walked.wasInterrupted() || failed(spread()))
    return failure();
  // Dots that the others have left the choice.
  for (tile::DotOp dot : flexible) {
    if (isPartial(dot) || getDim(dot.getResult()) != whole)
      continue;
    bool rows = dot.getM() % (instances * rowsOfProduct) == 0;
    if (failed(rows ? require(dot, dot.getResult(), 0) : cutAlongK(dot)) ||
        failed(spread()))
      return failure();
  }
  return success();
}

LogicalResult TileCut::spread() {
  // Values join while this goes on; in order of the program, as far as may be,
  // so that what is reported is where the conflict is.
  for (; numSpread < dims.size(); ++numSpread) {
    auto [value, dim] = dims.begin()[numSpread];
    if (failed(cutDefinition(value, dim)))
      return failure();
    for (OpOperand &use : value.getUses())
      if (failed(cutUse(use, dim)))
        return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

/// The dimension of a broadcast's operand that becomes `dim` of its result.
static int64_t getBroadcastSource(tile::BroadcastOp op, int64_t dim) {
  ArrayRef<int64_t> axes = op.getAxes();
  if (llvm::is_contained(axes, dim))
    return TileCut::whole;
  return dim - llvm::count_if(axes, [&](int64_t axis) { return axis < dim; });
}

/// The dimension of a tile that is `dim` of a slice of it along `axis`.
static int64_t getSliced(uint64_t axis, int64_t dim) {
  return dim < int64_t(axis) ? dim : dim + 1;
}

/// The dimension of a slice along `axis` that `dim`, another one, becomes.
static int64_t getInSlice(uint64_t axis, int64_t dim) {
  return dim < int64_t(axis) ? dim : dim - 1;
}

/// The dimension of a dot's `a` that its rows are, and those of `a` and `b`
/// that it sums over.
static int64_t getRowsOfA(tile::DotOp dot) {
  return dot.getTransposeA() ? 1 : 0;
}
static int64_t getKOfA(tile::DotOp dot) { return dot.getTransposeA() ? 0 : 1; }
static int64_t getKOfB(tile::DotOp dot) { return dot.getTransposeB() ? 1 : 0; }

int64_t TileCut::getDim(Value value) const {
  const auto *it = dims.find(value);
  return it == dims.end() ? whole : it->second;
}

int64_t TileCut::getDim(OpOperand &use) const {
  Operation *op = use.getOwner();
  unsigned i = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return i < loop.getNumControlOperands()
               ? whole
               : getDim(loop.getTiedLoopRegionIterArg(&use));
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return getDim(loop.getBeforeArguments()[i]);
  if (auto condition = dyn_cast<scf::ConditionOp>(op))
    return i == 0 ? whole
                  : getDim(cast<scf::WhileOp>(condition->getParentOp())
                               .getAfterArguments()[i - 1]);
  if (isa<scf::YieldOp>(op)) {
    Operation *parent = op->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return getDim(loop.getRegionIterArg(i));
    if (auto branch = dyn_cast<scf::IfOp>(parent))
      return getDim(branch.getResult(i));
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return getDim(loop.getBeforeArguments()[i]);
    return whole;
  }
  if (op->getNumResults() == 0)
    return getDim(use.get());

  if (auto dot = dyn_cast<tile::DotOp>(op); dot && isPartial(dot)) {
    if (i == dot.getAccMutable().getOperandNumber())
      return whole;
    return i == dot.getAMutable().getOperandNumber() ? getKOfA(dot)
                                                     : getKOfB(dot);
  }
  int64_t dim = getDim(op->getResult(0));
  if (dim == whole)
    return whole;
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([&](tile::DotOp dot) {
        if (i == dot.getBMutable().getOperandNumber())
          return whole;
        return i == dot.getAMutable().getOperandNumber() ? getRowsOfA(dot)
                                                         : int64_t(0);
      })
      .Case([&](tile::BroadcastOp op) { return getBroadcastSource(op, dim); })
      .Case([&](tile::ReduceOp op) {
        return i == op.getXMutable().getOperandNumber()
                   ? getSliced(op.getAxis(), dim)
                   : dim;
      })
      .Case([&](tile::RecurrenceOp op) {
        return i == op.getInitMutable().getOperandNumber()
                   ? getInSlice(op.getAxis(), dim)
                   : dim;
      })
      .Case([&](tile::TransposeOp op) { return op.getPermutation()[dim]; })
      .Default([&](Operation *) { return dim; });
}

//===----------------------------------------------------------------------===//
// From results to operands
//===----------------------------------------------------------------------===//

LogicalResult TileCut::cutFromResult(Operation *op, int64_t dim) {
  if (auto dot = dyn_cast<tile::DotOp>(op)) {
    if (dim != 0)
      return fail(op, "its result would have to be cut along N");
    if (failed(require(op, dot.getResult(), 0)) ||
        failed(require(op, dot.getAcc(), 0)))
      return failure();
    int64_t dimOfA = getDim(dot.getA());
    if (dimOfA != whole && dimOfA != getRowsOfA(dot))
      return fail(op, "it sums over the dimension along which the warpgroups "
                      "share out a; if its sum started from zero and were "
                      "only stored with reduce add, each could add its part");
    return require(op, dot.getA(), getRowsOfA(dot));
  }
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    int64_t source = getBroadcastSource(broadcast, dim);
    if (failed(require(op, broadcast.getResult(), dim)))
      return failure();
    return source == whole ? success() : require(op, broadcast.getX(), source);
  }
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (failed(require(op, reduce.getResult(), dim)) ||
        failed(require(op, reduce.getInit(), dim)))
      return failure();
    return require(op, reduce.getX(), getSliced(reduce.getAxis(), dim));
  }
  if (auto scan = dyn_cast<tile::ScanOp>(op)) {
    if (int64_t(scan.getAxis()) == dim)
      return fail(op, "it combines elements of different warpgroups");
    return requireAll(op, {scan.getResult(), scan.getX()}, dim);
  }
  if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op)) {
    if (int64_t(recurrence.getAxis()) == dim)
      return fail(op, "it combines elements of different warpgroups");
    if (failed(requireAll(
            op, {recurrence.getResult(), recurrence.getA(), recurrence.getB()},
            dim)))
      return failure();
    return requireAll(op, {recurrence.getLast(), recurrence.getInit()},
                      getInSlice(recurrence.getAxis(), dim));
  }
  if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    if (failed(require(op, transpose.getResult(), dim)))
      return failure();
    return require(op, transpose.getX(), transpose.getPermutation()[dim]);
  }
  if (op->hasTrait<OpTrait::Elementwise>()) {
    if (failed(requireAll(op, op->getResults(), dim)))
      return failure();
    return requireAll(op, op->getOperands(), dim);
  }
  return fail(op, "it works on whole tiles");
}

LogicalResult TileCut::cutAlongK(tile::DotOp dot) {
  if (getDim(dot.getResult()) != whole)
    return fail(dot, "it would have to be cut along M and K");
  if (!partial.insert(dot).second)
    return success();
  if (dot.getK() % (instances * 32) != 0)
    return fail(dot, "its K is not a multiple of 32 for each warpgroup");
  if (failed(require(dot, dot.getA(), getKOfA(dot))))
    return failure();
  return require(dot, dot.getB(), getKOfB(dot));
}

LogicalResult TileCut::cutCarried(scf::ForOp loop, unsigned i, int64_t dim) {
  return requireAll(loop,
                    {loop.getInits()[i], loop.getRegionIterArg(i),
                     loop.getYieldedValues()[i], loop.getResult(i)},
                    dim);
}

LogicalResult TileCut::cutPassed(scf::WhileOp loop, unsigned i, int64_t dim) {
  return requireAll(loop,
                    {loop.getConditionOp().getArgs()[i],
                     loop.getAfterArguments()[i], loop.getResult(i)},
                    dim);
}

LogicalResult TileCut::cutCarried(scf::WhileOp loop, unsigned i, int64_t dim) {
  return requireAll(loop,
                    {loop.getInits()[i], loop.getBeforeArguments()[i],
                     loop.getYieldOp().getOperand(i)},
                    dim);
}

LogicalResult TileCut::cutDefinition(Value value, int64_t dim) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned i = argument.getArgNumber();
    // The first argument is the induction variable.
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return cutCarried(loop, i - 1, dim);
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return argument.getOwner() == loop.getAfterBody()
                 ? cutPassed(loop, i, dim)
                 : cutCarried(loop, i, dim);
    return fail(parent, "it works on whole tiles");
  }
  Operation *op = value.getDefiningOp();
  unsigned i = cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return cutCarried(loop, i, dim);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return cutPassed(loop, i, dim);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return requireAll(
        branch,
        {branch.thenYield().getOperand(i), branch.elseYield().getOperand(i)},
        dim);
  if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op);
      recurrence && value == recurrence.getLast())
    return cutFromResult(op, getSliced(recurrence.getAxis(), dim));
  return cutFromResult(op, dim);
}

//===----------------------------------------------------------------------===//
// From operands to results
//===----------------------------------------------------------------------===//

LogicalResult TileCut::cutUse(OpOperand &use, int64_t dim) {
  Operation *op = use.getOwner();
  unsigned i = use.getOperandNumber();
  if (isa<tile::StoreOp>(op))
    return success();
  if (auto dot = dyn_cast<tile::DotOp>(op)) {
    bool isA = i == dot.getAMutable().getOperandNumber();
    bool isB = i == dot.getBMutable().getOperandNumber();
    if (canSumInParts(dot) &&
        ((isA && dim == getKOfA(dot)) || (isB && dim == getKOfB(dot))))
      return cutAlongK(dot);
    if (isB)
      return fail(op, "every warpgroup needs the whole of b, which the "
                      "warpgroups compute in parts");
    return cutFromResult(op, 0);
  }
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    for (int64_t result = 0, rank = broadcast.getType().getRank();
         result < rank; ++result)
      if (getBroadcastSource(broadcast, result) == dim)
        return cutFromResult(op, result);
  }
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (i != reduce.getXMutable().getOperandNumber())
      return cutFromResult(op, dim);
    int64_t axis = reduce.getAxis();
    if (axis == dim)
      return fail(op, "it combines elements of different warpgroups");
    return cutFromResult(op, getInSlice(axis, dim));
  }
  if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op);
      recurrence && i == recurrence.getInitMutable().getOperandNumber())
    return cutFromResult(op, getSliced(recurrence.getAxis(), dim));
  if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    return cutFromResult(op,
                         llvm::find(permutation, dim) - permutation.begin());
  }
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return cutCarried(loop, i - loop.getNumControlOperands(), dim);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return cutCarried(loop, i, dim);
  if (isa<scf::ConditionOp>(op))
    return cutPassed(cast<scf::WhileOp>(op->getParentOp()), i - 1, dim);
  if (isa<scf::YieldOp>(op)) {
    Operation *parent = op->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return cutCarried(loop, i, dim);
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return cutCarried(loop, i, dim);
    if (auto branch = dyn_cast<scf::IfOp>(parent))
      return require(branch, branch.getResult(i), dim);
    return fail(parent, "it works on whole tiles");
  }
  return cutFromResult(op, dim);
}
