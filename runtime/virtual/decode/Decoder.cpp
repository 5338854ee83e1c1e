//===- Decoder.cpp - Syntax to decoded instructions: the walk -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Decoder.h"

#include "decode/AddressSpace.h"
#include "decode/Specials.h"
#include "engine/Output.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// What PTX allows a kernel on sm_70 and later.
constexpr uint64_t maxParameterBytes = 32764;

uint64_t alignTo(uint64_t value, uint64_t align) {
  return (value + align - 1) & ~(align - 1);
}

bool mentions(const Operand &operand, const std::string &name) {
  return (operand.kind == OperandKind::Symbol && operand.name == name) ||
         std::any_of(operand.elements.begin(), operand.elements.end(),
                     [&](const Operand &e) { return mentions(e, name); });
}

bool mentions(const Function &function, const std::string &name) {
  return std::any_of(function.body.begin(), function.body.end(),
                     [&](const Statement &statement) {
                       return std::any_of(statement.operands.begin(),
                                          statement.operands.end(),
                                          [&](const Operand &operand) {
                                            return mentions(operand, name);
                                          });
                     });
}

} // namespace

std::string Kernel::place(uint32_t pc) const {
  if (pc >= info.size())
    return fmt::format("{}: end of kernel", moduleName);
  const InstructionInfo &at = info[pc];
  std::string text = fmt::format("{}:{}", moduleName, at.line);
  if (at.location.line && files)
    if (auto it = files->find(at.location.file); it != files->end())
      text += fmt::format(" ({}:{})", it->second, at.location.line);
  return text;
}

Decoder::Decoder(const ModuleContext &context, const Function &function,
                 Kernel &kernel)
    : context(context), function(function), kernel(kernel) {}

void Decoder::failMessage(std::string message) {
  if (error)
    return;
  std::string where = fmt::format("{}:{}", kernel.moduleName,
                                  current ? current->line : function.line);
  if (current && current->location.line)
    if (auto it = context.module->files.find(current->location.file);
        it != context.module->files.end())
      where += fmt::format(" ({}:{})", it->second, current->location.line);
  error =
      Error{ErrorKind::InvalidInput,
            fmt::format("{}: {}: {}", where,
                        current ? current->opcode : function.name, message)};
}

void Decoder::layout() {
  for (const Register &reg : function.registers) {
    RegisterPlace place;
    place.width = bits(reg.type);
    if (reg.type == Type::Pred) {
      place.slot = kernel.predicates++;
    } else {
      place.slot = kernel.slots;
      kernel.slots += std::max(1u, place.width / 32);
    }
    places.push_back(place);
  }
  uint64_t offset = 0;
  for (const Variable &parameter : function.parameters) {
    offset = alignTo(offset, parameter.align);
    kernel.parameters.push_back(
        {parameter.name, uint32_t(offset), uint32_t(parameter.size)});
    offset += parameter.size;
  }
  if (offset > maxParameterBytes) {
    fail("expected at most {} bytes of parameters, found {}", maxParameterBytes,
         offset);
    return;
  }
  kernel.parameterBytes = offset;

  for (const Statement &statement : function.body)
    for (const Operand &operand : statement.operands)
      if (operand.kind == OperandKind::Special &&
          parseReservedShared(operand.name))
        kernel.reservedSharedBytes = reservedSharedBytes;
  uint64_t shared = kernel.reservedSharedBytes, local = 0;
  std::vector<std::string> dynamic;
  auto place = [&](const Variable &variable) {
    if (variable.space == Space::Shared) {
      if (variable.isExtern || variable.size == 0) {
        dynamic.push_back(variable.name);
        return;
      }
      shared = alignTo(shared, variable.align);
      sharedOffsets[variable.name] = shared;
      shared += variable.size;
    } else if (variable.space == Space::Local ||
               variable.space == Space::Param) {
      local = alignTo(local, variable.align);
      localOffsets[variable.name] = local;
      local += variable.size;
    }
  };
  for (const Variable &variable : context.module->variables)
    if (variable.space == Space::Shared && mentions(function, variable.name))
      place(variable);
  for (const Variable &variable : function.variables)
    place(variable);
  if (shared >= sharedOffsetMask || local >= (1u << 30)) {
    fail("expected less than 16 MiB of shared and 1 GiB of local memory, found "
         "{} and {} bytes",
         shared, local);
    return;
  }
  kernel.staticSharedBytes = shared;
  kernel.dynamicSharedOffset = alignTo(shared, 1024);
  for (const std::string &name : dynamic)
    sharedOffsets[name] = kernel.dynamicSharedOffset;
  kernel.localBytes = alignTo(local, 16);
  kernel.requiredThreads = function.requiredThreads;
  kernel.maxThreads = function.maxThreads;
  kernel.requiredCluster = function.requiredCluster;
  kernel.maxRegisters = function.maxRegisters;
}

Expected<void> Decoder::run() {
  layout();
  kernel.registerSlots = kernel.slots;
  std::vector<ControlFlowEdges> edges;
  for (const Statement &statement : function.body) {
    if (error)
      break;
    current = &statement;
    decodeStatement();
    ControlFlowEdges edge;
    bool always = statement.guard < 0;
    std::string_view base = mods.base();
    for (const Operand &operand : statement.operands) {
      if (operand.kind == OperandKind::Label)
        edge.targets.push_back(operand.reg);
      else if (base == "brx" && operand.kind == OperandKind::Symbol)
        if (auto it = function.branchTargets.find(operand.name);
            it != function.branchTargets.end())
          edge.targets = it->second;
    }
    if (base == "bra" || base == "brx" || base == "ret" || base == "exit" ||
        base == "trap")
      edge.fallsThrough = !always;
    edges.push_back(std::move(edge));
  }
  if (!error && kernel.code.empty()) {
    current = nullptr;
    fail("expected instructions in the kernel's body");
  }
  if (error)
    return tl::unexpected(*error);
  kernel.reconvergence = reconvergencePoints(edges);
  // Falling off the end is an exit.
  current = nullptr;
  static const Statement fallOff{"exit", {}, -1, false, 0, {}};
  current = &fallOff;
  decodeStatement();
  kernel.reconvergence.push_back(neverReconverges);
  kernel.taintScratch = kernel.slots;
  kernel.slots += 2;
  findEffects(function, kernel);
  return {};
}

const InstructionRow *Decoder::findRow() {
  auto [it, inserted] = known.try_emplace(current->opcode, nullptr);
  if (!inserted)
    return it->second;
  RowMatch match = findInstruction(mods);
  if (!match.row) {
    failMessage(std::move(match.message));
    return nullptr;
  }
  uint32_t target = match.row->target;
  if (target > newestTarget)
    fail("needs {}; the virtual GPU runs {} and older", targetName(target),
         targetName(newestTarget));
  else if (target > context.module->target)
    fail("needs {}; the module's target is {}", targetName(target),
         targetName(context.module->target));
  return it->second = match.row;
}

void Decoder::decodeStatement() {
  inst = {};
  mods = Modifiers(current->opcode);
  const InstructionRow *row = findRow();
  info = &kernel.info.emplace_back();
  info->opcode = current->opcode;
  info->row = row;
  info->line = current->line;
  info->location = current->location;
  if (current->guard >= 0) {
    inst.guard = places[current->guard].slot;
    inst.guardFlip = current->guardNegated ? ~0u : 0;
  }
  if (row && !error) {
    fidelity = row->fidelity;
    inst.execute = row->decode(*this);
    if (fidelity != Fidelity::Exact) {
      info->inexact = uint32_t(kernel.inexact.size());
      info->counted = std::exchange(inst.execute, countInexact);
      kernel.inexact.push_back({uint32_t(kernel.code.size()), fidelity});
    }
  }
  kernel.code.push_back(inst);
}

Expected<std::unique_ptr<Kernel>>
heddle::vgpu::decodeKernel(const ModuleContext &context,
                           const Function &function) {
  auto inlined = inlineCalls(*context.module, function);
  if (!inlined)
    return tl::unexpected(inlined.error());
  auto kernel = std::make_unique<Kernel>();
  kernel->name = function.name;
  kernel->moduleName = context.module->name;
  kernel->files = &context.module->files;
  if (auto done = Decoder(context, *inlined, *kernel).run(); !done)
    return tl::unexpected(done.error());
  return kernel;
}
