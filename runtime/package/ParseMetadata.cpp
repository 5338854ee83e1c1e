//===- ParseMetadata.cpp - From JSON to a program -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonValue.h"
#include "Metadata.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using package::JsonValue;

/// Limits on what would take long to check or to look up.
static constexpr size_t maxKernels = 4096, maxPlans = 4096, maxLaunches = 65536,
                        maxSizes = 256;
static constexpr size_t any = std::numeric_limits<size_t>::max();

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static ElementType parseType(const JsonValue &value) {
  return ElementType(value.getOneOf(size_t(ElementType::F64) + 1, [](size_t i) {
    return getName(ElementType(i));
  }));
}

static IndexOp parseOp(const JsonValue &value) {
  return IndexOp(value.getOneOf(size_t(IndexOp::ZeroExtend) + 1,
                                [](size_t i) { return getName(IndexOp(i)); }));
}

static TensorMapType parseTensorMapType(const JsonValue &value) {
  return TensorMapType(
      value.getOneOf(size_t(TensorMapType::TF32Ftz) + 1,
                     [](size_t i) { return name(TensorMapType(i)); }));
}

static Access parseAccess(const JsonValue &value) {
  return Access(value.getOneOf(size_t(Access::InOut) + 1,
                               [](size_t i) { return getName(Access(i)); }));
}

static std::string parseString(const JsonValue &value) {
  return value.getString();
}
static uint32_t parseNumber(const JsonValue &value) {
  return value.getInteger<uint32_t>(0);
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

static BufferPlan parseBuffer(const JsonValue &value,
                              const std::vector<std::string> &sizes) {
  auto parseExtent = [&](const JsonValue &extent) -> Extent {
    if (!extent.isString())
      return {false, extent.getInteger<int64_t>(0)};
    auto found = std::find(sizes.begin(), sizes.end(), extent.getString());
    if (found == sizes.end())
      extent.fail("an integer or one of the sizes");
    return {true, found - sizes.begin()};
  };
  BufferPlan buffer;
  buffer.name = value["name"].getString();
  buffer.type = parseType(value["type"]);
  buffer.access = parseAccess(value["access"]);
  buffer.extents = value["extents"].getArray(0, any, parseExtent);
  return buffer;
}

static Instruction parseInstruction(const JsonValue &value) {
  Instruction instruction;
  instruction.op = parseOp(value["op"]);
  instruction.resultBits = value["bits"].getInteger<uint8_t>(1, 64);
  if (instruction.op == IndexOp::Constant) {
    instruction.constant = value["value"].getInteger<uint64_t>(0);
    return instruction;
  }
  instruction.operandBits = value["operand_bits"].getInteger<uint8_t>(1, 64);
  size_t count = getOperandCount(instruction.op);
  std::vector<uint32_t> operands =
      value["operands"].getArray(count, count, parseNumber);
  std::copy(operands.begin(), operands.end(), instruction.operands.begin());
  if (isDivision(instruction.op))
    instruction.location = value["location"].getString();
  return instruction;
}

static CheckPlan parseCheck(const JsonValue &value) {
  CheckPlan check;
  check.condition = parseNumber(value["condition"]);
  check.message = value["message"].getString();
  check.location = value["location"].getString();
  return check;
}

static ScratchPlan parseScratch(const JsonValue &value) {
  ScratchPlan scratch;
  scratch.type = parseType(value["type"]);
  scratch.extents = value["extents"].getArray(0, any, parseNumber);
  scratch.location = value["location"].getString();
  return scratch;
}

static LaunchArgument parseArgument(const JsonValue &value) {
  bool isBuffer = value.has("buffer");
  return {isBuffer, parseNumber(value[isBuffer ? "buffer" : "value"])};
}

static Launch parseLaunch(const JsonValue &value) {
  Launch launch;
  launch.kernel = value["kernel"].getString();
  launch.grid = value["grid"].getArray(1, 3, parseNumber);
  launch.arguments = value["arguments"].getArray(0, any, parseArgument);
  launch.location = value["location"].getString();
  return launch;
}

static LaunchPlan parsePlan(const JsonValue &value) {
  LaunchPlan plan;
  plan.name = value["name"].getString();
  plan.sizes = value["sizes"].getArray(0, maxSizes, parseString);
  plan.buffers =
      value["buffers"].getArray(0, any, [&](const JsonValue &buffer) {
        return parseBuffer(buffer, plan.sizes);
      });
  plan.instructions = value["instructions"].getArray(0, any, parseInstruction);
  plan.checks = value["checks"].getArray(0, any, parseCheck);
  plan.scratch = value["scratch"].getArray(0, any, parseScratch);
  plan.launches = value["launches"].getArray(0, maxLaunches, parseLaunch);
  return plan;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static KernelParameter parseParameter(const JsonValue &value) {
  auto parseExtent = [](const JsonValue &extent) {
    return extent.getInteger<int64_t>(-1);
  };
  KernelParameter parameter;
  parameter.type = parseType(value["type"]);
  parameter.isView = value.has("extents");
  if (parameter.isView) {
    parameter.extents = value["extents"].getArray(0, any, parseExtent);
    parameter.strides = value["strides"].getArray(0, any, parseExtent);
  }
  return parameter;
}

static TensorMapPlan parseTensorMap(const JsonValue &value) {
  TensorMapPlan map;
  map.argument = parseNumber(value["argument"]);
  map.box = value["box"].getArray(0, any, parseNumber);
  // A span that there is not is refused with the rest of the program.
  map.swizzle = Swizzle(value["swizzle"].getInteger<uint8_t>(0));
  map.type = parseTensorMapType(value["type"]);
  return map;
}

static KernelEntry parseKernel(const JsonValue &value) {
  KernelEntry kernel;
  kernel.entry = value["entry"].getString();
  kernel.threads = parseNumber(value["threads"]);
  kernel.sharedBytes = parseNumber(value["shared_bytes"]);
  std::vector<uint32_t> cluster = value["cluster"].getArray(3, 3, parseNumber);
  if (cluster.size() == 3)
    kernel.cluster = {cluster[0], cluster[1], cluster[2]};
  kernel.cooperative = value["cooperative"].getBool();
  kernel.persistent = value["persistent"].getBool();
  kernel.unordered = value["unordered"].getBool();
  kernel.fallback = value["fallback"].getString();
  kernel.parameters = value["parameters"].getArray(0, any, parseParameter);
  kernel.tensorMaps = value["tensor_maps"].getArray(0, any, parseTensorMap);
  kernel.location = value["location"].getString();
  return kernel;
}

static KernelResources parseResources(const JsonValue &value) {
  KernelResources resources;
  resources.entry = value["entry"].getString();
  resources.arch = value["arch"].getString();
  resources.registers = parseNumber(value["registers"]);
  resources.staticSharedBytes = parseNumber(value["static_shared_bytes"]);
  resources.spillStoreBytes = parseNumber(value["spill_store_bytes"]);
  resources.spillLoadBytes = parseNumber(value["spill_load_bytes"]);
  return resources;
}

static SourceFile parseSource(const JsonValue &value) {
  return {value["name"].getString(), value["hash"].getString()};
}

Expected<PackageInfo> package::parseMetadata(std::string_view text) {
  Expected<nlohmann::json> json = parseJson(text);
  if (!json)
    return tl::unexpected(json.error());
  std::optional<std::string> problem;
  JsonValue value(*json, problem);
  PackageInfo info;
  info.producer = value["producer"].getString();
  info.target = value["target"].getString();
  info.program.plans = value["hosts"].getArray(0, maxPlans, parsePlan);
  info.program.kernels = value["kernels"].getArray(0, maxKernels, parseKernel);
  info.resources = value["resources"].getArray(0, any, parseResources);
  info.sources = value["sources"].getArray(0, any, parseSource);
  if (problem)
    return makeError(ErrorKind::InvalidInput, "{}", *problem);
  return info;
}
