//===- DLPack.cpp - Arrays of and for other libraries ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/DLPack.h"

#include "DLPackTypes.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <new>

using namespace heddle;

/// The version of DLPack that exported tensors have: the first with the codes
/// of 8-bit floats.
static constexpr DLPackVersion exportedVersion = {1, 1};

template <typename... Args>
static tl::unexpected<Error> refuse(fmt::format_string<Args...> format,
                                    Args &&...args) {
  return makeError(ErrorKind::InvalidInput, "DLPack tensor: {}",
                   fmt::format(format, std::forward<Args>(args)...));
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

namespace {
struct TypeRow {
  ElementType type;
  DLDataTypeCode code;
  uint8_t bits;
};
} // namespace

/// The first row with a type is what it is exported as.
static constexpr TypeRow typeRows[] = {
    {ElementType::I1, kDLBool, 8},
    {ElementType::I8, kDLInt, 8},
    {ElementType::I16, kDLInt, 16},
    {ElementType::I32, kDLInt, 32},
    {ElementType::I64, kDLInt, 64},
    {ElementType::Index, kDLInt, 64},
    {ElementType::I8, kDLUInt, 8},
    {ElementType::I16, kDLUInt, 16},
    {ElementType::I32, kDLUInt, 32},
    {ElementType::I64, kDLUInt, 64},
    {ElementType::F8E4M3, kDLFloat8_e4m3fn, 8},
    {ElementType::F8E5M2, kDLFloat8_e5m2, 8},
    {ElementType::BF16, kDLBfloat, 16},
    {ElementType::F16, kDLFloat, 16},
    {ElementType::F32, kDLFloat, 32},
    {ElementType::F64, kDLFloat, 64},
};

static Expected<ElementType> importType(DLDataType type) {
  if (type.lanes != 1)
    return refuse("expected elements of one lane, found {}", type.lanes);
  for (const TypeRow &row : typeRows)
    if (row.code == type.code && row.bits == type.bits)
      return row.type;
  return refuse("expected integers or floats of 8 to 64 bits, bfloat16, "
                "float8_e4m3fn, float8_e5m2 or bool, found type code {} of {} "
                "bits",
                type.code, type.bits);
}

static DLDataType exportType(ElementType type) {
  const TypeRow *row = std::find_if(
      std::begin(typeRows), std::end(typeRows),
      [&](const TypeRow &candidate) { return candidate.type == type; });
  return {row->code, row->bits, 1};
}

//===----------------------------------------------------------------------===//
// In
//===----------------------------------------------------------------------===//

namespace {
/// Calls the deleter of a tensor of either form.
struct CallDeleter {
  template <typename Tensor>
  void operator()(Tensor *tensor) const {
    if (tensor->deleter)
      tensor->deleter(tensor);
  }
};

/// Host memory that a device uses for as long as the object lives.
class Registration {
public:
  Registration() = default;
  Registration(Device &device, DeviceAddress address, size_t bytes)
      : device(&device), address(address), bytes(bytes) {}
  Registration(Registration &&other) noexcept
      : device(std::exchange(other.device, nullptr)), address(other.address),
        bytes(other.bytes) {}
  Registration &operator=(Registration &&other) noexcept {
    std::swap(device, other.device);
    std::swap(address, other.address);
    std::swap(bytes, other.bytes);
    return *this;
  }
  ~Registration() {
    if (device)
      (void)device->unregisterHostMemory(address, bytes);
  }

private:
  Device *device = nullptr;
  DeviceAddress address = 0;
  size_t bytes = 0;
};

template <typename Tensor>
class ImportedTensor final : public ImportedArray {
public:
  ImportedTensor(DeviceArray array, Registration registration)
      : array(std::move(array)), registration(std::move(registration)) {}
  const DeviceArray &getArray() const override { return array; }
  void own(Tensor *used) { tensor.reset(used); }

private:
  std::unique_ptr<Tensor, CallDeleter> tensor;
  DeviceArray array;
  /// Ends before the tensor does.
  Registration registration;
};
} // namespace

/// Checks that the tensor is where `device` can use it.
static Expected<void> verifyPlace(const DeviceProperties &device,
                                  const DLTensor &tensor) {
  auto [type, ordinal] = tensor.device;
  if (device.kind == DeviceKind::Virtual) {
    if (type == kDLCPU || type == kDLCUDAHost)
      return {};
    return refuse("expected host memory (device type {}) for virtual:{}, found "
                  "device type {}",
                  int(kDLCPU), device.ordinal, int(type));
  }
  if (type == kDLCUDAManaged || (type == kDLCUDA && ordinal == device.ordinal))
    return {};
  if (type == kDLCUDA)
    return refuse("expected memory of cuda:{}, found memory of cuda:{}",
                  device.ordinal, ordinal);
  return refuse("expected memory of cuda:{} (device type {}), found device "
                "type {}{}",
                device.ordinal, int(kDLCUDA), int(type),
                type == kDLCPU ? ", host memory; copy it to the device" : "");
}

/// The array that the tensor is, but for its address.
static Expected<DeviceArray> importShape(const DLTensor &tensor) {
  Expected<ElementType> type = importType(tensor.dtype);
  if (!type)
    return tl::unexpected(type.error());
  if (tensor.ndim < 0 || (tensor.ndim > 0 && !tensor.shape))
    return refuse("expected a shape, found {} dimensions{}", tensor.ndim,
                  tensor.shape ? "" : " at a null address");
  DeviceArray array;
  array.type = *type;
  array.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  for (int64_t extent : array.shape)
    if (extent < 0)
      return refuse("expected extents of 0 or more, found {}",
                    fmt::join(array.shape, "x"));
  if (tensor.strides)
    array.strides.assign(tensor.strides, tensor.strides + tensor.ndim);
  if (!isDense(array))
    return refuse("expected a dense row-major array, found shape {} with "
                  "strides {}; copy it first",
                  fmt::join(array.shape, "x"), fmt::join(array.strides, ","));
  array.strides.clear();
  return array;
}

/// The bytes of a dense array.
static Expected<uint64_t> countBytes(const DeviceArray &array) {
  if (std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end())
    return 0;
  int64_t bytes = getBytes(array.type);
  for (int64_t extent : array.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      return refuse("{} elements of {} do not fit in memory",
                    fmt::join(array.shape, "x"), getName(array.type));
  return uint64_t(bytes);
}

template <typename Tensor>
static Expected<std::unique_ptr<ImportedArray>>
import(Device &device, Tensor *managed, bool isReadOnly) {
  const DLTensor &tensor = managed->dl_tensor;
  Expected<DeviceArray> array = importShape(tensor);
  if (!array)
    return tl::unexpected(array.error());
  array->isReadOnly = isReadOnly;
  Expected<uint64_t> bytes = countBytes(*array);
  if (!bytes)
    return tl::unexpected(bytes.error());
  if (Expected<void> valid = verifyPlace(device.properties(), tensor); !valid)
    return tl::unexpected(valid.error());

  Registration registration;
  if (*bytes > 0) {
    if (!tensor.data)
      return refuse("expected memory for {} elements, found a null address",
                    fmt::join(array->shape, "x"));
    uint64_t address =
        reinterpret_cast<uintptr_t>(tensor.data) + tensor.byte_offset;
    if (address % getBytes(array->type) != 0)
      return refuse("expected elements at a multiple of {} bytes, the size of "
                    "{}, found {:#x}",
                    getBytes(array->type), getName(array->type), address);
    array->address = address;
    if (device.properties().kind == DeviceKind::Virtual) {
      Expected<DeviceAddress> registered = device.registerHostMemory(
          reinterpret_cast<void *>(uintptr_t(address)), *bytes);
      if (!registered)
        return tl::unexpected(registered.error());
      array->address = *registered;
      registration = Registration(device, *registered, *bytes);
    }
  }
  auto result = std::make_unique<ImportedTensor<Tensor>>(
      std::move(*array), std::move(registration));
  result->own(managed);
  return result;
}

Expected<std::unique_ptr<ImportedArray>>
heddle::importDLPack(Device &device, DLManagedTensor *tensor) {
  if (!tensor)
    return refuse("expected a tensor, found a null address");
  return import(device, tensor, /*isReadOnly=*/false);
}

Expected<std::unique_ptr<ImportedArray>>
heddle::importDLPack(Device &device, DLManagedTensorVersioned *tensor) {
  if (!tensor)
    return refuse("expected a tensor, found a null address");
  // What follows the deleter may be anything in another major version.
  if (tensor->version.major != exportedVersion.major)
    return refuse("expected version {} of DLPack, found {}.{}",
                  exportedVersion.major, tensor->version.major,
                  tensor->version.minor);
  return import(device, tensor, tensor->flags & dlpackFlagReadOnly);
}

//===----------------------------------------------------------------------===//
// Out
//===----------------------------------------------------------------------===//

namespace {
/// A tensor and what it points to.
template <typename Tensor>
struct Exported {
  Tensor tensor = {};
  std::vector<int64_t> shape, strides;
  std::shared_ptr<void> owner;
};
} // namespace

template <typename Tensor>
static Expected<Tensor *> makeTensor(Device &device, const DeviceArray &array,
                                     std::shared_ptr<void> owner) {
  if (!array.strides.empty() && array.strides.size() != array.shape.size())
    return refuse("expected {} strides, found {}", array.shape.size(),
                  array.strides.size());
  if (!isDense(array))
    return refuse("expected a dense row-major array to export, found shape {} "
                  "with strides {}",
                  fmt::join(array.shape, "x"), fmt::join(array.strides, ","));
  for (int64_t extent : array.shape)
    if (extent < 0)
      return refuse("expected extents of 0 or more, found {}",
                    fmt::join(array.shape, "x"));
  Expected<uint64_t> bytes = countBytes(array);
  if (!bytes)
    return tl::unexpected(bytes.error());

  auto exported = std::make_unique<Exported<Tensor>>();
  DLTensor &tensor = exported->tensor.dl_tensor;
  if (device.properties().kind == DeviceKind::Virtual) {
    Expected<void *> host = device.getHostPointer(array.address, *bytes);
    if (!host)
      return tl::unexpected(host.error());
    tensor.device = {kDLCPU, 0};
    tensor.data = *host;
  } else {
    tensor.device = {kDLCUDA, device.properties().ordinal};
    tensor.data = reinterpret_cast<void *>(uintptr_t(array.address));
  }
  exported->shape = array.shape;
  exported->strides.assign(array.shape.size(), 1);
  for (size_t dim = array.shape.size(); dim-- > 1;)
    // Those of an empty array may overflow, and mean nothing.
    exported->strides[dim - 1] =
        int64_t(uint64_t(exported->strides[dim]) *
                uint64_t(std::max<int64_t>(array.shape[dim], 1)));
  exported->owner = std::move(owner);
  tensor.ndim = int32_t(array.shape.size());
  tensor.dtype = exportType(array.type);
  tensor.shape = exported->shape.data();
  tensor.strides = exported->strides.data();
  exported->tensor.manager_ctx = exported.get();
  exported->tensor.deleter = [](Tensor *self) {
    delete static_cast<Exported<Tensor> *>(self->manager_ctx);
  };
  return &exported.release()->tensor;
}

Expected<DLManagedTensor *> heddle::exportDLPack(Device &device,
                                                 const DeviceArray &array,
                                                 std::shared_ptr<void> owner) {
  if (array.isReadOnly)
    return refuse("a read-only array needs a versioned tensor");
  return makeTensor<DLManagedTensor>(device, array, std::move(owner));
}

Expected<DLManagedTensorVersioned *>
heddle::exportDLPackVersioned(Device &device, const DeviceArray &array,
                              std::shared_ptr<void> owner) {
  Expected<DLManagedTensorVersioned *> tensor =
      makeTensor<DLManagedTensorVersioned>(device, array, std::move(owner));
  if (tensor) {
    (*tensor)->version = exportedVersion;
    (*tensor)->flags = array.isReadOnly ? dlpackFlagReadOnly : 0;
  }
  return tensor;
}
