//===- Buffers.h - What buffers hold before and after a run -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_BUFFERS_H
#define HEDDLE_TOOLS_HEDDLE_BUFFERS_H

#include "dialects/Tile/Tile.h"
#include "heddle/Runtime/Error.h"
#include "tools/heddle/CommandLine.h"

#include <vector>

namespace heddle {

/// One buffer of a host function in host memory, as a device has it.
struct HostBuffer {
  std::string name;
  tile::Access access = tile::Access::In;
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  /// Empty for buffers that are only written, until they are.
  std::vector<std::byte> bytes;

  uint64_t getBytes() const;
};

/// Prepares the buffers of `host`: inputs are read or made up, others are left
/// empty. `copies` is how many bytes of memory a byte of a buffer will take in
/// all; an error says so if the machine has less.
Expected<std::vector<HostBuffer>> prepareBuffers(tile::HostOp host,
                                                 llvm::ArrayRef<int64_t> sizes,
                                                 const NamedStrings &inputs,
                                                 unsigned copies);

/// Checks that `outputs` names buffers that are written, and no file twice.
Expected<void> verifyOutputs(tile::HostOp host, const NamedStrings &outputs);

/// Writes the `.npy` files. A file appears whole or not at all.
Expected<void> writeOutputs(llvm::ArrayRef<HostBuffer> buffers,
                            const NamedStrings &outputs);

/// `8x16 of bf16`
std::string describe(const HostBuffer &buffer);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_BUFFERS_H
