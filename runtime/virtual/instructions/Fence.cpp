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

#include "engine/Cluster.h"
#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <atomic>

using namespace heddle::vgpu;

namespace {

/// Sanitizers tell fences apart.
enum class Kind : uint32_t {
  Memory,
  ProxyAsync,
  MbarrierInit,
  TensorMapAcquire,
  Other,
};

struct FencePayload : Payload {
  Kind kind = Kind::Other;
  Scope scope = Scope::None;
  ThreadAddress map;
  /// Proxy fences: of global memory alone.
  bool globalOnly = false;
};

Flow fence(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const FencePayload *>(i.payload);
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    RaceDetector &races = sanitizer->races();
    Actor actor = Sanitizer::actorOf(warp, i, mask);
    switch (p.kind) {
    case Kind::Memory:
      races.fence(actor, p.scope);
      break;
    case Kind::ProxyAsync:
      races.fenceProxyAsync(actor, p.globalOnly);
      break;
    case Kind::MbarrierInit:
      races.fenceMbarrierInit(actor);
      break;
    case Kind::TensorMapAcquire:
      for (uint32_t rest = mask; rest; rest &= rest - 1) {
        actor.lanes = rest & -rest;
        races.fenceTensorMap(actor,
                             p.map.of(warp, uint32_t(__builtin_ctz(rest))));
      }
      break;
    case Kind::Other:
      break;
    }
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Flow::Next;
}

Handler decodeMembar(Decoder &d) {
  auto *p = d.payload<FencePayload>();
  if (d.mods.take("proxy")) {
    std::string_view proxy =
        d.mods.takeAny({"alias", "async", "async.global", "tensormap"});
    p->kind = proxy.starts_with("async") ? Kind::ProxyAsync : Kind::Other;
    p->globalOnly = proxy == "async.global";
  } else {
    p->kind = Kind::Memory;
    p->scope = scopeOf(d.mods.takeAny({"gl", "sys", "cta", "gpu", "cluster"}),
                       Scope::System);
  }
  d.expectOperands(0);
  return fence;
}

Handler decodeProxyFence(Decoder &d) {
  auto *p = d.payload<FencePayload>();
  std::string_view proxy = d.mods.takeAny(
      {"async", "alias", "tensormap::generic", "async::generic"});
  if (proxy.empty())
    return d.unknown();
  p->globalOnly =
      d.mods.takeAny({"global", "shared::cta", "shared::cluster"}) == "global";
  std::string_view order = d.mods.takeAny({"acquire", "release"});
  d.mods.takeAny({"sync_restrict::shared::cta.cluster",
                  "sync_restrict::shared::cta",
                  "sync_restrict::shared::cluster"});
  p->scope =
      scopeOf(d.mods.takeAny({"cta", "cluster", "gpu", "sys"}), Scope::System);
  // The tensormap acquire names the 128 bytes that it covers.
  bool map = order == "acquire" && proxy == "tensormap::generic";
  d.expectOperands(map ? 2 : 0);
  if (map) {
    p->kind = Kind::TensorMapAcquire;
    p->map = threadAddress(d, d.operand(0), Space::Generic);
  } else if (proxy == "async" || proxy == "async::generic") {
    p->kind = Kind::ProxyAsync;
  } else if (order == "release") {
    // It is a release of its scope, too.
    p->kind = Kind::Memory;
  }
  return fence;
}

Handler decodeFence(Decoder &d) {
  if (d.mods.take("proxy"))
    return decodeProxyFence(d);
  auto *p = d.payload<FencePayload>();
  if (d.mods.take("mbarrier_init")) {
    if (!d.mods.take("release") || !d.mods.take("cluster"))
      return d.unknown();
    p->kind = Kind::MbarrierInit;
    d.expectOperands(0);
    return fence;
  }
  d.mods.takeAny({"sc", "acq_rel", "acquire", "release"});
  d.mods.takeAny(
      {"sync_restrict::shared::cta", "sync_restrict::shared::cluster"});
  std::string_view scope = d.mods.takeAny({"cta", "cluster", "gpu", "sys"});
  if (scope.empty())
    return d.unknown();
  p->kind = Kind::Memory;
  p->scope = scopeOf(scope, Scope::System);
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
