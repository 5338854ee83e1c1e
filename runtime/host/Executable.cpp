//===- Executable.cpp - A program on a device, ready to be called ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Executable.h"

#include "CallCache.h"
#include "Target.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;

namespace {
/// How many calls are remembered: more than a model has layers.
constexpr size_t rememberedCalls = 256;
constexpr uint64_t rememberedScratchBytes = uint64_t(1) << 30;

class LoadedExecutable final : public Executable {
public:
  LoadedExecutable(Device &device, std::shared_ptr<const Package> package,
                   std::unique_ptr<Module> module)
      : device(device), package(std::move(package)), module(std::move(module)) {
  }

  Device &getDevice() const override { return device; }
  const Package &getPackage() const override { return *package; }
  Expected<void> call(std::string_view host, std::span<const NamedArray> arrays,
                      std::span<const NamedSize> sizes,
                      Stream *stream) override;
  Expected<std::vector<LaunchRecord>>
  getLaunches(std::string_view host, std::span<const NamedArray> arrays,
              std::span<const NamedSize> sizes) override;

private:
  Expected<std::vector<PreparedLaunch>>
  prepare(std::string_view host, std::span<const NamedArray> arrays,
          std::span<const NamedSize> sizes);

  Device &device;
  std::shared_ptr<const Package> package;
  std::unique_ptr<Module> module;
  CallCache cache{rememberedCalls, rememberedScratchBytes};
};
} // namespace

Expected<std::vector<PreparedLaunch>>
LoadedExecutable::prepare(std::string_view host,
                          std::span<const NamedArray> arrays,
                          std::span<const NamedSize> sizes) {
  const Program &program = package->getInfo().program;
  Expected<const LaunchPlan *> plan = program.findPlan(host);
  if (!plan)
    return makeError(plan.error().kind, "{}: {}", package->getName(),
                     plan.error().message);
  Expected<Binding> binding = bindArrays(**plan, arrays, sizes);
  if (!binding)
    return tl::unexpected(binding.error());
  return prepareLaunches(device, *module, program, **plan, binding->sizes,
                         binding->buffers);
}

Expected<void> LoadedExecutable::call(std::string_view host,
                                      std::span<const NamedArray> arrays,
                                      std::span<const NamedSize> sizes,
                                      Stream *stream) {
  std::string_view key = makeCallKey(host, arrays, sizes);
  CallCache::Launches launches = cache.find(key);
  if (!launches) {
    Expected<std::vector<PreparedLaunch>> prepared =
        prepare(host, arrays, sizes);
    if (!prepared)
      return tl::unexpected(prepared.error());
    launches = std::make_shared<const std::vector<PreparedLaunch>>(
        std::move(*prepared));
    cache.insert(key, launches);
  }
  return launchAll(device, *module, *launches, stream);
}

Expected<std::vector<LaunchRecord>>
LoadedExecutable::getLaunches(std::string_view host,
                              std::span<const NamedArray> arrays,
                              std::span<const NamedSize> sizes) {
  Expected<std::vector<PreparedLaunch>> prepared = prepare(host, arrays, sizes);
  if (!prepared)
    return tl::unexpected(prepared.error());
  std::vector<LaunchRecord> records;
  for (PreparedLaunch &launch : *prepared)
    records.push_back(std::move(launch.record));
  return records;
}

Expected<std::unique_ptr<Executable>>
Executable::load(Device &device, std::shared_ptr<const Package> package) {
  if (!package)
    return makeError(ErrorKind::InvalidInput,
                     "expected a package to load, found none");
  if (Expected<void> valid = verifyTarget(*package, device.properties());
      !valid)
    return tl::unexpected(valid.error());
  Expected<std::unique_ptr<Module>> module =
      device.loadModule(package->getImage());
  if (!module)
    return tl::unexpected(module.error());
  return std::make_unique<LoadedExecutable>(device, std::move(package),
                                            std::move(*module));
}
