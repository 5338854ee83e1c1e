//===- Random.h - Numbers that are the same everywhere ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_RANDOM_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_RANDOM_H

#include <cstdint>
#include <string_view>

namespace heddle {

/// A sequence that depends on nothing but its seed: SplitMix64 (Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    state += 0x9E3779B97F4A7C15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  /// Uniform, from 0 to below 1: one of 2^53 numbers.
  double nextUniform() { return double(next() >> 11) / 9007199254740992.0; }

  /// About normal, with mean 0 and variance 1: the sum of twelve uniform
  /// numbers, which takes no function of the C library and is hence the same
  /// on every machine. Between -6 and 6.
  double nextNormal() {
    uint64_t sum = 0;
    for (int i = 0; i < 6; ++i) {
      uint64_t pair = next();
      sum += (pair >> 32) + (pair & 0xFFFFFFFF);
    }
    return double(sum) / 4294967296.0 - 6.0;
  }

private:
  uint64_t state;
};

/// A seed from a name: FNV-1a.
constexpr uint64_t hashName(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (char c : name)
    hash = (hash ^ uint8_t(c)) * 0x100000001B3;
  return hash;
}

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_RANDOM_H
