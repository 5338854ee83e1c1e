//===- InstructionSet.h - Code for several host processors ------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The families whose handlers loop over lanes are compiled once for each of
/// the host's instruction sets; CMakeLists.txt lists both. The decoder asks for
/// the rows of the best set that the processor has, so a decoded instruction
/// points to the handler of that set and nothing is chosen while it runs.
///
/// In such a file, everything after the includes up to the end of the unnamed
/// namespace stands between HEDDLE_BEGIN_LANES and HEDDLE_END_LANES. Headers
/// that define templates for it do the same inside of
/// `inline namespace HEDDLE_INSTRUCTION_SET`.
///
/// Only functions defined between the two use the instruction set. A set for a
/// whole file, by a compiler flag, would be wrong: inline functions of headers
/// would be compiled for it, too, the linker keeps one of several equal ones,
/// and a processor without the instruction set could meet the one that needs
/// it. What is between the two has a name of its own for each set, or none
/// outside its file. It may call inline functions of headers, which then become
/// part of it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_INSTRUCTIONSET_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_INSTRUCTIONSET_H

#define HEDDLE_INSTRUCTION_SET_PRAGMA(text) _Pragma(#text)

#if defined(HEDDLE_FOR_AVX2) || defined(HEDDLE_FOR_AVX512)

#ifdef HEDDLE_FOR_AVX512
#define HEDDLE_INSTRUCTION_SET avx512
#define HEDDLE_INSTRUCTION_SET_FEATURES                                        \
  "avx2,bmi,bmi2,f16c,fma,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl"
#else
#define HEDDLE_INSTRUCTION_SET avx2
#define HEDDLE_INSTRUCTION_SET_FEATURES "avx2,bmi,bmi2,f16c,fma,lzcnt,popcnt"
#endif

#ifdef __clang__
#define HEDDLE_BEGIN_LANES_WITH(features)                                      \
  HEDDLE_INSTRUCTION_SET_PRAGMA(clang attribute push(                          \
      __attribute__((target(features))), apply_to = function))
#define HEDDLE_END_LANES HEDDLE_INSTRUCTION_SET_PRAGMA(clang attribute pop)
#else
#define HEDDLE_BEGIN_LANES_WITH(features)                                      \
  HEDDLE_INSTRUCTION_SET_PRAGMA(GCC push_options)                              \
  HEDDLE_INSTRUCTION_SET_PRAGMA(GCC target(features))
#define HEDDLE_END_LANES HEDDLE_INSTRUCTION_SET_PRAGMA(GCC pop_options)
#endif
#define HEDDLE_BEGIN_LANES                                                     \
  HEDDLE_BEGIN_LANES_WITH(HEDDLE_INSTRUCTION_SET_FEATURES)

#else

/// What every processor of the architecture has.
#define HEDDLE_INSTRUCTION_SET baseline
#define HEDDLE_BEGIN_LANES
#define HEDDLE_END_LANES

#endif

namespace heddle::vgpu {

/// In ascending order.
enum class InstructionSet { Baseline, Avx2, Avx512 };

/// The best set that this processor has and that handlers are compiled for.
InstructionSet bestInstructionSet();

/// Instructions that are decoded from now on get handlers of `set`, or of the
/// best set if that is less. For tests.
void useInstructionSet(InstructionSet set);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_INSTRUCTIONSET_H
