//===- Call.h - The arguments of one call -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_CALL_H
#define HEDDLE_PYTHON_CALL_H

#include "Arguments.h"
#include "heddle/Runtime/Package.h"

namespace heddle::python {

/// What Python passes to a program, bound to a host function: arrays borrowed,
/// outputs that are left out allocated, device and stream chosen. Made and
/// destroyed with the GIL; in between it may be gone.
class Call {
public:
  Call(const Package &package, nb::args positional, nb::kwargs keywords);

  const LaunchPlan &getPlan() const { return *plan; }
  const std::shared_ptr<Device> &getDevice() const { return device; }
  void *getStream() const { return stream; }
  std::span<const NamedArray> getArrays() const { return arrays; }
  std::span<const NamedSize> getSizes() const { return sizes; }

  /// The outputs that were left out, in order: none, one, or a tuple.
  nb::object getResults() const;

private:
  void readOptions(const Package &package, nb::kwargs keywords);
  void readObjects(nb::args positional, nb::kwargs keywords);
  void chooseDevice(nb::handle wanted);
  void chooseStream(nb::handle wanted);
  void borrowArrays();
  void allocateOutputs();
  void add(size_t buffer);

  const LaunchPlan *plan = nullptr;
  std::shared_ptr<Device> device;
  void *stream = nullptr;
  /// One for each buffer; none for what was left out.
  std::vector<nb::object> objects;
  std::vector<Place> places;
  std::vector<size_t> leftOut;
  std::vector<NamedSize> sizes;
  std::vector<NamedArray> arrays;
  std::vector<BorrowedArray> borrowed;
};

} // namespace heddle::python

#endif // HEDDLE_PYTHON_CALL_H
