//===- Lexer.h - Tokens of PTX text -----------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Splits PTX text into tokens. Comments vanish, except `// heddle.role NAME`,
/// which the compiler leaves where a warp role begins, and `// heddle.check
/// TEXT`, which says what a `trap` after it has found.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_PTX_LEXER_H
#define HEDDLE_VIRTUAL_PTX_LEXER_H

#include "heddle/Runtime/Error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heddle::vgpu {

enum class TokenKind : uint8_t {
  /// A name: an opcode with its modifiers, `%r1`, `$L__BB0_1`, `%tid.x`.
  Name,
  /// A directive or a leading-dot modifier: `.reg`, `.b32`.
  Dot,
  Integer,
  /// `0f3F800000`: the bits are in `value`.
  Float32,
  /// `0d...` or a decimal literal: the bits are in `value`.
  Float64,
  String,
  /// One of `{}()[]<>,;:|!@=+-*_` in `text`.
  Punctuation,
  /// `// heddle.role NAME`; `text` is NAME.
  Role,
  /// `// heddle.check TEXT`; `text` is TEXT.
  Check,
  End,
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text;
  uint64_t value = 0;
  uint32_t line = 0;

  bool is(char punctuation) const {
    return kind == TokenKind::Punctuation && text[0] == punctuation;
  }
  bool isDot(std::string_view directive) const {
    return kind == TokenKind::Dot && text == directive;
  }
};

/// Tokens of `text`, ending with one of kind `End`. They point into `text`.
Expected<std::vector<Token>> lexPtx(std::string_view text,
                                    std::string_view fileName);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_PTX_LEXER_H
