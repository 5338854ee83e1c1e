//===- Shadow.cpp - Who accessed which bytes ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Shadow.h"

using namespace heddle::vgpu;

bool Observer::simple(const AccessInfo &record) const {
  if (record.cluster != cluster) {
    // Another cluster may have told what single lanes did, and no more.
    const LocalKnowledge *local = base.foreign.find(record.cluster);
    bool hasLanes =
        local && (local->seen.hasLanes() || local->fenced.hasLanes());
    return !hasLanes && (!warp || !warp->diverged());
  }
  if (warp)
    return record.agent != warp->agent() && !warp->diverged() &&
           !base.seen.hasLanes();
  return !base.seen.hasLanes() && !base.fenced.hasLanes() &&
         !(isGlobal && base.fencedGlobal.hasLanes());
}

bool Observer::knows(const AccessInfo &record, uint32_t lane,
                     uint32_t otherLane, bool fenced) const {
  auto in = [&](const Knowledge &knowledge) {
    const LocalKnowledge *local = &knowledge;
    if (record.cluster != cluster) {
      local = knowledge.foreign.find(record.cluster);
      if (!local)
        return false;
    }
    auto reaches = [&](const Clocks &clocks) {
      return record.clock <= clocks.of(record.agent, otherLane);
    };
    if (!fenced)
      return reaches(local->seen);
    return reaches(local->fenced) ||
           (isGlobal && reaches(local->seen) && reaches(local->fencedGlobal));
  };
  if (!warp)
    return in(base);
  if (record.cluster == cluster)
    return record.clock <= warp->seen(lane, record.agent, otherLane);
  const Knowledge *extra = warp->extra(lane);
  return in(base) || (extra && in(*extra));
}

bool Observer::knows(const AccessInfo &record, uint32_t lane,
                     uint32_t otherLane) const {
  return knows(record, lane, otherLane, async && !record.async);
}

bool Observer::sees(const AccessInfo &record, uint32_t lane,
                    uint32_t otherLane) const {
  return knows(record, lane, otherLane, false);
}

namespace {

/// Whether strong accesses of two agents reach each other.
bool morallyStrong(const AccessInfo &a, const AccessInfo &b, bool sameCluster) {
  if (a.strong == Scope::None || b.strong == Scope::None)
    return false;
  Scope needed = sameCluster            ? Scope::Cluster
                 : a.device == b.device ? Scope::Gpu
                                        : Scope::System;
  // Warps of one CTA: any scope reaches.
  if (sameCluster && a.warp >> 16 == b.warp >> 16)
    needed = Scope::Cta;
  return a.strong >= needed && b.strong >= needed;
}

/// Looks for a byte of `overlap` that `later` touches without knowing of
/// `record`.
bool findConflict(const Record &record, const AccessInfo &later,
                  const std::array<uint8_t, 64> *table, const ByteMask &overlap,
                  const Observer &observer, Conflict &conflict) {
  static constexpr std::array<uint8_t, 64> noTable = {};
  const auto &laterTable = table ? *table : noTable;
  // Neighbouring bytes have the same lanes more often than not.
  uint32_t lastEarlier = 0, lastLater = 0;
  uint32_t failedEarlier = 0, failedLater = 0, firstByte = 0;
  overlap.all([&](uint32_t byte) {
    uint32_t earlierLanes = record.lanesOf(byte);
    uint32_t laterLanes = later.lanes.of(byte, laterTable);
    if (earlierLanes == lastEarlier && laterLanes == lastLater)
      return true;
    lastEarlier = earlierLanes;
    lastLater = laterLanes;
    for (uint32_t l = laterLanes; l; l &= l - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(l));
      for (uint32_t e = earlierLanes; e; e &= e - 1) {
        uint32_t other = uint32_t(__builtin_ctz(e));
        if (observer.knows(record.info, lane, other))
          continue;
        if (!failedLater)
          firstByte = byte;
        if (!failedLater)
          conflict.onlyProxy = true;
        conflict.onlyProxy &= observer.sees(record.info, lane, other);
        failedEarlier |= 1u << other;
        failedLater |= 1u << lane;
      }
      // Operations without lanes know one thing.
      if (!observer.lanes())
        break;
    }
    return true;
  });
  if (!failedLater)
    return false;
  conflict.earlier = record.info;
  conflict.later = later;
  conflict.byte = firstByte;
  conflict.earlierLanes = failedEarlier;
  conflict.laterLanes = observer.lanes() ? failedLater : later.lanes.lanes;
  return true;
}

/// Whether `info` touches each byte with the lane that `record` did.
bool sameLanes(const Record &record, const AccessInfo &info,
               const std::array<uint8_t, 64> *table) {
  if (record.info.lanes != info.lanes)
    return false;
  return info.lanes.kind != LaneMap::Kind::Table || record.table == *table;
}

/// Whether an access by the same threads as that of `record` knows of it: each
/// byte has one lane, and that knows what it did.
bool isOwn(const Record &record, const AccessInfo &info,
           const std::array<uint8_t, 64> *table, const Observer &observer) {
  return record.info.agent == info.agent &&
         record.info.cluster == info.cluster && observer.lanes() &&
         info.agent == observer.lanes()->agent() &&
         sameLanes(record, info, table) &&
         (info.lanes.kind != LaneMap::Kind::Uniform ||
          (info.lanes.lanes & (info.lanes.lanes - 1)) == 0);
}

/// Whether each granule of four bytes has one lane.
bool fitsTable(const LaneMap &lanes) {
  return lanes.kind == LaneMap::Kind::Table ||
         (lanes.kind == LaneMap::Kind::Linear && lanes.shift >= 2);
}

void addToTable(std::array<uint8_t, 64> &target, const LaneMap &lanes,
                const std::array<uint8_t, 64> &table, const ByteMask &bytes) {
  for (uint32_t granule = 0; granule < 64; ++granule)
    if (bytes.test(granule * 4))
      target[granule] = uint8_t(std::countr_zero(lanes.of(granule * 4, table)));
}

/// Adds to `record` an access of other bytes by the same warp at its time.
bool mergeInto(Record &record, const AccessInfo &info, const ByteMask &bytes,
               const std::array<uint8_t, 64> *table) {
  const AccessInfo &known = record.info;
  if (known.agent != info.agent || known.clock != info.clock ||
      known.cluster != info.cluster || known.strong != info.strong ||
      known.async || info.async || !fitsTable(known.lanes) ||
      !fitsTable(info.lanes) || record.bytes.intersects(bytes))
    return false;
  std::array<uint8_t, 64> merged = {};
  addToTable(merged, known.lanes, record.table, record.bytes);
  addToTable(merged, info.lanes, table ? *table : record.table, bytes);
  record.info = info;
  record.info.lanes = {LaneMap::Kind::Table, 0, 0,
                       known.lanes.lanes | info.lanes.lanes};
  record.table = merged;
  record.bytes |= bytes;
  return true;
}

bool check(std::span<const Record> records, const AccessInfo &info,
           const ByteMask &bytes, const std::array<uint8_t, 64> *table,
           const Observer &observer, Conflict &conflict) {
  for (const Record &record : records) {
    if (observer.knows(record.info) || !record.bytes.intersects(bytes))
      continue;
    // What a thread did before, it knows.
    if (isOwn(record, info, table, observer))
      continue;
    // Operations of one queue do what they do in order.
    if (!observer.lanes() && record.info.agent == info.agent &&
        record.info.clock == info.clock && record.info.pc == info.pc &&
        !info.write)
      continue;
    if (morallyStrong(record.info, info, record.info.cluster == info.cluster))
      continue;
    ByteMask overlap = record.bytes & bytes;
    if (observer.simple(record.info)) {
      conflict.earlier = record.info;
      conflict.later = info;
      overlap.all([&](uint32_t byte) {
        static constexpr std::array<uint8_t, 64> noTable = {};
        conflict.byte = byte;
        conflict.earlierLanes = record.lanesOf(byte);
        conflict.laterLanes = info.lanes.of(byte, table ? *table : noTable);
        return false;
      });
      conflict.onlyProxy = observer.sees(
          record.info, uint32_t(__builtin_ctz(conflict.laterLanes)),
          uint32_t(__builtin_ctz(conflict.earlierLanes)));
      return true;
    }
    if (findConflict(record, info, table, overlap, observer, conflict))
      return true;
  }
  return false;
}

} // namespace

bool ShadowLine::repeats(const AccessInfo &info, const ByteMask &bytes,
                         const std::array<uint8_t, 64> *table,
                         const Observer &observer) {
  Record *write = nullptr, *read = nullptr;
  auto findOwn = [&](std::vector<Record> &records, Record *&own) {
    for (Record &record : records) {
      if (!record.bytes.intersects(bytes))
        continue;
      if (own || record.bytes != bytes || !isOwn(record, info, table, observer))
        return false;
      own = &record;
    }
    return true;
  };
  if (!findOwn(writes, write))
    return false;
  if (!info.write) {
    // The bytes are nobody else's, so other reads of them do not matter.
    if (!write || !findOwn(reads, read) || !read)
      return false;
    read->info = info;
    return true;
  }
  if (!write || !findOwn(reads, read))
    return false;
  write->info = info;
  if (read) {
    if (read != &reads.back())
      *read = reads.back();
    reads.pop_back();
  }
  return true;
}

void ShadowLine::add(std::vector<Record> &records, const AccessInfo &info,
                     const ByteMask &bytes,
                     const std::array<uint8_t, 64> *table,
                     const Observer &observer, size_t maxRecords) {
  bool hasTable = info.lanes.kind == LaneMap::Kind::Table;
  for (size_t i = 0; i < records.size();) {
    Record &record = records[i];
    bool sameAgent =
        record.info.agent == info.agent && record.info.cluster == info.cluster;
    if (sameAgent && sameLanes(record, info, table)) {
      // One instruction at one time, or the same bytes again.
      if ((record.info.clock == info.clock && record.info.pc == info.pc) ||
          bytes.contains(record.bytes)) {
        if (record.info.clock == info.clock && record.info.pc == info.pc)
          record.bytes |= bytes;
        else
          record.bytes = bytes;
        record.info = info;
        return;
      }
      record.bytes.remove(bytes);
    } else if (sameAgent && record.info.async && info.async) {
      record.bytes.remove(bytes);
    } else if (sameAgent && observer.lanes() && observer.knows(record.info)) {
      record.bytes.remove(bytes);
    } else {
      ++i;
      continue;
    }
    if (!record.bytes.empty()) {
      ++i;
      continue;
    }
    if (i + 1 != records.size())
      record = records.back();
    records.pop_back();
  }
  // Many small accesses at one time share a record, at the price of the place
  // of all but the last.
  if (records.size() >= maxRecords / 2)
    for (Record &record : records)
      if (mergeInto(record, info, bytes, table))
        return;
  if (records.size() >= maxRecords)
    records.erase(records.begin());
  Record &record = records.emplace_back(info, bytes);
  if (hasTable)
    record.table = *table;
}

void ShadowLine::forget(const ByteMask &bytes) {
  // Copies mostly write whole lines.
  if (bytes == ByteMask::range(0, lineBytes))
    return clear();
  for (auto *records : {&writes, &reads})
    for (size_t i = 0; i < records->size();) {
      Record &record = (*records)[i];
      record.bytes.remove(bytes);
      if (!record.bytes.empty()) {
        ++i;
        continue;
      }
      if (i + 1 != records->size())
        record = records->back();
      records->pop_back();
    }
}

bool ShadowLine::access(const AccessInfo &info, const ByteMask &bytes,
                        const std::array<uint8_t, 64> *table,
                        const Observer &observer, size_t maxRecords,
                        Conflict &conflict) {
  if (!info.write) {
    // Nothing has been written since the same read at the same time.
    for (const Record &record : reads)
      if (record.info == info && record.bytes.contains(bytes) &&
          sameLanes(record, info, table))
        return false;
    if (observer.lanes() && repeats(info, bytes, table, observer))
      return false;
    bool found = check(writes, info, bytes, table, observer, conflict);
    add(reads, info, bytes, table, observer, maxRecords);
    return found;
  }
  if (observer.lanes() && repeats(info, bytes, table, observer))
    return false;
  bool found = check(writes, info, bytes, table, observer, conflict) ||
               check(reads, info, bytes, table, observer, conflict);
  forget(bytes);
  add(writes, info, bytes, table, observer, maxRecords);
  return found;
}
