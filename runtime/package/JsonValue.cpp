//===- JsonValue.cpp - JSON that nobody vouches for -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonValue.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::package;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// Metadata nests 7 deep; a GEMM has some 200 values.
static constexpr size_t maxDepth = 16, maxValues = size_t(1) << 20;

namespace {
/// Looks for errors and counts, but keeps nothing, so that hostile documents
/// are refused before they take memory.
class Limits : public nlohmann::json_sax<json> {
public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(int64_t) override { return count(); }
  bool number_unsigned(uint64_t) override { return count(); }
  bool number_float(double, const std::string &) override { return count(); }
  bool string(std::string &) override { return count(); }
  bool binary(json::binary_t &) override { return count(); }
  bool key(std::string &) override { return true; }
  bool start_object(size_t) override { return enter(); }
  bool start_array(size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &) override {
    problem = fmt::format("expected JSON, found an error at byte {}", position);
    return false;
  }

  std::string problem;

private:
  bool count() {
    if (++values <= maxValues)
      return true;
    problem = fmt::format("expected at most {} values", maxValues);
    return false;
  }
  bool enter() {
    if (++depth <= maxDepth)
      return count();
    problem = fmt::format("expected at most {} levels of nesting", maxDepth);
    return false;
  }
  bool leave() {
    --depth;
    return true;
  }

  size_t depth = 0, values = 0;
};
} // namespace

Expected<json> package::parseJson(std::string_view text) {
  Limits limits;
  if (!json::sax_parse(text, &limits))
    return makeError(ErrorKind::InvalidInput, "{}", limits.problem);
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

//===----------------------------------------------------------------------===//
// Access
//===----------------------------------------------------------------------===//

std::string JsonValue::getPath() const {
  if (!parent)
    return "";
  std::string path = parent->getPath();
  if (key.empty())
    return path + fmt::format("[{}]", index);
  return path + (path.empty() ? "" : ".") + std::string(key);
}

/// What was found, in few words and without anything that a terminal obeys.
static std::string describe(const json *value) {
  if (!value)
    return "nothing";
  if (value->is_object())
    return "an object";
  if (value->is_array())
    return fmt::format("an array of {}", value->size());
  std::string text = value->dump(-1, ' ', /*ensure_ascii=*/true,
                                 json::error_handler_t::replace);
  return text.size() <= 64 ? text : text.substr(0, 60) + "...";
}

void JsonValue::fail(std::string_view expected) const {
  failWith(fmt::format("expected {}, found {}", expected, describe(json)));
}

void JsonValue::failWith(std::string_view message) const {
  if (problem)
    return;
  std::string path = getPath();
  problem = fmt::format("{}{}{}", path, path.empty() ? "" : ": ", message);
}

std::vector<std::string> JsonValue::getKeys() const {
  std::vector<std::string> keys;
  if (!isObject())
    fail("an object");
  else
    for (const auto &[key, value] : json->items())
      keys.push_back(key);
  return keys;
}

void JsonValue::allowOnly(std::initializer_list<std::string_view> keys) const {
  for (const std::string &key : getKeys())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return failWith(
          fmt::format("unknown member {}; expected {}",
                      nlohmann::json(key).dump(-1, ' ', /*ensure_ascii=*/true,
                                               json::error_handler_t::replace),
                      fmt::join(keys, ", ")));
}

bool JsonValue::has(std::string_view name) const {
  return json && json->is_object() && json->contains(name);
}

JsonValue JsonValue::operator[](std::string_view name) const {
  const nlohmann::json *member = nullptr;
  if (json && json->is_object()) {
    if (auto found = json->find(name); found != json->end())
      member = &*found;
  } else {
    fail("an object");
  }
  return JsonValue(*this, name, member);
}

/// A plain number where the range is that of the type.
template <typename T>
static std::string describeRange(T min, T max) {
  if (max == std::numeric_limits<T>::max())
    return fmt::format("an integer of {} or more", min);
  return fmt::format("an integer in {}..{}", min, max);
}

int64_t JsonValue::getSigned(int64_t min, int64_t max) const {
  if (json && json->is_number_integer()) {
    // Integers of 0 or more are stored without a sign.
    bool fits = !json->is_number_unsigned() ||
                *json->get_ptr<const uint64_t *>() <= uint64_t(INT64_MAX);
    int64_t value = *json->get_ptr<const int64_t *>();
    if (fits && value >= min && value <= max)
      return value;
  }
  fail(describeRange(min, max));
  return min;
}

uint64_t JsonValue::getUnsigned(uint64_t min, uint64_t max) const {
  if (json && json->is_number_unsigned()) {
    uint64_t value = *json->get_ptr<const uint64_t *>();
    if (value >= min && value <= max)
      return value;
  }
  fail(describeRange(min, max));
  return min;
}

double JsonValue::getNumber() const {
  if (isNumber())
    return json->get<double>();
  fail("a number");
  return 0;
}

bool JsonValue::getBool() const {
  if (json && json->is_boolean())
    return *json->get_ptr<const bool *>();
  fail("true or false");
  return false;
}

std::string JsonValue::getString() const {
  if (isString()) {
    const auto &text = *json->get_ptr<const std::string *>();
    auto isControl = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::none_of(text.begin(), text.end(), isControl))
      return text;
    fail("text without control characters");
    return "";
  }
  fail("a string");
  return "";
}

size_t JsonValue::getSize(size_t min, size_t max) const {
  if (json && json->is_array() && json->size() >= min && json->size() <= max)
    return json->size();
  if (min == max)
    fail(fmt::format("an array of {}", min));
  else if (max == SIZE_MAX)
    fail(fmt::format("an array of {} or more", min));
  else
    fail(fmt::format("an array of {} to {}", min, max));
  return 0;
}
