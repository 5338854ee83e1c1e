//===- TestPackage.h - A small package to test with -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_PACKAGE_TESTPACKAGE_H
#define HEDDLE_TEST_RUNTIME_PACKAGE_TESTPACKAGE_H

#include "heddle/Runtime/Package.h"

namespace heddle::test {

/// A product of M x K by a constant: a kernel with TMA and one without, that a
/// host function launches.
Program makeProgram();

/// That program with PTX, a cubin and a reference, which hold no code.
PackageContents makeContents();

/// `package` with all hashes made right, whatever else is wrong with it. As it
/// is if its table is not inside it.
std::string fixHashes(std::string package);

/// `package`, whose first section is its metadata, with other metadata.
std::string replaceMetadata(const std::string &package,
                            std::string_view metadata);
/// The metadata of a package whose layout is right.
std::string getMetadata(std::string_view package);

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_PACKAGE_TESTPACKAGE_H
