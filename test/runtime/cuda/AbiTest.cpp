//===- AbiTest.cpp - The driver's ABI as cuda.h has it --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built where there is a CUDA toolkit. That it compiles is the test.
//
//===----------------------------------------------------------------------===//

#include "cuda/DriverApi.h"

#include <cstddef>
#include <cuda.h>

using namespace heddle;
using namespace heddle::cuda;

// Some of the functions came with this version.
static_assert(CUDA_VERSION >= 12040);

/// Whether a value of one type is passed as one of the other.
template <typename Own, typename Theirs>
constexpr bool isPassedAlike =
    sizeof(Own) == sizeof(Theirs) &&
    std::is_pointer_v<Own> == std::is_pointer_v<Theirs> &&
    std::is_floating_point_v<Own> == std::is_floating_point_v<Theirs>;

template <typename Own, typename Theirs>
struct CalledAlike;
template <typename OwnResult, typename... Own, typename TheirResult,
          typename... Theirs>
struct CalledAlike<OwnResult(Own...), TheirResult(Theirs...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(Own) != sizeof...(Theirs))
      return false;
    else
      return isPassedAlike<OwnResult, TheirResult> &&
             (isPassedAlike<Own, Theirs> && ...);
  }();
};

#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  static_assert(CalledAlike<Result(__VA_ARGS__), decltype(::symbol)>::value,   \
                #symbol);
#include "cuda/DriverFunctions.def"
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  static_assert(CalledAlike<Result(__VA_ARGS__), decltype(::symbol)>::value,   \
                #symbol);
#include "libcuda/MoreFunctions.def"

#define SAME(own, theirs) static_assert(uint64_t(own) == uint64_t(theirs))
#define SAME_RESULT(own, theirs) SAME(Result::own, CUDA_##theirs)
SAME_RESULT(Success, SUCCESS);
SAME_RESULT(InvalidValue, ERROR_INVALID_VALUE);
SAME_RESULT(OutOfMemory, ERROR_OUT_OF_MEMORY);
SAME_RESULT(NotInitialized, ERROR_NOT_INITIALIZED);
SAME_RESULT(StubLibrary, ERROR_STUB_LIBRARY);
SAME_RESULT(NoDevice, ERROR_NO_DEVICE);
SAME_RESULT(InvalidDevice, ERROR_INVALID_DEVICE);
SAME_RESULT(InvalidImage, ERROR_INVALID_IMAGE);
SAME_RESULT(InvalidContext, ERROR_INVALID_CONTEXT);
SAME_RESULT(NoBinaryForGpu, ERROR_NO_BINARY_FOR_GPU);
SAME_RESULT(InvalidPtx, ERROR_INVALID_PTX);
SAME_RESULT(InvalidHandle, ERROR_INVALID_HANDLE);
SAME_RESULT(NotFound, ERROR_NOT_FOUND);
SAME_RESULT(NotReady, ERROR_NOT_READY);
SAME_RESULT(IllegalAddress, ERROR_ILLEGAL_ADDRESS);
SAME_RESULT(LaunchOutOfResources, ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME_RESULT(LaunchTimeout, ERROR_LAUNCH_TIMEOUT);
SAME_RESULT(Assert, ERROR_ASSERT);
SAME_RESULT(HardwareStackError, ERROR_HARDWARE_STACK_ERROR);
SAME_RESULT(IllegalInstruction, ERROR_ILLEGAL_INSTRUCTION);
SAME_RESULT(MisalignedAddress, ERROR_MISALIGNED_ADDRESS);
SAME_RESULT(InvalidAddressSpace, ERROR_INVALID_ADDRESS_SPACE);
SAME_RESULT(InvalidPc, ERROR_INVALID_PC);
SAME_RESULT(LaunchFailed, ERROR_LAUNCH_FAILED);
SAME_RESULT(CooperativeLaunchTooLarge, ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
SAME_RESULT(InvalidClusterSize, ERROR_INVALID_CLUSTER_SIZE);

#define SAME_DEVICE_ATTRIBUTE(own, theirs)                                     \
  SAME(DeviceAttribute::own, CU_DEVICE_ATTRIBUTE_##theirs)
SAME_DEVICE_ATTRIBUTE(MaxThreadsPerBlock, MAX_THREADS_PER_BLOCK);
SAME_DEVICE_ATTRIBUTE(MultiprocessorCount, MULTIPROCESSOR_COUNT);
SAME_DEVICE_ATTRIBUTE(L2CacheSize, L2_CACHE_SIZE);
SAME_DEVICE_ATTRIBUTE(MaxThreadsPerMultiprocessor,
                      MAX_THREADS_PER_MULTIPROCESSOR);
SAME_DEVICE_ATTRIBUTE(ComputeCapabilityMajor, COMPUTE_CAPABILITY_MAJOR);
SAME_DEVICE_ATTRIBUTE(ComputeCapabilityMinor, COMPUTE_CAPABILITY_MINOR);
SAME_DEVICE_ATTRIBUTE(MaxRegistersPerMultiprocessor,
                      MAX_REGISTERS_PER_MULTIPROCESSOR);
SAME_DEVICE_ATTRIBUTE(MaxSharedMemoryPerBlockOptin,
                      MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);

#define SAME_FUNCTION_ATTRIBUTE(own, theirs)                                   \
  SAME(FunctionAttribute::own, CU_FUNC_ATTRIBUTE_##theirs)
SAME_FUNCTION_ATTRIBUTE(MaxThreadsPerBlock, MAX_THREADS_PER_BLOCK);
SAME_FUNCTION_ATTRIBUTE(SharedSizeBytes, SHARED_SIZE_BYTES);
SAME_FUNCTION_ATTRIBUTE(MaxDynamicSharedSizeBytes,
                        MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME_FUNCTION_ATTRIBUTE(NonPortableClusterSizeAllowed,
                        NON_PORTABLE_CLUSTER_SIZE_ALLOWED);

SAME(JitOption::InfoLogBuffer, CU_JIT_INFO_LOG_BUFFER);
SAME(JitOption::InfoLogBufferSizeBytes, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
SAME(JitOption::ErrorLogBuffer, CU_JIT_ERROR_LOG_BUFFER);
SAME(JitOption::ErrorLogBufferSizeBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);

SAME(LaunchAttributeId::Cooperative, CU_LAUNCH_ATTRIBUTE_COOPERATIVE);
SAME(LaunchAttributeId::ClusterDimension,
     CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);

SAME(sizeof(LaunchAttribute), sizeof(CUlaunchAttribute));
SAME(offsetof(LaunchAttribute, id), offsetof(CUlaunchAttribute, id));
SAME(offsetof(LaunchAttribute, value), offsetof(CUlaunchAttribute, value));
SAME(offsetof(LaunchAttribute, value.cluster.z),
     offsetof(CUlaunchAttribute, value.clusterDim.z));
SAME(offsetof(LaunchAttribute, value.cooperative),
     offsetof(CUlaunchAttribute, value.cooperative));
SAME(sizeof(DriverLaunchConfig), sizeof(CUlaunchConfig));
#define SAME_PLACE(own, theirs)                                                \
  SAME(offsetof(DriverLaunchConfig, own), offsetof(CUlaunchConfig, theirs))
SAME_PLACE(gridX, gridDimX);
SAME_PLACE(gridZ, gridDimZ);
SAME_PLACE(blockX, blockDimX);
SAME_PLACE(blockZ, blockDimZ);
SAME_PLACE(sharedBytes, sharedMemBytes);
SAME_PLACE(stream, hStream);
SAME_PLACE(attributes, attrs);
SAME_PLACE(attributeCount, numAttrs);

SAME(MemLocationType::Device, CU_MEM_LOCATION_TYPE_DEVICE);
SAME(MemAllocationType::Pinned, CU_MEM_ALLOCATION_TYPE_PINNED);
SAME(MemAccessFlags::None, CU_MEM_ACCESS_FLAGS_PROT_NONE);
SAME(MemAccessFlags::ReadWrite, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
SAME(sizeof(MemAllocationProperties), sizeof(CUmemAllocationProp));
SAME(offsetof(MemAllocationProperties, location),
     offsetof(CUmemAllocationProp, location));
SAME(offsetof(MemAllocationProperties, flags),
     offsetof(CUmemAllocationProp, allocFlags));
SAME(sizeof(MemAccess), sizeof(CUmemAccessDesc));
SAME(offsetof(MemAccess, flags), offsetof(CUmemAccessDesc, flags));

SAME(sizeof(TensorMap), sizeof(CUtensorMap));
#define SAME_TYPE(own, theirs)                                                 \
  SAME(TensorMapType::own, CU_TENSOR_MAP_DATA_TYPE_##theirs)
SAME_TYPE(U8, UINT8);
SAME_TYPE(U16, UINT16);
SAME_TYPE(U32, UINT32);
SAME_TYPE(S32, INT32);
SAME_TYPE(U64, UINT64);
SAME_TYPE(S64, INT64);
SAME_TYPE(F16, FLOAT16);
SAME_TYPE(F32, FLOAT32);
SAME_TYPE(F64, FLOAT64);
SAME_TYPE(BF16, BFLOAT16);
SAME_TYPE(F32Ftz, FLOAT32_FTZ);
SAME_TYPE(TF32, TFLOAT32);
SAME_TYPE(TF32Ftz, TFLOAT32_FTZ);
SAME(TensorMapInterleave::None, CU_TENSOR_MAP_INTERLEAVE_NONE);
SAME(TensorMapSwizzle::None, CU_TENSOR_MAP_SWIZZLE_NONE);
SAME(TensorMapSwizzle::B32, CU_TENSOR_MAP_SWIZZLE_32B);
SAME(TensorMapSwizzle::B64, CU_TENSOR_MAP_SWIZZLE_64B);
SAME(TensorMapSwizzle::B128, CU_TENSOR_MAP_SWIZZLE_128B);
SAME(TensorMapL2Promotion::None, CU_TENSOR_MAP_L2_PROMOTION_NONE);
SAME(TensorMapL2Promotion::B128, CU_TENSOR_MAP_L2_PROMOTION_L2_128B);
SAME(TensorMapOobFill::None, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
SAME(TensorMapOobFill::NaN, CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA);
