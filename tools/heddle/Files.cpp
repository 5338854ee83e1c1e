//===- Files.cpp - Writing files ------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Files.h"

#include "heddle/Runtime/MakeError.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

using namespace heddle;

Expected<void> heddle::writeFile(llvm::StringRef path,
                                 llvm::StringRef contents) {
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &stream) {
    stream << contents;
    return llvm::Error::success();
  });
  std::string why;
  llvm::handleAllErrors(
      std::move(error),
      [&](const llvm::FileError &error) {
        why = error.messageWithoutFileInfo();
      },
      [&](const llvm::ErrorInfoBase &error) { why = error.message(); });
  if (why.empty())
    return {};
  return makeError(ErrorKind::InvalidInput, "cannot write '{}': {}", path.str(),
                   why);
}
