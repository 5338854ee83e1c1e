//===- Metadata.h - What a package says of itself ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_METADATA_H
#define HEDDLE_RUNTIME_PACKAGE_METADATA_H

#include "heddle/Runtime/Package.h"

namespace heddle::package {

/// The metadata as one line of JSON. Bytes that are not UTF-8 are replaced.
std::string formatMetadata(const PackageInfo &info);

/// Reads metadata. Keys that are not known are ignored; of those that are,
/// every type and range is checked, but not what they refer to.
Expected<PackageInfo> parseMetadata(std::string_view text);

} // namespace heddle::package

#endif // HEDDLE_RUNTIME_PACKAGE_METADATA_H
