//===- Driver.cpp - The state of the test driver --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "Errors.h"

#include <cstdio>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

Driver &cuda::getDriver() {
  // Never destroyed: programs call drivers while they end.
  static Driver &driver = *new Driver;
  return driver;
}

std::vector<ContextHandle> &cuda::getContextStack() {
  thread_local std::vector<ContextHandle> stack;
  return stack;
}

bool Driver::hasContext(ContextHandle context) const {
  for (const std::unique_ptr<ContextTag> &own : contexts)
    if (own && own.get() == context)
      return true;
  return false;
}

void Driver::log(std::string_view line) {
  if (config.log.empty())
    return;
  if (std::FILE *file = std::fopen(config.log.c_str(), "a")) {
    fmt::print(file, "{}\n", line);
    std::fclose(file);
  }
}

/// What the call has been told to return, if anything.
static Result getInjected(Driver &driver, std::string_view name) {
  if (driver.config.failures.empty())
    return Result::Success;
  uint64_t number = ++driver.counts[std::string(name)];
  for (const Failure &failure : driver.config.failures)
    if (failure.call == name &&
        (failure.number == 0 || failure.number == number))
      return failure.result;
  return Result::Success;
}

Call::Call(const char *name, Needs needs)
    : name(name), lock(getDriver().mutex) {
  Driver &driver = getDriver();
  if (needs >= Initialized && !driver.isInitialized) {
    refuse(Result::NotInitialized, "cuInit has not been called");
    return;
  }
  if (needs >= CurrentContext) {
    const std::vector<ContextHandle> &stack = getContextStack();
    if (stack.empty() || !driver.hasContext(stack.back())) {
      refuse(Result::InvalidContext, "no context is current");
      return;
    }
    current = stack.back();
    if (current->gpu->sticky != Result::Success) {
      refuse(current->gpu->sticky, "an earlier kernel failed");
      return;
    }
  }
  if (Result injected = getInjected(driver, name);
      injected != Result::Success) {
    refuse(injected, "as HEDDLE_TEST_DRIVER_FAIL says");
    if (current && isSticky(injected))
      current->gpu->pending = current->gpu->sticky = injected;
  }
}

Call::~Call() {
  Driver &driver = getDriver();
  if (driver.config.log.empty())
    return;
  const char *text = getName(result);
  std::string line = fmt::format(
      "{} {}", name, text ? text : std::to_string(uint32_t(result)));
  driver.log(reason.empty() ? line : line + ": " + reason);
}
