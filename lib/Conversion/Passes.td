//===- Passes.td - Conversions to NVVM and LLVM -*- tablegen -* -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_PASSES
#define HEDDLE_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertScalarsToLLVM : Pass<"convert-scalars-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lower control flow and scalars to the LLVM dialect";
  let description = [{
    The last step before LLVM IR, on the functions that `convert-to-nvvm` makes.
    An index has 64 bits. Elementary functions of f32 become the hardware's
    approximations where they are good to a few units in the last place, and
    polynomials elsewhere; those of f16 and bf16 are computed in f32.

    Before:
    ```mlir
    %y = math.exp2 %x : f32
    ```
    After:
    ```mlir
    %y = llvm.inline_asm "ex2.approx.ftz.f32 $0, $1;", "=f,f" %x : (f32) -> f32
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

def ConvertToNVVM : Pass<"convert-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "turn kernels into functions of what one thread does";
  let description = [{
    Tiles become the registers that one thread holds of them, views become
    pointers, sizes and strides, and the asynchronous operations become PTX.
    Roles become branches of one function: the block's warps are dealt to roles
    in order, every instance from a multiple of four warps on.

    The function's parameters are, for every argument of the kernel, a view's
    address, sizes and strides as 64-bit numbers, an index as 64 bits and other
    scalars as themselves; then one 128-byte tensor map, by value, for each
    element of `aref.tensor_maps`. Of each of these, `argument` is the view,
    `box` and `swizzle` are how the TMA copies it, and `type` is its elements'
    type, or tf32 where loads round f32 to it. The attributes `aref.threads`,
    `aref.shared_bytes`, `aref.arguments`, `aref.persistent` and
    `aref.fallback` say what a launch needs.

    Before:
    ```mlir
    tile.kernel @k(%x: memref<?xf32>) {
      aref.role "producer" instances(%i = 1) warps(1) registers(24) { ... }
      aref.role "consumer" instances(%j = 2) warps(4) registers(240) { ... }
    }
    ```
    After:
    ```mlir
    llvm.func @k(%x: !llvm.ptr<1>, %size: i64, %stride: i64)
        attributes {nvvm.kernel, nvvm.reqntid = array<i32: 384>,
                    nvvm.maxnreg = 168 : i32, ...} {
      ...
      cf.cond_br %is_producer, ^producer, ^other
      ...
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif // HEDDLE_CONVERSION_PASSES
