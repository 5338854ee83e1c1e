//===- GlobalShadow.cpp - Global memory as all clusters see it ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/GlobalShadow.h"

#include <algorithm>

using namespace heddle::vgpu;

GlobalShadow::Region &GlobalShadow::regionOf(Cursor &cursor, uint64_t address) {
  uint64_t number = address / regionBytes;
  if (cursor.number == number)
    return *cursor.region;
  std::lock_guard lock(mutex);
  auto &region = regions[number];
  if (!region)
    region = std::make_unique<Region>();
  cursor.number = number;
  cursor.region = region.get();
  return *region;
}

/// Calls `body(line, mask)` for the lines of [address, address + bytes).
template <typename F>
static void forLines(uint64_t address, uint32_t bytes, F &&body) {
  while (bytes) {
    uint32_t begin = uint32_t(address % lineBytes);
    uint32_t here = std::min(bytes, lineBytes - begin);
    body(address - begin, ByteMask::range(begin, begin + here));
    address += here;
    bytes -= here;
  }
}

void GlobalShadow::open(Region &region, uint64_t base) {
  region.written = true;
  static const Knowledge nothing;
  for (const Region::Noted &noted : region.reads)
    for (const AccessInfo &info : noted.readers) {
      Observer observer(nothing, info.cluster, info.async);
      noted.range.forEachRow([&](uint64_t row) {
        forLines(row, noted.range.rowBytes,
                 [&](uint64_t line, const ByteMask &bytes) {
                   // No writes: nothing can conflict.
                   Conflict conflict;
                   if (line / regionBytes == base)
                     region.line(line).access(info, bytes, nullptr, observer,
                                              maxRecords, conflict);
                 });
      });
    }
  region.reads = {};
  region.numbers = {};
}

size_t GlobalShadow::Region::Hash::operator()(const GlobalRange &range) const {
  // Ranges of one launch mostly differ in where they begin.
  uint64_t hash = range.address;
  for (uint64_t part : {uint64_t(range.rowBytes), uint64_t(range.counts[0]),
                        uint64_t(range.counts[1]), range.strides[0]})
    hash = (hash ^ part) * 0x9e3779b97f4a7c15;
  return size_t(hash ^ hash >> 32);
}

void GlobalShadow::Region::note(const GlobalRange &range,
                                const AccessInfo &info) {
  auto [at, isNew] = numbers.try_emplace(range, reads.size());
  if (isNew)
    reads.push_back({range, {}});
  std::vector<AccessInfo> &readers = reads[at->second].readers;
  auto same = std::ranges::find_if(readers, [&](const AccessInfo &reader) {
    return reader.agent == info.agent && reader.cluster == info.cluster;
  });
  if (same != readers.end()) {
    *same = info;
    return;
  }
  if (readers.size() == maxRecords)
    readers.erase(readers.begin());
  readers.push_back(info);
}

void GlobalShadow::access(Cursor &cursor, uint64_t line, const AccessInfo &info,
                          const ByteMask &bytes,
                          const std::array<uint8_t, 64> *table,
                          const Observer &observer, const Found &found) {
  Region &region = regionOf(cursor, line);
  bool conflicts = false;
  {
    std::lock_guard lock(region.mutex);
    if (info.write && !region.written)
      open(region, line / regionBytes);
    conflicts = region.line(line).access(info, bytes, table, observer,
                                         maxRecords, cursor.conflict);
  }
  if (conflicts)
    found(cursor.conflict, line);
}

void GlobalShadow::access(Cursor &cursor, const GlobalRange &range,
                          const AccessInfo &info, const Observer &observer,
                          const Found &found) {
  if (range.rowBytes == 0)
    return;
  bool noted = !info.write;
  if (noted) {
    uint64_t first = range.address / regionBytes,
             last = (range.end() - 1) / regionBytes;
    for (uint64_t at = first; at <= last && noted; ++at) {
      Region &region = regionOf(cursor, at * regionBytes);
      std::lock_guard lock(region.mutex);
      noted = !region.written;
      if (noted)
        region.note(range, info);
    }
  }
  if (noted)
    return;
  range.forEachRow([&](uint64_t row) {
    forLines(row, range.rowBytes, [&](uint64_t line, const ByteMask &bytes) {
      access(cursor, line, info, bytes, nullptr, observer, found);
    });
  });
}
