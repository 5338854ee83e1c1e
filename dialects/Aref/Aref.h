//===- Aref.h - The compiler's dialect ----------------------- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_DIALECTS_AREF_AREF_H
#define HEDDLE_DIALECTS_AREF_AREF_H

#include "dialects/Aref/ArefDialect.h.inc"
#include "dialects/Tile/Tile.h"

#define GET_ATTRDEF_CLASSES
#include "dialects/Aref/ArefAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Aref/ArefTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Aref/ArefOps.h.inc"

namespace heddle::aref {

/// How many blocks a cluster of `kernel` has at most: it is launched with as
/// many as divide its grid. 1 if it has no clusters.
int64_t getClusterSize(tile::KernelOp kernel);

} // namespace heddle::aref

#endif // HEDDLE_DIALECTS_AREF_AREF_H
