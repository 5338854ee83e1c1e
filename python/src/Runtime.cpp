//===- Runtime.cpp - The module heddle._runtime ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Array.h"
#include "Check.h"
#include "Devices.h"
#include "Package.h"
#include "Program.h"

NB_MODULE(_runtime, module) {
  module.attr("__version__") = HEDDLE_VERSION;
  heddle::python::bindDevices(module);
  heddle::python::bindArray(module);
  heddle::python::bindPackage(module);
  heddle::python::bindCheck(module);
  heddle::python::bindProgram(module);
}
