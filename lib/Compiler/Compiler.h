//===- Compiler.h - From tile programs to PTX -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Compiles a module of tile kernels to PTX, and says what a launch of each
/// kernel must provide. Problems are MLIR diagnostics at the author's line.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_COMPILER_COMPILER_H
#define HEDDLE_COMPILER_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// The levels at which the pipeline can stop.
enum class Stage {
  /// As the author wrote it, verified and simplified.
  Tile,
  /// Split into roles that hand tiles of known layouts over through rings.
  Aref,
  /// Every hand-over has its mbarriers and addresses.
  Barriers,
  /// Functions of the NVVM and LLVM dialects with structured control flow.
  NVVM,
  /// The LLVM dialect.
  LLVM,
};

/// Adds the passes from the author's program to `stopAfter` in the order in
/// which they run.
void buildPipeline(mlir::OpPassManager &manager, Stage stopAfter);

/// Registers the dialects that a program may use, and what it takes to
/// translate them.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers every pass of the project under its argument.
void registerPasses();

/// One tensor map that a launch encodes.
struct TensorMapInfo {
  /// The kernel argument, a view, that it describes.
  uint32_t argument = 0;
  /// Extents in elements, the contiguous dimension first, one per dimension of
  /// the view.
  std::vector<uint32_t> box;
  /// In bytes: 0, 32, 64 or 128.
  uint32_t swizzle = 0;
  /// The view's element type, or tf32: then loads round f32 to it.
  mlir::Type type;
};

/// What a launch of one kernel must provide. The parameters of the entry are,
/// for each of `arguments` in order: a view's address, sizes and strides in
/// elements (64 bits each); an index as 64 bits; any other scalar as itself.
/// Then the three extents of the grid as 64 bits each if `persistent`, and then
/// one 128-byte tensor map for each of `tensorMaps`.
struct KernelInfo {
  /// The author's name. Also that of the fallback's origin.
  std::string name;
  /// The name of the PTX entry.
  std::string entry;
  uint32_t threads = 0;
  /// Dynamic shared memory, in bytes.
  uint32_t sharedBytes = 0;
  /// The entry to launch when a tensor map is not legal, or empty.
  std::string fallback;
  /// Blocks loop over the grid: launch at most as many as are resident. Else
  /// launch the grid as is.
  bool persistent = false;
  /// The most neighbours in the grid that are launched as a cluster, along x, y
  /// and z: as many as divide the grid. All are 1 without clusters.
  std::array<uint32_t, 3> cluster = {1, 1, 1};
  /// Results of two runs may differ.
  bool unordered = false;
  /// What the author declared, without the grid.
  std::vector<mlir::Type> arguments;
  std::vector<TensorMapInfo> tensorMaps;

  bool hasClusters() const {
    return cluster != std::array<uint32_t, 3>{1, 1, 1};
  }
};

struct CompiledModule {
  std::string ptx;
  std::vector<KernelInfo> kernels;

  /// The kernel with this entry, or null.
  const KernelInfo *find(llvm::StringRef entry) const;
};

struct CompileOptions {
  /// 0 to 3, of LLVM.
  unsigned optimization = 2;
  /// `.loc` directives that name the author's file and lines.
  bool lineTables = true;
};

/// Puts functions where they are called, as the pipeline does first. For a
/// module of which something else than kernels is needed: what host functions
/// do, and the reference semantics.
mlir::LogicalResult inlineFunctions(mlir::ModuleOp module);

/// Runs the pipeline up to `stage` on a module without `tile.host` functions.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, Stage stage);

/// Runs the pipeline and emits PTX. The module is in the LLVM dialect after.
mlir::FailureOr<CompiledModule> compileModule(mlir::ModuleOp module,
                                              const CompileOptions &options);

} // namespace heddle

#endif // HEDDLE_COMPILER_COMPILER_H
