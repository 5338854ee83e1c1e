//===- CublasLt.h - A matrix product of cuBLASLt ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_BENCHMARKS_GPU_RUNNER_CUBLASLT_H
#define HEDDLE_BENCHMARKS_GPU_RUNNER_CUBLASLT_H

#include "Job.h"
#include "heddle/Runtime/LaunchPlan.h"

#include <memory>

namespace heddle::gpucheck {

/// C = A * B, or its like, by the library that is found at run time: the
/// fastest of the algorithms that its heuristics propose, with 32 MiB of
/// workspace.
class CublasLtProduct {
public:
  /// `peer` has `library` (paths to try), `m`, `n`, `k`, `batch`,
  /// `transpose_b`, `fast_accum`, `flush_bytes`, and the names of the buffers
  /// `a`, `b` and `c` of `plan` and of `bias`, if C is the GELU of the product
  /// and a bias. `output` is where C goes.
  CublasLtProduct(Device &device, Stream &stream, const Json &peer,
                  const LaunchPlan &plan,
                  std::span<const DeviceAddress> buffers, DeviceAddress output);
  ~CublasLtProduct();

  void run();
  Json describe() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace heddle::gpucheck

#endif // HEDDLE_BENCHMARKS_GPU_RUNNER_CUBLASLT_H
