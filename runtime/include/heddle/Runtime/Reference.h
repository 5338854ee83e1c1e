//===- Reference.h - What a program means, without a compiler ---*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The reference semantics of a program in a form that needs no MLIR, so that
/// results can be checked where only the runtime is. The compiler makes it from
/// the author's program, before any pass; a package carries it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_H
#define HEDDLE_RUNTIME_REFERENCE_H

#include "heddle/Runtime/LaunchPlan.h"

#include <functional>

namespace heddle {

/// A dense row-major array in host memory, as a device has it.
struct HostArray {
  std::string name;
  ElementType type = ElementType::F32;
  Access access = Access::In;
  std::vector<int64_t> shape;
  /// Empty for arrays that are only written, until they are.
  std::vector<std::byte> bytes;
};

/// How an output compares with the reference; docs and `Comparison.h` have the
/// criterion.
struct OutputCheck {
  std::string name;
  bool passed = false;
  int64_t compared = 0, wrong = 0;
  /// Elements that the program never writes, which are not compared.
  int64_t unwritten = 0;
  double maxAbsError = 0, maxRelError = 0;
  /// The largest error of the reference itself.
  double referenceError = 0;
  /// What `heddle run --check` prints of it, with newlines.
  std::string text;
};

struct ReferenceOptions {
  /// Blocks that run at the same time; 0 means one per processor.
  unsigned threads = 0;
  /// Called now and then, from one thread at a time, with what is running, the
  /// blocks that have ended and all there are.
  std::function<void(std::string_view, uint64_t, uint64_t)> progress;
};

/// The reference semantics of a package.
class Reference {
public:
  /// Reads what a package has. Nothing in it is trusted: whatever is wrong is
  /// an error here or when it runs.
  static Expected<std::shared_ptr<const Reference>>
  parse(std::span<const std::byte> section, std::string_view name);
  virtual ~Reference() = default;

  /// Runs the host function; `arrays` are its buffers in order, and those that
  /// are written then hold what they should.
  virtual Expected<void> run(std::string_view host,
                             std::span<const int64_t> sizes,
                             std::span<HostArray> arrays,
                             const ReferenceOptions &options = {}) const = 0;

  /// Runs it in storage precision and exactly, from the contents `before`, and
  /// compares the outputs in `after` with both.
  Expected<std::vector<OutputCheck>>
  check(std::string_view host, std::span<const int64_t> sizes,
        std::span<const HostArray> before, std::span<const HostArray> after,
        const ReferenceOptions &options = {}) const;
  /// The same for the results of several runs.
  virtual Expected<std::vector<std::vector<OutputCheck>>>
  checkAll(std::string_view host, std::span<const int64_t> sizes,
           std::span<const HostArray> before,
           std::span<const std::span<const HostArray>> afters,
           const ReferenceOptions &options = {}) const = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_REFERENCE_H
