//===- Buffers.h - What buffers hold before and after a run -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_BUFFERS_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_BUFFERS_H

#include "heddle/Runtime/Reference.h"
#include "tools/heddle/CommandLine.h"

namespace heddle {

/// Prepares the buffers of `plan`: inputs are read or made up, others are left
/// empty. `copies` is how many bytes of memory a byte of a buffer will take in
/// all; an error says so if the machine has less.
Expected<std::vector<HostArray>> prepareBuffers(const LaunchPlan &plan,
                                                std::span<const int64_t> sizes,
                                                const NamedStrings &inputs,
                                                unsigned copies);

/// Fills a buffer from a `.npy` file, or as `zeros`, `random[:SEED]`,
/// `unit[:SEED]` (floats whose rows along the last dimension have length one)
/// or `uniform[:LOW:HIGH[:SEED]]` say; the numbers then depend on its name and
/// the seed alone.
Expected<void> fillBuffer(HostArray &buffer, std::string_view source);

/// Gives a float array the type of the numbers in a `.npy` file, if those are
/// wider.
Expected<void> widenToFile(HostArray &array, const std::string &path);

/// An error if buffers and their copies take more than the machine's memory.
Expected<void> verifyMemory(std::span<const HostArray> buffers,
                            unsigned copies);

/// Checks that `outputs` names buffers that are written, and no file twice.
Expected<void> verifyOutputs(const LaunchPlan &plan,
                             const NamedStrings &outputs);

/// Writes the `.npy` files. A file appears whole or not at all.
Expected<void> writeOutputs(std::span<const HostArray> arrays,
                            const NamedStrings &outputs);

/// The bytes of an array that `prepareBuffers` made.
uint64_t getBytes(const HostArray &array);

/// `8x16 of bf16`
std::string describe(const HostArray &array);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_BUFFERS_H
