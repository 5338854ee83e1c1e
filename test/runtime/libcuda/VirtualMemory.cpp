//===- VirtualMemory.cpp - Virtual memory of the test driver --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VirtualMemory.h"

#include "Driver.h"
#include "units/HostRanges.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace heddle;
using namespace heddle::cuda;

static constexpr size_t granularity = 2 << 20;

static void *getHost(DeviceAddress address) {
  return vgpu::HostRanges::getHost(address);
}

PhysicalMemory::~PhysicalMemory() { close(file); }

std::vector<DeviceAddress> VirtualMemory::findMappings(DeviceAddress address,
                                                       size_t bytes) const {
  std::vector<DeviceAddress> found;
  const DeviceAddress end = address + bytes;
  for (DeviceAddress next = address; next < end;) {
    auto mapping = mappings.find(next);
    if (mapping == mappings.end() || mapping->second.bytes > end - next)
      return {};
    found.push_back(next);
    next += mapping->second.bytes;
  }
  return found;
}

/// Whether `location` is one of the driver's devices.
static bool isDevice(MemLocation location) {
  return location.type == MemLocationType::Device && location.id >= 0 &&
         uint32_t(location.id) < getDriver().config.devices;
}

static bool isGranular(uint64_t bytes) { return bytes % granularity == 0; }

extern "C" Result cuda::cuMemGetAllocationGranularity(
    size_t *bytes, const MemAllocationProperties *properties, uint32_t) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!bytes || !properties || properties->type != MemAllocationType::Pinned ||
      !isDevice(properties->location))
    return call.refuse(Result::InvalidValue, "expected memory of a device");
  *bytes = granularity;
  return call.done();
}

extern "C" Result cuda::cuMemCreate(AllocationHandle *handle, size_t bytes,
                                    const MemAllocationProperties *properties,
                                    uint64_t flags) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!handle || !properties || flags != 0 ||
      properties->type != MemAllocationType::Pinned ||
      !isDevice(properties->location))
    return call.refuse(Result::InvalidValue, "expected memory of a device");
  if (bytes == 0 || !isGranular(bytes))
    return call.refuse(Result::InvalidValue,
                       "expected a multiple of {} bytes, found {}", granularity,
                       bytes);
  if (bytes > getDriver().config.memoryBytes)
    return call.refuse(Result::OutOfMemory, "found {} bytes", bytes);
  int file = memfd_create("heddle-test-driver", MFD_CLOEXEC);
  if (file < 0)
    return call.refuse(Result::OutOfMemory, "the host makes no more files");
  auto memory = std::make_shared<PhysicalMemory>(file, bytes);
  if (ftruncate(file, off_t(bytes)) != 0)
    return call.refuse(Result::OutOfMemory, "the host has no more memory");
  VirtualMemory &all = getDriver().virtualMemory;
  *handle = ++all.lastHandle;
  all.allocations.emplace(*handle, std::move(memory));
  return call.done();
}

extern "C" Result cuda::cuMemRelease(AllocationHandle handle) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!getDriver().virtualMemory.allocations.erase(handle))
    return call.refuse(Result::InvalidValue, "found no memory {}", handle);
  return call.done();
}

extern "C" Result cuda::cuMemAddressReserve(DeviceAddress *address,
                                            size_t bytes, size_t alignment,
                                            DeviceAddress, uint64_t flags) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (alignment == 0)
    alignment = granularity;
  if (!address || flags != 0 || bytes == 0 || !isGranular(bytes) ||
      (alignment & (alignment - 1)) != 0)
    return call.refuse(Result::InvalidValue,
                       "expected a multiple of {} bytes and an alignment that "
                       "is a power of two, found {} and {}",
                       granularity, bytes, alignment);
  alignment = std::max(alignment, granularity);
  void *host = mmap(nullptr, bytes + alignment, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED)
    return call.refuse(Result::OutOfMemory, "found {} bytes", bytes);
  // What lies before and after the aligned part goes back.
  uintptr_t begin = uintptr_t(host);
  uintptr_t aligned = (begin + alignment - 1) / alignment * alignment;
  if (aligned > begin)
    munmap(host, aligned - begin);
  uintptr_t rest = begin + alignment - aligned;
  if (rest > 0)
    munmap(reinterpret_cast<void *>(aligned + bytes), rest);
  *address = vgpu::HostRanges::base + aligned;
  getDriver().virtualMemory.reservations.emplace(*address, bytes);
  return call.done();
}

extern "C" Result cuda::cuMemAddressFree(DeviceAddress address, size_t bytes) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  VirtualMemory &all = getDriver().virtualMemory;
  auto found = all.reservations.find(address);
  if (found == all.reservations.end() || found->second != bytes)
    return call.refuse(Result::InvalidValue,
                       "{} bytes at {:#x} are no reservation", bytes, address);
  auto mapping = all.mappings.lower_bound(address);
  if (mapping != all.mappings.end() && mapping->first < address + bytes)
    return call.refuse(Result::InvalidValue, "{:#x} is still mapped",
                       mapping->first);
  munmap(getHost(address), bytes);
  all.reservations.erase(found);
  return call.done();
}

/// Whether the range is reserved and nothing is mapped there.
static bool isFree(const VirtualMemory &all, DeviceAddress address,
                   size_t bytes) {
  auto after = all.reservations.upper_bound(address);
  if (after == all.reservations.begin())
    return false;
  const auto &[begin, size] = *std::prev(after);
  if (address - begin > size || bytes > size - (address - begin))
    return false;
  auto next = all.mappings.lower_bound(address);
  if (next != all.mappings.end() && next->first < address + bytes)
    return false;
  if (next == all.mappings.begin())
    return true;
  const auto &[before, mapping] = *std::prev(next);
  return before + mapping.bytes <= address;
}

extern "C" Result cuda::cuMemMap(DeviceAddress address, size_t bytes,
                                 size_t offset, AllocationHandle handle,
                                 uint64_t flags) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  VirtualMemory &all = getDriver().virtualMemory;
  auto memory = all.allocations.find(handle);
  if (memory == all.allocations.end())
    return call.refuse(Result::InvalidValue, "found no memory {}", handle);
  if (flags != 0 || offset != 0 || bytes == 0 || !isGranular(bytes) ||
      !isGranular(address) || bytes > memory->second->bytes)
    return call.refuse(Result::InvalidValue,
                       "expected a multiple of {} bytes from the start of {}, "
                       "found {} at offset {}",
                       granularity, memory->second->bytes, bytes, offset);
  if (!isFree(all, address, bytes))
    return call.refuse(Result::InvalidValue,
                       "{} bytes at {:#x} are not reserved and free", bytes,
                       address);
  if (mmap(getHost(address), bytes, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_FIXED, memory->second->file, 0) == MAP_FAILED)
    return call.refuse(Result::OutOfMemory, "the host cannot map memory");
  all.mappings.emplace(address, Mapping{bytes, memory->second, {}});
  return call.done();
}

/// Ends a device's use of a mapping; without a context it has ended already.
static void endAccess(DeviceNumber device, DeviceAddress address,
                      size_t bytes) {
  if (const std::unique_ptr<ContextTag> &context = getDriver().contexts[device])
    (void)context->gpu->device->unregisterHostMemory(address, bytes);
}

/// False if the GPU has no room for it.
static bool beginAccess(Device &gpu, DeviceAddress address, size_t bytes) {
  return gpu.registerHostMemory(getHost(address), bytes).has_value();
}

bool Driver::beginAllAccess(ContextTag &context) {
  for (const auto &[address, mapping] : virtualMemory.mappings)
    if (mapping.devices.contains(context.device) &&
        !beginAccess(*context.gpu->device, address, mapping.bytes))
      return false;
  return true;
}

extern "C" Result cuda::cuMemUnmap(DeviceAddress address, size_t bytes) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  VirtualMemory &all = getDriver().virtualMemory;
  std::vector<DeviceAddress> found = all.findMappings(address, bytes);
  if (found.empty())
    return call.refuse(Result::InvalidValue,
                       "{} bytes at {:#x} are not whole mappings", bytes,
                       address);
  for (DeviceAddress begin : found) {
    const Mapping &mapping = all.mappings.at(begin);
    for (DeviceNumber device : mapping.devices)
      endAccess(device, begin, mapping.bytes);
    (void)mmap(getHost(begin), mapping.bytes, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    all.mappings.erase(begin);
  }
  return call.done();
}

extern "C" Result cuda::cuMemSetAccess(DeviceAddress address, size_t bytes,
                                       const MemAccess *accesses,
                                       size_t count) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  VirtualMemory &all = getDriver().virtualMemory;
  std::vector<DeviceAddress> found = all.findMappings(address, bytes);
  if (found.empty() || !accesses || count == 0)
    return call.refuse(Result::InvalidValue,
                       "{} bytes at {:#x} are not whole mappings", bytes,
                       address);
  for (const MemAccess &access : std::span(accesses, count)) {
    if (!isDevice(access.location) ||
        (access.flags != MemAccessFlags::None &&
         access.flags != MemAccessFlags::ReadWrite))
      return call.refuse(Result::InvalidValue,
                         "expected a device that may read and write, or not");
    const DeviceNumber device = access.location.id;
    const bool mayUse = access.flags == MemAccessFlags::ReadWrite;
    for (DeviceAddress begin : found) {
      Mapping &mapping = all.mappings.at(begin);
      if (mayUse == mapping.devices.contains(device))
        continue;
      if (!mayUse) {
        endAccess(device, begin, mapping.bytes);
        mapping.devices.erase(device);
        continue;
      }
      const std::unique_ptr<ContextTag> &context = getDriver().contexts[device];
      if (context && !beginAccess(*context->gpu->device, begin, mapping.bytes))
        return call.refuse(Result::OutOfMemory, "found {} bytes", bytes);
      mapping.devices.insert(device);
    }
  }
  return call.done();
}
