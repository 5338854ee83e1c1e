//===- Diagnostics.h - Messages about faults and hangs ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
#define HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H

#include "heddle/Runtime/Error.h"

#include <cstdint>

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

/// The fault of `lanes` of `warp` at instruction `pc`.
Error describeFault(const Warp &warp, uint32_t pc, uint32_t lanes,
                    std::string_view message);
/// Why nothing in the cluster can run: one line per group of waiting lanes.
Error describeHang(Cluster &cluster);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_DIAGNOSTICS_H
