//===- PtxRun.cpp - heddle run of a PTX file ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/MakeError.h"
#include "package/ReadFile.h"
#include "tools/heddle/Buffers.h"
#include "tools/heddle/DeviceBuffers.h"
#include "tools/heddle/Driver.h"
#include "tools/heddle/LaunchSpec.h"
#include "tools/heddle/PtxFile.h"
#include "tools/heddle/ScheduledRun.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

using namespace heddle;

static constexpr size_t maxSpecBytes = size_t(1) << 24;

//===----------------------------------------------------------------------===//
// The specification and what the command line adds
//===----------------------------------------------------------------------===//

static Expected<SpecBuffer *>
findBuffer(LaunchSpec &spec, std::string_view option, const std::string &name) {
  std::vector<std::string_view> names;
  for (SpecBuffer &buffer : spec.buffers) {
    if (buffer.array.name == name)
      return &buffer;
    names.push_back(buffer.array.name);
  }
  return makeError(ErrorKind::InvalidInput,
                   "{}: the launch has no buffer '{}'; it has: {}", option,
                   name, fmt::join(names, ", "));
}

static Expected<void> addOptions(const RunCommand &command, LaunchSpec &spec) {
  for (const auto &[name, file] : command.outputs) {
    Expected<SpecBuffer *> buffer = findBuffer(spec, "--output", name);
    if (!buffer)
      return tl::unexpected(buffer.error());
    (*buffer)->output = file;
  }
  std::set<std::string_view> files;
  for (const SpecBuffer &buffer : spec.buffers)
    if (!buffer.output.empty() && !files.insert(buffer.output).second)
      return makeError(ErrorKind::InvalidInput,
                       "--output: '{}' is the file of two buffers",
                       buffer.output);
  return {};
}

/// Makes the contents of buffers, those of the command line before others.
static Expected<void> fillBuffers(const RunCommand &command, LaunchSpec &spec) {
  std::set<const SpecBuffer *> filled;
  for (const auto &[name, source] : command.inputs) {
    Expected<SpecBuffer *> buffer = findBuffer(spec, "--input", name);
    if (!buffer)
      return tl::unexpected(buffer.error());
    if (Expected<void> done = fillBuffer((*buffer)->array, source); !done)
      return done;
    (*buffer)->array.access = Access::InOut;
    filled.insert(*buffer);
  }
  for (SpecBuffer &buffer : spec.buffers)
    if (!filled.contains(&buffer))
      if (Expected<void> done = fillContents(buffer.array, buffer.init); !done)
        return done;
  return {};
}

/// What buffers should hold at the end; without bytes where nobody says. Files
/// are read before anything runs.
static Expected<std::vector<HostArray>> readExpected(const LaunchSpec &spec) {
  std::vector<HostArray> expected;
  for (const SpecBuffer &buffer : spec.buffers) {
    HostArray &array = expected.emplace_back();
    array.name = buffer.array.name;
    array.type = buffer.array.type;
    array.shape = buffer.array.shape;
    // Numbers that were not rounded to the type of the buffer stay so.
    if (buffer.expected.kind == SpecContents::Kind::File)
      if (Expected<void> wide = widenToFile(array, buffer.expected.file); !wide)
        return makeError(wide.error().kind, "{}: {}", buffer.expected.path,
                         wide.error().message);
    if (Expected<void> done = fillContents(array, buffer.expected); !done)
      return tl::unexpected(done.error());
  }
  return expected;
}

static Expected<LaunchSpec> readSpec(const RunCommand &command,
                                     const PtxFile &ptx) {
  Expected<std::string> text =
      package::readFile(command.launch, maxSpecBytes, "a launch");
  if (!text)
    return tl::unexpected(text.error());
  Expected<LaunchSpec> spec =
      parseLaunchSpec(*text, command.launch, ptx.module, command.sizes);
  if (!spec)
    return spec;
  if (Expected<void> added = addOptions(command, *spec); !added)
    return tl::unexpected(added.error());
  return spec;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

namespace {

/// The multicast objects of a specification, one for each list of buffers, for
/// as long as it lives.
class MulticastObjects {
public:
  MulticastObjects(Device &device, const DeviceBuffers &buffers,
                   std::span<const HostArray> arrays)
      : device(device), buffers(buffers), arrays(arrays) {}
  ~MulticastObjects() {
    for (const auto &[members, address] : objects)
      (void)freeMulticast(device, address);
  }
  MulticastObjects(const MulticastObjects &) = delete;

  Expected<DeviceAddress> getAddress(const std::vector<size_t> &members);

private:
  Device &device;
  const DeviceBuffers &buffers;
  const std::span<const HostArray> arrays;
  std::map<std::vector<size_t>, DeviceAddress> objects;
};

} // namespace

Expected<DeviceAddress>
MulticastObjects::getAddress(const std::vector<size_t> &members) {
  auto [object, isNew] = objects.try_emplace(members);
  if (!isNew)
    return object->second;
  Expected<DeviceAddress> address = createMulticast(
      device, uint32_t(members.size()), getBytes(arrays[members[0]]));
  if (!address) {
    objects.erase(object);
    return address;
  }
  object->second = *address;
  for (size_t i = 0; i < members.size(); ++i)
    if (Expected<void> bound = bindMulticast(device, *address, uint32_t(i),
                                             buffers.getAddress(members[i]));
        !bound)
      return tl::unexpected(bound.error());
  return address;
}

/// The bytes of an argument on a device.
static Expected<std::vector<std::byte>>
makeBytes(const std::string &file, const SpecArgument &argument, Device &device,
          const DeviceBuffers &buffers, MulticastObjects &multicasts) {
  std::vector<std::byte> bytes = argument.bytes;
  for (const SpecArgument::Address &address : argument.addresses) {
    DeviceAddress value = buffers.getAddress(address.buffer) + address.offset;
    std::memcpy(bytes.data() + address.at, &value, sizeof(value));
  }
  for (const SpecArgument::Map &map : argument.maps) {
    TensorMapSpec spec = map.spec;
    spec.address = buffers.getAddress(map.buffer) + map.offset;
    Expected<TensorMap> encoded = device.encodeTensorMap(spec);
    if (!encoded)
      return makeError(encoded.error().kind, "{}: {}: {}", file, map.path,
                       encoded.error().message);
    std::memcpy(bytes.data() + map.at, &*encoded, sizeof(*encoded));
  }
  for (const SpecArgument::Multicast &multicast : argument.multicasts) {
    Expected<DeviceAddress> address = multicasts.getAddress(multicast.buffers);
    if (!address)
      return makeError(address.error().kind, "{}: {}: {}", file, multicast.path,
                       address.error().message);
    *address += multicast.offset;
    std::memcpy(bytes.data() + multicast.at, &*address, sizeof(*address));
  }
  return bytes;
}

static Expected<void> setGlobals(const std::string &file,
                                 const LaunchSpec &spec, Device &device,
                                 Module &module, const DeviceBuffers &buffers,
                                 MulticastObjects &multicasts) {
  for (const SpecGlobal &global : spec.globals) {
    auto place = device.getGlobal(module, global.name);
    if (!place)
      return makeError(place.error().kind, "{}: {}: {}", file, global.path,
                       place.error().message);
    Expected<std::vector<std::byte>> bytes =
        makeBytes(file, global.value, device, buffers, multicasts);
    if (!bytes)
      return tl::unexpected(bytes.error());
    if (bytes->size() != place->second)
      return makeError(ErrorKind::InvalidInput,
                       "{}: {}: expected {} bytes for the variable, found {}",
                       file, global.path, place->second, bytes->size());
    if (Expected<void> copied =
            device.copyToDevice(place->first, bytes->data(), bytes->size());
        !copied)
      return copied;
  }
  return {};
}

/// Does what the specification says; `arrays` are its buffers.
static Expected<void> runSpec(const std::string &file, const PtxFile &ptx,
                              const LaunchSpec &spec, Device &device,
                              std::span<HostArray> arrays) {
  Expected<std::unique_ptr<Module>> module =
      device.loadModule({.name = ptx.name, .ptx = ptx.text, .cubins = {}});
  if (!module)
    return tl::unexpected(module.error());
  DeviceBuffers buffers(device);
  if (Expected<void> uploaded = buffers.upload(arrays); !uploaded)
    return uploaded;
  MulticastObjects multicasts(device, buffers, arrays);
  if (Expected<void> set =
          setGlobals(file, spec, device, **module, buffers, multicasts);
      !set)
    return set;
  // Whatever is wrong with an argument is found before the first launch.
  std::vector<std::vector<std::vector<std::byte>>> bound;
  for (const SpecLaunch &launch : spec.launches)
    for (const std::vector<SpecArgument> &ofDevice : launch.arguments) {
      auto &arguments = bound.emplace_back();
      for (const SpecArgument &argument : ofDevice) {
        Expected<std::vector<std::byte>> bytes =
            makeBytes(file, argument, device, buffers, multicasts);
        if (!bytes)
          return tl::unexpected(bytes.error());
        arguments.push_back(std::move(*bytes));
      }
    }
  auto next = bound.begin();
  for (const SpecLaunch &launch : spec.launches) {
    std::vector<DeviceArguments> arguments;
    for (size_t i = 0; i < launch.arguments.size(); ++i, ++next)
      arguments.emplace_back(next->begin(), next->end());
    Expected<void> launched =
        arguments.size() == 1 ? device.launch(**module, launch.kernel,
                                              launch.config, arguments[0])
                              : launchOnDevices(device, **module, launch.kernel,
                                                launch.config, arguments);
    if (!launched)
      return launched;
  }
  if (Expected<void> done = device.synchronize(); !done)
    return done;
  return buffers.download(arrays);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Compares a buffer with what it should hold, and prints how it went.
static bool checkBuffer(std::FILE *text, const SpecBuffer &buffer,
                        const HostArray &found, const HostArray &expected) {
  ElementComparison result =
      compareElements(found, expected, {buffer.absolute, buffer.relative});
  bool passed = result.wrong == 0;
  fmt::print(text, "check {} ({}): {}", found.name, describe(found),
             passed ? "ok" : "FAILED");
  if (!passed)
    fmt::print(text,
               ": {} of {} elements are wrong; element {} is {}, expected "
               "{}",
               result.wrong, result.count, formatIndex(found, result.first),
               formatElement(found, result.first),
               formatElement(expected, result.first));
  if (result.maxAbsError > 0)
    fmt::print(text, "; max abs error {:.3g}", result.maxAbsError);
  fmt::print(text, "\n");
  return passed;
}

static Expected<void> writeBuffers(const LaunchSpec &spec,
                                   std::span<const HostArray> arrays) {
  NamedStrings outputs;
  for (const SpecBuffer &buffer : spec.buffers)
    if (!buffer.output.empty())
      outputs.emplace_back(buffer.array.name, buffer.output);
  return writeOutputs(arrays, outputs);
}

static Expected<void> verifyOptions(const RunCommand &command) {
  if (command.file.ends_with(".mlir") || command.file.ends_with(".heddle"))
    return makeError(ErrorKind::InvalidInput,
                     "--launch: expected PTX, found '{}', whose host "
                     "functions launch its kernels; choose one with --entry",
                     command.file);
  if (command.check)
    return makeError(ErrorKind::InvalidInput,
                     "--check: PTX has no reference semantics; say what a "
                     "buffer should hold with \"expected\" in the launch");
  if (!command.entry.empty())
    return makeError(ErrorKind::InvalidInput,
                     "--entry: PTX has no host functions; the launch names "
                     "its kernels");
  if (command.device == "reference")
    return makeError(ErrorKind::InvalidInput,
                     "--device: PTX has no reference semantics; expected "
                     "virtual or cuda");
  return {};
}

ExitCode heddle::runPtx(const RunCommand &command) {
  if (Expected<void> valid = verifyOptions(command); !valid)
    return report(valid.error());
  Expected<PtxFile> ptx = readPtx(command.file);
  if (!ptx)
    return report(ptx.error());
  if (command.launch.empty()) {
    std::string kernels = describeKernels(ptx->module);
    kernels.pop_back();
    printError(fmt::format("missing --launch=FILE.json, which says how '{0}' "
                           "is launched; 'heddle inspect {0} --launch' prints "
                           "one to start from\n{1}",
                           command.file, kernels));
    return ExitCode::BadInput;
  }
  Expected<LaunchSpec> spec = readSpec(command, *ptx);
  if (!spec)
    return report(spec.error());
  std::vector<HostArray> arrays;
  RunTask task;
  task.foreign = spec->foreign;
  for (const SpecBuffer &buffer : spec->buffers) {
    arrays.push_back(buffer.array);
    task.tolerances.push_back({buffer.absolute, buffer.relative});
  }
  // Here, on the device, what is expected, and to compare schedules.
  if (Expected<void> fits = verifyMemory(arrays, 5); !fits)
    return report(fits.error());
  if (Expected<void> filled = fillBuffers(command, *spec); !filled)
    return report({filled.error().kind, fmt::format("{}: {}", command.launch,
                                                    filled.error().message)});
  Expected<std::vector<HostArray>> expected = readExpected(*spec);
  if (!expected)
    return report(
        {expected.error().kind,
         fmt::format("{}: {}", command.launch, expected.error().message)});
  for (size_t i = 0; i < arrays.size(); ++i)
    arrays[i] = spec->buffers[i].array;
  task.run = [&](Device &device, std::span<HostArray> results) {
    return runSpec(command.launch, *ptx, *spec, device, results);
  };
  // An array in the standard output must stay one.
  bool isTaken = command.virtualRequest.report == "-" ||
                 std::ranges::any_of(spec->buffers, [](const auto &buffer) {
                   return buffer.output == "-";
                 });
  std::FILE *text = isTaken ? stderr : stdout;
  ScheduledRun scheduled(command, task, text);
  ExitCode code = scheduled.run(arrays);
  bool hasResults = code == ExitCode::Good;
  if (hasResults)
    if (Expected<void> written = writeBuffers(*spec, arrays); !written)
      return report(written.error());
  for (size_t i = 0; hasResults && i < arrays.size(); ++i) {
    const HostArray &before = spec->buffers[i].array;
    if (!(*expected)[i].bytes.empty()) {
      if (!checkBuffer(text, spec->buffers[i], arrays[i], (*expected)[i]))
        code = ExitCode::Failed;
    } else if (before.bytes != arrays[i].bytes) {
      summarizeElements(text, arrays[i]);
    }
  }
  if (hasResults)
    scheduled.summarize();
  if (Expected<void> written = scheduled.writeReports(code); !written)
    return report(written.error());
  return code;
}
