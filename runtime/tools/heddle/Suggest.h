//===- Suggest.h - What somebody may have meant ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_SUGGEST_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_SUGGEST_H

#include <string>
#include <string_view>
#include <vector>

namespace heddle {

/// `; did you mean 'X'?`, if one of `names` is much like `found`, or else
/// `otherwise`.
std::string suggest(std::string_view found,
                    const std::vector<std::string> &names,
                    std::string otherwise);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_SUGGEST_H
