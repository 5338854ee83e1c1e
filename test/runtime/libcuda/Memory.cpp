//===- Memory.cpp - Memory of the test driver -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

extern "C" Result cuda::cuMemGetInfo_v2(size_t *free, size_t *total) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!free || !total)
    return call.refuse(Result::InvalidValue, "no place for the sizes");
  *total = getDriver().config.memoryBytes;
  *free = *total - call.context().usedBytes;
  return call.done();
}

extern "C" Result cuda::cuMemAlloc_v2(DeviceAddress *address, size_t bytes) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!address || bytes == 0)
    return call.refuse(Result::InvalidValue, "found {} bytes", bytes);
  ContextTag &context = call.context();
  uint64_t free = getDriver().config.memoryBytes - context.usedBytes;
  if (bytes > free)
    return call.refuse(Result::OutOfMemory, "found {} bytes, {} are free",
                       bytes, free);
  Expected<DeviceAddress> allocated = context.gpu->device->allocate(bytes);
  if (!allocated)
    return call.refuse(Result::OutOfMemory, "{}", allocated.error().message);
  context.allocations.emplace(*allocated, bytes);
  context.usedBytes += bytes;
  *address = *allocated;
  return call.done();
}

extern "C" Result cuda::cuMemFree_v2(DeviceAddress address) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (address == 0)
    return call.wait();
  ContextTag &context = call.context();
  auto found = context.allocations.find(address);
  if (found == context.allocations.end())
    return call.refuse(Result::InvalidValue,
                       "{:#x} is not the start of an allocation", address);
  // Work of other threads that uses the memory ends first.
  uint64_t bytes = found->second;
  context.allocations.erase(found);
  context.usedBytes -= bytes;
  Expected<void> freed =
      call.run([&](Device &device) { return device.free(address); });
  if (!freed)
    return call.refuse(Result::InvalidValue, "{}", freed.error().message);
  return call.wait();
}

/// Ends `call`, a copy or a fill, of which `done` is what the GPU says.
static Result finish(Call &call, const Expected<void> &done) {
  if (!done)
    return call.refuse(Result::InvalidValue, "{}", done.error().message);
  return call.done();
}

static Result copyToDevice(Call &call, DeviceAddress to, const void *from,
                           size_t bytes, StreamHandle stream) {
  if (!call.context().hasStream(stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(stream));
  if (!from && bytes)
    return call.refuse(Result::InvalidValue, "found a null source");
  return finish(call, call.run([&](Device &device) {
    return device.copyToDevice(to, from, bytes);
  }));
}

static Result copyToHost(Call &call, void *to, DeviceAddress from, size_t bytes,
                         StreamHandle stream) {
  if (!call.context().hasStream(stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(stream));
  if (!to && bytes)
    return call.refuse(Result::InvalidValue, "found a null destination");
  return finish(call, call.run([&](Device &device) {
    return device.copyToHost(to, from, bytes);
  }));
}

extern "C" Result cuda::cuMemcpyHtoD_v2(DeviceAddress to, const void *from,
                                        size_t bytes) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  Result copied = copyToDevice(call, to, from, bytes, nullptr);
  return copied == Result::Success ? call.wait() : copied;
}

extern "C" Result cuda::cuMemcpyDtoH_v2(void *to, DeviceAddress from,
                                        size_t bytes) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  Result copied = copyToHost(call, to, from, bytes, nullptr);
  return copied == Result::Success ? call.wait() : copied;
}

extern "C" Result cuda::cuMemcpyHtoDAsync_v2(DeviceAddress to, const void *from,
                                             size_t bytes,
                                             StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  return copyToDevice(call, to, from, bytes, stream);
}

extern "C" Result cuda::cuMemcpyDtoHAsync_v2(void *to, DeviceAddress from,
                                             size_t bytes,
                                             StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  return copyToHost(call, to, from, bytes, stream);
}

extern "C" Result cuda::cuMemsetD8Async(DeviceAddress to, unsigned char value,
                                        size_t bytes, StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().hasStream(stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(stream));
  return finish(call, call.run([&](Device &device) {
    return device.fill(to, std::byte(value), bytes);
  }));
}
