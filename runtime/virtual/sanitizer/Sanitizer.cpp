//===- Sanitizer.cpp - What instructions tell the sanitizer ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Sanitizer.h"

#include "decode/AddressSpace.h"
#include "engine/Cluster.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

Scope heddle::vgpu::scopeOf(std::string_view name, Scope none) {
  return name == "cta"       ? Scope::Cta
         : name == "cluster" ? Scope::Cluster
         : name == "gpu"     ? Scope::Gpu
         : name == "gl"      ? Scope::Gpu
         : name == "sys"     ? Scope::System
                             : none;
}

static RaceDetector::Shape shapeOf(const Cluster &cluster) {
  const Cta &cta = *cluster.ctas.front();
  return {uint32_t(cluster.ctas.size()), uint32_t(cta.warps.size()),
          cta.sharedBytes, uint32_t(cluster.launch.devices.size())};
}

Sanitizer::Sanitizer(Cluster &cluster)
    : cluster(cluster),
      detector(shapeOf(cluster), cluster.launch.globalShadow,
               {[this](const Race &race) { reportRace(race); },
                [this](const UnsynchronizedInit &init) { reportInit(init); },
                [this](const RaceDetector::PeerAccess &access) {
                  reportPeer(access);
                }}) {}

void Sanitizer::start() {
  reported.clear();
  reportedUninitialized.clear();
  validity.resize(cluster.ctas.size());
  // What is reserved for libraries holds what they know of.
  uint32_t reserved = cluster.launch.kernel->reservedSharedBytes;
  for (auto &cta : cluster.ctas) {
    validity[cta->rank].start(cta->sharedBytes);
    if (reserved)
      validity[cta->rank].add(0, reserved);
  }
  std::vector<uint32_t> lanes;
  for (auto &warp : cluster.ctas.front()->warps)
    lanes.push_back(warp->live);
  detector.start(uint32_t(cluster.index), lanes, cluster.device);
}

Actor Sanitizer::actorOf(const Warp &warp, const Instruction &instruction,
                         uint32_t lanes) {
  return {warp.cta.rank, warp.index, lanes, warp.indexOf(instruction)};
}

RaceDetector::MbarrierName Sanitizer::name(const Cta &cta, uint32_t offset) {
  const MbarrierState *state = cta.mbarriers.find(offset);
  return {cta.rank, offset, state ? state->phase : 0};
}

// --- Generic accesses --------------------------------------------------------

/// Calls `body(address)` for each of `lanes`: a loop of vectors if that is all.
template <typename Address, typename F>
static void forAddresses(uint32_t lanes, const Address *addresses, F &&body) {
  if (lanes == fullMask)
    for (uint32_t l = 0; l < warpSize; ++l)
      body(addresses[l]);
  else
    Warp::forBits(lanes, [&](uint32_t l) { body(addresses[l]); });
}

void Sanitizer::sharedAccess(const Actor &actor, const uint64_t *addresses,
                             uint32_t bytes, const AccessSemantics &semantics) {
  uint32_t first = uint32_t(addresses[__builtin_ctz(actor.lanes)]);
  uint32_t rank = first >> sharedRankShift;
  uint32_t offsets[warpSize];
  for (uint32_t l = 0; l < warpSize; ++l)
    offsets[l] = uint32_t(addresses[l]) & sharedOffsetMask;
  if (semantics.write && rank < validity.size()) {
    uint32_t low = first & sharedOffsetMask, high = low;
    forAddresses(actor.lanes, offsets, [&](uint32_t offset) {
      low = std::min(low, offset);
      high = std::max(high, offset);
    });
    if (!validity[rank].all(low, high - low + bytes))
      Warp::forBits(actor.lanes,
                    [&](uint32_t l) { validity[rank].add(offsets[l], bytes); });
  }
  detector.shared(actor, rank, offsets, bytes, semantics);
}

void Sanitizer::access(Warp &warp, const Instruction &instruction,
                       uint32_t lanes, Space space, const uint64_t *addresses,
                       uint32_t bytes, const AccessSemantics &semantics) {
  if (space == Space::Local || space == Space::Param)
    return;
  Actor actor = actorOf(warp, instruction, lanes);
  if (space == Space::Global)
    return detector.global(actor, addresses, bytes, semantics);
  auto meant = [&](uint64_t address) {
    return space == Space::Generic ? spaceOf(address) : space;
  };
  while (lanes) {
    uint64_t first = addresses[__builtin_ctz(lanes)], apart = 0;
    forAddresses(lanes, addresses,
                 [&](uint64_t address) { apart |= address ^ first; });
    actor.lanes = lanes;
    // Lanes may mean different spaces and CTAs, but mostly do not.
    if (apart >> sharedRankShift)
      Warp::forBits(lanes, [&](uint32_t l) {
        if (meant(addresses[l]) != meant(first) ||
            (meant(first) == Space::Shared &&
             uint32_t(addresses[l] ^ first) >> sharedRankShift))
          actor.lanes &= ~(1u << l);
      });
    lanes &= ~actor.lanes;
    if (meant(first) == Space::Shared)
      sharedAccess(actor, addresses, bytes, semantics);
    else if (meant(first) == Space::Global)
      detector.global(actor, addresses, bytes, semantics);
  }
}

void Sanitizer::accessPacked(Warp &warp, const Instruction &instruction,
                             Space space, uint64_t first, uint32_t bytes,
                             bool write) {
  if (space == Space::Generic)
    space = spaceOf(first);
  Actor actor = actorOf(warp, instruction, fullMask);
  if (space == Space::Shared) {
    uint32_t rank = uint32_t(first) >> sharedRankShift,
             offset = uint32_t(first) & sharedOffsetMask;
    if (write && rank < validity.size())
      validity[rank].add(offset, warpSize * bytes);
    detector.sharedPacked(actor, rank, offset, bytes, write);
  } else if (space == Space::Global)
    detector.globalPacked(actor, first, bytes, write);
}

void Sanitizer::observe(Warp &warp, const Instruction &instruction,
                        uint32_t lanes, Space space, const uint64_t *addresses,
                        const AccessSemantics &semantics) {
  for (uint32_t rest = lanes; rest; rest &= rest - 1) {
    uint32_t l = uint32_t(__builtin_ctz(rest));
    Space meant = space == Space::Generic ? spaceOf(addresses[l]) : space;
    Actor actor = actorOf(warp, instruction, 1u << l);
    uint32_t window = uint32_t(addresses[l]);
    if (meant == Space::Shared)
      detector.observe(actor, true, window >> sharedRankShift,
                       window & sharedOffsetMask, semantics);
    else if (meant == Space::Global)
      detector.observe(actor, false, 0, addresses[l], semantics);
  }
}

void Sanitizer::matrix(Warp &warp, const Instruction &instruction,
                       const uint32_t *offsets, uint32_t count, bool write) {
  constexpr uint32_t rowBytes = 16;
  AccessSemantics semantics;
  semantics.write = write;
  if (write)
    for (uint32_t row = 0; row < count * 8; ++row)
      initialized(warp.cta, offsets[row], rowBytes);
  // Lane l holds four bytes of row l / 4 of each matrix.
  for (uint32_t n = 0; n < count; ++n) {
    uint32_t pieces[warpSize];
    for (uint32_t l = 0; l < warpSize; ++l)
      pieces[l] = offsets[n * 8 + l / 4] + l % 4 * (rowBytes / 4);
    detector.shared(actorOf(warp, instruction, fullMask), warp.cta.rank, pieces,
                    rowBytes / 4, semantics);
  }
}

void Sanitizer::copyAsync(Warp &warp, const Instruction &instruction,
                          uint32_t lanes, const uint32_t *offsets,
                          uint32_t bytes, const uint64_t *sources,
                          const uint32_t *sourceBytes, uint32_t cursor) {
  Warp::forBits(lanes, [&](uint32_t l) {
    initialized(warp.cta, offsets[l], bytes);
    copied(warp.cta, offsets[l], sources[l], sourceBytes[l], cursor);
  });
  detector.copyAsync(actorOf(warp, instruction, lanes), offsets, bytes, sources,
                     sourceBytes);
}

// --- Bulk copies -------------------------------------------------------------

GlobalRange heddle::vgpu::boxRange(const TensorMapSpec &spec,
                                   std::span<const int32_t> coordinates) {
  uint32_t elementBytes = heddle::elementBytes(spec.type);
  GlobalRange range;
  range.address = spec.address;
  for (uint32_t d = 0; d < spec.rank; ++d) {
    uint64_t step = d ? spec.elementStrides[d] : 1;
    int64_t first = coordinates[d];
    int64_t end = std::min<int64_t>(first + spec.box[d], int64_t(spec.dims[d]));
    // The first element inside.
    if (first < 0)
      first += int64_t((uint64_t(-first) + step - 1) / step * step);
    if (first >= end)
      return {};
    uint64_t count = (uint64_t(end - first) + step - 1) / step;
    uint64_t pitch = d ? spec.strides[d - 1] : elementBytes;
    range.address += uint64_t(first) * pitch;
    if (d == 0) {
      range.rowBytes = uint32_t(count) * elementBytes;
    } else {
      range.counts[d - 1] = uint32_t(count);
      range.strides[d - 1] = pitch * step;
    }
  }
  return range;
}

void Sanitizer::copyToShared(Warp &warp, const Instruction &instruction,
                             uint32_t lane, const Cta &target, uint32_t offset,
                             uint32_t bytes, const GlobalRange &source,
                             const Cta &barrierCta, uint32_t barrier) {
  initialized(target, offset, bytes);
  detector.copyToShared(actorOf(warp, instruction, 1u << lane), target.rank,
                        offset, bytes, name(barrierCta, barrier), {}, source);
}

void Sanitizer::copyBetweenCtas(Warp &warp, const Instruction &instruction,
                                uint32_t lane, const Cta &target,
                                uint32_t offset, uint32_t source,
                                uint32_t bytes, const Cta &barrierCta,
                                uint32_t barrier, bool reduce) {
  initialized(target, offset, bytes);
  detector.copyToShared(actorOf(warp, instruction, 1u << lane), target.rank,
                        offset, bytes, name(barrierCta, barrier),
                        {.strong = reduce ? Scope::Cluster : Scope::None},
                        source);
}

void Sanitizer::storeAsync(Warp &warp, const Instruction &instruction,
                           uint32_t lane, const Cta &target, uint32_t offset,
                           uint32_t bytes, const Cta &barrierCta,
                           uint32_t barrier, bool reduce) {
  initialized(target, offset, bytes);
  detector.copyToShared(
      actorOf(warp, instruction, 1u << lane), target.rank, offset, bytes,
      name(barrierCta, barrier),
      {.generic = true, .strong = reduce ? Scope::Cluster : Scope::None}, {});
}

void Sanitizer::bulkStore(Warp &warp, const Instruction &instruction,
                          uint32_t lane, uint32_t offset, uint32_t bytes,
                          const GlobalRange &target, bool reduce,
                          uint32_t cursor) {
  GlobalMemory::Cursor &global = cluster.cursors[cursor];
  bool known = true;
  target.forEachRow([&](uint64_t row) {
    known &= !reduce || global.allWritten(row, target.rowBytes);
    global.write(row, target.rowBytes);
  });
  if (!known) {
    uint32_t at = warp.indexOf(instruction);
    uninitialized(warp, at, 1u << lane, at, "combines with it");
  }
  detector.bulkStore(actorOf(warp, instruction, 1u << lane), offset, bytes,
                     target, reduce);
}

void Sanitizer::readTensorMap(Warp &warp, const Instruction &instruction,
                              uint32_t lane, uint64_t address,
                              const Cta *barrierCta, uint32_t barrier) {
  // Parameters do not change.
  if (spaceOf(address) != Space::Global)
    return;
  Actor actor = actorOf(warp, instruction, 1u << lane);
  if (!barrierCta)
    return detector.readTensorMap(actor, address, nullptr);
  RaceDetector::MbarrierName counted = name(*barrierCta, barrier);
  detector.readTensorMap(actor, address, &counted);
}

// --- wgmma -------------------------------------------------------------------

const std::vector<RaceDetector::Piece> &
Sanitizer::pieces(const WgmmaOp &op, bool isB, uint64_t descriptor) {
  // The bits of a descriptor that have a meaning leave room for the shape.
  uint64_t key = (descriptor & 0xc0003fff3fff3fffull) |
                 uint64_t(isB ? op.n / 8 : 8) << 49 |
                 uint64_t(isB ? op.transB : op.transA) << 48 |
                 uint64_t(op.elementBytes() / 2) << 46 | uint64_t(isB) << 30;
  auto [at, inserted] = tiles.try_emplace(key);
  if (!inserted)
    return at->second;
  std::vector<RaceDetector::Piece> &result = at->second;
  for (uint32_t chunk : wgmmaChunks(op, isB, descriptor)) {
    uint32_t line = chunk / lineBytes, begin = chunk % lineBytes;
    if (chunk + 16 > cluster.ctas.front()->sharedBytes)
      continue; // a fault when it runs
    auto piece =
        std::find_if(result.begin(), result.end(),
                     [&](const auto &known) { return known.line == line; });
    if (piece == result.end())
      piece = result.insert(piece, RaceDetector::Piece{line, {}});
    piece->bytes.add(begin, begin + 16);
  }
  return result;
}

void Sanitizer::wgmma(Warp &warp, const Instruction &instruction,
                      const WgmmaOp &op, bool aInRegisters, uint64_t descA,
                      uint64_t descB) {
  Actor actor = actorOf(warp, instruction, fullMask);
  if (!detector.wgmma(actor))
    return;
  if (!aInRegisters)
    detector.wgmmaReads(actor, pieces(op, false, descA));
  detector.wgmmaReads(actor, pieces(op, true, descB));
  detector.wgmmaDone(actor);
}

// --- mbarriers ---------------------------------------------------------------

void Sanitizer::mbarrier(Warp &warp, const Instruction &instruction,
                         uint32_t lanes, const Cta &cta, uint32_t offset,
                         BarrierUse use) {
  Actor actor = actorOf(warp, instruction, lanes);
  switch (use) {
  case BarrierUse::Init:
    initialized(cta, offset, sizeof(uint64_t));
    return detector.mbarrierInit(actor, cta.rank, offset);
  case BarrierUse::Inval:
    return detector.mbarrierInval(actor, cta.rank, offset);
  case BarrierUse::Arrive:
  case BarrierUse::Relaxed:
    return detector.mbarrierArrive(actor, name(cta, offset),
                                   use == BarrierUse::Arrive);
  case BarrierUse::Other:
    return detector.mbarrierUse(actor, cta.rank, offset);
  }
}

void Sanitizer::mbarrierWaited(Warp &warp, const Instruction &instruction,
                               uint32_t lanes, const Cta &cta, uint32_t offset,
                               bool acquire) {
  detector.mbarrierWaited(actorOf(warp, instruction, lanes), name(cta, offset),
                          acquire);
}

void Sanitizer::copyAsyncArrive(Warp &warp, const Instruction &instruction,
                                uint32_t lanes, const Cta &cta,
                                uint32_t offset) {
  detector.copyAsyncArrive(actorOf(warp, instruction, lanes),
                           name(cta, offset));
}
