//===- Shadow.h - Who accessed which bytes ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The accesses that later ones may conflict with. Memory is watched in lines;
/// each has a few records of writes and of reads with the bytes that they
/// touched. An access that is ordered after a record of the same bytes replaces
/// it, since what conflicts with the older one conflicts with the newer, too.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_SHADOW_H
#define HEDDLE_VIRTUAL_SANITIZER_SHADOW_H

#include "sanitizer/ByteMask.h"
#include "sanitizer/WarpClocks.h"

#include <span>

namespace heddle::vgpu {

/// Which lane of a warp touched a byte of a line.
struct LaneMap {
  enum class Kind : uint8_t {
    /// All of `lanes` touched each byte.
    Uniform,
    /// Lane (byte - base) >> shift.
    Linear,
    /// Granules of four bytes have a lane each.
    Table,
  };
  Kind kind = Kind::Uniform;
  uint8_t shift = 0;
  int16_t base = 0;
  uint32_t lanes = ~0u;

  /// The lanes that touched `byte`.
  uint32_t of(uint32_t byte, const std::array<uint8_t, 64> &table) const {
    switch (kind) {
    case Kind::Uniform:
      return lanes;
    case Kind::Linear:
      return 1u << ((int32_t(byte) - base) >> shift & 31);
    case Kind::Table:
      return 1u << table[byte / 4];
    }
    return lanes;
  }
  bool operator==(const LaneMap &) const = default;
};

/// Everything about an access but its bytes.
struct AccessInfo {
  uint32_t agent = 0;
  uint32_t clock = 0;
  /// Of the grid; told apart only in global memory.
  uint32_t cluster = 0;
  uint32_t pc = 0;
  /// The warp that made or issued it, and its clock then.
  uint32_t warp = 0;
  uint32_t warpClock = 0;
  bool write = false;
  bool async = false;
  /// Not `None`: a strong access, which does not race with others like it that
  /// both reach.
  Scope strong = Scope::None;
  uint8_t device = 0;
  LaneMap lanes;

  bool operator==(const AccessInfo &) const = default;
};

struct Record {
  AccessInfo info;
  ByteMask bytes;
  /// Has a value if the lanes are those of a table.
  std::array<uint8_t, 64> table;

  Record(const AccessInfo &info, const ByteMask &bytes)
      : info(info), bytes(bytes) {}

  uint32_t lanesOf(uint32_t byte) const { return info.lanes.of(byte, table); }
};

/// What whoever makes an access knows. Lanes of a warp know different things;
/// an asynchronous operation knows what its issuers did.
class Observer {
public:
  /// Generic accesses of the lanes of a warp.
  Observer(const WarpClocks &warp, uint32_t cluster)
      : base(warp.common()), warp(&warp), cluster(cluster) {}
  /// An operation that knows `knowledge`, in the async proxy or not.
  /// `global` if it accesses global memory.
  Observer(const Knowledge &knowledge, uint32_t cluster, bool async,
           bool global = false)
      : base(knowledge), cluster(cluster), async(async), isGlobal(global) {}

  /// Whether the whole record is surely before. Asked of each record that an
  /// access meets.
  [[gnu::always_inline]] bool knows(const AccessInfo &record) const {
    const LocalKnowledge *local = &base;
    if (record.cluster != cluster) {
      local = base.foreign.find(record.cluster);
      if (!local)
        return false;
    }
    auto in = [&](const Clocks &clocks) {
      return record.clock <= clocks.all(record.agent);
    };
    if (!async || record.async)
      return in(local->seen);
    return in(local->fenced) ||
           (isGlobal && in(local->seen) && in(local->fencedGlobal));
  }
  /// Whether `knows` is all there is to say.
  bool simple(const AccessInfo &record) const;
  /// Whether `lane` knows what `otherLane` did.
  bool knows(const AccessInfo &record, uint32_t lane, uint32_t otherLane) const;
  /// The same without regard to proxies.
  bool sees(const AccessInfo &record, uint32_t lane, uint32_t otherLane) const;
  bool isAsync() const { return async; }
  const WarpClocks *lanes() const { return warp; }
  const Knowledge &common() const { return base; }
  uint32_t clusterNumber() const { return cluster; }

private:
  bool knows(const AccessInfo &record, uint32_t lane, uint32_t otherLane,
             bool fenced) const;

  const Knowledge &base;
  const WarpClocks *warp = nullptr;
  uint32_t cluster = 0;
  bool async = false, isGlobal = false;
};

/// Two accesses that nothing orders.
struct Conflict {
  AccessInfo earlier, later;
  /// One byte of the line that both touched, and the lanes that did.
  uint32_t byte = 0;
  uint32_t earlierLanes = 0, laterLanes = 0;
  /// Ordered but for a proxy fence.
  bool onlyProxy = false;
};

class ShadowLine {
public:
  /// Records an access of `bytes` after comparing it with what was before.
  /// Returns true, and fills `conflict`, at the first conflict.
  bool access(const AccessInfo &info, const ByteMask &bytes,
              const std::array<uint8_t, 64> *table, const Observer &observer,
              size_t maxRecords, Conflict &conflict);

  std::span<const Record> writeRecords() const { return writes; }
  std::span<const Record> readRecords() const { return reads; }
  /// Forgets all accesses to `bytes`.
  void forget(const ByteMask &bytes);
  void clear() {
    writes.clear();
    reads.clear();
  }

private:
  /// Records an access by lanes to bytes that the same threads touched before,
  /// and nobody else. False if it is none.
  bool repeats(const AccessInfo &info, const ByteMask &bytes,
               const std::array<uint8_t, 64> *table, const Observer &observer);
  static void add(std::vector<Record> &records, const AccessInfo &info,
                  const ByteMask &bytes, const std::array<uint8_t, 64> *table,
                  const Observer &observer, size_t maxRecords);
  std::vector<Record> writes, reads;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_SHADOW_H
