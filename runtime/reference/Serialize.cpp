//===- Serialize.cpp - Programs as text -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Program.h"
#include "reference/Registry.h"
#include "reference/Text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace heddle::reference;
using Json = nlohmann::json;

static Json toJson(Location location) {
  return {location.file, location.line, location.column};
}

static Json toJson(const Type &type) {
  Json json = {{text::element, type.element.getName()}};
  if (type.form != Form::Scalar)
    json[text::shape] = type.shape;
  if (type.form == Form::View)
    json[text::strides] = type.strides;
  return json;
}

/// Numbers as the bytes they have in memory.
static std::string toHex(NumberType type, const Numbers &numbers) {
  std::string text;
  for (Element number : numbers) {
    std::byte bytes[8];
    storeElement(type, number, bytes);
    for (unsigned i = 0; i < getByteWidth(type); ++i)
      fmt::format_to(std::back_inserter(text), "{:02x}", unsigned(bytes[i]));
  }
  return text;
}

namespace {
class Writer {
public:
  explicit Writer(const Program &program) : program(program) {}

  Json write() const;

private:
  Json write(const Function &function) const;
  Json write(const Function &function, const Region &region) const;
  Json write(const Function &function, const Operation &op) const;
  Json getTypes(const Function &function,
                const std::vector<uint32_t> &values) const {
    Json types = Json::array();
    for (uint32_t value : values)
      types.push_back(function.valueTypes[value]);
    return types;
  }

  const Program &program;
};
} // namespace

Json Writer::write(const Function &function, const Operation &op) const {
  Json json = {{text::name, op.definition->name}};
  if (!op.operands.empty())
    json[text::operands] = op.operands;
  if (!op.results.empty())
    json[text::results] = getTypes(function, op.results);
  for (const auto &[name, attribute] : op.attributes) {
    Json &value = json[text::attributes][name];
    if (auto *numbers = std::get_if<Numbers>(&attribute)) {
      uint32_t type = function.valueTypes[op.results.front()];
      value = toHex(program.types[type].element, *numbers);
    } else if (auto *number = std::get_if<int64_t>(&attribute)) {
      value = *number;
    } else if (auto *ints = std::get_if<Ints>(&attribute)) {
      value = *ints;
    } else {
      value = std::get<std::string>(attribute);
    }
  }
  for (const Region &region : op.regions)
    json[text::regions].push_back(
        region.operations.empty() ? Json() : write(function, region));
  if (op.location.line != 0)
    json[text::location] = toJson(op.location);
  return json;
}

Json Writer::write(const Function &function, const Region &region) const {
  Json operations = Json::array();
  for (const Operation &op : region.operations)
    operations.push_back(write(function, op));
  return {{text::arguments, getTypes(function, region.arguments)},
          {text::operations, std::move(operations)}};
}

Json Writer::write(const Function &function) const {
  Json json = {{text::name, function.name},
               {text::isKernel, function.isKernel},
               {text::location, toJson(function.location)},
               {text::body, write(function, function.body)}};
  if (function.isKernel)
    return json;
  json[text::sizes] = function.sizes;
  json[text::buffers] = Json::array();
  for (const BufferType &buffer : function.buffers)
    json[text::buffers].push_back({{text::name, buffer.name},
                                   {text::access, int(buffer.access)},
                                   {text::extents, buffer.extents}});
  return json;
}

Json Writer::write() const {
  Json types = Json::array(), functions = Json::array();
  for (const Type &type : program.types)
    types.push_back(toJson(type));
  for (const Function &function : program.functions)
    functions.push_back(write(function));
  return {{text::version, text::currentVersion},
          {text::files, program.files},
          {text::types, std::move(types)},
          {text::functions, std::move(functions)}};
}

std::string Program::serialize() const {
  // A name that is no UTF-8 is only ever shown.
  return Writer(*this).write().dump(-1, ' ', false,
                                    Json::error_handler_t::replace);
}
