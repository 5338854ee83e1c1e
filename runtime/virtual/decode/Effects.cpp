//===- Effects.cpp - How instructions meet other threads ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Effects.h"

#include "decode/Kernel.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// The parts of a mnemonic.
class Mnemonic {
public:
  explicit Mnemonic(std::string_view text) {
    while (!text.empty()) {
      size_t dot = text.find('.');
      parts.push_back(text.substr(0, dot));
      text = dot == text.npos ? std::string_view() : text.substr(dot + 1);
    }
  }
  std::string_view base() const { return parts.empty() ? "" : parts[0]; }
  bool has(std::string_view part) const {
    return std::ranges::find(parts, part) != parts.end();
  }
  bool hasAny(std::initializer_list<std::string_view> any) const {
    return std::ranges::any_of(any, [&](auto part) { return has(part); });
  }
  bool isBase(std::initializer_list<std::string_view> any) const {
    return std::ranges::find(any, base()) != any.end();
  }
  std::string_view last() const { return parts.empty() ? "" : parts.back(); }

private:
  std::vector<std::string_view> parts;
};

/// Whether it may reach global memory: it says so, or is generic.
bool reachesGlobal(const Mnemonic &name) {
  return !name.hasAny({"shared", "shared::cta", "shared::cluster", "local",
                       "param", "param::entry", "param::func", "const"});
}

/// Whether updates by different threads give one result in any order.
bool isCommutative(const Mnemonic &name) {
  if (!name.hasAny({"add", "min", "max", "and", "or", "xor"}))
    return false;
  std::string_view type = name.last();
  return !type.empty() &&
         (type[0] == 'u' || type[0] == 's' || type[0] == 'b') &&
         !type.starts_with("bf");
}

/// Registers whose values the machine chooses.
bool isUnspecified(std::string_view special) {
  return special.starts_with("%clock") || special.starts_with("%globaltimer") ||
         special == "%smid" || special == "%nsmid" || special == "%warpid";
}

bool isMbarrierTest(const Statement &statement) {
  return statement.opcode.starts_with("mbarrier.test_wait") ||
         statement.opcode.starts_with("mbarrier.try_wait");
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

Effects heddle::vgpu::getEffects(const Statement &statement) {
  Mnemonic name(statement.opcode);
  Effects effects;
  bool strong = name.hasAny(
      {"volatile", "relaxed", "acquire", "release", "acq_rel", "mmio"});
  bool load = name.isBase({"ld", "ldu"});
  bool atomic = name.isBase({"atom", "red"});
  effects.synchronizes =
      atomic || strong ||
      name.isBase({"bar", "barrier", "mbarrier", "fence", "membar", "cp",
                   "wgmma", "nanosleep", "setmaxnreg", "tensormap", "multimem",
                   "griddepcontrol"});
  effects.writes =
      atomic || name.isBase({"st", "stmatrix", "bar", "barrier", "cp", "wgmma",
                             "setmaxnreg", "tensormap", "multimem", "call",
                             "trap", "brkpt", "ret", "exit"});
  if (name.base() == "mbarrier")
    effects.writes = !name.hasAny({"test_wait", "try_wait", "pending_count"});

  if ((load || name.base() == "st") && strong)
    effects.communicates = reachesGlobal(name);
  if (atomic)
    effects.communicates =
        reachesGlobal(name) && (name.base() == "atom" || !isCommutative(name));
  if (name.base() == "cp" && name.has("reduce"))
    effects.communicates =
        name.has("global") && (name.has("tensor") || !isCommutative(name));
  if (name.base() == "multimem")
    effects.communicates = true;

  effects.orderDependent = effects.communicates;
  if ((load || name.base() == "st") && strong)
    effects.orderDependent = !name.hasAny({"local", "param", "const"});
  if (atomic)
    effects.orderDependent = name.base() == "atom" || !isCommutative(name);
  if (name.base() == "activemask")
    effects.orderDependent = true;
  for (const Operand &operand : statement.operands)
    if (operand.kind == OperandKind::Special && isUnspecified(operand.name))
      effects.orderDependent = true;
  return effects;
}

void heddle::vgpu::findEffects(const Function &function, Kernel &kernel) {
  for (size_t i = 0; i < function.body.size() && i < kernel.info.size(); ++i) {
    Effects effects = getEffects(function.body[i]);
    if (isMbarrierTest(function.body[i]))
      effects.orderDependent = !isWaitLoop(function, i);
    kernel.communicates |= effects.communicates;
    if (effects.orderDependent && kernel.firstOrderDependent == noInstruction)
      kernel.firstOrderDependent = uint32_t(i);
    kernel.info[i].effects = effects;
  }
}
