//===- Registry.h - What the reference knows of each operation --*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_REGISTRY_H
#define HEDDLE_RUNTIME_REFERENCE_REGISTRY_H

#include "reference/Program.h"

#include <functional>
#include <map>

namespace heddle::reference {

class Frame;

/// An operation in its place, for its rules.
struct Site {
  const Program &program;
  const Function &function;
  const Operation &op;

  size_t getNumOperands() const { return op.operands.size(); }
  size_t getNumResults() const { return op.results.size(); }
  const Type &getType(uint32_t value) const {
    return program.types[function.valueTypes[value]];
  }
  const Type &operand(size_t i) const { return getType(op.operands[i]); }
  const Type &result(size_t i = 0) const { return getType(op.results[i]); }
};

/// What is wrong with an operation, or nothing. An operation that has passed
/// can be run; what goes wrong then is reported.
using Rule = std::function<std::string(const Site &)>;

/// Runs an operation; false if an error has been reported.
using Handler = std::function<bool(Frame &, const Operation &)>;

struct AttributeSpec {
  std::string name;
  AttributeKind kind = AttributeKind::Int;
  bool isRequired = true;
};

/// An operation that the reference knows.
struct Definition {
  std::string name;
  std::vector<AttributeSpec> attributes;
  size_t minRegions = 0, maxRegions = 0;
  /// The last region may be without a block.
  bool mayLackBlock = false;
  bool isTerminator = false;
  Rule verify;
  Handler run;
};

/// All operations that the reference knows, by name.
class Registry {
public:
  static const Registry &get();

  void add(Definition definition);
  /// The usual case.
  void add(std::string name, Rule verify, Handler run) {
    add({.name = std::move(name),
         .verify = std::move(verify),
         .run = std::move(run)});
  }
  /// Null for operations that are not known.
  const Definition *find(std::string_view name) const;

private:
  std::map<std::string, Definition, std::less<>> definitions;
};

// The groups of operations; each is in the file of its name.
void addControlOps(Registry &registry);
void addConversionOps(Registry &registry);
void addDotOps(Registry &registry);
void addFloatOps(Registry &registry);
void addIntegerOps(Registry &registry);
void addInverseOps(Registry &registry);
void addLaunchOps(Registry &registry);
void addMemoryOps(Registry &registry);
void addReduceOps(Registry &registry);
void addScanOps(Registry &registry);
void addShapeOps(Registry &registry);
void addSliceOps(Registry &registry);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_REGISTRY_H
