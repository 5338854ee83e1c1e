//===- Validity.h - Which bytes have been written ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_VALIDITY_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_VALIDITY_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heddle::vgpu {

/// Words of bits that one thread uses.
struct ThreadWords {
  static uint64_t load(const uint64_t &word) { return word; }
  static void set(uint64_t &word, uint64_t bits) { word |= bits; }
  static void clear(uint64_t &word, uint64_t bits) { word &= ~bits; }
};

/// Words of bits that several threads use at one time. Who reads in the order
/// of what another wrote has an order from elsewhere.
struct AtomicWords {
  static uint64_t load(const uint64_t &word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
  }
  static void set(uint64_t &word, uint64_t bits) {
    if ((load(word) & bits) != bits)
      __atomic_fetch_or(&word, bits, __ATOMIC_RELAXED);
  }
  static void clear(uint64_t &word, uint64_t bits) {
    __atomic_fetch_and(&word, ~bits, __ATOMIC_RELAXED);
  }
};

/// Which bytes of a memory have been written: a bit per byte. Ranges beyond the
/// end are cut.
template <typename Words>
class BasicValidity {
public:
  /// Nothing of `bytes` bytes has been written.
  void start(uint64_t bytes) {
    size = bytes;
    words.assign((bytes + 63) / 64, 0);
  }
  void add(uint64_t offset, uint64_t bytes) {
    forWords(words, offset, bytes, [](uint64_t &word, uint64_t bits) {
      Words::set(word, bits);
      return true;
    });
  }
  void remove(uint64_t offset, uint64_t bytes) {
    forWords(words, offset, bytes, [](uint64_t &word, uint64_t bits) {
      Words::clear(word, bits);
      return true;
    });
  }
  /// Whether all of the range has been written.
  bool all(uint64_t offset, uint64_t bytes) const {
    return forWords(words, offset, bytes,
                    [](const uint64_t &word, uint64_t bits) {
                      return (Words::load(word) & bits) == bits;
                    });
  }
  /// Whether nothing of the range has been written.
  bool none(uint64_t offset, uint64_t bytes) const {
    return forWords(words, offset, bytes,
                    [](const uint64_t &word, uint64_t bits) {
                      return (Words::load(word) & bits) == 0;
                    });
  }

private:
  /// Calls `body` with each word and the bits of the range in it until it
  /// returns false.
  template <typename Vector, typename F>
  bool forWords(Vector &words, uint64_t offset, uint64_t bytes,
                F &&body) const {
    // What one lane accesses.
    if (offset % 64 + bytes <= 64 && bytes && bytes <= size &&
        offset <= size - bytes) [[likely]]
      return body(words[offset / 64], (~0ull >> (64 - bytes)) << offset % 64);
    uint64_t begin = std::min(offset, size);
    uint64_t end = begin + std::min(bytes, size - begin);
    while (begin < end) {
      // Whole words are a loop of vectors.
      if (begin % 64 == 0)
        for (; end - begin >= 64; begin += 64)
          if (!body(words[begin / 64], ~0ull))
            return false;
      uint64_t count = std::min(end - begin, 64 - begin % 64);
      if (count &&
          !body(words[begin / 64], (~0ull >> (64 - count)) << begin % 64))
        return false;
      begin += count;
    }
    return true;
  }

  uint64_t size = 0;
  std::vector<uint64_t> words;
};

/// Of what belongs to one cluster.
using Validity = BasicValidity<ThreadWords>;
/// Of what all clusters share.
using SharedValidity = BasicValidity<AtomicWords>;

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_VALIDITY_H
