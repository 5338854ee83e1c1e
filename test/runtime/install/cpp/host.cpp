//===- host.cpp - A host application outside of the tree ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle-c/Runtime.h"
#include "heddle/Runtime/CudaDevice.h"
#include "heddle/Runtime/DLPack.h"
#include "heddle/Runtime/DeviceMemory.h"
#include "heddle/Runtime/Executable.h"
#include "heddle/Runtime/Reference.h"
#include "heddle/Runtime/VirtualDevice.h"

#include <cstdio>

#ifdef FMT_VERSION
#error "expected headers that do without fmt"
#endif

using namespace heddle;

/// Doubles an array on `device` with the package at `path`.
static Expected<void> run(const char *name, const char *path) {
  Expected<std::unique_ptr<Device>> device = openDevice(name);
  if (!device)
    return tl::unexpected(device.error());
  Expected<std::shared_ptr<const Package>> package = Package::open(path);
  if (!package)
    return tl::unexpected(package.error());
  Expected<std::unique_ptr<Executable>> executable =
      Executable::load(**device, *package);
  if (!executable)
    return tl::unexpected(executable.error());

  std::vector<float> values(1000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i);
  Expected<DeviceMemory> memory =
      DeviceMemory::upload(**device, std::as_bytes(std::span(values)));
  if (!memory)
    return tl::unexpected(memory.error());
  std::vector<NamedArray> arrays(1);
  arrays[0].name = "x";
  arrays[0].array.address = memory->getAddress();
  arrays[0].array.type = ElementType::F32;
  arrays[0].array.shape = {int64_t(values.size())};
  if (Expected<void> called = (*executable)->call("scale", arrays); !called)
    return called;
  if (Expected<void> read =
          memory->read(std::as_writable_bytes(std::span(values)));
      !read)
    return read;
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] != 2 * float(i))
      return tl::unexpected<Error>(
          Error{ErrorKind::Fault, "a number is wrong"});
  std::printf("%s: doubled %zu numbers\n", (*device)->properties().name.c_str(),
              values.size());
  return {};
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  Expected<void> done = run(argv[1], argv[2]);
  if (!done)
    std::fprintf(stderr, "host: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
