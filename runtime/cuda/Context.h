//===- Context.h - A device's context, made current ----------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parts of the CUDA device share.
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CUDA_CONTEXT_H
#define HEDDLE_CUDA_CONTEXT_H

#include "DriverApi.h"
#include "heddle/Runtime/MakeError.h"

#include <atomic>
#include <mutex>
#include <set>

namespace heddle::cuda {

/// The primary context of a device, and what errors in it are told with.
class Context {
public:
  Context(const DriverApi &api, DeviceNumber device, ContextHandle handle)
      : api(api), device(device), handle(handle) {}
  ~Context() { (void)api.devicePrimaryCtxRelease(device); }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  /// An error of `call` while doing `what`. Faults name the last kernel and
  /// where one can learn more.
  tl::unexpected<Error> makeError(Result result, std::string_view call,
                                  std::string_view what) const;

  /// A copy of a kernel's name that lives as long as the context.
  const std::string *intern(std::string_view kernel);

  const DriverApi &api;
  const DeviceNumber device;
  const ContextHandle handle;
  /// The kernel that was launched last, or null.
  std::atomic<const std::string *> lastKernel = nullptr;

private:
  std::mutex mutex;
  std::set<std::string, std::less<>> names;
};

/// Makes a context the thread's current one for as long as this lives, and
/// gives the host application its own back.
class CurrentContext {
public:
  explicit CurrentContext(const Context &context) : context(context) {
    ContextHandle current = nullptr;
    result = context.api.ctxGetCurrent(&current);
    if (result != Result::Success || current == context.handle)
      return;
    call = "cuCtxPushCurrent_v2";
    result = context.api.ctxPushCurrent(context.handle);
    pushed = result == Result::Success;
  }
  ~CurrentContext() {
    ContextHandle popped = nullptr;
    // An error here is one of earlier work, which the next call reports.
    if (pushed)
      (void)context.api.ctxPopCurrent(&popped);
  }
  CurrentContext(const CurrentContext &) = delete;
  CurrentContext &operator=(const CurrentContext &) = delete;

  explicit operator bool() const { return result == Result::Success; }
  tl::unexpected<Error> makeError(std::string_view what) const {
    return context.makeError(result, call, what);
  }

private:
  const Context &context;
  std::string_view call = "cuCtxGetCurrent";
  Result result;
  bool pushed = false;
};

/// Makes one call of the driver, `fn`, while `context` is current. `call` and
/// what `what` returns are for the message of an error.
template <typename WhatFn, typename Fn>
Expected<void> callDriver(const Context &context, std::string_view call,
                          WhatFn what, Fn fn) {
  CurrentContext current(context);
  if (!current)
    return current.makeError(what());
  Result result = fn(context.api);
  if (result != Result::Success)
    return context.makeError(result, call, what());
  return {};
}

} // namespace heddle::cuda

#endif // HEDDLE_CUDA_CONTEXT_H
