//===- Program.cpp - A package, its sizes and its arrays -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Elements.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::gpucheck;

static constexpr std::byte guardByte = std::byte(0xA5);

gpucheck::Program::Program(const Json &job)
    : package(unwrap(Package::open(job.at("package")))),
      plan(unwrap(package->getInfo().program.findPlan(
          job.at("host").get<std::string>()))),
      seed(job.at("seed")) {
  const Json &given = job.at("sizes");
  for (const std::string &name : plan->sizes) {
    if (!given.contains(name))
      throw JobError(ErrorKind::InvalidInput,
                     fmt::format("expected the size '{}' of host function '{}'",
                                 name, plan->name));
    sizes.push_back(given.at(name));
  }
  unwrap(verifySizes(*plan, sizes));
}

uint64_t gpucheck::Program::getBytes(size_t buffer) const {
  return unwrap(heddle::getBytes(*plan, buffer, sizes));
}

std::vector<HostArray> gpucheck::Program::makeArrays() const {
  std::vector<HostArray> arrays;
  for (size_t i = 0; i < plan->buffers.size(); ++i) {
    const BufferPlan &buffer = plan->buffers[i];
    HostArray array{
        buffer.name, buffer.type, buffer.access, getShape(*plan, i, sizes), {}};
    if (buffer.access != Access::Out) {
      array.bytes.resize(getBytes(i));
      fillRandom(buffer.type, array.bytes, seed + i);
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

std::shared_ptr<const Reference> gpucheck::Program::getReference() const {
  if (package->getReference().empty())
    throw JobError(ErrorKind::InvalidInput,
                   package->getName() + ": has no reference semantics");
  return unwrap(Reference::parse(package->getReference(), package->getName()));
}

DeviceArrays::DeviceArrays(Device &device, const Program &program)
    : device(device), guardBytes(device.properties().isSimulated ? 0 : 4096) {
  for (size_t i = 0; i < program.plan->buffers.size(); ++i) {
    bytes.push_back(program.getBytes(i));
    memory.push_back(
        std::make_unique<Memory>(device, bytes.back() + 2 * guardBytes));
    addresses.push_back(memory.back()->address + guardBytes);
  }
}

void DeviceArrays::reset(std::span<const HostArray> arrays, std::byte poison) {
  for (size_t i = 0; i < arrays.size(); ++i) {
    unwrap(device.fill(memory[i]->address, guardByte, guardBytes));
    unwrap(device.fill(addresses[i] + bytes[i], guardByte, guardBytes));
    if (arrays[i].access == Access::Out)
      unwrap(device.fill(addresses[i], poison, bytes[i]));
    else
      unwrap(
          device.copyToDevice(addresses[i], arrays[i].bytes.data(), bytes[i]));
  }
}

std::vector<std::byte> DeviceArrays::read(size_t buffer) {
  std::vector<std::byte> contents(bytes[buffer]);
  unwrap(device.copyToHost(contents.data(), addresses[buffer], bytes[buffer]));
  return contents;
}

void DeviceArrays::verifyGuards(const Program &program) {
  std::vector<std::byte> guard(guardBytes);
  for (size_t i = 0; i < addresses.size(); ++i)
    for (DeviceAddress at : {memory[i]->address, addresses[i] + bytes[i]}) {
      unwrap(device.copyToHost(guard.data(), at, guardBytes));
      auto bad = std::ranges::find_if_not(
          guard, [](std::byte b) { return b == guardByte; });
      if (bad == guard.end())
        continue;
      auto offset = int64_t(at + (bad - guard.begin())) - int64_t(addresses[i]);
      throw JobError(
          ErrorKind::InvalidInput,
          fmt::format("something was written at byte {} of buffer '{}', which "
                      "has {} bytes",
                      offset, program.plan->buffers[i].name, bytes[i]));
    }
}

void DeviceArrays::prepare(const Program &program) {
  if (!module)
    module = unwrap(device.loadModule(program.package->getImage()));
  launches = unwrap(prepareLaunches(device, *module,
                                    program.package->getInfo().program,
                                    *program.plan, program.sizes, addresses));
}

void DeviceArrays::launch(Stream *stream) {
  unwrap(launchAll(device, *module, launches, stream));
}
