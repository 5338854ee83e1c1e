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

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

static Space meant(Space space, uint64_t address) {
  return space == Space::Generic ? spaceOf(address) : space;
}

void Sanitizer::initialized(const Cta &cta, uint32_t offset, uint32_t bytes) {
  validity[cta.rank].add(offset, bytes);
}

bool Sanitizer::allInitialized(Space space, uint64_t address, uint32_t bytes) {
  if (meant(space, address) != Space::Shared)
    return true;
  uint32_t rank = uint32_t(address) >> sharedRankShift;
  return rank >= validity.size() ||
         validity[rank].all(uint32_t(address) & sharedOffsetMask, bytes);
}

bool Sanitizer::allInitialized(Space space, uint32_t lanes,
                               const uint64_t *addresses, uint32_t bytes) {
  if (space == Space::Global)
    return true;
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
  if (meant(space, low) != Space::Shared)
    return true;
  if (uint32_t(low) >> sharedRankShift != uint32_t(high) >> sharedRankShift)
    return false;
  return allInitialized(space, low, uint32_t(high - low) + bytes);
}

uint32_t Sanitizer::uninitializedLanes(uint32_t lanes, Space space,
                                       const uint64_t *addresses,
                                       uint32_t offset, uint32_t bytes) {
  uint32_t result = 0;
  Warp::forBits(lanes, [&](uint32_t l) {
    uint64_t address = addresses[l] + offset;
    uint32_t rank = uint32_t(address) >> sharedRankShift;
    if (meant(space, address) == Space::Shared && rank < validity.size() &&
        validity[rank].none(uint32_t(address) & sharedOffsetMask, bytes))
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
