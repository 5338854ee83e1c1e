//===- Kernel.cpp - Roles as branches of one function ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Kernel.h"

#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace heddle;
using heddle::aref::RoleOp;

static constexpr int64_t warpSize = 32;
static constexpr int64_t warpgroupWarps = 4;
static constexpr int64_t defaultWarps = 4;
/// Registers of a multiprocessor, and the most that one thread can have.
static constexpr int64_t allRegisters = 65536;
static constexpr int64_t maxRegisters = 255;

//===----------------------------------------------------------------------===//
// BlockPlan
//===----------------------------------------------------------------------===//

BlockPlan::BlockPlan(tile::KernelOp kernel) {
  for (auto role : kernel.getBody().getOps<aref::RoleOp>()) {
    int64_t reserved = llvm::alignTo(role.getWarps(), warpgroupWarps);
    roles.push_back({role, numWarps, reserved, numBarriers, 0});
    numWarps += reserved * role.getInstances();
    numBarriers += role.getInstances();
    bool takesTurns =
        role.getBody()
            .walk([](aref::TakeTurnOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!takesTurns)
      continue;
    roles.back().firstTurn = numBarriers;
    numBarriers += role.getInstances();
  }
  if (!roles.empty())
    return;
  auto warps =
      kernel->getAttrOfType<IntegerAttr>(tile::TileDialect::getWarpsAttrName());
  numWarps = warps ? warps.getInt() : defaultWarps;
}

const RolePlan &BlockPlan::getRole(aref::RoleOp role) const {
  return *llvm::find_if(
      roles, [&](const RolePlan &plan) { return plan.role == role; });
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

void heddle::initializeBarriers(tile::KernelOp kernel) {
  SmallVector<aref::MbarriersOp> all(
      kernel.getBody().getOps<aref::MbarriersOp>());
  if (all.empty())
    return;
  Block &body = kernel.getBody().front();
  Operation *position = body.getTerminator();
  for (aref::RoleOp role : body.getOps<aref::RoleOp>()) {
    position = role;
    break;
  }
  OpBuilder builder(position);
  Location loc = all.front().getLoc();
  Value elected = getElected(builder, all.front());
  // The first copy by each tensor map then finds it in the cache.
  for (Value map : kernel.getBody().getArguments().drop_front(
           kernel.getFunctionType().getNumInputs()))
    emitInlinePTX(builder, loc, "@$0 prefetch.tensormap [$1];", "b,l",
                  {elected, map});
  bool hasClusters = aref::getClusterSize(kernel) > 1;
  for (aref::MbarriersOp barriers : all) {
    Value count;
    if (barriers.getCluster())
      count = arith::MulIOp::create(builder, loc,
                                    getI32(builder, loc, barriers.getCount()),
                                    getLaunchedClusterSize(builder, loc));
    for (int64_t i = 0, depth = barriers.getType().getDepth(); i < depth; ++i) {
      // Without an offset the conversion of the operation says so.
      Value pointer = getSharedPointer(
          builder, loc, barriers.getOffset().value_or(0) + i * mbarrierBytes);
      Value address = getSharedAddress(builder, loc, pointer);
      if (barriers.getCluster())
        emitInlinePTX(builder, loc,
                      "@$0 mbarrier.init.shared::cta.b64 [$1], $2;", "b,r,r",
                      {elected, address, count});
      else
        emitInlinePTX(builder, loc,
                      "@$0 mbarrier.init.shared::cta.b64 [$1], " +
                          std::to_string(barriers.getCount()) + ";",
                      "b,r", {elected, address});
    }
  }
  emitInlinePTX(builder, loc, "fence.mbarrier_init.release.cluster;", "", {});
  // Others in the cluster copy to this block's slots, and arrive at its
  // barriers.
  if (hasClusters)
    emitInlinePTX(builder, loc,
                  "barrier.cluster.arrive.release.aligned;\n\t"
                  "barrier.cluster.wait.acquire.aligned;",
                  "", {});
  else
    emitInlinePTX(builder, loc, "barrier.cta.sync.aligned 0;", "", {});
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {

/// Moves the body of one kernel into a function.
class Flattener {
public:
  Flattener(tile::KernelOp kernel)
      : kernel(kernel), plan(kernel), builder(kernel), loc(kernel.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult createFunction();
  LogicalResult replaceArguments();
  void dispatch();
  Block *createRole(const RolePlan &role);

  /// Registers per thread at launch, or 0 if no role changes them.
  int64_t getLaunchRegisters() const;

  tile::KernelOp kernel;
  BlockPlan plan;
  OpBuilder builder;
  Location loc;
  LLVM::LLVMFuncOp function;
};

} // namespace

int64_t Flattener::getLaunchRegisters() const {
  if (llvm::none_of(plan.getRoles(), [](const RolePlan &plan) {
        return RoleOp(plan.role).getRegisters() != 0;
      }))
    return 0;
  int64_t registers = allRegisters / (plan.getNumWarps() * warpSize) & -8;
  return std::min(registers, maxRegisters & -8);
}

LogicalResult Flattener::createFunction() {
  MLIRContext *context = kernel.getContext();
  ScalarTypeConverter converter(context);
  SmallVector<Type> types;
  for (Type type : kernel.getArgumentTypes()) {
    if (type.isIndex())
      types.push_back(builder.getI64Type());
    else if (failed(converter.convertType(type, types)))
      return kernel.emitOpError("expected views and scalars, found ") << type;
  }
  size_t firstMap = types.size();
  auto maps = kernel->getAttrOfType<ArrayAttr>("aref.tensor_maps");
  types.append(maps ? maps.size() : 0, LLVM::LLVMPointerType::get(context));

  function = LLVM::LLVMFuncOp::create(
      builder, loc, kernel.getSymName(),
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types));
  // The tile dialect's attributes are for kernels only.
  for (NamedAttribute attr : kernel->getDiscardableAttrs()) {
    if (!isa_and_nonnull<tile::TileDialect>(attr.getNameDialect()))
      function->setDiscardableAttr(attr.getName(), attr.getValue());
  }

  int64_t threads = plan.getNumWarps() * warpSize;
  function->setAttr("nvvm.kernel", builder.getUnitAttr());
  function->setAttr("nvvm.reqntid",
                    builder.getDenseI32ArrayAttr({int32_t(threads)}));
  if (int64_t registers = getLaunchRegisters())
    function->setAttr("nvvm.maxnreg", builder.getI32IntegerAttr(registers));
  function->setAttr("aref.threads", builder.getI64IntegerAttr(threads));
  if (!function->hasAttr(aref::ArefDialect::getSharedBytesAttrName()))
    function->setAttr(aref::ArefDialect::getSharedBytesAttrName(),
                      builder.getI64IntegerAttr(0));
  function->setAttr("aref.arguments",
                    builder.getTypeArrayAttr(kernel.getArgumentTypes()));
  for (size_t i = firstMap; i < types.size(); ++i) {
    function.setArgAttr(
        i, LLVM::LLVMDialect::getByValAttrName(),
        TypeAttr::get(LLVM::LLVMArrayType::get(builder.getI8Type(), 128)));
    function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                        builder.getI64IntegerAttr(64));
    function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(),
                        builder.getUnitAttr());
  }
  return success();
}

LogicalResult Flattener::replaceArguments() {
  Block *entry = &function.getBody().front();
  size_t next = 0;
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    if (auto type = dyn_cast<MemRefType>(argument.getType())) {
      size_t count = 1 + 2 * type.getRank();
      ValueRange values = ValueRange(entry->getArguments()).slice(next, count);
      next += count;
      for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
        auto cast = dyn_cast<UnrealizedConversionCastOp>(user);
        if (!cast || cast.getNumResults() != count)
          return user->emitOpError("cannot use a view in this way");
        cast->replaceAllUsesWith(values);
        cast->erase();
      }
      continue;
    }
    Value value = entry->getArgument(next++);
    if (argument.getType().isIndex())
      value =
          arith::IndexCastOp::create(builder, loc, argument.getType(), value);
    argument.replaceAllUsesWith(value);
  }
  return success();
}

Block *Flattener::createRole(const RolePlan &place) {
  RoleOp role = place.role;
  OpBuilder::InsertionGuard guard(builder);
  Location roleLoc = role.getLoc();
  Block *block =
      builder.createBlock(&function.getBody(), function.getBody().end(),
                          {builder.getI32Type()}, {roleLoc});
  // What has 64 bits in a block's argument takes two registers.
  Value instance = arith::IndexCastUIOp::create(
      builder, roleLoc, builder.getIndexType(), block->getArgument(0));
  role.getInstance().replaceAllUsesWith(instance);
  int64_t launch = getLaunchRegisters(), own = role.getRegisters();
  if (own != 0 && own != launch)
    emitInlinePTX(builder, roleLoc,
                  std::string("setmaxnreg.") + (own > launch ? "inc" : "dec") +
                      ".sync.aligned.u32 " + std::to_string(own) + ";",
                  "", {});
  if (role.getWarps() != uint64_t(place.warpsReserved)) {
    // The warps that fill up the warpgroup take part in setmaxnreg only. The
    // number of the warp is the same in all lanes, which this makes known.
    Value warp = getWarpInInstance(builder, &role.getBody().front().front());
    Value uniform = emitInlinePTX(
        builder, roleLoc, "shfl.sync.idx.b32 $0, $1, 0, 31, 0xffffffff;",
        "=r,r", warp, builder.getI32Type(), /*touchesMemory=*/false);
    Value works = arith::CmpIOp::create(
        builder, roleLoc, arith::CmpIPredicate::ult, uniform,
        getI32(builder, roleLoc, role.getWarps()));
    Block *exit =
        builder.createBlock(&function.getBody(), function.getBody().end());
    LLVM::ReturnOp::create(builder, roleLoc, ValueRange());
    Block *work =
        builder.createBlock(&function.getBody(), function.getBody().end());
    builder.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(builder, roleLoc, works, work, exit);
    work->getOperations().splice(work->end(),
                                 role.getBody().front().getOperations());
    builder.setInsertionPointToEnd(work);
  } else {
    block->getOperations().splice(block->end(),
                                  role.getBody().front().getOperations());
    builder.setInsertionPointToEnd(block);
  }
  LLVM::ReturnOp::create(builder, roleLoc, ValueRange());
  return block;
}

void Flattener::dispatch() {
  Value thread = NVVM::ThreadIdXOp::create(builder, loc, builder.getI32Type());
  Value warpgroup =
      arith::ShRUIOp::create(builder, loc, thread, getI32(builder, loc, 5 + 2));
  warpgroup = emitInlinePTX(
      builder, loc, "shfl.sync.idx.b32 $0, $1, 0, 31, 0xffffffff;", "=r,r",
      warpgroup, builder.getI32Type(), /*touchesMemory=*/false);

  SmallVector<Block *> bodies;
  for (const RolePlan &place : plan.getRoles())
    bodies.push_back(createRole(place));
  int64_t numWarpgroups = plan.getNumWarps() / warpgroupWarps;
  for (auto [place, body] : llvm::zip(plan.getRoles(), bodies)) {
    RoleOp role = place.role;
    for (int64_t i = 0, e = role.getInstances(); i < e; ++i) {
      int64_t end =
          (place.firstWarp + (i + 1) * place.warpsReserved) / warpgroupWarps;
      Block *test = builder.getInsertionBlock();
      Block *head = builder.createBlock(body);
      Block *next = end < numWarpgroups ? builder.createBlock(body) : nullptr;
      builder.setInsertionPointToEnd(test);
      if (next) {
        Value here =
            arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                  warpgroup, getI32(builder, loc, end));
        cf::CondBranchOp::create(builder, loc, here, head, next);
      } else {
        cf::BranchOp::create(builder, loc, head);
      }
      builder.setInsertionPointToEnd(head);
      std::string name = role.getName().str();
      if (e > 1)
        name += "#" + std::to_string(i);
      emitInlinePTX(builder, role.getLoc(), "// heddle.role " + name, "", {});
      Value number = getI32(builder, role.getLoc(), i);
      cf::BranchOp::create(builder, role.getLoc(), body, number);
      if (next)
        builder.setInsertionPointToEnd(next);
    }
  }
}

LogicalResult Flattener::run() {
  if (plan.getNumBarriers() > 16)
    return kernel.emitOpError("expected at most 15 named barriers, one for "
                              "each instance and one more for each that takes "
                              "turns, found ")
           << plan.getNumBarriers() - 1;
  if (plan.getNumWarps() > 32)
    return kernel.emitOpError("expected at most 32 warps, found ")
           << plan.getNumWarps();
  if (failed(createFunction()))
    return failure();
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToEnd(entry);
  if (failed(replaceArguments()))
    return failure();

  // Everything outside of roles comes first: roles run at the same time.
  Block &body = kernel.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
    if (!isa<RoleOp>(op))
      op.moveBefore(entry, entry->end());
  builder.setInsertionPointToEnd(entry);
  if (plan.getRoles().empty())
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  else
    dispatch();
  kernel.erase();
  return success();
}

LogicalResult heddle::flattenKernel(tile::KernelOp kernel) {
  return Flattener(kernel).run();
}
