//===- GlobalShadow.h - Global memory as all clusters see it ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_GLOBALSHADOW_H
#define HEDDLE_VIRTUAL_SANITIZER_GLOBALSHADOW_H

#include "sanitizer/Shadow.h"

#include <functional>
#include <mutex>
#include <unordered_map>

namespace heddle::vgpu {

/// Locations through which threads synchronise, and what their last releases
/// published. Not thread-safe.
class SyncTable {
public:
  /// What a CTA published at a scope that does not reach everyone.
  struct Narrow {
    ClusterKnowledge published;
    Scope scope = Scope::None;
    uint32_t device = 0, cluster = 0, rank = 0;
  };
  struct Entry {
    /// What reaches every thread of the launch, if that has one device.
    ClusterKnowledge wide;
    std::vector<Narrow> narrow;
  };
  Entry *find(uint64_t key) {
    auto at = entries.find(key);
    return at == entries.end() ? nullptr : &at->second;
  }
  Entry &get(uint64_t key) { return entries[key]; }
  void erase(uint64_t key) { entries.erase(key); }
  bool empty() const { return entries.empty(); }
  void clear() { entries.clear(); }

private:
  std::unordered_map<uint64_t, Entry> entries;
};

/// Up to four nested strides of a row of bytes: a box of a tensor.
struct GlobalRange {
  uint64_t address = 0;
  uint32_t rowBytes = 0;
  std::array<uint32_t, 4> counts = {1, 1, 1, 1};
  std::array<uint64_t, 4> strides = {};

  bool operator==(const GlobalRange &) const = default;
  uint64_t getBytes() const {
    uint64_t bytes = rowBytes;
    for (uint32_t count : counts)
      bytes *= count;
    return bytes;
  }
  uint64_t end() const {
    uint64_t last = address + rowBytes;
    for (uint32_t d = 0; d < 4; ++d)
      last += (counts[d] - 1) * strides[d];
    return last;
  }
  template <typename F>
  void forEachRow(F &&body) const {
    for (uint32_t a = 0; a < counts[3]; ++a)
      for (uint32_t b = 0; b < counts[2]; ++b)
        for (uint32_t c = 0; c < counts[1]; ++c)
          for (uint32_t d = 0; d < counts[0]; ++d)
            body(address + a * strides[3] + b * strides[2] + c * strides[1] +
                 d * strides[0]);
  }
};

/// The shadow of global memory during one launch. Thread-safe.
class GlobalShadow {
public:
  struct Region;
  /// The region that its owner touched last.
  struct Cursor {
    uint64_t number = ~uint64_t(0);
    Region *region = nullptr;
    /// Filled when one is found.
    Conflict conflict;
  };
  /// Called outside of locks for each conflict, with the line's address.
  using Found = std::function<void(const Conflict &, uint64_t line)>;

  void access(Cursor &cursor, uint64_t line, const AccessInfo &info,
              const ByteMask &bytes, const std::array<uint8_t, 64> *table,
              const Observer &observer, const Found &found);
  /// An access of whole rows by an asynchronous operation. Reads of memory that
  /// nobody has written yet are only noted down.
  void access(Cursor &cursor, const GlobalRange &range, const AccessInfo &info,
              const Observer &observer, const Found &found);

  /// Runs `body` with the table of synchronizing locations, locked.
  template <typename F>
  void withSyncs(F &&body) {
    std::lock_guard lock(syncMutex);
    body(syncs);
  }

private:
  static constexpr uint64_t regionBytes = 1 << 22;
  /// Readers of a line beyond these are as good as those kept: who races with
  /// one races with the others, too, unless they differ in what they know.
  static constexpr size_t maxRecords = 6;
  static constexpr uint32_t chunkLines = 64;

public:
  struct Region {
    std::mutex mutex;
    bool written = false;
    /// Lines in chunks that exist once they are touched.
    using Chunk = std::array<ShadowLine, chunkLines>;
    std::array<std::unique_ptr<Chunk>, regionBytes / lineBytes / chunkLines>
        chunks;
    ShadowLine &line(uint64_t address) {
      uint32_t number = uint32_t(address % regionBytes / lineBytes);
      auto &chunk = chunks[number / chunkLines];
      if (!chunk)
        chunk = std::make_unique<Chunk>();
      return (*chunk)[number % chunkLines];
    }
    /// Reads of ranges by asynchronous operations, until something is written:
    /// in their order, and which of them are of a range. CTAs read the same
    /// tiles, so there are few ranges.
    struct Noted {
      GlobalRange range;
      std::vector<AccessInfo> readers;
    };
    std::vector<Noted> reads;
    struct Hash {
      size_t operator()(const GlobalRange &range) const;
    };
    std::unordered_map<GlobalRange, size_t, Hash> numbers;
    void note(const GlobalRange &range, const AccessInfo &info);
  };

private:
  Region &regionOf(Cursor &cursor, uint64_t address);
  /// Under the region's lock: reads noted so far become records.
  void open(Region &region, uint64_t base);

  std::mutex mutex;
  std::unordered_map<uint64_t, std::unique_ptr<Region>> regions;
  std::mutex syncMutex;
  SyncTable syncs;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_GLOBALSHADOW_H
