//===- LaunchSpecTest.cpp - Launch specifications, right and wrong --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/LaunchSpec.h"

#include "ptx/Parser.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace heddle;

namespace {

constexpr const char *text = R"(.version 8.0
.target sm_90a
.address_size 64
.const .align 4 .b8 table[8];
.visible .entry scale(.param .u64 x, .param .u32 n, .param .f32 factor)
{ ret; }
.visible .entry mapped(.param .align 64 .b8 map[128], .param .align 8 .b8 pair[16])
.reqntid 128, 1, 1
{ ret; }
)";

vgpu::PtxModule parseModule(const char *ptx = text) {
  Expected<vgpu::PtxModule> module = vgpu::parsePtx(ptx, "k.ptx");
  EXPECT_TRUE(module) << module.error().message;
  return *module;
}

Expected<LaunchSpec> parse(const std::string &json,
                           const NamedSizes &sizes = {}) {
  return parseLaunchSpec(json, "s.json", parseModule(), sizes);
}

std::string problem(const std::string &json, const NamedSizes &sizes = {}) {
  Expected<LaunchSpec> spec = parse(json, sizes);
  EXPECT_FALSE(spec);
  return spec ? "" : spec.error().message;
}

/// The message for a launch of `scale` with other members.
std::string scaleProblem(const std::string &members,
                         const std::string &buffers = "") {
  return problem(R"({"sizes": {"N": 10}, "buffers": {"x": {"type": "f32", )"
                 R"("shape": ["N"])" +
                 buffers + R"(}}, "kernel": "scale", )" + members + "}");
}

template <typename T>
T read(const std::vector<std::byte> &bytes, size_t at = 0) {
  T value;
  EXPECT_LE(at + sizeof(T), bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

TEST(LaunchSpec, OneLaunch) {
  Expected<LaunchSpec> spec = parse(
      R"JSON({"sizes": {"N": 100, "M": "2 * N"},
          "buffers": {"x": {"type": "bf16", "shape": ["N", "M", 3],
                            "init": "random:7", "output": "out.npy",
                            "tolerance": {"relative": 0.5}}},
          "kernel": "scale", "grid": ["ceildiv(N, 16)", 2], "block": 64,
          "cluster": [1], "sharedBytes": "N * 4", "cooperative": true,
          "arguments": ["x", "N - 1", 2.5]})JSON",
      {{"N", 40}});
  ASSERT_TRUE(spec) << spec.error().message;
  ASSERT_EQ(spec->buffers.size(), 1u);
  const SpecBuffer &buffer = spec->buffers[0];
  EXPECT_EQ(buffer.array.shape, (std::vector<int64_t>{40, 80, 3}));
  EXPECT_EQ(buffer.array.type, ElementType::BF16);
  EXPECT_EQ(buffer.init.seed, 7u);
  EXPECT_EQ(buffer.output, "out.npy");
  EXPECT_EQ(buffer.absolute, 0);
  EXPECT_EQ(buffer.relative, 0.5);
  const SpecLaunch &launch = spec->launches.at(0);
  EXPECT_EQ(launch.config.grid.x, 3u);
  EXPECT_EQ(launch.config.grid.y, 2u);
  EXPECT_EQ(launch.config.grid.z, 1u);
  EXPECT_EQ(launch.config.block.x, 64u);
  EXPECT_EQ(launch.config.dynamicSharedBytes, 160u);
  EXPECT_TRUE(launch.config.cooperative);
  ASSERT_EQ(launch.arguments.size(), 1u);
  const std::vector<SpecArgument> &arguments = launch.arguments[0];
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[0].addresses.at(0).buffer, 0u);
  EXPECT_EQ(read<int32_t>(arguments[1].bytes), 39);
  EXPECT_EQ(read<float>(arguments[2].bytes), 2.5f);
  EXPECT_TRUE(spec->foreign);
}

TEST(LaunchSpec, SizesInAnyOrder) {
  Expected<LaunchSpec> spec = parse(
      R"({"sizes": {"A": "B + 1", "B": "C * 2", "C": 3}, "kernel": "scale",
          "block": "A", "arguments": [0, 0, 0]})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->launches.at(0).config.block.x, 7u);
  EXPECT_EQ(problem(R"({"sizes": {"A": "B", "B": "A"}})"),
            "s.json: sizes.A: 'B': there is no size 'B'; there are none");
}

TEST(LaunchSpec, TensorMapsAndStructs) {
  Expected<LaunchSpec> spec = parse(
      R"({"buffers": {"x": {"type": "f16", "shape": [12, 64], "init": "iota"}},
          "globals": {"table": {"type": "f32", "value": [1, 2]}},
          "launches": [{"kernel": "mapped", "arguments": [
            {"tensorMap": {"buffer": "x", "box": [32, 4], "swizzle": "64B",
                           "fill": "nan", "offset": 128}},
            {"struct": [{"type": "u8", "value": 255},
                        {"buffer": "x", "offset": 4}]}]}]})");
  ASSERT_TRUE(spec) << spec.error().message;
  const SpecLaunch &launch = spec->launches.at(0);
  EXPECT_EQ(launch.config.block.x, 128u);
  const SpecArgument::Map &map = launch.arguments.at(0).at(0).maps.at(0);
  EXPECT_EQ(map.spec.type, TensorMapType::F16);
  EXPECT_EQ(map.spec.rank, 2u);
  EXPECT_EQ(map.spec.dims[0], 64u);
  EXPECT_EQ(map.spec.dims[1], 12u);
  EXPECT_EQ(map.spec.strides[0], 128u);
  EXPECT_EQ(map.spec.box[1], 4u);
  EXPECT_EQ(map.spec.swizzle, Swizzle::B64);
  EXPECT_EQ(map.spec.fill, TensorMapFill::NaN);
  EXPECT_EQ(map.offset, 128u);
  const SpecArgument &pair = launch.arguments.at(0).at(1);
  EXPECT_EQ(pair.bytes.size(), 16u);
  EXPECT_EQ(read<uint8_t>(pair.bytes), 255);
  EXPECT_EQ(pair.addresses.at(0).at, 8u);
  EXPECT_EQ(pair.addresses.at(0).offset, 4u);
  EXPECT_EQ(read<float>(spec->globals.at(0).value.bytes, 4), 2.f);
}

TEST(LaunchSpec, SeveralDevices) {
  Expected<LaunchSpec> spec = parse(
      R"({"sizes": {"D": 3},
          "buffers": {"x": {"type": "f32", "shape": 4},
                      "y": {"type": "f32", "shape": 4}},
          "kernel": "scale", "block": 32, "devices": "D", "arguments": [
            {"perDevice": ["x", "y", {"buffer": "x", "offset": 8}]},
            {"perDevice": [0, "D", 2]}, 2.5]})");
  ASSERT_TRUE(spec) << spec.error().message;
  const auto &arguments = spec->launches.at(0).arguments;
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[1].at(0).addresses.at(0).buffer, 1u);
  EXPECT_EQ(arguments[2].at(0).addresses.at(0).offset, 8u);
  EXPECT_EQ(read<int32_t>(arguments[0].at(1).bytes), 0);
  EXPECT_EQ(read<int32_t>(arguments[1].at(1).bytes), 3);
  for (const auto &each : arguments)
    EXPECT_EQ(read<float>(each.at(2).bytes), 2.5f);

  auto withDevices = [](const std::string &devices, const std::string &first) {
    return problem(R"({"kernel": "scale", "block": 32, "devices": )" + devices +
                   R"(, "arguments": [0, )" + first + ", 0]}");
  };
  EXPECT_EQ(withDevices("0", "1"),
            "s.json: devices: expected an integer in 1..16, found 0");
  EXPECT_EQ(withDevices("17", "1"),
            "s.json: devices: expected an integer in 1..16, found 17");
  EXPECT_EQ(withDevices("1", R"({"perDevice": [1]})"),
            "s.json: arguments[1].perDevice: expected \"devices\" of the "
            "launch to say how many there are, 2 or more");
  EXPECT_EQ(withDevices("3", R"({"perDevice": [1, 2]})"),
            "s.json: arguments[1].perDevice: expected an array of 3, found an "
            "array of 2");
  EXPECT_EQ(withDevices("2", R"({"perDevice": [1, "y"]})"),
            "s.json: arguments[1].perDevice[1]: 'y': there is no size 'y'; "
            "there are none");
  EXPECT_EQ(withDevices("2", R"({"perDevice": [1, {"bytes": "00"}]})"),
            "s.json: arguments[1].perDevice[1]: expected 4 bytes for "
            "parameter 'n', found 1");
}

TEST(LaunchSpec, Multicast) {
  const std::string buffers =
      R"({"buffers": {"x": {"type": "f32", "shape": 4},
                      "y": {"type": "i32", "shape": [2, 2]},
                      "z": {"type": "f32", "shape": 5},
                      "none": {"type": "f32", "shape": 0}},
          "kernel": "scale", "block": 1, "devices": 2, "arguments": [)";
  Expected<LaunchSpec> spec =
      parse(buffers + R"({"multicast": ["y", "x"], "offset": 8}, 0, 0]})");
  ASSERT_TRUE(spec) << spec.error().message;
  for (const auto &arguments : spec->launches.at(0).arguments) {
    const SpecArgument::Multicast &found = arguments[0].multicasts.at(0);
    EXPECT_EQ(found.buffers, (std::vector<size_t>{2, 1}));
    EXPECT_EQ(found.offset, 8u);
    EXPECT_EQ(arguments[0].bytes.size(), 8u);
  }
  auto with = [&](const std::string &members) {
    return problem(buffers + R"({"multicast": )" + members + "}, 0, 0]}");
  };
  EXPECT_EQ(with(R"(["x", "w"])"),
            "s.json: arguments[0].multicast[1]: there is no buffer 'w'; there "
            "are none, x, y, z");
  EXPECT_EQ(with(R"(["x", "z"])"),
            "s.json: arguments[0].multicast: expected buffers of equal size, 1 "
            "byte or more; 'x' has 16 bytes and 'z' 20");
  EXPECT_EQ(with(R"(["none"])"),
            "s.json: arguments[0].multicast: expected buffers of equal size, 1 "
            "byte or more; 'none' has 0 bytes and 'none' 0");
  EXPECT_EQ(with(R"(["x", "x"])"),
            "s.json: arguments[0].multicast: expected a buffer for each "
            "device, found 'x' twice");
  EXPECT_EQ(with("[]"), "s.json: arguments[0].multicast: expected an array of "
                        "1 to 16, found an array of 0");
}

TEST(LaunchSpec, Contents) {
  auto fill = [](ElementType type, const std::string &init) {
    Expected<LaunchSpec> spec =
        parse(R"({"buffers": {"x": {"type": ")" + std::string(getName(type)) +
              R"(", "shape": [3], )" + init + R"(}}, "kernel": "scale",
            "block": 1, "arguments": ["x", 1, 1]})");
    EXPECT_TRUE(spec) << spec.error().message;
    HostArray array = spec->buffers.at(0).array;
    Expected<void> done = fillContents(array, spec->buffers.at(0).init);
    EXPECT_TRUE(done) << done.error().message;
    return array.bytes;
  };
  EXPECT_EQ(read<int16_t>(fill(ElementType::I16, R"("init": "iota")"), 4), 2);
  EXPECT_EQ(read<float>(fill(ElementType::F32, R"("init": -1.5)"), 8), -1.5f);
  EXPECT_EQ(read<int32_t>(fill(ElementType::I32, R"("init": [1, -2, 3])"), 4),
            -2);
  auto bytes = fill(ElementType::I8, R"("init": "random:3", "range": [5, 6])");
  for (std::byte byte : bytes)
    EXPECT_TRUE(byte == std::byte(5) || byte == std::byte(6));
  EXPECT_TRUE(fill(ElementType::F32, R"("output": "o.npy")").empty());
}

TEST(LaunchSpec, ProblemsNameTheirPlace) {
  EXPECT_EQ(problem("{"), "s.json: expected JSON, found an error at byte 2");
  EXPECT_EQ(problem("[]"), "s.json: expected an object, found an array of 0");
  EXPECT_EQ(problem(R"({"kernel": "other"})"),
            "s.json: kernel: 'k.ptx' has no kernel 'other'; it has scale, "
            "mapped");
  EXPECT_EQ(problem(R"({"block": 1})"),
            "s.json: expected a kernel, one of scale, mapped");
  EXPECT_EQ(
      problem(R"({"launches": [{"kernel": "scale", "gird": 1}]})"),
      "s.json: launches[0]: unknown member \"gird\"; expected kernel, "
      "grid, block, cluster, sharedBytes, cooperative, devices, arguments");
  EXPECT_EQ(problem(R"({"launches": [], "kernel": "scale"})"),
            "s.json: unknown member \"kernel\"; expected sizes, buffers, "
            "globals, foreign, launches");
  EXPECT_EQ(problem(R"({"kernel": "scale", "block": 1})", {{"N", 1}}),
            "s.json: --size N: there is no such size");
  EXPECT_EQ(scaleProblem(R"("block": [1, 2, 3, 4])"),
            "s.json: block: expected an array of 1 to 3, found an array of 4");
  EXPECT_EQ(scaleProblem(R"("block": [1, "Q"])"),
            "s.json: block[1]: 'Q': there is no size 'Q'; there are N");
  EXPECT_EQ(scaleProblem(R"("grid": -1)"),
            "s.json: grid: expected an integer in 0..4294967295, found -1");
  EXPECT_EQ(scaleProblem(R"("grid": "N * 1000000000")"),
            "s.json: grid: expected an integer in 0..4294967295, found "
            "10000000000");
}

TEST(LaunchSpec, ProblemsOfBuffers) {
  auto bufferProblem = [](const std::string &members) {
    return scaleProblem(R"("block": 1, "arguments": ["x", 1, 1])",
                        ", " + members);
  };
  EXPECT_EQ(bufferProblem(R"("shap": 3)"),
            "s.json: buffers.x: unknown member \"shap\"; expected type, shape, "
            "init, range, output, expected, tolerance");
  EXPECT_EQ(bufferProblem(R"("init": "ones")"),
            "s.json: buffers.x.init: expected zeros, iota, random[:SEED], a "
            ".npy file, a number or an array of all elements, found \"ones\"");
  EXPECT_EQ(bufferProblem(R"("init": [1, 2])"),
            "s.json: buffers.x.init: expected an array of 10, found an array "
            "of 2");
  EXPECT_EQ(bufferProblem(R"("init": "zeros", "range": [0, 1])"),
            "s.json: buffers.x.range: expected init to be random");
  EXPECT_EQ(bufferProblem(R"("tolerance": -1)"),
            "s.json: buffers.x.tolerance: expected a number of 0 or more, "
            "found -1");
  EXPECT_EQ(problem(R"({"buffers": {"x": {"type": "f31", "shape": 1}}})"),
            "s.json: buffers.x.type: expected a type such as i32, u8, f16, "
            "bf16, f32, f64, f8E4M3FN or f8E5M2, found 'f31'");
  EXPECT_EQ(problem(R"({"buffers": {"x": {"type": "f32",
                       "shape": [4000000000, 4000000000, 4000000000]}}})"),
            "s.json: buffers.x.shape: expected a buffer of at most "
            "4398046511104 bytes");
}

TEST(LaunchSpec, ProblemsOfArguments) {
  auto argumentProblem = [](const std::string &arguments) {
    return scaleProblem(R"("block": 1, "arguments": [)" + arguments + "]");
  };
  EXPECT_EQ(argumentProblem(R"("x", 1)"),
            "s.json: arguments: expected 3 for the parameters (x, n, factor), "
            "found 2");
  EXPECT_EQ(argumentProblem(R"("y", 1, 1)"),
            "s.json: arguments[0]: 'y': there is no size 'y'; there are N");
  EXPECT_EQ(argumentProblem(R"({"buffer": "y"}, 1, 1)"),
            "s.json: arguments[0].buffer: there is no buffer 'y'; there are x");
  EXPECT_EQ(
      argumentProblem(R"("x", {"type": "i64", "value": 1}, 1)"),
      "s.json: arguments[1]: expected 4 bytes for parameter 'n', found 8");
  EXPECT_EQ(argumentProblem(R"("x", 1.5, 1)"),
            "s.json: arguments[1]: expected an integer in "
            "-2147483648..4294967295, found 1.5");
  EXPECT_EQ(argumentProblem(R"("x", {"bytes": "00ff1"}, 1)"),
            "s.json: arguments[1].bytes: expected an even number of "
            "hexadecimal digits, found \"00ff1\"");
  EXPECT_EQ(argumentProblem(R"("x", {}, 1)"),
            "s.json: arguments[1]: expected one of the members buffer, type, "
            "tensorMap, multicast, struct and bytes");
  auto mapProblem = [](const std::string &members) {
    return problem(R"({"buffers": {"x": {"type": "f32", "shape": [4, 8]}},
                       "kernel": "mapped", "arguments": [
                       {"tensorMap": {"buffer": "x", )" +
                   members + R"(}}, {"bytes": ""}]})");
  };
  EXPECT_EQ(mapProblem(R"("box": [4])"),
            "s.json: arguments[0].tensorMap.box: expected an array of 2, found "
            "an array of 1");
  EXPECT_EQ(mapProblem(R"("box": [4, 4], "swizzle": "256B")"),
            "s.json: arguments[0].tensorMap.swizzle: expected one of none, "
            "32B, 64B, 128B, found \"256B\"");
  EXPECT_EQ(mapProblem(R"("box": [4, 4], "rank": 3)"),
            "s.json: arguments[0].tensorMap.rank: expected 2, the number of "
            "dims");
  EXPECT_EQ(mapProblem(R"("box": [4, 4])"),
            "s.json: arguments[1]: expected 16 bytes for parameter 'pair', "
            "found 0");
}

TEST(LaunchSpec, StarterSpecIsOne) {
  vgpu::PtxModule module = parseModule();
  Expected<LaunchSpec> spec =
      parseLaunchSpec(formatStarterSpec(module), "s.json", module, {});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->launches.size(), 2u);
}

} // namespace
