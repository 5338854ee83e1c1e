//===- DLPackTest.cpp - Arrays of and for other libraries -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/DLPack.h"

#include "heddle/Runtime/DeviceMemory.h"
#include "heddle/Runtime/VirtualDevice.h"
#include "runtime/host/DLPackTypes.h"
#include "test/runtime/FakeDevice.h"

#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::test;

namespace {
/// A 2 x 3 tensor of f32 in host memory; tests break one thing each.
class DLPackTest : public testing::Test {
protected:
  DLPackTest() {
    tensor.version = {1, 1};
    tensor.manager_ctx = &deleted;
    tensor.deleter = [](DLManagedTensorVersioned *self) {
      ++*static_cast<int *>(self->manager_ctx);
    };
    DLTensor &dense = tensor.dl_tensor;
    dense.data = values.data();
    dense.device = {kDLCPU, 0};
    dense.ndim = 2;
    dense.dtype = {kDLFloat, 32, 1};
    dense.shape = shape.data();
  }

  /// The message of the error, or "".
  std::string use(Device &target) {
    auto array = importDLPack(target, &tensor);
    if (!array)
      return array.error().message;
    imported = std::move(*array);
    return "";
  }
  std::string use() { return use(*device); }

  std::unique_ptr<Device> device = createVirtualDevice();
  std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<int64_t> shape = {2, 3}, strides = {3, 1};
  DLManagedTensorVersioned tensor = {};
  int deleted = 0;
  std::unique_ptr<ImportedArray> imported;
};

TEST_F(DLPackTest, HostMemoryIsUsedWhereItIs) {
  tensor.dl_tensor.byte_offset = 4;
  ASSERT_EQ(use(), "");
  const DeviceArray &array = imported->getArray();
  EXPECT_EQ(array.type, ElementType::F32);
  EXPECT_EQ(array.shape, shape);
  EXPECT_FALSE(array.isReadOnly);
  EXPECT_EQ(*device->getHostPointer(array.address, 24), values.data() + 1);
  EXPECT_FALSE(device->getHostPointer(array.address, 25));
  float nine = 9;
  ASSERT_TRUE(device->copyToDevice(array.address, &nine, 4));
  EXPECT_EQ(values[1], 9);

  DeviceAddress address = array.address;
  EXPECT_EQ(deleted, 0);
  imported.reset();
  EXPECT_EQ(deleted, 1);
  EXPECT_FALSE(device->getHostPointer(address, 4));
}

TEST_F(DLPackTest, OlderTensors) {
  static int olderDeleted = 0;
  DLManagedTensor older = {};
  older.dl_tensor = tensor.dl_tensor;
  older.deleter = [](DLManagedTensor *) { ++olderDeleted; };
  {
    auto array = importDLPack(*device, &older);
    ASSERT_TRUE(array) << array.error().message;
  }
  EXPECT_EQ(olderDeleted, 1);
  older.deleter = nullptr;
  EXPECT_TRUE(importDLPack(*device, &older));
  EXPECT_FALSE(importDLPack(*device, (DLManagedTensor *)nullptr));
  EXPECT_FALSE(importDLPack(*device, (DLManagedTensorVersioned *)nullptr));
}

TEST_F(DLPackTest, RefusedTensorsStayTheCallers) {
  tensor.dl_tensor.dtype.lanes = 4;
  EXPECT_EQ(use(), "DLPack tensor: expected elements of one lane, found 4");
  EXPECT_EQ(deleted, 0);
}

TEST_F(DLPackTest, TypesThatProgramsHave) {
  auto import = [&](uint8_t code, uint8_t bits) -> std::optional<ElementType> {
    tensor.dl_tensor.dtype = {code, bits, 1};
    shape = {1, 1};
    if (use() != "")
      return std::nullopt;
    return imported->getArray().type;
  };
  EXPECT_EQ(import(kDLBfloat, 16), ElementType::BF16);
  EXPECT_EQ(import(kDLFloat, 16), ElementType::F16);
  EXPECT_EQ(import(kDLFloat, 64), ElementType::F64);
  EXPECT_EQ(import(kDLFloat8_e4m3fn, 8), ElementType::F8E4M3);
  EXPECT_EQ(import(kDLFloat8_e5m2, 8), ElementType::F8E5M2);
  EXPECT_EQ(import(kDLBool, 8), ElementType::I1);
  EXPECT_EQ(import(kDLInt, 64), ElementType::I64);
  EXPECT_EQ(import(kDLUInt, 8), ElementType::I8);
  EXPECT_EQ(import(5, 64), std::nullopt);
  EXPECT_EQ(import(kDLFloat, 80), std::nullopt);
  EXPECT_EQ(use(), "DLPack tensor: expected integers or floats of 8 to 64 "
                   "bits, bfloat16, float8_e4m3fn, float8_e5m2 or bool, found "
                   "type code 2 of 80 bits");
}

TEST_F(DLPackTest, OnlyDenseTensorsAreTaken) {
  tensor.dl_tensor.strides = strides.data();
  EXPECT_EQ(use(), "");
  strides = {1, 2};
  EXPECT_EQ(use(), "DLPack tensor: expected a dense row-major array, found "
                   "shape 2x3 with strides 1,2; copy it first");
}

TEST_F(DLPackTest, Shapes) {
  shape = {2, -3};
  EXPECT_EQ(use(), "DLPack tensor: expected extents of 0 or more, found 2x-3");
  shape = {INT64_MAX, 3};
  EXPECT_NE(use().find("do not fit in memory"), std::string::npos);
  tensor.dl_tensor.ndim = -1;
  EXPECT_NE(use(), "");
  tensor.dl_tensor.ndim = 0;
  tensor.dl_tensor.shape = nullptr;
  ASSERT_EQ(use(), "");
  EXPECT_TRUE(imported->getArray().shape.empty());
  EXPECT_TRUE(device->getHostPointer(imported->getArray().address, 4));
  tensor.dl_tensor.ndim = 1;
  EXPECT_NE(use(), "");
}

TEST_F(DLPackTest, NothingMayBeNowhere) {
  tensor.dl_tensor.data = nullptr;
  EXPECT_EQ(use(), "DLPack tensor: expected memory for 2x3 elements, found a "
                   "null address");
  shape = {0, 3};
  ASSERT_EQ(use(), "");
  EXPECT_EQ(imported->getArray().address, 0u);
}

TEST_F(DLPackTest, UnalignedTensorsAreRefused) {
  tensor.dl_tensor.byte_offset = 2;
  EXPECT_NE(use().find("expected elements at a multiple of 4 bytes, the size "
                       "of f32, found 0x"),
            std::string::npos);
}

TEST_F(DLPackTest, OtherVersionsAreRefused) {
  tensor.version = {2, 0};
  EXPECT_EQ(use(), "DLPack tensor: expected version 1 of DLPack, found 2.0");
  tensor.version = {1, 99};
  EXPECT_EQ(use(), "");
}

TEST_F(DLPackTest, ReadOnlyTensorsSaySo) {
  tensor.flags = 1;
  ASSERT_EQ(use(), "");
  EXPECT_TRUE(imported->getArray().isReadOnly);
  DeviceArray array = imported->getArray();
  EXPECT_FALSE(exportDLPack(*device, array, nullptr));
  auto exported = exportDLPackVersioned(*device, array, nullptr);
  ASSERT_TRUE(exported);
  EXPECT_EQ((*exported)->flags, 1u);
  (*exported)->deleter(*exported);
}

TEST_F(DLPackTest, TensorsElsewhereAreRefused) {
  tensor.dl_tensor.device = {kDLCUDA, 0};
  EXPECT_EQ(use(), "DLPack tensor: expected host memory (device type 1) for "
                   "virtual:0, found device type 2");
  FakeDevice cuda;
  cuda.description.kind = DeviceKind::Cuda;
  cuda.description.ordinal = 1;
  EXPECT_EQ(use(cuda), "DLPack tensor: expected memory of cuda:1, found memory "
                       "of cuda:0");
  tensor.dl_tensor.device = {kDLCPU, 0};
  EXPECT_EQ(use(cuda), "DLPack tensor: expected memory of cuda:1 (device type "
                       "2), found device type 1, host memory; copy it to the "
                       "device");
  tensor.dl_tensor.device = {kDLCUDA, 1};
  ASSERT_EQ(use(cuda), "");
  EXPECT_EQ(imported->getArray().address, uintptr_t(values.data()));
}

TEST_F(DLPackTest, ExportedMemoryIsFreedByItsReceiver) {
  auto memory =
      DeviceMemory::upload(*device, std::as_bytes(std::span(values)).first(24));
  ASSERT_TRUE(memory);
  DeviceArray array{memory->getAddress(), ElementType::F32, {2, 3}, {}};
  std::weak_ptr<void> alive;
  {
    auto owner = std::make_shared<DeviceMemory>(std::move(*memory));
    alive = owner;
    auto exported = exportDLPackVersioned(*device, array, std::move(owner));
    ASSERT_TRUE(exported) << exported.error().message;
    const DLTensor &out = (*exported)->dl_tensor;
    EXPECT_EQ(out.device.device_type, kDLCPU);
    EXPECT_EQ(out.ndim, 2);
    EXPECT_EQ(out.strides[0], 3);
    EXPECT_EQ(out.strides[1], 1);
    EXPECT_EQ(out.dtype.code, kDLFloat);
    EXPECT_EQ(static_cast<const float *>(out.data)[5], 5);

    // Back in, it is the memory that it was.
    auto back = importDLPack(*device, *exported);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ((*back)->getArray().address, array.address);
    EXPECT_FALSE(alive.expired());
  }
  EXPECT_TRUE(alive.expired());
  EXPECT_FALSE(device->getHostPointer(array.address, 4));
}

TEST_F(DLPackTest, ExportsOfOtherDevicesKeepTheirAddress) {
  FakeDevice cuda;
  cuda.description.kind = DeviceKind::Cuda;
  cuda.description.ordinal = 3;
  DeviceArray array{0x1000, ElementType::F8E4M3, {}, {}};
  auto exported = exportDLPack(cuda, array, nullptr);
  ASSERT_TRUE(exported);
  const DLTensor &out = (*exported)->dl_tensor;
  EXPECT_EQ(out.device.device_type, kDLCUDA);
  EXPECT_EQ(out.device.device_id, 3);
  EXPECT_EQ(uintptr_t(out.data), 0x1000u);
  EXPECT_EQ(out.ndim, 0);
  EXPECT_EQ(out.dtype.code, kDLFloat8_e4m3fn);
  (*exported)->deleter(*exported);
}

TEST_F(DLPackTest, EmptyArraysMayHaveStridesBeyondMemory) {
  int64_t huge = int64_t(1) << 40;
  DeviceArray array{0, ElementType::F32, {0, huge, huge, huge}, {}};
  auto exported = exportDLPack(*device, array, nullptr);
  ASSERT_TRUE(exported) << exported.error().message;
  EXPECT_EQ((*exported)->dl_tensor.strides[2], huge);
  (*exported)->deleter(*exported);
}

TEST_F(DLPackTest, ExportsOfWhatIsNotThereAreRefused) {
  DeviceArray array{0x1000, ElementType::F32, {2, 3}, {}};
  EXPECT_FALSE(exportDLPack(*device, array, nullptr));
  auto memory = DeviceMemory::allocate(*device, 24);
  array.address = memory->getAddress();
  array.strides = {1, 2};
  auto exported = exportDLPack(*device, array, nullptr);
  ASSERT_FALSE(exported);
  EXPECT_EQ(exported.error().message,
            "DLPack tensor: expected a dense row-major array to export, found "
            "shape 2x3 with strides 1,2");
  array.strides = {3};
  EXPECT_FALSE(exportDLPack(*device, array, nullptr));
  array.strides.clear();
  array.shape = {-2, 3};
  EXPECT_FALSE(exportDLPack(*device, array, nullptr));
}

TEST_F(DLPackTest, DevicesWithoutHostMemorySaySo) {
  FakeDevice fake;
  EXPECT_EQ(use(fake), "'' cannot use host memory; copy it to the device");
  EXPECT_FALSE(fake.unregisterHostMemory(0x1000, 4));
  EXPECT_FALSE(fake.getHostPointer(0x1000, 4));
}
} // namespace
