//===- Spin.cpp - Loops that only wait ------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Spin.h"

#include "engine/Cluster.h"

#include <algorithm>
#include <bit>

using namespace heddle::vgpu;

void SpinWatch::stop() {
  if (!watching)
    return;
  watching = false;
  turns = 0;
  nextWatch = std::min(nextWatch * 2, lastWatch);
}

bool SpinWatch::passed(Warp &warp) {
  size_t bytes = size_t(warp.kernel->registerSlots) * slotBytes;
  auto *now = reinterpret_cast<const std::byte *>(warp.reg32(0));
  if (hasSnapshot && pc == warp.pc && mask == warp.active &&
      carry == warp.carry && predicates == warp.predicates &&
      std::equal(registers.begin(), registers.end(), now)) {
    steps = 0;
    return true;
  }
  if (std::has_single_bit(++passages)) {
    hasSnapshot = true;
    pc = warp.pc;
    mask = warp.active;
    carry = warp.carry;
    predicates = warp.predicates;
    registers.assign(now, now + bytes);
  }
  return false;
}

static bool polls(const Kernel &kernel, uint32_t at) {
  const InstructionInfo &info = kernel.info[at];
  return info.wait || info.opcode.starts_with("ld.") ||
         info.opcode.starts_with("multimem.ld_reduce.");
}

/// What the instruction that polls would wait for, if it says so.
static const WaitReason *polledWait(Warp &warp, const Fragment &fragment) {
  return warp.kernel->info[warp.indexOf(*fragment.instruction)].wait;
}

static const WaitReason spinWait{
    [](Warp &warp, const Fragment &fragment) {
      return warp.cta.cluster.progress() != fragment.b;
    },
    [](Warp &warp, const Fragment &fragment) {
      if (const WaitReason *wait = polledWait(warp, fragment))
        return wait->describe(warp, fragment);
      return std::string(
          polls(*warp.kernel, warp.indexOf(*fragment.instruction))
              ? "polls memory that nobody writes"
              : "repeats a loop that does nothing");
    },
    nullptr,
    [](Warp &warp, const Fragment &fragment,
       const PendingOperation &operation) {
      const WaitReason *wait = polledWait(warp, fragment);
      return wait && wait->needs && wait->needs(warp, fragment, operation);
    }};

bool heddle::vgpu::isSpin(const Fragment &fragment) {
  return fragment.wait == &spinWait;
}

void Warp::sleepInLoop(uint32_t end) {
  save();
  Fragment &fragment = fragments[current];
  fragment.wait = &spinWait;
  fragment.a = 0;
  fragment.b = cta.cluster.progress();
  // The loop ends because of what it reads last.
  uint32_t polling = end;
  for (uint32_t at = pc; at <= end; ++at)
    if (polls(*kernel, at))
      polling = at;
  fragment.instruction = &kernel->code[polling];
  running = false;
  // Threads make progress independently of those that they diverged from.
  releaseWaiting();
}
