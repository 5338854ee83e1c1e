//===- Multiples.cpp - Numbers that are multiples of others ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/Multiples.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <numeric>

using namespace mlir;

/// Follows definitions up to `depth` operations.
static bool isMultiple(Value value, int64_t factor, int depth) {
  if (factor == 1)
    return true;
  if (depth == 0)
    return false;
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % factor == 0;
  auto check = [&](Value operand) {
    return isMultiple(operand, factor, depth - 1);
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    // A block that a conversion has replaced is nobody's.
    auto loop =
        dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() &&
           check(loop.getLowerBound()) && check(loop.getStep());
  }
  Operation *op = value.getDefiningOp();
  if (auto product = dyn_cast<arith::MulIOp>(op)) {
    // What one factor lacks, the other may have.
    for (auto [known, other] : {std::pair(product.getLhs(), product.getRhs()),
                                std::pair(product.getRhs(), product.getLhs())})
      if (std::optional<int64_t> constant = getConstantIntValue(known))
        return *constant == 0 ||
               isMultiple(other, factor / std::gcd(factor, *constant),
                          depth - 1);
    return check(product.getLhs()) || check(product.getRhs());
  }
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp,
          arith::MinUIOp, arith::MaxUIOp>(op))
    return check(op->getOperand(0)) && check(op->getOperand(1));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp>(op))
    return check(op->getOperand(0));
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return check(select.getTrueValue()) && check(select.getFalseValue());
  return false;
}

bool heddle::isKnownMultiple(Value value, int64_t factor) {
  return isMultiple(value, factor, 16);
}
