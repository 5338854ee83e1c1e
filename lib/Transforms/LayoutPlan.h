//===- LayoutPlan.h - Layouts of the tiles of a scope -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TRANSFORMS_LAYOUTPLAN_H
#define HEDDLE_TRANSFORMS_LAYOUTPLAN_H

#include "lib/Layout/Encoding.h"
#include "lib/Transforms/LayoutScope.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <deque>
#include <map>

namespace heddle {

inline bool isTile(mlir::Value value) {
  return llvm::isa<mlir::RankedTensorType>(value.getType());
}

inline mlir::RankedTensorType getTileType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// Whether each thread can make the tile by itself in any layout, for nothing:
/// a constant, a splat or an iota.
bool isFree(mlir::Operation *op);
inline bool isFree(mlir::Value value) { return isFree(value.getDefiningOp()); }

/// Whether elements of the result, a tile, depend on the operands' elements at
/// the same coordinates only.
bool isElementwise(mlir::Operation *op);

/// The axis of a scan or recurrence, if `op` is one.
std::optional<unsigned> getScanAxis(mlir::Operation *op);

/// The layout of what each row of a tile has one of, such as its place.
TileLayout getRowLayout(const TileLayout &layout);

/// Decides the layout of every tile of a scope, before anything is changed.
class LayoutPlan {
public:
  LayoutPlan(LayoutScope scope) : scope(scope) {}

  /// Fails with a diagnostic where there is no layout.
  mlir::LogicalResult run();

  /// The layout of a tile, or nothing for one that is free.
  const TileLayout *lookup(mlir::Value tile) const {
    auto it = layouts.find(tile);
    return it == layouts.end() ? nullptr : &it->second;
  }

  TileLayout getBlocked(mlir::Value tile) const {
    mlir::RankedTensorType type = getTileType(tile);
    if (std::optional<unsigned> axis = lookUp(scannedAxes, type))
      return getScanned(type, *axis);
    return TileLayout::blocked(type.getShape(), scope.numWarps,
                               getElementBytes(type.getElementType()),
                               lookUp(reducedAxes, type));
  }

  /// The layout that register operand A of a product must have.
  TileLayout getOperandA(aref::MmaOp mma) const {
    auto type = llvm::cast<mlir::RankedTensorType>(mma.getA().getType());
    return TileLayout::wgmmaOperandA(type.getDimSize(0), type.getDimSize(1),
                                     type.getElementTypeBitWidth(),
                                     scope.numWarps);
  }

private:
  mlir::LogicalResult check();
  mlir::LogicalResult check(aref::MmaOp mma);
  mlir::LogicalResult checkRegisters();

  TileLayout getScanned(mlir::RankedTensorType type, unsigned axis) const {
    return TileLayout::scanned(type.getShape(), scope.numWarps,
                               getElementBytes(type.getElementType()), axis,
                               lookUp(reducedAxes, type));
  }
  /// Whether a tile can have a layout. What is scanned is where few warps share
  /// the axis: a conversion costs less than an exchange of sums.
  bool accepts(mlir::Value tile, const TileLayout &layout) const;

  /// Gives `tile` a layout unless it has one, needs none or cannot have it.
  void assign(mlir::Value tile, const TileLayout &layout);
  /// Spreads what is assigned until nothing changes.
  void spread();
  void spreadToOperands(mlir::Operation *op, mlir::OpResult result,
                        const TileLayout &layout);
  void spreadToUser(mlir::OpOperand &use, const TileLayout &layout);
  /// The values that a loop or branch ties to `value`, which is an argument, a
  /// result, or an operand of a loop, a branch or their terminators.
  void assignAll(llvm::ArrayRef<mlir::Value> tied, const TileLayout &layout) {
    for (mlir::Value value : tied)
      assign(value, layout);
  }
  llvm::SmallVector<mlir::Value> getTied(mlir::scf::ForOp loop, unsigned i);
  llvm::SmallVector<mlir::Value> getTied(mlir::scf::IfOp branch, unsigned i);
  llvm::SmallVector<mlir::Value> getTiedBefore(mlir::scf::WhileOp loop,
                                               unsigned i);
  llvm::SmallVector<mlir::Value> getTiedAfter(mlir::scf::WhileOp loop,
                                              unsigned i);

  /// Tiles that go to or come from memory, the largest first.
  llvm::SmallVector<mlir::Value> getMemoryTiles();

  LayoutScope scope;
  llvm::DenseMap<mlir::Value, TileLayout> layouts;
  /// An axis for some shapes.
  using Axes = std::map<llvm::SmallVector<int64_t>, unsigned>;
  static std::optional<unsigned> lookUp(const Axes &axes,
                                        mlir::RankedTensorType type) {
    auto it = axes.find(llvm::to_vector(type.getShape()));
    return it == axes.end() ? std::nullopt : std::optional(it->second);
  }

  /// The axis along which tiles of a shape are first reduced, or scanned.
  Axes reducedAxes, scannedAxes;
  /// What scans of vectors give, and what is computed elementwise from it.
  llvm::DenseSet<mlir::Value> scannedVectors;
  std::deque<mlir::Value> worklist;
  /// Whether layouts spread through transposes. Two accesses to memory on
  /// either side are better served by a conversion.
  bool crossTransposes = true;
};

} // namespace heddle

#endif // HEDDLE_TRANSFORMS_LAYOUTPLAN_H
