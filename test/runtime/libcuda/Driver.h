//===- Driver.h - The state of the test driver ---------------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Contexts, what belongs to them, and what every call does first: it counts,
/// fails if it has been told to, and checks that there is a context.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_LIBCUDA_DRIVER_H
#define HEDDLE_TEST_RUNTIME_LIBCUDA_DRIVER_H

#include "Config.h"
#include "Functions.h"
#include "VirtualMemory.h"

#include <chrono>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace heddle::cuda {

/// The virtual GPU behind a context. Work may go on in it after the context is
/// gone.
struct Gpu {
  std::unique_ptr<Device> device;
  /// One piece of work at a time, so that streams are in order.
  std::mutex order;
  /// What a kernel did wrong and no call has reported yet.
  Result pending = Result::Success;
  /// What all calls report from then on.
  Result sticky = Result::Success;
};

struct StreamTag {};

struct EventTag {
  bool hasTiming = true;
  std::optional<std::chrono::steady_clock::time_point> time;
};

struct FunctionTag {
  std::string name;
  /// Freed with the module; a running launch has its own reference.
  std::shared_ptr<heddle::Module> code;
  struct Parameter {
    size_t offset, size;
  };
  std::vector<Parameter> parameters;
  uint32_t maxThreads = 1024;
  uint32_t registers = 0;
  uint32_t staticSharedBytes = 0;
  uint32_t maxDynamicSharedBytes = 0;
  bool allowsLargeClusters = false;
  Dim3 requiredCluster = {0, 0, 0};
};

struct ModuleTag {
  std::shared_ptr<heddle::Module> code;
  std::vector<std::unique_ptr<FunctionTag>> functions;
};

/// The primary context of a device.
struct ContextTag {
  DeviceNumber device = 0;
  uint32_t retained = 0;
  std::shared_ptr<Gpu> gpu;
  std::map<DeviceAddress, size_t> allocations;
  uint64_t usedBytes = 0;
  std::map<StreamHandle, std::unique_ptr<StreamTag>> streams;
  std::map<EventHandle, std::unique_ptr<EventTag>> events;
  std::map<ModuleHandle, std::unique_ptr<ModuleTag>> modules;
  std::set<FunctionHandle> functions;

  /// Null and the two special streams are in every context.
  bool hasStream(StreamHandle stream) const {
    return uintptr_t(stream) <= 2 || streams.contains(stream);
  }
};

/// One call of the driver. Calls hold the driver's lock but for `run`.
class Call {
public:
  enum Needs { Nothing, Initialized, CurrentContext };

  Call(const char *name, Needs needs);
  ~Call();
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  /// What the call returns if it is not to do anything, or `Success`.
  Result early() const { return result; }
  /// The current context. Other calls may end it during `run`.
  ContextTag &context() const { return *current; }

  Result done(Result end = Result::Success) { return result = end; }
  /// Ends the call with an error; the reason goes to the log.
  template <typename... Args>
  Result refuse(Result error, fmt::format_string<Args...> format,
                Args &&...args) {
    reason = fmt::format(format, std::forward<Args>(args)...);
    return result = error;
  }

  /// Work that is done in the order of submission. Does nothing once a kernel
  /// has failed. Returns what `work` does, which must be `Expected<void>`.
  template <typename F>
  Expected<void> run(F work) {
    std::shared_ptr<Gpu> gpu = current->gpu;
    if (gpu->pending != Result::Success)
      return {};
    lock.unlock();
    Expected<void> done = [&] {
      std::lock_guard order(gpu->order);
      return work(*gpu->device);
    }();
    lock.lock();
    return done;
  }
  /// Reports what kernels did wrong, as a call does that waits for them.
  Result wait() {
    if (current->gpu->pending != Result::Success)
      current->gpu->sticky = current->gpu->pending;
    return done(current->gpu->sticky);
  }

private:
  const char *name;
  std::unique_lock<std::mutex> lock;
  ContextTag *current = nullptr;
  Result result = Result::Success;
  std::string reason;
};

/// What all threads share, under the lock that calls hold.
struct Driver {
  std::mutex mutex;
  bool isInitialized = false;
  Config config;
  /// What a device can do.
  DeviceProperties properties;
  /// How often each call that may be told to fail has been made.
  std::map<std::string, uint64_t, std::less<>> counts;
  /// By device; null where the primary context is not active.
  std::vector<std::unique_ptr<ContextTag>> contexts;

  VirtualMemory virtualMemory;

  bool hasContext(ContextHandle context) const;
  /// Gives a new context the mappings that its device may use.
  bool beginAllAccess(ContextTag &context);
  /// Appends a line to the log, if there is one.
  void log(std::string_view line);
};

Driver &getDriver();

/// The contexts that a thread has pushed; the last is the current one.
std::vector<ContextHandle> &getContextStack();

} // namespace heddle::cuda

#endif // HEDDLE_TEST_RUNTIME_LIBCUDA_DRIVER_H
