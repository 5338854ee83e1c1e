//===- BodyParser.cpp - Function bodies -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ptx/BodyParser.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

/// Of a function; compilers number them through and have some thousands.
static constexpr uint32_t maxRegisters = 1 << 20;

BodyParser::BodyParser(TokenStream &tokens, Function &function)
    : tokens(tokens), function(function) {}

void BodyParser::run() {
  tokens.expect('{');
  block();
  resolveLabels();
}

void BodyParser::block() {
  scopes.push_back({scope, {}, {}, {}, {}});
  int outer = scope;
  scope = int(scopes.size()) - 1;
  bool closed = false;
  while (!tokens.atEnd() && !(closed = tokens.accept('}')))
    statement();
  if (!closed)
    tokens.fail("expected '}}', found end of file");
  scope = outer;
}

void BodyParser::registers() {
  Type type = Type::None;
  unsigned vector = 1;
  while (tokens.peek().kind == TokenKind::Dot) {
    Token token = tokens.take();
    if (token.text == ".v2" || token.text == ".v4")
      vector = token.text[2] - '0';
    else
      type = parseType(token.text.substr(1));
    if (type == Type::None && vector == 1)
      tokens.failAt(token.line, fmt::format("expected a register type, found "
                                            "'{}'",
                                            token.text));
  }
  if (vector != 1)
    tokens.fail("vector registers are not supported; declare scalars and name "
                "them in braces");
  do {
    std::string name = tokens.expectName();
    if (tokens.accept('<')) {
      uint64_t count = tokens.expectInteger();
      tokens.expect('>');
      if (count > maxRegisters - std::min<size_t>(maxRegisters,
                                                  function.registers.size())) {
        tokens.fail("expected at most {} registers", maxRegisters);
        return;
      }
      scopes[scope].ranges[name] = {uint32_t(function.registers.size()),
                                    uint32_t(count)};
      for (uint32_t i = 0; i < count; ++i)
        function.registers.push_back({type, name + std::to_string(i)});
    } else {
      scopes[scope].registers[name] = function.registers.size();
      function.registers.push_back({type, name});
    }
  } while (tokens.accept(','));
  tokens.expect(';');
}

void BodyParser::variables() {
  for (Variable &variable : parseVariables(tokens)) {
    // Calls declare `param0` again and again, each in a block of its own.
    std::string unique = variable.name;
    if (scope > 0)
      unique += fmt::format("@{}", scope);
    scopes[scope].variables[variable.name] = unique;
    variable.name = unique;
    function.variables.push_back(std::move(variable));
  }
  tokens.expect(';');
}

int64_t BodyParser::findRegister(const std::string &name) const {
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
    --digits;
  uint32_t number = ~0u;
  if (digits < name.size())
    std::from_chars(name.data() + digits, name.data() + name.size(), number);
  std::string prefix = name.substr(0, digits);
  for (int s = scope; s >= 0; s = scopes[s].parent) {
    if (auto it = scopes[s].registers.find(name);
        it != scopes[s].registers.end())
      return it->second;
    if (auto it = scopes[s].ranges.find(prefix);
        it != scopes[s].ranges.end() && number < it->second.second)
      return it->second.first + number;
  }
  return -1;
}

Operand BodyParser::name(const std::string &opcode) {
  uint32_t line = tokens.peek().line;
  std::string text = tokens.expectName();
  Operand result;
  result.name = text;
  if (int64_t reg = findRegister(text); reg >= 0) {
    result.kind = OperandKind::Register;
    result.reg = uint32_t(reg);
    return result;
  }
  if (text[0] == '%' && text != "%SP" && text != "%SPL") {
    result.kind = OperandKind::Special;
    return result;
  }
  if (opcode.starts_with("bra")) {
    result.kind = OperandKind::Label;
    references.push_back(
        {uint32_t(function.body.size()), text, scope, line, {}});
    return result;
  }
  result.kind = OperandKind::Symbol;
  for (int s = scope; s >= 0; s = scopes[s].parent)
    if (auto it = scopes[s].variables.find(text);
        it != scopes[s].variables.end()) {
      result.name = it->second;
      break;
    }
  return result;
}

Operand BodyParser::list(OperandKind kind, char close,
                         const std::string &opcode) {
  Operand result;
  result.kind = kind;
  while (!tokens.atEnd() && !tokens.peek().is(close)) {
    result.elements.push_back(operand(opcode));
    if (!tokens.accept(','))
      break;
  }
  tokens.expect(close);
  return result;
}

Operand BodyParser::address(const std::string &opcode) {
  Operand result;
  result.kind = OperandKind::Address;
  result.elements.push_back(primary(opcode));
  if (tokens.accept('+'))
    result.value = tokens.expectInteger();
  else if (tokens.peek().is('-'))
    result.value = tokens.expectInteger();
  if (tokens.accept(','))
    result.elements.push_back(operand(opcode));
  tokens.expect(']');
  return result;
}

Operand BodyParser::primary(const std::string &opcode) {
  if (depth >= maxNesting) {
    tokens.fail("expected at most {} levels of nesting", maxNesting);
    return {};
  }
  ++depth;
  Operand result = leaf(opcode);
  --depth;
  return result;
}

Operand BodyParser::leaf(const std::string &opcode) {
  const Token token = tokens.peek();
  Operand result;
  switch (token.kind) {
  case TokenKind::Integer:
    tokens.take();
    result.kind = OperandKind::Integer;
    result.value = token.value;
    return result;
  case TokenKind::Float32:
  case TokenKind::Float64:
    tokens.take();
    result.kind = token.kind == TokenKind::Float32 ? OperandKind::Float32
                                                   : OperandKind::Float64;
    result.value = token.value;
    return result;
  case TokenKind::Name:
    return name(opcode);
  default:
    break;
  }
  if (tokens.accept('{'))
    return list(OperandKind::Vector, '}', opcode);
  if (tokens.accept('('))
    return list(OperandKind::List, ')', opcode);
  if (tokens.accept('['))
    return address(opcode);
  if (tokens.accept('_'))
    return result;
  if (tokens.accept('-')) {
    result = primary(opcode);
    if (result.kind == OperandKind::Integer)
      result.value = -result.value;
    else if (result.kind == OperandKind::Float64)
      result.value ^= 1ull << 63;
    else if (result.kind == OperandKind::Float32)
      result.value ^= 1u << 31;
    else
      tokens.failAt(token.line, "expected a number after '-'");
    return result;
  }
  if (tokens.accept('!')) {
    result = primary(opcode);
    result.negated = true;
    return result;
  }
  tokens.fail("expected an operand, found '{}'", tokens.spelling());
  return result;
}

Operand BodyParser::operand(const std::string &opcode) {
  Operand first = primary(opcode);
  if (!tokens.accept('|')) {
    // `symbol+offset` as a value.
    if (first.kind == OperandKind::Symbol && tokens.accept('+'))
      first.value = tokens.expectInteger();
    return first;
  }
  Operand pair;
  pair.kind = OperandKind::Pair;
  pair.elements.push_back(std::move(first));
  pair.elements.push_back(primary(opcode));
  return pair;
}

void BodyParser::branchTargets(const std::string &label) {
  std::vector<uint32_t> &targets = function.branchTargets[label];
  do {
    references.push_back(
        {uint32_t(targets.size()), {}, scope, tokens.peek().line, label});
    references.back().label = tokens.expectName();
    targets.push_back(0);
  } while (tokens.accept(','));
  tokens.expect(';');
}

void BodyParser::statement() {
  if (tokens.accept(';'))
    return;
  if (tokens.accept('{')) {
    if (depth >= maxNesting) {
      tokens.fail("expected at most {} levels of nesting", maxNesting);
      return;
    }
    ++depth;
    block();
    --depth;
    return;
  }
  Statement statement;
  statement.line = tokens.peek().line;
  if (tokens.peek().kind == TokenKind::Role) {
    statement.opcode = "heddle.role";
    Operand role;
    role.kind = OperandKind::Symbol;
    role.name = std::string(tokens.take().text);
    statement.operands.push_back(std::move(role));
    statement.location = location;
    function.body.push_back(std::move(statement));
    return;
  }
  if (tokens.peek().kind == TokenKind::Check) {
    check = std::string(tokens.take().text);
    return;
  }
  if (tokens.acceptDot(".reg"))
    return registers();
  if (tokens.acceptDot(".loc")) {
    location = parseLocDirective(tokens);
    return;
  }
  if (tokens.acceptDot(".pragma")) {
    tokens.take();
    tokens.expect(';');
    return;
  }
  if (tokens.peek().kind == TokenKind::Dot)
    return variables();

  if (tokens.peek().kind == TokenKind::Name && tokens.peek(1).is(':')) {
    std::string label = tokens.expectName();
    tokens.expect(':');
    if (tokens.acceptDot(".branchtargets"))
      return branchTargets(label);
    if (tokens.acceptDot(".callprototype")) {
      while (!tokens.atEnd() && !tokens.accept(';'))
        tokens.take();
      return;
    }
    if (!scopes[scope].labels.emplace(label, function.body.size()).second)
      tokens.fail("label '{}' is defined twice", label);
    return;
  }

  if (tokens.accept('@')) {
    statement.guardNegated = tokens.accept('!');
    std::string guard = tokens.expectName();
    int64_t reg = findRegister(guard);
    if (reg < 0 || function.registers[reg].type != Type::Pred)
      tokens.failAt(
          statement.line,
          fmt::format("expected a predicate register, found '{}'", guard));
    statement.guard = int32_t(reg);
  }
  statement.opcode = tokens.expectName();
  while (!tokens.atEnd() && !tokens.peek().is(';')) {
    statement.operands.push_back(operand(statement.opcode));
    if (!tokens.accept(','))
      break;
  }
  if (!tokens.accept(';'))
    tokens.failAt(statement.line,
                  fmt::format("expected ';' after '{}', found '{}'",
                              statement.opcode, tokens.spelling()));
  statement.location = location;
  statement.check = std::exchange(check, {});
  function.body.push_back(std::move(statement));
}

void BodyParser::resolveLabels() {
  if (tokens.error)
    return;
  for (const Reference &reference : references) {
    bool found = false;
    for (int s = reference.scope; s >= 0 && !found; s = scopes[s].parent) {
      auto it = scopes[s].labels.find(reference.label);
      if (it == scopes[s].labels.end())
        continue;
      found = true;
      if (!reference.list.empty()) {
        function.branchTargets[reference.list][reference.statement] =
            it->second;
        continue;
      }
      for (Operand &operand : function.body[reference.statement].operands)
        if (operand.kind == OperandKind::Label)
          operand.reg = it->second;
    }
    if (!found)
      tokens.failAt(reference.line,
                    fmt::format("label '{}' is not defined", reference.label));
  }
}
