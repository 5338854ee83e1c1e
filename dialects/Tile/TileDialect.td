//===- TileDialect.td - The author's dialect ------------ -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TILE_DIALECT
#define HEDDLE_TILE_DIALECT

include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::heddle::tile";
  let summary = "Straight-line programs over tiles: what an author writes";
  let description = [{
    A *tile* is a builtin, statically shaped `tensor`; global memory is seen
    through builtin strided `memref`s, called *views*; control flow is `scf`,
    arithmetic is `arith` and `math`. The dialect adds what these lack: kernels
    and their launches, the movement of tiles between views and values, and the
    operations that mix the elements of a tile.

    A kernel is a program for one *block*; `gpu.block_id` tells which. It has no
    notion of threads, shared memory or time: operations take effect in program
    order within a block and in no order between blocks. Different view
    arguments of a kernel do not overlap, unless all of them are only read.

    What several places of a program have in common is a `func.func`, which
    `func.call` puts where it is called, in kernels, host functions and other
    functions. It has a body of one block, may take and return views, tiles and
    scalars, may hold what its callers may but launches, and does not call
    itself, not even by way of others. Whether it is private makes no
    difference: nothing outside of the module sees it.

    ```mlir
    func.func @decayed_scores(%q: !rows, %k: !rows, %decay: !square) -> !square {
      %zero = arith.constant dense<0.0> : !square
      %qk = tile.dot %q, %k, %zero transpose_b : !rows, !rows -> !square
      %scores = arith.mulf %qk, %decay : !square
      return %scores : !square
    }
    ...
    %s = func.call @decayed_scores(%q, %k, %d) : (!rows, !rows, !square) -> !square
    ```

    Tiles need not be powers of two.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
  let extraClassDeclaration = [{
    /// On a loop: how many slots the rings filled inside it have. An integer.
    static ::llvm::StringRef getStagesAttrName() { return "tile.stages"; }
    /// On a kernel: how many block rows are visited before the next block
    /// column, so that blocks that run together share operands. An integer.
    static ::llvm::StringRef getRasterAttrName() { return "tile.raster"; }
    /// On a kernel: how many neighbours in the grid, along x, y and z, share
    /// what they load alike: at most so many, and as many as divide the grid. An
    /// array of up to three integers, of which one is 2, 4 or 8.
    static ::llvm::StringRef getClusterAttrName() { return "tile.cluster"; }
    /// On a loop or a kernel: false keeps the dots of different iterations
    /// apart. A Boolean.
    static ::llvm::StringRef getOverlapAttrName() { return "tile.overlap"; }
    /// On a loop or a kernel: whether the warpgroups that share a dot start it in
    /// turns. A Boolean.
    static ::llvm::StringRef getPingPongAttrName() { return "tile.ping_pong"; }
    /// On a loop or a kernel: whether what does not depend on the state that a
    /// loop carries runs in a role of its own, ahead of it. A Boolean.
    static ::llvm::StringRef getRunAheadAttrName() { return "tile.run_ahead"; }
    /// On a kernel: how many warps run it if it has one role. An integer.
    static ::llvm::StringRef getWarpsAttrName() { return "tile.warps"; }
  }];
}

#endif // HEDDLE_TILE_DIALECT
