//===- VirtualDevice.cpp - A GPU on the CPU -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/VirtualDevice.h"

#include "decode/AddressSpace.h"
#include "decode/Decoder.h"
#include "decode/Specials.h"
#include "device/HostMemory.h"
#include "engine/Launch.h"
#include "heddle/Runtime/MakeError.h"
#include "ptx/Parser.h"
#include "units/TensorMapCodec.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t maxThreadsPerBlock = 1024;
constexpr uint32_t maxClusterCtas = 16;
constexpr uint32_t maxBlocksPerMultiprocessor = 32;
/// An H200 has 141 GiB, but what a device has must be there.
uint64_t getMemoryBytes() {
  return std::min(uint64_t(141) << 30, getHostMemoryBytes());
}
/// Shared memory of a multiprocessor; each block reserves 1 KiB of it.
constexpr uint32_t sharedBytesPerMultiprocessor = 228 * 1024;

class VirtualModule final : public Module {
public:
  explicit VirtualModule(GlobalMemory &memory) : memory(memory) {}
  ~VirtualModule() override {
    for (const auto &[name, address] : context.globals)
      (void)memory.free(address);
  }

  GlobalMemory &memory;
  PtxModule syntax;
  ModuleContext context;
  std::map<std::string, std::unique_ptr<Kernel>, std::less<>> kernels;
};

/// Work is done as it is submitted, so a stream has no state.
class VirtualStream final : public Stream {
public:
  void *getNative() const override { return nullptr; }
};

class VirtualEvent final : public Event {
public:
  /// When it was last recorded.
  std::optional<std::chrono::steady_clock::time_point> time;
};

class VirtualDevice final : public Device {
public:
  explicit VirtualDevice(const VirtualDeviceOptions &options)
      : options(options), memory(GlobalMemory::defaultBase, getMemoryBytes(),
                                 options.sanitize == SanitizeLevel::Full) {
    props.name = "virtual H200";
    props.ordinal = int(options.ordinal);
    props.maxThreadsPerBlock = maxThreadsPerBlock;
    props.memoryBytes = getMemoryBytes();
    props.l2Bytes = uint64_t(50) << 20;
    props.multiprocessors = 132;
    props.maxSharedBytesPerBlock = 227 * 1024;
    props.registersPerMultiprocessor = 65536;
    props.maxThreadsPerMultiprocessor = 2048;
  }

  const DeviceProperties &properties() const override { return props; }

  Expected<DeviceAddress> allocate(size_t bytes) override {
    return memory.allocate(bytes);
  }
  Expected<void> free(DeviceAddress address) override {
    return memory.free(address);
  }
  Expected<DeviceAddress> registerHostMemory(void *host,
                                             size_t bytes) override {
    return memory.registerHost(host, bytes);
  }
  Expected<void> unregisterHostMemory(DeviceAddress address,
                                      size_t bytes) override {
    return memory.unregisterHost(address, bytes);
  }
  Expected<void *> getHostPointer(DeviceAddress address,
                                  size_t bytes) override {
    if (bytes == 0)
      return nullptr;
    if (std::byte *host = memory.resolveForHost(address, bytes))
      return host;
    return makeError(ErrorKind::InvalidInput, "host pointer: {}",
                     memory.explain(address, bytes).message);
  }
  Expected<void> copyToDevice(DeviceAddress to, const void *from, size_t bytes,
                              Stream *) override {
    if (bytes == 0)
      return {};
    std::byte *host = memory.resolveForHost(to, bytes);
    if (!host)
      return makeError(ErrorKind::InvalidInput, "copy to device: {}",
                       memory.explain(to, bytes).message);
    std::memcpy(host, from, bytes);
    return {};
  }
  Expected<void> copyToHost(void *to, DeviceAddress from, size_t bytes,
                            Stream *) override {
    if (bytes == 0)
      return {};
    const std::byte *host = memory.resolve(from, bytes);
    if (!host)
      return makeError(ErrorKind::InvalidInput, "copy to host: {}",
                       memory.explain(from, bytes).message);
    std::memcpy(to, host, bytes);
    return {};
  }
  Expected<void> fill(DeviceAddress to, std::byte value, size_t bytes,
                      Stream *) override {
    if (bytes == 0)
      return {};
    std::byte *host = memory.resolveForHost(to, bytes);
    if (!host)
      return makeError(ErrorKind::InvalidInput, "fill: {}",
                       memory.explain(to, bytes).message);
    std::memset(host, int(value), bytes);
    return {};
  }

  Expected<std::unique_ptr<Stream>> createStream() override {
    return std::make_unique<VirtualStream>();
  }
  Expected<std::unique_ptr<Stream>> adoptStream(void *) override {
    return makeError(ErrorKind::InvalidInput,
                     "a virtual device has no streams of another library; "
                     "expected one that the device created");
  }
  Expected<std::unique_ptr<Event>> createEvent() override {
    return std::make_unique<VirtualEvent>();
  }
  Expected<void> record(Event &event, Stream *) override {
    auto *own = dynamic_cast<VirtualEvent *>(&event);
    if (!own)
      return refuseEvent();
    own->time = std::chrono::steady_clock::now();
    return {};
  }
  Expected<void> wait(Stream *, Event &event) override {
    return synchronize(event);
  }
  Expected<void> synchronize(Stream *) override { return {}; }
  Expected<void> synchronize(Event &event) override {
    if (!dynamic_cast<VirtualEvent *>(&event))
      return refuseEvent();
    return {};
  }
  Expected<double> getMilliseconds(Event &from, Event &to) override {
    auto *begin = dynamic_cast<VirtualEvent *>(&from);
    auto *end = dynamic_cast<VirtualEvent *>(&to);
    if (!begin || !end)
      return refuseEvent();
    if (!begin->time || !end->time)
      return makeError(ErrorKind::InvalidInput,
                       "expected two events that have been recorded");
    return std::chrono::duration<double, std::milli>(*end->time - *begin->time)
        .count();
  }

  Expected<TensorMap> encodeTensorMap(const TensorMapSpec &spec) override {
    if (auto legal = verifyTensorMapSpec(spec); !legal)
      return tl::unexpected(legal.error());
    return vgpu::encodeTensorMap(spec);
  }

  Expected<std::unique_ptr<Module>>
  loadModule(const ModuleImage &image) override;
  Expected<std::pair<DeviceAddress, uint64_t>>
  getGlobal(Module &module, std::string_view name) override;
  Expected<uint32_t> getResidentBlocks(Module &module, std::string_view kernel,
                                       const LaunchConfig &config) override;
  Expected<void> launch(Module &module, std::string_view kernel,
                        const LaunchConfig &config,
                        std::span<const KernelArgument> arguments,
                        Stream *) override {
    const DeviceArguments own(arguments.begin(), arguments.end());
    return launchOnAll(module, kernel, config, {&own, 1});
  }
  GlobalMemory &getMemory() { return memory; }
  /// Launches on as many devices as there are sets of arguments.
  Expected<void> launchOnAll(Module &module, std::string_view kernel,
                             const LaunchConfig &config,
                             std::span<const DeviceArguments> arguments);

private:
  static tl::unexpected<Error> refuseEvent() {
    return makeError(ErrorKind::InvalidInput,
                     "expected an event of a virtual device, found one of "
                     "another");
  }
  Expected<const Kernel *> findKernel(Module &module,
                                      std::string_view name) const;
  Expected<void> checkConfig(const Kernel &kernel, LaunchConfig &config) const;
  Expected<std::vector<std::byte>>
  packArguments(const Kernel &kernel,
                std::span<const KernelArgument> arguments) const;
  uint32_t residentClusters(const Kernel &kernel,
                            const LaunchConfig &config) const;
  Expected<DeviceAddress> allocateGridWorkspace();
  Expected<std::string> takeTrace();

  VirtualDeviceOptions options;
  /// Launches that have been replayed.
  std::atomic<size_t> replayed{0};
  DeviceProperties props;
  GlobalMemory memory;
};

Expected<std::unique_ptr<Module>>
VirtualDevice::loadModule(const ModuleImage &image) {
  const std::string &name = image.name;
  if (image.ptx.empty())
    return makeError(ErrorKind::InvalidInput,
                     "{}: a virtual device runs PTX, and there is none", name);
  auto parsed = parsePtx(image.ptx, name);
  if (!parsed)
    return tl::unexpected(parsed.error());
  auto module = std::make_unique<VirtualModule>(memory);
  module->syntax = std::move(*parsed);
  module->context.module = &module->syntax;
  std::vector<const Variable *> variables;
  for (const Variable &variable : module->syntax.variables)
    variables.push_back(&variable);
  for (const Function &function : module->syntax.functions)
    for (const Variable &variable : function.variables)
      variables.push_back(&variable);
  auto isGlobal = [](const Variable &variable) {
    return variable.space == Space::Global || variable.space == Space::Const;
  };
  auto &globals = module->context.globals;
  for (const Variable *variable : variables) {
    if (!isGlobal(*variable))
      continue;
    if (variable->isExtern)
      return makeError(ErrorKind::InvalidInput,
                       "{}: variable '{}' is external; expected a module "
                       "without undefined symbols",
                       name, variable->name);
    // At least a byte, which a variable without a size has too.
    uint64_t bytes = std::max<uint64_t>(variable->size, 1);
    auto address = memory.allocate(bytes);
    if (!address)
      return tl::unexpected(address.error());
    globals.emplace(variable->name, *address);
    std::byte *host = memory.resolveForHost(*address, bytes);
    std::fill_n(host, variable->size, std::byte(0));
    std::copy(variable->initial.begin(), variable->initial.end(), host);
  }
  for (const Variable *variable : variables)
    for (const Variable::Relocation &relocation : variable->relocations) {
      auto it = globals.find(relocation.symbol);
      uint64_t value;
      if (it != globals.end())
        value = it->second + relocation.addend;
      else if (auto function =
                   addressOfFunction(module->syntax, relocation.symbol))
        value = *function + relocation.addend;
      else
        return makeError(ErrorKind::InvalidInput,
                         "{}: '{}' in the initialiser of '{}' is not a global "
                         "variable or a function",
                         name, relocation.symbol, variable->name);
      std::memcpy(
          memory.resolve(globals.find(variable->name)->second, variable->size) +
              relocation.offset,
          &value, sizeof(value));
    }
  for (const Function &function : module->syntax.functions) {
    if (!function.isKernel || !function.hasBody)
      continue;
    auto kernel = decodeKernel(module->context, function);
    if (!kernel)
      return tl::unexpected(kernel.error());
    module->kernels[function.name] = std::move(*kernel);
  }
  return module;
}

Expected<std::pair<DeviceAddress, uint64_t>>
VirtualDevice::getGlobal(Module &module, std::string_view name) {
  auto *own = dynamic_cast<VirtualModule *>(&module);
  if (!own || &own->memory != &memory)
    return makeError(ErrorKind::InvalidInput,
                     "variable '{}': the module belongs to another device",
                     name);
  std::string known;
  for (const Variable &variable : own->syntax.variables) {
    auto found = own->context.globals.find(variable.name);
    if (found == own->context.globals.end())
      continue;
    if (variable.name == name)
      return std::pair(found->second, variable.size);
    known += (known.empty() ? "'" : ", '") + variable.name + "'";
  }
  return makeError(ErrorKind::InvalidInput,
                   "'{}' has no variable '{}'; it has {}", own->syntax.name,
                   name, known.empty() ? "none" : known);
}

Expected<void> VirtualDevice::checkConfig(const Kernel &kernel,
                                          LaunchConfig &config) const {
  auto refuse = [&]<typename... Args>(fmt::format_string<Args...> format,
                                      Args &&...args) {
    return makeError(ErrorKind::InvalidInput, "launch of '{}': {}", kernel.name,
                     fmt::format(format, std::forward<Args>(args)...));
  };
  auto text = [](Dim3 d) { return fmt::format("({},{},{})", d.x, d.y, d.z); };
  auto same = [](Dim3 a, Dim3 b) {
    return a.x == b.x && a.y == b.y && a.z == b.z;
  };
  const Dim3 required = kernel.requiredCluster;
  if (required.x && same(config.cluster, Dim3{}))
    config.cluster = required;
  if (required.x && !same(config.cluster, required))
    return refuse("expected clusters of {}, found {}", text(required),
                  text(config.cluster));
  if (config.grid.count() == 0 || config.block.count() == 0 ||
      config.cluster.count() == 0)
    return refuse("expected a grid, a block and a cluster that are not empty, "
                  "found {}, {} and {}",
                  text(config.grid), text(config.block), text(config.cluster));
  if (config.block.count() > maxThreadsPerBlock)
    return refuse("expected at most {} threads per block, found {}",
                  maxThreadsPerBlock, config.block.count());
  if (kernel.requiredThreads.x && !same(config.block, kernel.requiredThreads))
    return refuse("expected blocks of {} threads as .reqntid says, found {}",
                  text(kernel.requiredThreads), text(config.block));
  if (kernel.maxThreads.x && config.block.count() > kernel.maxThreads.count())
    return refuse("expected at most {} threads per block as .maxntid says, "
                  "found {}",
                  kernel.maxThreads.count(), config.block.count());
  if (config.cluster.count() > maxClusterCtas)
    return refuse("expected clusters of at most {} blocks, found {}",
                  maxClusterCtas, config.cluster.count());
  if (config.grid.x % config.cluster.x || config.grid.y % config.cluster.y ||
      config.grid.z % config.cluster.z)
    return refuse("expected a grid that is a multiple of the cluster {}, found "
                  "{}",
                  text(config.cluster), text(config.grid));
  uint64_t shared = uint64_t(kernel.dynamicSharedOffset) +
                    config.dynamicSharedBytes - kernel.reservedSharedBytes;
  if (shared > props.maxSharedBytesPerBlock)
    return refuse("{} bytes of static and {} bytes of dynamic shared memory "
                  "exceed the {} bytes of a block",
                  kernel.staticSharedBytes - kernel.reservedSharedBytes,
                  config.dynamicSharedBytes, props.maxSharedBytesPerBlock);
  return {};
}

Expected<std::vector<std::byte>>
VirtualDevice::packArguments(const Kernel &kernel,
                             std::span<const KernelArgument> arguments) const {
  if (arguments.size() != kernel.parameters.size())
    return makeError(ErrorKind::InvalidInput,
                     "launch of '{}': expected {} arguments, found {}",
                     kernel.name, kernel.parameters.size(), arguments.size());
  std::vector<std::byte> bytes(kernel.parameterBytes + 16);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const KernelParameter &parameter = kernel.parameters[i];
    if (arguments[i].size() != parameter.size)
      return makeError(ErrorKind::InvalidInput,
                       "launch of '{}': expected {} bytes for argument {} "
                       "('{}'), found {}",
                       kernel.name, parameter.size, i, parameter.name,
                       arguments[i].size());
    std::copy(arguments[i].begin(), arguments[i].end(),
              bytes.begin() + parameter.offset);
  }
  return bytes;
}

uint32_t VirtualDevice::residentClusters(const Kernel &kernel,
                                         const LaunchConfig &config) const {
  uint64_t threads = config.block.count();
  uint64_t shared = reservedSharedBytes + kernel.dynamicSharedOffset +
                    config.dynamicSharedBytes - kernel.reservedSharedBytes;
  uint64_t blocks = std::min<uint64_t>(
      {maxBlocksPerMultiprocessor, props.maxThreadsPerMultiprocessor / threads,
       sharedBytesPerMultiprocessor / shared});
  if (kernel.maxRegisters)
    blocks = std::min(blocks, props.registersPerMultiprocessor /
                                  (kernel.maxRegisters * threads));
  return uint32_t(std::max<uint64_t>(1, blocks * props.multiprocessors /
                                            config.cluster.count()));
}

Expected<const Kernel *>
VirtualDevice::findKernel(Module &module, std::string_view name) const {
  auto *own = dynamic_cast<VirtualModule *>(&module);
  if (!own || &own->memory != &memory)
    return makeError(ErrorKind::InvalidInput,
                     "launch of '{}': the module belongs to another device",
                     name);
  auto it = own->kernels.find(name);
  if (it != own->kernels.end())
    return it->second.get();
  std::string known;
  for (const auto &[kernel, decoded] : own->kernels)
    known += (known.empty() ? "'" : ", '") + kernel + "'";
  return makeError(ErrorKind::InvalidInput,
                   "'{}' has no kernel '{}'; it has {}", own->syntax.name, name,
                   known.empty() ? "none" : known);
}

Expected<uint32_t>
VirtualDevice::getResidentBlocks(Module &module, std::string_view name,
                                 const LaunchConfig &requested) {
  auto kernel = findKernel(module, name);
  if (!kernel)
    return tl::unexpected(kernel.error());
  LaunchConfig config = requested;
  if (auto legal = checkConfig(**kernel, config); !legal)
    return tl::unexpected(legal.error());
  return residentClusters(**kernel, config) * config.cluster.count();
}

/// Whether blocks of `kernel` ask where they can wait for the whole grid.
static bool usesGridWorkspace(const Kernel &kernel) {
  return std::ranges::any_of(kernel.constants, [](const Constant &constant) {
    return constant.kind == Constant::Kind::SpecialRegister &&
           constant.special == Special::GridWorkspaceLow;
  });
}

/// What the driver gives a cooperative launch: a size and a barrier.
Expected<DeviceAddress> VirtualDevice::allocateGridWorkspace() {
  const uint32_t words[2] = {sizeof(words), 0};
  auto address = memory.allocate(sizeof(words));
  if (!address)
    return address;
  if (auto copied = copyToDevice(*address, words, sizeof(words), nullptr);
      !copied)
    return tl::unexpected(copied.error());
  return address;
}

/// The trace of the next launch, of those of several one after another.
Expected<std::string> VirtualDevice::takeTrace() {
  constexpr std::string_view start = "\nheddle-trace ";
  std::string_view rest = options.schedule.trace;
  size_t number = replayed++;
  for (size_t i = 0; i < number; ++i) {
    size_t next = rest.find(start);
    if (next == std::string_view::npos)
      return makeError(ErrorKind::InvalidInput,
                       "the trace is of another program: it has {} launches, "
                       "and this is the next",
                       i + 1);
    rest.remove_prefix(next + 1);
  }
  size_t end = rest.find(start);
  return std::string(end == std::string_view::npos ? rest
                                                   : rest.substr(0, end + 1));
}

Expected<void>
VirtualDevice::launchOnAll(Module &module, std::string_view name,
                           const LaunchConfig &requested,
                           std::span<const DeviceArguments> arguments) {
  auto found = findKernel(module, name);
  if (!found)
    return tl::unexpected(found.error());
  const Kernel &kernel = **found;
  Launch launch;
  launch.config = requested;
  if (auto legal = checkConfig(kernel, launch.config); !legal)
    return legal;
  if (arguments.empty() || arguments.size() > maxLaunchDevices)
    return makeError(ErrorKind::InvalidInput,
                     "launch of '{}': expected 1 to {} devices, found {}", name,
                     maxLaunchDevices, arguments.size());
  for (const DeviceArguments &each : arguments) {
    auto parameters = packArguments(kernel, each);
    if (!parameters)
      return tl::unexpected(parameters.error());
    launch.devices.push_back({std::move(*parameters)});
  }
  launch.kernel = &kernel;
  launch.memory = &memory;
  launch.multiprocessors = props.multiprocessors;
  launch.registersPerMultiprocessor = props.registersPerMultiprocessor;
  launch.hostThreads = options.hostThreads
                           ? options.hostThreads
                           : std::max(1u, std::thread::hardware_concurrency());
  launch.residentClusters = residentClusters(kernel, launch.config);
  if (requested.cooperative &&
      launch.clustersPerDevice() > launch.residentClusters)
    return makeError(ErrorKind::InvalidInput,
                     "cooperative launch of '{}': {} blocks do not fit at "
                     "once; the largest grid that does has {}",
                     name, launch.config.grid.count(),
                     launch.residentClusters * launch.config.cluster.count());
  launch.stepBudget = options.stepBudget;
  launch.schedule = options.schedule;
  if (launch.schedule.kind == Schedule::Kind::Replay) {
    auto trace = takeTrace();
    if (!trace)
      return tl::unexpected(trace.error());
    launch.schedule.trace = std::move(*trace);
  }
  launch.sanitize = options.sanitize;
  launch.foreign = options.foreign;
  launch.recordTrace = options.recordTrace;
  if (requested.cooperative && usesGridWorkspace(kernel))
    for (DeviceShare &share : launch.devices) {
      auto workspace = allocateGridWorkspace();
      if (!workspace)
        return tl::unexpected(workspace.error());
      share.gridWorkspace = *workspace;
    }
  auto report = runLaunch(launch);
  for (const DeviceShare &share : launch.devices)
    if (share.gridWorkspace)
      if (auto freed = memory.free(share.gridWorkspace); !freed)
        return freed;
  if (!report)
    return tl::unexpected(report.error());
  if (options.onReport)
    options.onReport(*report);
  if (report->hasErrors())
    return makeError(ErrorKind::Fault, "{}", describeErrors(*report));
  return {};
}

} // namespace

std::unique_ptr<Device>
heddle::createVirtualDevice(const VirtualDeviceOptions &options) {
  return std::make_unique<VirtualDevice>(options);
}

Expected<void>
heddle::launchOnDevices(Device &device, Module &module, std::string_view kernel,
                        const LaunchConfig &config,
                        std::span<const DeviceArguments> arguments) {
  if (auto *own = dynamic_cast<VirtualDevice *>(&device))
    return own->launchOnAll(module, kernel, config, arguments);
  return makeError(ErrorKind::InvalidInput,
                   "launch of '{}': several devices at once are virtual ones; "
                   "expected --device=virtual",
                   kernel);
}

static_assert(Multicast::maxMembers == maxLaunchDevices);

/// The memory of a virtual device.
static Expected<GlobalMemory *> getMulticastMemory(Device &device) {
  if (auto *own = dynamic_cast<VirtualDevice *>(&device))
    return &own->getMemory();
  return makeError(ErrorKind::InvalidInput,
                   "multicast objects are of virtual devices; expected "
                   "--device=virtual");
}

Expected<DeviceAddress>
heddle::createMulticast(Device &device, uint32_t devices, size_t bytes) {
  auto memory = getMulticastMemory(device);
  if (!memory)
    return tl::unexpected(memory.error());
  return (*memory)->createMulticast(devices, bytes);
}

Expected<void> heddle::bindMulticast(Device &device, DeviceAddress multicast,
                                     uint32_t member, DeviceAddress from) {
  auto memory = getMulticastMemory(device);
  if (!memory)
    return tl::unexpected(memory.error());
  return (*memory)->bindMulticast(multicast, member, from);
}

Expected<void> heddle::freeMulticast(Device &device, DeviceAddress multicast) {
  auto memory = getMulticastMemory(device);
  if (!memory)
    return tl::unexpected(memory.error());
  return (*memory)->freeMulticast(multicast);
}
