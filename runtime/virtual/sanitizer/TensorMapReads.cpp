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
  using Local = ClusterKnowledge::Local;
  known.foreign.transform([](uint32_t, const Local &local) {
    auto unfenced = std::make_shared<LocalKnowledge>(*local);
    unfenced->fenced.clear();
    return unfenced;
  });
  for (const WarpState::MapView &view : warpOf(actor).maps) {
    if (view.address != address || (view.lanes & actor.lanes) == 0)
      continue;
    known.fenced = view.known.seen;
    known.foreign.transform([&](uint32_t number, const Local &local) -> Local {
      const LocalKnowledge *viewed = view.known.foreign.find(number);
      if (!viewed)
        return local;
      auto fenced = std::make_shared<LocalKnowledge>(*local);
      fenced->fenced = viewed->seen;
      return fenced;
    });
  }
  Observer observer(known, cluster, /*async=*/true);
  GlobalRange range;
  range.address = address;
  range.rowBytes = 128;
  touchGlobal(range, *info, observer);
}
