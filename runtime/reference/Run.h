//===- Run.h - What a program means -----------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs tile programs on the CPU, one operation after the other. This is what
/// the dialect's words mean, as code: everything else is compared with it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_RUN_H
#define HEDDLE_RUNTIME_REFERENCE_RUN_H

#include "reference/Program.h"

#include <array>
#include <functional>

namespace heddle::reference {

enum class Precision {
  /// Every value is rounded to its type; float dots accumulate in f32, in the
  /// order of k.
  Storage,
  /// Floats are f64 and are never rounded, except operands of a dot with
  /// `precision tf32`, which are tf32 by definition.
  Exact,
};

/// A dense row-major array in host memory.
struct Buffer {
  NumberType elementType;
  std::vector<int64_t> shape;
  std::vector<Element> elements;
  /// Whether the program wrote an element.
  std::vector<uint8_t> written;

  /// An array that nobody wrote.
  static Buffer makePoison(NumberType elementType,
                           std::span<const int64_t> shape);
  /// Reads `bytes`, which holds the elements as they are in device memory.
  static Buffer fromBytes(NumberType elementType,
                          std::span<const int64_t> shape,
                          std::span<const std::byte> bytes);
  /// The elements, rounded, as they are in device memory.
  std::vector<std::byte> toBytes() const;
};

/// Loads of a kernel that neighbours in its grid perform once for all of them:
/// as many along x, y and z as divide the grid, of at most so many.
struct SharedLoads {
  std::string kernel;
  std::array<int64_t, 3> cluster = {1, 1, 1};
  /// As `Program::format` writes where the loads are.
  std::vector<std::string> loads;
};

/// Bytes that tiles and scalars take from global memory and put there, without
/// what is outside of the views.
struct Traffic {
  double bytesRead = 0, bytesWritten = 0;
  /// Whether some launch did not run all of its blocks.
  bool isSampled = false;
  /// What is known of how kernels load; from the caller.
  std::vector<SharedLoads> shared;
};

struct Options {
  Precision precision = Precision::Storage;
  /// Blocks that run at the same time; 0 means one per processor.
  unsigned threads = 0;
  /// Called now and then, from one thread at a time, with the blocks of the
  /// current launch that have ended and all it has.
  std::function<void(uint64_t, uint64_t)> progress;
  /// Run only so many blocks of each launch, evenly spread; 0 means all.
  uint64_t maxBlocks = 0;
  /// Operations that one block, or the host function, may run before it is
  /// given up as one that never ends; 0 means any number. By default about a
  /// minute's worth.
  uint64_t maxOperations = uint64_t(1) << 32;
  /// Where to add up what is moved, extrapolated to all blocks; may be null.
  Traffic *traffic = nullptr;
};

/// The extents of buffer `i` when the host function gets these sizes.
std::vector<int64_t> getBufferShape(const Program &program,
                                    const Function &host, size_t i,
                                    std::span<const int64_t> sizes);

/// Runs `host`. There is one entry in `sizes` per size and one in `buffers` per
/// buffer, of the host function's types and shapes. The message of an error has
/// a line `file:line:column: error: ...` and may have one that starts with
/// `file:line:column: note: `.
Expected<void> runHost(const Program &program, const Function &host,
                       std::span<const int64_t> sizes,
                       std::span<Buffer> buffers, const Options &options);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_RUN_H
