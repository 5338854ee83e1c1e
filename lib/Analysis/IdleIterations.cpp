//===- IdleIterations.cpp - When an iteration changes nothing -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/IdleIterations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace heddle;

namespace {

/// What is known of a value: all its elements are `constant`, or it equals
/// `same`, which stands for all values that are known to be equal.
struct Known {
  TypedAttr constant;
  Value same;

  bool operator==(const Known &other) const {
    return constant == other.constant && same == other.same;
  }
};

/// Goes through an iteration.
class Iteration {
public:
  Iteration(Value mask, bool value)
      : mask(mask),
        masked{IntegerAttr::get(IntegerType::get(mask.getContext(), 1), value),
               Value()} {}

  void visit(Operation *op);
  Known get(Value value) const;

private:
  Known evaluate(Operation *op);
  /// What follows from constant operands alone.
  std::optional<Known> fold(Operation *op, ArrayRef<Known> operands);
  std::optional<Known> simplify(Operation *op, ArrayRef<Known> operands);
  std::optional<Known> add(Known x, Known y);
  std::optional<Known> subtract(Known x, Known y, Type element);
  std::optional<Known> multiply(Known x, Known y);
  /// One value for all that are computed alike.
  Known number(Operation *op, ArrayRef<Known> operands);

  Value mask;
  Known masked;
  DenseMap<Value, Known> known;
  std::map<std::vector<const void *>, Value> numbers;
};

} // namespace

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static bool isZero(const Known &x) {
  if (auto number = dyn_cast_or_null<FloatAttr>(x.constant))
    return number.getValue().isZero();
  auto number = dyn_cast_or_null<IntegerAttr>(x.constant);
  return number && number.getValue().isZero();
}

static bool isOne(const Known &x) {
  if (auto number = dyn_cast_or_null<FloatAttr>(x.constant))
    return number.getValue().isExactlyValue(1.0);
  auto number = dyn_cast_or_null<IntegerAttr>(x.constant);
  return number && number.getValue().isOne();
}

static bool isInfinity(const Known &x) {
  auto number = dyn_cast_or_null<FloatAttr>(x.constant);
  return number && number.getValue().isInfinity();
}

static bool isInfinity(const Known &x, bool negative) {
  return isInfinity(x) &&
         cast<FloatAttr>(x.constant).getValue().isNegative() == negative;
}

static Known makeFloat(Type element, double value) {
  return {FloatAttr::get(element, value), Value()};
}

/// The attribute of a value of type `type` that is `constant` everywhere.
static Attribute getAttribute(Type type, TypedAttr constant) {
  if (auto tile = dyn_cast<RankedTensorType>(type))
    return DenseElementsAttr::get(tile, Attribute(constant));
  return constant;
}

static TypedAttr getElement(Attribute attribute) {
  if (auto elements = dyn_cast_or_null<DenseElementsAttr>(attribute))
    return elements.isSplat()
               ? cast<TypedAttr>(elements.getSplatValue<Attribute>())
               : TypedAttr();
  if (isa_and_nonnull<IntegerAttr, FloatAttr>(attribute))
    return cast<TypedAttr>(attribute);
  return {};
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Known Iteration::get(Value value) const {
  if (value == mask)
    return masked;
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    if (TypedAttr element = getElement(attribute))
      return {element, Value()};
  return {TypedAttr(), value};
}

std::optional<Known> Iteration::add(Known x, Known y) {
  if (isZero(x) || isInfinity(y))
    return y;
  if (isZero(y) || isInfinity(x))
    return x;
  return std::nullopt;
}

std::optional<Known> Iteration::subtract(Known x, Known y, Type element) {
  if (isZero(y) || isInfinity(x))
    return x;
  if (x == y && isa<FloatType>(element))
    return makeFloat(element, 0);
  if (x == y)
    return Known{cast<TypedAttr>(Attribute(IntegerAttr::get(element, 0))),
                 Value()};
  return std::nullopt;
}

std::optional<Known> Iteration::multiply(Known x, Known y) {
  if (isZero(x) || isOne(y))
    return x;
  if (isZero(y) || isOne(x))
    return y;
  return std::nullopt;
}

/// Whether combining anything with `x` changes nothing.
static bool isNeutral(tile::ReduceKind kind, const Known &x) {
  auto number = dyn_cast_or_null<IntegerAttr>(x.constant);
  switch (kind) {
  case tile::ReduceKind::Add:
  case tile::ReduceKind::Or:
  case tile::ReduceKind::Xor:
    return isZero(x);
  case tile::ReduceKind::Mul:
    return isOne(x);
  case tile::ReduceKind::And:
    return number && number.getValue().isAllOnes();
  case tile::ReduceKind::Max:
    return isInfinity(x, /*negative=*/true) ||
           (number && number.getValue().isMinSignedValue());
  case tile::ReduceKind::Min:
    return isInfinity(x, /*negative=*/false) ||
           (number && number.getValue().isMaxSignedValue());
  }
  return false;
}

std::optional<Known> Iteration::fold(Operation *op, ArrayRef<Known> operands) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      operands.empty() || !isMemoryEffectFree(op))
    return std::nullopt;
  SmallVector<Attribute> attributes;
  for (auto [operand, x] : llvm::zip(op->getOperands(), operands)) {
    if (!x.constant)
      return std::nullopt;
    attributes.push_back(getAttribute(operand.getType(), x.constant));
  }
  // What all elements have, each element of another shape has, too.
  if (isa<tile::BroadcastOp, tile::TransposeOp, tensor::SplatOp>(op))
    return operands.front();
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(attributes, results)) || results.size() != 1)
    return std::nullopt;
  if (auto value = dyn_cast<Value>(results.front()))
    return value == op->getResult(0) ? std::nullopt : std::optional(get(value));
  if (TypedAttr element = getElement(cast<Attribute>(results.front())))
    return Known{element, Value()};
  return std::nullopt;
}

std::optional<Known> Iteration::simplify(Operation *op,
                                         ArrayRef<Known> operands) {
  using Result = std::optional<Known>;
  if (op->getNumResults() != 1)
    return std::nullopt;
  Type element = getElementTypeOrSelf(op->getResult(0));
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::SelectOp) -> Result {
        if (operands[1] == operands[2])
          return operands[1];
        auto which = dyn_cast_or_null<IntegerAttr>(operands[0].constant);
        if (!which)
          return std::nullopt;
        return operands[which.getValue().isZero() ? 2 : 1];
      })
      .Case<arith::AddFOp, arith::AddIOp, arith::OrIOp, arith::XOrIOp>(
          [&](Operation *) { return add(operands[0], operands[1]); })
      .Case<arith::SubFOp, arith::SubIOp>([&](Operation *) {
        return subtract(operands[0], operands[1], element);
      })
      .Case<arith::MulFOp, arith::MulIOp>(
          [&](Operation *) { return multiply(operands[0], operands[1]); })
      .Case([&](arith::AndIOp) -> Result {
        for (const Known &x : operands)
          if (isZero(x))
            return x;
        return std::nullopt;
      })
      .Case([&](math::FmaOp) -> Result {
        Result product = multiply(operands[0], operands[1]);
        auto x = dyn_cast_or_null<FloatAttr>(operands[0].constant);
        auto y = dyn_cast_or_null<FloatAttr>(operands[1].constant);
        if (!product && x && y) {
          APFloat value = x.getValue();
          value.multiply(y.getValue(), APFloat::rmNearestTiesToEven);
          // A finite product is not rounded before it is added.
          if (value.isInfinity())
            product = Known{FloatAttr::get(element, value), Value()};
        }
        return product ? add(*product, operands[2]) : std::nullopt;
      })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([&](Operation *) -> Result {
        if (operands[0] == operands[1] || isInfinity(operands[0], true))
          return operands[1];
        return isInfinity(operands[1], true) ? Result(operands[0])
                                             : std::nullopt;
      })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([&](Operation *) -> Result {
        if (operands[0] == operands[1] || isInfinity(operands[0], false))
          return operands[1];
        return isInfinity(operands[1], false) ? Result(operands[0])
                                              : std::nullopt;
      })
      .Case<math::ExpOp, math::Exp2Op>([&](Operation *) -> Result {
        if (isZero(operands[0]))
          return makeFloat(element, 1);
        return isInfinity(operands[0], true) ? Result(makeFloat(element, 0))
                                             : std::nullopt;
      })
      .Case([&](tile::ReduceOp reduce) -> Result {
        return isNeutral(reduce.getKind(), operands[0]) ? Result(operands[1])
                                                        : std::nullopt;
      })
      .Case([&](tile::DotOp) -> Result {
        return isZero(operands[0]) || isZero(operands[1]) ? Result(operands[2])
                                                          : std::nullopt;
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

Known Iteration::number(Operation *op, ArrayRef<Known> operands) {
  Value result = op->getResult(0);
  std::vector<const void *> key = {op->getName().getAsOpaquePointer(),
                                   op->getAttrDictionary().getAsOpaquePointer(),
                                   result.getType().getAsOpaquePointer()};
  for (const Known &x : operands) {
    key.push_back(x.constant ? x.constant.getAsOpaquePointer() : nullptr);
    key.push_back(x.same ? x.same.getAsOpaquePointer() : nullptr);
  }
  return {TypedAttr(),
          numbers.try_emplace(std::move(key), result).first->second};
}

Known Iteration::evaluate(Operation *op) {
  SmallVector<Known> operands = llvm::map_to_vector(
      op->getOperands(), [&](Value operand) { return get(operand); });
  if (std::optional<Known> constant = fold(op, operands))
    return *constant;
  if (std::optional<Known> simpler = simplify(op, operands))
    return *simpler;
  if (op->getNumRegions() == 0 && isMemoryEffectFree(op))
    return number(op, operands);
  return {TypedAttr(), op->getResult(0)};
}

void Iteration::visit(Operation *op) {
  // Results of loops, branches and the like stand for themselves.
  if (op->getNumResults() == 1 && !op->hasTrait<OpTrait::ConstantLike>())
    known[op->getResult(0)] = evaluate(op);
}

bool heddle::isIdleIteration(scf::ForOp loop, Value mask, bool value) {
  Iteration iteration(mask, value);
  for (Operation &op : loop.getBody()->without_terminator()) {
    std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
        getEffectsRecursively(&op);
    if (!effects || !llvm::all_of(*effects, [](const auto &effect) {
          return isa<MemoryEffects::Read>(effect.getEffect());
        }))
      return false;
    iteration.visit(&op);
  }
  return llvm::all_of(
      llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues()),
      [&](auto pair) {
        return iteration.get(std::get<1>(pair)) ==
               iteration.get(std::get<0>(pair));
      });
}
