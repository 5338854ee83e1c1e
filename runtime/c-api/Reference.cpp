//===- Reference.cpp - Reference semantics in C ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Reference.h"

#include "Handles.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::capi;

struct heddle_reference {
  std::shared_ptr<const Package> package;
  std::shared_ptr<const Reference> reference;
};

struct heddle_check {
  std::vector<OutputCheck> outputs;
};

namespace {
/// A host array of the caller's.
struct NamedData {
  NamedArray array;
  const void *data = nullptr;
};
} // namespace

heddle_error *heddle_reference_open(const heddle_package *package,
                                    heddle_reference **reference) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"reference", reference}});
        !valid)
      return valid;
    const Package &known = *package->package;
    if (known.getReference().empty())
      return makeError(ErrorKind::InvalidInput,
                       "{}: the package has no reference semantics",
                       known.getName());
    Expected<std::shared_ptr<const Reference>> parsed =
        Reference::parse(known.getReference(), known.getName());
    if (!parsed)
      return tl::unexpected(parsed.error());
    *reference = new heddle_reference{package->package, std::move(*parsed)};
    return {};
  });
}

void heddle_reference_free(heddle_reference *reference) { delete reference; }

static Expected<std::vector<NamedData>>
readHostArrays(const char *what, const heddle_host_array *arrays,
               size_t count) {
  std::vector<NamedData> result;
  if (count == 0)
    return result;
  if (Expected<void> valid = require({{what, arrays}}); !valid)
    return tl::unexpected(valid.error());
  for (size_t i = 0; i < count; ++i) {
    Expected<heddle_host_array> array = readStruct(arrays, i);
    if (!array)
      return tl::unexpected(array.error());
    if (Expected<void> valid = require({{"name", array->name}}); !valid)
      return tl::unexpected(valid.error());
    Expected<ElementType> type = readType(array->type);
    if (!type)
      return tl::unexpected(type.error());
    Expected<std::vector<int64_t>> shape =
        readExtents("shape", array->rank, array->shape);
    if (!shape)
      return tl::unexpected(shape.error());
    NamedData &data = result.emplace_back();
    data.array.name = array->name;
    data.array.array.type = *type;
    data.array.array.shape = std::move(*shape);
    data.data = array->data;
  }
  return result;
}

/// The plan's buffers with the contents that `arrays` has for those that
/// `isWanted`; others have none.
template <typename Predicate>
static Expected<std::vector<HostArray>>
makeHostArrays(const LaunchPlan &plan, std::span<const int64_t> sizes,
               const std::vector<NamedData> &arrays, const char *what,
               Predicate isWanted) {
  std::vector<HostArray> result;
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const BufferPlan &buffer = plan.buffers[i];
    HostArray &host = result.emplace_back();
    host.name = buffer.name;
    host.type = buffer.type;
    host.access = buffer.access;
    host.shape = getShape(plan, i, sizes);
    if (!isWanted(buffer))
      continue;
    auto found =
        std::find_if(arrays.begin(), arrays.end(), [&](const NamedData &data) {
          return data.array.name == buffer.name;
        });
    Expected<uint64_t> bytes = getBytes(plan, i, sizes);
    if (!bytes)
      return tl::unexpected(bytes.error());
    if (found == arrays.end() || (!found->data && *bytes > 0))
      return makeError(ErrorKind::InvalidInput,
                       "host function '{}': expected the contents of '{}' {} "
                       "the call, found none",
                       plan.name, buffer.name, what);
    const auto *data = static_cast<const std::byte *>(found->data);
    host.bytes.assign(data, data + *bytes);
  }
  return result;
}

heddle_error *
heddle_reference_check(const heddle_reference *reference, const char *host,
                       const heddle_host_array *before, size_t before_count,
                       const heddle_host_array *after, size_t after_count,
                       const heddle_size *sizes, size_t size_count,
                       heddle_check **check) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"reference", reference}, {"check", check}});
        !valid)
      return valid;
    auto inputs = readHostArrays("before", before, before_count);
    if (!inputs)
      return tl::unexpected(inputs.error());
    auto outputs = readHostArrays("after", after, after_count);
    if (!outputs)
      return tl::unexpected(outputs.error());
    Expected<std::vector<NamedSize>> given = readSizes(sizes, size_count);
    if (!given)
      return tl::unexpected(given.error());
    Expected<const LaunchPlan *> plan =
        reference->package->getInfo().program.findPlan(host ? host : "");
    if (!plan)
      return tl::unexpected(plan.error());

    std::vector<NamedArray> shapes, outputShapes;
    for (const NamedData &data : *inputs)
      shapes.push_back(data.array);
    for (const NamedData &data : *outputs) {
      outputShapes.push_back(data.array);
      if (std::none_of(shapes.begin(), shapes.end(), [&](const auto &known) {
            return known.name == data.array.name;
          }))
        shapes.push_back(data.array);
    }
    Expected<std::vector<int64_t>> values = inferSizes(**plan, shapes, *given);
    if (!values)
      return tl::unexpected(values.error());
    // A buffer that is on both sides must have the same shape on both.
    std::vector<NamedSize> known;
    for (size_t i = 0; i < values->size(); ++i)
      known.push_back({(*plan)->sizes[i], (*values)[i]});
    if (auto same = inferSizes(**plan, outputShapes, known); !same)
      return tl::unexpected(same.error());
    auto hostBefore = makeHostArrays(
        **plan, *values, *inputs, "before",
        [](const BufferPlan &b) { return b.access != Access::Out; });
    if (!hostBefore)
      return tl::unexpected(hostBefore.error());
    auto hostAfter = makeHostArrays(
        **plan, *values, *outputs, "after",
        [](const BufferPlan &b) { return b.access != Access::In; });
    if (!hostAfter)
      return tl::unexpected(hostAfter.error());
    Expected<std::vector<OutputCheck>> compared = reference->reference->check(
        (*plan)->name, *values, *hostBefore, *hostAfter);
    if (!compared)
      return tl::unexpected(compared.error());
    *check = new heddle_check{std::move(*compared)};
    return {};
  });
}

int32_t heddle_check_passed(const heddle_check *check) {
  return check && std::all_of(check->outputs.begin(), check->outputs.end(),
                              [](const auto &output) { return output.passed; });
}

size_t heddle_check_count(const heddle_check *check) {
  return check ? check->outputs.size() : 0;
}

heddle_error *heddle_check_get_output(const heddle_check *check, size_t output,
                                      heddle_output_check *info) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"check", check}, {"info", info}}); !valid)
      return valid;
    if (output >= check->outputs.size())
      return makeError(ErrorKind::InvalidInput,
                       "expected an output below {}, found number {}",
                       check->outputs.size(), output);
    const OutputCheck &known = check->outputs[output];
    heddle_output_check result = HEDDLE_OUTPUT_CHECK_INIT;
    result.name = known.name.c_str();
    result.text = known.text.c_str();
    result.compared = known.compared;
    result.wrong = known.wrong;
    result.unwritten = known.unwritten;
    result.max_abs_error = known.maxAbsError;
    result.max_rel_error = known.maxRelError;
    result.passed = known.passed;
    return writeStruct(info, result);
  });
}

void heddle_check_free(heddle_check *check) { delete check; }
