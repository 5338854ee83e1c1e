//===- OpenDevice.cpp - Devices by name -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/CudaDevice.h"
#include "heddle/Runtime/MakeError.h"
#include "heddle/Runtime/VirtualDevice.h"

#include <charconv>

using namespace heddle;

/// How many virtual devices a program may number.
static constexpr uint32_t maxVirtualDevices = 64;

static Expected<uint32_t> countVirtualDevices() { return maxVirtualDevices; }

static Expected<std::unique_ptr<Device>>
openVirtualDevice(uint32_t ordinal, VirtualDeviceOptions options) {
  if (ordinal >= maxVirtualDevices)
    return makeError(ErrorKind::InvalidInput,
                     "expected a virtual device below {}, found 'virtual:{}'",
                     maxVirtualDevices, ordinal);
  options.ordinal = ordinal;
  return createVirtualDevice(options);
}

static Expected<std::unique_ptr<Device>> openCuda(uint32_t ordinal,
                                                  VirtualDeviceOptions) {
  return openCudaDevice(ordinal);
}

/// A kind of device; a new one is a line below.
struct Kind {
  std::string_view name;
  Expected<uint32_t> (*count)();
  Expected<std::unique_ptr<Device>> (*open)(uint32_t ordinal,
                                            VirtualDeviceOptions options);
};

/// In the order in which `auto` looks for one.
static constexpr Kind kinds[] = {
    {"cuda", countCudaDevices, openCuda},
    {"virtual", countVirtualDevices, openVirtualDevice},
};

static Expected<std::unique_ptr<Device>>
openAny(const VirtualDeviceOptions &options) {
  for (const Kind &kind : kinds) {
    Expected<uint32_t> count = kind.count();
    if (!count)
      return tl::unexpected(count.error());
    if (*count > 0)
      return kind.open(0, options);
  }
  return makeError(ErrorKind::Unavailable, "there is no device");
}

Expected<std::unique_ptr<Device>> heddle::openDevice(std::string_view name) {
  return openDevice(name, {});
}

Expected<std::unique_ptr<Device>>
heddle::openDevice(std::string_view name, const VirtualDeviceOptions &options) {
  if (name == "auto")
    return openAny(options);
  std::string_view kindName = name.substr(0, name.find(':'));
  uint32_t ordinal = 0;
  bool valid = true;
  if (kindName.size() != name.size()) {
    const char *begin = name.data() + kindName.size() + 1;
    const char *end = name.data() + name.size();
    auto [stop, error] = std::from_chars(begin, end, ordinal);
    valid = error == std::errc() && stop == end;
  }
  std::vector<std::string> expected;
  for (const Kind &kind : kinds) {
    if (valid && kind.name == kindName)
      return kind.open(ordinal, options);
    expected.push_back(fmt::format("{0}, {0}:N", kind.name));
  }
  return makeError(ErrorKind::InvalidInput, "expected {} or auto, found '{}'",
                   fmt::join(expected, ", "), name);
}
