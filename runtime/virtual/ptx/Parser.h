//===- Parser.h - PTX text to syntax ----------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PTX_PARSER_H
#define HEDDLE_VIRTUAL_PTX_PARSER_H

#include "ptx/Syntax.h"

namespace heddle::vgpu {

/// Parses a module. Errors begin with "name:line:". Debug sections are skipped.
Expected<PtxModule> parsePtx(std::string_view text, std::string_view name);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_PTX_PARSER_H
