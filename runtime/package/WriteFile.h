//===- WriteFile.h - Files that appear whole or not at all ------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_WRITEFILE_H
#define HEDDLE_RUNTIME_PACKAGE_WRITEFILE_H

#include "heddle/Runtime/Error.h"

#include <string>
#include <string_view>

namespace heddle::package {

/// Writes a file under another name in the same folder and then renames it, so
/// that nobody sees a part of it, and what was there stays if something fails.
Expected<void> writeFile(const std::string &path, std::string_view bytes);

/// Fails, with the same message, if `writeFile` is bound to fail: for who has
/// much to do before.
Expected<void> checkWritable(const std::string &path);

} // namespace heddle::package

#endif // HEDDLE_RUNTIME_PACKAGE_WRITEFILE_H
