//===- ProgramReference.h - The public face of a program --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_PROGRAMREFERENCE_H
#define HEDDLE_RUNTIME_REFERENCE_PROGRAMREFERENCE_H

#include "heddle/Runtime/Reference.h"
#include "reference/Program.h"

namespace heddle::reference {

/// What packages offer of their program, for one that is at hand.
std::shared_ptr<const Reference> makeReference(Program program);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_PROGRAMREFERENCE_H
