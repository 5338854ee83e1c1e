//===- SizeExpression.cpp - Arithmetic on named sizes ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/SizeExpression.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <charconv>
#include <optional>

using namespace heddle;

namespace {

/// Recursive descent; after the first problem all values are 0.
class Parser {
public:
  Parser(std::string_view text, const NamedSizes &sizes)
      : text(text), rest(text), sizes(sizes) {}

  Expected<int64_t> run() {
    int64_t value = sum();
    skipSpace();
    if (!rest.empty())
      fail(fmt::format("expected an operator, found '{}'", rest));
    if (problem)
      return makeError(ErrorKind::InvalidInput, "'{}': {}", text, *problem);
    return value;
  }

private:
  /// Deep enough for people, and far from the end of the stack.
  static constexpr int maxDepth = 64;

  void skipSpace() {
    while (!rest.empty() && rest[0] == ' ')
      rest.remove_prefix(1);
  }
  bool accept(char c) {
    skipSpace();
    if (!rest.starts_with(c))
      return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      fail(rest.empty() ? fmt::format("expected '{}', found the end", c)
                        : fmt::format("expected '{}', found '{}'", c, rest));
  }
  void fail(std::string message) {
    if (!problem)
      problem = std::move(message);
    rest = {};
  }

  int64_t sum() {
    int64_t value = product();
    while (true) {
      bool overflows = false;
      if (accept('+'))
        overflows = __builtin_add_overflow(value, product(), &value);
      else if (accept('-'))
        overflows = __builtin_sub_overflow(value, product(), &value);
      else
        return value;
      checkOverflow(overflows);
    }
  }
  int64_t product() {
    int64_t value = factor();
    while (true) {
      bool overflows = false;
      if (accept('*'))
        overflows = __builtin_mul_overflow(value, factor(), &value);
      else if (accept('/'))
        value = divide(value, factor(), /*remainder=*/false);
      else if (accept('%'))
        value = divide(value, factor(), /*remainder=*/true);
      else
        return value;
      checkOverflow(overflows);
    }
  }
  int64_t factor() {
    if (++depth > maxDepth) {
      fail(fmt::format("expected at most {} levels of nesting", maxDepth));
      return 0;
    }
    int64_t value = leaf();
    --depth;
    return value;
  }
  int64_t leaf() {
    if (accept('(')) {
      int64_t value = sum();
      expect(')');
      return value;
    }
    if (accept('-')) {
      int64_t value = factor();
      checkOverflow(__builtin_sub_overflow(int64_t(0), value, &value));
      return value;
    }
    skipSpace();
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9')
      return number();
    auto isWord = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
             (c >= 'A' && c <= 'Z') || c == '_';
    };
    size_t length =
        size_t(std::ranges::find_if_not(rest, isWord) - rest.begin());
    if (length == 0) {
      fail(rest.empty()
               ? "expected a number or a size, found the end"
               : fmt::format("expected a number or a size, found '{}'", rest));
      return 0;
    }
    std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    return accept('(') ? call(name) : size(name);
  }
  int64_t number() {
    int64_t value = 0;
    auto [stop, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) {
      fail(fmt::format("expected an integer of 64 bits, found '{}'", rest));
      return 0;
    }
    rest.remove_prefix(size_t(stop - rest.data()));
    return value;
  }
  int64_t size(std::string_view name) {
    std::vector<std::string_view> known;
    for (const auto &[other, value] : sizes) {
      if (other == name)
        return value;
      known.push_back(other);
    }
    fail(known.empty()
             ? fmt::format("there is no size '{}'; there are none", name)
             : fmt::format("there is no size '{}'; there are {}", name,
                           fmt::join(known, ", ")));
    return 0;
  }
  int64_t call(std::string_view name) {
    int64_t a = sum();
    expect(',');
    int64_t b = sum();
    expect(')');
    if (problem)
      return 0;
    if (name == "min")
      return std::min(a, b);
    if (name == "max")
      return std::max(a, b);
    if (name != "ceildiv") {
      fail(fmt::format("expected ceildiv, min or max, found '{}'", name));
      return 0;
    }
    int64_t quotient = divide(a, b, /*remainder=*/false);
    if (problem)
      return 0;
    bool hasRest = a % b != 0, isPositive = (a < 0) == (b < 0);
    return quotient + (hasRest && isPositive);
  }
  int64_t divide(int64_t a, int64_t b, bool remainder) {
    if (problem)
      return 0;
    if (b == 0)
      fail("division by zero");
    else
      checkOverflow(a == INT64_MIN && b == -1);
    if (problem)
      return 0;
    return remainder ? a % b : a / b;
  }
  void checkOverflow(bool overflows) {
    if (overflows)
      fail("the value needs more than 64 bits");
  }

  std::string_view text, rest;
  const NamedSizes &sizes;
  std::optional<std::string> problem;
  int depth = 0;
};

} // namespace

Expected<int64_t> heddle::evaluateSize(std::string_view expression,
                                       const NamedSizes &sizes) {
  return Parser(expression, sizes).run();
}
