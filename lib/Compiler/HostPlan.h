//===- HostPlan.h - From host functions to launch plans ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_COMPILER_HOSTPLAN_H
#define HEDDLE_LIB_COMPILER_HOSTPLAN_H

#include "dialects/Tile/Tile.h"
#include "heddle/Runtime/LaunchPlan.h"

namespace heddle {

/// `file:line` of what the author wrote, or nothing if that is not known.
std::string getFileAndLine(mlir::Location location);

/// The runtime's name of an element or scalar type, or nothing if buffers and
/// kernels cannot have it.
std::optional<ElementType> getElementType(mlir::Type type);

/// Describes an argument of a kernel. Emits an error at `location` if the
/// runtime cannot pass it.
mlir::FailureOr<KernelParameter> getKernelParameter(mlir::Location location,
                                                    mlir::Type type);

/// Translates a host function. Emits an error at operations that the runtime
/// cannot do: it computes with integers of up to 64 bits, and floats are
/// constants.
mlir::FailureOr<LaunchPlan> buildLaunchPlan(tile::HostOp host);

} // namespace heddle

#endif // HEDDLE_LIB_COMPILER_HOSTPLAN_H
