//===- Cubin.h - Machine code through ptxas ---------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TARGET_CUBIN_H
#define HEDDLE_TARGET_CUBIN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace heddle {

/// What ptxas says about one entry.
struct EntryUsage {
  std::string entry;
  unsigned registers = 0;
  unsigned barriers = 0;
  /// Static shared memory.
  unsigned sharedBytes = 0;
  unsigned stackBytes = 0;
  unsigned spillStoreBytes = 0;
  unsigned spillLoadBytes = 0;
};

struct Cubin {
  /// The ELF file.
  std::string image;
  std::vector<EntryUsage> entries;
  /// Warnings and performance advisories (such as C7510), one per line.
  std::vector<std::string> warnings;
};

/// The path of ptxas: in $PATH, in $CUDA_HOME/bin, or in the toolkit's usual
/// place. An error says where it was looked for.
llvm::Expected<std::string> findPtxas();

/// The version of that ptxas, as in `13.0`.
llvm::Expected<std::string> getPtxasVersion();

/// Assembles PTX for sm_90a. An error has what ptxas printed.
llvm::Expected<Cubin> assembleCubin(llvm::StringRef ptx);

/// Reads the messages of `ptxas -v` into `cubin`.
void parsePtxasMessages(llvm::StringRef messages, Cubin &cubin);

} // namespace heddle

#endif // HEDDLE_TARGET_CUBIN_H
