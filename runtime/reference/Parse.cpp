//===- Parse.cpp - Reading programs that may be hostile -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/MakeError.h"
#include "reference/Program.h"
#include "reference/Registry.h"
#include "reference/Text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

// Not all of heddle, which has another Program.
using namespace heddle::reference;
using heddle::Access;
using heddle::ErrorKind;
using heddle::Expected;
using heddle::makeError;
using Json = nlohmann::json;

/// The largest section: a program of that many bytes takes some gigabytes.
static constexpr size_t maxBytes = 64 << 20;

namespace {
/// Functions return false once `message` says what is wrong.
class Parser {
public:
  explicit Parser(Program &program) : program(program) {}

  bool parse(const Json &json);
  std::string message;

private:
  template <typename... Args>
  bool fail(fmt::format_string<Args...> format, Args &&...args) {
    message = fmt::format(format, std::forward<Args>(args)...);
    if (function)
      message = fmt::format("function '{}': {}", function->name, message);
    return false;
  }

  /// `json` is an object without other entries than those.
  bool verifyKeys(const Json &json,
                  std::initializer_list<std::string_view> keys);
  /// Entries of objects. One that is left out stays as it is.
  template <typename T>
  bool getNumber(const Json &json, T &number);
  bool getString(const Json &json, std::string &text);
  template <typename T, typename Fn>
  bool getList(const Json &json, const char *key, std::vector<T> &list, Fn get);
  bool getInts(const Json &json, const char *key, Ints &ints);
  bool getLocation(const Json &json, Location &location);

  bool getType(const Json &json, Type &type);
  /// A type's number, of which there is a new value.
  bool addValue(const Json &json, uint32_t &value);
  bool getHeader(const Json &json, Function &header);
  bool getBuffer(const Json &json, BufferType &buffer);
  bool verifyArguments();
  bool getRegion(const Json &json, Region &region, unsigned depth);
  bool getOperations(const Json &json, Region &region, unsigned depth);
  bool getOperation(const Json &json, Operation &op, unsigned depth);
  bool getAttributes(const Json &json, Operation &op);
  bool getAttribute(const Json &json, const Operation &op, AttributeKind kind,
                    Attribute &attribute);
  bool getNumbers(const Json &json, const Operation &op, Numbers &numbers);

  Program &program;
  /// The current function, or null.
  Function *function = nullptr;
  /// Which of its values can be used where the parser is.
  std::vector<uint8_t> visible;
};
} // namespace

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

/// The entry of an object, or null. Nothing is copied, since a copy of JSON
/// that nests deeply would need a deep stack.
static const Json &getEntry(const Json &json, const char *key) {
  static const Json null;
  auto found = json.find(key);
  return found == json.end() ? null : *found;
}

bool Parser::verifyKeys(const Json &json,
                        std::initializer_list<std::string_view> keys) {
  if (!json.is_object())
    return fail("expected an object, found {}", json.type_name());
  for (const auto &item : json.items())
    if (std::ranges::find(keys, item.key()) == keys.end())
      return fail("unknown entry '{}'", item.key());
  return true;
}

template <typename T>
bool Parser::getNumber(const Json &json, T &number) {
  if (!json.is_number_integer())
    return fail("expected an integer, found {}", json.type_name());
  if (json.is_number_unsigned()) {
    auto value = json.get<uint64_t>();
    if (!std::in_range<T>(value))
      return fail("{} is out of range", value);
    number = T(value);
    return true;
  }
  auto value = json.get<int64_t>();
  if (!std::in_range<T>(value))
    return fail("{} is out of range", value);
  number = T(value);
  return true;
}

bool Parser::getString(const Json &json, std::string &text) {
  if (!json.is_string())
    return fail("expected a string, found {}", json.type_name());
  text = json.get_ref<const std::string &>();
  return true;
}

template <typename T, typename Fn>
bool Parser::getList(const Json &json, const char *key, std::vector<T> &list,
                     Fn get) {
  auto found = json.find(key);
  if (found == json.end())
    return true;
  if (!found->is_array())
    return fail("{}: expected a list, found {}", key, found->type_name());
  for (const Json &item : *found)
    if (!get(item, list.emplace_back()))
      return false;
  return true;
}

bool Parser::getInts(const Json &json, const char *key, Ints &ints) {
  return getList(json, key, ints, [this](const Json &item, int64_t &number) {
    return getNumber(item, number);
  });
}

bool Parser::getLocation(const Json &json, Location &location) {
  auto found = json.find(text::location);
  if (found == json.end())
    return true;
  if (!found->is_array() || found->size() != 3)
    return fail("expected a file, a line and a column");
  return getNumber((*found)[0], location.file) &&
         getNumber((*found)[1], location.line) &&
         getNumber((*found)[2], location.column);
}

//===----------------------------------------------------------------------===//
// Types and headers
//===----------------------------------------------------------------------===//

bool Parser::getType(const Json &json, Type &type) {
  std::string element;
  if (!verifyKeys(json, {text::element, text::shape, text::strides}) ||
      !getString(getEntry(json, text::element), element) ||
      !getInts(json, text::shape, type.shape) ||
      !getInts(json, text::strides, type.strides))
    return false;
  std::optional<NumberType> number = NumberType::parse(element);
  if (!number)
    return fail("unknown type '{}'", element);
  type.element = *number;
  if (json.contains(text::strides))
    type.form = Form::View;
  else if (json.contains(text::shape))
    type.form = Form::Tile;
  std::string wrong = verifyType(type);
  return wrong.empty() || fail("{}, found {}", wrong, type.getName());
}

bool Parser::addValue(const Json &json, uint32_t &value) {
  uint32_t type = 0;
  if (!getNumber(json, type))
    return false;
  if (type >= program.types.size())
    return fail("there is no type {}", type);
  value = uint32_t(function->valueTypes.size());
  function->valueTypes.push_back(type);
  return true;
}

bool Parser::getBuffer(const Json &json, BufferType &buffer) {
  int access = 0;
  if (!verifyKeys(json, {text::name, text::access, text::extents}) ||
      !getString(getEntry(json, text::name), buffer.name) ||
      !getNumber(getEntry(json, text::access), access) ||
      !getInts(json, text::extents, buffer.extents))
    return false;
  if (access < 0 || access > int(Access::InOut))
    return fail("unknown access {}", access);
  buffer.access = Access(access);
  return true;
}

/// Everything but the body.
bool Parser::getHeader(const Json &json, Function &header) {
  function = nullptr;
  if (!verifyKeys(json, {text::name, text::isKernel, text::location,
                         text::sizes, text::buffers, text::body}) ||
      !getString(getEntry(json, text::name), header.name) ||
      !getLocation(json, header.location))
    return false;
  function = &header;
  auto isKernel = json.find(text::isKernel);
  if (isKernel == json.end() || !isKernel->is_boolean())
    return fail("expected whether it is a kernel");
  header.isKernel = isKernel->get<bool>();
  auto body = json.find(text::body);
  if (body == json.end() ||
      !verifyKeys(*body, {text::arguments, text::operations}))
    return fail("expected a body");
  return getList(json, text::sizes, header.sizes,
                 [this](const Json &item, std::string &name) {
                   return getString(item, name);
                 }) &&
         getList(json, text::buffers, header.buffers,
                 [this](const Json &item, BufferType &buffer) {
                   return getBuffer(item, buffer);
                 }) &&
         getList(*body, text::arguments, header.body.arguments,
                 [this](const Json &item, uint32_t &value) {
                   return addValue(item, value);
                 }) &&
         verifyArguments();
}

bool Parser::verifyArguments() {
  auto getArgument = [this](size_t i) -> const Type & {
    return program.types[function->valueTypes[i]];
  };
  size_t count = function->body.arguments.size();
  size_t sizes = function->sizes.size();
  if (function->isKernel) {
    for (size_t i = 0; i < count; ++i)
      if (getArgument(i).form == Form::Tile)
        return fail("expected views and numbers as arguments");
    return (sizes == 0 && function->buffers.empty()) ||
           fail("a kernel has no sizes and no buffers");
  }
  if (count != sizes + function->buffers.size())
    return fail("expected as many arguments as sizes and buffers");
  for (size_t i = 0; i < count; ++i) {
    const Type &type = getArgument(i);
    if (i < sizes && !type.isIndex())
      return fail("expected an index for size {}", i);
    if (i < sizes)
      continue;
    const BufferType &buffer = function->buffers[i - sizes];
    if (type.form != Form::View || buffer.extents.size() != type.shape.size())
      return fail("expected a view and its extents for buffer {}", i - sizes);
    for (size_t dim = 0; dim < type.shape.size(); ++dim)
      if (int64_t size = buffer.extents[dim];
          size < -1 || size >= int64_t(sizes) ||
          (size >= 0) != (type.shape[dim] == dynamic))
        return fail("expected a size for each dynamic extent of buffer {}",
                    i - sizes);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

bool Parser::getRegion(const Json &json, Region &region, unsigned depth) {
  if (json.is_null())
    return true;
  if (depth >= maxDepth)
    return fail("regions nest deeper than {}", maxDepth);
  // What a region defines ends with it.
  size_t before = visible.size();
  bool good = verifyKeys(json, {text::arguments, text::operations}) &&
              getList(json, text::arguments, region.arguments,
                      [this](const Json &item, uint32_t &value) {
                        return addValue(item, value);
                      });
  if (!good)
    return false;
  visible.resize(function->valueTypes.size(), true);
  if (!getOperations(json, region, depth))
    return false;
  std::fill(visible.begin() + before, visible.end(), false);
  return true;
}

bool Parser::getOperations(const Json &json, Region &region, unsigned depth) {
  auto get = [&](const Json &item, Operation &op) {
    return getOperation(item, op, depth);
  };
  if (!getList(json, text::operations, region.operations, get))
    return false;
  if (region.operations.empty())
    return fail("expected a region with operations");
  for (const Operation &op : region.operations)
    if (op.definition->isTerminator != (&op == &region.operations.back()))
      return fail("expected a terminator at the end of a region, and only "
                  "there");
  return true;
}

bool Parser::getOperation(const Json &json, Operation &op, unsigned depth) {
  std::string name;
  if (!verifyKeys(json, {text::name, text::operands, text::results,
                         text::attributes, text::regions, text::location}) ||
      !getString(getEntry(json, text::name), name) ||
      !getLocation(json, op.location))
    return false;
  op.definition = Registry::get().find(name);
  if (!op.definition)
    return fail("unknown operation '{}'", name);
  auto getOperand = [this](const Json &item, uint32_t &value) {
    if (!getNumber(item, value))
      return false;
    return (value < visible.size() && visible[value]) ||
           fail("value {} is not defined where it is used", value);
  };
  if (!getList(json, text::operands, op.operands, getOperand) ||
      !getList(json, text::regions, op.regions,
               [&](const Json &item, Region &region) {
                 return getRegion(item, region, depth + 1);
               }) ||
      !getList(json, text::results, op.results,
               [this](const Json &item, uint32_t &value) {
                 return addValue(item, value);
               }) ||
      !getAttributes(json, op))
    return false;
  visible.resize(function->valueTypes.size(), true);
  std::string wrong = verifyOperation(program, *function, op);
  return wrong.empty() || fail("{}: {}", name, wrong);
}

bool Parser::getAttributes(const Json &json, Operation &op) {
  auto found = json.find(text::attributes);
  if (found == json.end())
    return true;
  if (!found->is_object())
    return fail("expected attributes, found {}", found->type_name());
  for (const auto &item : found->items()) {
    const auto &known = op.definition->attributes;
    auto spec = std::ranges::find(known, item.key(), &AttributeSpec::name);
    if (spec == known.end())
      return fail("{} has no attribute '{}'", op.definition->name, item.key());
    Attribute attribute;
    if (!getAttribute(item.value(), op, spec->kind, attribute))
      return false;
    op.attributes.emplace_back(spec->name, std::move(attribute));
  }
  return true;
}

bool Parser::getAttribute(const Json &json, const Operation &op,
                          AttributeKind kind, Attribute &attribute) {
  switch (kind) {
  case AttributeKind::Int:
    return getNumber(json, attribute.emplace<int64_t>());
  case AttributeKind::String:
    return getString(json, attribute.emplace<std::string>());
  case AttributeKind::Numbers:
    return getNumbers(json, op, attribute.emplace<Numbers>());
  case AttributeKind::Ints:
    break;
  }
  Ints &ints = attribute.emplace<Ints>();
  if (!json.is_array())
    return fail("expected a list, found {}", json.type_name());
  for (const Json &item : json)
    if (!getNumber(item, ints.emplace_back()))
      return false;
  return true;
}

/// Bytes in hexadecimal, in the element type of the first result.
bool Parser::getNumbers(const Json &json, const Operation &op,
                        Numbers &numbers) {
  std::string text;
  if (!getString(json, text))
    return false;
  if (op.results.empty())
    return fail("numbers need a result that tells their type");
  NumberType type =
      program.types[function->valueTypes[op.results.front()]].element;
  size_t digits = 2 * getByteWidth(type);
  if (text.empty() || text.size() % digits != 0)
    return fail("expected {} digits for each number", digits);
  auto getDigit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  for (size_t at = 0; at < text.size(); at += digits) {
    std::byte bytes[8] = {};
    for (size_t i = 0; i < digits; ++i) {
      int digit = getDigit(text[at + i]);
      if (digit < 0)
        return fail("expected hexadecimal digits");
      bytes[i / 2] |= std::byte(digit << (i % 2 == 0 ? 4 : 0));
    }
    numbers.push_back(loadElement(type, bytes));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

bool Parser::parse(const Json &json) {
  int version = 0;
  if (!json.is_object())
    return fail("expected JSON of an object");
  if (!getNumber(getEntry(json, text::version), version))
    return false;
  if (version != text::currentVersion)
    return fail("expected version {}, found {}", text::currentVersion, version);
  if (!verifyKeys(json,
                  {text::version, text::files, text::types, text::functions}) ||
      !getList(json, text::files, program.files,
               [this](const Json &item, std::string &name) {
                 return getString(item, name);
               }) ||
      !getList(json, text::types, program.types,
               [this](const Json &item, Type &type) {
                 return getType(item, type);
               }) ||
      // All headers are known before any launch is read.
      !getList(json, text::functions, program.functions,
               [this](const Json &item, Function &header) {
                 return getHeader(item, header);
               }))
    return false;
  for (size_t i = 0; i < program.functions.size(); ++i) {
    function = &program.functions[i];
    for (size_t other = 0; other < i; ++other)
      if (program.functions[other].name == function->name)
        return fail("there are two of that name");
    visible.assign(function->valueTypes.size(), true);
    if (!getOperations(json[text::functions][i][text::body], function->body, 0))
      return false;
    const Operation &last = function->body.operations.back();
    if (last.definition->name != "tile.return" || !last.operands.empty())
      return fail("expected tile.return without operands at the end");
  }
  return true;
}

Expected<Program> Program::parse(std::span<const std::byte> bytes,
                                 std::string_view name) {
  auto fail = [&](std::string_view why) -> Expected<Program> {
    return makeError(ErrorKind::InvalidInput,
                     "{}: the reference semantics are damaged: {}", name, why);
  };
  if (bytes.size() > maxBytes)
    return fail(fmt::format("expected at most {} bytes, found {}", maxBytes,
                            bytes.size()));
  // The library reports some limits by exceptions, and memory runs out so.
  try {
    const char *text = reinterpret_cast<const char *>(bytes.data());
    Json json = Json::parse(text, text + bytes.size(), nullptr,
                            /*allow_exceptions=*/false);
    if (json.is_discarded())
      return fail("they are not JSON");
    Program program;
    Parser parser(program);
    if (!parser.parse(json))
      return fail(parser.message);
    return program;
  } catch (const std::exception &error) {
    return fail(error.what());
  }
}
