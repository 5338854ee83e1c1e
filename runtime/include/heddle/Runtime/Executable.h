//===- Executable.h - A program on a device, ready to be called -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a host application uses: a package that has been loaded on a device and
/// is called with arrays. Sizes follow from the arrays' shapes.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_EXECUTABLE_H
#define HEDDLE_RUNTIME_EXECUTABLE_H

#include "heddle/Runtime/Package.h"

namespace heddle {

/// A strided array in a device's memory, which somebody else owns.
struct DeviceArray {
  DeviceAddress address = 0;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  /// In elements; empty means dense and row-major.
  std::vector<int64_t> strides;
};

/// An argument of a call, by the name that the host function has for it.
struct NamedArray {
  std::string name;
  DeviceArray array;
};
struct NamedSize {
  std::string name;
  int64_t value = 0;
};

/// A package on a device. Safe to use from several threads at a time.
class Executable {
public:
  /// Loads `package` on `device`, which must outlive the result.
  static Expected<std::unique_ptr<Executable>>
  load(Device &device, std::shared_ptr<const Package> package);
  virtual ~Executable() = default;

  virtual Device &getDevice() const = 0;
  virtual const Package &getPackage() const = 0;

  /// Calls the host function `host`, or the only one if that is empty. Every
  /// buffer must be there, in any order, dense, of the declared type and rank,
  /// and where the same size appears twice the extents must agree. Sizes that
  /// no shape tells must be in `sizes`, and others may. Returns what was
  /// launched; on a GPU it may still be running.
  ///
  /// The last calls are remembered: one with the same addresses and shapes
  /// does no more than launch.
  virtual Expected<void> call(std::string_view host,
                              std::span<const NamedArray> arrays,
                              std::span<const NamedSize> sizes = {},
                              Stream *stream = nullptr) = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_EXECUTABLE_H
