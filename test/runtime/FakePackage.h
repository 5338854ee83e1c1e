//===- FakePackage.h - A package that was never a file ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_FAKEPACKAGE_H
#define HEDDLE_TEST_RUNTIME_FAKEPACKAGE_H

#include "heddle/Runtime/Package.h"

namespace heddle::test {

class FakePackage : public Package {
public:
  FakePackage() {
    info.target = "sm_90a";
    info.producer = "a test";
  }
  const std::string &getName() const override { return name; }
  const PackageInfo &getInfo() const override { return info; }
  std::string_view getMetadata() const override { return "{}"; }
  const ModuleImage &getImage() const override { return image; }
  std::span<const std::byte> getReference() const override { return {}; }

  std::string name = "test.heddle";
  PackageInfo info;
  ModuleImage image{.name = "test.heddle", .ptx = " ", .cubins = {}};
};

/// `host[M, K](A: M x K of bf16, out C: M of f32)` launches kernel `k` on
/// blocks of 64 rows, and `other` does with one buffer, `x`, in and out.
inline std::shared_ptr<FakePackage> makeFakePackage() {
  auto package = std::make_shared<FakePackage>();
  Program &program = package->info.program;
  LaunchPlan &plan = program.plans.emplace_back();
  plan.name = "host";
  plan.sizes = {"M", "K"};
  plan.buffers = {{"A", ElementType::BF16, {{true, 0}, {true, 1}}, Access::In},
                  {"C", ElementType::F32, {{true, 0}}, Access::Out}};
  plan.instructions = {{.constant = 64},
                       {.op = IndexOp::CeilDivUI, .operands = {0, 2}}};
  plan.launches = {{"k", {3}, {{true, 0}, {true, 1}}, "a.mlir:7"}};
  KernelEntry kernel;
  kernel.entry = "k";
  kernel.threads = 128;
  kernel.parameters = {{true, ElementType::BF16, {-1, -1}, {-1, 1}},
                       {true, ElementType::F32, {-1}, {1}}};
  kernel.location = "a.mlir:3";
  program.kernels.push_back(kernel);

  LaunchPlan &other = program.plans.emplace_back();
  other.name = "other";
  other.sizes = {"N"};
  other.buffers = {
      {"x", ElementType::F32, {{true, 0}, {false, 4}}, Access::InOut}};
  other.launches = {{"scale", {0}, {{true, 0}}, "a.mlir:20"}};
  kernel.entry = "scale";
  kernel.parameters = {{true, ElementType::F32, {-1, -1}, {-1, 1}}};
  program.kernels.push_back(kernel);
  return package;
}

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_FAKEPACKAGE_H
