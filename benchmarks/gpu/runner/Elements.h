//===- Elements.h - Arrays of random numbers --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_BENCHMARKS_GPU_RUNNER_ELEMENTS_H
#define HEDDLE_BENCHMARKS_GPU_RUNNER_ELEMENTS_H

#include "heddle/Runtime/ElementType.h"

namespace heddle::gpucheck {

/// Fills an array with numbers that depend on nothing but type and seed:
/// normal floats; integers of -8 to 7, whose sums of products stay exact in
/// 32 bits.
void fillRandom(ElementType type, std::span<std::byte> bytes, uint64_t seed);

/// One element as a number.
double loadElement(ElementType type, const std::byte *at);

/// The distance between `value` and the next number of `type` beyond; 0 for
/// integers.
double getUlp(ElementType type, double value);

} // namespace heddle::gpucheck

#endif // HEDDLE_BENCHMARKS_GPU_RUNNER_ELEMENTS_H
