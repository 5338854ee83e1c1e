//===- BodyParser.h - Function bodies ---------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PTX_BODYPARSER_H
#define HEDDLE_VIRTUAL_PTX_BODYPARSER_H

#include "ptx/Syntax.h"
#include "ptx/TokenStream.h"

#include <unordered_map>

namespace heddle::vgpu {

/// How deep blocks, operands and initialisers may nest: much deeper than any
/// compiler goes, and far from the end of the stack.
inline constexpr int maxNesting = 256;

/// Parses `.space type name[n] = init, ...` up to, not including, `;`.
std::vector<Variable> parseVariables(TokenStream &tokens);
void parseFileDirective(TokenStream &tokens,
                        std::map<uint32_t, std::string> &files);
SourceLocation parseLocDirective(TokenStream &tokens);

/// Parses one `{ ... }` body. Inline assembly opens nested blocks with
/// registers and labels of their own; both are resolved here.
class BodyParser {
public:
  BodyParser(TokenStream &tokens, Function &function);
  void run();

private:
  struct Scope {
    int parent = -1;
    std::unordered_map<std::string, uint32_t> registers;
    /// Parameterised names: `%r<10>` declares %r0..%r9.
    std::unordered_map<std::string, std::pair<uint32_t, uint32_t>> ranges;
    std::unordered_map<std::string, uint32_t> labels;
    /// Variables of nested blocks are renamed to stay unique.
    std::unordered_map<std::string, std::string> variables;
  };
  struct Reference {
    uint32_t statement;
    std::string label;
    int scope;
    uint32_t line;
    /// The branch target list it belongs to, if any.
    std::string list;
  };

  void block();
  void registers();
  void variables();
  void statement();
  void branchTargets(const std::string &label);
  Operand operand(const std::string &opcode);
  Operand primary(const std::string &opcode);
  Operand leaf(const std::string &opcode);
  Operand list(OperandKind kind, char close, const std::string &opcode);
  Operand name(const std::string &opcode);
  Operand address(const std::string &opcode);
  int64_t findRegister(const std::string &name) const;
  void resolveLabels();

  TokenStream &tokens;
  Function &function;
  std::vector<Scope> scopes;
  int scope = -1;
  int depth = 0;
  SourceLocation location;
  /// What the next statement checks.
  std::string check;
  std::vector<Reference> references;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_PTX_BODYPARSER_H
