//===- VerifyProgram.cpp - Whether a program can be relied on -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

using namespace heddle;

/// The most dimensions of a buffer and of a tensor map.
static constexpr size_t maxRank = 8, maxMapRank = 5;
static constexpr uint32_t maxThreads = 1024, maxCluster = 16, maxBox = 256;
/// 227 KiB, what a block can have.
static constexpr uint32_t maxSharedBytes = 227 * 1024;
/// Of one kernel, since PTX 8.1.
static constexpr uint64_t maxParameterBytes = 32764;
/// How many entries can stand in for one another. Bounds recursion, and finds
/// those that stand in for themselves.
static constexpr unsigned maxFallbacks = 8;

namespace {
using KernelMap = std::unordered_map<std::string_view, const KernelEntry *>;
} // namespace

/// An error that starts with `place`.
template <typename... Args>
static tl::unexpected<Error> refuse(const std::string &place,
                                    fmt::format_string<Args...> format,
                                    Args &&...args) {
  return makeError(ErrorKind::InvalidInput, "{}: {}", place,
                   fmt::format(format, std::forward<Args>(args)...));
}

/// Names are printed and given to the driver as C strings.
static bool isName(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    return (unsigned char)c < 0x20 || c == 0x7f;
  });
}

static bool isDefined(ElementType type) { return type <= ElementType::F64; }

/// Checks that all of `items` have names, which differ.
template <typename T, typename Fn>
static Expected<void> verifyNames(const std::string &place,
                                  std::string_view what,
                                  const std::vector<T> &items, Fn getNameOf) {
  std::unordered_set<std::string_view> names;
  for (const T &item : items) {
    std::string_view name = getNameOf(item);
    if (!isName(name))
      return refuse(place, "expected every {} to have a printable name", what);
    if (!names.insert(name).second)
      return refuse(place, "two {}s are called '{}'", what, name);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static Expected<void> verifyParameter(const std::string &place, size_t i,
                                      const KernelParameter &parameter) {
  size_t rank = parameter.extents.size();
  if (!isDefined(parameter.type) || parameter.strides.size() != rank)
    return refuse(place, "parameter {}: expected one stride per extent", i);
  if (!parameter.isView && rank != 0)
    return refuse(place, "parameter {}: expected a scalar without extents", i);
  if (parameter.isView && (rank < 1 || rank > maxRank))
    return refuse(place, "parameter {}: expected a rank in 1..{}, found {}", i,
                  maxRank, rank);
  for (size_t dim = 0; dim < rank; ++dim)
    if (parameter.extents[dim] < -1 || parameter.strides[dim] < -1)
      return refuse(place,
                    "parameter {}: expected extents and strides of 0 or more, "
                    "or -1, found {} and {}",
                    i, parameter.extents[dim], parameter.strides[dim]);
  return {};
}

static Expected<void> verifyTensorMap(const std::string &place,
                                      const KernelEntry &kernel,
                                      const TensorMapPlan &map) {
  if (map.argument >= kernel.parameters.size() ||
      !kernel.parameters[map.argument].isView)
    return refuse(place,
                  "a tensor map describes argument {}, which is not a view",
                  map.argument);
  const KernelParameter &view = kernel.parameters[map.argument];
  size_t rank = view.extents.size();
  if (rank > maxMapRank || map.box.size() != rank)
    return refuse(place,
                  "the tensor map of argument {}: expected a box of the view's "
                  "rank {} and at most {}, found {}",
                  map.argument, rank, maxMapRank, map.box.size());
  for (uint32_t extent : map.box)
    if (extent < 1 || extent > maxBox)
      return refuse(place,
                    "the tensor map of argument {}: expected box extents in "
                    "1..{}, found {}",
                    map.argument, maxBox, extent);
  if (map.type > TensorMapType::TF32Ftz ||
      elementBytes(map.type) != getBytes(view.type))
    return refuse(place,
                  "the tensor map of argument {}: expected elements as wide as "
                  "those of the view, {}",
                  map.argument, getName(view.type));
  if (map.swizzle != Swizzle::None && map.swizzle != Swizzle::B32 &&
      map.swizzle != Swizzle::B64 && map.swizzle != Swizzle::B128)
    return refuse(place,
                  "the tensor map of argument {}: expected a swizzle of 0, 32, "
                  "64 or 128 bytes, found {}",
                  map.argument, uint32_t(map.swizzle));
  return {};
}

/// Checks that `fallback` takes the arguments of `kernel`.
static Expected<void> verifyFallback(const std::string &place,
                                     const KernelEntry &kernel,
                                     const KernelEntry &fallback) {
  bool same =
      std::equal(kernel.parameters.begin(), kernel.parameters.end(),
                 fallback.parameters.begin(), fallback.parameters.end(),
                 [](const KernelParameter &a, const KernelParameter &b) {
                   return a.isView == b.isView && a.type == b.type &&
                          a.extents.size() == b.extents.size();
                 });
  if (!same)
    return refuse(place,
                  "expected the fallback '{}' to take the same arguments",
                  fallback.entry);
  return {};
}

static uint64_t getParameterBytes(const KernelEntry &kernel) {
  uint64_t bytes = kernel.persistent ? 3 * 8 : 0;
  for (const KernelParameter &parameter : kernel.parameters)
    bytes += parameter.isView ? 8 + 16 * parameter.extents.size() : 8;
  return bytes + sizeof(TensorMap) * kernel.tensorMaps.size();
}

static Expected<void> verifyLimits(const std::string &place,
                                   const KernelEntry &kernel) {
  if (kernel.threads < 1 || kernel.threads > maxThreads)
    return refuse(place, "expected 1 to {} threads, found {}", maxThreads,
                  kernel.threads);
  if (kernel.sharedBytes > maxSharedBytes)
    return refuse(place, "expected at most {} bytes of shared memory, found {}",
                  maxSharedBytes, kernel.sharedBytes);
  const Dim3 &cluster = kernel.cluster;
  auto fits = [](uint32_t extent) {
    return extent >= 1 && extent <= maxCluster;
  };
  if (!fits(cluster.x) || !fits(cluster.y) || !fits(cluster.z) ||
      cluster.count() > maxCluster)
    return refuse(place, "expected a cluster of 1 to {} blocks, found {}x{}x{}",
                  maxCluster, cluster.x, cluster.y, cluster.z);
  if (uint64_t bytes = getParameterBytes(kernel); bytes > maxParameterBytes)
    return refuse(place, "expected at most {} bytes of parameters, found {}",
                  maxParameterBytes, bytes);
  return {};
}

static Expected<void> verifyKernel(const KernelMap &kernels,
                                   const KernelEntry &kernel) {
  std::string place = fmt::format("kernel '{}'", kernel.entry);
  for (size_t i = 0; i < kernel.parameters.size(); ++i)
    if (Expected<void> valid = verifyParameter(place, i, kernel.parameters[i]);
        !valid)
      return valid;
  if (Expected<void> valid = verifyLimits(place, kernel); !valid)
    return valid;
  for (const TensorMapPlan &map : kernel.tensorMaps)
    if (Expected<void> valid = verifyTensorMap(place, kernel, map); !valid)
      return valid;

  const KernelEntry *last = &kernel;
  for (unsigned steps = 0; !last->fallback.empty(); ++steps) {
    auto found = kernels.find(last->fallback);
    if (found == kernels.end())
      return refuse(place, "its fallback '{}' is not there", last->fallback);
    last = found->second;
    if (Expected<void> valid = verifyFallback(place, kernel, *last); !valid)
      return valid;
    if (steps == maxFallbacks)
      return refuse(place,
                    "its fallbacks fall back on one another more than {} times",
                    maxFallbacks);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

static Expected<void> verifyBuffer(const std::string &place,
                                   const LaunchPlan &plan,
                                   const BufferPlan &buffer) {
  size_t rank = buffer.extents.size();
  if (!isDefined(buffer.type) || rank < 1 || rank > maxRank)
    return refuse(place, "buffer '{}': expected a rank in 1..{}, found {}",
                  buffer.name, maxRank, rank);
  for (const Extent &extent : buffer.extents) {
    if (extent.value < 0)
      return refuse(place,
                    "buffer '{}': expected extents of 0 or more, found {}",
                    buffer.name, extent.value);
    if (extent.isSize && uint64_t(extent.value) >= plan.sizes.size())
      return refuse(place, "buffer '{}': expected one of {} sizes, found {}",
                    buffer.name, plan.sizes.size(), extent.value);
  }
  return {};
}

static bool isComparison(IndexOp op) {
  return op >= IndexOp::CmpEq && op <= IndexOp::CmpUge;
}
static bool isExtension(IndexOp op) {
  return op == IndexOp::SignExtend || op == IndexOp::ZeroExtend;
}

/// Checks an instruction; `bits` has the width of every value before it.
static Expected<void> verifyInstruction(const std::string &place,
                                        const Instruction &instruction,
                                        const std::vector<uint8_t> &bits) {
  std::string there = fmt::format("{}: value {}", place, bits.size());
  IndexOp op = instruction.op;
  auto isWidth = [](unsigned width) { return width >= 1 && width <= 64; };
  if (op > IndexOp::ZeroExtend || !isWidth(instruction.resultBits) ||
      !isWidth(instruction.operandBits))
    return refuse(there, "expected widths in 1..64, found {} and {}",
                  instruction.operandBits, instruction.resultBits);
  for (size_t i = 0; i < getOperandCount(op); ++i) {
    uint32_t operand = instruction.operands[i];
    if (operand >= bits.size())
      return refuse(there, "expected operands of lower numbers, found {}",
                    operand);
    unsigned width =
        op == IndexOp::Select && i == 0 ? 1 : instruction.operandBits;
    if (bits[operand] != width)
      return refuse(there, "expected operand {} to have {} bits, found {}", i,
                    width, bits[operand]);
  }
  if (op == IndexOp::Constant || isExtension(op))
    return {};
  unsigned width = isComparison(op) ? 1 : instruction.operandBits;
  if (instruction.resultBits != width)
    return refuse(there,
                  "expected the result of '{}' to have {} bits, found {}",
                  getName(op), width, instruction.resultBits);
  return {};
}

/// The width of a scalar as a value.
static unsigned getBits(ElementType type) {
  return type == ElementType::I1 ? 1 : 8 * getBytes(type);
}

static Expected<void> verifyArgument(const std::string &place,
                                     const LaunchPlan &plan, size_t number,
                                     const LaunchArgument &argument,
                                     const KernelParameter &parameter,
                                     const std::vector<uint8_t> &bits) {
  std::string there = fmt::format("{}: argument {}", place, number);
  if (argument.isBuffer != parameter.isView)
    return refuse(there, "expected {}, found {}",
                  parameter.isView ? "a buffer" : "a value",
                  argument.isBuffer ? "a buffer" : "a value");
  size_t numBuffers = plan.buffers.size();
  size_t count =
      argument.isBuffer ? numBuffers + plan.scratch.size() : bits.size();
  if (argument.number >= count)
    return refuse(there, "expected one of {} {}, found {}", count,
                  argument.isBuffer ? "buffers" : "values", argument.number);
  if (!argument.isBuffer) {
    if (bits[argument.number] != getBits(parameter.type))
      return refuse(there, "expected {}, found a value of {} bits",
                    getName(parameter.type), bits[argument.number]);
    return {};
  }
  bool isScratch = argument.number >= numBuffers;
  ElementType type = isScratch ? plan.scratch[argument.number - numBuffers].type
                               : plan.buffers[argument.number].type;
  size_t rank = isScratch
                    ? plan.scratch[argument.number - numBuffers].extents.size()
                    : plan.buffers[argument.number].extents.size();
  if (type != parameter.type || rank != parameter.extents.size())
    return refuse(there, "expected rank {} of {}, found rank {} of {}",
                  parameter.extents.size(), getName(parameter.type), rank,
                  getName(type));
  return {};
}

static Expected<void> verifyScratch(const std::string &place, size_t number,
                                    const ScratchPlan &scratch,
                                    const std::vector<uint8_t> &bits) {
  std::string there = fmt::format("{}: scratch array {}", place, number);
  size_t rank = scratch.extents.size();
  if (!isDefined(scratch.type) || rank < 1 || rank > maxRank)
    return refuse(there, "expected a rank in 1..{}, found {}", maxRank, rank);
  for (uint32_t extent : scratch.extents)
    if (extent >= bits.size() || bits[extent] != 64)
      return refuse(there,
                    "expected extents to be values of 64 bits below {}, found "
                    "value {}",
                    bits.size(), extent);
  return {};
}

static Expected<void> verifyCheck(const std::string &place, size_t number,
                                  const CheckPlan &check,
                                  const std::vector<uint8_t> &bits) {
  if (check.condition < bits.size() && bits[check.condition] == 1)
    return {};
  return refuse(fmt::format("{}: check {}", place, number),
                "expected a condition that is a value of one bit below {}, "
                "found value {}",
                bits.size(), check.condition);
}

static Expected<void> verifyLaunch(const std::string &place,
                                   const KernelMap &kernels,
                                   const LaunchPlan &plan, const Launch &launch,
                                   const std::vector<uint8_t> &bits) {
  std::string there =
      fmt::format("{}: the launch of '{}'", place, launch.kernel);
  auto found = kernels.find(launch.kernel);
  if (found == kernels.end())
    return refuse(there, "no such kernel is there");
  if (launch.grid.empty() || launch.grid.size() > 3)
    return refuse(there, "expected 1 to 3 grid extents, found {}",
                  launch.grid.size());
  for (uint32_t extent : launch.grid)
    if (extent >= bits.size() || bits[extent] != 64)
      return refuse(there,
                    "expected grid extents to be values of 64 bits below {}, "
                    "found value {}",
                    bits.size(), extent);
  const std::vector<KernelParameter> &parameters = found->second->parameters;
  if (launch.arguments.size() != parameters.size())
    return refuse(there, "expected {} arguments, found {}", parameters.size(),
                  launch.arguments.size());
  for (size_t i = 0; i < parameters.size(); ++i)
    if (Expected<void> valid = verifyArgument(
            there, plan, i, launch.arguments[i], parameters[i], bits);
        !valid)
      return valid;
  return {};
}

static Expected<void> verifyPlan(const KernelMap &kernels,
                                 const LaunchPlan &plan) {
  std::string place = fmt::format("host function '{}'", plan.name);
  auto getString = [](const std::string &name) -> std::string_view {
    return name;
  };
  auto getBufferName = [](const BufferPlan &buffer) -> std::string_view {
    return buffer.name;
  };
  if (Expected<void> valid = verifyNames(place, "size", plan.sizes, getString);
      !valid)
    return valid;
  if (Expected<void> valid =
          verifyNames(place, "buffer", plan.buffers, getBufferName);
      !valid)
    return valid;
  for (const BufferPlan &buffer : plan.buffers)
    if (Expected<void> valid = verifyBuffer(place, plan, buffer); !valid)
      return valid;
  // Sizes are as wide as an index.
  std::vector<uint8_t> bits(plan.sizes.size(), 64);
  for (const Instruction &instruction : plan.instructions) {
    if (Expected<void> valid = verifyInstruction(place, instruction, bits);
        !valid)
      return valid;
    bits.push_back(instruction.resultBits);
  }
  for (size_t i = 0; i < plan.checks.size(); ++i)
    if (Expected<void> valid = verifyCheck(place, i, plan.checks[i], bits);
        !valid)
      return valid;
  for (size_t i = 0; i < plan.scratch.size(); ++i)
    if (Expected<void> valid = verifyScratch(place, i, plan.scratch[i], bits);
        !valid)
      return valid;
  for (const Launch &launch : plan.launches)
    if (Expected<void> valid = verifyLaunch(place, kernels, plan, launch, bits);
        !valid)
      return valid;
  return {};
}

Expected<void> heddle::verifyProgram(const Program &program) {
  if (Expected<void> valid = verifyNames(
          "program", "host function", program.plans,
          [](const LaunchPlan &plan) -> std::string_view { return plan.name; });
      !valid)
    return valid;
  if (Expected<void> valid =
          verifyNames("program", "kernel", program.kernels,
                      [](const KernelEntry &kernel) -> std::string_view {
                        return kernel.entry;
                      });
      !valid)
    return valid;
  KernelMap kernels;
  for (const KernelEntry &kernel : program.kernels)
    kernels.emplace(kernel.entry, &kernel);
  for (const KernelEntry &kernel : program.kernels)
    if (Expected<void> valid = verifyKernel(kernels, kernel); !valid)
      return valid;
  for (const LaunchPlan &plan : program.plans)
    if (Expected<void> valid = verifyPlan(kernels, plan); !valid)
      return valid;
  return {};
}
