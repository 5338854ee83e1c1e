//===- VirtualDevice.h - A GPU on the CPU -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The virtual GPU: executes PTX on the CPU, checks what a real GPU would not,
/// and explains faults and hangs.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUALDEVICE_H
#define HEDDLE_RUNTIME_VIRTUALDEVICE_H

#include "heddle/Runtime/Device.h"
#include "heddle/Runtime/LaunchReport.h"

#include <functional>
#include <vector>

namespace heddle {

/// In which order things happen that a GPU may order as it likes.
struct Schedule {
  enum class Kind {
    /// By a clock: what a GPU would likely do.
    Timed,
    /// Asynchronous operations complete as early as they may.
    Eager,
    /// They complete only when someone waits for them.
    Lazy,
    /// Warps run by random priorities, which change a bounded number of times;
    /// asynchronous operations complete at random.
    Random,
    /// The choices of a recorded run.
    Replay,
  };
  Kind kind = Kind::Timed;
  /// Of `Random`. One seed gives one result, bit for bit.
  uint64_t seed = 0;
  /// Of `Replay`: the text of `LaunchReport::trace`.
  std::string trace;
};

/// "timed", "random:7"; of a replay only "replay".
std::string getName(const Schedule &schedule);
/// The schedule of a name other than "replay".
Expected<Schedule> parseSchedule(std::string_view name);

/// What the virtual GPU looks for.
enum class SanitizeLevel {
  /// What cannot be executed: faults, misuse of barriers, deadlocks.
  Off,
  /// Also misuse that happens to work: leaks, phase aliasing, wgmma registers.
  Sync,
  /// Also races, missing proxy fences and uninitialised memory.
  Full,
};

struct VirtualDeviceOptions {
  /// The number of the device.
  uint32_t ordinal = 0;
  /// Host threads that execute clusters; 0 means one per hardware thread.
  unsigned hostThreads = 0;
  /// Warp instructions that one cluster may execute before the launch is given
  /// up as one that never ends.
  uint64_t stepBudget = uint64_t(1) << 33;
  Schedule schedule;
  SanitizeLevel sanitize = SanitizeLevel::Off;
  /// Kernels from elsewhere get warnings for some things that are errors in
  /// ours, such as reads that no proxy fence orders before asynchronous writes.
  bool foreign = false;
  /// Whether reports carry a trace for `Schedule::Kind::Replay`.
  bool recordTrace = false;
  /// Called after each launch, also one that fails. A launch whose report has
  /// errors fails with their text.
  std::function<void(const LaunchReport &)> onReport;
};

/// Opens a device as `openDevice` does by name alone; a virtual one has
/// `options`, but for the ordinal, which the name says.
Expected<std::unique_ptr<Device>>
openDevice(std::string_view name, const VirtualDeviceOptions &options);

/// The most devices of one launch.
inline constexpr uint32_t maxLaunchDevices = 16;

/// What a kernel gets on one of several devices.
using DeviceArguments = std::vector<KernelArgument>;

/// Launches `kernel` on `arguments.size()` devices like `device`, a virtual
/// one, at the same time: device d has its own grid of `config` and
/// `arguments[d]`. All see the memory of `device`, and so do its modules'
/// variables. What one releases reaches another at .sys scope only.
Expected<void> launchOnDevices(Device &device, Module &module,
                               std::string_view kernel,
                               const LaunchConfig &config,
                               std::span<const DeviceArguments> arguments);

/// Makes a multicast object of `bytes` bytes over `devices` devices, 1 to 16,
/// in the memory of `device`, a virtual one, as cuMulticastCreate does. Returns
/// the address that `multimem` instructions take; every other access to it is a
/// fault.
Expected<DeviceAddress> createMulticast(Device &device, uint32_t devices,
                                        size_t bytes);
/// Makes `memory` the copy of the object that device `member` has, as
/// cuMulticastBindAddr does: `bytes` bytes aligned to 16 that belong to no
/// other member. All members must be bound before a kernel uses the object.
Expected<void> bindMulticast(Device &device, DeviceAddress multicast,
                             uint32_t member, DeviceAddress memory);
/// Ends the object; the memory that is bound stays.
Expected<void> freeMulticast(Device &device, DeviceAddress multicast);

/// A virtual H200: 132 multiprocessors, 227 KiB of shared memory per block.
std::unique_ptr<Device>
createVirtualDevice(const VirtualDeviceOptions &options = {});

} // namespace heddle

#endif // HEDDLE_RUNTIME_VIRTUALDEVICE_H
