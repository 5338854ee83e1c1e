//===- GlobalMemory.cpp - A virtual GPU's global memory ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GlobalMemory.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint64_t alignment = 256;
/// Beyond this, size arithmetic on 64-bit addresses would need care.
constexpr uint64_t largestAllocation = uint64_t(1) << 46;
/// Accesses below this are what dereferencing a null pointer looks like.
constexpr uint64_t nullPage = 64 * 1024;

constexpr uint64_t alignUp(uint64_t value) {
  return (value + alignment - 1) & ~(alignment - 1);
}

} // namespace

GlobalMemory::GlobalMemory(DeviceAddress base, uint64_t capacity,
                           bool tracksWrites)
    : next(alignUp(base) + redZoneBytes), capacity(capacity),
      tracksWrites(tracksWrites) {}

GlobalMemory::~GlobalMemory() {
  for (auto &[address, allocation] : allocations)
    std::free(allocation.host);
}

/// `bytes` is a multiple of `alignment`. Kernels walk through large allocations
/// in strides of rows: small pages would cost a look-up for each row.
static std::byte *allocateHost(size_t bytes) {
  constexpr size_t hugePage = size_t(2) << 20;
  if (bytes < hugePage)
    return static_cast<std::byte *>(std::aligned_alloc(alignment, bytes));
  void *host = std::aligned_alloc(hugePage,
                                  (bytes + hugePage - 1) / hugePage * hugePage);
#ifdef MADV_HUGEPAGE
  // The kernel may have none, which is no error.
  if (host)
    madvise(host, bytes, MADV_HUGEPAGE);
#endif
  return static_cast<std::byte *>(host);
}

Expected<DeviceAddress> GlobalMemory::allocate(size_t bytes) {
  if (bytes == 0)
    return makeError(ErrorKind::InvalidInput,
                     "expected an allocation of at least 1 byte, found 0");
  std::unique_lock lock(mutex);
  if (bytes > largestAllocation || bytes > capacity - live)
    return makeError(ErrorKind::Unavailable,
                     "out of device memory: expected at most {} bytes, found "
                     "{}",
                     std::min(largestAllocation, capacity - live), bytes);
  live += bytes;
  lock.unlock();
  // Filling takes long and needs no lock.
  std::byte *host = allocateHost(alignUp(bytes));
  if (host)
    std::memset(host, int(poison), alignUp(bytes));
  Allocation allocation{bytes, host, nullptr};
  if (host && tracksWrites) {
    allocation.written = std::make_unique<WrittenBytes>();
    allocation.written->bytes.start(bytes);
  }

  lock.lock();
  if (!host) {
    live -= bytes;
    return makeError(ErrorKind::Unavailable,
                     "out of host memory for a device allocation of {} bytes",
                     bytes);
  }
  DeviceAddress address = next;
  next = alignUp(address + bytes) + redZoneBytes;
  allocations.emplace_hint(allocations.end(), address, std::move(allocation));
  byHost.emplace(host, address);
  ++liveCount;
  return address;
}

Expected<void> GlobalMemory::free(DeviceAddress address) {
  std::unique_lock lock(mutex);
  auto found = allocations.find(address);
  if (found == allocations.end()) {
    lock.unlock();
    return makeError(ErrorKind::InvalidInput,
                     "expected the start of an allocation to free, found {:#x}:"
                     " {}",
                     address, explain(address, 1).message);
  }
  Allocation &allocation = found->second;
  if (!allocation.host)
    return makeError(ErrorKind::InvalidInput,
                     "the {}-byte allocation at {:#x} was freed before",
                     allocation.size, address);
  generation.fetch_add(1, std::memory_order_release);
  byHost.erase(allocation.host);
  std::free(allocation.host);
  allocation.host = nullptr;
  allocation.written.reset();
  live -= allocation.size;
  --liveCount;
  return {};
}

const GlobalMemory::Map::value_type *
GlobalMemory::find(DeviceAddress address) const {
  auto after = allocations.upper_bound(address);
  return after == allocations.begin() ? nullptr : &*std::prev(after);
}

GlobalMemory::Range GlobalMemory::findRange(DeviceAddress address,
                                            size_t bytes) const {
  if (HostRanges::isHost(address)) {
    auto [begin, size] = hostRanges.find(address, bytes);
    return {begin, size, size == 0 ? nullptr : HostRanges::getHost(begin),
            nullptr};
  }
  const Map::value_type *entry = find(address);
  if (!entry || !entry->second.host)
    return {};
  uint64_t offset = address - entry->first, size = entry->second.size;
  if (offset >= size || bytes > size - offset)
    return {};
  return {entry->first, size, entry->second.host, entry->second.written.get()};
}

void GlobalMemory::markWritten(const Range &range, uint64_t offset,
                               uint64_t bytes) {
  if (!range.written)
    return;
  if (bytes == range.size)
    range.written->all.store(true, std::memory_order_relaxed);
  else
    range.written->bytes.add(offset, bytes);
}

Expected<DeviceAddress> GlobalMemory::registerHost(void *host, size_t bytes) {
  const auto *begin = static_cast<const std::byte *>(host);
  std::unique_lock lock(mutex);
  if (auto after = byHost.upper_bound(begin); after != byHost.begin()) {
    auto [own, address] = *std::prev(after);
    uint64_t offset = begin - own, size = allocations.at(address).size;
    if (offset < size && bytes <= size - offset) {
      markWritten(findRange(address, size), offset, bytes);
      return address + offset;
    }
  }
  return hostRanges.add(host, bytes);
}

Expected<void> GlobalMemory::unregisterHost(DeviceAddress address,
                                            size_t bytes) {
  std::unique_lock lock(mutex);
  if (!HostRanges::isHost(address) && find(address))
    return {};
  generation.fetch_add(1, std::memory_order_release);
  return hostRanges.remove(address, bytes);
}

Expected<DeviceAddress> GlobalMemory::createMulticast(uint32_t members,
                                                      size_t bytes) {
  std::unique_lock lock(mutex);
  return multicasts.create(members, bytes);
}

Expected<void> GlobalMemory::bindMulticast(DeviceAddress multicast,
                                           uint32_t member,
                                           DeviceAddress from) {
  std::unique_lock lock(mutex);
  const Multicast *object = multicasts.get(multicast);
  if (object && !findRange(from, object->size).host) {
    size_t bytes = object->size;
    lock.unlock();
    return makeError(ErrorKind::InvalidInput,
                     "memory of device {} for a multicast object: {}", member,
                     explain(from, bytes).message);
  }
  return multicasts.bind(multicast, member, from);
}

Expected<void> GlobalMemory::freeMulticast(DeviceAddress multicast) {
  std::unique_lock lock(mutex);
  return multicasts.destroy(multicast);
}

Checked<Multicast> GlobalMemory::findMulticast(DeviceAddress address,
                                               size_t bytes) const {
  std::shared_lock lock(mutex);
  const Multicast *object = multicasts.find(address, bytes);
  auto unbound = [&] {
    return std::ranges::find(object->memory.begin(),
                             object->memory.begin() + object->members,
                             DeviceAddress(0)) -
           object->memory.begin();
  };
  if (object && unbound() == object->members)
    return *object;
  std::string where =
      object ? fmt::format("{}, to which no memory of device {} is bound",
                           multicasts.explain(address, bytes), unbound())
      : MulticastObjects::isMulticast(address)
          ? multicasts.explain(address, bytes)
          : "in no multicast object; expected the address of one, or ld, st or "
            "red in the place of multimem";
  return makeFault(faults::bounds, "{} byte{} at {:#x} {} {}", bytes,
                   bytes == 1 ? "" : "s", address, bytes == 1 ? "is" : "are",
                   where);
}

std::byte *GlobalMemory::resolve(DeviceAddress address, size_t bytes) const {
  std::shared_lock lock(mutex);
  Range range = findRange(address, bytes);
  return range.host ? range.host + (address - range.begin) : nullptr;
}

std::byte *GlobalMemory::resolveForHost(DeviceAddress address, size_t bytes) {
  std::shared_lock lock(mutex);
  Range range = findRange(address, bytes);
  if (!range.host)
    return nullptr;
  uint64_t offset = address - range.begin;
  markWritten(range, offset, bytes);
  return range.host + offset;
}

std::byte *GlobalMemory::Cursor::refill(DeviceAddress address, size_t bytes) {
  std::shared_lock lock(memory->mutex);
  Range range = memory->findRange(address, bytes);
  if (!range.host)
    return nullptr;
  begin = range.begin;
  size = range.size;
  host = range.host;
  written = range.written;
  generation = memory->generation.load(std::memory_order_relaxed);
  return host + (address - begin);
}

Fault GlobalMemory::explain(DeviceAddress address, size_t bytes) const {
  std::shared_lock lock(mutex);
  std::string what =
      fmt::format("{} byte{} at {:#x} {}", bytes, bytes == 1 ? "" : "s",
                  address, bytes == 1 ? "is" : "are");
  auto outside = [&](const std::string &where) -> Fault {
    return {faults::bounds, what + " " + where};
  };
  /// Near what is, or was, an allocation.
  auto near = [&](const Allocation &allocation,
                  const std::string &where) -> Fault {
    return allocation.host ? outside(where)
                           : Fault{faults::useAfterFree,
                                   what + " " + where + ", which was freed"};
  };
  if (address < nullPage)
    return outside("in no allocation: the address looks like a null pointer");
  if (HostRanges::isHost(address))
    return outside(hostRanges.explain(address, bytes));
  if (MulticastObjects::isMulticast(address))
    return outside(multicasts.explain(address, bytes) +
                   "; expected a multimem instruction, or the address of one "
                   "device's memory");

  const Map::value_type *before = find(address);
  if (before) {
    const auto &[start, allocation] = *before;
    std::string which =
        fmt::format("the {}-byte allocation at {:#x}", allocation.size, start);
    uint64_t offset = address - start;
    if (offset < allocation.size) {
      std::string where = fmt::format("at offset {} of {}", offset, which);
      if (allocation.host && bytes > allocation.size - offset)
        where += fmt::format(" and reach{} {} bytes past its end",
                             bytes == 1 ? "es" : "",
                             bytes - (allocation.size - offset));
      return near(allocation, where);
    }
    // Whoever overran the end is more likely than whoever underran the start
    // of the next, unless that is nearer.
    uint64_t past = offset - allocation.size;
    auto after = allocations.upper_bound(address);
    bool nearNext = after != allocations.end() && after->first - address < past;
    if (past < redZoneBytes && !nearNext)
      return near(allocation,
                  fmt::format("{} bytes past the end of {}", past, which));
  }
  auto after = allocations.upper_bound(address);
  if (after != allocations.end() && after->first - address <= redZoneBytes)
    return near(after->second,
                fmt::format("{} bytes before the {}-byte allocation at {:#x}",
                            after->first - address, after->second.size,
                            after->first));
  return outside("in no allocation");
}

uint64_t GlobalMemory::liveBytes() const {
  std::shared_lock lock(mutex);
  return live;
}

size_t GlobalMemory::liveAllocations() const {
  std::shared_lock lock(mutex);
  return liveCount;
}
