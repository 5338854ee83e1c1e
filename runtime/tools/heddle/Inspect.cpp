//===- Inspect.cpp - heddle inspect ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Package.h"
#include "tools/heddle/Driver.h"
#include "tools/heddle/LaunchSpec.h"
#include "tools/heddle/PtxFile.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace heddle;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// " (file:line)", where that is known.
static std::string describeLocation(const std::string &location) {
  return location.empty() ? "" : fmt::format(" ({})", location);
}

/// `in A: MxKxbf16`
static std::string describe(const BufferPlan &buffer, const LaunchPlan &plan) {
  std::string text =
      fmt::format("{} {}: ", getName(buffer.access), buffer.name);
  for (const Extent &extent : buffer.extents)
    text += (extent.isSize ? plan.sizes[extent.value]
                           : std::to_string(extent.value)) +
            "x";
  return text + std::string(getName(buffer.type));
}

static void printPlan(const LaunchPlan &plan) {
  std::vector<std::string> buffers;
  for (const BufferPlan &buffer : plan.buffers)
    buffers.push_back(describe(buffer, plan));
  fmt::print("\nhost function {}[{}]({})\n", plan.name,
             fmt::join(plan.sizes, ", "), fmt::join(buffers, ", "));
  for (const Launch &launch : plan.launches)
    fmt::print("  launches {}{}\n", launch.kernel,
               describeLocation(launch.location));
}

static void printKernel(const KernelEntry &kernel, const PackageInfo &info) {
  fmt::print("\nkernel {}{}\n", kernel.entry,
             describeLocation(kernel.location));
  fmt::print("  {} threads, {} bytes of dynamic shared memory\n",
             kernel.threads, kernel.sharedBytes);
  if (kernel.cluster.count() > 1)
    fmt::print("  clusters of {}{}x{}x{} blocks{}\n",
               kernel.persistent ? "up to " : "", kernel.cluster.x,
               kernel.cluster.y, kernel.cluster.z,
               kernel.persistent ? ", as many as divide the grid" : "");
  if (kernel.cooperative)
    fmt::print("  all blocks must be resident at once\n");
  if (kernel.persistent)
    fmt::print("  blocks loop over the grid\n");
  if (!kernel.tensorMaps.empty())
    fmt::print("  {} tensor maps; {} where they would be illegal\n",
               kernel.tensorMaps.size(),
               kernel.fallback.empty() ? "an error" : kernel.fallback);
  for (const KernelResources &used : info.resources)
    if (used.entry == kernel.entry)
      fmt::print("  on {}: {} registers, {} bytes of static shared memory, "
                 "{} bytes of spill stores, {} of loads\n",
                 used.arch, used.registers, used.staticSharedBytes,
                 used.spillStoreBytes, used.spillLoadBytes);
}

static void printText(const Package &package) {
  const PackageInfo &info = package.getInfo();
  const ModuleImage &image = package.getImage();
  fmt::print("{}: for {}, made by {}\n", package.getName(), info.target,
             info.producer);
  for (const SourceFile &source : info.sources)
    fmt::print("  from {}, hash {}\n", source.name, source.hash);
  if (!image.ptx.empty())
    fmt::print("  {} bytes of PTX\n", image.ptx.size());
  for (const CubinImage &cubin : image.cubins)
    fmt::print("  {} bytes of machine code for {}\n", cubin.bytes.size(),
               cubin.arch);
  if (!package.getReference().empty())
    fmt::print("  {} bytes of reference semantics\n",
               package.getReference().size());
  for (const LaunchPlan &plan : info.program.plans)
    printPlan(plan);
  for (const KernelEntry &kernel : info.program.kernels)
    printKernel(kernel, info);
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// Prints the metadata, with the bytes of the other sections as `sections`.
static void printJson(const Package &package) {
  const ModuleImage &image = package.getImage();
  json sections = json::object();
  sections["ptx"] = image.ptx.size();
  sections["cubins"] = json::object();
  for (const CubinImage &cubin : image.cubins)
    sections["cubins"][cubin.arch] = cubin.bytes.size();
  sections["reference"] = package.getReference().size();
  // Has been parsed before, when the package was opened.
  json metadata = json::parse(package.getMetadata());
  metadata["sections"] = std::move(sections);
  fmt::print("{}\n", metadata.dump(2));
}

static ExitCode inspectPtx(const InspectCommand &command) {
  if (command.json) {
    printError("--json is for packages; PTX has no metadata");
    return ExitCode::BadInput;
  }
  Expected<PtxFile> ptx = readPtx(command.file);
  if (!ptx)
    return report(ptx.error());
  fmt::print("{}", command.launch ? formatStarterSpec(ptx->module)
                                  : describeKernels(ptx->module));
  return ExitCode::Good;
}

ExitCode heddle::inspect(const InspectCommand &command) {
  if (isPtxName(command.file))
    return inspectPtx(command);
  if (command.launch) {
    printError("--launch is for PTX; a package launches its kernels itself");
    return ExitCode::BadInput;
  }
  auto package = Package::open(command.file);
  if (!package) {
    printError(package.error().message);
    return ExitCode::BadInput;
  }
  if (command.json)
    printJson(**package);
  else
    printText(**package);
  return ExitCode::Good;
}
