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

#include "heddle/Runtime/Binding.h"
#include "heddle/Runtime/Package.h"

namespace heddle {

/// A package on a device. Safe to use from several threads at a time.
/// Destroying it waits for the device, since the code of its calls ends with
/// it.
class Executable {
public:
  /// Loads `package` on `device`, which must outlive the result. An error if
  /// the device cannot run the package's code.
  static Expected<std::unique_ptr<Executable>>
  load(Device &device, std::shared_ptr<const Package> package);
  virtual ~Executable() = default;

  virtual Device &getDevice() const = 0;
  virtual const Package &getPackage() const = 0;

  /// Calls the host function `host`, or the only one if that is empty, with
  /// arguments as `bindArrays` wants them. On a GPU the work may still be
  /// running when the call returns.
  ///
  /// The last calls are remembered: one with the same addresses and shapes
  /// does no more than launch.
  virtual Expected<void> call(std::string_view host,
                              std::span<const NamedArray> arrays,
                              std::span<const NamedSize> sizes = {},
                              Stream *stream = nullptr) = 0;

  /// What `call` launches with the same arguments, without launching it.
  virtual Expected<std::vector<LaunchRecord>>
  getLaunches(std::string_view host, std::span<const NamedArray> arrays,
              std::span<const NamedSize> sizes = {}) = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_EXECUTABLE_H
