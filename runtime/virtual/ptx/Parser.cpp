//===- Parser.cpp - PTX text to syntax: modules and variables -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ptx/Parser.h"

#include "ptx/BodyParser.h"
#include "ptx/TokenStream.h"

#include <cstring>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// The newest major version of PTX that is known.
constexpr int newestVersion = 9;

class ModuleParser {
public:
  ModuleParser(TokenStream &tokens, std::string_view name) : tokens(tokens) {
    module.name = name;
  }

  Expected<PtxModule> run() {
    while (!tokens.atEnd())
      topLevel();
    if (tokens.error)
      return tl::unexpected(*tokens.error);
    return std::move(module);
  }

private:
  void topLevel();
  void target(uint32_t line);
  void function(bool isKernel);
  void skipSection();

  TokenStream &tokens;
  PtxModule module;
};

void ModuleParser::skipSection() {
  tokens.expectName();
  tokens.expect('{');
  for (int depth = 1; depth > 0 && !tokens.atEnd();) {
    Token token = tokens.take();
    depth += token.is('{') - token.is('}');
  }
}

void ModuleParser::topLevel() {
  if (tokens.accept(';'))
    return;
  if (tokens.peek().kind == TokenKind::Role ||
      tokens.peek().kind == TokenKind::Check) {
    tokens.take();
    return;
  }
  bool isExtern = false;
  while (true) {
    if (tokens.acceptDot(".extern"))
      isExtern = true;
    else if (!tokens.acceptDot(".visible") && !tokens.acceptDot(".weak") &&
             !tokens.acceptDot(".common"))
      break;
  }
  const Token directive = tokens.peek();
  if (directive.kind == TokenKind::Name && directive.text == "section") {
    skipSection();
    return;
  }
  if (directive.kind != TokenKind::Dot) {
    tokens.fail("expected a directive, found '{}'", tokens.spelling());
    return;
  }
  if (tokens.acceptDot(".version")) {
    Token version = tokens.take();
    if (version.kind == TokenKind::Float64 &&
        std::bit_cast<double>(version.value) >= newestVersion + 1)
      tokens.failAt(version.line,
                    fmt::format("version {:.1f} of PTX; the virtual GPU reads "
                                "{}.x and older",
                                std::bit_cast<double>(version.value),
                                newestVersion));
  } else if (tokens.acceptDot(".target")) {
    target(directive.line);
  } else if (tokens.acceptDot(".address_size")) {
    if (tokens.expectInteger() != 64)
      tokens.failAt(directive.line, "expected address size 64");
  } else if (tokens.acceptDot(".file")) {
    parseFileDirective(tokens, module.files);
  } else if (tokens.acceptDot(".loc")) {
    parseLocDirective(tokens);
  } else if (tokens.acceptDot(".section")) {
    // The section's name begins with a dot.
    while (!tokens.atEnd() && !tokens.peek().is('{'))
      tokens.take();
    tokens.expect('{');
    for (int depth = 1; depth > 0 && !tokens.atEnd();) {
      Token token = tokens.take();
      depth += token.is('{') - token.is('}');
    }
  } else if (tokens.acceptDot(".pragma")) {
    tokens.take();
    tokens.expect(';');
  } else if (tokens.acceptDot(".alias")) {
    while (!tokens.atEnd() && !tokens.accept(';'))
      tokens.take();
  } else if (tokens.acceptDot(".entry")) {
    function(/*isKernel=*/true);
  } else if (tokens.acceptDot(".func")) {
    function(/*isKernel=*/false);
  } else if (directive.text == ".global" || directive.text == ".const" ||
             directive.text == ".shared" || directive.text == ".local") {
    for (Variable &variable : parseVariables(tokens)) {
      variable.isExtern = isExtern;
      module.variables.push_back(std::move(variable));
    }
    tokens.expect(';');
  } else {
    tokens.fail("unknown directive '{}'", directive.text);
  }
}

void ModuleParser::target(uint32_t line) {
  do {
    std::string name = tokens.expectName();
    if (name == "debug" || name.starts_with("texmode_") ||
        name.starts_with("map_"))
      continue;
    uint32_t target = parseTarget(name);
    if (!target)
      tokens.failAt(line, fmt::format("expected a target such as {}, found "
                                      "'{}'",
                                      targetName(newestTarget), name));
    else if (target > newestTarget)
      tokens.failAt(line, fmt::format("target {}; the virtual GPU runs {} and "
                                      "older",
                                      name, targetName(newestTarget)));
    else
      module.target = target;
  } while (tokens.accept(','));
}

void ModuleParser::function(bool isKernel) {
  Function function;
  function.isKernel = isKernel;
  function.line = tokens.peek().line;
  auto parameterList = [&](std::vector<Variable> &list) {
    while (!tokens.atEnd() && !tokens.peek().is(')')) {
      for (Variable &variable : parseVariables(tokens))
        list.push_back(std::move(variable));
      if (!tokens.accept(','))
        break;
    }
    tokens.expect(')');
  };
  if (tokens.accept('('))
    parameterList(function.results);
  function.name = tokens.expectName();
  if (tokens.accept('('))
    parameterList(function.parameters);
  auto dimensions = [&] {
    Dim3 dims;
    dims.x = tokens.expectInteger();
    if (tokens.accept(','))
      dims.y = tokens.expectInteger();
    if (tokens.accept(','))
      dims.z = tokens.expectInteger();
    return dims;
  };
  while (true) {
    if (tokens.acceptDot(".maxntid"))
      function.maxThreads = dimensions();
    else if (tokens.acceptDot(".reqntid"))
      function.requiredThreads = dimensions();
    else if (tokens.acceptDot(".reqnctapercluster"))
      function.requiredCluster = dimensions();
    else if (tokens.acceptDot(".explicitcluster"))
      function.explicitCluster = true;
    else if (tokens.acceptDot(".maxnreg"))
      function.maxRegisters = tokens.expectInteger();
    else if (tokens.acceptDot(".minnctapersm") ||
             tokens.acceptDot(".maxnctapersm") ||
             tokens.acceptDot(".maxclusterrank"))
      tokens.expectInteger();
    else if (tokens.acceptDot(".noreturn") ||
             tokens.acceptDot(".blocksareclusters"))
      continue;
    else if (tokens.acceptDot(".attribute"))
      while (!tokens.atEnd() && !tokens.accept(')'))
        tokens.take();
    else if (tokens.acceptDot(".pragma")) {
      tokens.take();
      tokens.expect(';');
    } else
      break;
  }
  if (!tokens.accept(';')) {
    function.hasBody = true;
    BodyParser(tokens, function).run();
  }
  module.functions.push_back(std::move(function));
}

/// More than any device has, so that sums of a few sizes do not overflow.
constexpr uint64_t maxVariableBytes = uint64_t(1) << 40;

/// Little-endian bytes of an initialiser element.
void appendInitializer(TokenStream &tokens, Variable &variable, unsigned width,
                       Type type, int depth = 0) {
  if (depth > maxNesting) {
    tokens.fail("expected at most {} levels of nesting", maxNesting);
    return;
  }
  auto append = [&](uint64_t value) {
    for (unsigned i = 0; i < width; ++i)
      variable.initial.push_back(
          std::byte(i < 8 ? uint8_t(value >> (8 * i)) : 0));
  };
  if (tokens.accept('{')) {
    while (!tokens.atEnd() && !tokens.peek().is('}')) {
      appendInitializer(tokens, variable, width, type, depth + 1);
      if (!tokens.accept(','))
        break;
    }
    tokens.expect('}');
    return;
  }
  if (tokens.peek().kind == TokenKind::Name) {
    Variable::Relocation relocation{variable.initial.size(), {}, 0, false};
    relocation.symbol = tokens.expectName();
    if (relocation.symbol == "generic" && tokens.accept('(')) {
      relocation.generic = true;
      relocation.symbol = tokens.expectName();
      tokens.expect(')');
    }
    if (tokens.accept('+'))
      relocation.addend = tokens.expectInteger();
    variable.relocations.push_back(std::move(relocation));
    append(0);
    return;
  }
  bool negative = tokens.accept('-');
  Token token = tokens.take();
  uint64_t value = token.value;
  if (token.kind == TokenKind::Float64) {
    double number = std::bit_cast<double>(value) * (negative ? -1 : 1);
    value = bits(type) == 32 ? std::bit_cast<uint32_t>(float(number))
                             : std::bit_cast<uint64_t>(number);
  } else if (token.kind == TokenKind::Integer) {
    value = negative ? -value : value;
  } else if (token.kind != TokenKind::Float32) {
    tokens.failAt(token.line, "expected an initialiser");
  }
  append(value);
}

} // namespace

std::vector<Variable> heddle::vgpu::parseVariables(TokenStream &tokens) {
  Variable prototype;
  Token space = tokens.take();
  if (space.text == ".global")
    prototype.space = Space::Global;
  else if (space.text == ".const")
    prototype.space = Space::Const;
  else if (space.text == ".shared")
    prototype.space = Space::Shared;
  else if (space.text == ".local")
    prototype.space = Space::Local;
  else if (space.text == ".param" || space.text == ".reg")
    prototype.space = Space::Param;
  else
    tokens.failAt(space.line, fmt::format("expected a state space, found '{}'",
                                          space.text));
  uint32_t align = 0, vector = 1;
  Type type = Type::None;
  while (tokens.peek().kind == TokenKind::Dot) {
    Token token = tokens.take();
    std::string_view text = token.text;
    if (text == ".align") {
      align = tokens.expectInteger();
    } else if (text == ".ptr" || text == ".global" || text == ".shared" ||
               text == ".const" || text == ".local" || text == ".managed" ||
               text == ".unified") {
      continue;
    } else if (text == ".attribute") {
      while (!tokens.atEnd() && !tokens.accept(')'))
        tokens.take();
    } else if (text == ".v2" || text == ".v4") {
      vector = text[2] - '0';
    } else if (Type parsed = parseType(text.substr(1)); parsed != Type::None) {
      type = parsed;
      // `.param .u64 .ptr .global .align 16` aligns the pointee.
      if (tokens.acceptDot(".ptr")) {
        while (tokens.peek().kind == TokenKind::Dot)
          if (tokens.take().text == ".align")
            tokens.expectInteger();
      }
    } else {
      tokens.failAt(token.line,
                    fmt::format("unknown variable modifier '{}'", text));
    }
  }
  if (type == Type::None)
    tokens.fail("expected a type, found '{}'", tokens.spelling());
  uint32_t element = std::max(1u, bits(type) / 8) * vector;
  prototype.type = type;
  prototype.align = align ? align : element;
  if (prototype.align & (prototype.align - 1))
    tokens.fail("expected a power of two as alignment, found {}",
                prototype.align);

  std::vector<Variable> variables;
  do {
    Variable variable = prototype;
    variable.name = tokens.expectName();
    uint64_t bytes = element;
    while (tokens.accept('[')) {
      uint64_t extent = tokens.peek().is(']') ? 0 : tokens.expectInteger();
      if (__builtin_mul_overflow(bytes, extent, &bytes) ||
          bytes > maxVariableBytes)
        tokens.fail("expected at most {} bytes for '{}'", maxVariableBytes,
                    variable.name);
      tokens.expect(']');
    }
    if (tokens.accept('='))
      appendInitializer(tokens, variable, element / vector, type);
    variable.size = std::max<uint64_t>(bytes, variable.initial.size());
    variables.push_back(std::move(variable));
    // A comma in a parameter list is followed by the next declaration.
  } while (tokens.peek().is(',') && tokens.peek(1).kind == TokenKind::Name &&
           tokens.accept(','));
  return variables;
}

void heddle::vgpu::parseFileDirective(TokenStream &tokens,
                                      std::map<uint32_t, std::string> &files) {
  uint32_t index = tokens.expectInteger();
  files[index] = std::string(tokens.take().text);
  while (tokens.accept(','))
    tokens.take();
}

SourceLocation heddle::vgpu::parseLocDirective(TokenStream &tokens) {
  SourceLocation location;
  location.file = tokens.expectInteger();
  location.line = tokens.expectInteger();
  tokens.expectInteger();
  if (tokens.peek().is(',') && tokens.peek(1).text == "function_name") {
    tokens.take();
    tokens.take();
    tokens.take();
    if (tokens.accept('+'))
      tokens.take();
    tokens.expect(',');
    // The place it was inlined at: the innermost location says more.
    tokens.expectName();
    tokens.expectInteger();
    tokens.expectInteger();
    tokens.expectInteger();
  }
  return location;
}

Expected<PtxModule> heddle::vgpu::parsePtx(std::string_view text,
                                           std::string_view name) {
  auto lexed = lexPtx(text, name);
  if (!lexed)
    return tl::unexpected(lexed.error());
  TokenStream tokens(std::move(*lexed), name);
  return ModuleParser(tokens, name).run();
}
