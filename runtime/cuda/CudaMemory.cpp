//===- CudaMemory.cpp - Memory and tensor maps of a CUDA GPU --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::cuda;

Expected<DeviceAddress> CudaDevice::allocate(size_t bytes) {
  if (bytes == 0)
    return makeError(ErrorKind::InvalidInput,
                     "expected an allocation of at least 1 byte, found 0");
  std::string what =
      fmt::format("allocation of {} bytes on cuda:{}", bytes, props.ordinal);
  CurrentContext current(context);
  if (!current)
    return current.makeError(what);
  DeviceAddress address = 0;
  Result result = context.api.memAlloc(&address, bytes);
  if (result == Result::Success)
    return address;
  tl::unexpected<Error> error =
      context.makeError(result, "cuMemAlloc_v2", what);
  size_t free = 0, total = 0;
  if (result == Result::OutOfMemory &&
      context.api.memGetInfo(&free, &total) == Result::Success)
    error.value().message +=
        fmt::format("; {} of {} bytes are free", free, total);
  return error;
}

Expected<void> CudaDevice::free(DeviceAddress address) {
  auto what = [&] { return fmt::format("freeing {:#x}", address); };
  // The driver takes null for nothing to do.
  if (address == 0)
    return makeError(ErrorKind::InvalidInput,
                     "expected the start of an allocation to free, found 0x0");
  return callDriver(context, "cuMemFree_v2", what,
                    [&](const DriverApi &api) { return api.memFree(address); });
}

Expected<void> CudaDevice::copyToDevice(DeviceAddress to, const void *from,
                                        size_t bytes, Stream *stream) {
  if (bytes == 0)
    return {};
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  auto what = [&] {
    return fmt::format("copy of {} bytes to {:#x} on cuda:{}", bytes, to,
                       props.ordinal);
  };
  if (stream)
    return callDriver(context, "cuMemcpyHtoDAsync_v2", what,
                      [&](const DriverApi &api) {
                        return api.memcpyHtoDAsync(to, from, bytes, *handle);
                      });
  Expected<void> copied =
      callDriver(context, "cuMemcpyHtoD_v2", what, [&](const DriverApi &api) {
        return api.memcpyHtoD(to, from, bytes);
      });
  if (!copied)
    return copied;
  // The driver may return as soon as it has staged pageable memory, and streams
  // of other libraries need not wait for the default one.
  return callDriver(
      context, "cuStreamSynchronize", what,
      [&](const DriverApi &api) { return api.streamSynchronize(nullptr); });
}

Expected<void> CudaDevice::copyToHost(void *to, DeviceAddress from,
                                      size_t bytes, Stream *stream) {
  if (bytes == 0)
    return {};
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  auto what = [&] {
    return fmt::format("copy of {} bytes from {:#x} on cuda:{}", bytes, from,
                       props.ordinal);
  };
  if (stream)
    return callDriver(context, "cuMemcpyDtoHAsync_v2", what,
                      [&](const DriverApi &api) {
                        return api.memcpyDtoHAsync(to, from, bytes, *handle);
                      });
  return callDriver(
      context, "cuMemcpyDtoH_v2", what,
      [&](const DriverApi &api) { return api.memcpyDtoH(to, from, bytes); });
}

Expected<void> CudaDevice::fill(DeviceAddress to, std::byte value, size_t bytes,
                                Stream *stream) {
  if (bytes == 0)
    return {};
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  auto what = [&] {
    return fmt::format("fill of {} bytes at {:#x} on cuda:{}", bytes, to,
                       props.ordinal);
  };
  return callDriver(
      context, "cuMemsetD8Async", what, [&](const DriverApi &api) {
        return api.memsetD8Async(to, static_cast<unsigned char>(value), bytes,
                                 *handle);
      });
}

static TensorMapSwizzle getDriverSwizzle(Swizzle swizzle) {
  switch (swizzle) {
  case Swizzle::None:
    return TensorMapSwizzle::None;
  case Swizzle::B32:
    return TensorMapSwizzle::B32;
  case Swizzle::B64:
    return TensorMapSwizzle::B64;
  case Swizzle::B128:
    return TensorMapSwizzle::B128;
  }
  return TensorMapSwizzle::None;
}

Expected<TensorMap> CudaDevice::encodeTensorMap(const TensorMapSpec &spec) {
  // The driver only says that something is wrong.
  if (Expected<void> legal = verifyTensorMapSpec(spec); !legal)
    return tl::unexpected(legal.error());
  TensorMap map;
  CurrentContext current(context);
  if (!current)
    return current.makeError("tensor map");
  Result result = context.api.tensorMapEncodeTiled(
      &map, TensorMapDataType(spec.type), spec.rank,
      reinterpret_cast<void *>(spec.address), spec.dims.data(),
      spec.strides.data(), spec.box.data(), spec.elementStrides.data(),
      TensorMapInterleave::None, getDriverSwizzle(spec.swizzle),
      TensorMapL2Promotion::B128,
      spec.fill == TensorMapFill::NaN ? TensorMapOobFill::NaN
                                      : TensorMapOobFill::None);
  if (result != Result::Success)
    return context.makeError(
        result, "cuTensorMapEncodeTiled",
        fmt::format("tensor map of rank {} and type {} at {:#x}", spec.rank,
                    name(spec.type), spec.address));
  return map;
}
