//===- Pattern.h - How an instruction is spelled ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The pattern of a mnemonic, as in the PTX manual:
///
///     st{.weak}{.<space>}{.v2|.v4}.(<memory>|b128)
///
/// A part after a dot is a name, a choice `(a|b)`, or a class `<round>`; braces
/// make it optional, and what stands in them together comes together. `#` in a
/// name stands for a number; `.*` takes whatever else there is.
///
/// Each part of a mnemonic takes the first free place that accepts it. So the
/// order matters only where two places accept the same names, such as the types
/// of cvt: assemblers take `add.ftz.rn.f32` as well, and compilers emit it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_PATTERN_H
#define HEDDLE_VIRTUAL_DECODE_PATTERN_H

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heddle::vgpu {

class Pattern {
public:
  /// `text` must outlive the pattern. Tables are constant, so a malformed text
  /// is a bug that `isValid` shows to the tests.
  explicit Pattern(std::string_view text);

  /// What `<name>` in a pattern stands for.
  struct Class {
    std::string_view name;
    std::initializer_list<std::string_view> members;
  };
  static std::span<const Class> classes();

  std::string_view base() const { return opcode; }
  std::string_view spelling() const { return text; }
  bool isValid() const { return valid; }

  bool matches(const std::vector<std::string_view> &parts) const {
    return !misfit(parts);
  }

  /// Why `parts` do not match, and by how much.
  struct Misfit {
    uint32_t distance = 0;
    /// The first part that found no place, or "".
    std::string_view extra;
    /// What a required place accepts that stayed free: ".a or .b".
    std::string missing;
  };
  std::optional<Misfit>
  misfit(const std::vector<std::string_view> &parts) const;

private:
  struct Place {
    std::vector<std::string_view> names;
    bool optional = false;
    bool takesRest = false;
    /// Places of one pair of braces come together.
    uint32_t group = 0;

    bool accepts(std::string_view part) const;
  };
  bool place(std::string_view &rest, bool optional, uint32_t group);
  bool names(std::string_view &rest, Place &into);

  std::string_view text, opcode;
  std::vector<Place> places;
  bool valid = false;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_PATTERN_H
