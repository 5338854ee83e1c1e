//===- TokenStream.h - A cursor over tokens ---------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PTX_TOKENSTREAM_H
#define HEDDLE_VIRTUAL_PTX_TOKENSTREAM_H

#include "ptx/Lexer.h"

#include <fmt/format.h>
#include <optional>
#include <string>

namespace heddle::vgpu {

/// A cursor over tokens that remembers the first error. After an error every
/// query answers "end of file", so loops end by themselves.
class TokenStream {
public:
  TokenStream(std::vector<Token> tokens, std::string_view fileName)
      : tokens(std::move(tokens)), fileName(fileName) {}

  const Token &peek(size_t ahead = 0) const {
    if (error)
      return tokens.back();
    return tokens[std::min(position + ahead, tokens.size() - 1)];
  }
  Token take() {
    Token token = peek();
    if (position + 1 < tokens.size())
      ++position;
    return token;
  }
  bool atEnd() const { return peek().kind == TokenKind::End; }
  bool accept(char punctuation) {
    if (!peek().is(punctuation))
      return false;
    take();
    return true;
  }
  bool acceptDot(std::string_view directive) {
    if (!peek().isDot(directive))
      return false;
    take();
    return true;
  }
  void expect(char punctuation) {
    if (!accept(punctuation))
      fail("expected '{}', found '{}'", punctuation, spelling());
  }
  std::string expectName() {
    if (peek().kind != TokenKind::Name) {
      fail("expected a name, found '{}'", spelling());
      return {};
    }
    return std::string(take().text);
  }
  uint64_t expectInteger() {
    bool negative = accept('-');
    if (peek().kind != TokenKind::Integer) {
      fail("expected an integer, found '{}'", spelling());
      return 0;
    }
    uint64_t value = take().value;
    return negative ? -value : value;
  }
  std::string_view spelling() const {
    return atEnd() ? "end of file" : peek().text;
  }
  template <typename... Args>
  void fail(fmt::format_string<Args...> format, Args &&...args) {
    failAt(peek().line, fmt::format(format, std::forward<Args>(args)...));
  }
  void failAt(uint32_t line, std::string message) {
    if (!error)
      error = Error{ErrorKind::InvalidInput,
                    fmt::format("{}:{}: {}", fileName, line, message)};
  }

  std::optional<Error> error;

private:
  std::vector<Token> tokens;
  std::string_view fileName;
  size_t position = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_PTX_TOKENSTREAM_H
