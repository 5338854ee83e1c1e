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

def AllocateShared : Pass<"allocate-shared", "::heddle::tile::KernelOp"> {
  let summary = "gives every buffer and mbarrier its address in shared memory";
  let description = [{
    Buffers start at multiples of 1024 bytes. Scratch that is used in one block,
    with a barrier between one use and the next, may share its address; nothing
    else does. The kernel gets `aref.shared_bytes`.

    ```mlir
    %a = aref.alloc {depth = 3} : !aref.buffer<128x64xbf16, swizzle = 128>
    %full = aref.mbarriers count 1 : !aref.mbarriers<3>
    ```
    becomes
    ```mlir
    %a = aref.alloc {depth = 3, offset = 0} : ...
    %full = aref.mbarriers count 1 {offset = 49152} : ...
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def LowerArefs : Pass<"lower-arefs", "::heddle::tile::KernelOp"> {
  let summary = "turns rings into buffers and mbarriers";
  let description = [{
    A ring of depth D becomes D buffers per tile and two arrays of D mbarriers,
    `full` and `empty`; a slot becomes its stage, an i32. Each role carries the
    stage and the parity of its next use of a ring through its control flow.

    ```mlir
    %slot = aref.wait %ring : ...
    %a = aref.view %ring, %slot[0] : ...
    ...
    aref.release %ring, %slot : ...
    ```
    becomes
    ```mlir
    aref.await %full[%stage] parity %phase : ...
    %next = arith.addi %stage, %c1 : i32
    %wrap = arith.cmpi eq, %next, %c3 : i32
    %stage_1 = arith.select %wrap, %c0, %next : i32
    %flip = arith.extui %wrap : i1 to i32
    %phase_1 = arith.xori %phase, %flip : i32
    %a = aref.stage %buffers[%stage : i32] : ...
    ...
    aref.arrive %empty[%stage] : ...
    ```
  }];
  let dependentDialects = [
    "::heddle::aref::ArefDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerCopies : Pass<"lower-copies", "::heddle::tile::KernelOp"> {
  let summary = "moves tiles between global memory and slots";
  let description = [{
    In a kernel with `aref.copies = "tma"`, a put of loads becomes asynchronous
    copies into the slot, and stores of the role go through a staging buffer and
    asynchronous copies, as far as shared memory has room for it beside the
    rings. In other kernels threads load, and write to the slot.

    ```mlir
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : ...
    aref.put %ring, %a : ...
    ```
    becomes
    ```mlir
    %slot = aref.acquire %ring : ...
    %buffer = aref.view %ring, %slot[0] : ...
    aref.copy_in %A[%m, %k] -> %buffer for %ring, %slot : ...
    aref.commit %ring, %slot bytes 16384 : ...
    ```
    and
    ```mlir
    tile.store %c, %C[%m, %n] : ...
    ```
    becomes
    ```mlir
    aref.drain
    aref.sync
    aref.local_store %c, %staging : ...
    aref.fence_async
    aref.sync
    aref.copy_out %staging -> %C[%m, %n] : ...
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def PipelineMma : Pass<"pipeline-mma", "::heddle::tile::KernelOp"> {
  let summary = "turns dots into asynchronous products and waits for them late";
  let description = [{
    Operands that a ring holds are read where they are; `a` may also be in
    registers; others go through scratch in shared memory. A loop whose only
    product is summed up from one iteration to the next keeps one product in
    flight: it gives slots back one iteration late, so that its ring needs two.
    8-bit floats without `fast_accum` are summed by additions in f32.

    ```mlir
    %c = scf.for ... iter_args(%sum = %zero) -> (tensor<64x256xf32>) {
      %slot, %a, %b = aref.get %ring : ...
      %d = tile.dot %a, %b, %sum : ...
      aref.release %ring, %slot : ...
      scf.yield %d : tensor<64x256xf32>
    }
    ```
    becomes
    ```mlir
    %none = aref.none : ...
    %sums:2 = scf.for ... iter_args(%sum = %zero, %last = %none) -> (...) {
      %slot = aref.wait %ring : ...
      %a = aref.view %ring, %slot[0] : ...
      %b = aref.view %ring, %slot[1] : ...
      %d = aref.mma %a, %b, %sum : ...
      %w = aref.mma_wait %d pending 1 : ...
      aref.release %ring, %last : ...
      scf.yield %w, %slot : ...
    }
    %c = aref.mma_wait %sums#0 pending 0 : ...
    aref.release %ring, %sums#1 : ...
    ```
  }];
  let dependentDialects = [
    "::heddle::aref::ArefDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
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

#endif // HEDDLE_TRANSFORMS_PASSES
