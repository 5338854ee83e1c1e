//===- Taint.cpp - Registers that hold uninitialised memory ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Taint.h"

#include "decode/InstructionRow.h"
#include "engine/Cluster.h"
#include "sanitizer/Sanitizer.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

void Taint::clear() {
  std::ranges::fill(registers, Entry{});
  std::ranges::fill(predicates, Entry{});
  count = 0;
  began = false;
}

Taint::Entry Taint::gather(const std::vector<Entry> &entries,
                           const std::vector<uint32_t> &numbers,
                           uint32_t mask) const {
  Entry result;
  for (uint32_t number : numbers)
    if (uint32_t lanes = entries[number].lanes & mask) {
      result.lanes |= lanes;
      result.origin = entries[number].origin;
    }
  return result;
}

void Taint::writeResults(const InstructionInfo::Operands &operands,
                         uint32_t mask, uint32_t tainted, uint32_t origin) {
  for (uint32_t slot : operands.writes)
    write(registers[slot], mask, tainted, origin);
  for (uint32_t number : operands.predicateWrites)
    write(predicates[number], mask, tainted, origin);
}

void Taint::checkGuard(Warp &warp, const Instruction &instruction,
                       uint32_t at) {
  const Entry &guard = predicates[instruction.guard];
  if (uint32_t lanes = guard.lanes & warp.active)
    warp.cta.cluster.sanitizer->uninitialized(
        warp, at, lanes, guard.origin,
        warp.kernel->info[at].opcode.starts_with("bra") ? "branches by it"
                                                        : "is guarded by it");
}

static bool isShuffle(const InstructionInfo &info) {
  return info.opcode.starts_with("shfl");
}

Taint::Step Taint::before(Warp &warp, const Instruction &instruction,
                          uint32_t at, uint32_t mask) {
  const InstructionInfo &info = warp.kernel->info[at];
  const InstructionInfo::Operands &operands = info.operands;
  const RowEffects effects = info.row ? info.row->effects : RowEffects{};
  Sanitizer &sanitizer = *warp.cta.cluster.sanitizer;
  Entry data = gather(registers, operands.reads, mask);
  Entry choice = gather(predicates, operands.predicateReads, mask);
  if (effects.sinks & addressSink)
    if (Entry address = gather(registers, operands.addresses, mask);
        address.lanes)
      sanitizer.uninitialized(warp, at, address.lanes, address.origin,
                              "uses it as an address");
  bool tensor = info.row && info.row->timing == Timing::Tensor;
  // Stores of registers know where they go; see `Sanitizer::storedTaint`. What
  // stmatrix stores may be rows that nobody uses.
  bool store =
      info.opcode.starts_with("st.") || info.opcode.starts_with("stmatrix");
  bool storesData = (effects.sinks & storeSink) && !store;
  bool branches = (effects.sinks & branchSink) && !tensor;
  bool synchronizes = effects.sinks & syncSink;
  if (data.lanes && (branches || storesData || synchronizes))
    sanitizer.uninitialized(warp, at, data.lanes, data.origin,
                            storesData     ? "stores it"
                            : synchronizes ? "synchronises by it"
                                           : "branches by it");
  if (choice.lanes && (effects.sinks & (branchSink | syncSink)))
    sanitizer.uninitialized(warp, at, choice.lanes, choice.origin,
                            "depends on it");

  Step step;
  step.mask = mask;
  // Loads taint what they write themselves. A product that reads rows which
  // nobody uses afterwards is not wrong, so products do not hand on taint.
  if (effects.touchesMemory() || effects.sync || tensor ||
      effects.completion != Completion::AtOnce) {
    writeResults(operands, mask, 0, 0);
    step.done = true;
    return step;
  }
  step.tainted = data.lanes | choice.lanes;
  step.origin = data.lanes ? data.origin : choice.origin;
  if (info.opcode.starts_with("selp")) {
    // What was not chosen does not count.
    uint32_t chosen = warp.predicates[instruction.src[2]] ^ instruction.aux;
    const Entry &a = registers[instruction.src[0]],
                &b = registers[instruction.src[1]];
    uint32_t picked = (a.lanes & chosen) | (b.lanes & ~chosen);
    step.tainted = (picked & mask) | choice.lanes;
    if (picked & mask)
      step.origin = a.lanes & chosen & mask ? a.origin : b.origin;
  } else if (info.opcode == "and.pred" || info.opcode == "or.pred") {
    // One operand alone may decide.
    uint32_t a = instruction.src[0], b = instruction.src[1];
    uint32_t flip = info.opcode == "or.pred" ? fullMask : 0;
    uint32_t openA = warp.predicates[a] ^ instruction.aux ^ flip,
             openB = warp.predicates[b] ^ instruction.aux2 ^ flip;
    step.tainted &=
        (predicates[a].lanes | openA) & (predicates[b].lanes | openB);
  } else if (isShuffle(info)) {
    step.value = registers[instruction.src[0]].lanes;
    step.origin = registers[instruction.src[0]].origin;
  } else if (info.row && info.row->timing == Timing::Warp) {
    // What one lane gives changes what all get.
    step.tainted = step.tainted ? fullMask : 0;
  }
  return step;
}

void Taint::after(Warp &warp, const Instruction &instruction, uint32_t at,
                  const Step &step) {
  if (step.done)
    return;
  const InstructionInfo &info = warp.kernel->info[at];
  uint32_t mask = step.mask, tainted = step.tainted;
  if (isShuffle(info)) {
    // Lanes exchange the taint as they did the value.
    mask = warp.guardMask(instruction);
    uint32_t scratch = warp.kernel->taintScratch;
    Instruction exchange = instruction;
    exchange.src[0] = scratch;
    exchange.dst = scratch + 1;
    exchange.aux = 0;
    tainted = 0;
    bool overwritten = instruction.dst == instruction.src[1] ||
                       instruction.dst == instruction.src[2];
    if (step.value && !overwritten && mask) {
      uint32_t *value = warp.reg32(scratch);
      for (uint32_t l = 0; l < warpSize; ++l)
        value[l] = step.value >> l & 1;
      exchange.execute(warp, exchange, mask);
      const uint32_t *result = warp.reg32(scratch + 1);
      for (uint32_t l = 0; l < warpSize; ++l)
        tainted |= uint32_t(result[l] & 1) << l;
    }
    for (uint32_t number : info.operands.predicateWrites)
      write(predicates[number], mask, 0, 0);
    for (uint32_t slot : info.operands.writes)
      write(registers[slot], mask, tainted, step.origin);
    return;
  }
  writeResults(info.operands, mask, tainted, step.origin);
}
