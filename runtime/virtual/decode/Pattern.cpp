//===- Pattern.cpp - How an instruction is spelled ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/Pattern.h"

#include <algorithm>

using namespace heddle::vgpu;

namespace {

const Pattern::Class known[] = {
    {"round", {"rn", "rz", "rm", "rp"}},
    {"int", {"u16", "u32", "u64", "s16", "s32", "s64"}},
    {"bits", {"b16", "b32", "b64"}},
    {"scalar",
     {"b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32",
      "f64", "f16", "bf16"}},
    {"memory",
     {"b8", "b16", "b32", "b64", "u8", "u16", "u32", "u64", "s8", "s16", "s32",
      "s64", "f32", "f64", "f16", "bf16", "f16x2", "bf16x2"}},
    {"scope", {"cta", "cluster", "gpu", "sys"}},
    {"cta", {"shared", "shared::cta"}},
    {"shared", {"shared", "shared::cta", "shared::cluster"}},
    {"space",
     {"global", "shared", "shared::cta", "shared::cluster", "local", "param",
      "param::entry", "param::func", "const"}},
    {"evict",
     {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
      "L1::evict_last", "L1::no_allocate", "evict_first", "evict_normal",
      "evict_last"}},
    {"evict2", {"L2::evict_last", "L2::evict_normal", "L2::evict_first"}},
    {"prefetch2", {"L2::64B", "L2::128B", "L2::256B"}},
    {"compare",
     {"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu",
      "geu", "num", "nan", "lo", "ls", "hi", "hs"}},
    {"combine", {"and", "or", "xor"}},
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Whether `part` is `name`, `#` in it being any number.
bool fits(std::string_view name, std::string_view part) {
  while (!name.empty()) {
    if (name[0] == '#') {
      size_t digits = 0;
      while (digits < part.size() && isDigit(part[digits]))
        ++digits;
      if (digits == 0)
        return false;
      part.remove_prefix(digits);
    } else {
      if (part.empty() || part[0] != name[0])
        return false;
      part.remove_prefix(1);
    }
    name.remove_prefix(1);
  }
  return part.empty();
}

bool accept(std::string_view &rest, char c) {
  if (rest.empty() || rest[0] != c)
    return false;
  rest.remove_prefix(1);
  return true;
}

} // namespace

std::span<const Pattern::Class> Pattern::classes() { return known; }

bool Pattern::Place::accepts(std::string_view part) const {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return fits(name, part); });
}

bool Pattern::names(std::string_view &rest, Place &into) {
  if (accept(rest, '<')) {
    std::string_view name = rest.substr(0, rest.find('>'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    for (const Class &members : known)
      if (members.name == name) {
        into.names.insert(into.names.end(), members.members);
        return true;
      }
    return false;
  }
  std::string_view name = rest.substr(0, rest.find_first_of(".{}()|<>"));
  rest.remove_prefix(name.size());
  into.names.push_back(name);
  return !name.empty();
}

bool Pattern::place(std::string_view &rest, bool optional, uint32_t group) {
  Place result;
  result.optional = optional;
  result.group = group;
  if (!accept(rest, '.'))
    return false;
  if (accept(rest, '*')) {
    result.takesRest = result.optional = true;
  } else if (accept(rest, '(')) {
    do
      if (!names(rest, result))
        return false;
    while (accept(rest, '|'));
    if (!accept(rest, ')'))
      return false;
  } else if (!names(rest, result)) {
    return false;
  }
  places.push_back(std::move(result));
  return true;
}

Pattern::Pattern(std::string_view text) : text(text) {
  opcode = text.substr(0, text.find_first_of(".{}()|<>"));
  std::string_view rest = text.substr(opcode.size());
  uint32_t groups = 0;
  valid = !opcode.empty();
  while (valid && !rest.empty()) {
    if (!accept(rest, '{')) {
      valid = place(rest, /*optional=*/false, 0);
      continue;
    }
    ++groups;
    size_t first = places.size();
    while (valid && !rest.empty() && rest[0] == '.')
      valid = place(rest, /*optional=*/true, groups);
    valid = valid && accept(rest, '}') && places.size() > first;
    // A single place needs no partner.
    if (places.size() == first + 1)
      places.back().group = 0;
  }
}

std::optional<Pattern::Misfit>
Pattern::misfit(const std::vector<std::string_view> &parts) const {
  uint64_t taken = 0;
  // A pattern that names a part is nearer than one that takes anything.
  uint32_t takenByRest = 0;
  Misfit result;
  for (const std::string_view &part : parts) {
    bool placed = false, rest = false;
    for (size_t i = 0; i < places.size() && !placed; ++i) {
      rest |= places[i].takesRest;
      placed = !(taken >> i & 1) && places[i].accepts(part);
      taken |= uint64_t(placed) << i;
    }
    takenByRest += !placed && rest;
    if (placed || rest)
      continue;
    // The first part mostly says what it is.
    result.distance += &part == &parts.front() ? 3 : 2;
    if (result.extra.empty())
      result.extra = part;
  }
  auto isMissing = [&](size_t i) {
    if ((taken >> i & 1) || places[i].takesRest)
      return false;
    if (!places[i].optional)
      return true;
    // The rest of its braces is there.
    for (size_t k = 0; places[i].group && k < places.size(); ++k)
      if (places[k].group == places[i].group && (taken >> k & 1))
        return true;
    return false;
  };
  for (size_t i = 0; i < places.size(); ++i) {
    if (!isMissing(i))
      continue;
    ++result.distance;
    if (!result.missing.empty())
      continue;
    const auto &names = places[i].names;
    for (size_t n = 0; n < names.size(); ++n) {
      if (n)
        result.missing += n + 1 == names.size() ? " or " : ", ";
      result.missing += '.';
      result.missing += names[n];
    }
  }
  if (!result.distance)
    return std::nullopt;
  result.distance += takenByRest;
  return result;
}
