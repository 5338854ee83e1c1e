#ifndef HEDDLE_TRANSFORMS_PASSES
#define HEDDLE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

// In alphabetical order; `lib/Compiler/Pipeline.cpp` has the order in which they
// run.

def AssignLayouts : Pass<"assign-layouts", "::heddle::tile::KernelOp"> {
  let summary = "decides where the elements of every tile live";
  let description = [{
    Gives every tile of every role, or of a kernel without roles, an
    `#aref.layout`. Layouts spread from where hardware fixes them: accumulators
    of `aref.mma` first, its register operands next, then, from the largest
    tile on, accesses to memory. Where two demands meet, an
    `aref.convert_layout` stands between them; constants, splats and iotas are
    made once for every layout instead.

    ```mlir
    %b = tile.load %B[%n] : memref<?xf32> -> tensor<64xf32>
    %r = tile.broadcast %b axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %s = arith.addf %acc, %r : tensor<64x64xf32>
    ```
    loads `%b` as the accumulator `%acc` needs it, without a conversion.
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def ConvertLayouts : Pass<"convert-layouts", "::heddle::tile::KernelOp"> {
  let summary = "moves tiles between layouts through shared memory";
  let description = [{
    Removes conversions that change nothing, leaves those that only rename a
    thread's registers, and writes the others as a store to scratch and a load
    from it, each after a barrier. Reductions along an axis that several warps
    share become `aref.reduce`, which uses scratch as well. One scratch buffer
    per type serves a role; each instance has its own.
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

#endif // HEDDLE_TRANSFORMS_PASSES
