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

namespace heddle {

/// An address in a device's global memory.
using DeviceAddress = uint64_t;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// What a launch needs to know about the hardware.
struct DeviceProperties {
  std::string name;
  int smArch = 90;
  uint32_t multiprocessors = 0;
  uint32_t maxSharedBytesPerBlock = 0;
  uint32_t registersPerMultiprocessor = 0;
  uint32_t maxThreadsPerMultiprocessor = 0;
};

/// Element types of a tensor map, as the CUDA driver numbers them.
enum class TensorMapType : uint8_t {
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
enum class Swizzle : uint8_t { None = 0, B32 = 32, B64 = 64, B128 = 128 };

/// What elements outside the tensor read as.
enum class TensorMapFill : uint8_t { Zero, NaN };

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
};

/// One kernel argument: the raw bytes of its parameter, in declaration order.
using KernelArgument = std::span<const std::byte>;

/// Device code that has been loaded. Owned by the caller; must not outlive its
/// device.
class Module {
public:
  virtual ~Module() = default;
};

/// A GPU, virtual or not. Calls are synchronous unless they say otherwise.
class Device {
public:
  virtual ~Device() = default;

  virtual const DeviceProperties &properties() const = 0;

  /// Allocates `bytes` of global memory aligned to 256 bytes. The contents are
  /// undefined; the virtual device fills them with a poison pattern.
  virtual Expected<DeviceAddress> allocate(size_t bytes) = 0;
  virtual Expected<void> free(DeviceAddress address) = 0;
  virtual Expected<void> copyToDevice(DeviceAddress to, const void *from,
                                      size_t bytes) = 0;
  virtual Expected<void> copyToHost(void *to, DeviceAddress from,
                                    size_t bytes) = 0;

  virtual Expected<TensorMap> encodeTensorMap(const TensorMapSpec &spec) = 0;

  /// Loads PTX text. `name` is what messages call it, usually its file name.
  virtual Expected<std::unique_ptr<Module>>
  loadModule(std::string_view ptx, std::string_view name) = 0;

  /// Runs `kernel` to completion. A fault or hang on the device is an error of
  /// kind `Fault` that names kernel, CTA, warp, role and source line.
  virtual Expected<void> launch(Module &module, std::string_view kernel,
                                const LaunchConfig &config,
                                std::span<const KernelArgument> arguments) = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_DEVICE_H
