//===- Program.h - Programs that Python calls -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_PROGRAM_H
#define HEDDLE_PYTHON_PROGRAM_H

#include "Errors.h"

namespace heddle::python {

/// Binds `ProgramBase`, from which heddle/_program.py derives `Program`.
void bindProgram(nb::module_ &module);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_PROGRAM_H
