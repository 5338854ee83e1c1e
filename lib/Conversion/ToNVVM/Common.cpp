//===- Common.cpp - Types, threads and inline PTX -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type heddle::getScalarType(Type type) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8)
    return IntegerType::get(type.getContext(), 8);
  return type;
}

TileLayout heddle::getTileLayout(RankedTensorType type) {
  auto layout = cast<aref::LayoutAttr>(type.getEncoding());
  return TileLayout::get(type.getShape(), layout.getAtom(),
                         layout.getRegisters(), layout.getLanes(),
                         layout.getWarps());
}

SharedLayout heddle::getSharedLayout(aref::BufferType type) {
  return SharedLayout(type.getRows(), type.getShape().back(),
                      type.getElementType().getIntOrFloatBitWidth() / 8,
                      type.getSwizzle(), type.getPanelRows());
}

ScalarTypeConverter::ScalarTypeConverter(MLIRContext *context) {
  addConversion([](Type type) { return getScalarType(type); });
  addConversion(
      [](RankedTensorType type,
         SmallVectorImpl<Type> &results) -> std::optional<LogicalResult> {
        if (!isa_and_nonnull<aref::LayoutAttr>(type.getEncoding()))
          return failure();
        results.append(getTileLayout(type).getNumRegisters(),
                       getScalarType(type.getElementType()));
        return success();
      });
  addConversion(
      [](MemRefType type,
         SmallVectorImpl<Type> &results) -> std::optional<LogicalResult> {
        MLIRContext *context = type.getContext();
        results.push_back(LLVM::LLVMPointerType::get(context, GlobalSpace));
        results.append(2 * type.getRank(), IntegerType::get(context, 64));
        return success();
      });
  addConversion([](aref::BufferType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext(), SharedSpace);
  });
  addConversion([](aref::MbarriersType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext(), SharedSpace);
  });
  addSourceMaterialization([](OpBuilder &builder, Type type, ValueRange inputs,
                              Location loc) -> Value {
    return UnrealizedConversionCastOp::create(builder, loc, type, inputs)
        .getResult(0);
  });
  addTargetMaterialization([](OpBuilder &builder, TypeRange types,
                              ValueRange inputs,
                              Location loc) -> SmallVector<Value> {
    return UnrealizedConversionCastOp::create(builder, loc, types, inputs)
        .getResults();
  });
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Value heddle::getI32(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, value, 32);
}

int64_t heddle::getNumWarps(Operation *op) {
  auto role = dyn_cast<aref::RoleOp>(op);
  if (!role)
    role = op->getParentOfType<aref::RoleOp>();
  if (role)
    return role.getWarps();
  auto kernel = dyn_cast<tile::KernelOp>(op);
  if (!kernel)
    kernel = op->getParentOfType<tile::KernelOp>();
  return BlockPlan(kernel).getNumWarps();
}

Value heddle::getThreadInInstance(OpBuilder &builder, Operation *op) {
  Location loc = op->getLoc();
  Value thread = NVVM::ThreadIdXOp::create(builder, loc, builder.getI32Type());
  auto role = op->getParentOfType<aref::RoleOp>();
  if (!role)
    return thread;
  BlockPlan plan(op->getParentOfType<tile::KernelOp>());
  const RolePlan &place = plan.getRole(role);
  int64_t threads = place.warpsReserved * 32;
  // Instances start at multiples of a warpgroup.
  if (threads == 128)
    return arith::AndIOp::create(builder, loc, thread,
                                 getI32(builder, loc, 127));
  Value first = getI32(builder, loc, place.firstWarp * 32);
  if (role.getInstances() > 1) {
    Value instance = arith::IndexCastOp::create(
        builder, loc, builder.getI32Type(), role.getInstance());
    first = arith::AddIOp::create(
        builder, loc, first,
        arith::MulIOp::create(builder, loc, instance,
                              getI32(builder, loc, threads)));
  }
  return arith::SubIOp::create(builder, loc, thread, first);
}

Value heddle::getWarpInInstance(OpBuilder &builder, Operation *op) {
  return arith::ShRUIOp::create(builder, op->getLoc(),
                                getThreadInInstance(builder, op),
                                getI32(builder, op->getLoc(), 5));
}

Value heddle::getLane(OpBuilder &builder, Operation *op) {
  Location loc = op->getLoc();
  return arith::AndIOp::create(
      builder, loc,
      NVVM::ThreadIdXOp::create(builder, loc, builder.getI32Type()),
      getI32(builder, loc, 31));
}

Value heddle::getElected(OpBuilder &builder, Operation *op) {
  Location loc = op->getLoc();
  // ptxas knows that what `elect.sync` guards runs in one thread, and keeps the
  // operands of copies in uniform registers. Behind any other predicate it
  // wraps each copy in a loop over the warp's lanes.
  Value elected = NVVM::ElectSyncOp::create(builder, loc, builder.getI1Type(),
                                            /*membermask=*/Value());
  auto role = op->getParentOfType<aref::RoleOp>();
  if (getNumWarps(role ? role : op) == 1)
    return elected;
  Value firstWarp = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ult, getThreadInInstance(builder, op),
      getI32(builder, loc, 32));
  return arith::AndIOp::create(builder, loc, firstWarp, elected);
}

void heddle::emitBarrier(OpBuilder &builder, Location loc, Operation *op) {
  auto role = op->getParentOfType<aref::RoleOp>();
  if (getNumWarps(role ? role : op) == 1) {
    emitInlinePTX(builder, loc, "bar.warp.sync 0xffffffff;", "", {});
    return;
  }
  if (!role) {
    emitInlinePTX(builder, loc, "barrier.cta.sync.aligned 0;", "", {});
    return;
  }
  // Partitions of the block may not use the aligned form: what makes a warp's
  // threads diverge before it is LLVM's choice.
  BlockPlan plan(op->getParentOfType<tile::KernelOp>());
  const RolePlan &place = plan.getRole(role);
  std::string threads = std::to_string(role.getWarps() * 32);
  if (role.getInstances() == 1) {
    emitInlinePTX(builder, loc,
                  "barrier.cta.sync " + std::to_string(place.firstBarrier) +
                      ", " + threads + ";",
                  "", {});
    return;
  }
  Value barrier = arith::AddIOp::create(
      builder, loc, getI32(builder, loc, place.firstBarrier),
      arith::IndexCastOp::create(builder, loc, builder.getI32Type(),
                                 role.getInstance()));
  emitInlinePTX(builder, loc, "barrier.cta.sync $0, " + threads + ";", "r",
                barrier);
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

Value heddle::emitInlinePTX(OpBuilder &builder, Location loc, StringRef text,
                            StringRef constraints, ValueRange operands,
                            Type result, bool touchesMemory) {
  std::string all = constraints.str();
  if (touchesMemory)
    all += all.empty() ? "~{memory}" : ",~{memory}";
  auto op = LLVM::InlineAsmOp::create(
      builder, loc, result ? TypeRange(result) : TypeRange(), operands,
      StringAttr::get(builder.getContext(), text),
      StringAttr::get(builder.getContext(), all),
      /*has_side_effects=*/builder.getUnitAttr(), /*is_align_stack=*/nullptr,
      LLVM::TailCallKindAttr(), /*asm_dialect=*/nullptr,
      /*operand_attrs=*/nullptr);
  return result ? op.getResult(0) : Value();
}

void heddle::emitCheck(OpBuilder &builder, Location loc, Value condition,
                       StringRef message) {
  emitInlinePTX(builder, loc,
                ("// heddle.check " + message + "\n\t@!$0 trap;").str(), "b",
                condition, {}, /*touchesMemory=*/false);
}

Value heddle::packRegister(OpBuilder &builder, Location loc,
                           ValueRange values) {
  Type type = values.front().getType();
  if (values.size() == 1)
    return LLVM::BitcastOp::create(builder, loc, builder.getI32Type(),
                                   values.front());
  auto vector = VectorType::get(values.size(), type);
  Value result = LLVM::PoisonOp::create(builder, loc, vector);
  for (auto [i, value] : llvm::enumerate(values))
    result = LLVM::InsertElementOp::create(builder, loc, result, value,
                                           getI32(builder, loc, i));
  return LLVM::BitcastOp::create(builder, loc, builder.getI32Type(), result);
}

SmallVector<Value> heddle::packRegisters(OpBuilder &builder, Location loc,
                                         ValueRange values) {
  unsigned bits = values.front().getType().getIntOrFloatBitWidth();
  size_t perRegister = std::max<size_t>(1, 32 / bits);
  SmallVector<Value> packed;
  for (size_t i = 0; i + perRegister <= values.size(); i += perRegister)
    packed.push_back(packRegister(builder, loc, values.slice(i, perRegister)));
  return packed;
}

SmallVector<Value> heddle::unpackRegisters(OpBuilder &builder, Location loc,
                                           ValueRange registers, Type type) {
  int64_t perRegister = 32 / type.getIntOrFloatBitWidth();
  SmallVector<Value> values;
  for (Value reg : registers) {
    if (perRegister == 1) {
      values.push_back(LLVM::BitcastOp::create(builder, loc, type, reg));
      continue;
    }
    Value vector = LLVM::BitcastOp::create(
        builder, loc, VectorType::get(perRegister, type), reg);
    for (int64_t i = 0; i < perRegister; ++i)
      values.push_back(LLVM::ExtractElementOp::create(builder, loc, vector,
                                                      getI32(builder, loc, i)));
  }
  return values;
}

Value heddle::addBytes(OpBuilder &builder, Location loc, Value pointer,
                       Value bytes) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(),
                             builder.getI8Type(), pointer, bytes);
}

Value heddle::addBytes(OpBuilder &builder, Location loc, Value pointer,
                       int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(builder, loc, pointer.getType(),
                             builder.getI8Type(), pointer, LLVM::GEPArg(bytes));
}
