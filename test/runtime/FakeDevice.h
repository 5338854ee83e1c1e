//===- FakeDevice.h - A device that only listens ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_FAKEDEVICE_H
#define HEDDLE_TEST_RUNTIME_FAKEDEVICE_H

#include "heddle/Runtime/LaunchPlan.h"

#include <mutex>

namespace heddle::test {

/// Remembers what it was told.
class FakeDevice : public Device {
public:
  struct Call {
    std::string kernel;
    LaunchConfig config;
    std::vector<std::vector<std::byte>> arguments;
  };

  FakeDevice() { description.multiprocessors = 132; }
  const DeviceProperties &properties() const override { return description; }
  Expected<DeviceAddress> allocate(size_t) override { return 0x100; }
  Expected<void> free(DeviceAddress address) override {
    freed.push_back(address);
    return {};
  }
  Expected<void> copyToDevice(DeviceAddress, const void *, size_t,
                              Stream *) override {
    return {};
  }
  Expected<void> copyToHost(void *, DeviceAddress, size_t, Stream *) override {
    return {};
  }
  Expected<void> fill(DeviceAddress, std::byte, size_t, Stream *) override {
    return {};
  }
  Expected<std::unique_ptr<Stream>> createStream() override { return nullptr; }
  Expected<std::unique_ptr<Stream>> adoptStream(void *) override {
    return nullptr;
  }
  Expected<std::unique_ptr<Event>> createEvent() override { return nullptr; }
  Expected<void> record(Event &, Stream *) override { return {}; }
  Expected<void> wait(Stream *, Event &) override { return {}; }
  Expected<void> synchronize(Stream *) override { return {}; }
  Expected<void> synchronize(Event &) override { return {}; }
  Expected<double> getMilliseconds(Event &, Event &) override { return 0; }
  Expected<TensorMap> encodeTensorMap(const TensorMapSpec &spec) override {
    std::lock_guard lock(mutex);
    maps.push_back(spec);
    return TensorMap{};
  }
  Expected<std::unique_ptr<Module>> loadModule(const ModuleImage &) override {
    return std::make_unique<Module>();
  }
  Expected<uint32_t> getResidentBlocks(Module &, std::string_view,
                                       const LaunchConfig &config) override {
    std::lock_guard lock(mutex);
    queries.push_back(config);
    return config.cluster.count() <= largestCluster ? residentBlocks : 0;
  }
  Expected<void> launch(Module &, std::string_view kernel,
                        const LaunchConfig &config,
                        std::span<const KernelArgument> arguments,
                        Stream *) override {
    std::lock_guard lock(mutex);
    Call &call = calls.emplace_back(Call{std::string(kernel), config, {}});
    for (KernelArgument argument : arguments)
      call.arguments.emplace_back(argument.begin(), argument.end());
    return {};
  }

  DeviceProperties description;
  uint32_t residentBlocks = 132;
  /// How many neighbouring multiprocessors it has.
  uint64_t largestCluster = 16;
  std::vector<DeviceAddress> freed;
  std::vector<TensorMapSpec> maps;
  /// What was asked for the blocks that are resident.
  std::vector<LaunchConfig> queries;
  std::vector<Call> calls;

private:
  std::mutex mutex;
};

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_FAKEDEVICE_H
