//===- ArefNames.cpp - What values are called -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Printed IR calls rings and buffers after the views whose tiles they hold, so
/// that a reader finds the author's `%A` in `%A_B`, `%A_tile` and `%A_rows`.
///
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

/// The name of the kernel's argument that `view` is a part of, or nothing.
static StringRef getNameOfView(Value view) {
  while (auto part = view.getDefiningOp<ViewLikeOpInterface>())
    view = part.getViewSource();
  auto argument = dyn_cast<BlockArgument>(view);
  if (!argument)
    return {};
  auto kernel = dyn_cast<tile::KernelOp>(argument.getOwner()->getParentOp());
  ArrayAttr names = kernel ? kernel.getArgNamesAttr() : ArrayAttr();
  if (!names || argument.getArgNumber() >= names.size())
    return {};
  return cast<StringAttr>(names[argument.getArgNumber()]).getValue();
}

/// The name of the view that `tile` was loaded from.
static StringRef getNameOfLoad(Value tile) {
  auto load = tile.getDefiningOp<tile::LoadOp>();
  return load ? getNameOfView(load.getView()) : StringRef();
}

/// The name of the view that `buffer` is filled from or written to.
static StringRef getNameOfBuffer(Value buffer) {
  for (Operation *user : buffer.getUsers()) {
    StringRef name;
    if (auto copy = dyn_cast<CopyInOp>(user))
      name = getNameOfView(copy.getView());
    else if (auto copy = dyn_cast<CopyAsyncOp>(user))
      name = getNameOfView(copy.getView());
    else if (auto copy = dyn_cast<CopyOutOp>(user))
      name = getNameOfView(copy.getView());
    else if (auto copy = dyn_cast<TmaLoadOp>(user))
      name = getNameOfView(copy.getView());
    else if (auto store = dyn_cast<LocalStoreOp>(user))
      name = getNameOfLoad(store.getValue());
    else if (auto stage = dyn_cast<StageOp>(user))
      name = getNameOfBuffer(stage.getBuffer());
    if (!name.empty())
      return name;
  }
  return {};
}

/// The name of the view whose tile `buffer`, or what it is a part of, holds.
static StringRef getNameOfPart(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto view = dyn_cast<ViewOp>(op)) {
      auto ring = view.getRing().getDefiningOp<RingOp>();
      return ring ? ring.getViewName(view.getIndex()) : StringRef();
    }
    if (!isa<StageOp, RowsOp, ColumnsOp>(op))
      break;
    buffer = op->getOperand(0);
  }
  return getNameOfBuffer(buffer);
}

/// Calls `value` after `view`, if that is known.
static void setName(OpAsmSetValueNameFn setNameFn, Value value, StringRef view,
                    StringRef kind) {
  setNameFn(value, view.empty() ? kind.str() : (view + "_" + kind).str());
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

StringRef RingOp::getViewName(unsigned index) {
  for (Operation *user : getRing().getUsers()) {
    StringRef name;
    if (auto put = dyn_cast<PutOp>(user))
      name = getNameOfLoad(put.getValues()[index]);
    else if (auto view = dyn_cast<ViewOp>(user);
             view && view.getIndex() == index)
      name = getNameOfBuffer(view.getBuffer());
    if (!name.empty())
      return name;
  }
  return {};
}

void RingOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  std::string name;
  for (unsigned i = 0, n = getType().getTiles().size(); i < n; ++i) {
    StringRef view = getViewName(i);
    if (view.empty())
      return setNameFn(getRing(), "ring");
    name += (i == 0 ? "" : "_") + view.str();
  }
  // A view and its ring would else have one name.
  if (getType().getTiles().size() == 1)
    name += "_ring";
  setNameFn(getRing(), name);
}

void GetOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getSlot(), "slot");
  auto ring = getRing().getDefiningOp<RingOp>();
  for (auto [i, value] : llvm::enumerate(getValues()))
    setName(setNameFn, value, ring ? ring.getViewName(i) : StringRef(), "tile");
}

void NoneOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getSlot(), "none");
}

void AcquireOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getSlot(), "slot");
}

void WaitOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getSlot(), "slot");
}

void ViewOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setName(setNameFn, getBuffer(), getNameOfPart(getBuffer()), "tile");
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

void AllocOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setName(setNameFn, getBuffer(), getNameOfBuffer(getBuffer()), "buffers");
}

void StageOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setName(setNameFn, getBuffer(), getNameOfPart(getBuffer()), "buffer");
}

void RowsOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setName(setNameFn, getResult(), getNameOfPart(getSource()), "rows");
}

void ColumnsOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setName(setNameFn, getResult(), getNameOfPart(getSource()), "columns");
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

void MmaOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getResult(), "acc");
}

void MmaWaitOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  if (getNumResults() != 0)
    setNameFn(getResult(0), "done");
}

void MbarriersOp::getAsmResultNames(OpAsmSetValueNameFn setNameFn) {
  setNameFn(getBarriers(), "barriers");
}
