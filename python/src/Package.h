//===- Package.h - Compiled programs ----------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_PACKAGE_H
#define HEDDLE_PYTHON_PACKAGE_H

#include "Errors.h"
#include "heddle/Runtime/Package.h"

namespace heddle::python {

/// A package, as the modules hand it to each other.
struct PackageRef {
  std::shared_ptr<const Package> package;
};

void bindPackage(nb::module_ &module);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_PACKAGE_H
