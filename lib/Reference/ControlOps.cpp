//===- ControlOps.cpp - Constants, block numbers and control flow ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

using namespace mlir;
using namespace heddle::reference;

//===----------------------------------------------------------------------===//
// Constants and block numbers
//===----------------------------------------------------------------------===//

static Element getElement(const APInt &value) {
  return makeInt(value.getZExtValue());
}
static Element getElement(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return makeFloat(value.convertToDouble());
}

template <typename Number>
static void fill(Tile &tile, DenseElementsAttr elements) {
  if (elements.isSplat()) {
    Element element = getElement(elements.getSplatValue<Number>());
    std::fill(tile.elements.begin(), tile.elements.end(), element);
    return;
  }
  for (auto [i, value] : llvm::enumerate(elements.getValues<Number>()))
    tile.elements[i] = getElement(value);
}

static LogicalResult runConstant(Frame &frame, arith::ConstantOp op) {
  Attribute attribute = op.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attribute)) {
    frame.set(op, getElement(integer.getValue()));
    return success();
  }
  if (auto number = dyn_cast<FloatAttr>(attribute)) {
    frame.set(op, getElement(number.getValue()));
    return success();
  }
  auto elements = dyn_cast<DenseElementsAttr>(attribute);
  if (!elements)
    return frame.error(op)
           << "the reference reads constants that are numbers or dense";
  heddle::reference::Tile tile(cast<RankedTensorType>(op.getType()));
  if (isa<FloatType>(tile.elementType))
    fill<APFloat>(tile, elements);
  else
    fill<APInt>(tile, elements);
  frame.setTile(op, std::move(tile));
  return success();
}

//===----------------------------------------------------------------------===//
// scf
//===----------------------------------------------------------------------===//

static LogicalResult runFor(Frame &frame, scf::ForOp op) {
  int64_t lower = frame.getInt(op.getLowerBound());
  int64_t upper = frame.getInt(op.getUpperBound());
  int64_t step = frame.getInt(op.getStep());
  if (step <= 0)
    return frame.error(op) << "expected a positive step, found " << step;
  auto below = [&](int64_t a, int64_t b) {
    return op.getUnsignedCmp() ? uint64_t(a) < uint64_t(b) : a < b;
  };
  SmallVector<RuntimeValue> carried = frame.getAll(op.getInitArgs());
  for (int64_t i = lower; below(i, upper);) {
    frame.setInt(op.getInductionVar(), i);
    frame.setAll(op.getRegionIterArgs(), carried);
    FailureOr<Operation *> yield = frame.run(*op.getBody());
    if (failed(yield))
      return failure();
    carried = frame.getAll((*yield)->getOperands());
    // The step may pass the largest number.
    if (__builtin_add_overflow(i, step, &i) && !op.getUnsignedCmp())
      break;
  }
  frame.setAll(op.getResults(), carried);
  return success();
}

/// Runs the only block of `region` and makes what it yields `results`.
static LogicalResult runRegion(Frame &frame, Region &region,
                               ResultRange results) {
  FailureOr<Operation *> yield = frame.run(region.front());
  if (failed(yield))
    return failure();
  SmallVector<RuntimeValue> yielded = frame.getAll((*yield)->getOperands());
  frame.setAll(results, yielded);
  return success();
}

static LogicalResult runIf(Frame &frame, scf::IfOp op) {
  if (frame.getScalar(op.getCondition()).i)
    return runRegion(frame, op.getThenRegion(), op.getResults());
  if (!op.getElseRegion().empty())
    return runRegion(frame, op.getElseRegion(), op.getResults());
  return success();
}

static LogicalResult runSwitch(Frame &frame, scf::IndexSwitchOp op) {
  int64_t argument = frame.getInt(op.getArg());
  for (auto [i, value] : llvm::enumerate(op.getCases()))
    if (value == argument)
      return runRegion(frame, op.getCaseRegions()[i], op.getResults());
  return runRegion(frame, op.getDefaultRegion(), op.getResults());
}

static LogicalResult runWhile(Frame &frame, scf::WhileOp op) {
  SmallVector<RuntimeValue> carried = frame.getAll(op.getInits());
  while (true) {
    frame.setAll(op.getBeforeArguments(), carried);
    FailureOr<Operation *> before = frame.run(*op.getBeforeBody());
    if (failed(before))
      return failure();
    auto condition = cast<scf::ConditionOp>(*before);
    SmallVector<RuntimeValue> passed = frame.getAll(condition.getArgs());
    if (!frame.getScalar(condition.getCondition()).i) {
      frame.setAll(op.getResults(), passed);
      return success();
    }
    frame.setAll(op.getAfterArguments(), passed);
    FailureOr<Operation *> after = frame.run(*op.getAfterBody());
    if (failed(after))
      return failure();
    carried = frame.getAll((*after)->getOperands());
  }
}

void heddle::reference::addControlOps(Registry &registry) {
  registry.add<arith::ConstantOp>(runConstant);
  registry.add<gpu::BlockIdOp>([](Frame &frame, gpu::BlockIdOp op) {
    frame.setInt(op, frame.block[unsigned(op.getDimension())]);
    return success();
  });
  registry.add<gpu::GridDimOp>([](Frame &frame, gpu::GridDimOp op) {
    frame.setInt(op, frame.grid[unsigned(op.getDimension())]);
    return success();
  });
  registry.add<scf::ForOp>(runFor);
  registry.add<scf::IfOp>(runIf);
  registry.add<scf::IndexSwitchOp>(runSwitch);
  registry.add<scf::WhileOp>(runWhile);
  registry.add<scf::ExecuteRegionOp>(
      [](Frame &frame, scf::ExecuteRegionOp op) -> LogicalResult {
        if (!op.getRegion().hasOneBlock())
          return frame.error(op) << "the reference runs regions of one block";
        return runRegion(frame, op.getRegion(), op.getResults());
      });
}
