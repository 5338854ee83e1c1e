//===- Passes.td - Heddle's passes ---------------------- -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TRANSFORMS_PASSES
#define HEDDLE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

// In alphabetical order; `lib/Compiler/Pipeline.cpp` has the order in which they
// run.

def AssignRoles : Pass<"assign-roles", "::heddle::tile::KernelOp"> {
  let summary = "decides which operations the producer performs";
  let description = [{
    The producer gets the loads that feed only dots, from views that the kernel
    does not write, with zero or no padding, at places that do not depend on
    tiles. Everything else that touches tiles or has side effects is the
    consumer's. Scalars and control flow are not marked: both roles have them.
    The whole kernel is looked at before anything is marked; if no load is
    eligible, nothing is, and a remark says why.

    Before:
    ```mlir
    %a = tile.load %A[%m, %k] : memref<?x?xbf16> -> tensor<128x64xbf16>
    %d = tile.dot %a, %b, %sum : ...
    ```
    After:
    ```mlir
    %a = tile.load %A[%m, %k] {aref.role = "producer"} : ...
    %d = tile.dot %a, %b, %sum {aref.role = "consumer"} : ...
    ```
  }];
}

def InsertArefs : Pass<"insert-arefs", "::heddle::tile::KernelOp"> {
  let summary = "hands the producer's tiles over through rings";
  let dependentDialects = ["::heddle::aref::ArefDialect"];
  let description = [{
    A and B of one dot share a ring where both are loaded in one block and used
    by it only; any other load has its own. The producer puts after the load;
    the consumer gets before the first operation of the load's block that uses
    the tile and releases after the last. `tile.stages` of the innermost loop
    around the load, or of the kernel, is noted on the ring.

    Before:
    ```mlir
    %a = tile.load %A[%m, %k] {aref.role = "producer"} : ...
    %b = tile.load %B[%k, %n] {aref.role = "producer"} : ...
    %d = tile.dot %a, %b, %sum {aref.role = "consumer"} : ...
    ```
    After:
    ```mlir
    %ab = aref.ring : !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
    ...
    %a = tile.load %A[%m, %k] {aref.role = "producer"} : ...
    %b = tile.load %B[%k, %n] {aref.role = "producer"} : ...
    aref.put %ab, %a, %b {aref.role = "producer"} : ...
    %slot, %x, %y = aref.get %ab {aref.role = "consumer"} : ...
    %d = tile.dot %x, %y, %sum {aref.role = "consumer"} : ...
    aref.release %ab, %slot {aref.role = "consumer"} : ...
    ```
  }];
}

def MakePersistent : Pass<"make-persistent", "::heddle::tile::KernelOp"> {
  let summary = "visits the blocks of a kernel with dots in a loop";
  let description = [{
    The kernel gets the extents of the grid as three more arguments and may then
    be launched with any number of blocks along x. Block ids are computed from
    the loop's variable in the order that `tile.raster` asks for: groups of that
    many block rows, each group column by column, so that blocks that run
    together share operands. 8 if the kernel does not say.

    Before:
    ```mlir
    tile.kernel @k(%A: memref<?x?xf32>) {
      %x = gpu.block_id x
      ...
    }
    ```
    After:
    ```mlir
    tile.kernel @k(%A: memref<?x?xf32>, %grid_x: index, %grid_y: index,
                   %grid_z: index) attributes {aref.persistent} {
      %first = gpu.block_id x
      %step = gpu.grid_dim x
      %blocks = ...  // %grid_x * %grid_y * %grid_z
      scf.for %t = %first to %blocks step %step {
        %x = ...
        ...
      } {aref.blocks}
    }
    ```
  }];
}

def SplitInstances : Pass<"split-instances", "::heddle::tile::KernelOp"> {
  let summary = "shares the consumer's tiles out among warpgroups";
  let description = [{
    Where the dots have 128, 192 or 256 rows, two, three or two instances of the
    consumer take a part each. Starting at the accumulators, tiles are cut along
    the dimension that the rows are, through element-wise operations, loops,
    branches, broadcasts, reductions and transpositions. Loads, stores and iotas
    get the instance's offset; `b` stays whole; a tile that no cut reaches stays
    whole, too, and the first instance stores it. If some operation mixes rows of
    different instances, through values or memory, there is one instance, and a
    remark says why. Registers are then divided between the roles.

    Before:
    ```mlir
    aref.role "consumer" instances(%instance = 1) warps(4) {
      ...
      %d = tile.dot %a, %b, %sum
        : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
      tile.store %d, %C[%m, %n] : ...
    }
    ```
    After:
    ```mlir
    aref.role "consumer" instances(%instance = 2) warps(4) registers(240) {
      %first = arith.muli %instance, %c64 : index
      ...
      %part = tensor.extract_slice %a[%first, 0] [64, 64] [1, 1] : ...
      %d = tile.dot %part, %b, %sum
        : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
      %row = arith.addi %m, %first : index
      tile.store %d, %C[%row, %n] : ...
    }
    ```
  }];
}

def SplitRoles : Pass<"split-roles", "::heddle::tile::KernelOp"> {
  let summary = "one region per role";
  let dependentDialects = ["::heddle::aref::ArefDialect"];
  let description = [{
    Each role gets a copy of the loops, branches and scalars that its operations
    need, and nothing else: an accumulator is not carried around the producer's
    loop. Only arguments of the kernel and rings are shared. A kernel without
    puts is left as it is.

    Before:
    ```mlir
    %r = scf.for ... iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
      aref.put %ab, %a, %b {aref.role = "producer"} : ...
      ...
      scf.yield %d : tensor<128x256xf32>
    }
    ```
    After:
    ```mlir
    aref.role "producer" instances(%instance = 1) warps(1) {
      scf.for ... {
        aref.put %ab, %a, %b : ...
      }
    }
    aref.role "consumer" instances(%instance = 1) warps(4) {
      %r = scf.for ... iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
        ...
        scf.yield %d : tensor<128x256xf32>
      }
    }
    ```
  }];
}

def VerifyTarget : Pass<"verify-target", "::heddle::tile::KernelOp"> {
  let summary = "refuses what the tensor cores of sm_90a cannot do";
  let description = [{
    Checks every `tile.dot` against the shapes, types and operand orders of
    `wgmma`, so that later passes need not, and names the nearest dot that
    works. Changes nothing.

    ```mlir
    // error: expected M to be a multiple of 64, found 32; 64 would work
    %d = tile.dot %a, %b, %c
      : tensor<32x64xbf16>, tensor<64x128xbf16> -> tensor<32x128xf32>
    ```
  }];
}

def VersionKernels : Pass<"version-kernels", "::mlir::ModuleOp"> {
  let summary = "one kernel that copies by TMA and one that does not";
  let description = [{
    The TMA needs bases and strides that are multiples of 16 bytes, which is
    known when the kernel is launched. A kernel that would use it therefore gets
    a fallback. A kernel that has `aref.copies` already is left alone.

    Before:
    ```mlir
    tile.kernel @gemm(...) { ... }
    ```
    After:
    ```mlir
    tile.kernel @gemm(...)
      attributes {aref.copies = "tma", aref.fallback = "gemm_plain"} { ... }
    tile.kernel @gemm_plain(...) attributes {aref.copies = "plain"} { ... }
    ```
  }];
}

#endif // HEDDLE_TRANSFORMS_PASSES
