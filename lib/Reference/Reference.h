//===- Reference.h - What a tile program means ------------------*- C++ -*-===//
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

#ifndef HEDDLE_LIB_REFERENCE_REFERENCE_H
#define HEDDLE_LIB_REFERENCE_REFERENCE_H

#include "dialects/Tile/Tile.h"
#include "lib/Reference/Formats.h"

#include <functional>
#include <vector>

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
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::vector<Element> elements;
  /// Whether the program wrote an element.
  std::vector<uint8_t> written;

  /// An array that nobody wrote.
  static Buffer makePoison(mlir::Type elementType,
                           llvm::ArrayRef<int64_t> shape);
  /// Reads `bytes`, which holds the elements as they are in device memory.
  static Buffer fromBytes(mlir::Type elementType, llvm::ArrayRef<int64_t> shape,
                          llvm::ArrayRef<std::byte> bytes);
  /// The elements, rounded, as they are in device memory.
  std::vector<std::byte> toBytes() const;
};

/// Bytes that tiles and scalars take from global memory and put there, without
/// what is outside of the views.
struct Traffic {
  double bytesRead = 0, bytesWritten = 0;
  /// Whether some launch did not run all of its blocks.
  bool isSampled = false;
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
  /// Where to add up what is moved, extrapolated to all blocks; may be null.
  Traffic *traffic = nullptr;
};

/// Whether the reference can run `host` and the kernels that it launches; emits
/// an error at every operation that it cannot run.
mlir::LogicalResult verifySupported(tile::HostOp host);

/// The extents of buffer `i` when the host function gets these sizes.
llvm::SmallVector<int64_t> getBufferShape(tile::HostOp host, unsigned i,
                                          llvm::ArrayRef<int64_t> sizes);

/// Runs `host`. There is one entry in `sizes` per size and one in `buffers` per
/// buffer, of the host function's types and shapes. Errors are emitted at the
/// operation that fails.
mlir::LogicalResult runHost(tile::HostOp host, llvm::ArrayRef<int64_t> sizes,
                            llvm::MutableArrayRef<Buffer> buffers,
                            const Options &options);

} // namespace heddle::reference

#endif // HEDDLE_LIB_REFERENCE_REFERENCE_H
