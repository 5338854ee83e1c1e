//===- Program.h - Programs in a form that needs no MLIR --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Kernels and host functions as the author wrote them: values that are
/// assigned once, operations with MLIR's names, regions of one block. The
/// compiler translates modules into this form, packages carry it as text, and
/// the interpreter runs it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_PROGRAM_H
#define HEDDLE_RUNTIME_REFERENCE_PROGRAM_H

#include "heddle/Runtime/LaunchPlan.h"
#include "reference/Formats.h"

#include <limits>
#include <variant>

namespace heddle::reference {

struct Definition;

/// An extent or a stride that is known only when the program runs, and an
/// offset that an operand tells.
inline constexpr int64_t dynamic = std::numeric_limits<int64_t>::min();

/// The most dimensions of a view and of a tile.
inline constexpr size_t maxViewRank = 5;
inline constexpr size_t maxTileRank = 16;

/// How deep regions may nest.
inline constexpr unsigned maxDepth = 64;

enum class Form : uint8_t { Scalar, Tile, View };

/// The type of a value: a number, a tile of static shape, or a strided view of
/// a buffer.
struct Type {
  Form form = Form::Scalar;
  NumberType element;
  std::vector<int64_t> shape;
  /// Of views, in elements.
  std::vector<int64_t> strides;

  static Type scalar(NumberType element) {
    return {Form::Scalar, element, {}, {}};
  }
  bool isScalar(NumberType type) const {
    return form == Form::Scalar && element == type;
  }
  bool isIndex() const { return isScalar(NumberType::index()); }
  /// Of tiles.
  int64_t getNumElements() const;
  /// As in a program, about: `128x64xbf16`.
  std::string getName() const;
  bool operator==(const Type &) const = default;
};

/// What is expected of a type that is not so, or nothing.
std::string verifyType(const Type &type);

/// A place in the author's program; line 0 is nowhere.
struct Location {
  /// A number of `Program::files`.
  uint32_t file = 0;
  uint32_t line = 0, column = 0;
};

/// Numbers have the element type of the operation's first result, and one of
/// them may stand for all of a tile's.
using Numbers = std::vector<Element>;
using Ints = std::vector<int64_t>;
using Attribute = std::variant<int64_t, Ints, std::string, Numbers>;
enum class AttributeKind : uint8_t { Int, Ints, String, Numbers };

struct Region;

/// Operands and results are numbers of values of the function.
struct Operation {
  const Definition *definition = nullptr;
  std::vector<uint32_t> operands, results;
  std::vector<std::pair<std::string, Attribute>> attributes;
  std::vector<Region> regions;
  Location location;

  Operation();
  Operation(Operation &&);
  Operation &operator=(Operation &&);
  ~Operation();

  /// The attribute, or null.
  const Attribute *find(std::string_view name) const;
  /// Attributes of a kind that the definition declares.
  int64_t getInt(std::string_view name, int64_t otherwise = 0) const;
  const Ints &getInts(std::string_view name) const;
  const std::string &getString(std::string_view name) const;
  const Numbers &getNumbers(std::string_view name) const;
};

/// One block, or none at all.
struct Region {
  std::vector<uint32_t> arguments;
  /// The last one is the terminator.
  std::vector<Operation> operations;
};

struct BufferType {
  std::string name;
  Access access = Access::In;
  /// For each dimension the number of the size that is its extent, or -1.
  std::vector<int64_t> extents;
};

/// A kernel, or a host function, whose arguments are its sizes and then its
/// buffers.
struct Function {
  std::string name;
  bool isKernel = false;
  Location location;
  std::vector<std::string> sizes;
  std::vector<BufferType> buffers;
  /// Of all values, by number: first the arguments, then what the body defines,
  /// in order; what regions define comes before the results of the operation.
  std::vector<uint32_t> valueTypes;
  Region body;
};

struct Program {
  std::vector<std::string> files;
  std::vector<Type> types;
  std::vector<Function> functions;

  Program() = default;
  Program(Program &&) = default;
  Program &operator=(Program &&) = default;

  const Function *findKernel(std::string_view name) const;
  /// The host function `name`, or the only one if that is empty.
  Expected<const Function *> findHost(std::string_view name) const;
  /// `file:line:column`, or nothing.
  std::string format(Location location) const;

  /// The bytes that a package holds of it.
  std::string serialize() const;
  /// Reads them. Nothing in them is trusted: what comes back follows all rules
  /// of the form. `name` is what messages call it.
  static Expected<Program> parse(std::span<const std::byte> bytes,
                                 std::string_view name);
};

/// What is wrong with an operation whose operands, results, attributes and
/// regions are there, or nothing. Its regions have been verified.
std::string verifyOperation(const Program &program, const Function &function,
                            const Operation &op);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_PROGRAM_H
