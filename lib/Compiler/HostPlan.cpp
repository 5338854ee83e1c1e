//===- HostPlan.cpp - From host functions to launch plans -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/HostPlan.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace heddle;

std::string heddle::getFileAndLine(Location location) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return "";
  return (place.getFilename().getValue() + ":" + Twine(place.getLine())).str();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::optional<ElementType> heddle::getElementType(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return parseElementType(name);
}

FailureOr<KernelParameter> heddle::getKernelParameter(Location location,
                                                      Type type) {
  KernelParameter parameter;
  auto view = dyn_cast<MemRefType>(type);
  Type element = view ? view.getElementType() : type;
  std::optional<ElementType> known = getElementType(element);
  if (!known)
    return emitError(location) << "the runtime cannot pass " << type
                               << " to a kernel; it knows integers, index, "
                                  "f8E4M3FN, f8E5M2, bf16, f16, f32 and f64";
  parameter.type = *known;
  if (!view)
    return parameter;
  parameter.isView = true;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(view.getStridesAndOffset(strides, offset)))
    return emitError(location) << "expected a strided memref, found " << type;
  auto orDynamic = [](int64_t value) {
    return ShapedType::isDynamic(value) ? -1 : value;
  };
  llvm::append_range(parameter.extents,
                     llvm::map_range(view.getShape(), orDynamic));
  llvm::append_range(parameter.strides, llvm::map_range(strides, orDynamic));
  return parameter;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static IndexOp getComparison(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return IndexOp::CmpEq;
  case arith::CmpIPredicate::ne:
    return IndexOp::CmpNe;
  case arith::CmpIPredicate::slt:
    return IndexOp::CmpSlt;
  case arith::CmpIPredicate::sle:
    return IndexOp::CmpSle;
  case arith::CmpIPredicate::sgt:
    return IndexOp::CmpSgt;
  case arith::CmpIPredicate::sge:
    return IndexOp::CmpSge;
  case arith::CmpIPredicate::ult:
    return IndexOp::CmpUlt;
  case arith::CmpIPredicate::ule:
    return IndexOp::CmpUle;
  case arith::CmpIPredicate::ugt:
    return IndexOp::CmpUgt;
  case arith::CmpIPredicate::uge:
    return IndexOp::CmpUge;
  }
  llvm_unreachable("all predicates are handled");
}

/// The instruction that does what `op` does, if there is one.
static std::optional<IndexOp> getIndexOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<IndexOp>>(op)
      .Case([](arith::AddIOp) { return IndexOp::AddI; })
      .Case([](arith::SubIOp) { return IndexOp::SubI; })
      .Case([](arith::MulIOp) { return IndexOp::MulI; })
      .Case([](arith::DivSIOp) { return IndexOp::DivSI; })
      .Case([](arith::DivUIOp) { return IndexOp::DivUI; })
      .Case([](arith::CeilDivSIOp) { return IndexOp::CeilDivSI; })
      .Case([](arith::CeilDivUIOp) { return IndexOp::CeilDivUI; })
      .Case([](arith::FloorDivSIOp) { return IndexOp::FloorDivSI; })
      .Case([](arith::RemSIOp) { return IndexOp::RemSI; })
      .Case([](arith::RemUIOp) { return IndexOp::RemUI; })
      .Case([](arith::MinSIOp) { return IndexOp::MinSI; })
      .Case([](arith::MinUIOp) { return IndexOp::MinUI; })
      .Case([](arith::MaxSIOp) { return IndexOp::MaxSI; })
      .Case([](arith::MaxUIOp) { return IndexOp::MaxUI; })
      .Case([](arith::AndIOp) { return IndexOp::AndI; })
      .Case([](arith::OrIOp) { return IndexOp::OrI; })
      .Case([](arith::XOrIOp) { return IndexOp::XOrI; })
      .Case([](arith::ShLIOp) { return IndexOp::ShLI; })
      .Case([](arith::ShRSIOp) { return IndexOp::ShRSI; })
      .Case([](arith::ShRUIOp) { return IndexOp::ShRUI; })
      .Case([](arith::CmpIOp op) { return getComparison(op.getPredicate()); })
      .Case([](arith::SelectOp) { return IndexOp::Select; })
      .Case<arith::IndexCastOp, arith::ExtSIOp>(
          [](auto) { return IndexOp::SignExtend; })
      .Case<arith::IndexCastUIOp, arith::ExtUIOp, arith::TruncIOp>(
          [](auto) { return IndexOp::ZeroExtend; })
      .Default([](Operation *) { return std::nullopt; });
}

/// The width of an integer of up to 64 bits or an index; 0 for other types.
static unsigned getBits(Type type) {
  if (isa<IndexType>(type))
    return 64;
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() <= 64 ? integer.getWidth() : 0;
}

namespace {
/// Translates the body of one host function.
class PlanBuilder {
public:
  PlanBuilder(tile::HostOp host) : host(host) {}
  FailureOr<LaunchPlan> build();

private:
  LogicalResult addBuffer(unsigned i);
  LogicalResult addInstruction(Operation *op);
  LogicalResult addCheck(cf::AssertOp op);
  LogicalResult addScratch(memref::AllocOp op);
  LogicalResult addLaunch(tile::LaunchOp op);

  tile::HostOp host;
  LaunchPlan plan;
  /// The numbers of values and, apart, of buffers.
  llvm::DenseMap<Value, uint32_t> values, buffers;
};
} // namespace

LogicalResult PlanBuilder::addBuffer(unsigned i) {
  MemRefType type = host.getBufferType(i);
  std::optional<ElementType> element = getElementType(type.getElementType());
  if (!element)
    return host.emitError()
           << "the runtime knows no buffers of " << type.getElementType()
           << ", as '" << host.getBufferName(i)
           << "' is; it knows integers, index, f8E4M3FN, "
              "f8E5M2, bf16, f16, f32 and f64";
  BufferPlan buffer;
  buffer.name = host.getBufferName(i).str();
  buffer.type = *element;
  switch (host.getAccess(i)) {
  case tile::Access::In:
    buffer.access = Access::In;
    break;
  case tile::Access::Out:
    buffer.access = Access::Out;
    break;
  case tile::Access::InOut:
    buffer.access = Access::InOut;
    break;
  }
  for (auto [extent, size] :
       llvm::zip_equal(type.getShape(), host.getExtentSizes(i)))
    buffer.extents.push_back(size >= 0 ? Extent{true, size}
                                       : Extent{false, extent});
  plan.buffers.push_back(std::move(buffer));
  buffers[host.getBody().getArgument(host.getNumSizes() + i)] = i;
  return success();
}

LogicalResult PlanBuilder::addInstruction(Operation *op) {
  Instruction instruction;
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    APInt bits;
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      bits = integer.getValue();
    else if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
      bits = number.getValue().bitcastToAPInt();
    if (!getElementType(constant.getType()) || bits.getBitWidth() > 64)
      return op->emitError() << "the runtime cannot hold a constant of type "
                             << constant.getType();
    instruction.resultBits = bits.getBitWidth();
    instruction.constant = bits.getZExtValue();
  } else {
    std::optional<IndexOp> indexOp = getIndexOp(op);
    Type result = op->getResult(0).getType();
    // The first operand of a select is a condition.
    Type operand = op->getOperands().back().getType();
    if (!indexOp || getBits(result) == 0 || getBits(operand) == 0)
      return op->emitError()
             << "a host function cannot compute this; it computes with "
                "integers of up to 64 bits, and floats are constants: do it "
                "in the kernel";
    instruction.op = *indexOp;
    instruction.operandBits = getBits(operand);
    instruction.resultBits = getBits(result);
    for (auto [i, value] : llvm::enumerate(op->getOperands()))
      instruction.operands[i] = values.lookup(value);
    if (isDivision(*indexOp))
      instruction.location = getFileAndLine(op->getLoc());
  }
  values[op->getResult(0)] = plan.sizes.size() + plan.instructions.size();
  plan.instructions.push_back(instruction);
  return success();
}

LogicalResult PlanBuilder::addCheck(cf::AssertOp op) {
  plan.checks.push_back({values.lookup(op.getArg()), op.getMsg().str(),
                         getFileAndLine(op.getLoc())});
  return success();
}

LogicalResult PlanBuilder::addScratch(memref::AllocOp op) {
  MemRefType type = op.getType();
  std::optional<ElementType> element = getElementType(type.getElementType());
  if (!element)
    return op.emitError()
           << "the runtime knows no arrays of " << type.getElementType()
           << "; it knows integers, index, f8E4M3FN, f8E5M2, bf16, f16, f32 "
              "and f64";
  ScratchPlan scratch;
  scratch.type = *element;
  scratch.location = getFileAndLine(op.getLoc());
  auto dynamic = op.getDynamicSizes().begin();
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent)) {
      scratch.extents.push_back(values.lookup(*dynamic++));
      continue;
    }
    Instruction constant;
    constant.constant = extent;
    scratch.extents.push_back(plan.sizes.size() + plan.instructions.size());
    plan.instructions.push_back(constant);
  }
  buffers[op.getResult()] = plan.buffers.size() + plan.scratch.size();
  plan.scratch.push_back(std::move(scratch));
  return success();
}

LogicalResult PlanBuilder::addLaunch(tile::LaunchOp op) {
  Launch launch;
  launch.kernel = op.getCallee().str();
  for (Value extent : op.getGrid())
    launch.grid.push_back(values.lookup(extent));
  for (Value argument : op.getArgs()) {
    if (auto found = buffers.find(argument); found != buffers.end())
      launch.arguments.push_back({true, found->second});
    else
      launch.arguments.push_back({false, values.lookup(argument)});
  }
  launch.location = getFileAndLine(op.getLoc());
  plan.launches.push_back(std::move(launch));
  return success();
}

FailureOr<LaunchPlan> PlanBuilder::build() {
  plan.name = host.getSymName().str();
  for (unsigned i = 0; i < host.getNumSizes(); ++i) {
    plan.sizes.push_back(host.getSizeName(i).str());
    values[host.getBody().getArgument(i)] = i;
  }
  for (unsigned i = 0; i < host.getNumBuffers(); ++i)
    if (failed(addBuffer(i)))
      return failure();
  for (Operation &op : host.getBody().front().without_terminator()) {
    LogicalResult added =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case([&](tile::LaunchOp launch) { return addLaunch(launch); })
            .Case([&](cf::AssertOp check) { return addCheck(check); })
            .Case([&](memref::AllocOp alloc) { return addScratch(alloc); })
            .Default([&](Operation *other) { return addInstruction(other); });
    if (failed(added))
      return failure();
  }
  return std::move(plan);
}

FailureOr<LaunchPlan> heddle::buildLaunchPlan(tile::HostOp host) {
  return PlanBuilder(host).build();
}
