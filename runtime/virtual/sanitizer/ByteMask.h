//===- ByteMask.h - A set of bytes of one line ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H
#define HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace heddle::vgpu {

/// Memory is watched in lines of this many bytes.
inline constexpr uint32_t lineBytes = 256;

struct ByteMask {
  std::array<uint64_t, lineBytes / 64> words = {};

  /// The bytes [begin, end) of a line.
  static ByteMask range(uint32_t begin, uint32_t end) {
    ByteMask mask;
    mask.add(begin, end);
    return mask;
  }
  void add(uint32_t begin, uint32_t end) {
    for (uint32_t w = 0; w < words.size(); ++w) {
      uint32_t from = std::clamp(begin, w * 64, w * 64 + 64) - w * 64;
      uint32_t to = std::clamp(end, w * 64, w * 64 + 64) - w * 64;
      if (from < to)
        words[w] |= (~0ull >> (64 - (to - from))) << from;
    }
  }
  bool empty() const { return !(words[0] | words[1] | words[2] | words[3]); }
  bool test(uint32_t byte) const { return words[byte / 64] >> byte % 64 & 1; }
  bool intersects(const ByteMask &other) const {
    return ((words[0] & other.words[0]) | (words[1] & other.words[1]) |
            (words[2] & other.words[2]) | (words[3] & other.words[3])) != 0;
  }
  bool operator==(const ByteMask &) const = default;
  /// Whether every byte of `other` is in this one.
  bool contains(const ByteMask &other) const {
    return ((other.words[0] & ~words[0]) | (other.words[1] & ~words[1]) |
            (other.words[2] & ~words[2]) | (other.words[3] & ~words[3])) == 0;
  }
  ByteMask &operator|=(const ByteMask &other) {
    for (uint32_t w = 0; w < words.size(); ++w)
      words[w] |= other.words[w];
    return *this;
  }
  ByteMask operator&(const ByteMask &other) const {
    ByteMask result;
    for (uint32_t w = 0; w < words.size(); ++w)
      result.words[w] = words[w] & other.words[w];
    return result;
  }
  void remove(const ByteMask &other) {
    for (uint32_t w = 0; w < words.size(); ++w)
      words[w] &= ~other.words[w];
  }
  /// Calls `body(byte)` for each byte until it returns false.
  template <typename F>
  bool all(F &&body) const {
    for (uint32_t w = 0; w < words.size(); ++w)
      for (uint64_t rest = words[w]; rest; rest &= rest - 1)
        if (!body(w * 64 + uint32_t(std::countr_zero(rest))))
          return false;
    return true;
  }
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H
