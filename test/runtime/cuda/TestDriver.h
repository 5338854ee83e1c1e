//===- TestDriver.h - The test driver's environment, and kernels  -*- C++
//-*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_CUDA_TESTDRIVER_H
#define HEDDLE_TEST_RUNTIME_CUDA_TESTDRIVER_H

#include "heddle/Runtime/Device.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <unistd.h>

namespace heddle::test {

/// Makes the test driver the CUDA driver, with settings by the ends of their
/// names: {"DEVICES", "2"}. It looks at them when the next device is opened and
/// there is no other. Ends with the environment as it was.
class TestDriver {
public:
  using Settings = std::map<std::string, std::string>;

  explicit TestDriver(const Settings &settings = {},
                      const std::string &library = HEDDLE_TEST_DRIVER) {
    static int count = 0;
    logFile = std::filesystem::temp_directory_path() /
              fmt::format("heddle-driver-{}-{}.log", getpid(), count++);
    set("HEDDLE_CUDA_DRIVER", library);
    set("HEDDLE_TEST_DRIVER_LOG", logFile);
    for (const auto &[name, value] : settings)
      set("HEDDLE_TEST_DRIVER_" + name, value);
  }
  ~TestDriver() {
    for (const auto &[name, value] : before)
      if (value.empty())
        unsetenv(name.c_str());
      else
        setenv(name.c_str(), value.c_str(), 1);
    std::error_code ignored;
    std::filesystem::remove(logFile, ignored);
  }
  TestDriver(const TestDriver &) = delete;
  TestDriver &operator=(const TestDriver &) = delete;

  void set(const std::string &name, const std::string &value) {
    const char *old = std::getenv(name.c_str());
    before.emplace(name, old ? old : "");
    setenv(name.c_str(), value.c_str(), 1);
  }

  /// The calls so far: "cuInit CUDA_SUCCESS".
  std::vector<std::string> getLog() const {
    std::ifstream file(logFile);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
      lines.push_back(line);
    return lines;
  }
  /// How many lines of the log begin with `prefix`.
  size_t countLines(const std::string &prefix) const {
    size_t count = 0;
    for (const std::string &line : getLog())
      count += line.starts_with(prefix);
    return count;
  }

private:
  std::string logFile;
  std::map<std::string, std::string> before;
};

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream.good()) << path;
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The text of kernels.ptx.
inline const std::string &getKernels() {
  static const std::string text = readFile(HEDDLE_TEST_KERNELS "/kernels.ptx");
  return text;
}

inline ModuleImage makeImage(std::string_view ptx,
                             std::string name = "kernels.ptx") {
  ModuleImage image;
  image.name = std::move(name);
  image.ptx = ptx;
  return image;
}

template <typename T>
KernelArgument asArgument(const T &value) {
  return std::as_bytes(std::span(&value, 1));
}

template <typename T>
std::string getMessage(const Expected<T> &result) {
  return result ? "" : result.error().message;
}

/// A value, or a failed test and an end of the process, since nothing that
/// follows would make sense.
template <typename T>
T take(Expected<T> result, const char *file, int line) {
  if (!result) {
    ADD_FAILURE_AT(file, line) << result.error().message;
    std::abort();
  }
  return std::move(*result);
}

inline Expected<void> launchAdd(Device &device, Module &module,
                                DeviceAddress data, uint32_t value,
                                uint32_t blocks, uint32_t threads,
                                Stream *stream = nullptr) {
  LaunchConfig config;
  config.grid.x = blocks;
  config.block.x = threads;
  const KernelArgument arguments[] = {asArgument(data), asArgument(value)};
  return device.launch(module, "add", config, arguments, stream);
}

} // namespace heddle::test

#define TAKE(...) ::heddle::test::take((__VA_ARGS__), __FILE__, __LINE__)
#define EXPECT_GOOD(...) EXPECT_EQ(::heddle::test::getMessage(__VA_ARGS__), "")
#define EXPECT_MESSAGE(result, text)                                           \
  EXPECT_PRED2(                                                                \
      [](const std::string &all, const std::string &part) {                    \
        return all.find(part) != all.npos;                                     \
      },                                                                       \
      ::heddle::test::getMessage(result), text)

#endif // HEDDLE_TEST_RUNTIME_CUDA_TESTDRIVER_H
