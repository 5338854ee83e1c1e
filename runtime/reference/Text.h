//===- Text.h - The words of programs as text -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A program as JSON: one object with the version, the files of locations, the
/// types, and the functions, in which numbers stand for files, types and
/// values. Defaults are left out. docs/reference-semantics.md describes it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_TEXT_H
#define HEDDLE_RUNTIME_REFERENCE_TEXT_H

namespace heddle::reference::text {

inline constexpr int currentVersion = 1;

inline constexpr char version[] = "version";
inline constexpr char files[] = "files";
inline constexpr char types[] = "types";
inline constexpr char functions[] = "functions";

inline constexpr char element[] = "element";
inline constexpr char shape[] = "shape";
inline constexpr char strides[] = "strides";

inline constexpr char name[] = "name";
inline constexpr char isKernel[] = "kernel";
inline constexpr char location[] = "location";
inline constexpr char sizes[] = "sizes";
inline constexpr char buffers[] = "buffers";
inline constexpr char access[] = "access";
inline constexpr char extents[] = "extents";
inline constexpr char body[] = "body";

inline constexpr char arguments[] = "arguments";
inline constexpr char operations[] = "operations";
inline constexpr char operands[] = "operands";
inline constexpr char results[] = "results";
inline constexpr char attributes[] = "attributes";
inline constexpr char regions[] = "regions";

} // namespace heddle::reference::text

#endif // HEDDLE_RUNTIME_REFERENCE_TEXT_H
