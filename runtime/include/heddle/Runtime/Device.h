//===- Device.h - What every device can do ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The interface that the virtual GPU and the CUDA device both implement:
/// memory, modules, tensor maps and launches. Nothing above this header knows
/// which of the two it talks to.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_DEVICE_H
#define HEDDLE_RUNTIME_DEVICE_H

#include "heddle/Runtime/Error.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heddle {

/// An address in a device's global memory.
using DeviceAddress = uint64_t;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

// The enumerations of this interface are as wide as an int. Clang expects the
// caller to extend a narrower argument and GCC does not do so for a scoped one:
// a library built with one could not be used with the other.

/// What executes the code of a device.
enum class DeviceKind { Virtual, Cuda };

/// What a launch needs to know about the hardware.
struct DeviceProperties {
  std::string name;
  DeviceKind kind = DeviceKind::Virtual;
  /// The number in `virtual:N` or `cuda:N`.
  int ordinal = 0;
  /// The compute capability times 10: 90 is `sm_90`.
  int smArch = 90;
  uint32_t multiprocessors = 0;
  uint32_t maxThreadsPerBlock = 1024;
  uint32_t maxSharedBytesPerBlock = 0;
  uint32_t registersPerMultiprocessor = 0;
  uint32_t maxThreadsPerMultiprocessor = 0;
  uint64_t memoryBytes = 0;
  uint64_t l2Bytes = 0;
  /// The driver's version as CUDA counts it, 13000 for 13.0; 0 without one.
  int driverVersion = 0;
  /// Times are those of a simulator on the CPU and say nothing of a GPU.
  bool isSimulated = true;
};

/// Element types of a tensor map, as the CUDA driver numbers them.
enum class TensorMapType {
  U8 = 0,
  U16 = 1,
  U32 = 2,
  S32 = 3,
  U64 = 4,
  S64 = 5,
  F16 = 6,
  F32 = 7,
  F64 = 8,
  BF16 = 9,
  F32Ftz = 10,
  TF32 = 11,
  TF32Ftz = 12,
};

/// The size of one element of `type`.
uint32_t elementBytes(TensorMapType type);
/// The name messages use: "bf16", "f32.ftz".
std::string_view name(TensorMapType type);

/// Shared-memory swizzles of a tensor map; the value is the span in bytes.
enum class Swizzle { None = 0, B32 = 32, B64 = 64, B128 = 128 };

/// What elements outside the tensor read as.
enum class TensorMapFill { Zero, NaN };

/// The arguments of a tiled-mode tensor map. Dimension 0 is the contiguous one.
struct TensorMapSpec {
  TensorMapType type = TensorMapType::BF16;
  uint32_t rank = 0;
  DeviceAddress address = 0;
  /// Extents in elements.
  std::array<uint64_t, 5> dims = {};
  /// Byte strides of dimensions 1..rank-1; strides[0] is that of dimension 1.
  std::array<uint64_t, 4> strides = {};
  /// Box extents in elements, 1..256 each.
  std::array<uint32_t, 5> box = {};
  std::array<uint32_t, 5> elementStrides = {1, 1, 1, 1, 1};
  Swizzle swizzle = Swizzle::None;
  TensorMapFill fill = TensorMapFill::Zero;
};

/// An encoded tensor map: opaque to everything but the device that made it.
struct alignas(64) TensorMap {
  std::array<std::byte, 128> bytes = {};
};

/// A reason why `spec` is not a legal tensor map, or success. The rules are the
/// CUDA driver's: addresses and strides are multiples of 16 bytes, extents are
/// 1..2^32, boxes 1..256, and the inner box fits the swizzle span.
Expected<void> verifyTensorMapSpec(const TensorMapSpec &spec);

struct LaunchConfig {
  Dim3 grid, block, cluster;
  uint32_t dynamicSharedBytes = 0;
  /// All blocks must be resident at once, since they wait for one another; a
  /// launch that does not fit is refused.
  bool cooperative = false;
};

/// One kernel argument: the raw bytes of its parameter, in declaration order.
using KernelArgument = std::span<const std::byte>;

/// Machine code for one architecture: `sm_90a`.
struct CubinImage {
  std::string arch;
  std::span<const std::byte> bytes;
};

/// Device code in the forms that there are of it. A device takes the cubin for
/// its architecture, and else the PTX text, which may be empty.
struct ModuleImage {
  /// What messages call it, usually a file name.
  std::string name;
  std::string_view ptx;
  std::vector<CubinImage> cubins;
};

/// Device code that has been loaded. Owned by the caller; must not outlive its
/// device. Destroying it waits for the kernels that run.
class Module {
public:
  virtual ~Module() = default;
};

/// Work that is done in the order in which it was submitted. Owned by the
/// caller; must not outlive its device.
class Stream {
public:
  virtual ~Stream() = default;
  /// The driver's handle, a `CUstream`, or null on a virtual device.
  virtual void *getNative() const = 0;
};

/// A point in a stream that others can wait for and that has a time. Owned by
/// the caller; must not outlive its device.
class Event {
public:
  virtual ~Event() = default;
};

/// A GPU, virtual or not.
///
/// Work goes to a stream; null is the device's default stream. A call that
/// takes one may return before the work is done, and an error of the work is
/// then reported by a later call. The virtual device does all work before the
/// call returns, which is one legal order of it.
///
/// Safe to use from several threads at a time.
class Device {
public:
  virtual ~Device() = default;

  virtual const DeviceProperties &properties() const = 0;

  /// Allocates `bytes` of global memory aligned to 256 bytes. The contents are
  /// undefined; the virtual device fills them with a poison pattern.
  virtual Expected<DeviceAddress> allocate(size_t bytes) = 0;
  /// Waits for work that uses the memory.
  virtual Expected<void> free(DeviceAddress address) = 0;

  /// Lets kernels use host memory where it is, at the address that is returned,
  /// until it is unregistered as often as it was registered; it stays the
  /// caller's. `bytes` is at least 1. The same memory has the same address each
  /// time. An error on a device that has no access to it, as a CUDA device.
  virtual Expected<DeviceAddress> registerHostMemory(void *host, size_t bytes);
  virtual Expected<void> unregisterHostMemory(DeviceAddress address,
                                              size_t bytes);
  /// Where the host finds `bytes` of the device's memory; an error if it
  /// cannot, as on a CUDA device. Null for 0 bytes.
  virtual Expected<void *> getHostPointer(DeviceAddress address, size_t bytes);

  /// Host memory must stay as it is until the work is done; without a stream,
  /// it is when the call returns.
  virtual Expected<void> copyToDevice(DeviceAddress to, const void *from,
                                      size_t bytes,
                                      Stream *stream = nullptr) = 0;
  virtual Expected<void> copyToHost(void *to, DeviceAddress from, size_t bytes,
                                    Stream *stream = nullptr) = 0;
  virtual Expected<void> fill(DeviceAddress to, std::byte value, size_t bytes,
                              Stream *stream = nullptr) = 0;

  virtual Expected<std::unique_ptr<Stream>> createStream() = 0;
  /// Uses a stream that somebody else made, which stays theirs: a `CUstream`
  /// of the device's primary context.
  virtual Expected<std::unique_ptr<Stream>> adoptStream(void *native) = 0;
  virtual Expected<std::unique_ptr<Event>> createEvent() = 0;
  virtual Expected<void> record(Event &event, Stream *stream = nullptr) = 0;
  /// Later work in `stream` waits for `event`, if that has been recorded.
  virtual Expected<void> wait(Stream *stream, Event &event) = 0;
  /// Waits on the host until the work in `stream`, or up to `event`, is done.
  virtual Expected<void> synchronize(Stream *stream = nullptr) = 0;
  virtual Expected<void> synchronize(Event &event) = 0;
  /// The time between two events that have passed, in milliseconds: of the GPU
  /// where there is one and of the simulator where `isSimulated`.
  virtual Expected<double> getMilliseconds(Event &from, Event &to) = 0;

  virtual Expected<TensorMap> encodeTensorMap(const TensorMapSpec &spec) = 0;

  virtual Expected<std::unique_ptr<Module>>
  loadModule(const ModuleImage &image) = 0;

  /// Where the module's variable `name` lies and how many bytes it has. An
  /// error on a device that does not tell, as a CUDA device.
  virtual Expected<std::pair<DeviceAddress, uint64_t>>
  getGlobal(Module &module, std::string_view name);

  /// How many blocks of `kernel` the device holds at a time, in whole clusters;
  /// 0 if not even one.
  virtual Expected<uint32_t> getResidentBlocks(Module &module,
                                               std::string_view kernel,
                                               const LaunchConfig &config) = 0;

  /// Launches `kernel`. A fault or hang is an error of kind `Fault`; the
  /// virtual device names kernel, CTA, warp, role and source line.
  virtual Expected<void> launch(Module &module, std::string_view kernel,
                                const LaunchConfig &config,
                                std::span<const KernelArgument> arguments,
                                Stream *stream = nullptr) = 0;
};

/// Opens `virtual`, `virtual:N`, `cuda` or `cuda:N`, where N is the number of
/// the device, from 0. `auto` is the first CUDA device if there is a driver
/// and one, and else `virtual`.
Expected<std::unique_ptr<Device>> openDevice(std::string_view name);

} // namespace heddle

#endif // HEDDLE_RUNTIME_DEVICE_H
