//===- Modifiers.cpp - The modifiers of a mnemonic ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Modifiers.h"

#include <algorithm>

using namespace heddle::vgpu;

Modifiers::Modifiers(std::string_view mnemonic) {
  size_t dot = mnemonic.find('.');
  opcode = mnemonic.substr(0, dot);
  while (dot != std::string_view::npos) {
    size_t next = mnemonic.find('.', dot + 1);
    parts.push_back(mnemonic.substr(
        dot + 1, next == std::string_view::npos ? next : next - dot - 1));
    dot = next;
  }
}

bool Modifiers::has(std::string_view name) const {
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

bool Modifiers::take(std::string_view name) {
  auto it = std::find(parts.begin(), parts.end(), name);
  if (it == parts.end())
    return false;
  parts.erase(it);
  return true;
}

std::string_view
Modifiers::takeAny(std::initializer_list<std::string_view> names) {
  for (std::string_view name : names)
    if (take(name))
      return name;
  return {};
}

Type Modifiers::takeType() {
  for (auto it = parts.begin(); it != parts.end(); ++it)
    if (Type type = parseType(*it); type != Type::None) {
      parts.erase(it);
      return type;
    }
  return Type::None;
}

std::string_view Modifiers::takeFirst() {
  if (parts.empty())
    return {};
  std::string_view first = parts.front();
  parts.erase(parts.begin());
  return first;
}
