//===- CallBenchmark.cpp - What a repeated call costs ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Executable.h"
#include "test/runtime/FakeDevice.h"
#include "test/runtime/FakePackage.h"

#include <benchmark/benchmark.h>

using namespace heddle;
using namespace heddle::test;

namespace {
/// Launches cost nothing, so that what is left is the runtime's.
class IdleDevice : public FakeDevice {
public:
  Expected<void> launch(Module &, std::string_view, const LaunchConfig &,
                        std::span<const KernelArgument> arguments,
                        Stream *) override {
    benchmark::DoNotOptimize(arguments.data());
    return {};
  }
};

/// A product with a bias: four buffers, one kernel, two tensor maps.
struct Product {
  Product() {
    package->info.program = {};
    Program &program = package->info.program;
    LaunchPlan &plan = program.plans.emplace_back();
    plan.name = "gemm";
    plan.sizes = {"M", "N", "K"};
    auto buffer = [&](const char *name, ElementType type,
                      std::vector<Extent> extents, Access access) {
      plan.buffers.push_back({name, type, extents, access});
      KernelParameter parameter{true, type, {}, {}};
      parameter.extents.assign(extents.size(), -1);
      parameter.strides.assign(extents.size(), -1);
      kernel.parameters.push_back(parameter);
    };
    buffer("A", ElementType::BF16, {{true, 0}, {true, 2}}, Access::In);
    buffer("B", ElementType::BF16, {{true, 1}, {true, 2}}, Access::In);
    buffer("bias", ElementType::F32, {{true, 1}}, Access::In);
    buffer("C", ElementType::BF16, {{true, 0}, {true, 1}}, Access::Out);
    plan.instructions = {{.constant = 128},
                         {.op = IndexOp::CeilDivUI, .operands = {0, 3}},
                         {.op = IndexOp::CeilDivUI, .operands = {1, 3}}};
    plan.launches = {
        {"k", {4, 5}, {{true, 0}, {true, 1}, {true, 2}, {true, 3}}, ""}};
    kernel.entry = "k";
    kernel.threads = 384;
    kernel.tensorMaps = {{0, {64, 128}, Swizzle::B128, TensorMapType::BF16},
                         {1, {64, 128}, Swizzle::B128, TensorMapType::BF16}};
    program.kernels.push_back(kernel);
  }

  static std::vector<NamedArray> makeArrays(DeviceAddress first) {
    return {{"A", {first, ElementType::BF16, {4096, 4096}, {}}},
            {"B", {0x20000000, ElementType::BF16, {4096, 4096}, {}}},
            {"bias", {0x30000000, ElementType::F32, {4096}, {}}},
            {"C", {0x40000000, ElementType::BF16, {4096, 4096}, {}}}};
  }

  KernelEntry kernel;
  IdleDevice device;
  std::shared_ptr<FakePackage> package = makeFakePackage();
};
} // namespace

/// The floor: launches that are prepared once.
static void launchPrepared(benchmark::State &state) {
  Product product;
  Module module;
  const Program &program = product.package->info.program;
  const int64_t sizes[] = {4096, 4096, 4096};
  const DeviceAddress buffers[] = {0x10000000, 0x20000000, 0x30000000,
                                   0x40000000};
  auto launches = prepareLaunches(product.device, module, program,
                                  program.plans[0], sizes, buffers);
  for (auto _ : state)
    if (!launchAll(product.device, module, *launches))
      state.SkipWithError("the launch failed");
}

/// `calls` calls in turn that differ in an address.
static void call(benchmark::State &state, size_t calls) {
  Product product;
  auto executable = Executable::load(product.device, product.package);
  std::vector<std::vector<NamedArray>> arrays;
  for (size_t i = 0; i < calls; ++i)
    arrays.push_back(Product::makeArrays(256 * (i + 1)));
  size_t next = 0;
  for (auto _ : state) {
    if (!(*executable)->call("gemm", arrays[next]))
      state.SkipWithError("the call failed");
    next = next + 1 == calls ? 0 : next + 1;
  }
}
static void repeatCall(benchmark::State &state) { call(state, 1); }
static void repeatCalls(benchmark::State &state) { call(state, 128); }
/// More calls than are remembered, in turn: none is there when it is wanted.
static void firstCall(benchmark::State &state) { call(state, 1024); }

BENCHMARK(launchPrepared);
BENCHMARK(repeatCall);
BENCHMARK(repeatCalls);
BENCHMARK(firstCall);
