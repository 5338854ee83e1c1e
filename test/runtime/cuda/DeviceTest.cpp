//===- DeviceTest.cpp - What holds for every device -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDriver.h"
#include "device/HostMemory.h"

#include <bit>
#include <numeric>
#include <thread>

using namespace heddle;
using namespace heddle::test;

/// The device that the parameter names; CUDA's is the test driver's.
class DeviceTest : public testing::TestWithParam<const char *> {
protected:
  void TearDown() override {
    module.reset();
    device.reset();
    EXPECT_EQ(driver.countLines("leak"), 0u);
  }

  std::vector<uint32_t> download(DeviceAddress address, size_t count) {
    std::vector<uint32_t> data(count);
    EXPECT_GOOD(device->copyToHost(data.data(), address, count * 4));
    return data;
  }

  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice(GetParam()));
  std::unique_ptr<Module> module =
      TAKE(device->loadModule(makeImage(getKernels())));
};

TEST_P(DeviceTest, SaysWhatItIs) {
  const DeviceProperties &props = device->properties();
  bool isCuda = std::string_view(GetParam()).starts_with("cuda");
  EXPECT_EQ(props.kind, isCuda ? DeviceKind::Cuda : DeviceKind::Virtual);
  EXPECT_EQ(props.ordinal, 0);
  EXPECT_EQ(props.smArch, 90);
  EXPECT_EQ(props.multiprocessors, 132u);
  EXPECT_EQ(props.maxThreadsPerBlock, 1024u);
  EXPECT_EQ(props.maxSharedBytesPerBlock, 227u * 1024);
  EXPECT_EQ(props.registersPerMultiprocessor, 65536u);
  EXPECT_EQ(props.maxThreadsPerMultiprocessor, 2048u);
  // What a virtual device has is the machine's.
  uint64_t most = uint64_t(141) << 30;
  EXPECT_EQ(props.memoryBytes,
            isCuda ? most : std::min(most, getHostMemoryBytes()));
  EXPECT_EQ(props.l2Bytes, uint64_t(50) << 20);
  EXPECT_EQ(props.driverVersion, isCuda ? 13000 : 0);
  EXPECT_TRUE(props.isSimulated);
}

TEST_P(DeviceTest, CopiesAndFills) {
  DeviceAddress address = TAKE(device->allocate(4096));
  EXPECT_EQ(address % 256, 0u);
  std::vector<uint32_t> data(1024);
  std::iota(data.begin(), data.end(), 1);
  EXPECT_GOOD(device->copyToDevice(address, data.data(), 4096));
  EXPECT_EQ(download(address, 1024), data);
  std::unique_ptr<Stream> stream = TAKE(device->createStream());
  EXPECT_GOOD(device->fill(address + 8, std::byte(0xab), 4, stream.get()));
  data[2] = 0xabababab;
  data[0] = 77;
  EXPECT_GOOD(device->copyToDevice(address, data.data(), 4, stream.get()));
  std::vector<uint32_t> back(1024);
  EXPECT_GOOD(device->copyToHost(back.data(), address, 4096, stream.get()));
  EXPECT_GOOD(device->synchronize(stream.get()));
  EXPECT_EQ(back, data);
  EXPECT_GOOD(device->copyToDevice(0, nullptr, 0));
  EXPECT_GOOD(device->copyToHost(nullptr, 0, 0));
  EXPECT_GOOD(device->fill(0, std::byte(0), 0));
  EXPECT_GOOD(device->free(address));
}

TEST_P(DeviceTest, CopiesWithoutAStreamAreDoneWhenTheyReturn) {
  if (device->properties().kind != DeviceKind::Cuda)
    return;
  DeviceAddress address = TAKE(device->allocate(64));
  char bytes[64] = {};
  // The driver's own copy from pageable memory may return before that.
  EXPECT_GOOD(device->copyToDevice(address, bytes, 64));
  EXPECT_EQ(driver.countLines("cuStreamSynchronize"), 1u);
  std::unique_ptr<Stream> stream = TAKE(device->createStream());
  EXPECT_GOOD(device->copyToDevice(address, bytes, 64, stream.get()));
  EXPECT_EQ(driver.countLines("cuStreamSynchronize"), 1u);
  EXPECT_GOOD(device->free(address));
}

TEST_P(DeviceTest, RefusesWrongMemory) {
  DeviceAddress address = TAKE(device->allocate(64));
  char bytes[128] = {};
  EXPECT_EQ(getMessage(device->allocate(0)),
            "expected an allocation of at least 1 byte, found 0");
  for (Expected<void> result : {device->copyToDevice(address, bytes, 128),
                                device->copyToHost(bytes, address + 1, 64),
                                device->fill(address, std::byte(0), 65),
                                device->free(address + 1), device->free(0)}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::InvalidInput);
  }
  EXPECT_GOOD(device->free(address));
  EXPECT_FALSE(device->free(address));
  EXPECT_FALSE(device->copyToHost(bytes, address, 1));
}

TEST_P(DeviceTest, LaunchesInOrder) {
  DeviceAddress data = TAKE(device->allocate(4 * 256));
  std::unique_ptr<Stream> stream = TAKE(device->createStream());
  EXPECT_GOOD(device->fill(data, std::byte(0), 4 * 256, stream.get()));
  for (uint32_t i = 1; i <= 10; ++i)
    EXPECT_GOOD(launchAdd(*device, *module, data, i, 4, 64, stream.get()));
  EXPECT_GOOD(device->synchronize(stream.get()));
  EXPECT_EQ(download(data, 256), std::vector<uint32_t>(256, 55));
  EXPECT_GOOD(device->free(data));
}

TEST_P(DeviceTest, TimesEvents) {
  std::unique_ptr<Stream> stream = TAKE(device->createStream());
  std::unique_ptr<Event> begin = TAKE(device->createEvent());
  std::unique_ptr<Event> end = TAKE(device->createEvent());
  EXPECT_EQ(getMessage(device->getMilliseconds(*begin, *end)),
            "expected two events that have been recorded");
  EXPECT_GOOD(device->wait(stream.get(), *begin));
  EXPECT_GOOD(device->record(*begin, stream.get()));
  EXPECT_GOOD(device->launch(*module, "empty", {}, {}, stream.get()));
  EXPECT_GOOD(device->record(*end, stream.get()));
  EXPECT_GOOD(device->wait(nullptr, *end));
  EXPECT_GOOD(device->synchronize(*end));
  double milliseconds = TAKE(device->getMilliseconds(*begin, *end));
  EXPECT_GT(milliseconds, 0);
  EXPECT_LT(milliseconds, 60000);
}

TEST_P(DeviceTest, RefusesWrongLaunches) {
  DeviceAddress data = TAKE(device->allocate(4));
  uint32_t value = 1;
  auto launch = [&](std::string_view kernel, LaunchConfig config,
                    std::vector<KernelArgument> arguments) {
    Expected<void> done = device->launch(*module, kernel, config, arguments);
    EXPECT_TRUE(done || done.error().kind == ErrorKind::InvalidInput);
    return getMessage(done);
  };
  auto hasText = [](const std::string &message, const std::string &part) {
    return message.find(part) != message.npos;
  };
  EXPECT_PRED2(hasText, launch("nothing", {}, {}),
               "'kernels.ptx' has no kernel 'nothing'; it has 'add', "
               "'bounded', 'dynamic_size', 'empty', 'ranks', 'stray'");
  EXPECT_PRED2(hasText, launch("add", {}, {asArgument(data)}),
               "launch of 'add': expected 2 arguments, found 1");
  EXPECT_PRED2(hasText,
               launch("add", {}, {asArgument(value), asArgument(value)}),
               "launch of 'add': expected 8 bytes for argument 0");
  EXPECT_PRED2(hasText, launch("empty", {.grid = {0, 1, 1}}, {}),
               "that are not empty");
  EXPECT_PRED2(hasText, launch("empty", {.block = {2048, 1, 1}}, {}),
               "at most 1024 threads per block, found 2048");
  EXPECT_PRED2(hasText,
               launch("bounded", {.block = {65, 1, 1}}, {asArgument(data)}),
               "at most 64 threads per block");
  EXPECT_PRED2(
      hasText, launch("empty", {.grid = {3, 1, 1}, .cluster = {2, 1, 1}}, {}),
      "expected a grid that is a multiple of the cluster (2,1,1), found "
      "(3,1,1)");
  EXPECT_PRED2(hasText,
               launch("empty", {.grid = {32, 1, 1}, .cluster = {32, 1, 1}}, {}),
               "expected clusters of at most 16 blocks, found 32");
  EXPECT_PRED2(
      hasText,
      launch("bounded", {.dynamicSharedBytes = 227 * 1024}, {asArgument(data)}),
      "4096 bytes of static and 232448 bytes of dynamic shared memory "
      "exceed the 232448 bytes of a block");
  EXPECT_PRED2(
      hasText,
      launch(
          "empty",
          {.grid = {100000, 1, 1}, .block = {1024, 1, 1}, .cooperative = true},
          {}),
      "cooperative launch of 'empty': 100000 blocks do not fit at "
      "once; the largest grid that does has 264");
  EXPECT_GOOD(device->free(data));
}

TEST_P(DeviceTest, GivesSharedMemory) {
  DeviceAddress out = TAKE(device->allocate(4));
  const KernelArgument arguments[] = {asArgument(out)};
  for (uint32_t bytes : {16u, 48u * 1024, 100u * 1024, 227u * 1024, 1024u}) {
    EXPECT_GOOD(device->launch(*module, "dynamic_size",
                               {.dynamicSharedBytes = bytes}, arguments));
    EXPECT_EQ(download(out, 1)[0], bytes);
  }
  EXPECT_GOOD(device->launch(
      *module, "bounded",
      {.block = {64, 1, 1}, .dynamicSharedBytes = 223 * 1024}, arguments));
  EXPECT_EQ(download(out, 1)[0], 7u);
  EXPECT_GOOD(device->free(out));
}

TEST_P(DeviceTest, FormsClusters) {
  DeviceAddress out = TAKE(device->allocate(4 * 32));
  const KernelArgument arguments[] = {asArgument(out)};
  for (uint32_t blocks : {1u, 2u, 8u, 16u}) {
    EXPECT_GOOD(device->launch(*module, "ranks",
                               {.grid = {32, 1, 1}, .cluster = {blocks, 1, 1}},
                               arguments));
    std::vector<uint32_t> ranks = download(out, 32);
    for (uint32_t i = 0; i < 32; ++i)
      EXPECT_EQ(ranks[i], 100 * blocks + i % blocks);
  }
  EXPECT_GOOD(device->free(out));
}

TEST_P(DeviceTest, CountsResidentBlocks) {
  // Per multiprocessor, where each has as many; clusters of 16 leave some of
  // the 132 without.
  auto count = [&](LaunchConfig config) {
    uint32_t blocks = TAKE(device->getResidentBlocks(*module, "empty", config));
    uint32_t multiprocessors = device->properties().multiprocessors;
    return blocks % multiprocessors == 0 ? blocks / multiprocessors : blocks;
  };
  EXPECT_EQ(count({.block = {1024, 1, 1}}), 2u);
  EXPECT_EQ(count({.block = {128, 1, 1}}), 16u);
  EXPECT_EQ(count({.block = {128, 1, 1}, .dynamicSharedBytes = 227 * 1024}),
            1u);
  EXPECT_EQ(count({.block = {128, 1, 1}, .dynamicSharedBytes = 100 * 1024}),
            2u);
  EXPECT_EQ(count({.grid = {16, 1, 1},
                   .block = {128, 1, 1},
                   .cluster = {16, 1, 1},
                   .dynamicSharedBytes = 227 * 1024}),
            128u);
  EXPECT_FALSE(device->getResidentBlocks(*module, "empty",
                                         {.dynamicSharedBytes = 228 * 1024}));
  EXPECT_FALSE(device->getResidentBlocks(*module, "nothing", {}));
  // A grid of just that many blocks runs.
  EXPECT_GOOD(device->launch(
      *module, "empty",
      {.grid = {2 * 132, 1, 1}, .block = {1024, 1, 1}, .cooperative = true},
      {}));
}

TEST_P(DeviceTest, RefusesWrongTensorMaps) {
  TensorMapSpec spec;
  spec.rank = 2;
  spec.address = 0x1000;
  spec.dims = {64, 64};
  spec.strides = {128};
  spec.box = {64, 64};
  spec.swizzle = Swizzle::B128;
  EXPECT_GOOD(device->encodeTensorMap(spec));
  spec.address = 0x1008;
  EXPECT_MESSAGE(device->encodeTensorMap(spec),
                 "a multiple of 16 bytes, found 0x1008");
  spec.address = 0x1000;
  spec.box = {128, 64};
  EXPECT_MESSAGE(device->encodeTensorMap(spec), "the span of its swizzle");
}

TEST_P(DeviceTest, RefusesWhatIsOfAnotherDevice) {
  std::unique_ptr<Device> other = TAKE(openDevice(GetParam()));
  std::unique_ptr<Module> foreign =
      TAKE(other->loadModule(makeImage(getKernels())));
  EXPECT_MESSAGE(device->launch(*foreign, "empty", {}, {}),
                 "the module belongs to another device");
}

TEST_P(DeviceTest, RefusesEventsOfAnotherKind) {
  bool isCuda = device->properties().kind == DeviceKind::Cuda;
  std::unique_ptr<Device> other = TAKE(openDevice(isCuda ? "virtual" : "cuda"));
  std::unique_ptr<Event> foreign = TAKE(other->createEvent());
  std::unique_ptr<Event> own = TAKE(device->createEvent());
  EXPECT_GOOD(device->record(*own));
  EXPECT_MESSAGE(device->record(*foreign), "found one of another");
  EXPECT_MESSAGE(device->wait(nullptr, *foreign), "found one of another");
  EXPECT_MESSAGE(device->synchronize(*foreign), "found one of another");
  EXPECT_MESSAGE(device->getMilliseconds(*own, *foreign),
                 "found one of another");
}

TEST_P(DeviceTest, RefusesWrongPtx) {
  EXPECT_MESSAGE(device->loadModule(makeImage("", "nothing")), "nothing");
  Expected<std::unique_ptr<Module>> wrong = device->loadModule(
      makeImage(".version 8.0\n.target sm_90\n.address_size 64\n"
                ".visible .entry k()\n{\n\tfrobnicate.u32 %r0;\n}\n"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::InvalidInput);
  EXPECT_MESSAGE(wrong, "frobnicate");
  // The device is as good as before.
  EXPECT_GOOD(device->launch(*module, "empty", {}, {}));
}

TEST_P(DeviceTest, FaultsWithAMessage) {
  Expected<void> done = device->launch(*module, "stray", {}, {});
  if (done)
    done = device->synchronize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Fault);
  EXPECT_MESSAGE(done, "'stray'");
}

TEST_P(DeviceTest, LaunchesFromManyThreads) {
  constexpr uint32_t threads = 8, launches = 40;
  std::vector<DeviceAddress> data;
  for (uint32_t i = 0; i < threads; ++i) {
    data.push_back(TAKE(device->allocate(4 * 32)));
    EXPECT_GOOD(device->fill(data.back(), std::byte(0), 4 * 32));
  }
  std::vector<std::thread> workers;
  for (uint32_t i = 0; i < threads; ++i)
    workers.emplace_back([&, i] {
      std::unique_ptr<Stream> stream = TAKE(device->createStream());
      for (uint32_t n = 0; n < launches; ++n)
        EXPECT_GOOD(launchAdd(*device, *module, data[i], i, 1, 32,
                              n % 2 ? stream.get() : nullptr));
      EXPECT_GOOD(device->synchronize(stream.get()));
      EXPECT_GOOD(device->synchronize());
    });
  for (std::thread &worker : workers)
    worker.join();
  for (uint32_t i = 0; i < threads; ++i) {
    EXPECT_EQ(download(data[i], 32), std::vector<uint32_t>(32, i * launches));
    EXPECT_GOOD(device->free(data[i]));
  }
}

static uint16_t getBf16(float x) {
  return uint16_t(std::bit_cast<uint32_t>(x) >> 16);
}

/// A bf16 matrix of `rows` x `columns` small integers in device memory, and the
/// map of its 128 x 64 tiles.
static std::pair<DeviceAddress, TensorMap>
makeMatrix(Device &device, uint32_t rows, uint32_t columns, int period,
           std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (uint32_t i = 0; i < rows * columns; ++i) {
    values.push_back(float(int(i * 7 % period) - period / 2));
    bits.push_back(getBf16(values.back()));
  }
  DeviceAddress address = TAKE(device.allocate(bits.size() * 2));
  EXPECT_GOOD(device.copyToDevice(address, bits.data(), bits.size() * 2));
  TensorMapSpec spec;
  spec.rank = 2;
  spec.address = address;
  spec.dims = {columns, rows};
  spec.strides = {uint64_t(columns) * 2};
  spec.box = {64, 128};
  spec.swizzle = Swizzle::B128;
  return {address, TAKE(device.encodeTensorMap(spec))};
}

TEST_P(DeviceTest, RunsAWarpSpecializedGemm) {
  constexpr uint32_t m = 128, n = 256, k = 192;
  std::string ptx = readFile(HEDDLE_TEST_PTX "/gemm_ws.ptx");
  std::unique_ptr<Module> gemm = TAKE(device->loadModule(makeImage(ptx)));
  std::vector<float> a, b;
  auto [addressA, mapA] = makeMatrix(*device, m, k, 13, a);
  auto [addressB, mapB] = makeMatrix(*device, n, k, 11, b);
  DeviceAddress c = TAKE(device->allocate(m * n * 4));
  uint32_t columns = n, steps = k / 64;
  const KernelArgument arguments[] = {asArgument(mapA), asArgument(mapB),
                                      asArgument(c), asArgument(columns),
                                      asArgument(steps)};
  EXPECT_GOOD(device->launch(*gemm, "gemm",
                             {.grid = {n / 128, m / 128, 1},
                              .block = {384, 1, 1},
                              .dynamicSharedBytes = 64 * 1024},
                             arguments));
  std::vector<float> result(m * n);
  EXPECT_GOOD(device->copyToHost(result.data(), c, m * n * 4));
  for (uint32_t row = 0; row < m; ++row)
    for (uint32_t column = 0; column < n; ++column) {
      float sum = 0;
      for (uint32_t i = 0; i < k; ++i)
        sum += a[row * k + i] * b[column * k + i];
      ASSERT_EQ(result[row * n + column], sum) << row << ", " << column;
    }
  for (DeviceAddress address : {addressA, addressB, c})
    EXPECT_GOOD(device->free(address));
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest,
                         testing::Values("virtual", "cuda"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });
