//===- TestDevice.h - Running PTX in tests ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_VIRTUAL_TESTDEVICE_H
#define HEDDLE_TEST_RUNTIME_VIRTUAL_TESTDEVICE_H

#include "heddle/Runtime/VirtualDevice.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <vector>

namespace heddle::test {

/// The bytes of one kernel argument.
class Argument {
public:
  template <typename T>
  Argument(const T &value) : bytes(sizeof(T)) {
    std::memcpy(bytes.data(), &value, sizeof(T));
  }
  operator KernelArgument() const { return bytes; }

private:
  std::vector<std::byte> bytes;
};

/// HEDDLE_TEST_SCHEDULE in the environment says how tests are scheduled that do
/// not say so themselves.
inline VirtualDeviceOptions withSchedule(VirtualDeviceOptions options) {
  const char *name = std::getenv("HEDDLE_TEST_SCHEDULE");
  if (!name || options.schedule.kind != Schedule::Kind::Timed)
    return options;
  auto schedule = parseSchedule(name);
  EXPECT_TRUE(schedule) << name;
  if (schedule)
    options.schedule = *schedule;
  return options;
}

/// A virtual device with helpers that fail the test on errors.
class TestDevice {
public:
  explicit TestDevice(VirtualDeviceOptions options = {.stepBudget = 1 << 24})
      : device(createVirtualDevice(withSchedule(options))) {}

  template <typename T>
  DeviceAddress upload(const std::vector<T> &data) {
    auto address =
        device->allocate(std::max<size_t>(1, data.size()) * sizeof(T));
    EXPECT_TRUE(address);
    EXPECT_TRUE(
        device->copyToDevice(*address, data.data(), data.size() * sizeof(T)));
    return *address;
  }
  template <typename T>
  std::vector<T> download(DeviceAddress address, size_t count) {
    std::vector<T> data(count);
    auto done = device->copyToHost(data.data(), address, count * sizeof(T));
    EXPECT_TRUE(done) << done.error().message;
    return data;
  }

  /// Loads `ptx` and runs `kernel`; the message of the error, or "".
  std::string run(std::string_view ptx, std::string_view kernel,
                  const LaunchConfig &config,
                  const std::vector<Argument> &arguments,
                  std::string_view name = "test.ptx") {
    return runOnDevices(ptx, kernel, config, {arguments}, name);
  }
  /// The same on several devices at once, each with its own arguments.
  std::string runOnDevices(std::string_view ptx, std::string_view kernel,
                           const LaunchConfig &config,
                           const std::vector<std::vector<Argument>> &arguments,
                           std::string_view name = "test.ptx") {
    auto module = device->loadModule(
        {.name = std::string(name), .ptx = ptx, .cubins = {}});
    if (!module)
      return module.error().message;
    std::vector<DeviceArguments> spans;
    for (const std::vector<Argument> &each : arguments)
      spans.emplace_back(each.begin(), each.end());
    auto done = spans.size() == 1
                    ? device->launch(**module, kernel, config, spans[0])
                    : launchOnDevices(*device, **module, kernel, config, spans);
    return done ? "" : done.error().message;
  }

  std::unique_ptr<Device> device;
};

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream.good()) << path;
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

inline std::string preamble() {
  return ".version 8.0\n.target sm_90a\n.address_size 64\n";
}

/// A kernel of one parameter, a pointer in %out, with registers %r0-31,
/// %rd0-31, %f0-31, %fd0-31, %h0-31, %p0-15 and %tid in %r31.
inline std::string kernelWith(const std::string &body,
                              const std::string &module = "") {
  return preamble() + module +
         ".visible .entry k(.param .u64 out)\n{\n"
         ".reg .b32 %r<32>;\n.reg .b64 %rd<32>;\n.reg .f32 %f<32>;\n"
         ".reg .f64 %fd<32>;\n.reg .b16 %h<32>;\n.reg .pred %p<16>;\n"
         ".reg .b64 %out, %mine;\n"
         "ld.param.u64 %out, [out];\ncvta.to.global.u64 %out, %out;\n"
         "mov.u32 %r31, %tid.x;\n"
         "mad.wide.u32 %mine, %r31, 8, %out;\n" +
         body + "\nret;\n}\n";
}

/// Runs `body` in `threads` threads; thread t's result is what it stored at
/// [%mine], eight bytes that start as zero.
inline std::vector<uint64_t> runBody(const std::string &body,
                                     uint32_t threads = 32,
                                     const std::string &module = "",
                                     uint32_t dynamicShared = 0) {
  TestDevice device;
  DeviceAddress out = device.upload(std::vector<uint64_t>(threads));
  LaunchConfig config;
  config.block.x = threads;
  config.dynamicSharedBytes = dynamicShared;
  std::string error = device.run(kernelWith(body, module), "k", config, {out});
  EXPECT_EQ(error, "");
  return device.download<uint64_t>(out, threads);
}

/// The error of running `body`.
inline std::string runError(const std::string &body, uint32_t threads = 32,
                            const std::string &module = "",
                            VirtualDeviceOptions options = {
                                .stepBudget = 1 << 24}) {
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(threads));
  LaunchConfig config;
  config.block.x = threads;
  return device.run(kernelWith(body, module), "k", config, {out});
}

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_VIRTUAL_TESTDEVICE_H
