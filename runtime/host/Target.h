//===- Target.h - Which code runs where -------------------------*- C++ -*-===//
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

/// Whether PTX for `target` runs on compute capability `smArch`: `sm_80` on 80
/// and later ones, `sm_100f` on 100 and later ones of its family, `sm_90a` on
/// 90 only. False if `target` is no architecture.
bool runsPtx(std::string_view target, int smArch);
/// The same of machine code: `sm_80` runs on 80 and later ones of its family.
bool runsCubin(std::string_view target, int smArch);

/// Checks that the device can run PTX or machine code of the package.
Expected<void> verifyTarget(const Package &package,
                            const DeviceProperties &device);

} // namespace heddle

#endif // HEDDLE_RUNTIME_HOST_TARGET_H
