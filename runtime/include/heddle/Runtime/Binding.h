//===- Binding.h - The arguments of a host function -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How arrays become the buffers of a host function: found by their names,
/// checked against what it declares, and asked for its sizes.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_BINDING_H
#define HEDDLE_RUNTIME_BINDING_H

#include "heddle/Runtime/LaunchPlan.h"

namespace heddle {

/// A strided array in a device's memory, which somebody else owns.
struct DeviceArray {
  DeviceAddress address = 0;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  /// In elements; empty means dense and row-major.
  std::vector<int64_t> strides;
  /// Must not be written.
  bool isReadOnly = false;
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

/// What `executePlan` takes: in the order of the plan's.
struct Binding {
  std::vector<int64_t> sizes;
  std::vector<DeviceAddress> buffers;
};

/// Whether the array's elements are one after the other, the last dimension
/// fastest.
bool isDense(const DeviceArray &array);

/// Binds `arrays` to the buffers of `plan`. Every buffer must be there once, in
/// any order, dense, of the declared type and rank, at a multiple of its
/// element's size. Where the same size appears twice the extents must agree.
/// Sizes that no shape tells must be in `sizes`, and others may. A buffer that
/// is written must not be read-only nor share memory with another. One without
/// elements may be anywhere.
Expected<Binding> bindArrays(const LaunchPlan &plan,
                             std::span<const NamedArray> arrays,
                             std::span<const NamedSize> sizes = {});

/// The sizes of `plan` from what is known of its buffers, of which some may be
/// missing; addresses and strides do not matter.
Expected<std::vector<int64_t>>
inferSizes(const LaunchPlan &plan, std::span<const NamedArray> arrays,
           std::span<const NamedSize> sizes = {});

} // namespace heddle

#endif // HEDDLE_RUNTIME_BINDING_H
