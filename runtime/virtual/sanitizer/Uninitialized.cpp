//===- Uninitialized.cpp - Memory that nobody has written -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/AddressSpace.h"
#include "engine/Cluster.h"
#include "engine/Diagnostics.h"
#include "sanitizer/Sanitizer.h"
#include "units/TmaBox.h"

#include <fmt/format.h>
#include <ranges>

using namespace heddle;
using namespace heddle::vgpu;

static Space meant(Space space, uint64_t address) {
  return space == Space::Generic ? spaceOf(address) : space;
}

void Sanitizer::initialized(const Cta &cta, uint32_t offset, uint32_t bytes) {
  validity[cta.rank].add(offset, bytes);
}

void Sanitizer::copied(const Cta &cta, uint32_t offset, uint64_t source,
                       uint32_t bytes, uint32_t cursor) {
  GlobalMemory::Cursor &global = cluster.cursors[cursor];
  if (!bytes || global.allWritten(source, bytes)) [[likely]]
    return;
  for (uint32_t i = 0; i < bytes; ++i)
    if (global.noneWritten(source + i, 1))
      validity[cta.rank].remove(offset + i, 1);
}

void Sanitizer::copiedBox(const Cta &cta, uint32_t offset,
                          const TensorMapSpec &spec,
                          std::span<const int32_t> coordinates,
                          uint32_t cursor) {
  if (cluster.cursors[cursor].isWholeWritten(spec.address)) [[likely]]
    return;
  constexpr uint32_t chunkBytes = 16;
  (void)forEachRow(spec, coordinates, [&](const TmaRow &row) -> Checked<void> {
    if (cluster.cursors[cursor].allWritten(row.address,
                                           row.insideEnd - row.insideBegin))
      return {};
    for (uint32_t at = row.insideBegin; at < row.insideEnd;) {
      // Swizzles move chunks.
      uint32_t end =
          std::min(row.insideEnd, (at / chunkBytes + 1) * chunkBytes);
      copied(cta, swizzle(offset + row.boxOffset + at, spec.swizzle),
             row.address + (at - row.insideBegin), end - at, cursor);
      at = end;
    }
    return {};
  });
}

void Sanitizer::initialized(Space space, uint32_t lanes,
                            const uint64_t *addresses, uint32_t bytes,
                            uint32_t cursor) {
  Warp::forBits(lanes, [&](uint32_t l) {
    initialized(space, addresses[l], bytes, cursor);
  });
}

void Sanitizer::initialized(Space space, uint64_t address, uint32_t bytes,
                            uint32_t cursor) {
  if (meant(space, address) == Space::Global)
    cluster.cursors[cursor].write(address, bytes);
}

bool Sanitizer::allInitialized(Space space, uint64_t address, uint32_t bytes,
                               uint32_t cursor) {
  switch (meant(space, address)) {
  case Space::Global:
    return cluster.cursors[cursor].allWritten(address, bytes);
  case Space::Shared: {
    uint32_t rank = uint32_t(address) >> sharedRankShift;
    return rank >= validity.size() ||
           validity[rank].all(uint32_t(address) & sharedOffsetMask, bytes);
  }
  default:
    return true;
  }
}

bool Sanitizer::allInitialized(Space space, uint32_t lanes,
                               const uint64_t *addresses, uint32_t bytes,
                               uint32_t cursor) {
  uint64_t low = addresses[__builtin_ctz(lanes)], high = low;
  auto widen = [&](uint32_t l) {
    low = std::min(low, addresses[l]);
    high = std::max(high, addresses[l]);
  };
  if (lanes == fullMask)
    for (uint32_t l = 0; l < warpSize; ++l)
      widen(l);
  else
    Warp::forBits(lanes, widen);
  if (space == Space::Generic && spaceOf(low) != spaceOf(high))
    return false;
  switch (meant(space, low)) {
  case Space::Global: {
    // Lanes may be far apart, with much between them.
    GlobalMemory::Cursor &global = cluster.cursors[cursor];
    if (global.resolve(low, high - low + bytes) && global.isWholeWritten(low))
        [[likely]]
      return true;
    return std::ranges::all_of(std::views::iota(0u, warpSize), [&](uint32_t l) {
      return !(lanes >> l & 1) || global.allWritten(addresses[l], bytes);
    });
  }
  case Space::Shared:
    return uint32_t(low) >> sharedRankShift ==
               uint32_t(high) >> sharedRankShift &&
           allInitialized(space, low, uint32_t(high - low) + bytes, cursor);
  default:
    return true;
  }
}

uint32_t Sanitizer::uninitializedLanes(uint32_t lanes, Space space,
                                       const uint64_t *addresses,
                                       uint32_t offset, uint32_t bytes,
                                       uint32_t cursor) {
  uint32_t result = 0;
  auto isFresh = [&](uint64_t address) {
    switch (meant(space, address)) {
    case Space::Global:
      return cluster.cursors[cursor].noneWritten(address, bytes);
    case Space::Shared: {
      uint32_t rank = uint32_t(address) >> sharedRankShift;
      return rank < validity.size() &&
             validity[rank].none(uint32_t(address) & sharedOffsetMask, bytes);
    }
    default:
      return false;
    }
  };
  Warp::forBits(lanes, [&](uint32_t l) {
    if (isFresh(addresses[l] + offset))
      result |= 1u << l;
  });
  return result;
}

void Sanitizer::storedTaint(Warp &warp, const Instruction &instruction,
                            uint32_t lanes, uint32_t origin, Space space,
                            const uint64_t *addresses, uint32_t offset,
                            uint32_t bytes) {
  uint32_t global = 0;
  Warp::forBits(lanes, [&](uint32_t l) {
    uint64_t address = addresses[l] + offset;
    uint32_t rank = uint32_t(address) >> sharedRankShift;
    switch (meant(space, address)) {
    case Space::Global:
      global |= 1u << l;
      break;
    case Space::Shared:
      if (rank < validity.size())
        validity[rank].remove(uint32_t(address) & sharedOffsetMask, bytes);
      break;
    default:
      break;
    }
  });
  if (global)
    uninitialized(warp, warp.indexOf(instruction), global, origin,
                  "stores it to global memory");
}

void Sanitizer::uninitialized(Warp &warp, uint32_t at, uint32_t lanes,
                              uint32_t origin, std::string_view use) {
  if (!reportedUninitialized.insert(uint64_t(origin) << 32 | at).second)
    return;
  Finding finding;
  finding.kind = FindingKind::Uninitialized;
  finding.cause = CauseClass::UninitializedMemory;
  finding.message =
      fmt::format("memory that nothing has written decides what the program "
                  "does: {} {}",
                  warp.kernel->info[at].opcode, use);
  finding.sites.push_back(getSite(warp, at, lanes, std::string(use)));
  finding.sites.push_back(
      getSite(warp, origin, lanes, "loads what nothing has written"));
  finding.missing = "a write of that memory before the load";
  cluster.report(std::move(finding));
}
