//===- Job.h - What the runner is asked to do -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A job is a JSON object with a kind; its result is another. A job that fails
/// throws `JobError`, which ends it alone, unless the device is spoiled.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_BENCHMARKS_GPU_RUNNER_JOB_H
#define HEDDLE_BENCHMARKS_GPU_RUNNER_JOB_H

#include "heddle/Runtime/Device.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace heddle::gpucheck {

using Json = nlohmann::json;

/// Why a job could not be done. The runner is a program of its own, whose
/// innermost calls have nothing to do about a failure.
class JobError : public std::runtime_error {
public:
  JobError(ErrorKind kind, const std::string &message)
      : std::runtime_error(message), kind(kind) {}
  ErrorKind kind;
};

/// The value, or a JobError of what went wrong.
template <typename T>
T unwrap(Expected<T> &&result) {
  if (!result)
    throw JobError(result.error().kind, result.error().message);
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

/// Global memory that frees itself.
class Memory {
public:
  Memory(Device &device, size_t bytes)
      : device(device), bytes(bytes),
        address(unwrap(device.allocate(std::max<size_t>(bytes, 1)))) {}
  Memory(const Memory &) = delete;
  ~Memory() { (void)device.free(address); }

  Device &device;
  const size_t bytes;
  const DeviceAddress address;
};

/// The text of a file, or a JobError.
std::string readFile(const std::string &path);

/// Runs a PTX kernel and returns the clocks that it wrote.
Json runProbe(Device &device, const Json &job);
/// Runs a package on random inputs and compares with its reference.
Json runCheck(Device &device, const Json &job);
/// Runs the reference of a package and writes what it computes.
Json runRecord(Device &device, const Json &job);
/// Times a package, side by side with cuBLAS if it is asked to.
Json runTime(Device &device, const Json &job);

} // namespace heddle::gpucheck

#endif // HEDDLE_BENCHMARKS_GPU_RUNNER_JOB_H
