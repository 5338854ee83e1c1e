//===- Lanes.h - Handlers that work lane by lane ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_LANES_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_LANES_H

#include "engine/Warp.h"
#include "instructions/InstructionSet.h"

#include <bit>
#include <cstring>

/// Stands before a loop of a fixed number of iterations that do not depend on
/// each other. One vector with an element for each, which the compiler splits
/// as the instruction set wants it, leaves nothing of the loop. Without
/// `unroll(disable)` Clang unrolls such loops before it thinks of vectors.
#if defined(__clang__)
#define HEDDLE_PRAGMA(text) _Pragma(#text)
#define HEDDLE_ITERATIONS(count)                                               \
  HEDDLE_PRAGMA(clang loop vectorize(assume_safety) unroll(disable))           \
  HEDDLE_PRAGMA(clang loop vectorize_width(count) interleave_count(1))
#else
#define HEDDLE_ITERATIONS(count) _Pragma("GCC ivdep")
#endif
/// The same for the lanes of a warp.
#define HEDDLE_LANES HEDDLE_ITERATIONS(32)

HEDDLE_BEGIN_LANES
namespace heddle::vgpu {
inline namespace HEDDLE_INSTRUCTION_SET {

template <unsigned bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

/// The value of type T in a lane: its low bits.
template <typename T>
inline T fromLane(Warp::Lane<T> lane) {
  return std::bit_cast<T>(typename UnsignedOf<sizeof(T)>::type(lane));
}
/// A lane that holds `value`, zero-extended.
template <typename T>
inline Warp::Lane<T> toLane(T value) {
  return std::bit_cast<typename UnsignedOf<sizeof(T)>::type>(value);
}

/// Runs `body` for each lane of `mask`; vectorized when all take part.
template <typename F>
inline void forLanes(uint32_t mask, F &&body) {
  if (mask == fullMask) [[likely]] {
    HEDDLE_LANES
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      body(lane);
  } else {
    Warp::forBits(mask, body);
  }
}

/// Assigns `value(lane)` to `d[lane]` for each lane of `mask`. `value` must be
/// pure: it is called for other lanes, too. It may read `d`.
template <typename D, typename F>
inline void assignLanes(uint32_t mask, D *d, F &&value) {
  // Compilers see that this does not overlap what `value` reads, and keep it in
  // registers.
  D result[warpSize];
  if (mask == fullMask) [[likely]] {
    HEDDLE_LANES
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      result[lane] = value(lane);
  } else if ((mask & (mask - 1)) == 0) {
    // One elected lane.
    uint32_t lane = uint32_t(std::countr_zero(mask));
    d[lane] = value(lane);
    return;
  } else {
    HEDDLE_LANES
    for (uint32_t lane = 0; lane < warpSize; ++lane) {
      D fresh = value(lane), old = d[lane];
      result[lane] = mask >> lane & 1 ? fresh : old;
    }
  }
  std::memcpy(d, result, sizeof(result));
}

/// Handlers of `d = f(a)`, `d = f(a, b)` and `d = f(a, b, c)`. F is a stateless
/// function object; D and the others are the C++ types of the operands.
template <typename F, typename D, typename A>
Flow unary(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<D>(i.dst);
  const auto *a = warp.reg<A>(i.src[0]);
  assignLanes(mask, d,
              [=](uint32_t l) { return toLane<D>(F{}(fromLane<A>(a[l]))); });
  return Flow::Next;
}

template <typename F, typename D, typename A, typename B = A>
Flow binary(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<D>(i.dst);
  const auto *a = warp.reg<A>(i.src[0]);
  const auto *b = warp.reg<B>(i.src[1]);
  assignLanes(mask, d, [=](uint32_t l) {
    return toLane<D>(F{}(fromLane<A>(a[l]), fromLane<B>(b[l])));
  });
  return Flow::Next;
}

template <typename F, typename D, typename A, typename B = A, typename C = A>
Flow ternary(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<D>(i.dst);
  const auto *a = warp.reg<A>(i.src[0]);
  const auto *b = warp.reg<B>(i.src[1]);
  const auto *c = warp.reg<C>(i.src[2]);
  assignLanes(mask, d, [=](uint32_t l) {
    return toLane<D>(
        F{}(fromLane<A>(a[l]), fromLane<B>(b[l]), fromLane<C>(c[l])));
  });
  return Flow::Next;
}

} // namespace HEDDLE_INSTRUCTION_SET
} // namespace heddle::vgpu
HEDDLE_END_LANES

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_LANES_H
