//===- Warp.h - 32 lanes ----------------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_WARP_H
#define HEDDLE_VIRTUAL_ENGINE_WARP_H

#include "decode/Kernel.h"
#include "engine/Spin.h"
#include "sanitizer/WgmmaRegisters.h"
#include "units/Fault.h"

#include <array>
#include <deque>
#include <type_traits>

namespace heddle::vgpu {

class Cta;
class PendingOperation;
class Taint;
class Warp;
struct Fragment;

/// Why lanes sleep. One static instance per kind of wait, beside the
/// instruction that waits.
struct WaitReason {
  /// Whether the lanes may go on. Must not change anything.
  bool (*ready)(Warp &warp, const Fragment &fragment);
  /// "waits for ...", for messages about hangs.
  std::string (*describe)(Warp &warp, const Fragment &fragment);
  /// What the lanes do when they go on, if not the instruction again.
  void (*resume)(Warp &warp, const Fragment &fragment) = nullptr;
  /// Whether the next stage of an operation brings the lanes closer to going
  /// on; null if none does.
  bool (*needs)(Warp &warp, const Fragment &fragment,
                const PendingOperation &operation) = nullptr;
};

/// Lanes of a warp that run together.
struct Fragment {
  uint32_t pc = 0;
  uint32_t mask = 0;
  /// Where to stop and wait for the sibling fragments, and the join that counts
  /// them.
  uint32_t reconverge = neverReconverges;
  int32_t join = -1;
  const WaitReason *wait = nullptr;
  /// The waiting instruction and its own notes.
  const Instruction *instruction = nullptr;
  uint64_t a = 0, b = 0;
};

/// The commit/wait groups of one thread: operations complete in order.
struct AsyncGroups {
  uint64_t issued = 0, completed = 0;
  /// Of bulk stores: those whose sources a wait covers.
  uint64_t awaited = 0;
  /// Of bulk stores: those that have read their source.
  uint64_t sourcesRead = 0;
  /// The newest in flight.
  PendingOperation *newest = nullptr;
  /// Where the newest was issued.
  uint32_t newestPc = 0;
  /// `issued` at each commit.
  std::vector<uint64_t> commits;

  void commit();
  /// The completed count that waiting for all but `pending` groups needs.
  uint64_t target(uint64_t pending) const {
    return commits.size() > pending ? commits[commits.size() - 1 - pending] : 0;
  }
};

class Warp {
public:
  Warp(Cta &cta, uint32_t index);
  ~Warp();

  /// Prepares for a CTA: registers poisoned, constants and lanes set.
  void start();

  /// Whether some lanes could run now.
  bool ready();
  bool done() const { return live == 0; }
  /// Runs at most `quantum` instructions; returns how many.
  uint32_t run(uint32_t quantum);

  // --- For instruction handlers ---------------------------------------------

  uint32_t *reg32(uint32_t slot) {
    return reinterpret_cast<uint32_t *>(registers.get() + slot * slotBytes);
  }
  uint64_t *reg64(uint32_t slot) {
    return reinterpret_cast<uint64_t *>(registers.get() + slot * slotBytes);
  }
  /// Values of 8 to 32 bits live in 32-bit lanes, 64-bit ones in 64-bit lanes.
  template <typename T>
  using Lane = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  template <typename T>
  Lane<T> *reg(uint32_t slot) {
    return reinterpret_cast<Lane<T> *>(registers.get() + slot * slotBytes);
  }
  void setPredicate(uint32_t number, uint32_t mask, uint32_t value) {
    predicates[number] = (predicates[number] & ~mask) | (value & mask);
  }
  /// Base plus offset, per lane, of a memory operand.
  void addresses(const Instruction &instruction, uint32_t slot, bool wide,
                 uint64_t (&out)[warpSize]);

  /// Sends the lanes in `taken` to `target`; the rest fall through.
  void branch(const Instruction &instruction, uint32_t taken, uint32_t target);
  Flow exitLanes(uint32_t mask);
  /// Puts the running lanes to sleep until `reason` is ready. With `retry` the
  /// instruction then runs again.
  Flow block(const Instruction &instruction, const WaitReason &reason,
             bool retry, uint64_t a = 0, uint64_t b = 0);
  /// Gives way to other warps for now.
  Flow yield() {
    giveWay = true;
    return Flow::Stop;
  }
  /// Goes on, but chooses again between the loops that do and do not check
  /// registers in flight.
  Flow recheck() { return Flow::Stop; }
  /// Lets lanes that wait where their siblings will join them go on alone;
  /// whether there were any.
  bool releaseWaiting();
  /// Makes sure that all live lanes of `required` run together, sleeping if
  /// they do not. False: return `Flow::Stop`. `mask` is updated.
  bool converge(const Instruction &instruction, uint32_t required,
                uint32_t &mask);
  Flow fault(const Instruction &instruction, uint32_t lanes, Fault what);

  uint32_t indexOf(const Instruction &instruction) const {
    return uint32_t(&instruction - kernel->code.data());
  }
  uint32_t guardMask(const Instruction &instruction) const {
    return active & (predicates[instruction.guard] ^ instruction.guardFlip);
  }
  /// Lane x of the warp at a lane number, for loops over set bits.
  template <typename F>
  static void forBits(uint32_t mask, F &&body) {
    for (; mask; mask &= mask - 1)
      body(uint32_t(__builtin_ctz(mask)));
  }

  /// Registers that a wgmma in flight uses.
  void holdSlots(const std::vector<uint32_t> &slots);
  void releaseSlots(const std::vector<uint32_t> &slots);

  Cta &cta;
  const Kernel *kernel;
  const uint32_t index;
  std::vector<uint32_t> predicates;
  /// The carry flags of add.cc and friends, one bit per lane.
  uint32_t carry = 0;
  /// Lanes that have not exited, and those running now.
  uint32_t live = 0, active = 0;
  uint32_t pc = 0;
  bool pausedForClock = false;
  int32_t role = -1;
  std::vector<std::byte> local;

  std::vector<AsyncGroups> copyGroups, bulkGroups;
  /// The newest cp.async of the warp in flight.
  PendingOperation *newestCopy = nullptr;
  /// wgmmas: completed are those that a wait of this warp has covered.
  AsyncGroups wgmmaGroups;
  /// Which of its registers wgmma.fence covers; null unless that is checked.
  std::unique_ptr<WgmmaRegisters> wgmmaRegisters;
  /// Registers of wgmmas that no wait has covered, oldest first.
  std::deque<const std::vector<uint32_t> *> wgmmaHeld;
  /// Lanes that have arrived at the cluster barrier and not begun to wait.
  uint32_t clusterArrived = 0;

  /// Registers that hold uninitialised memory; null if none ever did.
  std::unique_ptr<Taint> taint;

  /// Sleeping fragments and, at index `current`, the running one.
  std::vector<Fragment> fragments;

private:
  struct Join {
    uint32_t reconverge = 0;
    uint32_t waiting = 0;
    uint32_t pending = 0;
    int32_t parent = -1;
  };
  struct Free {
    void operator()(std::byte *memory) const;
  };

  void fillConstants();
  uint64_t specialValue(Special special, uint32_t lane) const;
  bool select();
  void load(uint32_t fragment);
  void save();
  /// The running fragment is gone: its siblings may go on.
  void drop();
  void release(int32_t join);
  int32_t newJoin(uint32_t reconverge, int32_t parent);
  /// Notes what is touched, too, for wgmmas that follow.
  bool touchesInFlight(uint32_t at);
  bool isTainted() const;
  /// What must be looked at after each instruction, if anything must be.
  bool mustStop(uint32_t at, uint32_t steps);
  /// The running lanes wait in a loop whose last instruction is `end`.
  void sleepInLoop(uint32_t end);
  template <bool checked>
  uint32_t dispatch(uint32_t quantum);

  std::unique_ptr<std::byte[], Free> registers;
  uint32_t reconverge = neverReconverges;
  int32_t join = -1;
  uint32_t current = 0;
  bool running = false;
  bool giveWay = false;
  /// The current turn has written nothing, as far as that is looked at.
  bool quiet = false;
  bool constantsFilled = false;
  std::vector<Join> joins;
  std::vector<int32_t> freeJoins;
  std::vector<uint16_t> inFlight;
  uint32_t inFlightCount = 0;
  /// Instructions since lanes last met, of turns that ended without need.
  uint32_t unmetSteps = 0;
  SpinWatch spin;
  friend std::string describeWarp(Warp &warp);
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_WARP_H
