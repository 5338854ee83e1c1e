//===- CudaTest.cpp - CUDA C++ through nvcc -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <bit>
#include <cmath>

using namespace heddle;
using namespace heddle::test;

namespace {

std::string ptxOf(const std::string &name) {
  return readFile(HEDDLE_TEST_CUDA_PTX "/" + name + ".ptx");
}

float value(uint32_t i) { return float(int(i * 2654435761u >> 20) % 97 - 48); }

TEST(Cuda, VectorAdd) {
  TestDevice device;
  uint32_t n = 1000;
  std::vector<float> a(n), b(n);
  for (uint32_t i = 0; i < n; ++i) {
    a[i] = value(i);
    b[i] = value(i + n);
  }
  DeviceAddress pa = device.upload(a), pb = device.upload(b),
                pc = device.upload(std::vector<float>(n));
  LaunchConfig config;
  config.grid.x = 8;
  config.block.x = 128;
  EXPECT_EQ(
      device.run(ptxOf("vector_add"), "vectorAdd", config, {pa, pb, pc, n}),
      "");
  auto c = device.download<float>(pc, n);
  for (uint32_t i = 0; i < n; ++i)
    ASSERT_EQ(c[i], a[i] + b[i] * float(i % 4 + 1)) << i;
}

TEST(Cuda, CallsSwitchesAndLocalMemory) {
  TestDevice device;
  std::vector<float> a(8 + 96);
  for (uint32_t i = 0; i < 8; ++i)
    a[i] = float(i * 3 + 1);
  DeviceAddress pa = device.upload(a);
  LaunchConfig config;
  config.block.x = 96;
  int n = 3;
  EXPECT_EQ(device.run(ptxOf("vector_add"), "control", config, {pa, n}), "");
  auto result = device.download<float>(pa, a.size());
  for (int t = 0; t < 96; ++t) {
    float local[8];
    for (int i = 0; i < 8; ++i)
      local[(i * n + t) & 7] = a[i] + i;
    int divisor = n + t % 5;
    float x = divisor > 3 ? local[t & 7] * divisor : local[t & 7] / divisor;
    switch (t % 7) {
    case 0:
      x += 1;
      break;
    case 1:
      x *= 2;
      break;
    case 2:
      x -= 3;
      break;
    case 3:
      x = -x;
      break;
    case 4:
      x *= x;
      break;
    case 5:
      x += t;
      break;
    default:
      while (x > 10)
        x /= 2;
    }
    ASSERT_EQ(result[8 + t], x) << t;
  }
}

TEST(Cuda, Sgemm) {
  TestDevice device;
  int m = 48, n = 80, k = 64;
  std::vector<float> a(m * k), b(k * n);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = value(i);
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = value(i + 7);
  DeviceAddress pa = device.upload(a), pb = device.upload(b),
                pc = device.upload(std::vector<float>(m * n));
  LaunchConfig config;
  config.grid = {uint32_t(n / 16), uint32_t(m / 16), 1};
  config.block = {16, 16, 1};
  EXPECT_EQ(device.run(ptxOf("sgemm"), "sgemm", config, {pa, pb, pc, n, k}),
            "");
  auto c = device.download<float>(pc, m * n);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int l = 0; l < k; ++l)
        sum += a[i * k + l] * b[l * n + j];
      ASSERT_EQ(c[i * n + j], sum) << i << "," << j;
    }
}

TEST(Cuda, SumWithShufflesAndAtomics) {
  TestDevice device;
  uint32_t n = 10000;
  std::vector<float> a(n);
  float total = 0;
  for (uint32_t i = 0; i < n; ++i)
    total += a[i] = value(i);
  DeviceAddress pa = device.upload(a),
                ptotal = device.upload(std::vector<float>(1)),
                pticket = device.upload(std::vector<uint32_t>(1, 3));
  LaunchConfig config;
  config.grid.x = 7;
  config.block.x = 160;
  EXPECT_EQ(
      device.run(ptxOf("reduce"), "sum", config, {pa, ptotal, pticket, n}), "");
  EXPECT_EQ(device.download<float>(ptotal, 1)[0], total);
  EXPECT_EQ(device.download<uint32_t>(pticket, 1)[0], 3u);
}

TEST(Cuda, Softmax) {
  TestDevice device;
  int rows = 8, columns = 100;
  std::vector<float> in(rows * columns);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = value(i) / 16;
  DeviceAddress pin = device.upload(in),
                pout = device.upload(std::vector<float>(in.size()));
  LaunchConfig config;
  config.grid.x = 2;
  config.block.x = 128;
  EXPECT_EQ(
      device.run(ptxOf("reduce"), "softmax", config, {pin, pout, columns}), "");
  auto out = device.download<float>(pout, in.size());
  for (int r = 0; r < rows; ++r) {
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < columns; ++i)
      top = std::max<double>(top, in[r * columns + i]);
    for (int i = 0; i < columns; ++i)
      sum += std::exp(in[r * columns + i] - top);
    for (int i = 0; i < columns; ++i)
      ASSERT_NEAR(out[r * columns + i],
                  std::exp(in[r * columns + i] - top) / sum, 2e-6);
  }
}

TEST(Cuda, BlocksWaitForEachOtherThroughMemory) {
  TestDevice device({.hostThreads = 1, .stepBudget = 1 << 24});
  uint32_t blocks = 40;
  DeviceAddress flag = device.upload(std::vector<uint32_t>(1)),
                order = device.upload(std::vector<uint32_t>(blocks));
  LaunchConfig config;
  config.grid.x = blocks;
  config.block.x = 32;
  EXPECT_EQ(device.run(ptxOf("reduce"), "relay", config, {flag, order}), "");
  auto result = device.download<uint32_t>(order, blocks);
  for (uint32_t i = 0; i < blocks; ++i)
    EXPECT_EQ(result[i], blocks - 1 - i);
}

TEST(Cuda, CpAsync) {
  TestDevice device;
  int steps = 9;
  std::vector<float> in(256 * steps);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = value(i);
  DeviceAddress pin = device.upload(in),
                pout = device.upload(std::vector<float>(in.size()));
  LaunchConfig config;
  config.block.x = 64;
  std::string ptx = ptxOf("cp_async");
  EXPECT_EQ(device.run(ptx, "doubled", config, {pin, pout, steps}), "");
  auto out = device.download<float>(pout, in.size());
  for (size_t i = 0; i < in.size(); ++i)
    ASSERT_EQ(out[i], 2 * in[i]) << i;
  // Without the waits the copies have not arrived.
  for (size_t at; (at = ptx.find("cp.async.wait_group")) != std::string::npos;)
    ptx.replace(at, ptx.find(';', at) - at, "");
  TestDevice lazy({.schedule = {.kind = Schedule::Kind::Lazy}});
  pin = lazy.upload(in);
  pout = lazy.upload(std::vector<float>(in.size()));
  EXPECT_EQ(lazy.run(ptx, "doubled", config, {pin, pout, steps}), "");
  EXPECT_NE(lazy.download<float>(pout, in.size()), out);
}

TEST(Cuda, Cluster) {
  TestDevice device;
  DeviceAddress out = device.upload(std::vector<int>(8 * 32));
  LaunchConfig config;
  config.grid.x = 8;
  config.block.x = 32;
  EXPECT_EQ(device.run(ptxOf("cluster"), "rotate", config, {out}), "");
  auto result = device.download<int>(out, 8 * 32);
  for (int b = 0; b < 8; ++b)
    for (int t = 0; t < 32; ++t)
      ASSERT_EQ(result[b * 32 + t], 100 * ((b % 4 + 1) % 4) + t);
}

TEST(Cuda, TmaWgmmaGemm) {
  TestDevice device;
  uint32_t m = 128, n = 192, k = 256;
  auto bf16 = [](float x) {
    return uint16_t(std::bit_cast<uint32_t>(x) >> 16);
  };
  std::vector<uint16_t> a(m * k), b(n * k);
  std::vector<float> fa(m * k), fb(n * k);
  for (uint32_t i = 0; i < m * k; ++i)
    a[i] = bf16(fa[i] = float(int(i * 7 % 13) - 6));
  for (uint32_t i = 0; i < n * k; ++i)
    b[i] = bf16(fb[i] = float(int(i * 5 % 11) - 5));
  DeviceAddress pa = device.upload(a), pb = device.upload(b),
                pc = device.upload(std::vector<float>(m * n));
  auto map = [&](DeviceAddress address, uint32_t rows) {
    TensorMapSpec spec;
    spec.rank = 2;
    spec.address = address;
    spec.dims = {k, rows};
    spec.strides = {uint64_t(k) * 2};
    spec.box = {64, 64};
    spec.swizzle = Swizzle::B128;
    return *device.device->encodeTensorMap(spec);
  };
  LaunchConfig config;
  config.grid = {n / 64, m / 64, 1};
  config.block.x = 128;
  config.dynamicSharedBytes = 16384;
  ASSERT_EQ(device.run(ptxOf("gemm"), "gemm", config,
                       {map(pa, m), map(pb, n), pc, n, k / 64}),
            "");
  auto c = device.download<float>(pc, m * n);
  for (uint32_t i = 0; i < m; ++i)
    for (uint32_t j = 0; j < n; ++j) {
      float sum = 0;
      for (uint32_t l = 0; l < k; ++l)
        sum += fa[i * k + l] * fb[j * k + l];
      ASSERT_EQ(c[i * n + j], sum) << i << "," << j;
    }
}

} // namespace
