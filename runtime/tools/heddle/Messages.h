//===- Messages.h - What the driver says ------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_MESSAGES_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_MESSAGES_H

#include "heddle/Runtime/Error.h"
#include "tools/heddle/CommandLine.h"

namespace heddle {

/// The text of a program, if it is at hand.
struct SourceText {
  std::string name, text;
};

/// `48 KiB`, `1.5 GiB`, `24 bytes`
std::string formatBytes(double bytes);

/// Prints `heddle: error: ` and the message.
void printError(std::string_view message);

/// Prints an error of the runtime and returns its exit code. What it says of a
/// place in `source` is printed with that line.
ExitCode report(const Error &error, const SourceText &source = {});

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_MESSAGES_H
