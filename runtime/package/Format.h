//===- Format.h - The layout of package files -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A package is a header, a table of sections and the sections, all numbers
/// little-endian. docs/package.md describes every byte; the reader and the
/// writer share what is here.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_FORMAT_H
#define HEDDLE_RUNTIME_PACKAGE_FORMAT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace heddle::package {

/// The first byte is no text, and the line ends show what a transfer as text
/// does to a file.
constexpr std::string_view magic("\x89HDL\r\n\x1a\n", 8);

/// A newer major version is refused; a newer minor version only adds what older
/// readers may ignore.
constexpr uint32_t majorVersion = 1, minorVersion = 0;

/// Where fields of the header are. Those before `totalBytes` stay where they
/// are in every version, so that any reader can say who made a file.
namespace header {
constexpr size_t majorVersion = 8, minorVersion = 12;
constexpr size_t producer = 16, producerBytes = 40;
constexpr size_t totalBytes = 56, tableOffset = 64, sectionCount = 72,
                 reserved = 76, digest = 80, bytes = 96;
} // namespace header

/// Where fields of an entry of the table are.
namespace entry {
constexpr size_t kind = 0, reserved = 4, offset = 8, size = 16;
constexpr size_t arch = 24, archBytes = 16, digest = 40, bytes = 56;
} // namespace entry

enum class SectionKind : uint32_t {
  Metadata = 1,
  PTX = 2,
  Cubin = 3,
  Reference = 4,
};

/// Sections start at multiples of this; what is between them is zero.
constexpr size_t alignment = 64;

/// Limits that no honest package comes near.
constexpr size_t maxFileBytes = size_t(1) << 30;
constexpr size_t maxMetadataBytes = size_t(16) << 20;
constexpr uint32_t maxSections = 256;

/// XXH3-128 in its canonical form, the bytes that `xxhsum -H2` prints.
using Digest = std::array<char, 16>;
/// The digest of `parts`, one after the other.
Digest computeDigest(std::initializer_list<std::string_view> parts);

} // namespace heddle::package

#endif // HEDDLE_RUNTIME_PACKAGE_FORMAT_H
