//===- TensorMapReads.cpp - Who changed a tensor map ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

void RaceDetector::fenceTensorMap(const Actor &actor, uint64_t address) {
  WarpState &warp = warpOf(actor);
  std::erase_if(warp.maps, [&](const WarpState::MapView &view) {
    return view.address == address;
  });
  WarpState::MapView &view = warp.maps.emplace_back();
  view.address = address;
  view.lanes = actor.lanes;
  warp.clocks.publish(actor.lanes, view.known);
}

void RaceDetector::readTensorMap(const Actor &actor, uint64_t address,
                                 const MbarrierName *barrier) {
  if (!globalShadow)
    return;
  std::optional<AccessInfo> info =
      barrier ? copyInfo(actor, *barrier)
              : asyncInfo(actor, bulkReadAgent(warpNumber(actor)),
                          warpOf(actor).bulkClock);
  if (!info)
    return;
  // Generic writes are visible to the tensor map proxy as far as its own fence
  // says.
  Knowledge known = published(actor);
  known.fenced.clear();
  for (auto &[number, local] : known.foreign) {
    auto unfenced = std::make_shared<LocalKnowledge>(*local);
    unfenced->fenced.clear();
    local = std::move(unfenced);
  }
  for (const WarpState::MapView &view : warpOf(actor).maps) {
    if (view.address != address || (view.lanes & actor.lanes) == 0)
      continue;
    known.fenced = view.known.seen;
    for (auto &[number, local] : known.foreign)
      if (auto at = view.known.foreign.find(number);
          at != view.known.foreign.end()) {
        auto fenced = std::make_shared<LocalKnowledge>(*local);
        fenced->fenced = at->second->seen;
        local = std::move(fenced);
      }
  }
  Observer observer(known, cluster, /*async=*/true);
  GlobalRange range;
  range.address = address;
  range.rowBytes = 128;
  touchGlobal(range, *info, observer);
}
