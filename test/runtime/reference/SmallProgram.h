//===- SmallProgram.h - A program as text, for tests ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_REFERENCE_SMALLPROGRAM_H
#define HEDDLE_TEST_RUNTIME_REFERENCE_SMALLPROGRAM_H

#include <nlohmann/json.hpp>
#include <string>

namespace heddle::reference {

/// Doubles X, four elements per block, and adds the columns of a product: a
/// loop, a condition, a view of a view, slices, a dot and a reduction, of which
/// the two host arguments X and Y, of N elements of f32, show the result.
nlohmann::json makeSmallProgram();

/// What a section holds of it.
inline std::string getSmallSection() { return makeSmallProgram().dump(); }

} // namespace heddle::reference

#endif // HEDDLE_TEST_RUNTIME_REFERENCE_SMALLPROGRAM_H
