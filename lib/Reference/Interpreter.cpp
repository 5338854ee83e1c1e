//===- Interpreter.cpp - How operations are run ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace heddle::reference;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static int64_t getNumElements(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<>());
}

heddle::reference::Tile::Tile(RankedTensorType type)
    : elementType(type.getElementType()), shape(type.getShape()),
      elements(type.getNumElements()) {}

SmallVector<int64_t, 4>
heddle::reference::getRowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 4> strides(shape.size(), 1);
  for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

View View::of(Buffer &buffer) {
  return {&buffer, 0, llvm::to_vector<4>(buffer.shape),
          getRowMajorStrides(buffer.shape)};
}

Buffer Buffer::makePoison(Type elementType, ArrayRef<int64_t> shape) {
  int64_t size = getNumElements(shape);
  return {elementType, SmallVector<int64_t>(shape),
          std::vector<Element>(size, getPoison(elementType)),
          std::vector<uint8_t>(size, 0)};
}

Buffer Buffer::fromBytes(Type elementType, ArrayRef<int64_t> shape,
                         ArrayRef<std::byte> bytes) {
  Buffer buffer = makePoison(elementType, shape);
  unsigned width = getByteWidth(elementType);
  for (size_t i = 0; i < buffer.elements.size(); ++i)
    buffer.elements[i] = loadElement(elementType, bytes.data() + i * width);
  return buffer;
}

std::vector<std::byte> Buffer::toBytes() const {
  unsigned width = getByteWidth(elementType);
  std::vector<std::byte> bytes(elements.size() * width);
  for (size_t i = 0; i < elements.size(); ++i)
    storeElement(elementType, elements[i], bytes.data() + i * width);
  return bytes;
}

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

const RuntimeValue &Frame::get(Value value) const {
  return values.find(value)->second;
}

int64_t Frame::getInt(Value value) const {
  return llvm::SignExtend64(getScalar(value).i,
                            getIntegerWidth(value.getType()));
}

SmallVector<int64_t> Frame::getInts(ValueRange values) const {
  return llvm::map_to_vector(values,
                             [&](Value value) { return getInt(value); });
}

void Frame::set(Value value, RuntimeValue content) {
  values.insert_or_assign(value, std::move(content));
}

void Frame::setInt(Value value, int64_t content) {
  set(value,
      makeInt(uint64_t(content) & llvm::maskTrailingOnes<uint64_t>(
                                      getIntegerWidth(value.getType()))));
}

SmallVector<RuntimeValue> Frame::getAll(ValueRange values) const {
  return llvm::map_to_vector(values, [&](Value value) { return get(value); });
}

void Frame::setAll(ValueRange values, ArrayRef<RuntimeValue> contents) {
  for (auto [value, content] : llvm::zip_equal(values, contents))
    set(value, content);
}

double Frame::round(Type type, double value) const {
  return isExact() ? value : FloatFormat::get(type)->round(value);
}

FailureOr<Operation *> Frame::run(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(run(&op)))
      return failure();
  return block.getTerminator();
}

LogicalResult Frame::run(Operation *op) {
  if (execution.failed)
    return failure();
  // `verifySupported` has seen to it that there is one.
  return (*execution.registry.lookup(op))(*this, op);
}

InFlightDiagnostic Frame::error(Operation *op) {
  InFlightDiagnostic diagnostic = op->emitError();
  if (execution.failed.exchange(true))
    diagnostic.abandon();
  else if (isKernel)
    diagnostic.attachNote(op->getParentOfType<tile::KernelOp>().getLoc())
        << "while running block (" << block[0] << ", " << block[1] << ", "
        << block[2] << ") of this kernel";
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Registry
//===----------------------------------------------------------------------===//

const Registry &Registry::get() {
  static const Registry registry = [] {
    Registry all;
    addControlOps(all);
    addConversionOps(all);
    addDotOps(all);
    addFloatOps(all);
    addIntegerOps(all);
    addLaunchOps(all);
    addMemoryOps(all);
    addReduceOps(all);
    addShapeOps(all);
    return all;
  }();
  return registry;
}

const Registry::Handler *Registry::lookup(Operation *op) const {
  if (!op->isRegistered())
    return nullptr;
  auto found = handlers.find(op->getName().getTypeID());
  return found == handlers.end() ? nullptr : &found->second;
}
