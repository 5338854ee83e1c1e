//===- Run.cpp - heddle run -----------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/VirtualDevice.h"
#include "lib/Compiler/Packaging.h"
#include "lib/Reference/Reference.h"
#include "tools/heddle/Buffers.h"
#include "tools/heddle/Check.h"
#include "tools/heddle/Commands.h"
#include "tools/heddle/Progress.h"
#include "tools/heddle/Source.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;
using namespace heddle;

/// Prints an error of the runtime and returns its exit code.
static ExitCode report(const Error &error) {
  printError() << error.message << '\n';
  return error.kind == ErrorKind::Fault ? ExitCode::Failed : ExitCode::BadInput;
}

//===----------------------------------------------------------------------===//
// On a device
//===----------------------------------------------------------------------===//

namespace {
/// Copies of host buffers on a device, for as long as the object lives.
class DeviceBuffers {
public:
  explicit DeviceBuffers(Device &device) : device(device) {}
  ~DeviceBuffers() {
    // A device that cannot free says so at its next use.
    for (DeviceAddress address : addresses)
      (void)device.free(address);
  }
  DeviceBuffers(const DeviceBuffers &) = delete;

  Expected<void> upload(ArrayRef<HostBuffer> buffers);
  Expected<void> download(MutableArrayRef<HostBuffer> buffers);
  std::span<const DeviceAddress> get() const { return addresses; }

private:
  Device &device;
  std::vector<DeviceAddress> addresses;
};
} // namespace

Expected<void> DeviceBuffers::upload(ArrayRef<HostBuffer> buffers) {
  for (const HostBuffer &buffer : buffers) {
    uint64_t bytes = buffer.getBytes();
    Expected<DeviceAddress> address =
        device.allocate(std::max<uint64_t>(bytes, 1));
    if (!address)
      return tl::unexpected(address.error());
    addresses.push_back(*address);
    if (buffer.access == tile::Access::Out || bytes == 0)
      continue;
    if (Expected<void> copied =
            device.copyToDevice(*address, buffer.bytes.data(), bytes);
        !copied)
      return copied;
  }
  return {};
}

Expected<void> DeviceBuffers::download(MutableArrayRef<HostBuffer> buffers) {
  for (auto [buffer, address] : llvm::zip_equal(buffers, addresses)) {
    if (buffer.access == tile::Access::In)
      continue;
    buffer.bytes.resize(buffer.getBytes());
    if (buffer.bytes.empty())
      continue;
    if (Expected<void> copied = device.copyToHost(buffer.bytes.data(), address,
                                                  buffer.bytes.size());
        !copied)
      return copied;
  }
  return {};
}

/// Runs a compiled program; the buffers then hold the results.
static Expected<void> runOnDevice(Device &device,
                                  const PackageContents &compiled,
                                  StringRef file, StringRef host,
                                  ArrayRef<int64_t> sizes,
                                  MutableArrayRef<HostBuffer> buffers) {
  Expected<std::unique_ptr<Module>> module = device.loadModule(
      {.name = file.str() + " (PTX)", .ptx = compiled.ptx, .cubins = {}});
  if (!module)
    return tl::unexpected(module.error());
  const Program &program = compiled.info.program;
  Expected<const LaunchPlan *> plan = program.findPlan(host);
  if (!plan)
    return tl::unexpected(plan.error());
  DeviceBuffers copies(device);
  if (Expected<void> uploaded = copies.upload(buffers); !uploaded)
    return uploaded;
  Expected<std::vector<LaunchRecord>> launches =
      executePlan(device, **module, program, **plan,
                  {sizes.data(), sizes.size()}, copies.get());
  if (!launches)
    return tl::unexpected(launches.error());
  for (const LaunchRecord &launch : *launches)
    if (!launch.fallbackReason.empty())
      llvm::errs() << "heddle: note: '" << launch.entry
                   << "' ran, which does without TMA, because of "
                   << launch.fallbackReason << '\n';
  return copies.download(buffers);
}

//===----------------------------------------------------------------------===//
// What is printed of outputs that go nowhere
//===----------------------------------------------------------------------===//

static void summarize(const HostBuffer &buffer) {
  unsigned width = reference::getByteWidth(buffer.elementType);
  size_t count = buffer.bytes.size() / width;
  double sum = 0, low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; ++i) {
    reference::Element element = reference::loadElement(
        buffer.elementType, buffer.bytes.data() + i * width);
    double value = element.f;
    if (!isa<FloatType>(buffer.elementType))
      value = llvm::SignExtend64(
          element.i, reference::getIntegerWidth(buffer.elementType));
    sum += value;
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
  llvm::outs() << buffer.name << " (" << describe(buffer) << ")";
  if (count > 0)
    llvm::outs() << fmt::format(": min {:.6g}, max {:.6g}, mean {:.6g}", low,
                                high, sum / count);
  llvm::outs() << '\n';
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// Runs `host` where the command says. On failure, the exit code.
static ExitCode runHost(const RunCommand &command, Source &source,
                        tile::HostOp host, ArrayRef<int64_t> sizes,
                        MutableArrayRef<HostBuffer> buffers) {
  if (command.device == "reference")
    return succeeded(runReference(host, sizes, buffers)) ? ExitCode::Good
                                                         : ExitCode::Failed;
  FailureOr<PackageContents> compiled = buildPackage(source.getModule());
  if (failed(compiled))
    return ExitCode::BadInput;
  std::unique_ptr<Device> device = createVirtualDevice();
  Progress progress("virtual GPU");
  Expected<void> ran = runOnDevice(*device, *compiled, command.file,
                                   host.getSymName(), sizes, buffers);
  return ran ? ExitCode::Good : report(ran.error());
}

ExitCode heddle::run(const RunCommand &command) {
  Source source;
  if (failed(source.read(command.file)))
    return ExitCode::BadInput;
  tile::HostOp host = source.getHost(command.entry);
  if (!host)
    return ExitCode::BadInput;
  FailureOr<SmallVector<int64_t>> sizes = source.getSizes(host, command.sizes);
  if (failed(sizes))
    return ExitCode::BadInput;
  bool usesReference = command.check || command.device == "reference";
  if (usesReference && failed(reference::verifySupported(host)))
    return ExitCode::BadInput;
  if (Expected<void> valid = verifyOutputs(host, command.outputs); !valid)
    return report(valid.error());

  // A buffer has a copy here and one on the device; the reference takes nine
  // bytes per element for each of two runs, and more to compare them.
  unsigned copies = usesReference ? 32 : 2;
  Expected<std::vector<HostBuffer>> before =
      prepareBuffers(host, *sizes, command.inputs, copies);
  if (!before)
    return report(before.error());
  std::vector<HostBuffer> after = *before;
  if (ExitCode code = runHost(command, source, host, *sizes, after);
      code != ExitCode::Good)
    return code;

  if (Expected<void> written = writeOutputs(after, command.outputs); !written)
    return report(written.error());
  if (!command.check) {
    for (const HostBuffer &buffer : after)
      if (buffer.access != tile::Access::In)
        summarize(buffer);
    return ExitCode::Good;
  }
  return check(host, *sizes, *before, after) == Verdict::Right
             ? ExitCode::Good
             : ExitCode::Failed;
}
