//===- Precompiled.h - Headers that most files include ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// For the compiler alone to read them once, see cmake/Precompile.cmake.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_REFERENCE_PRECOMPILED_H
#define HEDDLE_REFERENCE_PRECOMPILED_H

#include "heddle/Runtime/MakeError.h"
#include "reference/Interpreter.h"
#include "reference/Rules.h"

#include <algorithm>
#include <fmt/format.h>

#endif // HEDDLE_REFERENCE_PRECOMPILED_H
