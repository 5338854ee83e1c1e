//===- Package.cpp - What is in a package, in C ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::capi;

static_assert(HEDDLE_IN == int(Access::In) && HEDDLE_OUT == int(Access::Out) &&
              HEDDLE_IN_OUT == int(Access::InOut));

/// Element `i` of a list, which errors call `what`.
template <typename T>
static Expected<const T *> at(const std::vector<T> &list, size_t i,
                              const char *what) {
  if (i < list.size())
    return &list[i];
  return makeError(ErrorKind::InvalidInput,
                   "expected a {} below {}, found number {}", what, list.size(),
                   i);
}

static const Program &getProgram(const heddle_package *package) {
  return package->package->getInfo().program;
}

static Expected<const BufferPlan *> getBuffer(const heddle_package *package,
                                              size_t host, size_t buffer) {
  Expected<const LaunchPlan *> plan =
      at(getProgram(package).plans, host, "host function");
  if (!plan)
    return tl::unexpected(plan.error());
  return at((*plan)->buffers, buffer, "buffer");
}

void heddle_package_free(heddle_package *package) { delete package; }

heddle_error *heddle_package_get_info(const heddle_package *package,
                                      heddle_package_info *info) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"info", info}}); !valid)
      return valid;
    const PackageInfo &known = package->package->getInfo();
    heddle_package_info result = HEDDLE_PACKAGE_INFO_INIT;
    result.name = package->package->getName().c_str();
    result.producer = known.producer.c_str();
    result.target = known.target.c_str();
    result.host_count = known.program.plans.size();
    result.kernel_count = known.program.kernels.size();
    result.has_reference = !package->package->getReference().empty();
    return writeStruct(info, result);
  });
}

heddle_error *heddle_package_get_host(const heddle_package *package,
                                      size_t host, heddle_host_info *info) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"info", info}}); !valid)
      return valid;
    Expected<const LaunchPlan *> plan =
        at(getProgram(package).plans, host, "host function");
    if (!plan)
      return tl::unexpected(plan.error());
    heddle_host_info result = HEDDLE_HOST_INFO_INIT;
    result.name = (*plan)->name.c_str();
    result.size_count = (*plan)->sizes.size();
    result.buffer_count = (*plan)->buffers.size();
    return writeStruct(info, result);
  });
}

heddle_error *heddle_package_get_buffer(const heddle_package *package,
                                        size_t host, size_t buffer,
                                        heddle_buffer_info *info) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"info", info}}); !valid)
      return valid;
    Expected<const BufferPlan *> plan = getBuffer(package, host, buffer);
    if (!plan)
      return tl::unexpected(plan.error());
    heddle_buffer_info result = HEDDLE_BUFFER_INFO_INIT;
    result.name = (*plan)->name.c_str();
    result.type = int32_t((*plan)->type);
    result.access = int32_t((*plan)->access);
    result.rank = int32_t((*plan)->extents.size());
    return writeStruct(info, result);
  });
}

heddle_error *heddle_package_get_kernel(const heddle_package *package,
                                        size_t kernel,
                                        heddle_kernel_info *info) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"info", info}}); !valid)
      return valid;
    Expected<const KernelEntry *> entry =
        at(getProgram(package).kernels, kernel, "kernel");
    if (!entry)
      return tl::unexpected(entry.error());
    heddle_kernel_info result = HEDDLE_KERNEL_INFO_INIT;
    result.name = (*entry)->entry.c_str();
    result.location = (*entry)->location.c_str();
    result.threads = (*entry)->threads;
    result.shared_bytes = (*entry)->sharedBytes;
    for (const KernelResources &used : package->package->getInfo().resources)
      if (used.entry == (*entry)->entry) {
        result.registers = used.registers;
        result.spill_bytes = used.spillStoreBytes + used.spillLoadBytes;
        break;
      }
    return writeStruct(info, result);
  });
}

heddle_error *heddle_package_get_size(const heddle_package *package,
                                      size_t host, size_t size,
                                      const char **name) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"package", package}, {"name", name}}); !valid)
      return valid;
    Expected<const LaunchPlan *> plan =
        at(getProgram(package).plans, host, "host function");
    if (!plan)
      return tl::unexpected(plan.error());
    Expected<const std::string *> found = at((*plan)->sizes, size, "size");
    if (!found)
      return tl::unexpected(found.error());
    *name = (*found)->c_str();
    return {};
  });
}

heddle_error *heddle_package_get_extent(const heddle_package *package,
                                        size_t host, size_t buffer,
                                        int32_t dimension, const char **size,
                                        int64_t *extent) {
  return guard([&]() -> Expected<void> {
    if (auto valid =
            require({{"package", package}, {"size", size}, {"extent", extent}});
        !valid)
      return valid;
    Expected<const BufferPlan *> plan = getBuffer(package, host, buffer);
    if (!plan)
      return tl::unexpected(plan.error());
    Expected<const Extent *> found =
        at((*plan)->extents, size_t(dimension), "dimension");
    if (!found)
      return tl::unexpected(found.error());
    const std::vector<std::string> &sizes =
        getProgram(package).plans[host].sizes;
    *size = (*found)->isSize ? sizes[(*found)->value].c_str() : nullptr;
    *extent = (*found)->isSize ? -1 : (*found)->value;
    return {};
  });
}
