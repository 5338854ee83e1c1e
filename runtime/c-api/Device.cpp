//===- Device.cpp - Devices and memory in C -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"

using namespace heddle;
using namespace heddle::capi;

heddle_error *heddle_device_open(const char *name, heddle_device **device) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"name", name}, {"device", device}}); !valid)
      return valid;
    Expected<std::unique_ptr<Device>> opened = openDevice(name);
    if (!opened)
      return tl::unexpected(opened.error());
    *device = new heddle_device{std::move(*opened)};
    return {};
  });
}

void heddle_device_close(heddle_device *device) { delete device; }

heddle_error *
heddle_device_get_properties(const heddle_device *device,
                             heddle_device_properties *properties) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}, {"properties", properties}});
        !valid)
      return valid;
    const DeviceProperties &known = device->device->properties();
    heddle_device_properties result = HEDDLE_DEVICE_PROPERTIES_INIT;
    result.name = known.name.c_str();
    result.is_virtual = known.kind == DeviceKind::Virtual;
    result.ordinal = known.ordinal;
    result.sm_arch = known.smArch;
    result.driver_version = known.driverVersion;
    result.multiprocessors = known.multiprocessors;
    result.max_shared_bytes_per_block = known.maxSharedBytesPerBlock;
    result.memory_bytes = known.memoryBytes;
    result.l2_bytes = known.l2Bytes;
    return writeStruct(properties, result);
  });
}

heddle_error *heddle_device_synchronize(heddle_device *device) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    return device->device->synchronize();
  });
}

heddle_error *heddle_allocate(heddle_device *device, size_t bytes,
                              uint64_t *address) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}, {"address", address}});
        !valid)
      return valid;
    Expected<DeviceAddress> allocated = device->device->allocate(bytes);
    if (!allocated)
      return tl::unexpected(allocated.error());
    *address = *allocated;
    return {};
  });
}

heddle_error *heddle_free(heddle_device *device, uint64_t address) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    return device->device->free(address);
  });
}

/// A host pointer may be null if nothing is copied.
static Expected<void> requireHost(const char *name, const void *host,
                                  size_t bytes) {
  return bytes == 0 ? Expected<void>() : require({{name, host}});
}

heddle_error *heddle_copy_to_device(heddle_device *device, uint64_t to,
                                    const void *from, size_t bytes,
                                    heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    if (auto valid = requireHost("from", from, bytes); !valid)
      return valid;
    Expected<Stream *> used = getStream(stream, *device->device);
    if (!used)
      return tl::unexpected(used.error());
    return device->device->copyToDevice(to, from, bytes, *used);
  });
}

heddle_error *heddle_copy_to_host(heddle_device *device, void *to,
                                  uint64_t from, size_t bytes,
                                  heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    if (auto valid = requireHost("to", to, bytes); !valid)
      return valid;
    Expected<Stream *> used = getStream(stream, *device->device);
    if (!used)
      return tl::unexpected(used.error());
    return device->device->copyToHost(to, from, bytes, *used);
  });
}

heddle_error *heddle_fill(heddle_device *device, uint64_t to, uint8_t value,
                          size_t bytes, heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    Expected<Stream *> used = getStream(stream, *device->device);
    if (!used)
      return tl::unexpected(used.error());
    return device->device->fill(to, std::byte(value), bytes, *used);
  });
}

heddle_error *heddle_register_host_memory(heddle_device *device, void *host,
                                          size_t bytes, uint64_t *address) {
  return guard([&]() -> Expected<void> {
    if (auto valid =
            require({{"device", device}, {"host", host}, {"address", address}});
        !valid)
      return valid;
    Expected<DeviceAddress> registered =
        device->device->registerHostMemory(host, bytes);
    if (!registered)
      return tl::unexpected(registered.error());
    *address = *registered;
    return {};
  });
}

heddle_error *heddle_unregister_host_memory(heddle_device *device,
                                            uint64_t address, size_t bytes) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}}); !valid)
      return valid;
    return device->device->unregisterHostMemory(address, bytes);
  });
}

heddle_error *heddle_get_host_pointer(heddle_device *device, uint64_t address,
                                      size_t bytes, void **host) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}, {"host", host}}); !valid)
      return valid;
    Expected<void *> pointer = device->device->getHostPointer(address, bytes);
    if (!pointer)
      return tl::unexpected(pointer.error());
    *host = *pointer;
    return {};
  });
}
