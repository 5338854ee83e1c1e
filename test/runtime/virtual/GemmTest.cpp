//===- GemmTest.cpp - A warp-specialized GEMM in PTX ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

uint16_t bf16(float x) { return uint16_t(std::bit_cast<uint32_t>(x) >> 16); }

struct Gemm {
  uint32_t m, n, k;
  std::vector<uint16_t> a, b;

  Gemm(uint32_t m, uint32_t n, uint32_t k) : m(m), n(n), k(k) {
    // Small integers: every sum is exact.
    for (uint32_t i = 0; i < m * k; ++i)
      a.push_back(bf16(float(int(i * 7 % 13) - 6)));
    for (uint32_t i = 0; i < n * k; ++i)
      b.push_back(bf16(float(int(i * 5 % 11) - 5)));
  }
  float expected(uint32_t row, uint32_t column) const {
    float sum = 0;
    for (uint32_t i = 0; i < k; ++i)
      sum += std::bit_cast<float>(uint32_t(a[row * k + i]) << 16) *
             std::bit_cast<float>(uint32_t(b[column * k + i]) << 16);
    return sum;
  }
};

TensorMap tileMap(TestDevice &device, DeviceAddress address, uint32_t rows,
                  uint32_t columns) {
  TensorMapSpec spec;
  spec.type = TensorMapType::BF16;
  spec.rank = 2;
  spec.address = address;
  spec.dims = {columns, rows};
  spec.strides = {uint64_t(columns) * 2};
  spec.box = {64, 128};
  spec.swizzle = Swizzle::B128;
  auto map = device.device->encodeTensorMap(spec);
  EXPECT_TRUE(map) << map.error().message;
  return *map;
}

/// Runs the kernel; the error, or "" after checking the result.
std::string runGemm(const Gemm &gemm, const std::string &ptx,
                    const std::string &name, bool check = true,
                    uint32_t sampling = 1,
                    VirtualDeviceOptions options = {.stepBudget = 1 << 24}) {
  TestDevice device(options);
  DeviceAddress a = device.upload(gemm.a), b = device.upload(gemm.b);
  DeviceAddress c = device.upload(std::vector<float>(gemm.m * gemm.n, NAN));
  LaunchConfig config;
  config.grid = {gemm.n / 128, gemm.m / 128, 1};
  config.block.x = 384;
  config.dynamicSharedBytes = 65536;
  std::string error =
      device.run(ptx, "gemm", config,
                 {tileMap(device, a, gemm.m, gemm.k),
                  tileMap(device, b, gemm.n, gemm.k), c, gemm.n, gemm.k / 64},
                 name);
  if (!error.empty() || !check)
    return error;
  auto result = device.download<float>(c, gemm.m * gemm.n);
  for (uint32_t row = 0; row < gemm.m; row += sampling)
    for (uint32_t column = 0; column < gemm.n; column += sampling)
      if (result[row * gemm.n + column] != gemm.expected(row, column))
        return fmt::format("C[{},{}] is {}, expected {}", row, column,
                           result[row * gemm.n + column],
                           gemm.expected(row, column));
  return "";
}

std::string gemmText() { return readFile(HEDDLE_TEST_PTX "/gemm_ws.ptx"); }

std::string replaced(std::string text, const std::string &from,
                     const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Gemm, WarpSpecializedRing) {
  EXPECT_EQ(runGemm(Gemm(128, 128, 64), gemmText(), "gemm_ws.ptx"), "");
  EXPECT_EQ(runGemm(Gemm(256, 384, 320), gemmText(), "gemm_ws.ptx"), "");
}

TEST(Gemm, ThousandCubed) {
  EXPECT_EQ(
      runGemm(Gemm(1024, 1024, 1024), gemmText(), "gemm_ws.ptx", true, 37), "");
}

TEST(Gemm, MissingFullWaitGivesWrongData) {
  std::string text = replaced(gemmText(), "@!%q bra \twait_full;", "");
  text = replaced(text,
                  "wait_full:\n\tmbarrier.try_wait.parity.shared::cta.b64 "
                  "\t%q, [%bar], %phase;",
                  "");
  EXPECT_NE(runGemm(Gemm(128, 128, 256), text, "gemm_ws.ptx", true, 1,
                    {.stepBudget = 1 << 24,
                     .schedule = {.kind = Schedule::Kind::Lazy}}),
            "");
}

TEST(Gemm, MissingWgmmaWaitIsAFault) {
  std::string text =
      replaced(gemmText(), "wgmma.wait_group.sync.aligned \t0;", "");
  std::string error = runGemm(Gemm(128, 128, 64), text, "gemm_ws.ptx");
  EXPECT_NE(error.find("register belongs to a wgmma in flight"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("(consumer)"), std::string::npos) << error;
}

TEST(Gemm, WrongBytesHang) {
  std::string text =
      replaced(gemmText(), "_, [%bar], 32768", "_, [%bar], 32784");
  std::string error = runGemm(Gemm(128, 128, 128), text, "gemm_ws.ptx");
  EXPECT_NE(error.find("hangs"), std::string::npos) << error;
  EXPECT_NE(error.find("16 bytes outstanding"), std::string::npos) << error;
  EXPECT_NE(error.find("warp 0 (consumer)"), std::string::npos) << error;
  EXPECT_NE(error.find("wait"), std::string::npos) << error;
}

TEST(Gemm, WrongParityHangs) {
  std::string text =
      replaced(gemmText(), "mov.u32 \t%phase, 1;", "mov.u32 \t%phase, 0;");
  std::string error = runGemm(Gemm(128, 128, 128), text, "gemm_ws.ptx");
  EXPECT_NE(error.find("warp 8 (producer)"), std::string::npos) << error;
  EXPECT_NE(error.find("waits for parity 0"), std::string::npos) << error;
}

TEST(Gemm, MissingReleaseHangs) {
  std::string text = replaced(
      gemmText(), "@%p mbarrier.arrive.shared::cta.b64 \t_, [%bar];", "");
  std::string error = runGemm(Gemm(128, 128, 256), text, "gemm_ws.ptx");
  EXPECT_NE(error.find("hangs"), std::string::npos) << error;
  EXPECT_NE(error.find("2 of 2 arrivals pending"), std::string::npos) << error;
}

/// What the sanitizer says of a GEMM: "kind cause", each once.
std::string findingsIn(const std::string &ptx) {
  std::string text;
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 24;
  options.sanitize = SanitizeLevel::Full;
  options.onReport = [&](const LaunchReport &report) {
    for (const Finding &finding : report.findings) {
      std::string one =
          fmt::format("{} {}", getName(finding.kind), getName(finding.cause));
      if (text.find(one) == std::string::npos)
        text += (text.empty() ? "" : "; ") + one;
    }
  };
  runGemm(Gemm(256, 128, 512), ptx, "gemm_ws.ptx", /*check=*/false, 1, options);
  return text;
}

TEST(Gemm, SanitizerFindsWhatIsMissing) {
  EXPECT_EQ(findingsIn(gemmText()), "");
  const std::string wait = "wgmma.wait_group.sync.aligned \t0;",
                    arrive = "@%p mbarrier.arrive.shared::cta.b64 \t_, [%bar];";
  // The stage goes back to the producer before it has been read.
  std::string early = replaced(gemmText(), wait, "");
  early = replaced(early, arrive, arrive + "\n" + wait);
  EXPECT_NE(findingsIn(early).find("race early-release"), std::string::npos);
  // Nobody waits for the data.
  std::string text = replaced(gemmText(), "@!%q bra \twait_full;", "");
  text = replaced(text,
                  "wait_full:\n\tmbarrier.try_wait.parity.shared::cta.b64 "
                  "\t%q, [%bar], %phase;",
                  "");
  EXPECT_NE(findingsIn(text).find("race missing-wait"), std::string::npos)
      << findingsIn(text);
  // Nobody waits for the stage to be free: the producer arrives too often.
  text = replaced(gemmText(), "@!%q bra \twait_empty;", "");
  text = replaced(text,
                  "wait_empty:\n\tmbarrier.try_wait.parity.shared::cta.b64 "
                  "\t%q, [%bar], %phase;",
                  "");
  EXPECT_NE(findingsIn(text), "");
  EXPECT_NE(findingsIn(replaced(gemmText(), "wgmma.fence.sync.aligned;", ""))
                .find("wgmma-registers"),
            std::string::npos);
  EXPECT_NE(findingsIn(replaced(gemmText(), "[%bar], 32768", "[%bar], 16384"))
                .find("barrier-misuse transaction-bytes"),
            std::string::npos);
}

} // namespace
