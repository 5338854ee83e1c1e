//===- DriverApi.h - The ABI of the CUDA driver --------------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// As much of the CUDA driver's binary interface as the runtime uses, declared
/// here so that it builds where there is no CUDA toolkit. Where there is one, a
/// test compares all of it with `cuda.h`.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CUDA_DRIVERAPI_H
#define HEDDLE_CUDA_DRIVERAPI_H

#include "heddle/Runtime/Device.h"

namespace heddle::cuda {

/// The results that the runtime treats as something special; there are others.
enum class Result : uint32_t {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  Deinitialized = 4,
  StubLibrary = 34,
  DeviceUnavailable = 46,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  EccUncorrectable = 214,
  InvalidPtx = 218,
  JitCompilerNotFound = 221,
  UnsupportedPtxVersion = 222,
  InvalidHandle = 400,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  LaunchTimeout = 702,
  Assert = 710,
  HardwareStackError = 714,
  IllegalInstruction = 715,
  MisalignedAddress = 716,
  InvalidAddressSpace = 717,
  InvalidPc = 718,
  LaunchFailed = 719,
  CooperativeLaunchTooLarge = 720,
  NotSupported = 801,
  InvalidClusterSize = 912,
};

enum class DeviceAttribute : uint32_t {
  MaxThreadsPerBlock = 1,
  MultiprocessorCount = 16,
  L2CacheSize = 38,
  MaxThreadsPerMultiprocessor = 39,
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76,
  MaxRegistersPerMultiprocessor = 82,
  MaxSharedMemoryPerBlockOptin = 97,
};

enum class FunctionAttribute : uint32_t {
  MaxThreadsPerBlock = 0,
  SharedSizeBytes = 1,
  MaxDynamicSharedSizeBytes = 8,
  NonPortableClusterSizeAllowed = 14,
};

/// Sizes of buffers are numbers in the place of a pointer.
enum class JitOption : uint32_t {
  InfoLogBuffer = 3,
  InfoLogBufferSizeBytes = 4,
  ErrorLogBuffer = 5,
  ErrorLogBufferSizeBytes = 6,
};

enum class LaunchAttributeId : uint32_t {
  Cooperative = 2,
  ClusterDimension = 4,
};

struct LaunchAttribute {
  LaunchAttributeId id;
  uint32_t padding;
  union {
    char bytes[64];
    int cooperative;
    struct {
      uint32_t x, y, z;
    } cluster;
  } value;
};

using DeviceNumber = int;
using ContextHandle = struct ContextTag *;
using ModuleHandle = struct ModuleTag *;
using FunctionHandle = struct FunctionTag *;
using StreamHandle = struct StreamTag *;
using EventHandle = struct EventTag *;

struct DriverLaunchConfig {
  uint32_t gridX, gridY, gridZ;
  uint32_t blockX, blockY, blockZ;
  uint32_t sharedBytes;
  StreamHandle stream;
  LaunchAttribute *attributes;
  uint32_t attributeCount;
};

/// Physical memory that can be mapped at addresses.
using AllocationHandle = uint64_t;
enum class MemLocationType : uint32_t { Device = 1 };
enum class MemAllocationType : uint32_t { Pinned = 1 };
enum class MemAccessFlags : uint32_t { None = 0, ReadWrite = 3 };

struct MemLocation {
  MemLocationType type;
  int id;
};

struct MemAllocationProperties {
  MemAllocationType type;
  uint32_t requestedHandleTypes;
  MemLocation location;
  void *win32HandleMetaData;
  struct {
    uint8_t compressionType, gpuDirectRdmaCapable;
    uint16_t usage;
    uint8_t reserved[4];
  } flags;
};

struct MemAccess {
  MemLocation location;
  MemAccessFlags flags;
};

/// The values of `heddle::TensorMapType` are those of the driver.
using TensorMapDataType = uint32_t;
enum class TensorMapInterleave : uint32_t { None = 0 };
enum class TensorMapSwizzle : uint32_t { None = 0, B32 = 1, B64 = 2, B128 = 3 };
enum class TensorMapL2Promotion : uint32_t { None = 0, B128 = 2 };
enum class TensorMapOobFill : uint32_t { None = 0, NaN = 1 };

/// The functions of a driver that has been loaded.
struct DriverApi {
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  Result (*member)(__VA_ARGS__) = nullptr;
#include "DriverFunctions.def"

  /// Whether the functions that list a module's functions are there, which
  /// came with CUDA 12.4.
  bool canListFunctions() const {
    return moduleGetFunctionCount && moduleEnumerateFunctions && funcGetName;
  }

  /// 13000 for CUDA 13.0.
  int version = 0;
};

/// The oldest driver that has all of the functions.
constexpr int oldestVersion = 12000;

/// What the names of devices start with whose driver is the one for tests.
constexpr std::string_view testDriverName = "Heddle test driver";

/// Opens the driver, once per process; it stays. Not initialized yet. An error
/// of kind `Unavailable` without a driver or if it is too old.
Expected<const DriverApi *> loadDriver();

/// Whether there is a library by the driver's name, whatever is wrong with it.
bool hasDriver();

/// "cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
std::string explain(const DriverApi &api, std::string_view call, Result result);

/// Whose fault `result` is.
ErrorKind getErrorKind(Result result);

/// An error of `call` while doing `what`: "allocation of 64 bytes".
tl::unexpected<Error> makeDriverError(const DriverApi &api, Result result,
                                      std::string_view call,
                                      std::string_view what);

} // namespace heddle::cuda

#endif // HEDDLE_CUDA_DRIVERAPI_H
