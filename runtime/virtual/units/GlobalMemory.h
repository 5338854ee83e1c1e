//===- GlobalMemory.h - A virtual GPU's global memory -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Global memory as a set of allocations at addresses that are never reused,
/// with unmapped red zones between them. An access is legal exactly when it
/// lies inside one live allocation, or in host memory that was registered.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_GLOBALMEMORY_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_GLOBALMEMORY_H

#include "heddle/Runtime/Device.h"
#include "units/Fault.h"
#include "units/HostRanges.h"
#include "units/Multicast.h"
#include "units/Validity.h"

#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>

namespace heddle::vgpu {

/// What has been written of an allocation.
struct WrittenBytes {
  /// All of it, in which case `bytes` says nothing.
  std::atomic<bool> all = false;
  SharedValidity bytes;
};

/// Thread-safe: any number of threads may resolve while others allocate and
/// free. Pointers stay valid until their allocation is freed.
class GlobalMemory {
public:
  /// High addresses, so that an offset mistaken for an address is noticed.
  static constexpr DeviceAddress defaultBase = 0x7f0000000000;
  /// Unmapped addresses on both sides of every allocation.
  static constexpr uint64_t redZoneBytes = 64 * 1024;
  /// Fresh memory holds this byte: NaN in every floating-point format.
  static constexpr std::byte poison{0xff};

  /// `capacity` bounds the bytes allocated at one time. With `tracksWrites` it
  /// is known what has been written, which kernels have to tell by
  /// `Cursor::write`.
  explicit GlobalMemory(DeviceAddress base = defaultBase,
                        uint64_t capacity = UINT64_MAX,
                        bool tracksWrites = false);
  ~GlobalMemory();
  GlobalMemory(const GlobalMemory &) = delete;
  GlobalMemory &operator=(const GlobalMemory &) = delete;

  /// Allocates `bytes` > 0 of poisoned memory, aligned to 256 bytes.
  Expected<DeviceAddress> allocate(size_t bytes);
  /// Frees the allocation that starts at `address`.
  Expected<void> free(DeviceAddress address);

  /// Makes host memory accessible, in which case its address is a function of
  /// the host's: the same memory has the same address each time, and what
  /// overlaps on the host does here. Memory of an allocation keeps the address
  /// that it has.
  Expected<DeviceAddress> registerHost(void *host, size_t bytes);
  /// Ends one `registerHost` that returned `address`.
  Expected<void> unregisterHost(DeviceAddress address, size_t bytes);

  /// Addresses for `members` copies of `bytes` bytes, which `bindMulticast`
  /// gives memory. Nothing but `findMulticast` finds them.
  Expected<DeviceAddress> createMulticast(uint32_t members, size_t bytes);
  Expected<void> bindMulticast(DeviceAddress multicast, uint32_t member,
                               DeviceAddress from);
  Expected<void> freeMulticast(DeviceAddress multicast);
  /// The object that contains the range, with memory of all its members, or why
  /// there is none. That memory need not be live.
  Checked<Multicast> findMulticast(DeviceAddress address, size_t bytes) const;

  /// The host memory behind [address, address + bytes), or null unless the
  /// range is inside one live allocation. Takes a lock: loops use a `Cursor`.
  std::byte *resolve(DeviceAddress address, size_t bytes) const;
  /// The same for the host, which may write there: the range counts as written.
  std::byte *resolveForHost(DeviceAddress address, size_t bytes);

  /// Where the range lies, for messages about an access that did not resolve:
  /// "4 bytes at 0x7f0000011000 are 0 bytes past the end of the 4096-byte
  /// allocation at 0x7f0000010000".
  Fault explain(DeviceAddress address, size_t bytes) const;

  uint64_t liveBytes() const;
  size_t liveAllocations() const;

  /// One thread's view: remembers the last allocation it touched. Cheap to
  /// create; must not outlive the memory.
  class Cursor {
  public:
    explicit Cursor(const GlobalMemory &memory) : memory(&memory) {}

    std::byte *resolve(DeviceAddress address, size_t bytes) {
      // One compare each for below, beyond and stale; sizes cannot wrap since
      // `bytes` is compared before it is subtracted.
      uint64_t offset = address - begin;
      if (offset < size && bytes <= size - offset &&
          memory->generation.load(std::memory_order_acquire) == generation)
          [[likely]]
        return host + offset;
      return refill(address, bytes);
    }
    Fault explain(DeviceAddress address, size_t bytes) const {
      return memory->explain(address, bytes);
    }

    /// Whether each byte of the range has been written, or none has. What does
    /// not resolve, or nobody keeps account of, counts as written.
    bool allWritten(DeviceAddress address, size_t bytes) {
      const WrittenBytes *known = account(address, bytes);
      return !known || known->bytes.all(address - begin, bytes);
    }
    bool noneWritten(DeviceAddress address, size_t bytes) {
      const WrittenBytes *known = account(address, bytes);
      return known && known->bytes.none(address - begin, bytes);
    }
    /// The range is written.
    void write(DeviceAddress address, size_t bytes) {
      if (WrittenBytes *known = account(address, bytes))
        known->bytes.add(address - begin, bytes);
    }
    /// Whether `allWritten` is true of every range of the allocation.
    bool isWholeWritten(DeviceAddress address) { return !account(address, 1); }

  private:
    std::byte *refill(DeviceAddress address, size_t bytes);
    /// What is known of the allocation of the range, or null if all of it has
    /// been written.
    WrittenBytes *account(DeviceAddress address, size_t bytes) {
      if (!resolve(address, bytes) || !written ||
          written->all.load(std::memory_order_relaxed)) [[likely]]
        return nullptr;
      return written;
    }

    const GlobalMemory *memory;
    DeviceAddress begin = 0;
    uint64_t size = 0;
    std::byte *host = nullptr;
    WrittenBytes *written = nullptr;
    uint64_t generation = 0;
  };

private:
  struct Allocation {
    uint64_t size = 0;
    /// Null once freed; the record stays for messages.
    std::byte *host = nullptr;
    /// Null if nobody keeps account.
    std::unique_ptr<WrittenBytes> written;
  };
  using Map = std::map<DeviceAddress, Allocation>;

  /// Addresses with host memory behind them.
  struct Range {
    DeviceAddress begin = 0;
    uint64_t size = 0;
    /// Null if there is no such range.
    std::byte *host = nullptr;
    /// Null if all of it counts as written.
    WrittenBytes *written = nullptr;
  };

  /// The last allocation that starts at or before `address`, or null.
  const Map::value_type *find(DeviceAddress address) const;
  /// What contains all of [address, address + bytes).
  Range findRange(DeviceAddress address, size_t bytes) const;
  static void markWritten(const Range &range, uint64_t offset, uint64_t bytes);

  mutable std::shared_mutex mutex;
  Map allocations;
  /// Live allocations by their host memory.
  std::map<const std::byte *, DeviceAddress> byHost;
  HostRanges hostRanges;
  MulticastObjects multicasts;
  DeviceAddress next;
  uint64_t capacity;
  uint64_t live = 0;
  size_t liveCount = 0;
  /// Counts what is freed or unregistered, so that cursors notice that theirs
  /// may be gone.
  std::atomic<uint64_t> generation = 0;
  const bool tracksWrites;
};

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_GLOBALMEMORY_H
