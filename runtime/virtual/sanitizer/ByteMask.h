//===- ByteMask.h - A set of bytes of one line ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H
#define HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H

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
    return prefix(end) - prefix(begin);
  }
  /// Four bytes for each bit.
  static ByteMask ofGranules(uint64_t granules) {
    ByteMask mask;
    for (uint32_t w = 0; w < mask.words.size(); ++w) {
      uint64_t bits = granules >> 16 * w & 0xffff;
      bits = (bits | bits << 24) & 0x000000ff000000ff;
      bits = (bits | bits << 12) & 0x000f000f000f000f;
      bits = (bits | bits << 6) & 0x0303030303030303;
      bits = (bits | bits << 3) & 0x1111111111111111;
      mask.words[w] = bits * 0xf;
    }
    return mask;
  }
  void add(uint32_t begin, uint32_t end) { *this |= range(begin, end); }
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
  ByteMask operator-(const ByteMask &other) const {
    ByteMask result;
    for (uint32_t w = 0; w < words.size(); ++w)
      result.words[w] = words[w] & ~other.words[w];
    return result;
  }
  void remove(const ByteMask &other) { *this = *this - other; }
  /// Calls `body(byte)` for each byte until it returns false.
  template <typename F>
  bool all(F &&body) const {
    for (uint32_t w = 0; w < words.size(); ++w)
      for (uint64_t rest = words[w]; rest; rest &= rest - 1)
        if (!body(w * 64 + uint32_t(std::countr_zero(rest))))
          return false;
    return true;
  }

private:
  /// The first `end` bytes of a line: looked up, since most accesses need two.
  static const ByteMask &prefix(uint32_t end);
};

namespace detail {
inline constexpr auto bytePrefixes = [] {
  std::array<ByteMask, lineBytes + 1> masks = {};
  for (uint32_t end = 1; end < masks.size(); ++end) {
    masks[end] = masks[end - 1];
    masks[end].words[(end - 1) / 64] |= 1ull << (end - 1) % 64;
  }
  return masks;
}();
} // namespace detail

inline const ByteMask &ByteMask::prefix(uint32_t end) {
  return detail::bytePrefixes[end];
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_BYTEMASK_H
