//===- Scan.cpp - Scans and recurrences, in registers and across warps ----===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The layout shares an axis out to registers, lanes and warps in some order,
/// from elements to the whole. What each part makes of its elements goes up
/// from the finest parts to the coarsest, as one step that stands for all of
/// them; what comes before each part goes down again. So a thread that has
/// elements in a row takes them one after the other, and lanes and warps only
/// pass on what whole rows come to.
///
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Combine.h"
#include "lib/Conversion/ToNVVM/Tiles.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace heddle;
using tile::ReduceKind;

namespace {

/// One step, or several in a row that have been joined. Of a recurrence it is
/// what the state is multiplied by and what is added then; of a scan, what
/// elements combine to. Without a factor it may also be a state.
struct Step {
  Value factor, term;
};

/// What a thread has of some lines along the axis, in the order of the scan:
/// all have steps at the same offsets.
struct Lines {
  SmallVector<SmallVector<Step>> steps;
  SmallVector<int64_t> offsets;
};

/// The state before each step of some lines, and after each line.
struct States {
  SmallVector<SmallVector<Step>> before;
  SmallVector<Step> after;
};

/// Emits the scan of one operation.
class Scanner {
public:
  /// A scan has a `kind`, a recurrence none. `scratch` is null if no warps
  /// share the axis. Whether a state after each line is wanted, is told by
  /// `wantsLast`.
  Scanner(OpBuilder &builder, Operation *op, const TileLayout &layout,
          unsigned axis, bool reverse, std::optional<ReduceKind> kind,
          Value scratch, bool wantsLast)
      : builder(builder), op(op), loc(op->getLoc()), layout(layout), axis(axis),
        isReverse(reverse), kind(kind), scratch(scratch), wantsLast(wantsLast),
        parts(layout.getAxisParts(axis)) {}

  /// The state before or after each of `steps`, which are in the layout's
  /// registers. `start` has a state for each line, in the order of a slice's
  /// registers, and becomes what comes after them.
  SmallVector<Value> run(ArrayRef<Step> steps, SmallVectorImpl<Value> &start,
                         bool exclusive);

private:
  /// `later` after `earlier`.
  Step join(const Step &earlier, const Step &later);
  Step select(Value condition, const Step &a, const Step &b);
  /// What lane number `lane`, an i32, has for `step`.
  Step shuffleFrom(const Step &step, Value lane);

  Value getI32(int64_t value) { return heddle::getI32(builder, loc, value); }
  Value andMask(Value value, int64_t mask) {
    return arith::AndIOp::create(builder, loc, value, getI32(mask));
  }
  Value orMask(Value value, int64_t mask) {
    return arith::OrIOp::create(builder, loc, value, getI32(mask));
  }
  Value isEqual(Value value, int64_t number) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, value,
                                 getI32(number));
  }

  bool isTop(size_t level) const { return level + 1 == parts.size(); }
  /// The states of lines of which each step stands for a part of entry `level`.
  States scan(const Lines &lines, size_t level);
  States scanRegisters(const Lines &lines, size_t level);
  States scanLanes(const Lines &lines, size_t level);
  States scanWarps(const Lines &lines, size_t level);
  /// The states of lines, each step of which is a part of a group of entry
  /// `level` that other threads have the rest of: a group comes to `sums`, the
  /// parts before this thread's to `joined`, which is nothing if it has the
  /// first one.
  States scanGroups(const Lines &sums, ArrayRef<SmallVector<Step>> joined,
                    Value isFirst, size_t level);
  /// All steps, of which there is one.
  Step joinAll(ArrayRef<Step> steps);

  OpBuilder &builder;
  Operation *op;
  Location loc;
  TileLayout layout;
  unsigned axis;
  bool isReverse;
  std::optional<ReduceKind> kind;
  Value scratch;
  bool wantsLast;
  SmallVector<AxisPart> parts;

  /// Where each line is, with 0 along the axis, and the state before it.
  SmallVector<TileLayout::Coords> places;
  SmallVector<Step> starts;
};

} // namespace

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Step Scanner::join(const Step &earlier, const Step &later) {
  if (kind)
    return {Value(), combine(builder, loc, *kind, earlier.term, later.term)};
  Step result;
  if (earlier.factor)
    result.factor =
        arith::MulFOp::create(builder, loc, earlier.factor, later.factor);
  result.term =
      math::FmaOp::create(builder, loc, later.factor, earlier.term, later.term);
  return result;
}

Step Scanner::joinAll(ArrayRef<Step> steps) {
  if (steps.size() == 1)
    return steps.front();
  // A tree, for the sake of latency.
  size_t half = steps.size() / 2;
  return join(joinAll(steps.take_front(half)), joinAll(steps.drop_front(half)));
}

Step Scanner::select(Value condition, const Step &a, const Step &b) {
  Step result;
  if (a.factor)
    result.factor =
        arith::SelectOp::create(builder, loc, condition, a.factor, b.factor);
  result.term =
      arith::SelectOp::create(builder, loc, condition, a.term, b.term);
  return result;
}

Step Scanner::shuffleFrom(const Step &step, Value lane) {
  Step result;
  if (step.factor)
    result.factor =
        shuffle(builder, loc, NVVM::ShflKind::idx, step.factor, lane);
  result.term = shuffle(builder, loc, NVVM::ShflKind::idx, step.term, lane);
  return result;
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

States Scanner::scan(const Lines &lines, size_t level) {
  if (level == parts.size()) {
    States states;
    for (auto [start, steps] : llvm::zip_equal(starts, lines.steps)) {
      states.before.push_back({start});
      states.after.push_back(wantsLast ? join(start, steps.front()) : Step());
    }
    return states;
  }
  switch (parts[level].holder) {
  case AxisPart::Registers:
    return scanRegisters(lines, level);
  case AxisPart::Lanes:
    return scanLanes(lines, level);
  case AxisPart::Warps:
    return scanWarps(lines, level);
  }
  llvm_unreachable("unknown holder");
}

States Scanner::scanRegisters(const Lines &lines, size_t level) {
  size_t count = parts[level].count;
  States above;
  if (!isTop(level)) {
    Lines sums;
    for (size_t i = 0; i != lines.offsets.size(); i += count)
      sums.offsets.push_back(
          *llvm::min_element(ArrayRef(lines.offsets).slice(i, count)));
    for (ArrayRef<Step> steps : lines.steps) {
      auto &line = sums.steps.emplace_back();
      for (; !steps.empty(); steps = steps.drop_front(count))
        line.push_back(joinAll(steps.take_front(count)));
    }
    above = scan(sums, level + 1);
  }

  States states;
  for (auto [number, steps] : llvm::enumerate(lines.steps)) {
    auto &before = states.before.emplace_back();
    Step state;
    for (auto [i, step] : llvm::enumerate(steps)) {
      if (i % count == 0)
        state = isTop(level) ? starts[number] : above.before[number][i / count];
      before.push_back(state);
      state = join(state, step);
    }
    states.after.push_back(isTop(level) ? state : above.after[number]);
  }
  return states;
}

States Scanner::scanLanes(const Lines &lines, size_t level) {
  int64_t mask = parts[level].mask, lowest = mask & -mask;
  Value lane = computeAt(builder, op, getLane(builder, op));
  Value others = andMask(lane, ~mask);
  // Of the part that is joined, the last lane, and whether this one is later.
  SmallVector<std::pair<Value, Value>> exchanges;
  for (int64_t below = 0, bit = lowest; bit <= mask; bit *= 2) {
    if (!(mask & bit))
      continue;
    Value from = isReverse ? andMask(orMask(lane, bit), ~below)
                           : orMask(andMask(lane, ~bit), below);
    exchanges.emplace_back(from,
                           isEqual(andMask(lane, bit), isReverse ? 0 : bit));
    below |= bit;
  }
  // The number of the part before this one; bits that are not of the mask pass
  // a carry on.
  Value previous =
      isReverse ? arith::AddIOp::create(builder, loc, orMask(lane, ~mask),
                                        getI32(lowest))
                      .getResult()
                : arith::SubIOp::create(builder, loc, andMask(lane, mask),
                                        getI32(lowest))
                      .getResult();
  previous =
      arith::OrIOp::create(builder, loc, andMask(previous, mask), others);
  Value last = isReverse ? others : orMask(lane, mask);
  Value isFirst = isEqual(andMask(lane, mask), isReverse ? mask : 0);

  Lines sums = lines;
  SmallVector<SmallVector<Step>> joined;
  for (auto [steps, sumsOfLine] : llvm::zip_equal(lines.steps, sums.steps)) {
    auto &joinedOfLine = joined.emplace_back();
    for (auto [step, sum] : llvm::zip_equal(steps, sumsOfLine)) {
      Step through = step;
      for (auto [from, isLater] : exchanges)
        through =
            select(isLater, join(shuffleFrom(through, from), through), through);
      joinedOfLine.push_back(shuffleFrom(through, previous));
      if (!isTop(level) || wantsLast)
        sum = shuffleFrom(through, last);
    }
  }
  return scanGroups(sums, joined, isFirst, level);
}

States Scanner::scanWarps(const Lines &lines, size_t level) {
  const AxisPart &part = parts[level];
  TileLayout tile = layout.coarsen(axis, part.extent);
  ThreadCoords thread(builder, op, tile);

  // One row for each value of a step; in it, the tile in row-major order.
  Step example = lines.steps.front().front();
  Type scalarType = example.term.getType();
  int64_t bytes = getMemoryBytes(getMemoryType(scalarType)), rowBytes = bytes;
  SmallVector<int64_t> strides(tile.getRank());
  for (unsigned dim = tile.getRank(); dim-- > 0;) {
    strides[dim] = rowBytes;
    rowBytes *= tile.getShape()[dim];
  }
  auto getPointer = [&](Value coord) {
    Value distance = getI32(0);
    for (unsigned dim = 0; dim != tile.getRank(); ++dim) {
      Value step = arith::MulIOp::create(
          builder, loc, dim == axis ? coord : thread.getBase(dim),
          getI32(strides[dim]));
      distance = arith::AddIOp::create(builder, loc, distance, step);
    }
    return addBytes(builder, loc, scratch, distance);
  };
  Value coord = thread.getBase(axis);
  Value own = getPointer(coord);
  Value first = getPointer(andMask(coord, ~(part.count - 1)));
  Value number = andMask(coord, part.count - 1);
  auto getDistance = [&](size_t line, size_t i) {
    int64_t distance = lines.offsets[i] / part.extent * strides[axis];
    for (auto [place, stride] : llvm::zip_equal(places[line], strides))
      distance += place * stride;
    return distance;
  };

  emitBarrier(builder, loc, op);
  auto write = [&] {
    for (auto [line, steps] : llvm::enumerate(lines.steps)) {
      for (auto [i, step] : llvm::enumerate(steps)) {
        Value pointer = addBytes(builder, loc, own, getDistance(line, i));
        storeRun(builder, loc, pointer, step.term);
        if (step.factor)
          storeRun(builder, loc, addBytes(builder, loc, pointer, rowBytes),
                   step.factor);
      }
    }
  };
  if (Value isFirstCopy = thread.getIsFirstCopy()) {
    auto branch = scf::IfOp::create(builder, loc, isFirstCopy,
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    write();
  } else {
    write();
  }
  emitBarrier(builder, loc, op);

  // What each warp joins for itself: what the parts before its own come to.
  Lines sums = lines;
  SmallVector<SmallVector<Step>> joined;
  for (auto [line, sumsOfLine] : llvm::enumerate(sums.steps)) {
    auto &joinedOfLine = joined.emplace_back();
    for (auto [i, sum] : llvm::enumerate(sumsOfLine)) {
      Step before;
      for (int64_t place = 0; place != part.count; ++place) {
        int64_t from = isReverse ? part.count - 1 - place : place;
        Value pointer = addBytes(builder, loc, first,
                                 getDistance(line, i) + from * strides[axis]);
        Step step;
        step.term = loadRun(builder, loc, pointer, 1, scalarType)[0];
        if (example.factor)
          step.factor =
              loadRun(builder, loc, addBytes(builder, loc, pointer, rowBytes),
                      1, scalarType)[0];
        if (place == 0) {
          before = sum = step;
          continue;
        }
        before = select(isEqual(number, from), sum, before);
        sum = join(sum, step);
      }
      joinedOfLine.push_back(before);
    }
  }
  Value isFirst = isEqual(number, isReverse ? part.count - 1 : 0);
  return scanGroups(sums, joined, isFirst, level);
}

States Scanner::scanGroups(const Lines &sums,
                           ArrayRef<SmallVector<Step>> joined, Value isFirst,
                           size_t level) {
  States states = scan(sums, level + 1);
  for (auto [before, steps] : llvm::zip_equal(states.before, joined))
    for (auto [state, step] : llvm::zip_equal(before, steps))
      state = select(isFirst, state, join(state, step));
  return states;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

SmallVector<Value> Scanner::run(ArrayRef<Step> steps,
                                SmallVectorImpl<Value> &start, bool exclusive) {
  // The registers of each line, in the order of the scan.
  using Register = std::pair<int64_t, int64_t>;
  SmallVector<SmallVector<Register>> registers(start.size());
  places.resize(start.size());
  for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
    TileLayout::Coords place = layout.getRegisterOffset(reg);
    int64_t offset = std::exchange(place[axis], 0);
    int64_t line = layout.getReducedRegister(reg, axis);
    places[line] = place;
    registers[line].emplace_back(offset, reg);
  }
  Lines lines;
  for (SmallVector<Register> &line : registers) {
    llvm::sort(line);
    if (isReverse)
      std::reverse(line.begin(), line.end());
    lines.steps.push_back(
        llvm::map_to_vector(line, [&](Register r) { return steps[r.second]; }));
  }
  lines.offsets = llvm::to_vector(llvm::make_first_range(registers.front()));
  for (Value state : start)
    starts.push_back({Value(), state});

  States states = scan(lines, 0);
  SmallVector<Value> results(steps.size());
  for (auto [line, before] : llvm::zip_equal(registers, states.before))
    for (auto [reg, state] : llvm::zip_equal(line, before))
      results[reg.second] =
          exclusive ? state.term : join(state, steps[reg.second]).term;
  if (wantsLast)
    for (auto [state, after] : llvm::zip_equal(start, states.after))
      state = after.term;
  return results;
}

/// Floats of 16 bits as f32, and back to `type`.
static Value widen(OpBuilder &builder, Location loc, Value scalar) {
  Type type = scalar.getType();
  if (!isa<FloatType>(type) || type.getIntOrFloatBitWidth() >= 32)
    return scalar;
  return arith::ExtFOp::create(builder, loc, builder.getF32Type(), scalar);
}
static void narrow(OpBuilder &builder, Location loc,
                   MutableArrayRef<Value> scalars, Type type) {
  for (Value &scalar : scalars)
    if (scalar.getType() != type)
      scalar = arith::TruncFOp::create(builder, loc, type, scalar);
}

/// The scratch of `op`; null if no warps share its axis.
template <typename OpT, typename AdaptorT>
static FailureOr<Value> getScratch(OpT op, AdaptorT adaptor,
                                   const TileLayout &layout,
                                   ConversionPatternRewriter &rewriter) {
  if constexpr (llvm::is_one_of<OpT, aref::ScanOp, aref::RecurrenceOp>::value)
    return adaptor.getScratch().front();
  else if (layout.getWarpParts(op.getAxis()) > 1)
    return rewriter.notifyMatchFailure(
        op, "expected convert-layouts to have given it scratch");
  return Value();
}

namespace {

/// `tile.scan`, or `aref.scan` if warps share its axis.
template <typename OpT>
struct ScanPattern : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(OpT op,
                  typename OpConversionPattern<OpT>::OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    TileLayout layout = getTileLayout(type);
    unsigned axis = op.getAxis();
    if (op.getX().getType() != type)
      return rewriter.notifyMatchFailure(op, "expected equal layouts");
    FailureOr<Value> scratch = getScratch(op, adaptor, layout, rewriter);
    if (failed(scratch))
      return failure();

    SmallVector<Step> steps;
    for (Value scalar : adaptor.getX())
      steps.push_back({Value(), widen(rewriter, loc, scalar)});
    Value neutral =
        getNeutral(rewriter, loc, op.getKind(), steps.front().term.getType());
    SmallVector<Value> start(layout.reduce(axis).getNumRegisters(), neutral);
    Scanner scanner(rewriter, op, layout, axis, op.getReverse(), op.getKind(),
                    *scratch, /*wantsLast=*/false);
    SmallVector<Value> results = scanner.run(steps, start, op.getExclusive());
    narrow(rewriter, loc, results, getScalarTypeOfTile(type));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// `tile.recurrence`, or `aref.recurrence` if warps share its axis.
template <typename OpT>
struct RecurrencePattern : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(OpT op,
                  typename OpConversionPattern<OpT>::OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getResult().getType());
    auto lastType = dyn_cast<RankedTensorType>(op.getLast().getType());
    TileLayout layout = getTileLayout(type);
    unsigned axis = op.getAxis();
    if (op.getA().getType() != type || op.getB().getType() != type ||
        (lastType && getTileLayout(lastType) != layout.slice(axis)))
      return rewriter.notifyMatchFailure(
          op, "expected equal layouts, and states in a slice of them");
    FailureOr<Value> scratch = getScratch(op, adaptor, layout, rewriter);
    if (failed(scratch))
      return failure();

    SmallVector<Step> steps;
    for (auto [a, b] : llvm::zip_equal(adaptor.getA(), adaptor.getB()))
      steps.push_back({widen(rewriter, loc, a), widen(rewriter, loc, b)});
    SmallVector<Value> states;
    for (Value state : adaptor.getInit())
      states.push_back(widen(rewriter, loc, state));
    Scanner scanner(rewriter, op, layout, axis, op.getReverse(),
                    /*kind=*/std::nullopt, *scratch,
                    /*wantsLast=*/!op.getLast().use_empty());
    SmallVector<Value> results = scanner.run(steps, states, op.getExclusive());
    narrow(rewriter, loc, results, getScalarTypeOfTile(type));
    narrow(rewriter, loc, states, getScalarTypeOfTile(type));
    rewriter.replaceOpWithMultiple(op, {results, states});
    return success();
  }
};

} // namespace

void heddle::populateScanPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<RecurrencePattern<aref::RecurrenceOp>,
               RecurrencePattern<tile::RecurrenceOp>, ScanPattern<aref::ScanOp>,
               ScanPattern<tile::ScanOp>>(converter, patterns.getContext());
}
