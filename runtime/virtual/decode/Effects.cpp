//===- Effects.cpp - How instructions meet other threads ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Effects.h"

#include "decode/InstructionRow.h"
#include "decode/Kernel.h"
#include "decode/Modifiers.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Whether its accesses synchronize, or may be part of what does.
bool isStrong(const Modifiers &mods) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"volatile", "relaxed", "acquire",
                                              "release", "acq_rel", "mmio"},
      [&](std::string_view name) { return mods.has(name); });
}

/// Whether updates by different threads give one result in any order.
bool isCommutative(const Modifiers &mods) {
  bool operation = std::ranges::any_of(
      std::initializer_list<std::string_view>{"add", "min", "max", "and", "or",
                                              "xor"},
      [&](std::string_view name) { return mods.has(name); });
  // A reduction of a tensor names no type.
  bool integer = std::ranges::any_of(mods.rest(), [](std::string_view part) {
    Type type = parseType(part);
    return type != Type::None && !isFloat(type);
  });
  return operation && integer;
}

/// Registers whose values the machine chooses.
bool isUnspecified(std::string_view special) {
  return special.starts_with("%clock") || special.starts_with("%globaltimer") ||
         special == "%smid" || special == "%nsmid" || special == "%warpid";
}

/// Whether it asks for the phase of an mbarrier.
bool isMbarrierTest(const InstructionRow &row) {
  return (row.effects.sync & usesMbarrier) && (row.effects.sync & meets);
}

/// Whether the test at `at` is repeated until it succeeds, with nothing but
/// moves in between. Only then it makes no difference how often it fails.
bool isWaitLoop(const Function &function, size_t at) {
  const auto &body = function.body;
  if (body[at].operands.empty() || at + 1 >= body.size())
    return false;
  const Operand &done = body[at].operands[0];
  auto loopsBack = [&](const Statement &branch) {
    if (!branch.opcode.starts_with("bra") || branch.operands.size() != 1 ||
        branch.operands[0].kind != OperandKind::Label)
      return false;
    size_t target = branch.operands[0].reg;
    return target <= at &&
           std::all_of(body.begin() + target, body.begin() + at,
                       [](const Statement &statement) {
                         return statement.opcode.starts_with("mov.");
                       });
  };
  const Statement &next = body[at + 1];
  if (done.kind != OperandKind::Register || next.guard < 0 ||
      uint32_t(next.guard) != done.reg)
    return false;
  if (next.guardNegated)
    return loopsBack(next);
  // "@done bra out; bra again;"
  return next.opcode.starts_with("bra") && at + 2 < body.size() &&
         body[at + 2].guard < 0 && loopsBack(body[at + 2]);
}

} // namespace

Effects heddle::vgpu::getEffects(const InstructionRow &row,
                                 const Modifiers &mods) {
  RowEffects known = effectsOf(row, mods);
  // A relaxed arrival orders nothing, but meets other threads.
  SyncSet sync = known.sync | row.effects.sync;
  MemorySet touched = known.reads | known.writes;
  bool completesLater = known.completion != Completion::AtOnce;
  bool isUpdate = known.update != Update::None;
  bool strong = isStrong(mods) && touched && !isUpdate && !completesLater &&
                !(sync & (meets | fences | usesMbarrier));
  // The order of updates shows.
  bool ordered = known.update == Update::Returns ||
                 (known.update == Update::Reduces && !isCommutative(mods));

  Effects effects;
  effects.synchronizes = sync || completesLater || strong || isUpdate;
  effects.writes = known.writes || completesLater || known.hasSideEffect ||
                   ((sync & (meets | releases | commits)) &&
                    !(sync & (fences | usesMbarrier)));
  effects.communicates = (strong || ordered) && (touched & globalMemory);
  effects.orderDependent =
      known.dependsOnSchedule ||
      ((strong || ordered) && (touched & (globalMemory | sharedMemory)));
  return effects;
}

void heddle::vgpu::findEffects(const Function &function, Kernel &kernel) {
  for (size_t i = 0; i < function.body.size() && i < kernel.info.size(); ++i) {
    InstructionInfo &info = kernel.info[i];
    Effects effects = getEffects(*info.row, Modifiers(info.opcode));
    if (isMbarrierTest(*info.row))
      effects.orderDependent = !isWaitLoop(function, i);
    for (const Operand &operand : function.body[i].operands)
      if (operand.kind == OperandKind::Special && isUnspecified(operand.name))
        effects.orderDependent = true;
    kernel.communicates |= effects.communicates;
    if (effects.orderDependent && kernel.firstOrderDependent == noInstruction)
      kernel.firstOrderDependent = uint32_t(i);
    info.effects = effects;
  }
}
