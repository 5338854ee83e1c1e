//===- Diagnostics.cpp - Messages about faults and hangs ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Diagnostics.h"

#include "engine/Cluster.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

std::string heddle::vgpu::describeLanes(uint32_t mask) {
  if (mask == 0)
    return "no lanes";
  std::string text;
  for (uint32_t lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint32_t last = lane;
    while (last + 1 < warpSize && (mask >> (last + 1) & 1))
      ++last;
    text += text.empty() ? "" : ", ";
    text += last == lane ? fmt::format("{}", lane)
                         : fmt::format("{}-{}", lane, last);
    lane = last;
  }
  return ((mask & (mask - 1)) ? "lanes " : "lane ") + text;
}

std::string heddle::vgpu::describeCta(const Cta &cta) {
  return describeCta(cta.cluster.launch, cta.cluster.device, cta.id);
}

std::string heddle::vgpu::describeCta(const Launch &launch, uint32_t device,
                                      const Dim3 &id) {
  std::string text = fmt::format("CTA ({},{},{})", id.x, id.y, id.z);
  if (launch.devices.size() > 1)
    text += fmt::format(" of device {}", device);
  return text;
}

std::string heddle::vgpu::describeWarpName(const Warp &warp) {
  if (warp.role < 0)
    return fmt::format("warp {}", warp.index);
  return fmt::format("warp {} ({})", warp.index, warp.kernel->roles[warp.role]);
}

std::string heddle::vgpu::describeThreads(const Warp &warp, uint32_t lanes) {
  return fmt::format("{}, {}, {}", describeCta(warp.cta),
                     describeWarpName(warp), describeLanes(lanes));
}

FindingSite heddle::vgpu::getSite(const Warp &warp, uint32_t pc, uint32_t lanes,
                                  std::string what) {
  const Kernel &kernel = *warp.kernel;
  FindingSite site;
  site.what = std::move(what);
  site.ptx = kernel.moduleName;
  if (pc < kernel.info.size()) {
    const InstructionInfo &info = kernel.info[pc];
    site.opcode = info.opcode;
    site.ptxLine = info.line;
    if (info.location.line && kernel.files)
      if (auto it = kernel.files->find(info.location.file);
          it != kernel.files->end()) {
        site.source = it->second;
        site.sourceLine = info.location.line;
      }
  }
  site.thread = describeThreads(warp, lanes);
  return site;
}

std::string heddle::vgpu::describeBytes(const MbarrierState &state) {
  return fmt::format("{} bytes expected and {} copied", state.announced,
                     int64_t(state.announced) - state.tx);
}

Finding heddle::vgpu::describeFault(const Warp &warp, uint32_t pc,
                                    uint32_t lanes, const Fault &fault) {
  Finding finding;
  finding.kind = fault.type.kind;
  finding.cause = fault.type.cause;
  finding.message = fault.message;
  finding.sites.push_back(getSite(warp, pc, lanes));
  finding.sites[0].thread = fmt::format("kernel '{}', {}", warp.kernel->name,
                                        finding.sites[0].thread);
  return finding;
}

Finding heddle::vgpu::describeStarvation(const std::vector<Cluster *> &waiting,
                                         uint64_t fit, uint64_t unstarted) {
  Cluster &first = *waiting.front();
  Finding finding = describeHang(first);
  if (!unstarted)
    return finding;
  finding.cause = CauseClass::Residency;
  finding.message = fmt::format(
      "kernel '{}' hangs: {} of its {} clusters fit {}at one time; all that "
      "run wait, and {} have not begun",
      first.launch.kernel->name, fit, first.launch.clustersPerDevice(),
      first.launch.devices.size() > 1 ? "on each device " : "", unstarted);
  finding.missing = "a write by a CTA that is not resident";
  finding.hint = "launch no more CTAs than fit at one time, or let none wait "
                 "for a later one";
  return finding;
}
