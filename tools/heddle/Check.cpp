//===- Check.cpp - Comparing outputs with the reference -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Check.h"

#include "lib/Reference/Comparison.h"
#include "tools/heddle/Progress.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;
using namespace heddle;
using reference::Buffer;
using reference::Precision;

/// The buffers as the reference takes them.
static std::vector<Buffer> makeBuffers(ArrayRef<HostBuffer> buffers) {
  std::vector<Buffer> result;
  for (const HostBuffer &buffer : buffers) {
    if (buffer.access == tile::Access::Out)
      result.push_back(Buffer::makePoison(buffer.elementType, buffer.shape));
    else
      result.push_back(
          Buffer::fromBytes(buffer.elementType, buffer.shape, buffer.bytes));
  }
  return result;
}

/// The buffers after a run, or a failure with a diagnostic.
static FailureOr<std::vector<Buffer>> run(tile::HostOp host,
                                          ArrayRef<int64_t> sizes,
                                          ArrayRef<HostBuffer> before,
                                          Precision precision) {
  Progress progress(precision == Precision::Exact ? "exact reference"
                                                  : "reference");
  reference::Options options;
  options.precision = precision;
  options.progress = [&](uint64_t done, uint64_t total) {
    progress.update(done, total);
  };
  std::vector<Buffer> buffers = makeBuffers(before);
  if (failed(reference::runHost(host, sizes, buffers, options)))
    return failure();
  return std::move(buffers);
}

LogicalResult heddle::runReference(tile::HostOp host, ArrayRef<int64_t> sizes,
                                   MutableArrayRef<HostBuffer> buffers) {
  auto result = run(host, sizes, buffers, Precision::Storage);
  if (failed(result))
    return failure();
  for (auto [buffer, content] : llvm::zip_equal(buffers, *result))
    if (buffer.access != tile::Access::In)
      buffer.bytes = content.toBytes();
  return success();
}

/// A number as a user reads it.
static std::string format(Type type, reference::Element element) {
  if (isa<FloatType>(type))
    return fmt::format("{:.6g}", element.f);
  return fmt::format(
      "{}", llvm::SignExtend64(element.i, reference::getIntegerWidth(type)));
}

static void print(const HostBuffer &buffer,
                  const reference::Comparison &comparison) {
  Type type = buffer.elementType;
  llvm::outs() << fmt::format("check {} ({}): {}", buffer.name,
                              describe(buffer),
                              comparison.passed() ? "ok" : "WRONG");
  if (comparison.wrong)
    llvm::outs() << fmt::format(", {} of {} elements", comparison.wrong,
                                comparison.compared);
  llvm::outs() << '\n';
  if (isa<FloatType>(type))
    llvm::outs() << fmt::format(
        "  max abs error {:.3g}, max rel error {:.3g}; the reference's own "
        "error {:.3g}, ratio {:.2f}\n",
        comparison.maxAbsError, comparison.maxRelError,
        comparison.referenceError, comparison.getRatio());
  else
    llvm::outs() << fmt::format("  max abs error {:.0f}\n",
                                comparison.maxAbsError);
  if (!comparison.worst.empty())
    llvm::outs() << fmt::format(
        "  worst element [{}]: expected {}, found {}, tolerance {:.3g}\n",
        fmt::join(comparison.worst, ", "), format(type, comparison.expected),
        format(type, comparison.got), comparison.tolerance);
  if (comparison.unwritten)
    llvm::outs() << fmt::format(
        "  {} elements are never written and were not compared\n",
        comparison.unwritten);
}

Verdict heddle::check(tile::HostOp host, ArrayRef<int64_t> sizes,
                      ArrayRef<HostBuffer> before, ArrayRef<HostBuffer> after) {
  auto storage = run(host, sizes, before, Precision::Storage);
  if (failed(storage))
    return Verdict::Unknown;
  auto exact = run(host, sizes, before, Precision::Exact);
  if (failed(exact))
    return Verdict::Unknown;
  bool fastAccum = reference::usesFastAccum(host);
  Verdict verdict = Verdict::Right;
  for (auto [i, buffer] : llvm::enumerate(after)) {
    if (buffer.access == tile::Access::In)
      continue;
    Buffer output =
        Buffer::fromBytes(buffer.elementType, buffer.shape, buffer.bytes);
    reference::Comparison comparison =
        reference::compare(output, (*storage)[i], (*exact)[i], fastAccum);
    print(buffer, comparison);
    if (!comparison.passed())
      verdict = Verdict::Wrong;
  }
  return verdict;
}
