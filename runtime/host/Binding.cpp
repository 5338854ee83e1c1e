//===- Binding.cpp - The arguments of a host function ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Binding.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <optional>

using namespace heddle;

/// An error that names the host function: "'gemm': ...".
template <typename... Args>
static tl::unexpected<Error> refuse(const LaunchPlan &plan,
                                    fmt::format_string<Args...> format,
                                    Args &&...args) {
  return makeError(ErrorKind::InvalidInput, "host function '{}': {}", plan.name,
                   fmt::format(format, std::forward<Args>(args)...));
}

/// "'A', 'B', 'C'".
template <typename Range, typename GetName>
static std::string listNames(const Range &range, GetName getName) {
  std::string list;
  for (const auto &element : range)
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", getName(element));
  return list.empty() ? "none" : list;
}

/// How a buffer is declared: "MxKx64 of bf16".
static std::string describe(const LaunchPlan &plan, const BufferPlan &buffer) {
  std::string text;
  for (const Extent &extent : buffer.extents)
    text += (text.empty() ? "" : "x") + (extent.isSize
                                             ? plan.sizes[extent.value]
                                             : fmt::format("{}", extent.value));
  return fmt::format("{}{}{}", text, text.empty() ? "one " : " of ",
                     getName(buffer.type));
}

static std::string describe(const DeviceArray &array) {
  return fmt::format("{}{}{}", fmt::join(array.shape, "x"),
                     array.shape.empty() ? "one " : " of ",
                     getName(array.type));
}

/// `index` is how programs call the 64-bit integers that index.
static bool isSameType(ElementType a, ElementType b) {
  auto normalize = [](ElementType type) {
    return type == ElementType::Index ? ElementType::I64 : type;
  };
  return normalize(a) == normalize(b);
}

bool heddle::isDense(const DeviceArray &array) {
  if (array.strides.empty() ||
      std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end())
    return true;
  int64_t expected = 1;
  for (size_t dim = array.shape.size(); dim-- > 0;) {
    // The stride of a dimension that has one element does not matter.
    if (array.shape[dim] != 1 && array.strides[dim] != expected)
      return false;
    if (__builtin_mul_overflow(expected, array.shape[dim], &expected))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {
/// A size and who said so.
struct KnownSize {
  int64_t value = 0;
  /// The buffer whose shape told it; empty if the caller gave it.
  std::string_view buffer;
};

/// What is known of a plan's sizes.
class SizeTable {
public:
  explicit SizeTable(const LaunchPlan &plan)
      : plan(plan), known(plan.sizes.size()) {}

  Expected<void> add(std::span<const NamedSize> sizes);
  Expected<void> add(const BufferPlan &buffer, const DeviceArray &array);
  /// All sizes, or an error that names one that is missing.
  Expected<std::vector<int64_t>> get() const;

private:
  const LaunchPlan &plan;
  std::vector<std::optional<KnownSize>> known;
};
} // namespace

Expected<void> SizeTable::add(std::span<const NamedSize> sizes) {
  for (const NamedSize &size : sizes) {
    auto name = std::find(plan.sizes.begin(), plan.sizes.end(), size.name);
    if (name == plan.sizes.end())
      return refuse(plan, "there is no size '{}'; its sizes are {}", size.name,
                    listNames(plan.sizes, [](auto &name) { return name; }));
    if (size.value < 0)
      return refuse(plan, "expected size '{}' to be 0 or more, found {}",
                    size.name, size.value);
    std::optional<KnownSize> &entry = known[name - plan.sizes.begin()];
    if (entry && entry->value != size.value)
      return refuse(plan, "size '{}' is given as {} and as {}", size.name,
                    entry->value, size.value);
    entry = KnownSize{size.value, {}};
  }
  return {};
}

Expected<void> SizeTable::add(const BufferPlan &buffer,
                              const DeviceArray &array) {
  if (array.shape.size() != buffer.extents.size() ||
      !isSameType(array.type, buffer.type))
    return refuse(plan, "expected '{}' to be {}, found {}", buffer.name,
                  describe(plan, buffer), describe(array));
  for (size_t dim = 0; dim < array.shape.size(); ++dim) {
    const Extent &extent = buffer.extents[dim];
    int64_t found = array.shape[dim];
    if (found < 0)
      return refuse(plan,
                    "expected dimension {} of '{}' to be 0 or more, found {}",
                    dim, buffer.name, found);
    if (!extent.isSize) {
      if (found != extent.value)
        return refuse(plan, "expected dimension {} of '{}' to be {}, found {}",
                      dim, buffer.name, extent.value, found);
      continue;
    }
    std::optional<KnownSize> &entry = known[extent.value];
    if (!entry) {
      entry = KnownSize{found, buffer.name};
      continue;
    }
    if (entry->value == found)
      continue;
    const std::string &size = plan.sizes[extent.value];
    if (entry->buffer.empty())
      return refuse(plan, "size '{}' is given as {}, and is {} by '{}'", size,
                    entry->value, found, buffer.name);
    return refuse(plan, "size '{}' is {} by '{}' and {} by '{}'", size,
                  entry->value, entry->buffer, found, buffer.name);
  }
  return {};
}

Expected<std::vector<int64_t>> SizeTable::get() const {
  std::vector<int64_t> values;
  for (size_t i = 0; i < known.size(); ++i) {
    if (!known[i])
      return refuse(plan,
                    "no array tells size '{}'; expected a value for it among "
                    "the sizes",
                    plan.sizes[i]);
    values.push_back(known[i]->value);
  }
  return values;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// The arrays in the order of the plan's buffers; null where there is none.
static Expected<std::vector<const DeviceArray *>>
orderArrays(const LaunchPlan &plan, std::span<const NamedArray> arrays) {
  std::vector<const DeviceArray *> ordered(plan.buffers.size());
  for (const NamedArray &array : arrays) {
    auto buffer = std::find_if(
        plan.buffers.begin(), plan.buffers.end(),
        [&](const BufferPlan &buffer) { return buffer.name == array.name; });
    if (buffer == plan.buffers.end())
      return refuse(plan, "there is no buffer '{}'; its buffers are {}",
                    array.name,
                    listNames(plan.buffers, [](auto &b) { return b.name; }));
    const DeviceArray *&entry = ordered[buffer - plan.buffers.begin()];
    if (entry)
      return refuse(plan, "expected one array for '{}', found two", array.name);
    entry = &array.array;
  }
  return ordered;
}

/// Infers the sizes from those of `ordered` that are there.
static Expected<std::vector<int64_t>>
inferSizes(const LaunchPlan &plan,
           const std::vector<const DeviceArray *> &ordered,
           std::span<const NamedSize> sizes) {
  SizeTable table(plan);
  if (Expected<void> added = table.add(sizes); !added)
    return tl::unexpected(added.error());
  for (size_t i = 0; i < ordered.size(); ++i)
    if (ordered[i])
      if (Expected<void> added = table.add(plan.buffers[i], *ordered[i]);
          !added)
        return tl::unexpected(added.error());
  return table.get();
}

Expected<std::vector<int64_t>>
heddle::inferSizes(const LaunchPlan &plan, std::span<const NamedArray> arrays,
                   std::span<const NamedSize> sizes) {
  Expected<std::vector<const DeviceArray *>> ordered =
      orderArrays(plan, arrays);
  if (!ordered)
    return tl::unexpected(ordered.error());
  return ::inferSizes(plan, *ordered, sizes);
}

/// Checks where an array of `bytes` > 0 lies.
static Expected<void> verifyPlace(const LaunchPlan &plan,
                                  const BufferPlan &buffer,
                                  const DeviceArray &array, uint64_t bytes) {
  if (!array.strides.empty() && array.strides.size() != array.shape.size())
    return refuse(plan, "expected {} strides for '{}', found {}",
                  array.shape.size(), buffer.name, array.strides.size());
  if (!isDense(array))
    return refuse(plan,
                  "expected '{}' to be dense and row-major, found shape {} "
                  "with strides {}; copy it first",
                  buffer.name, fmt::join(array.shape, "x"),
                  fmt::join(array.strides, ","));
  if (array.address == 0)
    return refuse(plan, "expected memory for '{}', found a null address",
                  buffer.name);
  if (array.address % getBytes(buffer.type) != 0)
    return refuse(plan,
                  "expected '{}' at a multiple of {} bytes, the size of {}, "
                  "found {:#x}",
                  buffer.name, getBytes(buffer.type), getName(buffer.type),
                  array.address);
  if (bytes > UINT64_MAX - array.address)
    return refuse(plan, "'{}' at {:#x} does not fit in memory", buffer.name,
                  array.address);
  if (array.isReadOnly && buffer.access != Access::In)
    return refuse(plan, "'{}' is written, and the array is read-only",
                  buffer.name);
  return {};
}

/// Checks that nothing lies where a buffer that is written does.
static Expected<void> verifyOverlap(const LaunchPlan &plan,
                                    const Binding &binding,
                                    const std::vector<uint64_t> &bytes) {
  for (size_t i = 0; i < plan.buffers.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const BufferPlan &a = plan.buffers[j], &b = plan.buffers[i];
      if (a.access == Access::In && b.access == Access::In)
        continue;
      if (bytes[i] == 0 || bytes[j] == 0 ||
          binding.buffers[i] >= binding.buffers[j] + bytes[j] ||
          binding.buffers[j] >= binding.buffers[i] + bytes[i])
        continue;
      return refuse(plan,
                    "'{}' is written and shares memory with '{}': {} bytes at "
                    "{:#x} and {} bytes at {:#x}",
                    a.access == Access::In ? b.name : a.name,
                    a.access == Access::In ? a.name : b.name, bytes[j],
                    binding.buffers[j], bytes[i], binding.buffers[i]);
    }
  return {};
}

Expected<Binding> heddle::bindArrays(const LaunchPlan &plan,
                                     std::span<const NamedArray> arrays,
                                     std::span<const NamedSize> sizes) {
  Expected<std::vector<const DeviceArray *>> ordered =
      orderArrays(plan, arrays);
  if (!ordered)
    return tl::unexpected(ordered.error());
  for (size_t i = 0; i < ordered->size(); ++i)
    if (!(*ordered)[i])
      return refuse(plan, "expected an array for '{}', {}, found none",
                    plan.buffers[i].name, describe(plan, plan.buffers[i]));
  Expected<std::vector<int64_t>> inferred = ::inferSizes(plan, *ordered, sizes);
  if (!inferred)
    return tl::unexpected(inferred.error());
  Binding binding{std::move(*inferred), {}};
  std::vector<uint64_t> bytes;
  for (size_t i = 0; i < ordered->size(); ++i) {
    const DeviceArray &array = *(*ordered)[i];
    Expected<uint64_t> size = getBytes(plan, i, binding.sizes);
    if (!size)
      return tl::unexpected(size.error());
    if (*size > 0)
      if (Expected<void> valid =
              verifyPlace(plan, plan.buffers[i], array, *size);
          !valid)
        return tl::unexpected(valid.error());
    bytes.push_back(*size);
    binding.buffers.push_back(array.address);
  }
  if (Expected<void> valid = verifyOverlap(plan, binding, bytes); !valid)
    return tl::unexpected(valid.error());
  return binding;
}
