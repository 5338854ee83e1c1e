//===- Fence.cpp - Fences -------------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A cluster runs on one host thread in program order, so its fences have
/// nothing to do. Between clusters, fences order host memory.
///
//===----------------------------------------------------------------------===//

#include "engine/Warp.h"
#include "instructions/Table.h"

#include <atomic>

using namespace heddle::vgpu;

namespace {

Flow fence(Warp &, const Instruction &, uint32_t) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Flow::Next;
}

Handler decodeMembar(Decoder &d) {
  if (d.mods.take("proxy"))
    d.mods.takeAny({"alias", "async", "async.global", "tensormap"});
  else
    d.mods.takeAny({"gl", "sys", "cta", "gpu", "cluster"});
  d.expectOperands(0);
  return fence;
}

Handler decodeFence(Decoder &d) {
  if (d.mods.take("mbarrier_init")) {
    if (!d.mods.take("release") || !d.mods.take("cluster"))
      return d.unknown();
    d.expectOperands(0);
    return fence;
  }
  if (d.mods.take("proxy")) {
    std::string_view proxy = d.mods.takeAny(
        {"async", "alias", "tensormap::generic", "async::generic"});
    if (proxy.empty())
      return d.unknown();
    d.mods.takeAny({"global", "shared::cta", "shared::cluster"});
    std::string_view order = d.mods.takeAny({"acquire", "release"});
    d.mods.takeAny({"sync_restrict::shared::cta.cluster",
                    "sync_restrict::shared::cta",
                    "sync_restrict::shared::cluster"});
    d.mods.takeAny({"cta", "cluster", "gpu", "sys"});
    // The tensormap acquire names the 128 bytes that it covers.
    d.expectOperands(order == "acquire" && proxy == "tensormap::generic" ? 2
                                                                         : 0);
    return fence;
  }
  d.mods.takeAny({"sc", "acq_rel", "acquire", "release"});
  d.mods.takeAny(
      {"sync_restrict::shared::cta", "sync_restrict::shared::cluster"});
  if (d.mods.takeAny({"cta", "cluster", "gpu", "sys"}).empty())
    return d.unknown();
  d.expectOperands(0);
  return fence;
}

constexpr RowEffects fenceEffects{.sync = fences | acquires | releases};

constexpr InstructionRow rows[] = {
    {"fence.(sc|acq_rel).<scope>", decodeFence, fenceEffects, Timing::Sync},
    {"fence.(acquire|release).<scope>",
     decodeFence,
     {.sync = fences},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.(acquire|release)"
     ".(sync_restrict::shared::cta|sync_restrict::shared::cluster).cluster",
     decodeFence,
     {.sync = fences},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.mbarrier_init.release.cluster",
     decodeFence,
     {.sync = fences | releases},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.proxy.alias", decodeFence, {.sync = fences}, Timing::Sync},
    {"fence.proxy.async{.(global|shared::cta|shared::cluster)}",
     decodeFence,
     {.proxy = Proxy::Async, .sync = fences},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.proxy.tensormap::generic.release.<scope>",
     decodeFence,
     {.proxy = Proxy::Tensormap, .sync = fences | releases},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.proxy.tensormap::generic.acquire.<scope>",
     decodeFence,
     {.proxy = Proxy::Tensormap,
      .sync = fences | acquires,
      .sinks = addressSink},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"fence.proxy.async::generic.(acquire|release)"
     ".(sync_restrict::shared::cta|sync_restrict::shared::cluster).cluster",
     decodeFence,
     {.proxy = Proxy::Async, .sync = fences},
     Timing::Sync,
     Fidelity::Exact,
     900},
    {"membar.(cta|gl|sys)", decodeMembar, fenceEffects, Timing::Sync},
    {"membar.proxy.(alias|async|tensormap)",
     decodeMembar,
     {.sync = fences},
     Timing::Sync},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::fenceInstructions() {
  return rows;
}
