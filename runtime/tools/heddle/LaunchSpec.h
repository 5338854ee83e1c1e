//===- LaunchSpec.h - How kernels of a PTX file are launched ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A launch specification: the JSON that `heddle run KERNEL.ptx --launch=`
/// takes in place of the host code that a kernel from elsewhere has.
/// docs/foreign-ptx.md describes it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_LAUNCHSPEC_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_LAUNCHSPEC_H

#include "heddle/Runtime/Reference.h"
#include "tools/heddle/CommandLine.h"
#include "virtual/ptx/Syntax.h"

namespace heddle {

/// Where the contents of a buffer come from.
struct SpecContents {
  enum class Kind { None, Zeros, Random, Iota, File, Values };
  Kind kind = Kind::None;
  uint64_t seed = 0;
  /// Of `Random`: uniform numbers in a range rather than usual ones.
  std::optional<std::pair<double, double>> range;
  std::string file;
  /// Of `Values`: the elements' bytes; those of one are for all.
  std::vector<std::byte> bytes;
  /// The place in the specification, for messages.
  std::string path;
};

struct SpecBuffer {
  /// Without contents until they are filled. `Access::Out` if it starts
  /// undefined.
  HostArray array;
  SpecContents init, expected;
  /// Empty, or where it is written after the run.
  std::string output;
  /// An element may be off by `absolute + relative * |expected|`.
  double absolute = 0, relative = 0;
};

/// The bytes of an argument, but for what is known only on a device.
struct SpecArgument {
  struct Address {
    size_t at = 0;
    size_t buffer = 0;
    uint64_t offset = 0;
  };
  struct Map {
    size_t at = 0;
    size_t buffer = 0;
    uint64_t offset = 0;
    TensorMapSpec spec;
    std::string path;
  };
  struct Multicast {
    size_t at = 0;
    /// The memory of each device.
    std::vector<size_t> buffers;
    uint64_t offset = 0;
    std::string path;
  };
  std::vector<std::byte> bytes;
  std::vector<Address> addresses;
  std::vector<Map> maps;
  std::vector<Multicast> multicasts;
};

struct SpecLaunch {
  std::string kernel;
  LaunchConfig config;
  /// By device, of one or several that run it at the same time.
  std::vector<std::vector<SpecArgument>> arguments;
};

/// A variable of the module that is set before the first launch.
struct SpecGlobal {
  std::string name;
  SpecArgument value;
  std::string path;
};

struct LaunchSpec {
  std::vector<SpecBuffer> buffers;
  std::vector<SpecGlobal> globals;
  std::vector<SpecLaunch> launches;
  /// Whether the virtual GPU should warn of what usually works.
  bool foreign = true;
};

/// Parses a specification. `name` is the file that messages name and that the
/// files in it are relative to; `sizes` go before those it has.
Expected<LaunchSpec> parseLaunchSpec(std::string_view text,
                                     const std::string &name,
                                     const vgpu::PtxModule &module,
                                     const NamedSizes &sizes);

/// Makes the contents of `array` as `contents` says.
Expected<void> fillContents(HostArray &array, const SpecContents &contents);

/// A specification to start from: each kernel with its parameters.
std::string formatStarterSpec(const vgpu::PtxModule &module);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_LAUNCHSPEC_H
