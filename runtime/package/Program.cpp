//===- Program.cpp - Host functions and kernels ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;

const KernelEntry *Program::find(std::string_view entry) const {
  auto found = std::find_if(
      kernels.begin(), kernels.end(),
      [&](const KernelEntry &kernel) { return kernel.entry == entry; });
  return found == kernels.end() ? nullptr : &*found;
}

bool Program::isUnordered(const LaunchPlan &plan) const {
  return std::ranges::any_of(plan.launches, [&](const Launch &launch) {
    const KernelEntry *kernel = find(launch.kernel);
    return kernel && kernel->unordered;
  });
}

Expected<const LaunchPlan *> Program::findPlan(std::string_view name) const {
  std::string known;
  for (const LaunchPlan &plan : plans) {
    if (plan.name == name || (name.empty() && plans.size() == 1))
      return &plan;
    known += (known.empty() ? "@" : ", @") + plan.name;
  }
  if (plans.empty())
    return makeError(ErrorKind::InvalidInput,
                     "expected a host function, found kernels only");
  if (name.empty())
    return makeError(ErrorKind::InvalidInput,
                     "expected the name of one of the host functions {}",
                     known);
  return makeError(ErrorKind::InvalidInput,
                   "no host function is called '{}'; expected one of {}", name,
                   known);
}
