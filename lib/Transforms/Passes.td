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
