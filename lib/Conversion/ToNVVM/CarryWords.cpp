//===- CarryWords.cpp - Loops carry small elements in whole registers -----===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace heddle;

/// The register of which `value` is the element at `position`.
static Value getRegister(Value value, int64_t position) {
  auto extract = value.getDefiningOp<LLVM::ExtractElementOp>();
  if (!extract || getConstantIntValue(extract.getPosition()) != position)
    return {};
  auto cast = extract.getVector().getDefiningOp<LLVM::BitcastOp>();
  return cast && cast.getArg().getType().isInteger(32) ? cast.getArg()
                                                       : Value();
}

/// How many values from `first` on are the elements of one register, and which.
static std::pair<size_t, Value> findRegister(ValueRange values, size_t first) {
  Type type = values[first].getType();
  if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() >= 32 ||
      32 % type.getIntOrFloatBitWidth() != 0)
    return {};
  size_t count = 32 / type.getIntOrFloatBitWidth();
  if (first + count > values.size())
    return {};
  Value reg = getRegister(values[first], 0);
  for (size_t i = 1; reg && i < count; ++i)
    if (getRegister(values[first + i], i) != reg)
      return {};
  return {count, reg};
}

static void carryWords(scf::ForOp loop) {
  SmallVector<Value> inits, yields;
  SmallVector<std::pair<size_t, size_t>> groups;
  IRRewriter rewriter(loop);
  Location loc = loop.getLoc();
  ValueRange yielded = loop.getYieldedValues();
  for (size_t i = 0; i < yielded.size();) {
    auto [count, reg] = findRegister(yielded, i);
    if (!reg) {
      ++i;
      continue;
    }
    yields.push_back(reg);
    inits.push_back(
        packRegister(rewriter, loc, loop.getInits().slice(i, count)));
    groups.emplace_back(i, count);
    i += count;
  }
  if (groups.empty())
    return;
  size_t old = yielded.size();
  auto wider = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
      rewriter, inits, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return yields; }));
  // What was carried before is of no use any more.
  auto replace = [&](ValueRange values, ValueRange registers) {
    for (auto [group, reg] : llvm::zip_equal(groups, registers)) {
      ValueRange elements = values.slice(group.first, group.second);
      for (auto [element, part] :
           llvm::zip_equal(elements, unpackRegisters(rewriter, loc, reg,
                                                     elements[0].getType())))
        element.replaceAllUsesWith(part);
    }
  };
  rewriter.setInsertionPointToStart(wider.getBody());
  replace(wider.getRegionIterArgs(), wider.getRegionIterArgs().drop_front(old));
  rewriter.setInsertionPointAfter(wider);
  replace(wider.getResults(), wider.getResults().drop_front(old));
}

void heddle::carryWords(tile::KernelOp kernel) {
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    ::carryWords(loop);
}
