//===- Interpreter.cpp - How operations are run ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::reference;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::vector<int64_t>
heddle::reference::getRowMajorStrides(std::span<const int64_t> shape) {
  // Without a sign, since extents beside an empty one may be anything.
  std::vector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = int64_t(uint64_t(strides[dim + 1]) * shape[dim + 1]);
  return strides;
}

View View::of(Buffer &buffer) {
  View view;
  view.buffer = &buffer;
  view.rank = buffer.shape.size();
  std::ranges::copy(buffer.shape, view.shape.begin());
  std::ranges::copy(getRowMajorStrides(buffer.shape), view.strides.begin());
  return view;
}

static size_t getNumElements(std::span<const int64_t> shape) {
  size_t count = 1;
  for (int64_t extent : shape)
    count *= size_t(extent);
  return count;
}

Buffer Buffer::makePoison(NumberType elementType,
                          std::span<const int64_t> shape) {
  size_t size = getNumElements(shape);
  return {elementType,
          {shape.begin(), shape.end()},
          std::vector<Element>(size, getPoison(elementType)),
          std::vector<uint8_t>(size, 0)};
}

Buffer Buffer::fromBytes(NumberType elementType, std::span<const int64_t> shape,
                         std::span<const std::byte> bytes) {
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

int64_t heddle::reference::getMixed(const Frame &frame, const Operation &op,
                                    const Ints &numbers, size_t i,
                                    size_t &next) {
  return numbers[i] == dynamic ? frame.getInt(op.operands[next++]) : numbers[i];
}

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

std::vector<RuntimeValue>
Frame::getAll(std::span<const uint32_t> numbers) const {
  std::vector<RuntimeValue> contents;
  contents.reserve(numbers.size());
  for (uint32_t number : numbers)
    contents.push_back(values[number]);
  return contents;
}

void Frame::setAll(std::span<const uint32_t> numbers,
                   std::span<const RuntimeValue> contents) {
  for (size_t i = 0; i < numbers.size(); ++i)
    values[numbers[i]] = contents[i];
}

const Operation *Frame::run(const Region &region) {
  // The terminator counts, too: a loop may have nothing else.
  if (execution.failed)
    return nullptr;
  uint64_t most = execution.options.maxOperations;
  operationsRun += region.operations.size();
  if (most != 0 && operationsRun > most) {
    error(region.operations.front(), "gave up after {} operations", most);
    return nullptr;
  }
  for (const Operation &op :
       std::span(region.operations).first(region.operations.size() - 1))
    if (!op.definition->run(*this, op) || execution.failed)
      return nullptr;
  return &region.operations.back();
}

bool Frame::report(const Operation &op, std::string text) {
  if (execution.failed.exchange(true))
    return false;
  const Program &program = execution.program;
  std::string place = program.format(op.location);
  execution.message = place.empty() ? text : place + ": error: " + text;
  if (!function.isKernel)
    return false;
  place = program.format(function.location);
  if (!place.empty())
    place += ": ";
  execution.message +=
      fmt::format("\n{}note: while running block ({}, {}, {}) of this kernel",
                  place, block[0], block[1], block[2]);
  return false;
}
