//===- LaunchBenchmark.cpp - What a launch through the runtime costs ------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Run: HEDDLE_CUDA_DRIVER=build-runtime/test-driver/libcuda.so.1
//      LaunchBenchmark
// or, on a machine with a GPU, without the variable. Launches through the
// driver alone, through `Device::launch` and through `launchAll` take turns.
//
//===----------------------------------------------------------------------===//

#include "cuda/DriverApi.h"
#include "heddle/Runtime/CudaDevice.h"
#include "heddle/Runtime/LaunchPlan.h"

#include <benchmark/benchmark.h>
#include <ctime>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

namespace {

/// The processor time of this thread in seconds: what launching costs the host,
/// whatever else the machine does.
double getThreadSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Launches that are timed together; few enough to wait in a driver's queue.
constexpr int batch = 64;

std::string makeKernel(int64_t parameters) {
  std::string ptx =
      ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k(";
  for (int64_t i = 0; i < parameters; ++i)
    ptx += fmt::format("{}.param .u64 p{}", i ? ", " : "", i);
  return ptx + ")\n{\n\tret;\n}\n";
}

/// A kernel that does nothing, loaded by the runtime and by the driver alone.
class Setup {
public:
  Expected<void> open(int64_t parameters) {
    Expected<std::unique_ptr<Device>> opened = openCudaDevice(0);
    if (!opened)
      return tl::unexpected(opened.error());
    device = std::move(*opened);
    std::string ptx = makeKernel(parameters);
    ModuleImage image;
    image.name = "empty";
    image.ptx = ptx;
    Expected<std::unique_ptr<Module>> loaded = device->loadModule(image);
    if (!loaded)
      return tl::unexpected(loaded.error());
    module = std::move(*loaded);
    Expected<std::unique_ptr<Stream>> created = device->createStream();
    if (!created)
      return tl::unexpected(created.error());
    stream = std::move(*created);

    PreparedLaunch &launch = launches.emplace_back();
    launch.record.entry = "k";
    launch.config.block.x = 32;
    launch.bytes.resize(size_t(parameters) * 8);
    for (int64_t i = 0; i < parameters; ++i) {
      launch.arguments.emplace_back(&launch.bytes[size_t(i) * 8], 8);
      pointers.push_back(&launch.bytes[size_t(i) * 8]);
    }
    return openBare(ptx);
  }

  ~Setup() {
    if (bareModule && makeCurrent())
      (void)api->moduleUnload(bareModule);
    leave();
    if (context)
      (void)api->devicePrimaryCtxRelease(0);
  }

  bool makeCurrent() {
    isCurrent = api->ctxPushCurrent(context) == Result::Success;
    return isCurrent;
  }
  void leave() {
    ContextHandle popped = nullptr;
    if (isCurrent)
      (void)api->ctxPopCurrent(&popped);
    isCurrent = false;
  }

  bool launchBare() {
    DriverLaunchConfig config = {};
    config.gridX = config.gridY = config.gridZ = 1;
    config.blockX = 32;
    config.blockY = config.blockZ = 1;
    config.stream = static_cast<StreamHandle>(stream->getNative());
    return api->launchKernelEx(&config, function, pointers.data(), nullptr) ==
           Result::Success;
  }
  bool launchDevice() {
    const PreparedLaunch &launch = launches.front();
    return device
        ->launch(*module, launch.record.entry, launch.config, launch.arguments,
                 stream.get())
        .has_value();
  }
  bool launchPrepared() {
    return launchAll(*device, *module, launches, stream.get()).has_value();
  }
  bool wait() { return device->synchronize(stream.get()).has_value(); }
  bool isSimulated() const { return device->properties().isSimulated; }

private:
  Expected<void> openBare(const std::string &ptx) {
    Expected<const DriverApi *> loaded = loadDriver();
    if (!loaded)
      return tl::unexpected(loaded.error());
    api = *loaded;
    Result result = api->devicePrimaryCtxRetain(&context, 0);
    if (result == Result::Success)
      result = api->ctxPushCurrent(context);
    isCurrent = result == Result::Success;
    if (result == Result::Success)
      result =
          api->moduleLoadDataEx(&bareModule, ptx.c_str(), 0, nullptr, nullptr);
    if (result == Result::Success)
      result = api->moduleGetFunction(&function, bareModule, "k");
    leave();
    if (result != Result::Success)
      return makeDriverError(*api, result, "the driver", "bare launches");
    return {};
  }

  std::unique_ptr<Device> device;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<Module> module;
  std::vector<PreparedLaunch> launches;

  const DriverApi *api = nullptr;
  ContextHandle context = nullptr;
  ModuleHandle bareModule = nullptr;
  FunctionHandle function = nullptr;
  std::vector<void *> pointers;
  bool isCurrent = false;
};

/// Seconds that a batch takes, or less than 0 if a launch failed.
template <typename F>
double timeBatch(Setup &setup, F launch) {
  bool good = true;
  double begin = getThreadSeconds();
  for (int i = 0; i < batch; ++i)
    good &= launch();
  double seconds = getThreadSeconds() - begin;
  return setup.wait() && good ? seconds : -1;
}

/// `range(0)` is how many parameters of 8 bytes the kernel has. The time is
/// that of a batch of each kind; the counters are nanoseconds per launch.
void launch(benchmark::State &state) {
  Setup setup;
  if (Expected<void> open = setup.open(state.range(0)); !open) {
    state.SkipWithError(open.error().message.c_str());
    return;
  }
  double bare = 0, device = 0, prepared = 0;
  for (auto _ : state) {
    // The driver alone needs a current context; the runtime is timed without.
    setup.makeCurrent();
    double bareTime = timeBatch(setup, [&] { return setup.launchBare(); });
    setup.leave();
    double deviceTime = timeBatch(setup, [&] { return setup.launchDevice(); });
    double preparedTime =
        timeBatch(setup, [&] { return setup.launchPrepared(); });
    if (bareTime < 0 || deviceTime < 0 || preparedTime < 0) {
      state.SkipWithError("a launch failed");
      return;
    }
    bare += bareTime;
    device += deviceTime;
    prepared += preparedTime;
  }
  double launches = double(state.iterations()) * batch;
  state.counters["bare_ns"] = 1e9 * bare / launches;
  state.counters["device_ns"] = 1e9 * device / launches;
  state.counters["launchAll_ns"] = 1e9 * prepared / launches;
  state.counters["over_bare_ns"] = 1e9 * (prepared - bare) / launches;
  state.SetLabel(setup.isSimulated() ? "test driver" : "GPU");
}
BENCHMARK(launch)->Arg(0)->Arg(16);

} // namespace
