//===- FormatMetadata.cpp - From a program to JSON ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Metadata.h"

#include <nlohmann/json.hpp>

using namespace heddle;
using nlohmann::json;

template <typename T, typename Fn>
static json toArray(const std::vector<T> &items, Fn format) {
  json array = json::array();
  for (const T &item : items)
    array.push_back(format(item));
  return array;
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

static json formatBuffer(const BufferPlan &buffer, const LaunchPlan &plan) {
  auto formatExtent = [&](const Extent &extent) {
    return extent.isSize ? json(plan.sizes[extent.value]) : json(extent.value);
  };
  return {{"name", buffer.name},
          {"type", getName(buffer.type)},
          {"access", getName(buffer.access)},
          {"extents", toArray(buffer.extents, formatExtent)}};
}

static json formatInstruction(const Instruction &instruction) {
  json result = {{"op", getName(instruction.op)},
                 {"bits", instruction.resultBits}};
  if (instruction.op == IndexOp::Constant) {
    result["value"] = instruction.constant;
    return result;
  }
  result["operand_bits"] = instruction.operandBits;
  json operands = json::array();
  for (size_t i = 0; i < getOperandCount(instruction.op); ++i)
    operands.push_back(instruction.operands[i]);
  result["operands"] = std::move(operands);
  if (isDivision(instruction.op))
    result["location"] = instruction.location;
  return result;
}

static json formatCheck(const CheckPlan &check) {
  return {{"condition", check.condition},
          {"message", check.message},
          {"location", check.location}};
}

static json formatScratch(const ScratchPlan &scratch) {
  return {{"type", getName(scratch.type)},
          {"extents", scratch.extents},
          {"location", scratch.location}};
}

static json formatLaunch(const Launch &launch) {
  auto formatArgument = [](const LaunchArgument &argument) {
    return json{{argument.isBuffer ? "buffer" : "value", argument.number}};
  };
  return {{"kernel", launch.kernel},
          {"grid", launch.grid},
          {"arguments", toArray(launch.arguments, formatArgument)},
          {"location", launch.location}};
}

static json formatPlan(const LaunchPlan &plan) {
  auto format = [&](const BufferPlan &buffer) {
    return formatBuffer(buffer, plan);
  };
  return {{"name", plan.name},
          {"sizes", plan.sizes},
          {"buffers", toArray(plan.buffers, format)},
          {"instructions", toArray(plan.instructions, formatInstruction)},
          {"checks", toArray(plan.checks, formatCheck)},
          {"scratch", toArray(plan.scratch, formatScratch)},
          {"launches", toArray(plan.launches, formatLaunch)}};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static json formatParameter(const KernelParameter &parameter) {
  json result = {{"type", getName(parameter.type)}};
  if (parameter.isView) {
    result["extents"] = parameter.extents;
    result["strides"] = parameter.strides;
  }
  return result;
}

static json formatTensorMap(const TensorMapPlan &map) {
  return {{"argument", map.argument},
          {"box", map.box},
          {"swizzle", uint32_t(map.swizzle)},
          {"type", name(map.type)}};
}

static json formatKernel(const KernelEntry &kernel) {
  const Dim3 &cluster = kernel.cluster;
  return {{"entry", kernel.entry},
          {"threads", kernel.threads},
          {"shared_bytes", kernel.sharedBytes},
          {"cluster", {cluster.x, cluster.y, cluster.z}},
          {"cooperative", kernel.cooperative},
          {"persistent", kernel.persistent},
          {"unordered", kernel.unordered},
          {"fallback", kernel.fallback},
          {"parameters", toArray(kernel.parameters, formatParameter)},
          {"tensor_maps", toArray(kernel.tensorMaps, formatTensorMap)},
          {"location", kernel.location}};
}

static json formatResources(const KernelResources &resources) {
  return {{"entry", resources.entry},
          {"arch", resources.arch},
          {"registers", resources.registers},
          {"static_shared_bytes", resources.staticSharedBytes},
          {"spill_store_bytes", resources.spillStoreBytes},
          {"spill_load_bytes", resources.spillLoadBytes}};
}

static json formatSource(const SourceFile &source) {
  return {{"name", source.name}, {"hash", source.hash}};
}

std::string package::formatMetadata(const PackageInfo &info) {
  json metadata = {{"producer", info.producer},
                   {"target", info.target},
                   {"hosts", toArray(info.program.plans, formatPlan)},
                   {"kernels", toArray(info.program.kernels, formatKernel)},
                   {"resources", toArray(info.resources, formatResources)},
                   {"sources", toArray(info.sources, formatSource)}};
  return metadata.dump(-1, ' ', /*ensure_ascii=*/false,
                       json::error_handler_t::replace);
}
