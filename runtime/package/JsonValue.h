//===- JsonValue.h - JSON that nobody vouches for ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads JSON without exceptions: every access says what it expects, and the
/// first that is disappointed is remembered with its path.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_JSONVALUE_H
#define HEDDLE_RUNTIME_PACKAGE_JSONVALUE_H

#include "heddle/Runtime/Error.h"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heddle::package {

/// Parses JSON of bounded depth and number of values.
Expected<nlohmann::json> parseJson(std::string_view text);

/// A value of a document and the way to it. Once something is wrong, all that
/// is read are defaults. Refers to the value that it was got from.
class JsonValue {
public:
  JsonValue(const nlohmann::json &json, std::optional<std::string> &problem)
      : json(&json), problem(problem) {}

  /// The member `key` of an object.
  JsonValue operator[](std::string_view key) const;
  bool has(std::string_view key) const;

  /// An integer from `min` to `max`.
  template <std::integral T>
  T getInteger(T min, T max = std::numeric_limits<T>::max()) const {
    if constexpr (std::is_signed_v<T>)
      return T(getSigned(min, max));
    else
      return T(getUnsigned(min, max));
  }
  /// Any number, as the nearest double.
  double getNumber() const;
  bool getBool() const;
  /// Text without control characters.
  std::string getString() const;
  bool isString() const { return json && json->is_string(); }
  bool isInteger() const { return json && json->is_number_integer(); }
  bool isNegative() const {
    return json && json->is_number_integer() && !json->is_number_unsigned() &&
           *json->get_ptr<const int64_t *>() < 0;
  }
  bool isNumber() const { return json && json->is_number(); }
  bool isArray() const { return json && json->is_array(); }
  bool isObject() const { return json && json->is_object(); }

  /// The names of an object's members, in alphabetical order.
  std::vector<std::string> getKeys() const;
  /// Fails if there are members of other names, which may be misspelt.
  void allowOnly(std::initializer_list<std::string_view> keys) const;

  /// The number below `count` of which the string is the name.
  template <typename Fn>
  size_t getOneOf(size_t count, Fn getName) const {
    std::string found = getString(), expected;
    for (size_t i = 0; i < count; ++i)
      if (getName(i) == found)
        return i;
    for (size_t i = 0; i < count; ++i)
      expected += (i ? ", " : "one of ") + std::string(getName(i));
    fail(expected);
    return 0;
  }

  /// How many elements an array has.
  size_t getCount() const { return isArray() ? json->size() : 0; }

  /// The elements of an array, each as `read` returns it for a `JsonValue`.
  template <typename Fn>
  auto getArray(size_t min, size_t max, Fn read) const {
    std::vector<decltype(read(*this))> result;
    size_t count = getSize(min, max);
    result.reserve(count);
    for (size_t i = 0; i < count && !problem; ++i)
      result.push_back(read(JsonValue(*this, i)));
    return result;
  }

  /// Remembers that this is not what it should be.
  void fail(std::string_view expected) const;
  /// Remembers what is wrong with it in other words.
  void failWith(std::string_view message) const;
  /// Whether everything that was read until now was as it should be.
  bool isGood() const { return !problem; }

private:
  JsonValue(const JsonValue &parent, size_t index)
      : json(&(*parent.json)[index]), problem(parent.problem), parent(&parent),
        index(index) {}
  JsonValue(const JsonValue &parent, std::string_view key,
            const nlohmann::json *json)
      : json(json), problem(parent.problem), parent(&parent), key(key) {}

  int64_t getSigned(int64_t min, int64_t max) const;
  uint64_t getUnsigned(uint64_t min, uint64_t max) const;
  /// The elements of an array of `min` to `max`, or 0.
  size_t getSize(size_t min, size_t max) const;
  std::string getPath() const;

  /// Null where there is nothing.
  const nlohmann::json *json;
  std::optional<std::string> &problem;
  const JsonValue *parent = nullptr;
  /// The way from the parent: a key, or an index if that is empty.
  std::string_view key;
  size_t index = 0;
};

} // namespace heddle::package

#endif // HEDDLE_RUNTIME_PACKAGE_JSONVALUE_H
