//===- UsePackage.cpp - All that a host does with a package ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/runtime/package/UsePackage.h"

#include "heddle/Runtime/Package.h"
#include "test/runtime/FakeDevice.h"

using namespace heddle;

/// Sizes that are ordinary, empty, and such that products overflow.
static constexpr int64_t choices[] = {64,       0, 1, 1000, int64_t(1) << 33,
                                      INT64_MAX};

static void usePlan(const Program &program, const LaunchPlan &plan,
                    size_t round) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < plan.sizes.size(); ++i)
    sizes.push_back(choices[(round + i * (round % 2)) % std::size(choices)]);
  // One in two rounds, tensor maps are legal as far as addresses go.
  std::vector<DeviceAddress> buffers(plan.buffers.size(),
                                     round % 2 ? 0x1008 : 0x1000);
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    (void)getShape(plan, i, sizes);
    (void)getBytes(plan, i, sizes);
  }
  (void)evaluate(plan, sizes);
  test::FakeDevice device;
  Module module;
  (void)executePlan(device, module, program, plan, sizes, buffers);
}

std::string test::usePackage(std::string bytes) {
  auto package = Package::parse(std::move(bytes), "p.heddle");
  if (!package)
    return package.error().message;
  const PackageInfo &info = (*package)->getInfo();
  for (const LaunchPlan &plan : info.program.plans)
    for (size_t round = 0; round < 2 * std::size(choices); ++round)
      usePlan(info.program, plan, round);
  return "";
}
