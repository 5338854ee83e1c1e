//===- UsePackage.h - All that a host does with a package -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_PACKAGE_USEPACKAGE_H
#define HEDDLE_TEST_RUNTIME_PACKAGE_USEPACKAGE_H

#include <string>

namespace heddle::test {

/// Reads a package and, if it is one, computes shapes, instructions and
/// launches of all its host functions with small and with enormous sizes.
/// Returns why it is none, or nothing.
std::string usePackage(std::string bytes);

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_PACKAGE_USEPACKAGE_H
