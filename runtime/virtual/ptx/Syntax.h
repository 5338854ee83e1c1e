//===- Syntax.h - PTX as parsed ---------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A PTX module after parsing: names of registers and labels are resolved, the
/// meaning of instructions is not.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PTX_SYNTAX_H
#define HEDDLE_VIRTUAL_PTX_SYNTAX_H

#include "heddle/Runtime/Device.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace heddle::vgpu {

/// Fundamental types; the width in bits is `bits(type)`.
enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  F32,
  F64,
  TF32,
  E4M3x2,
  E5M2x2,
  E4M3,
  E5M2,
  U16x2,
  S16x2,
  F32x2,
};

/// Targets are numbered so that newer ones are greater: 900 is sm_90 and 901
/// sm_90a.
inline constexpr uint32_t newestTarget = 901;
/// The target spelled `name`, or 0.
uint32_t parseTarget(std::string_view name);
std::string targetName(uint32_t target);

/// The type spelled `name` (without its dot), or `Type::None`.
Type parseType(std::string_view name);
/// Width of a value of `type` in bits; 1 for predicates.
unsigned bits(Type type);
bool isFloat(Type type);
bool isSigned(Type type);

enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

enum class OperandKind : uint8_t {
  /// `reg` numbers a register of the function.
  Register,
  /// A special register such as `%tid.x`; `name` is its spelling.
  Special,
  Integer,
  Float32,
  Float64,
  /// A variable, parameter, function or call prototype: `name`.
  Symbol,
  /// An instruction index in `reg`.
  Label,
  /// `[base + immediate]`; `elements[0]` is the base, a further element is the
  /// coordinate vector of a tensor copy.
  Address,
  /// `{a, b, ...}`.
  Vector,
  /// `a|b`.
  Pair,
  /// `(a, b)` in calls.
  List,
  /// `_`.
  Sink,
};

struct Operand {
  OperandKind kind = OperandKind::Sink;
  /// `!p` or `-imm` before resolution.
  bool negated = false;
  uint32_t reg = 0;
  uint64_t value = 0;
  std::string name;
  std::vector<Operand> elements;
};

/// A `.loc`: index into `Module::files` and a line.
struct SourceLocation {
  uint32_t file = 0;
  uint32_t line = 0;
};

struct Statement {
  /// The full mnemonic; "heddle.role" for a role marker.
  std::string opcode;
  std::vector<Operand> operands;
  /// Guard register, or -1.
  int32_t guard = -1;
  bool guardNegated = false;
  uint32_t line = 0;
  SourceLocation location;
  /// What the comment before it says that it checks, or nothing.
  std::string check;
};

/// A register of a function.
struct Register {
  Type type = Type::B32;
  std::string name;
};

/// A variable in any space. Kernel and function parameters are variables too.
struct Variable {
  std::string name;
  Space space = Space::Global;
  /// Of an element; vectors and arrays are larger.
  Type type = Type::B8;
  uint32_t align = 1;
  uint64_t size = 0;
  bool isExtern = false;
  /// Initial bytes; empty means zero.
  std::vector<std::byte> initial;
  /// Addresses written into `initial` when the module is loaded.
  struct Relocation {
    uint64_t offset;
    std::string symbol;
    uint64_t addend;
    bool generic;
  };
  std::vector<Relocation> relocations;
};

/// A kernel or a device function.
struct Function {
  std::string name;
  bool isKernel = false;
  bool hasBody = false;
  uint32_t line = 0;
  std::vector<Variable> results, parameters;
  std::vector<Register> registers;
  std::vector<Statement> body;
  /// Shared, local and call-parameter variables declared in the body.
  std::vector<Variable> variables;
  /// Branch target lists of `brx.idx`, by label.
  std::map<std::string, std::vector<uint32_t>> branchTargets;
  Dim3 requiredThreads{0, 0, 0}, maxThreads{0, 0, 0}, requiredCluster{0, 0, 0};
  bool explicitCluster = false;
  uint32_t maxRegisters = 0;
};

struct PtxModule {
  std::string name;
  /// Of `.target`; modules without one may use everything.
  uint32_t target = newestTarget;
  std::map<uint32_t, std::string> files;
  std::vector<Variable> variables;
  std::vector<Function> functions;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_PTX_SYNTAX_H
