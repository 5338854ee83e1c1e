//===- Passes.h - Heddle's passes ---------------------------- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each pass does, with an example, is in Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TRANSFORMS_PASSES_H
#define HEDDLE_TRANSFORMS_PASSES_H

#include "dialects/Aref/Aref.h"
#include "dialects/Tile/Tile.h"
#include "mlir/Pass/Pass.h"

namespace heddle {

#define GEN_PASS_DECL
#include "lib/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lib/Transforms/Passes.h.inc"

} // namespace heddle

#endif // HEDDLE_TRANSFORMS_PASSES_H
