//===- CApiTest.cpp - The C interface, misused and used -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/c-api/Handles.h"
#include "runtime/host/DLPackTypes.h"
#include "test/runtime/FakePackage.h"
#include "test/runtime/ScaleProgram.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdexcept>

using namespace heddle;
using namespace heddle::test;

/// Frees `error` and returns its message, or "" for success.
static std::string take(heddle_error *error) {
  std::string message = heddle_error_message(error);
  EXPECT_EQ(error == nullptr, message.empty());
  EXPECT_EQ(error == nullptr, heddle_error_kind(error) == 0);
  heddle_error_free(error);
  return message;
}

namespace {
class CApiTest : public testing::Test {
protected:
  CApiTest() {
    EXPECT_EQ(take(heddle_device_open("virtual", &device)), "");
    contents = makeScaleContents();
    fake = std::make_shared<FakePackage>();
    fake->info = contents.info;
    fake->image.ptx = contents.ptx;
    package.package = fake;
    values.resize(1000);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = float(i);
    array.name = "x";
    array.type = HEDDLE_F32;
    array.rank = 1;
    array.shape = &extent;
  }
  ~CApiTest() override { heddle_device_close(device); }

  heddle_device *device = nullptr;
  PackageContents contents;
  std::shared_ptr<FakePackage> fake;
  heddle_package package;
  std::vector<float> values;
  int64_t extent = 1000;
  heddle_array array = HEDDLE_ARRAY_INIT;
};

TEST_F(CApiTest, CallsDoubleAnArray) {
  heddle_executable *executable = nullptr;
  ASSERT_EQ(take(heddle_executable_load(device, &package, &executable)), "");
  ASSERT_EQ(take(heddle_allocate(device, 4000, &array.address)), "");
  heddle_stream *stream = nullptr;
  ASSERT_EQ(take(heddle_stream_create(device, &stream)), "");
  EXPECT_EQ(take(heddle_copy_to_device(device, array.address, values.data(),
                                       4000, stream)),
            "");
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(take(heddle_executable_call(executable, "scale", &array, 1,
                                          nullptr, 0, stream)),
              "");
  heddle_size size = {sizeof(heddle_size), "N", 1000};
  EXPECT_EQ(take(heddle_executable_call(executable, nullptr, &array, 1, &size,
                                        1, nullptr)),
            "");
  EXPECT_EQ(take(heddle_copy_to_host(device, values.data(), array.address, 4000,
                                     stream)),
            "");
  EXPECT_EQ(take(heddle_stream_synchronize(stream)), "");
  EXPECT_EQ(values[999], 999 * 8);
  size.value = 999;
  EXPECT_EQ(take(heddle_executable_call(executable, "", &array, 1, &size, 1,
                                        nullptr)),
            "host function 'scale': size 'N' is given as 999, and is 1000 by "
            "'x'");
  EXPECT_EQ(take(heddle_free(device, array.address)), "");
  heddle_stream_free(stream);
  heddle_executable_free(executable);
}

TEST_F(CApiTest, ObjectsKeepTheirDevice) {
  heddle_executable *executable = nullptr;
  heddle_stream *stream = nullptr;
  heddle_event *event = nullptr;
  ASSERT_EQ(take(heddle_executable_load(device, &package, &executable)), "");
  ASSERT_EQ(take(heddle_stream_create(device, &stream)), "");
  ASSERT_EQ(take(heddle_event_create(device, &event)), "");
  EXPECT_EQ(take(heddle_register_host_memory(device, values.data(), 4000,
                                             &array.address)),
            "");
  heddle_device_close(std::exchange(device, nullptr));
  package.package = nullptr;
  EXPECT_EQ(take(heddle_executable_call(executable, "scale", &array, 1, nullptr,
                                        0, stream)),
            "");
  EXPECT_EQ(values[3], 6);
  EXPECT_EQ(take(heddle_event_record(event, stream)), "");
  EXPECT_EQ(take(heddle_stream_wait(stream, event)), "");
  heddle_stream_free(stream);
  EXPECT_EQ(take(heddle_event_synchronize(event)), "");
  heddle_event_free(event);
  heddle_executable_free(executable);
}

TEST_F(CApiTest, ArgumentsThatAreWrong) {
  heddle_executable *executable = nullptr;
  ASSERT_EQ(take(heddle_executable_load(device, &package, &executable)), "");
  auto call = [&] {
    return take(heddle_executable_call(executable, "scale", &array, 1, nullptr,
                                       0, nullptr));
  };
  EXPECT_EQ(call(), "host function 'scale': expected memory for 'x', found a "
                    "null address");
  array.shape = nullptr;
  EXPECT_EQ(call(), "array 0 ('x'): expected an argument 'shape', found NULL");
  array.rank = -1;
  EXPECT_EQ(call(), "array 0 ('x'): expected a rank of 0 to 64, found -1");
  array.type = 12;
  EXPECT_EQ(call(),
            "array 0 ('x'): expected a heddle_type of 0 to 11, found 12");
  array.name = nullptr;
  EXPECT_EQ(call(), "array 0: expected an argument 'name', found NULL");
  for (size_t size : {size_t(0), sizeof(array) - 1, SIZE_MAX}) {
    array.struct_size = size;
    EXPECT_EQ(call(), fmt::format("array 0: expected struct_size to be {}, "
                                  "found {}",
                                  sizeof(array), size));
  }
  EXPECT_EQ(take(heddle_executable_call(executable, "scale", nullptr, 1,
                                        nullptr, 0, nullptr)),
            "expected an argument 'arrays', found NULL");
  EXPECT_EQ(take(heddle_executable_call(executable, "scale", nullptr, 0,
                                        nullptr, 1, nullptr)),
            "expected an argument 'sizes', found NULL");
  heddle_executable_free(executable);
}

TEST_F(CApiTest, LaterVersionsMayAppendMembers) {
  struct Later {
    heddle_array array = HEDDLE_ARRAY_INIT;
    int64_t more = 7;
  } later[2];
  struct LaterSize {
    heddle_size size = HEDDLE_SIZE_INIT;
    int64_t more = 7;
  } sizes[2];
  heddle_executable *executable = nullptr;
  ASSERT_EQ(take(heddle_executable_load(device, &package, &executable)), "");
  later[0].array = array;
  later[0].array.struct_size = later[1].array.struct_size = sizeof(Later);
  later[1].array.name = "y";
  later[1].array.shape = &extent;
  for (LaterSize &size : sizes)
    size.size = {sizeof(LaterSize), "N", 1000};
  EXPECT_EQ(take(heddle_executable_call(executable, "scale", &later[0].array, 2,
                                        &sizes[0].size, 2, nullptr)),
            "host function 'scale': there is no buffer 'y'; its buffers are "
            "'x'");
  later[1].array.struct_size = sizeof(heddle_array);
  EXPECT_NE(take(heddle_executable_call(executable, "scale", &later[0].array, 2,
                                        &sizes[0].size, 2, nullptr))
                .find("array 1: expected struct_size"),
            std::string::npos);
  heddle_executable_free(executable);

  // An older caller gets what it knows, and no more is written.
  heddle_device_properties properties = HEDDLE_DEVICE_PROPERTIES_INIT;
  properties.struct_size = offsetof(heddle_device_properties, ordinal);
  properties.ordinal = -5;
  EXPECT_EQ(take(heddle_device_get_properties(device, &properties)), "");
  EXPECT_EQ(properties.is_virtual, 1);
  EXPECT_EQ(properties.ordinal, -5);
  properties.struct_size = 0;
  EXPECT_NE(take(heddle_device_get_properties(device, &properties)), "");
}

TEST_F(CApiTest, StreamsOfOtherDevicesAreRefused) {
  heddle_device *other = nullptr;
  heddle_stream *stream = nullptr;
  heddle_event *event = nullptr;
  ASSERT_EQ(take(heddle_device_open("virtual:1", &other)), "");
  ASSERT_EQ(take(heddle_stream_create(other, &stream)), "");
  ASSERT_EQ(take(heddle_event_create(device, &event)), "");
  EXPECT_EQ(take(heddle_fill(device, 0, 0, 0, stream)),
            "expected a stream of the same device, found one of another");
  EXPECT_NE(take(heddle_event_record(event, stream)), "");
  EXPECT_EQ(take(heddle_stream_wait(stream, event)),
            "expected an event of the same device, found one of another");
  EXPECT_EQ(heddle_stream_get_native(stream), nullptr);
  int native = 0;
  EXPECT_NE(take(heddle_stream_adopt(device, &native, &stream)), "");
  heddle_event_free(event);
  heddle_stream_free(stream);
  heddle_device_close(other);
}

TEST_F(CApiTest, PackagesSayWhatIsInThem) {
  heddle_package_info info = HEDDLE_PACKAGE_INFO_INIT;
  ASSERT_EQ(take(heddle_package_get_info(&package, &info)), "");
  EXPECT_STREQ(info.name, "test.heddle");
  EXPECT_STREQ(info.target, "sm_90a");
  EXPECT_EQ(info.host_count, 1u);
  EXPECT_EQ(info.kernel_count, 1u);
  EXPECT_EQ(info.has_reference, 0);
  heddle_host_info host = HEDDLE_HOST_INFO_INIT;
  ASSERT_EQ(take(heddle_package_get_host(&package, 0, &host)), "");
  EXPECT_STREQ(host.name, "scale");
  EXPECT_EQ(host.size_count, 1u);
  EXPECT_EQ(host.buffer_count, 1u);
  heddle_buffer_info buffer = HEDDLE_BUFFER_INFO_INIT;
  ASSERT_EQ(take(heddle_package_get_buffer(&package, 0, 0, &buffer)), "");
  EXPECT_STREQ(buffer.name, "x");
  EXPECT_EQ(buffer.type, HEDDLE_F32);
  EXPECT_EQ(buffer.access, HEDDLE_IN_OUT);
  EXPECT_EQ(buffer.rank, 1);
  const char *size = nullptr;
  int64_t known = 0;
  ASSERT_EQ(take(heddle_package_get_extent(&package, 0, 0, 0, &size, &known)),
            "");
  EXPECT_STREQ(size, "N");
  EXPECT_EQ(known, -1);
  ASSERT_EQ(take(heddle_package_get_size(&package, 0, 0, &size)), "");
  EXPECT_STREQ(size, "N");
  fake->info.program.plans[0].buffers[0].extents[0] = {false, 7};
  ASSERT_EQ(take(heddle_package_get_extent(&package, 0, 0, 0, &size, &known)),
            "");
  EXPECT_EQ(size, nullptr);
  EXPECT_EQ(known, 7);
  heddle_kernel_info kernel = HEDDLE_KERNEL_INFO_INIT;
  fake->info.resources = {{"double_it", "sm_90a", 32, 0, 8, 16}};
  ASSERT_EQ(take(heddle_package_get_kernel(&package, 0, &kernel)), "");
  EXPECT_STREQ(kernel.name, "double_it");
  EXPECT_STREQ(kernel.location, "scale.mlir:1");
  EXPECT_EQ(kernel.threads, 128u);
  EXPECT_EQ(kernel.registers, 32u);
  EXPECT_EQ(kernel.spill_bytes, 24u);

  EXPECT_EQ(take(heddle_package_get_host(&package, 1, &host)),
            "expected a host function below 1, found number 1");
  EXPECT_NE(take(heddle_package_get_buffer(&package, 0, 1, &buffer)), "");
  EXPECT_NE(take(heddle_package_get_kernel(&package, 1, &kernel)), "");
  EXPECT_NE(take(heddle_package_get_size(&package, 0, 1, &size)), "");
  EXPECT_NE(take(heddle_package_get_extent(&package, 0, 0, -1, &size, &known)),
            "");
}

TEST_F(CApiTest, TensorsComeInAndGoOut) {
  DLManagedTensorVersioned tensor = {};
  tensor.version = {1, 0};
  tensor.dl_tensor.data = values.data();
  tensor.dl_tensor.device = {kDLCPU, 0};
  tensor.dl_tensor.dtype = {kDLFloat, 32, 1};
  tensor.dl_tensor.ndim = 1;
  tensor.dl_tensor.shape = &extent;
  heddle_imported *imported = nullptr;
  ASSERT_EQ(take(heddle_import_dlpack(device, &tensor, &imported)), "");
  heddle_array in = HEDDLE_ARRAY_INIT;
  ASSERT_EQ(take(heddle_imported_get_array(imported, &in)), "");
  in.name = "x";
  heddle_executable *executable = nullptr;
  ASSERT_EQ(take(heddle_executable_load(device, &package, &executable)), "");
  EXPECT_EQ(
      take(heddle_executable_call(executable, "", &in, 1, nullptr, 0, nullptr)),
      "");
  EXPECT_EQ(values[999], 999 * 2);
  heddle_executable_free(executable);
  heddle_imported_free(imported);

  int released = 0;
  ASSERT_EQ(take(heddle_allocate(device, 4000, &array.address)), "");
  auto release = [](void *context) { ++*static_cast<int *>(context); };
  array.type = HEDDLE_F64;
  DLManagedTensor *older = nullptr;
  EXPECT_NE(take(heddle_export_dlpack_unversioned(device, &array, release,
                                                  &released, &older)),
            "");
  EXPECT_EQ(released, 0);
  array.type = HEDDLE_BF16;
  ASSERT_EQ(take(heddle_export_dlpack_unversioned(device, &array, release,
                                                  &released, &older)),
            "");
  older->deleter(older);
  EXPECT_EQ(released, 1);
  DLManagedTensorVersioned *out = nullptr;
  ASSERT_EQ(take(heddle_export_dlpack(device, &array, nullptr, nullptr, &out)),
            "");
  EXPECT_EQ(out->dl_tensor.dtype.code, kDLBfloat);
  out->deleter(out);
  EXPECT_NE(take(heddle_free(device, array.address)).find("freed before"),
            std::string::npos);
}

TEST_F(CApiTest, NothingIsWhereSomethingMustBe) {
  heddle_stream *stream = nullptr;
  heddle_event *event = nullptr;
  ASSERT_EQ(take(heddle_stream_create(device, &stream)), "");
  ASSERT_EQ(take(heddle_event_create(device, &event)), "");
  heddle_device *opened = nullptr;
  uint64_t address = 0;
  double ms = 0;
  heddle_array in = HEDDLE_ARRAY_INIT;
  std::vector<heddle_error *> errors = {
      heddle_device_open(nullptr, &opened),
      heddle_device_open("virtual", nullptr),
      heddle_device_get_properties(nullptr, nullptr),
      heddle_device_get_properties(device, nullptr),
      heddle_device_synchronize(nullptr),
      heddle_allocate(nullptr, 1, &address),
      heddle_allocate(device, 1, nullptr),
      heddle_free(nullptr, 1),
      heddle_copy_to_device(nullptr, 1, &ms, 1, nullptr),
      heddle_copy_to_device(device, 1, nullptr, 1, nullptr),
      heddle_copy_to_host(nullptr, &ms, 1, 1, nullptr),
      heddle_copy_to_host(device, nullptr, 1, 1, nullptr),
      heddle_fill(nullptr, 1, 0, 1, nullptr),
      heddle_register_host_memory(nullptr, &ms, 8, &address),
      heddle_register_host_memory(device, nullptr, 8, &address),
      heddle_register_host_memory(device, &ms, 8, nullptr),
      heddle_unregister_host_memory(nullptr, 1, 1),
      heddle_get_host_pointer(nullptr, 1, 1, nullptr),
      heddle_get_host_pointer(device, 1, 1, nullptr),
      heddle_stream_create(nullptr, &stream),
      heddle_stream_create(device, nullptr),
      heddle_stream_adopt(nullptr, &ms, &stream),
      heddle_stream_adopt(device, nullptr, &stream),
      heddle_stream_adopt(device, &ms, nullptr),
      heddle_stream_synchronize(nullptr),
      heddle_stream_wait(nullptr, event),
      heddle_stream_wait(stream, nullptr),
      heddle_event_create(nullptr, &event),
      heddle_event_create(device, nullptr),
      heddle_event_record(nullptr, stream),
      heddle_event_synchronize(nullptr),
      heddle_event_elapsed(nullptr, event, &ms),
      heddle_event_elapsed(event, nullptr, &ms),
      heddle_event_elapsed(event, event, nullptr),
      heddle_event_elapsed(event, event, &ms),
      heddle_package_get_info(nullptr, nullptr),
      heddle_package_get_info(&package, nullptr),
      heddle_package_get_host(nullptr, 0, nullptr),
      heddle_package_get_buffer(nullptr, 0, 0, nullptr),
      heddle_package_get_kernel(nullptr, 0, nullptr),
      heddle_package_get_size(nullptr, 0, 0, nullptr),
      heddle_package_get_extent(nullptr, 0, 0, 0, nullptr, nullptr),
      heddle_executable_load(nullptr, &package, nullptr),
      heddle_executable_load(device, nullptr, nullptr),
      heddle_executable_load(device, &package, nullptr),
      heddle_executable_call(nullptr, "", nullptr, 0, nullptr, 0, nullptr),
      heddle_import_dlpack(nullptr, nullptr, nullptr),
      heddle_import_dlpack(device, nullptr, nullptr),
      heddle_import_dlpack_unversioned(device, nullptr, nullptr),
      heddle_imported_get_array(nullptr, &in),
      heddle_export_dlpack(nullptr, &in, nullptr, nullptr, nullptr),
      heddle_export_dlpack(device, nullptr, nullptr, nullptr, nullptr),
      heddle_export_dlpack(device, &in, nullptr, nullptr, nullptr),
      heddle_export_dlpack_unversioned(device, &in, nullptr, nullptr, nullptr),
  };
  for (size_t i = 0; i < errors.size(); ++i) {
    EXPECT_EQ(heddle_error_kind(errors[i]), HEDDLE_INVALID_INPUT) << i;
    EXPECT_NE(take(errors[i]), "") << i;
  }
  // Nothing ends without complaint.
  heddle_error_free(nullptr);
  heddle_device_close(nullptr);
  heddle_stream_free(nullptr);
  heddle_event_free(nullptr);
  heddle_package_free(nullptr);
  heddle_executable_free(nullptr);
  heddle_imported_free(nullptr);
  EXPECT_EQ(heddle_stream_get_native(nullptr), nullptr);
  heddle_stream_free(stream);
  heddle_event_free(event);
}

TEST(CApi, TypesHaveSizesAndNames) {
  EXPECT_EQ(heddle_type_bytes(HEDDLE_BF16), 2u);
  EXPECT_STREQ(heddle_type_name(HEDDLE_BF16), "bf16");
  EXPECT_EQ(heddle_type_bytes(-1), 0u);
  EXPECT_EQ(heddle_type_name(12), nullptr);
  EXPECT_EQ(heddle_abi_version(), uint32_t(HEDDLE_ABI_VERSION));
}

TEST(CApi, NoExceptionLeaves) {
  auto raise = [](auto exception) {
    return capi::guard([&]() -> Expected<void> { throw exception; });
  };
  heddle_error *error = raise(std::bad_alloc());
  EXPECT_EQ(heddle_error_kind(error), HEDDLE_UNAVAILABLE);
  EXPECT_EQ(take(error), "out of memory");
  // It is there again.
  EXPECT_EQ(take(raise(std::bad_alloc())), "out of memory");
  EXPECT_EQ(take(raise(std::runtime_error("broken"))), "broken");
  EXPECT_EQ(take(raise(7)), "an unknown exception");
}
} // namespace
