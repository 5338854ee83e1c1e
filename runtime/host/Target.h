//===- Target.h - Packages on devices that fit -------------------------*- C++
//-*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_HOST_TARGET_H
#define HEDDLE_RUNTIME_HOST_TARGET_H

#include "heddle/Runtime/Package.h"

namespace heddle {

/// Checks that the device can run PTX or machine code of the package.
Expected<void> verifyTarget(const Package &package,
                            const DeviceProperties &device);

} // namespace heddle

#endif // HEDDLE_RUNTIME_HOST_TARGET_H
