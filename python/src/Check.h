//===- Check.h - Comparison with the reference semantics --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_CHECK_H
#define HEDDLE_PYTHON_CHECK_H

#include "Call.h"
#include "heddle/Runtime/Reference.h"

#include <functional>

namespace heddle::python {

/// Does `run`, which is the call, and compares what it writes with `reference`.
/// Needs no GIL.
Expected<std::vector<OutputCheck>>
checkCall(const Call &call, const Reference &reference,
          const std::function<Expected<void>()> &run);

void bindCheck(nb::module_ &module);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_CHECK_H
