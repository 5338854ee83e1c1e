//===- DLPackTypes.h - The binary interface of DLPack -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The structures that libraries exchange arrays with, as DLPack 1.x lays them
/// out (https://dmlc.github.io/dlpack/latest/c_api.html). Declared here since
/// what Debian packages is version 0.6, which has no versioned tensors,
/// booleans nor 8-bit floats. Public headers only name the structures, so that
/// a host may include a `dlpack.h` of its own.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_HOST_DLPACKTYPES_H
#define HEDDLE_RUNTIME_HOST_DLPACKTYPES_H

#include <cstddef>
#include <cstdint>

struct DLPackVersion {
  uint32_t major;
  uint32_t minor;
};

enum DLDeviceType : int32_t {
  kDLCPU = 1,
  kDLCUDA = 2,
  kDLCUDAHost = 3,
  kDLCUDAManaged = 13,
};

struct DLDevice {
  DLDeviceType device_type;
  int32_t device_id;
};

enum DLDataTypeCode : uint8_t {
  kDLInt = 0,
  kDLUInt = 1,
  kDLFloat = 2,
  kDLBfloat = 4,
  kDLBool = 6,
  kDLFloat8_e4m3fn = 10,
  kDLFloat8_e5m2 = 12,
};

struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  /// In elements; null means dense and row-major.
  int64_t *strides;
  uint64_t byte_offset;
};

struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(DLManagedTensor *self);
};

inline constexpr uint64_t dlpackFlagReadOnly = 1;

struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
};

static_assert(sizeof(void *) != 8 ||
              (sizeof(DLTensor) == 48 && offsetof(DLTensor, shape) == 24 &&
               sizeof(DLManagedTensor) == 64 &&
               sizeof(DLManagedTensorVersioned) == 80));

#endif // HEDDLE_RUNTIME_HOST_DLPACKTYPES_H
