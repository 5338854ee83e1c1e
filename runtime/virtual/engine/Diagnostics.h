//===- Diagnostics.h - Messages about faults and hangs ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
#define HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H

#include "heddle/Runtime/LaunchReport.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace heddle::vgpu {

class Cluster;
class Cta;
class Warp;

/// "lane 3", "lanes 0-15, 31".
std::string describeLanes(uint32_t mask);
/// "CTA (0,1,0)".
std::string describeCta(const Cta &cta);
/// "warp 3 (producer)".
std::string describeWarpName(const Warp &warp);

/// "CTA (0,1,0), warp 3 (producer), lanes 0-15".
std::string describeThreads(const Warp &warp, uint32_t lanes);

/// The place of instruction `pc` and who was there.
FindingSite getSite(const Warp &warp, uint32_t pc, uint32_t lanes,
                    std::string what = "");

struct FaultClass {
  FindingKind kind = FindingKind::Fault;
  CauseClass cause = CauseClass::Unknown;
};
/// What kind of defect the message of a fault tells of.
FaultClass classifyFault(std::string_view message);

/// The fault of `lanes` of `warp` at instruction `pc`.
Finding describeFault(const Warp &warp, uint32_t pc, uint32_t lanes,
                      std::string_view message);
/// Why nothing in the cluster can run: a site per group of waiting lanes.
Finding describeHang(Cluster &cluster);
/// Why `waiting`, all the clusters that run, wait for memory for ever. `fit`
/// clusters fit at one time, and `unstarted` have not begun.
Finding describeStarvation(const std::vector<Cluster *> &waiting, uint64_t fit,
                           uint64_t unstarted);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
