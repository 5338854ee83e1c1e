//===- Modifiers.h - The modifiers of a mnemonic ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_MODIFIERS_H
#define HEDDLE_VIRTUAL_DECODE_MODIFIERS_H

#include "ptx/Syntax.h"

#include <initializer_list>
#include <string_view>

namespace heddle::vgpu {

/// The parts of a mnemonic after the base opcode. The pattern of the row says
/// which there may be; decoders ask for those that change something.
class Modifiers {
public:
  explicit Modifiers(std::string_view mnemonic);

  std::string_view base() const { return opcode; }
  /// Parts that nobody has taken.
  const std::vector<std::string_view> &rest() const { return parts; }
  bool has(std::string_view name) const;
  /// Removes `name` wherever it stands; whether it was there.
  bool take(std::string_view name);
  /// Removes the first of `names` that is present and returns it, or "".
  std::string_view takeAny(std::initializer_list<std::string_view> names);
  /// Removes and returns the first (leftmost) type, or `Type::None`.
  Type takeType();
  /// Removes the next part whatever it is, or returns "".
  std::string_view takeFirst();
  std::string_view peek() const {
    return parts.empty() ? std::string_view() : parts.front();
  }
  bool empty() const { return parts.empty(); }

private:
  std::string_view opcode;
  std::vector<std::string_view> parts;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_MODIFIERS_H
