//===- Comparison.h - How far a result may be off ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The criterion of `--check`. Let x be an element of the exact run, and let
/// the reference be the run with rounding. An output is right if, for each
/// element,
///
///   |output - x| <= ulp(x) / 2 + 2 E + atol
///
/// where the ulp is the output type's; E is the largest error of the reference
/// that the rounding of its output does not explain, over all elements; and
/// atol is 2^-18 of the largest |x| (2^-6 with `fast_accum`, whose sums keep
/// about 13 fractional bits). This is the usual "at most twice the error of a
/// straightforward implementation", made independent of the output type. NaN
/// and infinities must be the same, as one of the runs has them, and so must
/// integers, which have the bits of floats if the program asks for those.
/// Numbers beyond the largest of a type that saturates count as the largest.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_COMPARISON_H
#define HEDDLE_RUNTIME_REFERENCE_COMPARISON_H

#include "reference/Run.h"

namespace heddle::reference {

struct Comparison {
  /// Elements that the program never writes; they are not compared.
  int64_t unwritten = 0;
  int64_t compared = 0;
  /// Elements beyond the tolerance.
  int64_t wrong = 0;
  double maxAbsError = 0;
  /// Over elements whose exact value is not 0.
  double maxRelError = 0;
  /// The largest error of the reference itself.
  double referenceError = 0;
  /// The element that uses most of its tolerance, or more.
  std::vector<int64_t> worst;
  Element got = {}, expected = {};
  double tolerance = 0;

  bool passed() const { return wrong == 0; }
  /// `maxAbsError` over `referenceError`; 0 if both are.
  double getRatio() const;
};

/// Compares an output with the two runs of the reference. All have the same
/// type and shape.
Comparison compare(const Buffer &output, const Buffer &storage,
                   const Buffer &exact, bool fastAccum);

/// Whether `host` launches a kernel with a dot that has `fast_accum`.
bool usesFastAccum(const Program &program, const Function &host);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_COMPARISON_H
