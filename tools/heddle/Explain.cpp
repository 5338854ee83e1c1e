//===- Explain.cpp - heddle explain ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "lib/Analysis/SharedMemory.h"
#include "lib/Compiler/HostPlan.h"
#include "lib/Compiler/Packaging.h"
#include "lib/Reference/Translate.h"
#include "lib/Target/Cubin.h"
#include "reference/Run.h"
#include "tools/heddle/Buffers.h"
#include "tools/heddle/Commands.h"
#include "tools/heddle/Load.h"
#include "tools/heddle/Messages.h"
#include "tools/heddle/Source.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;
using namespace heddle;

/// Prints rows in columns, each as wide as its widest cell.
static void printTable(ArrayRef<std::vector<std::string>> rows) {
  SmallVector<size_t> widths(rows.front().size(), 0);
  for (const auto &row : rows)
    for (auto [width, cell] : llvm::zip_equal(widths, row))
      width = std::max(width, cell.size());
  for (const auto &row : rows) {
    std::string line = "  ";
    for (auto [width, cell] : llvm::zip_equal(widths, row))
      line += fmt::format("{:<{}}  ", cell, width);
    llvm::outs() << StringRef(line).rtrim() << '\n';
  }
}

//===----------------------------------------------------------------------===//
// Roles and rings
//===----------------------------------------------------------------------===//

static std::string formatTile(RankedTensorType type) {
  std::string element;
  llvm::raw_string_ostream(element) << type.getElementType();
  return fmt::format("{} {}", fmt::join(type.getShape(), "x"), element);
}

static void printRoles(tile::KernelOp kernel) {
  std::vector<std::vector<std::string>> rows = {
      {"role", "instances", "warps each", "registers per thread"}};
  for (auto role : kernel.getBody().getOps<aref::RoleOp>())
    rows.push_back({role.getName().str(), std::to_string(role.getInstances()),
                    std::to_string(role.getWarps()),
                    role.getRegisters() == 0
                        ? "as compiled"
                        : std::to_string(role.getRegisters())});
  if (rows.size() == 1)
    llvm::outs() << "  one role: all warps run the whole kernel\n";
  else
    printTable(rows);
}

/// The tiles of `ring` that blocks of a cluster copy for one another.
static SmallVector<size_t> getMulticastTiles(aref::RingOp ring) {
  llvm::SmallSetVector<size_t, 4> tiles;
  for (Operation *user : ring->getUsers())
    if (auto copy = dyn_cast<aref::CopyInOp>(user); copy && copy.getMulticast())
      tiles.insert(copy.getBuffer().getDefiningOp<aref::ViewOp>().getIndex());
  return llvm::to_vector(tiles);
}

static void printRings(tile::KernelOp kernel) {
  std::vector<std::vector<std::string>> rows = {
      {"ring", "tiles", "depth", "bytes of a slot", "bytes"}};
  for (auto ring : kernel.getBody().getOps<aref::RingOp>()) {
    aref::RingType type = ring.getRing().getType();
    SmallVector<std::string> tiles =
        llvm::map_to_vector(type.getTiles(), formatTile);
    for (size_t i : getMulticastTiles(ring))
      tiles[i] += " multicast";
    rows.push_back({std::to_string(rows.size() - 1), llvm::join(tiles, " + "),
                    std::to_string(type.getDepth()),
                    formatBytes(type.getSlotBytes()),
                    formatBytes(type.getSlotBytes() * type.getDepth())});
  }
  if (rows.size() > 1)
    printTable(rows);
}

//===----------------------------------------------------------------------===//
// What a launch takes
//===----------------------------------------------------------------------===//

static void printLaunch(const KernelInfo &info) {
  llvm::outs() << fmt::format(
      "  {} threads, {} of {} of shared memory, {} tensor maps, {}\n",
      info.threads, formatBytes(info.sharedBytes), formatBytes(maxSharedBytes),
      info.tensorMaps.size(),
      info.persistent ? "blocks loop over the grid"
                      : "one block per grid cell");
  if (info.hasClusters())
    llvm::outs() << fmt::format(
        "  in clusters of up to {} blocks, as many as divide the grid\n",
        fmt::join(info.cluster, "x"));
}

static void printUsage(const EntryUsage &usage) {
  llvm::outs() << fmt::format("  ptxas: {} registers, {} bytes of stack, {} "
                              "bytes spilled, {} bytes reloaded\n",
                              usage.registers, usage.stackBytes,
                              usage.spillStoreBytes, usage.spillLoadBytes);
}

/// The same as JSON: one object per kernel entry.
static llvm::json::Object toJSON(const KernelInfo &info, tile::KernelOp kernel,
                                 const Cubin *cubin) {
  llvm::json::Array roles, rings;
  if (kernel) {
    for (auto role : kernel.getBody().getOps<aref::RoleOp>())
      roles.push_back(
          llvm::json::Object{{"name", role.getName()},
                             {"instances", int64_t(role.getInstances())},
                             {"warps", int64_t(role.getWarps())},
                             {"registers", int64_t(role.getRegisters())}});
    for (auto ring : kernel.getBody().getOps<aref::RingOp>()) {
      aref::RingType type = ring.getRing().getType();
      llvm::json::Array tiles;
      for (RankedTensorType tile : type.getTiles())
        tiles.push_back(formatTile(tile));
      rings.push_back(llvm::json::Object{{"tiles", std::move(tiles)},
                                         {"depth", type.getDepth()},
                                         {"slot_bytes", type.getSlotBytes()}});
    }
  }
  llvm::json::Object object{{"name", info.entry},
                            {"roles", std::move(roles)},
                            {"rings", std::move(rings)},
                            {"threads", int64_t(info.threads)},
                            {"shared_bytes", int64_t(info.sharedBytes)},
                            {"tensor_maps", int64_t(info.tensorMaps.size())},
                            {"persistent", info.persistent}};
  if (info.hasClusters())
    object["cluster"] =
        llvm::json::Array({info.cluster[0], info.cluster[1], info.cluster[2]});
  if (!info.fallback.empty())
    object["fallback"] = info.fallback;
  if (!cubin)
    return object;
  for (const EntryUsage &usage : cubin->entries)
    if (usage.entry == info.entry) {
      object["registers"] = int64_t(usage.registers);
      object["spill_bytes"] =
          int64_t(usage.spillStoreBytes + usage.spillLoadBytes);
    }
  llvm::json::Array warnings;
  for (const std::string &warning : cubin->warnings)
    if (StringRef(warning).contains("'" + info.entry + "'"))
      warnings.push_back(warning);
  object["warnings"] = std::move(warnings);
  return object;
}

/// The loads that became copies which blocks of a cluster share.
static std::vector<reference::SharedLoads>
getSharedLoads(ModuleOp split, const CompiledModule &compiled) {
  std::vector<reference::SharedLoads> result;
  for (const KernelInfo &info : compiled.kernels) {
    auto kernel = split.lookupSymbol<tile::KernelOp>(info.entry);
    if (!kernel || !info.hasClusters())
      continue;
    reference::SharedLoads &shared = result.emplace_back();
    shared.kernel = info.name;
    llvm::copy(info.cluster, shared.cluster.begin());
    kernel.walk([&](aref::CopyInOp copy) {
      auto place = copy->getLoc()->findInstanceOf<FileLineColLoc>();
      if (copy.getMulticast() && place)
        shared.loads.push_back(fmt::format("{}:{}:{}",
                                           place.getFilename().str(),
                                           place.getLine(), place.getColumn()));
    });
  }
  return result;
}

/// Prints a section per kernel entry. Returns which loads blocks share.
static FailureOr<std::vector<reference::SharedLoads>>
explainKernels(ModuleOp module, bool asJSON) {
  OwningOpRef<ModuleOp> split = cloneKernels(module);
  OwningOpRef<ModuleOp> lowered = cloneKernels(module);
  if (failed(runPipeline(*split, Stage::Aref)))
    return failure();
  FailureOr<CompiledModule> compiled = compileModule(*lowered, {});
  if (failed(compiled))
    return failure();
  llvm::Expected<Cubin> cubin = assembleCubin(compiled->ptx);
  std::string missing;
  if (!cubin)
    missing = llvm::toString(cubin.takeError());
  std::vector<reference::SharedLoads> shared =
      getSharedLoads(*split, *compiled);

  if (asJSON) {
    llvm::json::Array kernels;
    for (const KernelInfo &info : compiled->kernels)
      kernels.push_back(toJSON(info,
                               split->lookupSymbol<tile::KernelOp>(info.entry),
                               cubin ? &*cubin : nullptr));
    llvm::outs() << llvm::formatv(
        "{0:2}\n",
        llvm::json::Value(llvm::json::Object{{"kernels", std::move(kernels)}}));
    return shared;
  }
  for (const KernelInfo &info : compiled->kernels) {
    llvm::outs() << "kernel @" << info.entry;
    if (info.entry != info.name)
      llvm::outs() << ", for buffers that @" << info.name << " cannot take";
    else if (!info.fallback.empty())
      llvm::outs() << ", with @" << info.fallback
                   << " for buffers that TMA cannot reach";
    llvm::outs() << '\n';
    if (auto kernel = split->lookupSymbol<tile::KernelOp>(info.entry)) {
      printRoles(kernel);
      printRings(kernel);
    }
    printLaunch(info);
    if (!missing.empty())
      continue;
    for (const EntryUsage &usage : cubin->entries)
      if (usage.entry == info.entry)
        printUsage(usage);
  }
  if (!missing.empty()) {
    llvm::outs() << "registers are not known: " << missing << '\n';
    return shared;
  }
  for (const std::string &warning : cubin->warnings)
    llvm::outs() << "ptxas: " << warning << '\n';
  return shared;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// An array of the host function as the reference takes it.
static reference::Buffer makeBuffer(const HostArray &array) {
  auto type = *reference::NumberType::parse(getName(array.type));
  if (array.access == Access::Out)
    return reference::Buffer::makePoison(type, array.shape);
  return reference::Buffer::fromBytes(type, array.shape, array.bytes);
}

/// Counts what the blocks of a host function ask of global memory, on a sample
/// of them.
static ExitCode explainTraffic(const reference::Program &program,
                               const LaunchPlan &plan, ArrayRef<int64_t> sizes,
                               std::vector<reference::SharedLoads> shared) {
  Expected<const reference::Function *> host = program.findHost(plan.name);
  if (!host)
    return report(host.error());
  NamedStrings inputs;
  for (const BufferPlan &buffer : plan.buffers)
    if (buffer.access != Access::Out)
      inputs.emplace_back(buffer.name, "zeros");
  Expected<std::vector<HostArray>> arrays =
      prepareBuffers(plan, sizes, inputs, /*copies=*/12);
  if (!arrays)
    return report(arrays.error());
  double least = 0;
  std::vector<reference::Buffer> contents;
  for (const HostArray &array : *arrays) {
    least += double(getBytes(array)) * (array.access == Access::InOut ? 2 : 1);
    contents.push_back(makeBuffer(array));
  }
  reference::Traffic traffic;
  traffic.shared = std::move(shared);
  reference::Options options;
  options.maxBlocks = 64;
  options.traffic = &traffic;
  if (Expected<void> ran = runHost(program, **host, sizes, contents, options);
      !ran)
    return report(ran.error());
  double moved = traffic.bytesRead + traffic.bytesWritten;
  llvm::outs() << "@" << plan.name << " with ";
  llvm::interleaveComma(
      llvm::seq<unsigned>(0, sizes.size()), llvm::outs(),
      [&](unsigned i) { llvm::outs() << plan.sizes[i] << "=" << sizes[i]; });
  llvm::outs() << ": blocks read " << formatBytes(traffic.bytesRead)
               << " and write " << formatBytes(traffic.bytesWritten)
               << "; each buffer once is " << formatBytes(least);
  if (least > 0)
    llvm::outs() << fmt::format(", so {:.3g} times the least", moved / least);
  llvm::outs() << "\n  (before caches";
  if (traffic.isSampled)
    llvm::outs() << "; extrapolated from " << options.maxBlocks
                 << " blocks of each launch";
  llvm::outs() << ")\n";
  return ExitCode::Good;
}

/// What to count the bytes of.
struct TrafficRequest {
  LaunchPlan plan;
  std::vector<int64_t> sizes;
  reference::Program program;
};

/// What the command asks for, or nothing if it says too little. Fails with a
/// message.
static FailureOr<std::optional<TrafficRequest>>
getTrafficRequest(ModuleOp module, const ExplainCommand &command) {
  if (command.sizes.empty() && command.entry.empty())
    return std::optional<TrafficRequest>();
  Program program;
  for (tile::HostOp host : module.getOps<tile::HostOp>()) {
    FailureOr<LaunchPlan> plan = buildLaunchPlan(host);
    if (failed(plan))
      return failure();
    program.plans.push_back(std::move(*plan));
  }
  Expected<const LaunchPlan *> plan =
      findHost(program, command.file, command.entry);
  if (!plan) {
    report(plan.error());
    return failure();
  }
  if (command.sizes.empty() && !(*plan)->sizes.empty())
    return std::optional<TrafficRequest>();
  Expected<std::vector<int64_t>> sizes = orderSizes(**plan, command.sizes);
  if (!sizes) {
    report(sizes.error());
    return failure();
  }
  FailureOr<reference::Program> reference = reference::translateProgram(module);
  if (failed(reference))
    return failure();
  return std::optional<TrafficRequest>(std::in_place, **plan, std::move(*sizes),
                                       std::move(*reference));
}

static ExitCode explainProgram(const ExplainCommand &command) {
  Source source;
  if (failed(source.read(command.file, /*printsRemarks=*/true)) ||
      failed(source.requireContents()))
    return ExitCode::BadInput;
  // Sizes are checked before anything is printed.
  FailureOr<std::optional<TrafficRequest>> request =
      getTrafficRequest(source.getModule(), command);
  if (failed(request))
    return ExitCode::BadInput;
  FailureOr<std::vector<reference::SharedLoads>> shared =
      explainKernels(source.getModule(), command.json);
  if (failed(shared))
    return ExitCode::BadInput;
  if (command.json)
    return ExitCode::Good;
  if (!*request) {
    llvm::outs() << "give every --size NAME=INT to see the bytes that are "
                    "moved\n";
    return ExitCode::Good;
  }
  return explainTraffic((*request)->program, (*request)->plan,
                        (*request)->sizes, std::move(*shared));
}

ExitCode heddle::explain(const ExplainCommand &command) {
  ExitCode code = explainProgram(command);
  llvm::outs().flush();
  if (!llvm::outs().has_error())
    return code;
  printError(fmt::format("cannot write to the standard output: {}",
                         llvm::outs().error().message()));
  // LLVM ends the process over errors that nobody has seen.
  llvm::outs().clear_error();
  return ExitCode::BadInput;
}
