//===- Interpreter.h - How operations are run -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the interpreter offers to the operations: values, frames and the
/// registry. A file `*Ops.cpp` teaches the registry one group of operations.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_REFERENCE_INTERPRETER_H
#define HEDDLE_LIB_REFERENCE_INTERPRETER_H

#include "lib/Reference/Reference.h"

#include <array>
#include <atomic>
#include <memory>
#include <variant>

namespace heddle::reference {

using llvm::ArrayRef;
using mlir::LogicalResult;
using mlir::Operation;

/// A tile in row-major order.
struct Tile {
  mlir::Type elementType;
  llvm::SmallVector<int64_t, 4> shape;
  std::vector<Element> elements;

  Tile(mlir::RankedTensorType type);
  int64_t getRank() const { return shape.size(); }
};

/// A strided window of a buffer; everything counts elements.
struct View {
  Buffer *buffer = nullptr;
  int64_t offset = 0;
  llvm::SmallVector<int64_t, 4> shape, strides;

  /// All of `buffer`.
  static View of(Buffer &buffer);
};

/// What an SSA value holds. Tiles are shared because they never change.
using RuntimeValue = std::variant<Element, std::shared_ptr<const Tile>, View>;

class Frame;
class Registry;

/// What all blocks of a run have in common.
struct Execution {
  const Registry &registry;
  const Options &options;
  /// Set by the first error; the other blocks then stop.
  std::atomic<bool> failed = false;
  /// What the blocks of the current launch have moved, in bytes.
  std::atomic<uint64_t> bytesRead = 0, bytesWritten = 0;
};

/// The state of one block of a kernel, or of a host function.
class Frame {
public:
  Frame(Execution &execution) : execution(execution) {}

  Execution &execution;
  std::array<int64_t, 3> block = {}, grid = {1, 1, 1};
  bool isKernel = false;

  bool isExact() const {
    return execution.options.precision == Precision::Exact;
  }

  const RuntimeValue &get(mlir::Value value) const;
  Element getScalar(mlir::Value value) const {
    return std::get<Element>(get(value));
  }
  /// An index or integer, sign-extended.
  int64_t getInt(mlir::Value value) const;
  llvm::SmallVector<int64_t> getInts(mlir::ValueRange values) const;
  const Tile &getTile(mlir::Value value) const {
    return *std::get<std::shared_ptr<const Tile>>(get(value));
  }
  const View &getView(mlir::Value value) const {
    return std::get<View>(get(value));
  }
  void set(mlir::Value value, RuntimeValue content);
  void setInt(mlir::Value value, int64_t content);
  void setTile(mlir::Value value, Tile tile) {
    set(value, std::make_shared<const Tile>(std::move(tile)));
  }
  llvm::SmallVector<RuntimeValue> getAll(mlir::ValueRange values) const;
  void setAll(mlir::ValueRange values, ArrayRef<RuntimeValue> contents);

  /// Rounds a float to `type`, unless the run is exact.
  double round(mlir::Type type, double value) const;

  /// Runs the operations of `block` up to its terminator, which is returned.
  mlir::FailureOr<Operation *> run(mlir::Block &block);
  LogicalResult run(Operation *op);

  /// An error at `op` that tells the block it happened in. Silent if another
  /// block has failed already.
  mlir::InFlightDiagnostic error(Operation *op);

private:
  llvm::DenseMap<mlir::Value, RuntimeValue> values;
};

/// How each operation is run, by its name.
class Registry {
public:
  using Handler = std::function<LogicalResult(Frame &, Operation *)>;

  /// All operations that the reference knows.
  static const Registry &get();

  /// Runs operations `OpT` with `handler(frame, op)`.
  template <typename OpT, typename Fn>
  void add(Fn handler) {
    handlers[mlir::TypeID::get<OpT>()] = [handler](Frame &frame,
                                                   Operation *op) {
      return handler(frame, mlir::cast<OpT>(op));
    };
  }
  /// Null for operations that are not known.
  const Handler *lookup(Operation *op) const;

private:
  llvm::DenseMap<mlir::TypeID, Handler> handlers;
};

// The groups of operations; each is in the file of its name.
void addControlOps(Registry &registry);
void addConversionOps(Registry &registry);
void addDotOps(Registry &registry);
void addFloatOps(Registry &registry);
void addIntegerOps(Registry &registry);
void addLaunchOps(Registry &registry);
void addMemoryOps(Registry &registry);
void addReduceOps(Registry &registry);
void addShapeOps(Registry &registry);

/// Calls `visit(index)` for every index into `shape`, in row-major order.
template <typename Fn>
void forEachIndex(ArrayRef<int64_t> shape, Fn visit) {
  if (llvm::is_contained(shape, 0))
    return;
  llvm::SmallVector<int64_t, 6> index(shape.size(), 0);
  while (true) {
    visit(ArrayRef<int64_t>(index));
    int64_t dim = int64_t(shape.size()) - 1;
    while (dim >= 0 && ++index[dim] == shape[dim])
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

/// The row-major strides of `shape`, in elements.
llvm::SmallVector<int64_t, 4> getRowMajorStrides(ArrayRef<int64_t> shape);

} // namespace heddle::reference

#endif // HEDDLE_LIB_REFERENCE_INTERPRETER_H
