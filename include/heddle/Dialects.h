//===- Dialects.h - What programs are made of -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// For applications that build programs themselves, with MLIR's headers: the
/// tile dialect, and what else a program may consist of.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_DIALECTS_H
#define HEDDLE_DIALECTS_H

#include "dialects/Tile/Tile.h"
#include "mlir/IR/DialectRegistry.h"

namespace heddle {

/// Registers the dialects that a program may use, and what it takes to
/// translate them.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace heddle

#endif // HEDDLE_DIALECTS_H
