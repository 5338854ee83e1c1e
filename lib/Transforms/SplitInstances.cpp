//===- SplitInstances.cpp - Share the consumer's tiles out ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/TileCut.h"
#include "lib/Transforms/Warpgroups.h"

namespace heddle {
#define GEN_PASS_DEF_SPLITINSTANCES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// Cutting tiles
//===----------------------------------------------------------------------===//

namespace {
/// Rewrites a role so that each instance has its part of the tiles.
class Cutter {
public:
  Cutter(aref::RoleOp role, const TileCut &cut, int64_t instances)
      : role(role), cut(cut), instances(instances), builder(role) {}

  void run();

private:
  RankedTensorType getPart(Type tile, int64_t dim) const;
  /// Where the part of a tile that has `extent` elements begins.
  Value getFirst(int64_t extent);
  Value add(Location loc, Value offset, int64_t extent);
  /// The part of `value`, which a source defines, along `dim`.
  Value getPartOf(Value value, int64_t dim);
  Value createPart(Value value, int64_t dim);
  Value createPartOfIota(tile::IotaOp iota, int64_t dim);
  Value createPartOfGet(Value value, int64_t dim);
  Value createPartOfLoad(tile::LoadOp load, int64_t dim);
  void cutStore(tile::StoreOp store, int64_t dim);

  aref::RoleOp role;
  const TileCut &cut;
  int64_t instances;
  OpBuilder builder;
  DenseMap<int64_t, Value> firsts;
  DenseMap<std::pair<Value, int64_t>, Value> parts;
};
} // namespace

RankedTensorType Cutter::getPart(Type tile, int64_t dim) const {
  auto type = cast<RankedTensorType>(tile);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] /= instances;
  return type.clone(shape);
}

Value Cutter::getFirst(int64_t extent) {
  Value &first = firsts[extent];
  if (first)
    return first;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&role.getBody().front());
  Value size = arith::ConstantIndexOp::create(builder, role.getLoc(), extent);
  auto loc = NameLoc::get(builder.getStringAttr("first"), role.getLoc());
  first = arith::MulIOp::create(builder, loc, role.getInstance(), size);
  return first;
}

Value Cutter::add(Location loc, Value offset, int64_t extent) {
  Value first = getFirst(extent);
  loc = NameLoc::get(builder.getStringAttr("offset"), loc);
  return arith::AddIOp::create(builder, loc, offset, first);
}

Value Cutter::getPartOf(Value value, int64_t dim) {
  auto [it, isNew] = parts.insert({{value, dim}, {}});
  if (!isNew)
    return it->second;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  Value part = createPart(value, dim);
  parts[{value, dim}] = part;
  return part;
}

Value Cutter::createPart(Value value, int64_t dim) {
  RankedTensorType type = getPart(value.getType(), dim);
  Operation *op = value.getDefiningOp();
  Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::ConstantOp op) {
        auto splat = cast<SplatElementsAttr>(op.getValue());
        return arith::ConstantOp::create(builder, loc, splat.resizeSplat(type));
      })
      .Case([&](tensor::SplatOp op) {
        return tensor::SplatOp::create(builder, loc, op.getInput(), type);
      })
      .Case([&](tensor::EmptyOp) {
        return tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
      })
      .Case([&](tile::IotaOp op) { return createPartOfIota(op, dim); })
      .Case([&](tile::LoadOp op) { return createPartOfLoad(op, dim); })
      .Case([&](aref::GetOp) { return createPartOfGet(value, dim); });
}

Value Cutter::createPartOfIota(tile::IotaOp iota, int64_t dim) {
  Location loc = iota.getLoc();
  RankedTensorType type = getPart(iota.getType(), dim);
  Value part = tile::IotaOp::create(builder, loc, type, iota.getAxis());
  if (int64_t(iota.getAxis()) != dim)
    return part;
  Value first = getFirst(type.getDimSize(dim));
  if (!type.getElementType().isIndex())
    first =
        arith::IndexCastOp::create(builder, loc, type.getElementType(), first);
  Value splat = tensor::SplatOp::create(builder, loc, first, type);
  return arith::AddIOp::create(builder, loc, part, splat);
}

Value Cutter::createPartOfGet(Value value, int64_t dim) {
  RankedTensorType type = getPart(value.getType(), dim);
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  offsets[dim] = getFirst(type.getDimSize(dim));
  return tensor::ExtractSliceOp::create(builder, value.getLoc(), type, value,
                                        offsets, sizes, strides);
}

Value Cutter::createPartOfLoad(tile::LoadOp load, int64_t dim) {
  RankedTensorType type = getPart(load.getType(), dim);
  SmallVector<Value> offsets(load.getOffsets());
  Value &offset = offsets[offsets.size() - type.getRank() + dim];
  offset = add(load.getLoc(), offset, type.getDimSize(dim));
  auto part = tile::LoadOp::create(builder, load.getLoc(), type, load.getView(),
                                   offsets, load.getPadAttr());
  part->setDiscardableAttrs(load->getDiscardableAttrDictionary());
  return part;
}

void Cutter::cutStore(tile::StoreOp store, int64_t dim) {
  Location loc = store.getLoc();
  builder.setInsertionPoint(store);
  // Every instance adds its part of a sum.
  if (auto dot = store.getValue().getDefiningOp<tile::DotOp>();
      dot && cut.isPartial(dot))
    return;
  // All instances have a whole tile; one writes it.
  if (dim == TileCut::whole) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value isFirst = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, role.getInstance(), zero);
    auto branch = scf::IfOp::create(builder, loc, isFirst,
                                    /*withElseRegion=*/false);
    store->moveBefore(branch.thenBlock()->getTerminator());
    return;
  }
  auto type = cast<RankedTensorType>(store.getValue().getType());
  unsigned i = store.getOffsets().size() - type.getRank() + dim;
  store.getOffsetsMutable()[i].set(
      add(loc, store.getOffsets()[i], type.getDimSize(dim)));
}

void Cutter::run() {
  SmallVector<OpOperand *> uses;
  SmallVector<tile::StoreOp> stores;
  SmallVector<Operation *> sources;
  role.getBody().walk([&](Operation *op) {
    for (OpOperand &use : op->getOpOperands())
      if (isTileSource(use.get().getDefiningOp()) &&
          isa<RankedTensorType>(use.get().getType()))
        uses.push_back(&use);
    if (auto store = dyn_cast<tile::StoreOp>(op))
      stores.push_back(store);
    if (isTileSource(op) && !isa<aref::GetOp>(op))
      sources.push_back(op);
  });
  for (OpOperand *use : uses)
    if (int64_t dim = cut.getDim(*use); dim != TileCut::whole)
      use->set(getPartOf(use->get(), dim));
  for (auto [value, dim] : cut.getCutValues())
    value.setType(getPart(value.getType(), dim));
  for (tile::StoreOp store : stores)
    cutStore(store, cut.getDim(store.getValue()));
  for (Operation *source : sources)
    if (source->use_empty())
      source->erase();
  role.setInstances(instances);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// How many instances the role should have: 1 if its dots do not agree.
static int64_t chooseInstances(aref::RoleOp role) {
  SmallVector<tile::DotOp> dots, flexible;
  role.getBody().walk([&](tile::DotOp dot) {
    (canSumInParts(dot) ? flexible : dots).push_back(dot);
  });
  // Those that can be cut along K, too, follow the others.
  if (dots.empty())
    dots = flexible;
  if (dots.empty())
    return 1;
  tile::DotOp first = dots.front();
  int64_t instances = getInstancesFor(first.getM());
  if (instances == 1 && first.getM() > 64)
    first.emitRemark("runs on one warpgroup: M is ")
        << first.getM() << ", and 128, 192 and 256 are shared out";
  for (tile::DotOp dot : ArrayRef(dots).drop_front()) {
    if (getInstancesFor(dot.getM()) == instances)
      continue;
    InFlightDiagnostic remark =
        dot.emitRemark("runs on one warpgroup: M is ")
        << dot.getM() << ", which is not shared out as that of another dot";
    remark.attachNote(first.getLoc()) << "there M is " << first.getM();
    return 1;
  }
  return instances;
}

static void splitInstances(aref::RoleOp role) {
  int64_t instances = chooseInstances(role);
  if (instances == 1)
    return;
  TileCut cut(role, instances);
  Operation *obstacle = nullptr;
  StringRef reason;
  if (failed(cut.compute())) {
    obstacle = cut.getObstacle();
    reason = cut.getReason();
  } else if (succeeded(verifyIndependence(role, cut, obstacle, reason))) {
    Cutter(role, cut, instances).run();
    return;
  }
  obstacle->emitRemark("keeps the consumer on one warpgroup instead of ")
      << instances << ": " << reason;
}

namespace {
struct SplitInstances : heddle::impl::SplitInstancesBase<SplitInstances> {
  void runOnOperation() override {
    if (aref::RoleOp consumer = findRole(getOperation(), consumerRole))
      splitInstances(consumer);
    bool prepares = bool(findRole(getOperation(), preparerRole));
    setRegisters(getOperation(),
                 getRegisterShares(getOperation(), prepares,
                                   countWarpgroups(getOperation())));
  }
};
} // namespace
