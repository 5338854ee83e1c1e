//===- Sanitizer.h - What instructions tell the sanitizer -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The sanitizer of a cluster: instructions that touch memory or synchronise
/// say so here, and findings go to the launch. A cluster that is not sanitised
/// has none: `if (Sanitizer *sanitizer = cluster.sanitizer.get())`.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_SANITIZER_H
#define HEDDLE_VIRTUAL_SANITIZER_SANITIZER_H

#include "engine/Warp.h"
#include "heddle/Runtime/Device.h"
#include "heddle/Runtime/LaunchReport.h"
#include "sanitizer/RaceDetector.h"
#include "units/Validity.h"
#include "units/Wgmma.h"

#include <unordered_set>

namespace heddle::vgpu {

class Cluster;

/// How a generic access synchronises.
using AccessSemantics = RaceDetector::Semantics;

/// The scope that a modifier names; `none` without.
Scope scopeOf(std::string_view name, Scope none);

class Sanitizer {
public:
  explicit Sanitizer(Cluster &cluster);
  void start();

  /// `lanes` of `warp` execute `instruction`.
  static Actor actorOf(const Warp &warp, const Instruction &instruction,
                       uint32_t lanes);

  // --- Generic accesses -----------------------------------------------------

  /// Lane l accesses `bytes` at `addresses[l]` of `space`.
  void access(Warp &warp, const Instruction &instruction, uint32_t lanes,
              Space space, const uint64_t *addresses, uint32_t bytes,
              const AccessSemantics &semantics);
  /// The same where all lanes take part, lane l at `first + l * bytes`, and
  /// weakly.
  void accessPacked(Warp &warp, const Instruction &instruction, Space space,
                    uint64_t first, uint32_t bytes, bool write);
  /// The values that an atomic access returned are known now.
  void observe(Warp &warp, const Instruction &instruction, uint32_t lanes,
               Space space, const uint64_t *addresses,
               const AccessSemantics &semantics);
  /// Rows of 16 bytes of `count` matrices: lane l gives row l.
  void matrix(Warp &warp, const Instruction &instruction,
              const uint32_t *offsets, uint32_t count, bool write);
  /// cp.async: `sourceBytes` of the source are read, by `cursor`.
  void copyAsync(Warp &warp, const Instruction &instruction, uint32_t lanes,
                 const uint32_t *offsets, uint32_t bytes,
                 const uint64_t *sources, const uint32_t *sourceBytes,
                 uint32_t cursor);

  // --- Uninitialised memory; see sanitizer/Uninitialized.cpp ----------------

  // Global memory is found by the cursor of this number of the cluster.

  /// Bytes of shared memory have been written, or will be.
  void initialized(const Cta &cta, uint32_t offset, uint32_t bytes);
  /// Those of them that come from bytes of global memory which nothing has
  /// written have not.
  void copied(const Cta &cta, uint32_t offset, uint64_t source, uint32_t bytes,
              uint32_t cursor);
  /// The same for the box of a tensor.
  void copiedBox(const Cta &cta, uint32_t offset, const TensorMapSpec &spec,
                 std::span<const int32_t> coordinates, uint32_t cursor);
  /// `bytes` bytes of global memory at `addresses[l]` of each of `lanes` have
  /// been written, or will be; other spaces are passed over.
  void initialized(Space space, uint32_t lanes, const uint64_t *addresses,
                   uint32_t bytes, uint32_t cursor);
  /// The same for a range.
  void initialized(Space space, uint64_t address, uint32_t bytes,
                   uint32_t cursor);
  /// Whether all of a range has been written.
  bool allInitialized(Space space, uint64_t address, uint32_t bytes,
                      uint32_t cursor);
  /// The same for the `bytes` of each of `lanes`; may be false if they are far
  /// apart.
  bool allInitialized(Space space, uint32_t lanes, const uint64_t *addresses,
                      uint32_t bytes, uint32_t cursor);
  /// Those of `lanes` for which nothing of the `bytes` at `addresses[l]` and
  /// `offset` beyond has been written.
  uint32_t uninitializedLanes(uint32_t lanes, Space space,
                              const uint64_t *addresses, uint32_t offset,
                              uint32_t bytes, uint32_t cursor);
  /// Tainted lanes store: to shared memory, which then holds nothing, or to
  /// global memory, which is reported.
  void storedTaint(Warp &warp, const Instruction &instruction, uint32_t lanes,
                   uint32_t origin, Space space, const uint64_t *addresses,
                   uint32_t offset, uint32_t bytes);
  /// Instruction `at` depends on what `origin` loaded and nobody had written:
  /// it `use`s it.
  void uninitialized(Warp &warp, uint32_t at, uint32_t lanes, uint32_t origin,
                     std::string_view use);

  // --- Bulk copies ----------------------------------------------------------

  /// A copy to shared memory of `target` from global memory.
  void copyToShared(Warp &warp, const Instruction &instruction, uint32_t lane,
                    const Cta &target, uint32_t offset, uint32_t bytes,
                    const GlobalRange &source, const Cta &barrierCta,
                    uint32_t barrier);
  void copyBetweenCtas(Warp &warp, const Instruction &instruction,
                       uint32_t lane, const Cta &target, uint32_t offset,
                       uint32_t source, uint32_t bytes, const Cta &barrierCta,
                       uint32_t barrier, bool reduce = false);
  /// st.async and red.async: registers of `lane` to shared memory of `target`.
  void storeAsync(Warp &warp, const Instruction &instruction, uint32_t lane,
                  const Cta &target, uint32_t offset, uint32_t bytes,
                  const Cta &barrierCta, uint32_t barrier, bool reduce);
  void bulkStore(Warp &warp, const Instruction &instruction, uint32_t lane,
                 uint32_t offset, uint32_t bytes, const GlobalRange &target,
                 bool reduce, uint32_t cursor);
  /// A copy completes after the phase of its mbarrier that it was issued in.
  void lateCopy(const Warp &warp, const Instruction &instruction,
                uint32_t lanes, uint32_t barrier, uint64_t phase);
  /// The TMA unit reads the tensor map at a generic address. `barrier` is null
  /// for stores.
  void readTensorMap(Warp &warp, const Instruction &instruction, uint32_t lane,
                     uint64_t address, const Cta *barrierCta, uint32_t barrier);

  // --- wgmma ----------------------------------------------------------------

  /// The warp issues its part.
  void wgmma(Warp &warp, const Instruction &instruction, const WgmmaOp &op,
             bool aInRegisters, uint64_t descA, uint64_t descB);

  // --- mbarriers ------------------------------------------------------------

  enum class BarrierUse : uint8_t { Init, Inval, Arrive, Relaxed, Other };
  /// Before `lane` does it.
  void mbarrier(Warp &warp, const Instruction &instruction, uint32_t lanes,
                const Cta &cta, uint32_t offset, BarrierUse use);
  void mbarrierWaited(Warp &warp, const Instruction &instruction,
                      uint32_t lanes, const Cta &cta, uint32_t offset,
                      bool acquire);
  /// Before cp.async.mbarrier.arrive.
  void copyAsyncArrive(Warp &warp, const Instruction &instruction,
                       uint32_t lanes, const Cta &cta, uint32_t offset);

  /// Synchronization that needs no translation.
  RaceDetector &races() { return detector; }

private:
  /// An access to the shared memory of one CTA.
  void sharedAccess(const Actor &actor, const uint64_t *addresses,
                    uint32_t bytes, const AccessSemantics &semantics);
  void reportRace(const Race &race);
  void reportInit(const UnsynchronizedInit &init);
  void reportPeer(const RaceDetector::PeerAccess &access);
  FindingSite siteOf(const AccessInfo &access, uint32_t lanes,
                     const RacePlace &place) const;
  static RaceDetector::MbarrierName name(const Cta &cta, uint32_t offset);
  const std::vector<RaceDetector::Piece> &pieces(const WgmmaOp &op, bool isB,
                                                 uint64_t descriptor);

  Cluster &cluster;
  RaceDetector detector;
  /// Of shared memory, by rank.
  std::vector<Validity> validity;
  /// Tiles of wgmma operands by descriptor and shape: few, and used often.
  std::unordered_map<uint64_t, std::vector<RaceDetector::Piece>> tiles;
  /// Pairs of instructions already reported for this cluster.
  std::unordered_set<uint64_t> reported;
  std::unordered_set<uint64_t> reportedUninitialized;
};

/// The rows of global memory that a box of a tensor touches: the part inside.
GlobalRange boxRange(const TensorMapSpec &spec,
                     std::span<const int32_t> coordinates);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_SANITIZER_H
