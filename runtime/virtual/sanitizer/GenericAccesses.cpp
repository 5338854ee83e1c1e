//===- GenericAccesses.cpp - Loads, stores and cp.async ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/LaneSplit.h"
#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

/// Calls `body(lanes, address)` for each address and the lanes that have it.
template <typename Address, typename F>
static void forEachAddress(const Actor &actor, const Address *addresses,
                           F &&body) {
  for (uint32_t rest = actor.lanes; rest;) {
    Address address = addresses[__builtin_ctz(rest)];
    Actor same = actor;
    same.lanes = 0;
    for (uint32_t r = rest; r; r &= r - 1)
      same.lanes |= uint32_t(addresses[__builtin_ctz(r)] == address)
                    << __builtin_ctz(r);
    rest &= ~same.lanes;
    body(same, address);
  }
}

void RaceDetector::shared(const Actor &actor, uint32_t rank,
                          const uint32_t *offsets, uint32_t bytes,
                          const Semantics &semantics) {
  if (semantics.scope != Scope::None)
    forEachAddress(actor, offsets, [&](const Actor &same, uint32_t offset) {
      synchronize(same, uint64_t(rank) << 32 | offset, true, semantics);
    });
  AccessInfo info = infoOf(actor);
  info.write = semantics.write;
  info.strong = semantics.scope;
  Observer observer(warpOf(actor).clocks, cluster);
  splitLanes(actor.lanes, info, offsets, bytes,
             [&](auto &&...line) { touchShared(rank, line..., observer); });
}

void RaceDetector::sharedPacked(const Actor &actor, uint32_t rank,
                                uint32_t offset, uint32_t bytes, bool write) {
  AccessInfo info = infoOf(actor);
  info.write = write;
  Observer observer(warpOf(actor).clocks, cluster);
  splitPacked(info, offset, bytes,
              [&](auto &&...line) { touchShared(rank, line..., observer); });
}

void RaceDetector::global(const Actor &actor, const uint64_t *addresses,
                          uint32_t bytes, const Semantics &semantics) {
  if (!globalShadow)
    return;
  if (semantics.scope != Scope::None)
    forEachAddress(actor, addresses, [&](const Actor &same, uint64_t address) {
      synchronize(same, address, false, semantics);
    });
  AccessInfo info = infoOf(actor);
  info.write = semantics.write;
  info.strong = semantics.scope;
  Observer observer(warpOf(actor).clocks, cluster);
  splitLanes(actor.lanes, info, addresses, bytes,
             [&](auto &&...line) { touchGlobal(line..., observer); });
}

void RaceDetector::globalPacked(const Actor &actor, uint64_t address,
                                uint32_t bytes, bool write) {
  if (!globalShadow)
    return;
  AccessInfo info = infoOf(actor);
  info.write = write;
  Observer observer(warpOf(actor).clocks, cluster);
  splitPacked(info, address, bytes,
              [&](auto &&...line) { touchGlobal(line..., observer); });
}

void RaceDetector::copyAsync(const Actor &actor, const uint32_t *offsets,
                             uint32_t bytes, const uint64_t *sources,
                             const uint32_t *sourceBytes) {
  WarpState &warp = warpOf(actor);
  AccessInfo info = infoOf(actor);
  info.agent = copyAgent(warpNumber(actor));
  info.clock = warp.copyClock;
  Observer observer(warp.clocks, cluster);
  if (globalShadow) {
    uint32_t readers = actor.lanes;
    for (uint32_t rest = actor.lanes; rest; rest &= rest - 1)
      if (sourceBytes[__builtin_ctz(rest)] < bytes)
        readers &= ~(rest & -rest);
    if (readers)
      splitLanes(readers, info, sources, bytes,
                 [&](auto &&...line) { touchGlobal(line..., observer); });
  }
  info.write = true;
  splitLanes(actor.lanes, info, offsets, bytes, [&](auto &&...line) {
    touchShared(actor.rank, line..., observer);
  });
}
