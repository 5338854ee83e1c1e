//===- ScheduleAttrs.h - What authors say of a loop or kernel ---*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_SCHEDULEATTRS_H
#define HEDDLE_LIB_TRANSFORMS_SCHEDULEATTRS_H

#include "dialects/Tile/Tile.h"

namespace heddle {

/// The attribute `name` of `op`, or of the innermost operation around it that
/// has one, up to the kernel; null if none has.
template <typename AttrT>
AttrT findScheduleAttr(mlir::Operation *op, llvm::StringRef name) {
  for (; op; op = op->getParentOp()) {
    if (auto given = op->getAttrOfType<AttrT>(name))
      return given;
    if (mlir::isa<tile::KernelOp>(op))
      break;
  }
  return {};
}

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_SCHEDULEATTRS_H
