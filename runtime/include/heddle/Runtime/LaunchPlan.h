//===- LaunchPlan.h - A host function, without its compiler -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What is left of a `tile.host` function when it is compiled: names, a few
/// integer instructions, launches, and what each kernel's entry expects. A plan
/// is data: a package can hold it and any language can run it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_LAUNCHPLAN_H
#define HEDDLE_RUNTIME_LAUNCHPLAN_H

#include "heddle/Runtime/DeviceMemory.h"
#include "heddle/Runtime/ElementType.h"

#include <memory>
#include <vector>

namespace heddle {

/// How a host function uses a buffer.
enum class Access { In, Out, InOut };

/// The name in a program: `in`, `out`, `inout`.
std::string_view getName(Access access);

/// An extent of a buffer: a constant, or what the caller chose for a size.
struct Extent {
  bool isSize = false;
  /// The extent, or the number of the size.
  int64_t value = 0;
};

/// A dense row-major array that the caller provides.
struct BufferPlan {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<Extent> extents;
  Access access = Access::In;
};

/// What an instruction does with its operands; the names are those of `arith`.
enum class IndexOp {
  Constant,
  AddI,
  SubI,
  MulI,
  DivSI,
  DivUI,
  CeilDivSI,
  CeilDivUI,
  FloorDivSI,
  RemSI,
  RemUI,
  MinSI,
  MinUI,
  MaxSI,
  MaxUI,
  AndI,
  OrI,
  XOrI,
  ShLI,
  ShRSI,
  ShRUI,
  CmpEq,
  CmpNe,
  CmpSlt,
  CmpSle,
  CmpSgt,
  CmpSge,
  CmpUlt,
  CmpUle,
  CmpUgt,
  CmpUge,
  Select,
  SignExtend,
  /// Also truncation.
  ZeroExtend,
};

/// The name of an operation, as in `arith`.
std::string_view getName(IndexOp op);
/// How many operands it has, 0 to 3.
size_t getOperandCount(IndexOp op);

/// Whether `op` divides its first operand by the second.
bool isDivision(IndexOp op);

/// Computes one value. Values are numbered: first the sizes, then the results
/// of the instructions; an operand is a value of a lower number. A value is as
/// wide as its type, up to 64 bits.
struct Instruction {
  IndexOp op = IndexOp::Constant;
  /// The width of the operands, which `Select` takes from the second.
  uint8_t operandBits = 64;
  uint8_t resultBits = 64;
  std::array<uint32_t, 3> operands = {};
  /// The bits of a constant; the only instruction that may be a float.
  uint64_t constant = 0;
  /// Where the author wrote a division, for messages; may be empty.
  std::string location;
};

/// A condition that the sizes of a call must meet.
struct CheckPlan {
  /// A value of one bit.
  uint32_t condition = 0;
  /// What is wrong if it is 0, in the author's words.
  std::string message;
  /// Where the author wrote it, for messages; may be empty.
  std::string location;
};

/// A dense row-major array that launches of one call share, and that nobody
/// else sees. Its contents are undefined before the first of them.
struct ScratchPlan {
  ElementType type = ElementType::F32;
  /// Values.
  std::vector<uint32_t> extents;
  /// Where the author wrote it, for messages; may be empty.
  std::string location;
};

/// The argument of a launch: a buffer, or a value. Scratch arrays are numbered
/// after the buffers.
struct LaunchArgument {
  bool isBuffer = false;
  uint32_t number = 0;
};

struct Launch {
  /// The entry of a kernel.
  std::string kernel;
  /// One to three values.
  std::vector<uint32_t> grid;
  std::vector<LaunchArgument> arguments;
  /// Where the author wrote it, for messages; may be empty.
  std::string location;
};

/// A host function. Launches run in order, after all instructions.
struct LaunchPlan {
  std::string name;
  std::vector<std::string> sizes;
  std::vector<BufferPlan> buffers;
  std::vector<Instruction> instructions;
  std::vector<CheckPlan> checks;
  std::vector<ScratchPlan> scratch;
  std::vector<Launch> launches;
};

/// An argument that a kernel declares. A view becomes, in this order, its
/// address, extents and strides in elements, 64 bits each; an index becomes 64
/// bits and any other scalar itself.
struct KernelParameter {
  bool isView = false;
  ElementType type = ElementType::F32;
  /// What the kernel was compiled for; -1 where it takes anything.
  std::vector<int64_t> extents, strides;
};

/// A tensor map that is encoded anew for every launch.
struct TensorMapPlan {
  /// The view that it describes.
  uint32_t argument = 0;
  /// In elements, the contiguous dimension first.
  std::vector<uint32_t> box;
  Swizzle swizzle = Swizzle::None;
  /// As wide as the view's elements.
  TensorMapType type = TensorMapType::BF16;
};

/// An entry of the module and what a launch of it needs. Its parameters are
/// those of `parameters`; then, if `persistent`, the extents of the grid as
/// three 64-bit numbers; then the tensor maps.
struct KernelEntry {
  std::string entry;
  uint32_t threads = 0;
  /// Dynamic shared memory.
  uint32_t sharedBytes = 0;
  /// Blocks per cluster. If `persistent`, of the author's grid, and at most so
  /// many: as many as divide it are launched, along x.
  Dim3 cluster = {};
  /// All blocks must be resident at once.
  bool cooperative = false;
  /// The entry that runs when a tensor map is illegal, or empty.
  std::string fallback;
  /// Blocks loop over the grid, so that no more are launched than fit.
  bool persistent = false;
  /// Blocks add floats to memory as they come, so that results of two runs may
  /// differ by rounding.
  bool unordered = false;
  std::vector<KernelParameter> parameters;
  std::vector<TensorMapPlan> tensorMaps;
  /// Where the author wrote it, `file:line`; may be empty.
  std::string location;
};

/// Host functions and the kernels that they launch.
struct Program {
  std::vector<LaunchPlan> plans;
  std::vector<KernelEntry> kernels;

  /// The kernel of that name, or null.
  const KernelEntry *find(std::string_view entry) const;
  /// The host function `name`, or the only one if that is empty; an error that
  /// says which there are.
  Expected<const LaunchPlan *> findPlan(std::string_view name) const;
  /// Whether `plan` launches a kernel that is unordered.
  bool isUnordered(const LaunchPlan &plan) const;
};

/// Checks that whatever names or numbers something in `program` names what is
/// there, of the right type: values of lower numbers, buffers, kernels and
/// their fallbacks, arguments that tensor maps describe; and that no number is
/// one that no launch can have. The functions below rely on it.
Expected<void> verifyProgram(const Program &program);

/// Checks that there is one size of 0 or more for each of the plan's.
Expected<void> verifySizes(const LaunchPlan &plan,
                           std::span<const int64_t> sizes);

/// The extents of buffer `i`, and its bytes. The sizes are as `verifySizes`
/// wants them. An error if the bytes do not fit in 63 bits.
std::vector<int64_t> getShape(const LaunchPlan &plan, size_t i,
                              std::span<const int64_t> sizes);
Expected<uint64_t> getBytes(const LaunchPlan &plan, size_t i,
                            std::span<const int64_t> sizes);

/// Runs the instructions: the sizes followed by all results. An error on a
/// division by zero, or if the sizes do not meet a condition: whichever comes
/// first, in the order of instructions.
Expected<std::vector<uint64_t>> evaluate(const LaunchPlan &plan,
                                         std::span<const int64_t> sizes);

/// The bytes of a scratch array, given what `evaluate` returned. An error if an
/// extent is negative or the bytes do not fit in 63 bits.
Expected<uint64_t> getBytes(const ScratchPlan &scratch,
                            std::span<const uint64_t> values);

/// What one launch turned into.
struct LaunchRecord {
  /// The entry that ran: the kernel or its fallback.
  std::string entry;
  Dim3 grid;
  /// Why the fallback ran, or empty.
  std::string fallbackReason;
};

/// A launch whose grid, parameters and tensor maps have been computed. It can
/// run any number of times, for as long as its buffers are where they were.
struct PreparedLaunch {
  PreparedLaunch() = default;
  PreparedLaunch(PreparedLaunch &&) = default;
  PreparedLaunch &operator=(PreparedLaunch &&) = default;

  LaunchRecord record;
  LaunchConfig config;
  /// The bytes of all parameters, and what of it each is.
  std::vector<std::byte> bytes;
  std::vector<KernelArgument> arguments;
  /// The scratch arrays of the call. Whoever runs a call twice at the same time
  /// has its outputs overwritten and its scratch arrays, too.
  std::shared_ptr<const std::vector<DeviceMemory>> scratch;
};

/// Computes the launches of `plan`, one of `program`'s, and uses nothing of
/// `device` but its properties, its occupancy and its tensor maps, and memory
/// for scratch arrays, which lives as long as one of the launches. `buffers`
/// has the address of each buffer, of at least `getBytes` bytes. A launch with
/// an empty grid is left out.
Expected<std::vector<PreparedLaunch>>
prepareLaunches(Device &device, Module &module, const Program &program,
                const LaunchPlan &plan, std::span<const int64_t> sizes,
                std::span<const DeviceAddress> buffers);

/// Submits launches to `stream`, one after the other.
Expected<void> launchAll(Device &device, Module &module,
                         std::span<const PreparedLaunch> launches,
                         Stream *stream = nullptr);

/// Both: computes the launches and submits them. Returns what was launched.
Expected<std::vector<LaunchRecord>>
executePlan(Device &device, Module &module, const Program &program,
            const LaunchPlan &plan, std::span<const int64_t> sizes,
            std::span<const DeviceAddress> buffers, Stream *stream = nullptr);

} // namespace heddle

#endif // HEDDLE_RUNTIME_LAUNCHPLAN_H
