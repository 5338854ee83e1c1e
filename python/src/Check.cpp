//===- Check.cpp - Comparison with the reference semantics ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "Streams.h"

using namespace heddle;
using namespace heddle::python;

/// Copies all buffers to the host; before the call, not those that are only
/// written, which have no contents yet.
static Expected<std::vector<HostArray>>
copyArrays(const Call &call, const Binding &binding, bool isBefore) {
  const LaunchPlan &plan = call.getPlan();
  std::vector<HostArray> arrays;
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const BufferPlan &buffer = plan.buffers[i];
    HostArray &array = arrays.emplace_back();
    array.name = buffer.name;
    array.type = buffer.type;
    array.access = buffer.access;
    array.shape = getShape(plan, i, binding.sizes);
    if (isBefore && buffer.access == Access::Out)
      continue;
    Expected<uint64_t> bytes = getBytes(plan, i, binding.sizes);
    if (!bytes)
      return tl::unexpected(bytes.error());
    array.bytes.resize(*bytes);
    if (*bytes == 0)
      continue;
    if (Expected<void> copied = call.getDevice()->copyToHost(
            array.bytes.data(), binding.buffers[i], *bytes);
        !copied)
      return tl::unexpected(copied.error());
  }
  return arrays;
}

Expected<std::vector<OutputCheck>>
heddle::python::checkCall(const Call &call, const Reference &reference,
                          const std::function<Expected<void>()> &run) {
  const LaunchPlan &plan = call.getPlan();
  Expected<Binding> binding =
      bindArrays(plan, call.getArrays(), call.getSizes());
  if (!binding)
    return tl::unexpected(binding.error());
  auto synchronize = [&] {
    return withStream(*call.getDevice(), call.getStream(), [&](Stream *stream) {
      return call.getDevice()->synchronize(stream);
    });
  };
  // What others have submitted may still write the inputs.
  if (Expected<void> done = synchronize(); !done)
    return tl::unexpected(done.error());
  Expected<std::vector<HostArray>> before =
      copyArrays(call, *binding, /*isBefore=*/true);
  if (!before)
    return tl::unexpected(before.error());
  if (Expected<void> done = run(); !done)
    return tl::unexpected(done.error());
  if (Expected<void> done = synchronize(); !done)
    return tl::unexpected(done.error());
  Expected<std::vector<HostArray>> after =
      copyArrays(call, *binding, /*isBefore=*/false);
  if (!after)
    return tl::unexpected(after.error());
  return reference.check(plan.name, binding->sizes, *before, *after);
}

void heddle::python::bindCheck(nb::module_ &module) {
  nb::class_<OutputCheck>(module, "OutputCheck")
      .def_ro("name", &OutputCheck::name)
      .def_ro("passed", &OutputCheck::passed)
      .def_ro("compared", &OutputCheck::compared)
      .def_ro("wrong", &OutputCheck::wrong)
      .def_ro("unwritten", &OutputCheck::unwritten)
      .def_ro("max_abs_error", &OutputCheck::maxAbsError)
      .def_ro("max_rel_error", &OutputCheck::maxRelError)
      .def_ro("reference_error", &OutputCheck::referenceError)
      .def_ro("text", &OutputCheck::text)
      .def("__bool__", [](const OutputCheck &self) { return self.passed; })
      .def("__repr__", [](const OutputCheck &self) {
        return fmt::format("<OutputCheck of '{}': {}>", self.name,
                           self.passed ? "passed" : "failed");
      });
}
