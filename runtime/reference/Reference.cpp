//===- Reference.cpp - What a program means, without a compiler -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Reference.h"

#include "heddle/Runtime/MakeError.h"
#include "reference/Comparison.h"
#include "reference/ProgramReference.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::reference;

static NumberType getNumberType(ElementType type) {
  // Both have the names of MLIR.
  return *NumberType::parse(getName(type));
}

static std::string describe(const HostArray &array) {
  return fmt::format("{} of {}", fmt::join(array.shape, "x"),
                     getName(array.type));
}

/// What is printed of a comparison.
static std::string describe(const HostArray &array,
                            const Comparison &comparison) {
  NumberType type = getNumberType(array.type);
  std::string text =
      fmt::format("check {} ({}): {}", array.name, describe(array),
                  comparison.passed() ? "ok" : "WRONG");
  if (comparison.wrong)
    text += fmt::format(", {} of {} elements", comparison.wrong,
                        comparison.compared);
  text += '\n';
  if (type.isFloat())
    text += fmt::format(
        "  max abs error {:.3g}, max rel error {:.3g}; the reference's own "
        "error {:.3g}, ratio {:.2f}\n",
        comparison.maxAbsError, comparison.maxRelError,
        comparison.referenceError, comparison.getRatio());
  else
    text += fmt::format("  max abs error {:.0f}\n", comparison.maxAbsError);
  if (!comparison.worst.empty())
    text += fmt::format(
        "  worst element [{}]: expected {}, found {}, tolerance {:.3g}\n",
        fmt::join(comparison.worst, ", "),
        reference::format(type, comparison.expected),
        reference::format(type, comparison.got), comparison.tolerance);
  if (comparison.unwritten)
    text +=
        fmt::format("  {} elements are never written and were not compared\n",
                    comparison.unwritten);
  return text;
}

namespace {
class ProgramReference : public Reference {
public:
  explicit ProgramReference(reference::Program program)
      : program(std::move(program)) {}

  Expected<void> run(std::string_view host, std::span<const int64_t> sizes,
                     std::span<HostArray> arrays,
                     const ReferenceOptions &options) const override;
  Expected<std::vector<std::vector<OutputCheck>>>
  checkAll(std::string_view host, std::span<const int64_t> sizes,
           std::span<const HostArray> before,
           std::span<const std::span<const HostArray>> afters,
           const ReferenceOptions &options) const override;

private:
  /// The host function, if the arguments are what it takes.
  Expected<const Function *> find(std::string_view name,
                                  std::span<const int64_t> sizes,
                                  std::span<const HostArray> arrays) const;
  /// The buffers after a run from the contents of `arrays`.
  Expected<std::vector<Buffer>> run(const Function &host,
                                    std::span<const int64_t> sizes,
                                    std::span<const HostArray> arrays,
                                    Precision precision,
                                    const ReferenceOptions &options) const;

  const reference::Program program;
};
} // namespace

/// Checks that an array has the bytes that its shape says, or none if
/// `mayBeEmpty`.
static Expected<void> verifyBytes(const HostArray &array, bool mayBeEmpty) {
  uint64_t bytes = heddle::getBytes(array.type);
  for (int64_t extent : array.shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes) ||
        bytes > uint64_t(std::numeric_limits<int64_t>::max()))
      return makeError(ErrorKind::InvalidInput,
                       "'{}' has a shape that no memory holds: {}", array.name,
                       describe(array));
  if (array.bytes.size() == bytes || (mayBeEmpty && array.bytes.empty()))
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "expected {} bytes for '{}', {}, found {}", bytes,
                   array.name, describe(array), array.bytes.size());
}

Expected<const Function *>
ProgramReference::find(std::string_view name, std::span<const int64_t> sizes,
                       std::span<const HostArray> arrays) const {
  Expected<const Function *> found = program.findHost(name);
  if (!found)
    return found;
  const Function &host = **found;
  if (sizes.size() != host.sizes.size() || arrays.size() != host.buffers.size())
    return makeError(ErrorKind::InvalidInput,
                     "the reference of '{}' takes {} sizes and {} buffers, "
                     "found {} and {}",
                     host.name, host.sizes.size(), host.buffers.size(),
                     sizes.size(), arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    const HostArray &array = arrays[i];
    const Type &type =
        program.types[host.valueTypes[host.body.arguments[sizes.size() + i]]];
    if (type.element != getNumberType(array.type) ||
        array.shape != getBufferShape(program, host, i, sizes))
      return makeError(
          ErrorKind::InvalidInput,
          "the reference of '{}' takes {} of {} as '{}', found {}", host.name,
          fmt::join(getBufferShape(program, host, i, sizes), "x"),
          type.element.getName(), host.buffers[i].name, describe(array));
    bool isOutput = host.buffers[i].access == Access::Out;
    if (Expected<void> good = verifyBytes(array, isOutput); !good)
      return tl::unexpected(good.error());
  }
  return found;
}

Expected<std::vector<Buffer>>
ProgramReference::run(const Function &host, std::span<const int64_t> sizes,
                      std::span<const HostArray> arrays, Precision precision,
                      const ReferenceOptions &options) const {
  try {
    std::vector<Buffer> buffers;
    for (size_t i = 0; i < arrays.size(); ++i) {
      NumberType type = getNumberType(arrays[i].type);
      buffers.push_back(
          host.buffers[i].access == Access::Out
              ? Buffer::makePoison(type, arrays[i].shape)
              : Buffer::fromBytes(type, arrays[i].shape, arrays[i].bytes));
    }
    Options internal;
    internal.precision = precision;
    internal.threads = options.threads;
    if (options.progress)
      internal.progress = [&](uint64_t done, uint64_t total) {
        options.progress(precision == Precision::Exact ? "exact reference"
                                                       : "reference",
                         done, total);
      };
    if (Expected<void> ran = runHost(program, host, sizes, buffers, internal);
        !ran)
      return tl::unexpected(ran.error());
    return buffers;
  } catch (const std::bad_alloc &) {
    return makeError(ErrorKind::Unavailable, "the reference ran out of memory");
  }
}

Expected<void> ProgramReference::run(std::string_view name,
                                     std::span<const int64_t> sizes,
                                     std::span<HostArray> arrays,
                                     const ReferenceOptions &options) const {
  Expected<const Function *> host = find(name, sizes, arrays);
  if (!host)
    return tl::unexpected(host.error());
  Expected<std::vector<Buffer>> buffers =
      run(**host, sizes, arrays, Precision::Storage, options);
  if (!buffers)
    return tl::unexpected(buffers.error());
  for (size_t i = 0; i < arrays.size(); ++i)
    if ((*host)->buffers[i].access != Access::In)
      arrays[i].bytes = (*buffers)[i].toBytes();
  return {};
}

Expected<std::vector<OutputCheck>>
Reference::check(std::string_view host, std::span<const int64_t> sizes,
                 std::span<const HostArray> before,
                 std::span<const HostArray> after,
                 const ReferenceOptions &options) const {
  Expected<std::vector<std::vector<OutputCheck>>> checks =
      checkAll(host, sizes, before, {&after, 1}, options);
  if (!checks)
    return tl::unexpected(checks.error());
  return std::move(checks->front());
}

Expected<std::vector<std::vector<OutputCheck>>>
ProgramReference::checkAll(std::string_view name,
                           std::span<const int64_t> sizes,
                           std::span<const HostArray> before,
                           std::span<const std::span<const HostArray>> afters,
                           const ReferenceOptions &options) const {
  Expected<const Function *> found = find(name, sizes, before);
  if (!found)
    return tl::unexpected(found.error());
  const Function &host = **found;
  for (std::span<const HostArray> after : afters)
    if (Expected<const Function *> same = find(name, sizes, after); !same)
      return tl::unexpected(same.error());
  Expected<std::vector<Buffer>> storage =
      run(host, sizes, before, Precision::Storage, options);
  if (!storage)
    return tl::unexpected(storage.error());
  Expected<std::vector<Buffer>> exact =
      run(host, sizes, before, Precision::Exact, options);
  if (!exact)
    return tl::unexpected(exact.error());
  bool fastAccum = usesFastAccum(program, host);
  std::vector<std::vector<OutputCheck>> all;
  for (std::span<const HostArray> after : afters) {
    std::vector<OutputCheck> &checks = all.emplace_back();
    for (size_t i = 0; i < after.size(); ++i) {
      if (host.buffers[i].access == Access::In)
        continue;
      if (Expected<void> good = verifyBytes(after[i], false); !good)
        return tl::unexpected(good.error());
      Buffer output = Buffer::fromBytes(getNumberType(after[i].type),
                                        after[i].shape, after[i].bytes);
      // What the program leaves alone keeps what the caller put there.
      if (host.buffers[i].access == Access::InOut)
        std::ranges::fill((*exact)[i].written, uint8_t(1));
      Comparison comparison =
          compare(output, (*storage)[i], (*exact)[i], fastAccum);
      checks.push_back({.name = after[i].name,
                        .passed = comparison.passed(),
                        .compared = comparison.compared,
                        .wrong = comparison.wrong,
                        .unwritten = comparison.unwritten,
                        .maxAbsError = comparison.maxAbsError,
                        .maxRelError = comparison.maxRelError,
                        .referenceError = comparison.referenceError,
                        .text = describe(after[i], comparison)});
    }
  }
  return all;
}

std::shared_ptr<const Reference>
heddle::reference::makeReference(reference::Program program) {
  return std::make_shared<ProgramReference>(std::move(program));
}

Expected<std::shared_ptr<const Reference>>
Reference::parse(std::span<const std::byte> section, std::string_view name) {
  Expected<reference::Program> program =
      reference::Program::parse(section, name);
  if (!program)
    return tl::unexpected(program.error());
  return makeReference(std::move(*program));
}
