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
/// Nothing here may depend on the instruction set that a file is compiled for.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PRECOMPILED_H
#define HEDDLE_VIRTUAL_PRECOMPILED_H

#include "decode/Decoder.h"
#include "engine/Cluster.h"
#include "engine/Warp.h"
#include "heddle/Runtime/MakeError.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <fmt/ranges.h>

#ifdef HEDDLE_INSTRUCTION_SET
#error "expected no header that is compiled for several instruction sets"
#endif

#endif // HEDDLE_VIRTUAL_PRECOMPILED_H
