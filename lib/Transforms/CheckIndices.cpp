//===- CheckIndices.cpp - Indices that memory decides are checked ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/Support/FormatVariadic.h"

namespace heddle {
#define GEN_PASS_DEF_CHECKINDICES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// Puts checks in front of one operation.
class Checker {
public:
  explicit Checker(Operation *op)
      : b(op), loc(NameLoc::get(b.getStringAttr("inside"), op->getLoc())) {}

  void visit(memref::LoadOp load) {
    checkAll(load.getMemRef(), load.getIndices());
  }
  void visit(memref::StoreOp store) {
    checkAll(store.getMemRef(), store.getIndices());
  }
  void visit(memref::SubViewOp subview);
  void visit(tile::LoadOp load);

private:
  Value getExtent(Value view, unsigned dim) {
    return b.createOrFold<memref::DimOp>(loc, view, dim);
  }
  Value getConstant(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value x) {
    return b.createOrFold<arith::CmpIOp>(loc, predicate, a, x);
  }
  void checkAll(Value view, ValueRange indices) {
    for (auto [dim, index] : llvm::enumerate(indices))
      check(isBelow(index, getExtent(view, dim)),
            "index {0} of a view is outside of it", dim);
  }
  /// Negative numbers are large ones.
  Value isBelow(Value index, Value extent) {
    return compare(arith::CmpIPredicate::ult, index, extent);
  }
  void check(Value condition, const char *format, unsigned dim) {
    if (getConstantIntValue(condition).value_or(0) == 0)
      aref::CheckOp::create(b, loc, condition,
                            b.getStringAttr(llvm::formatv(format, dim).str()));
  }

  OpBuilder b;
  Location loc;
};

/// Whether memory decides what `value` is.
bool comesFromMemory(Value value) {
  SmallVector<Value> open = {value};
  llvm::SmallDenseSet<Value> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    // A loop decides what it carries.
    Operation *op = next.getDefiningOp();
    if (!op)
      op = cast<BlockArgument>(next).getOwner()->getParentOp();
    if (isa<tile::KernelOp, aref::RoleOp>(op))
      continue;
    if (isa<memref::LoadOp>(op))
      return true;
    llvm::append_range(open, op->getOperands());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::append_range(open, block.getTerminator()->getOperands());
  }
  return false;
}

void Checker::visit(memref::SubViewOp subview) {
  auto get = [&](OpFoldResult part) {
    return getValueOrCreateConstantIndexOp(b, loc, part);
  };
  for (auto [dim, offset, size, stride] :
       llvm::enumerate(subview.getMixedOffsets(), subview.getMixedSizes(),
                       subview.getMixedStrides())) {
    Value extent = getExtent(subview.getSource(), dim);
    Value first = get(offset), count = get(size);
    // Without elements it may be anywhere.
    Value last = getConstant(-1);
    last = b.createOrFold<arith::AddIOp>(loc, count, last);
    last = b.createOrFold<arith::MulIOp>(loc, last, get(stride));
    last = b.createOrFold<arith::AddIOp>(loc, last, first);
    Value fits = b.createOrFold<arith::AndIOp>(loc, isBelow(first, extent),
                                               isBelow(last, extent));
    if (getConstantIntValue(size) == 0)
      continue;
    if (!getConstantIntValue(size)) {
      Value isSome = compare(arith::CmpIPredicate::sgt, count, getConstant(0));
      fits = b.createOrFold<arith::AndIOp>(loc, fits, isSome);
      Value isEmpty = compare(arith::CmpIPredicate::eq, count, getConstant(0));
      fits = b.createOrFold<arith::OrIOp>(loc, fits, isEmpty);
    }
    check(fits, "a part of a view is outside of it along dimension {0}", dim);
  }
}

void Checker::visit(tile::LoadOp load) {
  if (load.getPadAttr())
    return;
  // Each thread checks the rows that it gathers.
  for (auto [dim, offset] :
       llvm::enumerate(load.getOffsets().take_front(load.getNumOuterDims())))
    if (offset.getType().isIndex() && comesFromMemory(offset))
      check(isBelow(offset, getExtent(load.getView(), dim)),
            "offset {0} of a view is outside of it, and the load has no pad",
            dim);
}

/// The author's place, if there is one: copies of an operation share it.
std::optional<std::pair<Location, OperationName>> getOrigin(Operation *op) {
  Location loc = op->getLoc();
  if (!loc->findInstanceOf<FileLineColLoc>())
    return std::nullopt;
  return std::pair(loc, op->getName());
}

/// Whether `op` is in a loop that starts products itself.
bool isAmongProducts(Operation *op) {
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>())
    if (!loop.getBody()->getOps<aref::MmaOp>().empty())
      return true;
  return false;
}

struct CheckIndices : heddle::impl::CheckIndicesBase<CheckIndices> {
  void runOnOperation() override {
    // Each role checks what it uses, so that none of them reads on before
    // another one stops. Among products, the first role is enough, which
    // copies: ptxas runs products one by one around a trap (C7518).
    llvm::DenseSet<std::pair<Location, OperationName>> checked;
    auto visit = [&](Operation *root) {
      SmallVector<std::pair<Location, OperationName>> own;
      root->walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (op != root && isa<aref::RoleOp>(op))
          return WalkResult::skip();
        auto origin = getOrigin(op);
        if (origin && isAmongProducts(op) && checked.contains(*origin))
          return WalkResult::advance();
        llvm::TypeSwitch<Operation *>(op)
            .Case<memref::LoadOp, memref::StoreOp, memref::SubViewOp,
                  tile::LoadOp>([&](auto op) {
              Checker(op).visit(op);
              if (origin)
                own.push_back(*origin);
            });
        return WalkResult::advance();
      });
      checked.insert(own.begin(), own.end());
    };
    visit(getOperation());
    for (aref::RoleOp role : getOperation().getOps<aref::RoleOp>())
      visit(role);
  }
};

} // namespace
