//===- ProbeJob.cpp - Runs a kernel that reads clocks --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A job names PTX, perhaps a cubin, an entry, its launch and its arguments.
/// The kernel gets the address of its output, 32 bytes for each slot of each
/// block, and a number of rounds, and then its other arguments. Each slot is
/// two clocks, what was computed, and 1 if it was written.
///
//===----------------------------------------------------------------------===//

#include "Job.h"

#include <chrono>
#include <cstring>
#include <deque>

using namespace heddle;
using namespace heddle::gpucheck;

static constexpr size_t slotBytes = 32;
/// More than any L2.
static constexpr size_t flushBytes = size_t(256) << 20;

static Dim3 toDim3(const Json &value) {
  return {value.at(0), value.at(1), value.at(2)};
}

namespace {
/// Arguments and the memory that they point to.
class Arguments {
public:
  template <typename T>
  void add(const T &value) {
    auto *bytes = reinterpret_cast<const std::byte *>(&value);
    values.emplace_back(bytes, bytes + sizeof(T));
  }
  DeviceAddress addBuffer(Device &device, size_t bytes) {
    // Not zeros: what is read are small numbers of most types.
    DeviceAddress address = memory.emplace_back(device, bytes).address;
    unwrap(device.fill(address, std::byte(0x11), bytes));
    return address;
  }
  void addTensorMap(Device &device, const Json &argument) {
    TensorMapSpec spec;
    std::string type = argument.at("type");
    if (type != "bf16")
      throw JobError(ErrorKind::InvalidInput,
                     "expected a tensor map of bf16, found " + type);
    spec.type = TensorMapType::BF16;
    spec.rank = uint32_t(argument.at("dims").size());
    uint64_t bytes = elementBytes(spec.type);
    for (uint32_t i = 0; i < spec.rank; ++i) {
      spec.dims.at(i) = argument.at("dims")[i];
      spec.box[i] = argument.at("box").at(i);
      bytes *= spec.dims[i];
      if (i + 1 < spec.rank)
        spec.strides[i] = bytes;
    }
    spec.swizzle = Swizzle(argument.at("swizzle").get<int>());
    spec.address = addBuffer(device, bytes);
    add(unwrap(device.encodeTensorMap(spec)));
  }
  std::vector<KernelArgument> get() const {
    return {values.begin(), values.end()};
  }

private:
  std::deque<Memory> memory;
  std::vector<std::vector<std::byte>> values;
};
} // namespace

static void addArgument(Arguments &arguments, Device &device,
                        const Json &argument) {
  std::string kind = argument.at("kind");
  if (kind == "buffer") {
    arguments.add(arguments.addBuffer(device, argument.at("bytes")));
    return;
  }
  if (kind == "number") {
    arguments.add(argument.at("value").get<uint32_t>());
    return;
  }
  if (kind == "tensor map") {
    arguments.addTensorMap(device, argument);
    return;
  }
  throw JobError(ErrorKind::InvalidInput,
                 "expected a buffer, number or tensor map, found " + kind);
}

/// Microseconds from the first of `count` launches in a row to the end of the
/// last, as the device and as the host sees them, per launch; and of the calls
/// alone, as the host sees them.
static Json timeLaunches(Device &device, Module &module,
                         const std::string &entry, const LaunchConfig &config,
                         std::span<const KernelArgument> arguments,
                         uint32_t count) {
  using Clock = std::chrono::steady_clock;
  using Microseconds = std::chrono::duration<double, std::micro>;
  std::unique_ptr<Event> from = unwrap(device.createEvent());
  std::unique_ptr<Event> to = unwrap(device.createEvent());
  unwrap(device.synchronize());
  Clock::time_point begin = Clock::now();
  unwrap(device.record(*from));
  for (uint32_t i = 0; i < count; ++i)
    unwrap(device.launch(module, entry, config, arguments));
  unwrap(device.record(*to));
  Clock::time_point submitted = Clock::now();
  unwrap(device.synchronize(*to));
  Clock::time_point end = Clock::now();
  Clock::time_point single = Clock::now();
  unwrap(device.launch(module, entry, config, arguments));
  unwrap(device.synchronize());
  return {
      {"device", 1e3 * unwrap(device.getMilliseconds(*from, *to)) / count},
      {"host", Microseconds(end - begin).count() / count},
      {"submit", Microseconds(submitted - begin).count() / count},
      {"launch_and_wait", Microseconds(Clock::now() - single).count()},
  };
}

Json gpucheck::runProbe(Device &device, const Json &job) {
  std::string path = job.at("ptx"), ptx = readFile(path), cubin;
  ModuleImage image{path, ptx, {}};
  if (job.contains("cubin")) {
    cubin = readFile(job.at("cubin"));
    image.cubins.push_back({"sm_90a", std::as_bytes(std::span(cubin))});
  }
  std::unique_ptr<Module> module = unwrap(device.loadModule(image));

  LaunchConfig config;
  config.grid = toDim3(job.at("grid"));
  config.block = toDim3(job.at("block"));
  config.cluster = toDim3(job.at("cluster"));
  config.dynamicSharedBytes = job.at("shared_bytes");
  uint64_t words = config.grid.count() * job.at("slots").get<uint64_t>() *
                   slotBytes / sizeof(uint64_t);
  std::vector<uint64_t> output(words);
  Memory memory(device, words * sizeof(uint64_t));
  unwrap(device.fill(memory.address, std::byte(0), memory.bytes));

  uint32_t rounds = job.at("rounds");
  Arguments own;
  own.add(memory.address);
  own.add(rounds);
  for (const Json &argument : job.at("arguments"))
    addArgument(own, device, argument);
  std::vector<KernelArgument> arguments = own.get();
  std::string entry = job.at("entry");
  auto launch = [&] {
    unwrap(device.launch(*module, entry, config, arguments));
  };

  if (job.contains("setup")) {
    const Json &setup = job.at("setup");
    LaunchConfig first;
    first.grid.x = setup.at("blocks");
    first.block.x = setup.at("threads");
    unwrap(device.launch(*module, setup.at("entry").get<std::string>(), first,
                         arguments));
  }
  launch();
  unwrap(device.synchronize());

  Json samples = Json::array();
  std::unique_ptr<Event> from = unwrap(device.createEvent());
  std::unique_ptr<Event> to = unwrap(device.createEvent());
  std::unique_ptr<Memory> flushed;
  if (job.at("flush").get<bool>())
    flushed = std::make_unique<Memory>(device, flushBytes);
  for (uint32_t i = 0, count = job.at("samples"); i < count; ++i) {
    if (job.at("measure") == "launches") {
      samples.push_back(
          timeLaunches(device, *module, entry, config, arguments, rounds));
      continue;
    }
    if (flushed)
      unwrap(device.fill(flushed->address, std::byte(i), flushed->bytes));
    unwrap(device.record(*from));
    launch();
    unwrap(device.record(*to));
    unwrap(device.synchronize(*to));
    unwrap(device.copyToHost(output.data(), memory.address, memory.bytes));
    Json clocks = Json::array();
    for (uint64_t w = 0; w < words; w += slotBytes / sizeof(uint64_t))
      clocks.push_back(
          {output[w], output[w + 1], output[w + 2], output[w + 3]});
    samples.push_back(
        {{"milliseconds", unwrap(device.getMilliseconds(*from, *to))},
         {"clocks", std::move(clocks)}});
  }
  return {{"samples", std::move(samples)}};
}
