//===- Diagnostics.h - Messages about faults and hangs ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
#define HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H

#include "heddle/Runtime/Device.h"
#include "heddle/Runtime/LaunchReport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle::vgpu {

class Cluster;
class Cta;
struct Fault;
struct Launch;
class Warp;
struct Fragment;
struct MbarrierState;

/// "lane 3", "lanes 0-15, 31".
std::string describeLanes(uint32_t mask);
/// "CTA (0,1,0)".
std::string describeCta(const Cta &cta);
/// The same of a CTA that may be gone; with several devices it is told of
/// which: "CTA (0,1,0) of device 1".
std::string describeCta(const Launch &launch, uint32_t device, const Dim3 &id);
/// "warp 3 (producer)".
std::string describeWarpName(const Warp &warp);

/// "CTA (0,1,0), warp 3 (producer), lanes 0-15".
std::string describeThreads(const Warp &warp, uint32_t lanes);

/// The place of instruction `pc` and who was there.
FindingSite getSite(const Warp &warp, uint32_t pc, uint32_t lanes,
                    std::string what = "");

/// The fault of `lanes` of `warp` at instruction `pc`.
Finding describeFault(const Warp &warp, uint32_t pc, uint32_t lanes,
                      const Fault &fault);
/// Why nothing in the cluster can run: a site per group of waiting lanes, the
/// one that the others wait for first.
Finding describeHang(Cluster &cluster);
/// Why `waiting`, all the clusters that run, wait for memory for ever. `fit`
/// clusters fit at one time, and `unstarted` have not begun.
Finding describeStarvation(const std::vector<Cluster *> &waiting, uint64_t fit,
                           uint64_t unstarted);

/// Reports what is unfinished now that all threads of `cluster` have exited.
void reportLeaks(const Cluster &cluster);

/// "512 bytes expected and 256 copied".
std::string describeBytes(const MbarrierState &state);

/// Whether lanes wait for others of their warp to reach the same instruction.
bool isConvergence(const Fragment &fragment);

/// The phase of an mbarrier that lanes wait for.
struct PhaseWait {
  Cta *cta = nullptr;
  uint32_t offset = 0;
  /// 0 or 1, or none if the lanes wait with a state.
  std::optional<uint32_t> parity;
};
/// What the lanes of `fragment` wait for, if it is a phase.
std::optional<PhaseWait> findPhaseWait(Warp &warp, const Fragment &fragment);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
