//===- Inliner.cpp - Calls replaced by bodies -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Decoder.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Deeper calls are taken for recursion.
constexpr int maxDepth = 32;

class Inliner {
public:
  explicit Inliner(const PtxModule &module) : module(module) {}

  Expected<Function> run(const Function &function, int depth) {
    bool calls = std::any_of(
        function.body.begin(), function.body.end(),
        [](const Statement &s) { return s.opcode.starts_with("call"); });
    if (!calls)
      return function;
    if (depth > maxDepth)
      return makeError(ErrorKind::InvalidInput,
                       "{}:{}: expected no recursion, found more than {} "
                       "nested calls at '{}'",
                       module.name, function.line, maxDepth, function.name);
    Function result = function;
    result.body.clear();
    std::vector<uint32_t> position(function.body.size() + 1);
    std::vector<uint32_t> own;
    for (size_t i = 0; i < function.body.size(); ++i) {
      position[i] = result.body.size();
      const Statement &statement = function.body[i];
      const Function *callee =
          statement.opcode.starts_with("call") ? target(statement) : nullptr;
      if (!callee) {
        own.push_back(result.body.size());
        result.body.push_back(statement);
        continue;
      }
      if (auto done = expand(result, statement, *callee, depth); !done)
        return tl::unexpected(done.error());
    }
    position.back() = result.body.size();
    for (uint32_t index : own)
      for (Operand &operand : result.body[index].operands)
        if (operand.kind == OperandKind::Label)
          operand.reg = position[operand.reg];
    for (auto &[label, targets] : result.branchTargets)
      if (function.branchTargets.contains(label))
        for (uint32_t &index : targets)
          index = position[index];
    return result;
  }

private:
  const Function *target(const Statement &statement) const {
    for (const Operand &operand : statement.operands)
      if (operand.kind == OperandKind::Symbol)
        for (const Function &function : module.functions)
          if (function.name == operand.name && function.hasBody)
            return &function;
    return nullptr;
  }

  Expected<void> expand(Function &caller, const Statement &call,
                        const Function &original, int depth) {
    auto inlined = run(original, depth + 1);
    if (!inlined)
      return tl::unexpected(inlined.error());
    const Function &callee = *inlined;
    std::string suffix = fmt::format("#{}", ++instances);
    std::map<std::string, std::string> renames;
    if (auto bound = bind(call, callee, renames); !bound)
      return bound;
    for (Variable variable : callee.variables) {
      // Shared variables have one instance per CTA, wherever they are declared.
      if (variable.space == Space::Shared) {
        bool known = std::any_of(
            caller.variables.begin(), caller.variables.end(),
            [&](const Variable &v) { return v.name == variable.name; });
        if (!known)
          caller.variables.push_back(variable);
        continue;
      }
      renames[variable.name] = variable.name + suffix;
      variable.name += suffix;
      caller.variables.push_back(std::move(variable));
    }
    uint32_t registerBase = caller.registers.size();
    caller.registers.insert(caller.registers.end(), callee.registers.begin(),
                            callee.registers.end());
    bool guarded = call.guard >= 0;
    uint32_t base = caller.body.size() + guarded;
    uint32_t end = base + callee.body.size();
    auto jump = [&](const Statement &from) {
      Statement branch = from;
      branch.opcode = "bra";
      branch.operands.assign(1, {});
      branch.operands[0].kind = OperandKind::Label;
      branch.operands[0].reg = end;
      return branch;
    };
    if (guarded) {
      Statement skip = jump(call);
      skip.guardNegated = !skip.guardNegated;
      caller.body.push_back(std::move(skip));
    }
    for (const auto &[label, targets] : callee.branchTargets) {
      std::vector<uint32_t> &list = caller.branchTargets[label + suffix];
      for (uint32_t index : targets)
        list.push_back(base + index);
      renames[label] = label + suffix;
    }
    for (Statement statement : callee.body) {
      if (statement.guard >= 0)
        statement.guard += registerBase;
      for (Operand &operand : statement.operands)
        adapt(operand, registerBase, base, renames);
      if (statement.opcode == "ret" || statement.opcode == "ret.uni")
        statement = jump(statement);
      caller.body.push_back(std::move(statement));
    }
    return {};
  }

  /// Formal parameters become names for the caller's actual ones.
  Expected<void> bind(const Statement &call, const Function &callee,
                      std::map<std::string, std::string> &renames) {
    std::vector<const Operand *> results, arguments;
    bool sawTarget = false;
    for (const Operand &operand : call.operands) {
      if (operand.kind == OperandKind::Symbol) {
        sawTarget = true;
        continue;
      }
      for (const Operand &element : operand.elements)
        (sawTarget ? arguments : results).push_back(&element);
    }
    auto pairUp = [&](const std::vector<Variable> &formals,
                      const std::vector<const Operand *> &actuals) {
      if (formals.size() != actuals.size())
        return false;
      for (size_t i = 0; i < formals.size(); ++i) {
        if (actuals[i]->kind != OperandKind::Symbol)
          return false;
        renames[formals[i].name] = actuals[i]->name;
      }
      return true;
    };
    if (!pairUp(callee.parameters, arguments) ||
        !pairUp(callee.results, results))
      return makeError(ErrorKind::InvalidInput,
                       "{}:{}: call of '{}': expected {} results and {} "
                       "arguments, each a .param variable",
                       module.name, call.line, callee.name,
                       callee.results.size(), callee.parameters.size());
    return {};
  }

  void adapt(Operand &operand, uint32_t registerBase, uint32_t labelBase,
             const std::map<std::string, std::string> &renames) {
    if (operand.kind == OperandKind::Register)
      operand.reg += registerBase;
    else if (operand.kind == OperandKind::Label)
      operand.reg += labelBase;
    else if (operand.kind == OperandKind::Symbol)
      if (auto it = renames.find(operand.name); it != renames.end())
        operand.name = it->second;
    for (Operand &element : operand.elements)
      adapt(element, registerBase, labelBase, renames);
  }

  const PtxModule &module;
  int instances = 0;
};

} // namespace

Expected<Function> heddle::vgpu::inlineCalls(const PtxModule &module,
                                             const Function &function) {
  return Inliner(module).run(function, 0);
}
