//===- Lexer.cpp - Tokens of PTX text -------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ptx/Lexer.h"

#include "heddle/Runtime/MakeError.h"

#include <bit>
#include <charconv>
#include <cstdlib>
#include <string>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || c == '%';
}
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameBody(char c) { return isNameStart(c) || isDigit(c); }

class Lexer {
public:
  Lexer(std::string_view text, std::string_view fileName)
      : text(text), fileName(fileName) {}

  Expected<std::vector<Token>> run() {
    while (position < text.size())
      if (auto done = next(); !done)
        return tl::unexpected(done.error());
    push(TokenKind::End, {});
    return std::move(tokens);
  }

private:
  char peek(size_t ahead = 0) const {
    return position + ahead < text.size() ? text[position + ahead] : '\0';
  }
  Token &push(TokenKind kind, std::string_view spelling) {
    tokens.push_back({kind, spelling, 0, line});
    return tokens.back();
  }
  Expected<void> next();
  void lineComment();
  Expected<void> blockComment();
  void name(TokenKind kind, size_t start);
  Expected<void> number();
  Expected<void> string();

  std::string_view text, fileName;
  size_t position = 0;
  uint32_t line = 1;
  std::vector<Token> tokens;
};

Expected<void> Lexer::next() {
  char c = peek();
  if (c == '\n') {
    ++line;
    ++position;
    return {};
  }
  if (c == ' ' || c == '\t' || c == '\r' || c == '\0' || c == '\f') {
    ++position;
    return {};
  }
  if (c == '/' && peek(1) == '/') {
    lineComment();
    return {};
  }
  if (c == '/' && peek(1) == '*')
    return blockComment();
  if (c == '_' && !isNameBody(peek(1))) {
    push(TokenKind::Punctuation, text.substr(position++, 1));
    return {};
  }
  if (isNameStart(c)) {
    name(TokenKind::Name, position);
    return {};
  }
  if (c == '.' && isNameBody(peek(1))) {
    size_t start = position++;
    name(TokenKind::Dot, start);
    return {};
  }
  if (isDigit(c))
    return number();
  if (c == '"')
    return string();
  if (std::string_view("{}()[]<>,;:|!@=+-*").find(c) !=
      std::string_view::npos) {
    push(TokenKind::Punctuation, text.substr(position++, 1));
    return {};
  }
  return makeError(ErrorKind::InvalidInput, "{}:{}: unexpected character '{}'",
                   fileName, line, c);
}

void Lexer::lineComment() {
  size_t end = text.find('\n', position);
  if (end == std::string_view::npos)
    end = text.size();
  std::string_view body = text.substr(position + 2, end - position - 2);
  position = end;
  auto trim = [](std::string_view words) {
    size_t first = words.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
      return std::string_view();
    return words.substr(first, words.find_last_not_of(" \t\r") + 1 - first);
  };
  body = trim(body);
  for (auto [marker, kind] :
       {std::pair(std::string_view("heddle.role "), TokenKind::Role),
        std::pair(std::string_view("heddle.check "), TokenKind::Check)})
    if (body.starts_with(marker))
      push(kind, trim(body.substr(marker.size())));
}

Expected<void> Lexer::blockComment() {
  size_t end = text.find("*/", position + 2);
  if (end == std::string_view::npos)
    return makeError(ErrorKind::InvalidInput, "{}:{}: comment is not closed",
                     fileName, line);
  for (; position < end; ++position)
    line += text[position] == '\n';
  position = end + 2;
  return {};
}

void Lexer::name(TokenKind kind, size_t start) {
  // A name swallows its modifiers: `ld.global.v2.b32`, `shared::cta`.
  while (true) {
    if (isNameBody(peek()))
      ++position;
    else if (peek() == '.' && isNameBody(peek(1)) && kind == TokenKind::Name)
      ++position;
    else if (peek() == ':' && peek(1) == ':' && isNameBody(peek(2)))
      position += 2;
    else
      break;
  }
  push(kind, text.substr(start, position - start));
}

Expected<void> Lexer::number() {
  size_t start = position;
  char marker = peek(1);
  if (peek() == '0' &&
      (marker == 'f' || marker == 'F' || marker == 'd' || marker == 'D')) {
    bool isDouble = marker == 'd' || marker == 'D';
    position += 2;
    size_t digits = isDouble ? 16 : 8;
    uint64_t bits = 0;
    auto [end, status] = std::from_chars(
        text.data() + position,
        text.data() + std::min(position + digits, text.size()), bits, 16);
    if (status != std::errc() || end != text.data() + position + digits)
      return makeError(ErrorKind::InvalidInput,
                       "{}:{}: expected {} hexadecimal digits after '0{}'",
                       fileName, line, digits, marker);
    position += digits;
    push(isDouble ? TokenKind::Float64 : TokenKind::Float32,
         text.substr(start, position - start))
        .value = bits;
    return {};
  }
  int base = 10;
  if (peek() == '0' && (marker == 'x' || marker == 'X')) {
    base = 16;
    position += 2;
  } else if (peek() == '0' && (marker == 'b' || marker == 'B')) {
    base = 2;
    position += 2;
  } else if (peek() == '0' && isDigit(marker)) {
    base = 8;
  } else {
    size_t scan = position;
    while (scan < text.size() && isDigit(text[scan]))
      ++scan;
    bool fraction = scan < text.size() && text[scan] == '.' &&
                    scan + 1 < text.size() && isDigit(text[scan + 1]);
    bool exponent = scan < text.size() && (text[scan] | 32) == 'e';
    if (fraction || exponent) {
      std::string spelling(text.substr(start, 64));
      char *end = nullptr;
      double value = std::strtod(spelling.c_str(), &end);
      position += end - spelling.c_str();
      push(TokenKind::Float64, text.substr(start, position - start)).value =
          std::bit_cast<uint64_t>(value);
      return {};
    }
  }
  uint64_t value = 0;
  auto [end, status] = std::from_chars(text.data() + position,
                                       text.data() + text.size(), value, base);
  if (status != std::errc())
    return makeError(ErrorKind::InvalidInput,
                     "{}:{}: expected a 64-bit integer", fileName, line);
  position = end - text.data();
  if (peek() == 'U' || peek() == 'u')
    ++position;
  push(TokenKind::Integer, text.substr(start, position - start)).value = value;
  return {};
}

Expected<void> Lexer::string() {
  size_t start = ++position;
  while (position < text.size() && peek() != '"') {
    if (peek() == '\n')
      ++line;
    position += peek() == '\\' ? 2 : 1;
  }
  if (position >= text.size())
    return makeError(ErrorKind::InvalidInput, "{}:{}: string is not closed",
                     fileName, line);
  push(TokenKind::String, text.substr(start, position - start));
  ++position;
  return {};
}

} // namespace

Expected<std::vector<Token>> heddle::vgpu::lexPtx(std::string_view text,
                                                  std::string_view fileName) {
  return Lexer(text, fileName).run();
}
