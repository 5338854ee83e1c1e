//===- TileOps.td - Operations of the tile dialect ------ -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TILE_OPS
#define HEDDLE_TILE_OPS

include "dialects/Tile/TileAttrs.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

/// A statically shaped tensor of any encoding: a tile.
def Tile_Tile : Type<
    StaticShapeTensorOf<[AnyFloat, AnySignlessInteger, Index]>.predicate,
    "tile", "::mlir::RankedTensorType">;
def Tile_IntegerTile : Type<
    StaticShapeTensorOf<[AnySignlessInteger, Index]>.predicate,
    "tile of integers", "::mlir::RankedTensorType">;
def Tile_View : StridedMemRefOf<[AnyType]>;
/// What is left of a tile along one dimension fewer: a number, if there is none.
def Tile_TileOrNumber
    : AnyTypeOf<[Tile_Tile, AnyFloat, AnySignlessInteger, Index]>;

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

def Tile_KernelOp : Tile_Op<"kernel", [
    AffineScope, AutomaticAllocationScope, FunctionOpInterface,
    IsolatedFromAbove, OpAsmOpInterface,
    SingleBlockImplicitTerminator<"::heddle::tile::ReturnOp">]> {
  let summary = "a program that every block of a launch runs";
  let description = [{
    Arguments are views of global memory and scalars. The body sees its block
    through `gpu.block_id` and the launch through `gpu.grid_dim`.

    Constraints:
    1. Every argument is a strided memref of rank 1 to 5 with default memory
       space, an integer, an index or a float.
    2. There are no results.

    Example:
    ```mlir
    tile.kernel @scale(%x: memref<?xf32>, %y: memref<?xf32>, %a: f32) {
      %c256 = arith.constant 256 : index
      %b = gpu.block_id x
      %i = arith.muli %b, %c256 : index
      %t = tile.load %x[%i] : memref<?xf32> -> tensor<256xf32>
      %s = tensor.splat %a : tensor<256xf32>
      %r = arith.mulf %t, %s : tensor<256xf32>
      tile.store %r, %y[%i] : tensor<256xf32>, memref<?xf32>
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    OptionalAttr<StrArrayAttr>:$arg_names,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs
  );
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// Names the block arguments as the author did.
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setNameFn);
  }];
}

def Tile_HostOp : Tile_Op<"host", [
    AffineScope, FunctionOpInterface, IsolatedFromAbove, OpAsmOpInterface,
    SingleBlockImplicitTerminator<"::heddle::tile::ReturnOp">]> {
  let summary = "the function that computes grids from sizes and launches";
  let description = [{
    A host function runs where the application runs. Its *sizes*, in brackets,
    are `index` values that the caller chooses; its *buffers* are dense
    row-major memrefs whose dynamic extents are named by sizes. `out` buffers
    are only written, `inout` ones are read and written, others are only read.
    `cf.assert` refuses sizes that the kernels cannot work with, before anything
    is launched. What the function allocates is scratch, for one launch to leave something
    to another of the same call in; its contents are undefined before.

    Constraints:
    1. Every buffer is a memref with identity layout of rank 1 to 5.
    2. Each dynamic extent of a buffer is bound to one size.
    3. The body holds integer `arith` on `index`, `cf.assert`, `memref.alloc` of
       dense memrefs of rank 1 to 5, `tile.launch`, and calls of functions that
       hold such arithmetic and assertions.

    Example:
    ```mlir
    tile.host @scale_all[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
      %c256 = arith.constant 256 : index
      %a = arith.constant 2.0 : f32
      %blocks = arith.ceildivui %N, %c256 : index
      tile.launch @scale grid(%blocks) args(%x, %y, %a)
        : memref<?xf32>, memref<?xf32>, f32
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    // Names of the sizes; they are the first arguments of the body.
    StrArrayAttr:$size_names,
    // Names of the buffers; they are the other arguments of the body.
    StrArrayAttr:$buffer_names,
    // One `Access` per buffer.
    DenseI32ArrayAttr:$accesses,
    // For every dynamic extent, buffer after buffer, the number of its size.
    DenseI32ArrayAttr:$extents,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs
  );
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setNameFn);

    unsigned getNumSizes() { return getSizeNames().size(); }
    unsigned getNumBuffers() { return getBufferNames().size(); }
    ::llvm::StringRef getSizeName(unsigned i) {
      return ::llvm::cast<::mlir::StringAttr>(getSizeNames()[i]).getValue();
    }
    ::llvm::StringRef getBufferName(unsigned i) {
      return ::llvm::cast<::mlir::StringAttr>(getBufferNames()[i]).getValue();
    }
    ::mlir::MemRefType getBufferType(unsigned i) {
      return ::llvm::cast<::mlir::MemRefType>(
          getArgumentTypes()[getNumSizes() + i]);
    }
    Access getAccess(unsigned i) { return Access(getAccesses()[i]); }
    /// For each dimension of buffer `i`: the number of the size that is its
    /// extent, or -1 where the extent is static.
    ::llvm::SmallVector<int32_t> getExtentSizes(unsigned i);
  }];
}

def Tile_ReturnOp : Tile_Op<"return", [
    Pure, ReturnLike, Terminator,
    ParentOneOf<["::heddle::tile::KernelOp", "::heddle::tile::HostOp"]>]> {
  let summary = "ends a kernel or host function; implied";
  let assemblyFormat = "attr-dict";
}

def Tile_LaunchOp : Tile_Op<"launch", [
    AttrSizedOperandSegments, HasParent<"::heddle::tile::HostOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel on a grid of blocks";
  let description = [{
    Launches of one host function run in order. A grid with a zero extent runs
    nothing.

    Constraints:
    1. The grid has one to three extents.
    2. The callee is a `tile.kernel` of the same module.
    3. There are as many arguments as the kernel has, each of the kernel's type
       or a memref that can be cast to it.
  }];
  let arguments = (ins
    FlatSymbolRefAttr:$callee,
    Variadic<Index>:$grid,
    Variadic<AnyType>:$args
  );
  let assemblyFormat = [{
    $callee `grid` `(` $grid `)` `args` `(` $args `)` attr-dict
    (`:` type($args)^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_Op<"load"> {
  let summary = "reads a tile of a view";
  let description = [{
    Element `i` of the tile is element `offsets + i` of the view. Offsets count
    elements; they may be negative and the tile may overhang the view. Elements
    outside the view read as `pad`, or as an unspecified value if there is none.
    A tile of a lower rank than the view covers its last dimensions; the others
    are indexed by their offset alone, and must then be inside the view unless
    there is a `pad`.

    Where offsets are tiles of N indices, the load *gathers*: row `i` of the
    result is at element `i` of each of them. The result's other dimensions
    cover the last ones of the view.

    A view may be a `memref.subview` of another one. What is outside of the
    part is outside of the view, whatever the other one has there.

    Constraints:
    1. There is one offset per dimension of the view.
    2. The rank of the tile is 1 to the rank of the view.
    3. Tile, view and `pad` have the same element type.
    4. Offsets that are tiles have one dimension, the first of the result, and
       none is along a dimension that the result covers.

    Example:
    ```mlir
    %a = tile.load %A[%m, %k] pad 0.0 : bf16
      : memref<?x?xbf16> -> tensor<128x64xbf16>
    %rows = tile.load %B[%numbers : tensor<128xi32>, %c0] pad 0.0 : bf16
      : memref<?x64xbf16> -> tensor<128x64xbf16>
    ```
  }];
  let arguments = (ins
    Arg<Tile_View, "the view to read", [MemRead]>:$view,
    Variadic<AnyTypeOf<[Index, Tile_IntegerTile]>>:$offsets,
    OptionalAttr<TypedAttrInterface>:$pad
  );
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $view `[` custom<Offsets>($offsets, type($offsets)) `]` (`pad` $pad^)?
    attr-dict `:` type($view) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether tiles say where the rows are.
    bool isGather();
    /// The view's dimensions that offsets alone index.
    unsigned getNumOuterDims();
  }];
}

def Tile_StoreOp : Tile_Op<"store"> {
  let summary = "writes a tile to a view";
  let description = [{
    Element `i` of the tile becomes element `offsets + i` of the view; elements
    outside the view are dropped. Ranks and offsets are as for `tile.load`.

    With `reduce`, each element is combined with the one that the view has, and
    nothing comes between its being read and written: what several blocks
    reduce into one element all arrives, in an unspecified order. Within a
    block, a reduction is ordered before and after loads and other stores, but
    not before and after reductions of its kind. `min` and `max` are signed.

    Constraints:
    1. There is one offset per dimension of the view.
    2. The rank of the tile is 1 to the rank of the view.
    3. Tile and view have the same element type.
    4. `reduce add` applies to f16, bf16, f32, f64, i32 and i64, `reduce min`
       and `reduce max` to i32 and i64.

    Example:
    ```mlir
    tile.store %c, %C[%m, %n] : tensor<128x256xbf16>, memref<?x?xbf16>
    tile.store %d, %D[%m, %n] reduce add : tensor<64x128xf32>, memref<?x?xf32>
    ```
  }];
  let arguments = (ins
    Tile_Tile:$value,
    Arg<Tile_View, "the view to write", [MemWrite]>:$view,
    Variadic<Index>:$offsets,
    OptionalAttr<Tile_ReduceKindAttr>:$reduce
  );
  let builders = [
    OpBuilder<(ins "::mlir::Value":$value, "::mlir::Value":$view,
                   "::mlir::ValueRange":$offsets), [{
      build($_builder, $_state, value, view, offsets, ReduceKindAttr());
    }]>
  ];
  let assemblyFormat = [{
    $value `,` $view `[` $offsets `]` (`reduce` $reduce^)? attr-dict
    `:` type($value) `,` type($view)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

def Tile_DotOp : Tile_Op<"dot", [
    Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "matrix product plus accumulator";
  let description = [{
    `result[m, n] = acc[m, n] + sum over k of a[m, k] * b[k, n]`. With
    `transpose_a`, `a` is indexed `[k, m]`; with `transpose_b`, `b` is indexed
    `[n, k]`. Products of floats are exact and are summed in the accumulator's
    type in an unspecified order; `fast_accum` lets 8-bit floats accumulate
    with fewer bits, as the tensor core does by itself. f32 operands are rounded
    to tf32, to nearest even, under `precision tf32`.

    Constraints:
    1. `a`, `b` and `acc` have rank 2 and shapes that multiply.
    2. Element types are f16 or bf16 with f32; f32 with f32; f8E4M3FN or
       f8E5M2 (they may mix) with f32; i8 with i32.
    3. `fast_accum` applies to 8-bit floats, `precision` to f32; it is `ieee` or
       `tf32`.
  }];
  let arguments = (ins
    Tile_Tile:$a,
    Tile_Tile:$b,
    Tile_Tile:$acc,
    UnitAttr:$transpose_a,
    UnitAttr:$transpose_b,
    UnitAttr:$fast_accum,
    DefaultValuedAttr<Tile_PrecisionAttr, "Precision::IEEE">:$precision
  );
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc
    oilist(`transpose_a` $transpose_a | `transpose_b` $transpose_b |
           `fast_accum` $fast_accum | `precision` $precision)
    attr-dict `:` type($a) `,` type($b) `->` type($acc)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The extents of the product.
    int64_t getM();
    int64_t getN();
    int64_t getK();
  }];
}

def Tile_ReduceOp : Tile_Op<"reduce", [
    Pure, AllTypesMatch<["init", "result"]>]> {
  let summary = "combines the elements along one axis";
  let description = [{
    `result[i] = init[i] combined with x[i, j] for every j`, where `j` runs over
    `axis`. The order is unspecified. `max` and `min` of floats ignore NaN
    unless every element is NaN. What a tile of rank 1 comes to is a number.

    Constraints:
    1. `axis` is a dimension of `x`.
    2. `init` has the shape of `x` without `axis`, and its element type; it is a
       number of that type if `x` has rank 1.
    3. `and`, `or` and `xor` apply to integers.

    Example:
    ```mlir
    %m = tile.reduce max %s, %old axis 1
      : tensor<128x64xf32> -> tensor<128xf32>
    %sum = tile.reduce add %gates, %zero axis 0 : tensor<64xf32> -> f32
    ```
  }];
  let arguments = (ins
    Tile_ReduceKindAttr:$kind,
    Tile_Tile:$x,
    Tile_TileOrNumber:$init,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis
  );
  let results = (outs Tile_TileOrNumber:$result);
  let assemblyFormat = [{
    $kind $x `,` $init `axis` $axis attr-dict `:` type($x) `->` type($init)
  }];
  let hasVerifier = 1;
}

def Tile_ScanOp : Tile_Op<"scan", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "combines each element with those before it along one axis";
  let description = [{
    Element `i` along `axis` becomes the neutral element of `kind` combined with
    `x[0]` to `x[i]`; with `exclusive`, with those before `x[i]` only. With
    `reverse`, the last element comes first. What all elements make together is
    a `tile.reduce`.

    The order in which pairs are combined is unspecified. Floats of 16 bits are
    combined as f32 and rounded once. `max` and `min` of floats ignore NaN;
    their neutral elements are the infinities.

    Constraints:
    1. `axis` is a dimension of `x`.
    2. `and`, `or` and `xor` apply to integers.

    Example:
    ```mlir
    // Gates of a chunk, accumulated.
    %sums = tile.scan add %gates axis 0 : tensor<64xf32>
    // What comes after each row.
    %rest = tile.scan add %gates axis 0 reverse exclusive : tensor<64x128xf32>
    ```
  }];
  let arguments = (ins
    Tile_ReduceKindAttr:$kind,
    Tile_Tile:$x,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
    UnitAttr:$reverse,
    UnitAttr:$exclusive
  );
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $kind $x `axis` $axis oilist(`reverse` $reverse | `exclusive` $exclusive)
    attr-dict `:` type($x)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_RecurrenceOp : Tile_Op<"recurrence", [
    Pure, AllTypesMatch<["a", "b", "result"]>,
    AllTypesMatch<["init", "last"]>]> {
  let summary = "the first-order linear recurrence along one axis";
  let description = [{
    `h[i] = a[i] * h[i - 1] + b[i]` along `axis`, where `init` comes before the
    first `h`. `result` has every `h`, and `last` the one that the last step
    makes: the `init` of the tile that follows. With `exclusive`, element `i` of
    `result` is what step `i` starts from. With `reverse`, steps go from the last
    element to the first.

    Steps may be joined before they are applied, in an unspecified order: what
    factors multiply to should be finite. Floats of 16 bits are computed as f32
    and rounded once.

    Constraints:
    1. `axis` is a dimension of `a`.
    2. `init` has the shape of `a` without `axis`, and its element type; it is a
       number of that type if `a` has rank 1.
    3. Elements are floats.

    Example:
    ```mlir
    %h, %last = tile.recurrence %a, %b, %h0 axis 0
      : tensor<64x128xf32>, tensor<128xf32>
    ```
  }];
  let arguments = (ins
    Tile_Tile:$a,
    Tile_Tile:$b,
    Tile_TileOrNumber:$init,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
    UnitAttr:$reverse,
    UnitAttr:$exclusive
  );
  let results = (outs Tile_Tile:$result, Tile_TileOrNumber:$last);
  let assemblyFormat = [{
    $a `,` $b `,` $init `axis` $axis
    oilist(`reverse` $reverse | `exclusive` $exclusive)
    attr-dict `:` type($a) `,` type($init)
  }];
  let hasVerifier = 1;
}

def Tile_TriInverseOp : Tile_Op<"tri_inverse", [
    Pure, SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "inverse of a unit lower triangular matrix";
  let description = [{
    The inverse of `1 + l`, where `l` is `a` below its diagonal: `result` solves
    `result[i, j] = -a[i, j] - sum over k of a[i, k] * result[k, j]`, where
    `j < k < i`. It has ones on the diagonal and zeros above. What `a` has on and
    above its diagonal is ignored.

    Sums are in f32. Within blocks of 16 rows and columns, whose diagonals
    coincide, so are products; `precision` says how the others are multiplied:
    `ieee` about as f32, `tf32` and `f16` with operands rounded to these types.
    `f16` needs `a` and the result to be within the range of f16: a value beyond
    becomes infinite. Where `a` is not finite, any element may become NaN.
    docs/rationale-tile.md has the errors that were measured.

    Constraints:
    1. `a` is a square of f32 of 1 to 128 rows.

    Example:
    ```mlir
    %t = tile.tri_inverse %a precision tf32 : tensor<64x64xf32>
    ```
  }];
  let arguments = (ins
    Tile_Tile:$a,
    DefaultValuedAttr<Tile_PrecisionAttr, "Precision::IEEE">:$precision
  );
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $a (`precision` $precision^)? attr-dict
    `:` custom<TypeOfBoth>(type($a), type($result))
  }];
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "repeats a tile along new axes";
  let description = [{
    The result's dimensions without `axes` are those of the operand, in order;
    elements repeat along `axes`.

    Constraints:
    1. `axes` are different dimensions of the result, in increasing order.
    2. The operand has the result's shape without `axes`, and its element type.

    Example:
    ```mlir
    %r = tile.broadcast %rows axes [1] : tensor<128xf32> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$x, DenseI64ArrayAttr:$axes);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $x `axes` $axes attr-dict `:` type($x) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure]> {
  let summary = "permutes the dimensions of a tile";
  let description = [{
    Dimension `d` of the result is dimension `permutation[d]` of the operand.

    Constraints:
    1. `permutation` is a permutation of the operand's dimensions.

    Example:
    ```mlir
    %t = tile.transpose %x [1, 0] : tensor<64x128xf32> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$x $permutation attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "the index of each element along one axis";
  let description = [{
    `result[i] = i[axis]`.

    Constraints:
    1. `axis` is a dimension of the result.
    2. The element type is an integer or index.

    Example:
    ```mlir
    %columns = tile.iota axis 1 : tensor<128x64xi32>
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$axis);
  let results = (outs Tile_IntegerTile:$result);
  let assemblyFormat = "`axis` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // HEDDLE_TILE_OPS
