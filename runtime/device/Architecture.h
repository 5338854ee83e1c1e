//===- Architecture.h - Which code runs where -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_DEVICE_ARCHITECTURE_H
#define HEDDLE_DEVICE_ARCHITECTURE_H

#include <optional>
#include <string_view>

namespace heddle {

/// What `sm_90a` says: a compute capability times 10, and which others run it.
struct Architecture {
  int number = 0;
  /// 'a': no other; 'f': later ones of the same family; 0: all later ones for
  /// PTX, and those of the same major number for a cubin.
  char suffix = 0;
};

/// Reads `sm_90a`; nothing if `name` is no architecture.
std::optional<Architecture> parseArchitecture(std::string_view name);

/// Whether PTX for `ptx` runs on compute capability `device`: `sm_80` on 80 and
/// later ones, `sm_100f` on 100 and later ones of its family, `sm_90a` on 90
/// only.
bool runsPtx(int device, Architecture ptx);
/// The same of machine code: `sm_80` runs on 80 and later ones of its family.
bool runsCubin(int device, Architecture cubin);

} // namespace heddle

#endif // HEDDLE_DEVICE_ARCHITECTURE_H
