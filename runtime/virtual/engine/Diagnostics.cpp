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
  return fmt::format("CTA ({},{},{})", cta.id.x, cta.id.y, cta.id.z);
}

std::string heddle::vgpu::describeWarpName(const Warp &warp) {
  if (warp.role < 0)
    return fmt::format("warp {}", warp.index);
  return fmt::format("warp {} ({})", warp.index, warp.kernel->roles[warp.role]);
}

Error heddle::vgpu::describeFault(const Warp &warp, uint32_t pc, uint32_t lanes,
                                  std::string_view message) {
  return {ErrorKind::Fault,
          fmt::format("{}: {}: {}\n  in kernel '{}', {}, {}, {}",
                      warp.kernel->place(pc), warp.kernel->info[pc].opcode,
                      message, warp.kernel->name, describeCta(warp.cta),
                      describeWarpName(warp), describeLanes(lanes))};
}

Error heddle::vgpu::describeHang(Cluster &cluster) {
  const Kernel &kernel = *cluster.launch.kernel;
  std::string text = fmt::format(
      "kernel '{}' hangs: no warp of {} can run and no copy is in flight",
      kernel.name, describeCta(*cluster.ctas.front()));
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps) {
      std::string name =
          cluster.ctas.size() > 1 ? describeCta(*cta) + ", " : std::string();
      name += describeWarpName(*warp);
      if (warp->done()) {
        text += fmt::format("\n  {}: has exited", name);
        continue;
      }
      for (const Fragment &fragment : warp->fragments) {
        std::string what = "runs";
        if (fragment.wait)
          what = fragment.wait->describe(*warp, fragment);
        uint32_t at = fragment.instruction && fragment.wait
                          ? warp->indexOf(*fragment.instruction)
                          : fragment.pc;
        text +=
            fmt::format("\n  {}, {}: {} at {}", name,
                        describeLanes(fragment.mask), what, kernel.place(at));
      }
    }
  return {ErrorKind::Fault, text};
}
