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
#include <set>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Deeper calls are taken for recursion.
constexpr int maxDepth = 32;
/// Of function 0 of a module, and the distance to the next: what looks like a
/// null pointer with an offset.
constexpr uint64_t firstFunction = 0x1000, functionStride = 16;

bool isCall(const Statement &statement) {
  return statement.opcode.starts_with("call");
}
/// The register that a call goes through, or null.
const Operand *callRegister(const Statement &statement) {
  auto found = std::ranges::find(statement.operands, OperandKind::Register,
                                 &Operand::kind);
  return found == statement.operands.end() ? nullptr : &*found;
}

/// Adds the symbols of `operand` to `names`.
void addSymbols(const Operand &operand, std::set<std::string> &names) {
  if (operand.kind == OperandKind::Symbol)
    names.insert(operand.name);
  for (const Operand &element : operand.elements)
    addSymbols(element, names);
}

class Inliner {
public:
  explicit Inliner(const PtxModule &module) : module(module) {
    for (const Variable &variable : module.variables)
      addSymbols(variable);
    for (const Function &function : module.functions) {
      for (const Variable &variable : function.variables)
        addSymbols(variable);
      for (const Statement &statement : function.body)
        if (!isCall(statement))
          for (const Operand &operand : statement.operands)
            ::addSymbols(operand, symbols);
    }
  }

  Expected<Function> run(const Function &function, int depth) {
    if (std::ranges::none_of(function.body, isCall))
      return function;
    if (depth > maxDepth)
      return makeError(ErrorKind::InvalidInput,
                       "{}:{}: expected no recursion, found more than {} "
                       "nested calls at '{}'",
                       module.name, function.line, maxDepth, function.name);
    Function result = function;
    result.body.clear();
    active.push_back(&function.name);
    std::vector<uint32_t> position(function.body.size() + 1);
    std::vector<uint32_t> own;
    for (size_t i = 0; i < function.body.size(); ++i) {
      position[i] = result.body.size();
      const Statement &statement = function.body[i];
      bool indirect = isCall(statement) && callRegister(statement);
      if (indirect)
        if (auto done = expandAll(result, function, statement, depth); !done)
          return tl::unexpected(done.error());
      const Function *callee =
          isCall(statement) && !indirect ? target(statement) : nullptr;
      if (!callee) {
        own.push_back(result.body.size());
        result.body.push_back(statement);
        continue;
      }
      if (auto done = expand(result, statement, *callee, depth); !done)
        return tl::unexpected(done.error());
    }
    position.back() = result.body.size();
    active.pop_back();
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
  void addSymbols(const Variable &variable) {
    for (const Variable::Relocation &relocation : variable.relocations)
      symbols.insert(relocation.symbol);
  }

  /// The functions that a call through a register may mean: those whose
  /// address is taken, and that have parameters as those of the call.
  std::vector<const Function *> candidates(const Function &caller,
                                           const Statement &call) const {
    // By the position of the register.
    std::vector<uint64_t> results, arguments;
    std::vector<uint64_t> *sizes = &results;
    for (const Operand &operand : call.operands) {
      if (operand.kind == OperandKind::Register)
        sizes = &arguments;
      for (const Operand &element : operand.elements) {
        auto variable =
            std::ranges::find(caller.variables, element.name, &Variable::name);
        sizes->push_back(variable == caller.variables.end() ? 0
                                                            : variable->size);
      }
    }
    auto fits = [](const std::vector<Variable> &formals,
                   const std::vector<uint64_t> &actuals) {
      return std::ranges::equal(formals, actuals, {}, &Variable::size);
    };
    std::vector<const Function *> found;
    for (const Function &function : module.functions)
      if (!function.isKernel && function.hasBody &&
          symbols.contains(function.name) &&
          fits(function.parameters, arguments) &&
          fits(function.results, results) &&
          std::ranges::none_of(active, [&](const std::string *name) {
            return *name == function.name;
          }))
        found.push_back(&function);
    return found;
  }

  /// Compares the register with the address of each candidate, and calls it.
  /// The statement after what is added is the call itself.
  Expected<void> expandAll(Function &result, const Function &caller,
                           const Statement &call, int depth) {
    std::vector<uint32_t> done;
    for (const Function *callee : candidates(caller, call)) {
      Operand isOther{.kind = OperandKind::Register,
                      .reg = uint32_t(result.registers.size())};
      result.registers.push_back({Type::Pred, "call"});
      Statement compare = call;
      compare.opcode = "setp.ne.u64";
      compare.guard = -1;
      compare.operands = {isOther,
                          *callRegister(call),
                          {.kind = OperandKind::Integer,
                           .value = *addressOfFunction(module, callee->name)}};
      result.body.push_back(std::move(compare));
      size_t skip = result.body.size();
      result.body.push_back(branch(call, int32_t(isOther.reg)));
      Statement direct = call;
      direct.operands.clear();
      for (const Operand &operand : call.operands)
        if (operand.kind == OperandKind::Register)
          direct.operands.push_back(
              {.kind = OperandKind::Symbol, .name = callee->name});
        else if (operand.kind != OperandKind::Symbol)
          direct.operands.push_back(operand);
      if (auto expanded = expand(result, direct, *callee, depth); !expanded)
        return expanded;
      done.push_back(uint32_t(result.body.size()));
      result.body.push_back(branch(call, -1));
      result.body[skip].operands[0].reg = uint32_t(result.body.size());
    }
    for (uint32_t index : done)
      result.body[index].operands[0].reg = uint32_t(result.body.size()) + 1;
    return {};
  }

  /// A branch in the place of `call`, whose target is still to be set.
  static Statement branch(const Statement &call, int32_t guard) {
    Statement result = call;
    result.opcode = "bra";
    result.guard = guard;
    result.guardNegated = false;
    result.operands.assign(1, {.kind = OperandKind::Label});
    return result;
  }

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
  /// What is named elsewhere than in a call.
  std::set<std::string> symbols;
  /// The functions whose calls are being replaced. One that is called again
  /// through a register is not: those never end.
  std::vector<const std::string *> active;
  int instances = 0;
};

} // namespace

std::optional<uint64_t> heddle::vgpu::addressOfFunction(const PtxModule &module,
                                                        std::string_view name) {
  // The first of a declaration and a definition.
  auto found = std::ranges::find(module.functions, name, &Function::name);
  if (found == module.functions.end())
    return std::nullopt;
  return firstFunction +
         functionStride * uint64_t(found - module.functions.begin());
}

Expected<Function> heddle::vgpu::inlineCalls(const PtxModule &module,
                                             const Function &function) {
  return Inliner(module).run(function, 0);
}
