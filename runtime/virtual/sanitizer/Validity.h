//===- Validity.h - Which bytes have been written ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_VALIDITY_H
#define HEDDLE_VIRTUAL_SANITIZER_VALIDITY_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heddle::vgpu {

/// Which bytes of a shared memory have been written: a bit per byte. Ranges
/// beyond the end are cut.
class Validity {
public:
  /// Nothing of `bytes` bytes has been written.
  void start(uint32_t bytes) {
    size = bytes;
    words.assign((size_t(bytes) + 63) / 64, 0);
  }
  void add(uint32_t offset, uint32_t bytes) {
    forWords(offset, bytes, [](uint64_t &word, uint64_t bits) {
      word |= bits;
      return true;
    });
  }
  void remove(uint32_t offset, uint32_t bytes) {
    forWords(offset, bytes, [](uint64_t &word, uint64_t bits) {
      word &= ~bits;
      return true;
    });
  }
  /// Whether all of the range has been written.
  bool all(uint32_t offset, uint32_t bytes) {
    return forWords(offset, bytes, [](uint64_t &word, uint64_t bits) {
      return (word & bits) == bits;
    });
  }
  /// Whether nothing of the range has been written.
  bool none(uint32_t offset, uint32_t bytes) {
    return forWords(offset, bytes, [](uint64_t &word, uint64_t bits) {
      return (word & bits) == 0;
    });
  }

private:
  /// Calls `body` with each word and the bits of the range in it until it
  /// returns false.
  template <typename F>
  bool forWords(uint32_t offset, uint32_t bytes, F &&body) {
    // What one lane accesses.
    if (offset % 64 + bytes <= 64 && bytes && bytes <= size &&
        offset <= size - bytes) [[likely]]
      return body(words[offset / 64], (~0ull >> (64 - bytes)) << offset % 64);
    uint32_t begin = std::min(offset, size);
    uint32_t end = begin + std::min(bytes, size - begin);
    while (begin < end) {
      // Whole words are a loop of vectors.
      if (begin % 64 == 0)
        for (; end - begin >= 64; begin += 64)
          if (!body(words[begin / 64], ~0ull))
            return false;
      uint32_t count = std::min(end - begin, 64 - begin % 64);
      if (count &&
          !body(words[begin / 64], (~0ull >> (64 - count)) << begin % 64))
        return false;
      begin += count;
    }
    return true;
  }

  uint32_t size = 0;
  std::vector<uint64_t> words;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_VALIDITY_H
