//===- RoleTrace.h - What a role does with its slots ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs a role in the abstract: slots are the only values that have one, loops
/// run as often and branches go where a `Course` says. A role's behaviour
/// towards its rings does not depend on anything else, so a few courses (no
/// iterations, one, several) show what it can do.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_ROLETRACE_H
#define HEDDLE_ANALYSIS_ROLETRACE_H

#include "dialects/Aref/Aref.h"

#include "llvm/ADT/DenseMap.h"

namespace heddle {

/// How often each loop runs, and 1 where a branch takes its first region.
using Course = llvm::DenseMap<mlir::Operation *, unsigned>;

/// A use of a ring: `aref.acquire`, `commit`, `wait` or `release`.
struct RingEvent {
  mlir::Operation *op;
  mlir::Value ring;
};

/// What a role does on one course.
struct RoleTrace {
  std::vector<RingEvent> events;
  /// The most slots of a ring that the role holds at once, and the use that
  /// takes the last of them.
  struct Held {
    int64_t now = 0;
    int64_t most = 0;
    mlir::Operation *op = nullptr;
  };
  llvm::DenseMap<mlir::Value, Held> held;
};

/// Whether `op` or what is in it touches slots, or products in flight.
bool concernsSlots(mlir::Operation *op);

/// Runs `role` on `course`. Fails, with a diagnostic, where a slot is not used
/// linearly (given back once on every path, not used afterwards), where one is
/// given back while a product may still read it, or without a fence after
/// threads accessed it, and where the result of a product is used before it is
/// waited for.
mlir::FailureOr<RoleTrace> traceRole(aref::RoleOp role, const Course &course);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_ROLETRACE_H
