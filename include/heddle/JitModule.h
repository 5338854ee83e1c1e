//===- JitModule.h - Compile modules of the application ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Compiles modules that an application has built with MLIR's builders, or has
/// parsed itself, through the same caches as text.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_JITMODULE_H
#define HEDDLE_JITMODULE_H

#include "heddle/Dialects.h"
#include "heddle/Jit.h"
#include "mlir/IR/BuiltinOps.h"

namespace heddle {

/// Compiles `module`, which stays as it is, its locations included: messages
/// and line tables have them. `name` is what messages call the package. No
/// other thread may change the module or its context meanwhile.
///
/// Errors are those of `Jit::compile`.
Expected<std::shared_ptr<const Package>>
compile(Jit &jit, mlir::ModuleOp module, std::string_view name);

} // namespace heddle

#endif // HEDDLE_JITMODULE_H
