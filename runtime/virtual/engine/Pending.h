//===- Pending.h - Asynchronous operations in flight ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Everything asynchronous is an operation of its own from its issue until it
/// completes: copies, tensor core products, timers. Schedules choose when. To
/// add a kind, derive from `PendingOperation` beside the instruction that
/// issues it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_PENDING_H
#define HEDDLE_VIRTUAL_ENGINE_PENDING_H

#include "units/Fault.h"

#include <memory_resource>
#include <vector>

namespace heddle::vgpu {

class Cluster;
class Warp;
struct Instruction;

/// Where an operation tells that it is done, and so who waits for it.
struct Channel {
  enum class Kind : uint8_t {
    /// The phase of an mbarrier: `owner` is a `Cta`, `number` a shared offset.
    Mbarrier,
    /// `cp.async` of a warp, in order: `owner` is a `Warp`.
    CopyGroup,
    /// Bulk stores of a thread, in order: a `Warp` and a lane.
    BulkGroup,
    /// Products of a warpgroup, in order: a `Warpgroup`.
    Wgmma,
    /// A sleep of some lanes: a `Warp`.
    Timer,
  };
  Kind kind;
  const void *owner;
  uint32_t number = 0;

  bool operator==(const Channel &) const = default;
};

class PendingOperation {
public:
  PendingOperation(Warp &warp, const Instruction &instruction, uint32_t lanes,
                   Channel channel, uint8_t stages = 1)
      : warp(warp), instruction(instruction), lanes(lanes), channel(channel),
        stages(stages) {}
  virtual ~PendingOperation() = default;
  PendingOperation(const PendingOperation &) = delete;
  PendingOperation &operator=(const PendingOperation &) = delete;

  /// Does the part of the work that `stage` names. A failure is reported as
  /// that of the lanes that issued the operation.
  virtual Checked<void> execute() = 0;

  /// Whether the next stage may happen: the one before it in its channel has
  /// had it.
  bool enabled() const { return !before || before->stage > stage; }

  /// Who issued it.
  Warp &warp;
  const Instruction &instruction;
  const uint32_t lanes;
  const Channel channel;
  /// Stages done, and how many there are. A bulk store reads its source in the
  /// first and writes its destination in the second.
  uint8_t stage = 0;
  const uint8_t stages;
  /// Issue order in the cluster.
  uint64_t sequence = 0;
  /// When the next stage happens by the clock, of schedules that have one.
  uint64_t due = 0;
  /// Of schedules that have priorities.
  uint64_t priority = 0;

private:
  friend class PendingOperations;
  /// The newest operation of an ordered channel.
  PendingOperation **newest = nullptr;
  PendingOperation *before = nullptr, *after = nullptr;
  uint32_t footprint = 0;
};

/// The operations of a cluster that have been issued and not completed.
class PendingOperations {
public:
  explicit PendingOperations(Cluster &cluster) : cluster(cluster) {}
  ~PendingOperations() { clear(); }
  void clear();

  /// Memory for operations and what they hold.
  std::pmr::memory_resource &memory() { return pool; }

  /// Makes an operation of class `Op` that `add` then issues.
  template <typename Op, typename... Args>
  Op &create(Args &&...args) {
    void *place = pool.allocate(sizeof(Op), alignof(std::max_align_t));
    Op *operation = new (place) Op(std::forward<Args>(args)...);
    static_cast<PendingOperation *>(operation)->footprint = sizeof(Op);
    return *operation;
  }
  /// Operations with the same `newest` complete in the order of their issue.
  /// `newest` is null at first and outlives them.
  void add(PendingOperation &operation, PendingOperation **newest = nullptr);

  /// Does the next stage of `operation`, which must be enabled; afterwards it
  /// may be gone. A failure is the cluster's.
  void step(PendingOperation &operation);

  bool empty() const { return operations.empty(); }
  /// Whether the operation with that `sequence` is in flight.
  bool contains(uint64_t sequence) const;
  /// In the order of issue.
  const std::vector<PendingOperation *> &all() const { return operations; }

private:
  void destroy(PendingOperation *operation);
  size_t positionOf(uint64_t sequence) const;

  Cluster &cluster;
  std::pmr::unsynchronized_pool_resource pool;
  std::vector<PendingOperation *> operations;
  uint64_t sequence = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_PENDING_H
