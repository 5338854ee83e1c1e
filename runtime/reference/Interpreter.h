//===- Interpreter.h - How operations are run -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the interpreter offers to the operations: values and frames. A file
/// `*Ops.cpp` teaches the registry one group of operations.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_INTERPRETER_H
#define HEDDLE_RUNTIME_REFERENCE_INTERPRETER_H

#include "reference/Registry.h"
#include "reference/Run.h"

#include <array>
#include <atomic>
#include <fmt/format.h>
#include <list>
#include <memory>
#include <mutex>
#include <set>

namespace heddle::reference {

/// A tile in row-major order.
struct Tile {
  /// One of the program's.
  const Type *type;
  std::vector<Element> elements;

  explicit Tile(const Type &type)
      : type(&type), elements(size_t(type.getNumElements())) {}
  const std::vector<int64_t> &getShape() const { return type->shape; }
  size_t getRank() const { return type->shape.size(); }
};

/// A strided window of a buffer; everything counts elements. Every index that
/// is inside of the shape is inside of the buffer. Offsets and strides that no
/// such index uses may be anything, so they are added up without a sign.
struct View {
  Buffer *buffer = nullptr;
  uint64_t offset = 0;
  size_t rank = 0;
  std::array<int64_t, maxViewRank> shape = {};
  std::array<uint64_t, maxViewRank> strides = {};

  /// All of `buffer`, whose rank is not more than `maxViewRank`.
  static View of(Buffer &buffer);
  bool isInside(size_t dim, int64_t index) const {
    return index >= 0 && index < shape[dim];
  }
};

/// What a value holds. Tiles are shared because they never change.
using RuntimeValue = std::variant<Element, std::shared_ptr<const Tile>, View>;

/// What all blocks of a run have in common.
struct Execution {
  const Program &program;
  const Options &options;
  /// Set by the first error; the other blocks then stop.
  std::atomic<bool> failed = false;
  /// The first error.
  std::string message;
  /// What the host function has allocated.
  std::list<Buffer> scratch;
  /// What the blocks of the current launch have moved, in bytes.
  std::atomic<uint64_t> bytesRead = 0, bytesWritten = 0;
  /// Loads of the current launch that as many blocks perform once.
  std::set<const Operation *> sharedLoads;
  uint64_t sharers = 1;

  void countRead(const Operation &load, uint64_t bytes) {
    bytesRead +=
        sharers > 1 && sharedLoads.contains(&load) ? bytes / sharers : bytes;
  }
};

/// Rounds floats, unless the run is exact.
struct Rounding {
  const FloatFormat *format = nullptr;
  double operator()(double value) const {
    return format ? format->round(value) : value;
  }
};

/// The state of one block of a kernel, or of a host function.
class Frame {
public:
  Frame(Execution &execution, const Function &function)
      : execution(execution), function(function),
        values(function.valueTypes.size()) {}

  Execution &execution;
  const Function &function;
  std::array<int64_t, 3> block = {}, grid = {1, 1, 1};

  bool isExact() const {
    return execution.options.precision == Precision::Exact;
  }

  const Type &getType(uint32_t value) const {
    return execution.program.types[function.valueTypes[value]];
  }
  const RuntimeValue &get(uint32_t value) const { return values[value]; }
  Element getScalar(uint32_t value) const {
    return *std::get_if<Element>(&values[value]);
  }
  /// An index or integer, sign-extended.
  int64_t getInt(uint32_t value) const {
    return signExtend(getScalar(value).i, getType(value).element.width);
  }
  const Tile &getTile(uint32_t value) const {
    return **std::get_if<std::shared_ptr<const Tile>>(&values[value]);
  }
  /// The elements of a tile, or a number alone.
  std::vector<Element> getElements(uint32_t value) const {
    if (getType(value).form == Form::Tile)
      return getTile(value).elements;
    return {getScalar(value)};
  }
  const View &getView(uint32_t value) const {
    return *std::get_if<View>(&values[value]);
  }
  void set(uint32_t value, RuntimeValue content) {
    values[value] = std::move(content);
  }
  void setInt(uint32_t value, int64_t content) {
    values[value] =
        makeInt(uint64_t(content) & getMask(getType(value).element.width));
  }
  void setTile(uint32_t value, Tile tile) {
    values[value] = std::make_shared<const Tile>(std::move(tile));
  }
  void setElements(uint32_t value, std::vector<Element> elements) {
    if (getType(value).form != Form::Tile) {
      values[value] = elements.front();
      return;
    }
    Tile tile(getType(value));
    tile.elements = std::move(elements);
    setTile(value, std::move(tile));
  }
  std::vector<RuntimeValue> getAll(std::span<const uint32_t> numbers) const;
  void setAll(std::span<const uint32_t> numbers,
              std::span<const RuntimeValue> contents);

  /// How a float of `type` is rounded.
  Rounding getRounding(NumberType type) const {
    return {isExact() ? nullptr : FloatFormat::get(type)};
  }

  /// Runs the operations of a region up to its terminator, which is returned;
  /// null if an error has been reported.
  const Operation *run(const Region &region);

  /// Forgets how many operations have been run.
  void restart() { operationsRun = 0; }

  /// Reports an error at `op`, with the block it happened in. Silent if another
  /// block has failed already. Returns false.
  template <typename... Args>
  bool error(const Operation &op, fmt::format_string<Args...> format,
             Args &&...args) {
    return report(op, fmt::format(format, std::forward<Args>(args)...));
  }

private:
  bool report(const Operation &op, std::string message);

  std::vector<RuntimeValue> values;
  uint64_t operationsRun = 0;
};

/// Calls `visit(index)` for every index into `shape`, in row-major order. No
/// extent is negative.
template <typename Fn>
void forEachIndex(std::span<const int64_t> shape, Fn visit) {
  for (int64_t extent : shape)
    if (extent == 0)
      return;
  std::vector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(std::span<const int64_t>(index));
    int64_t dim = int64_t(shape.size()) - 1;
    while (dim >= 0 && ++index[dim] == shape[dim])
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

/// The row-major strides of `shape`, in elements.
std::vector<int64_t> getRowMajorStrides(std::span<const int64_t> shape);

/// Entry `i` of a list of constants and operands, which are taken from `next`
/// on.
int64_t getMixed(const Frame &frame, const Operation &op, const Ints &numbers,
                 size_t i, size_t &next);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_INTERPRETER_H
