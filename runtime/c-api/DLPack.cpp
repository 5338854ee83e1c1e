//===- DLPack.cpp - DLPack in C -------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/DLPack.h"

#include "Handles.h"

using namespace heddle;
using namespace heddle::capi;

struct heddle_imported {
  std::shared_ptr<Device> device;
  std::unique_ptr<ImportedArray> array;
};

template <typename Tensor>
static heddle_error *importTensor(heddle_device *device, Tensor *tensor,
                                  heddle_imported **imported) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require(
            {{"device", device}, {"tensor", tensor}, {"imported", imported}});
        !valid)
      return valid;
    // The tensor belongs to the import, so that nothing may fail after it.
    auto handle = std::make_unique<heddle_imported>();
    handle->device = device->device;
    Expected<std::unique_ptr<ImportedArray>> array =
        importDLPack(*device->device, tensor);
    if (!array)
      return tl::unexpected(array.error());
    handle->array = std::move(*array);
    *imported = handle.release();
    return {};
  });
}

heddle_error *heddle_import_dlpack(heddle_device *device,
                                   DLManagedTensorVersioned *tensor,
                                   heddle_imported **imported) {
  return importTensor(device, tensor, imported);
}

heddle_error *heddle_import_dlpack_unversioned(heddle_device *device,
                                               DLManagedTensor *tensor,
                                               heddle_imported **imported) {
  return importTensor(device, tensor, imported);
}

heddle_error *heddle_imported_get_array(const heddle_imported *imported,
                                        heddle_array *array) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"imported", imported}, {"array", array}});
        !valid)
      return valid;
    const DeviceArray &known = imported->array->getArray();
    heddle_array result = HEDDLE_ARRAY_INIT;
    result.type = int32_t(known.type);
    result.rank = int32_t(known.shape.size());
    result.address = known.address;
    result.shape = known.shape.data();
    result.is_read_only = known.isReadOnly;
    return writeStruct(array, result);
  });
}

void heddle_imported_free(heddle_imported *imported) { delete imported; }

namespace {
/// What an exported tensor lets go of. It holds nothing until the tensor is
/// there, since a failure releases nothing.
class Owner {
public:
  explicit Owner(std::shared_ptr<Device> device) : device(std::move(device)) {}
  ~Owner() {
    if (release)
      release(context);
    else if (ownsMemory)
      (void)device->free(address);
  }

  void own(void (*function)(void *), void *argument, DeviceAddress memory) {
    release = function;
    context = argument;
    address = memory;
    ownsMemory = true;
  }

private:
  std::shared_ptr<Device> device;
  void (*release)(void *) = nullptr;
  void *context = nullptr;
  DeviceAddress address = 0;
  bool ownsMemory = false;
};
} // namespace

template <typename Tensor, typename Export>
static heddle_error *exportTensor(heddle_device *device,
                                  const heddle_array *array,
                                  void (*release)(void *), void *context,
                                  Tensor **tensor, Export exportArray) {
  return guard([&]() -> Expected<void> {
    if (auto valid =
            require({{"device", device}, {"array", array}, {"tensor", tensor}});
        !valid)
      return valid;
    Expected<heddle_array> copied = readStruct(array, 0);
    if (!copied)
      return tl::unexpected(copied.error());
    Expected<DeviceArray> read = readArray(*copied);
    if (!read)
      return tl::unexpected(read.error());
    auto owner = std::make_shared<Owner>(device->device);
    Expected<Tensor *> exported = exportArray(*device->device, *read, owner);
    if (!exported)
      return tl::unexpected(exported.error());
    owner->own(release, context, read->address);
    *tensor = *exported;
    return {};
  });
}

heddle_error *heddle_export_dlpack(heddle_device *device,
                                   const heddle_array *array,
                                   void (*release)(void *), void *context,
                                   DLManagedTensorVersioned **tensor) {
  return exportTensor(device, array, release, context, tensor,
                      exportDLPackVersioned);
}

heddle_error *heddle_export_dlpack_unversioned(heddle_device *device,
                                               const heddle_array *array,
                                               void (*release)(void *),
                                               void *context,
                                               DLManagedTensor **tensor) {
  return exportTensor(device, array, release, context, tensor, exportDLPack);
}
