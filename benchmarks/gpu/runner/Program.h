//===- Program.h - A package, its sizes and its arrays ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_BENCHMARKS_GPU_RUNNER_PROGRAM_H
#define HEDDLE_BENCHMARKS_GPU_RUNNER_PROGRAM_H

#include "Job.h"
#include "heddle/Runtime/Package.h"
#include "heddle/Runtime/Reference.h"

namespace heddle::gpucheck {

/// What a job says of a program: `package`, `host`, `sizes` and `seed`.
class Program {
public:
  explicit Program(const Json &job);

  /// The buffers in host memory. Those that are only written are empty.
  std::vector<HostArray> makeArrays() const;
  uint64_t getBytes(size_t buffer) const;
  /// Reads the reference; a JobError if the package has none.
  std::shared_ptr<const Reference> getReference() const;

  std::shared_ptr<const Package> package;
  const LaunchPlan *plan = nullptr;
  std::vector<int64_t> sizes;
  uint64_t seed = 0;
};

/// The buffers of a program in a device's memory, each between two areas that
/// nothing may write. A simulator finds such writes itself, and gets none.
class DeviceArrays {
public:
  DeviceArrays(Device &device, const Program &program);

  /// Copies the inputs and fills outputs with a byte.
  void reset(std::span<const HostArray> arrays, std::byte poison);
  /// The contents of a buffer.
  std::vector<std::byte> read(size_t buffer);
  /// A JobError if something was written outside a buffer.
  void verifyGuards(const Program &program);

  /// Loads the package's code and computes its launches.
  void prepare(const Program &program);
  void launch(Stream *stream = nullptr);

  std::vector<DeviceAddress> addresses;
  std::vector<PreparedLaunch> launches;

private:
  Device &device;
  size_t guardBytes;
  std::vector<uint64_t> bytes;
  std::vector<std::unique_ptr<Memory>> memory;
  std::unique_ptr<Module> module;
};

} // namespace heddle::gpucheck

#endif // HEDDLE_BENCHMARKS_GPU_RUNNER_PROGRAM_H
