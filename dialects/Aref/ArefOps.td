//===- ArefOps.td - Operations of the aref dialect ------ -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_AREF_OPS
#define HEDDLE_AREF_OPS

include "dialects/Aref/ArefAttrs.td"
include "dialects/Aref/ArefTypes.td"
include "dialects/Tile/TileAttrs.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"

class Aref_Op<string mnemonic, list<Trait> traits = []>
    : Op<Aref_Dialect, mnemonic, traits>;

/// The slot called `slot` is one of the ring called `ring`.
def Aref_SlotOfRing : TypesMatchWith<
    "the slot is one of the ring", "ring", "slot",
    "::llvm::cast<::heddle::aref::RingType>($_self).getSlot()">;

/// Lets an operation name its results, so that the printed IR can be read.
def Aref_NamesResults
    : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>;

def Aref_Tile : Type<
    StaticShapeTensorOf<[AnyFloat, AnySignlessInteger, Index]>.predicate,
    "tile", "::mlir::RankedTensorType">;

/// As `Tile_TileOrNumber`.
def Aref_TileOrNumber
    : AnyTypeOf<[Aref_Tile, AnyFloat, AnySignlessInteger, Index]>;

def Aref_TileOfF32 : Type<
    StaticShapeTensorOf<[F32]>.predicate, "tile of f32",
    "::mlir::RankedTensorType">;

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

def Aref_RoleOp : Aref_Op<"role", [
    HasParent<"::heddle::tile::KernelOp">, NoTerminator, SingleBlock,
    OpAsmOpInterface, RecursiveMemoryEffects]> {
  let summary = "a part of the kernel that its own warps run";
  let description = [{
    Roles of a kernel run at the same time. A role has `instances` copies, each
    of `warps` warps that keep `registers` registers per thread; the body's
    argument is the number of the instance. What a role captures from the kernel
    is scalars, views, rings and buffers: never a tile, since each role has its
    own layouts.

    Constraints:
    1. `warps` is 1 to 16 and `instances` 1 to 8.
    2. `registers` is 0 (the compiler's choice) or a multiple of 8 in 24..256.
    3. No tile and no slot is captured from above.

    Example:
    ```mlir
    aref.role "consumer" instances(%i = 2) warps(4) registers(240) {
      ...
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$name,
    I64Attr:$instances,
    I64Attr:$warps,
    DefaultValuedAttr<I64Attr, "0">:$registers
  );
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$name, "int64_t":$instances,
                   "int64_t":$warps, "int64_t":$registers)>
  ];
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getInstance() { return getBody().getArgument(0); }
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setNameFn);
  }];
}

//===----------------------------------------------------------------------===//
// Rings, at the level of values
//===----------------------------------------------------------------------===//

def Aref_RingOp : Aref_Op<"ring", [
    MemoryEffects<[MemAlloc]>, Aref_NamesResults]> {
  let summary = "creates a ring";
  let description = [{
    Created in the kernel's body, before its roles. It is printed under the
    names of the views that fill it.

    Example:
    ```mlir
    %A_B = aref.ring : <4 x tensor<128x64xbf16>, tensor<64x256xbf16>>
    ```
  }];
  // Uses the consumer may have in flight before it releases the oldest, plus
  // one: the least depth that cannot deadlock.
  // `requested_depth` is the depth that the author asked for by `tile.stages`.
  let arguments = (ins DefaultValuedAttr<I64Attr, "1">:$min_depth,
                       OptionalAttr<I64Attr>:$max_depth,
                       OptionalAttr<I64Attr>:$requested_depth);
  let results = (outs Aref_RingType:$ring);
  let builders = [
    OpBuilder<(ins "::heddle::aref::RingType":$ring), [{
      $_state.addTypes(ring);
    }]>
  ];
  let extraClassDeclaration = [{
    /// What the view that fills tile `index` is called, or nothing.
    ::llvm::StringRef getViewName(unsigned index);
  }];
  // Where a ring is made its type is spelled out; elsewhere, an alias does.
  let assemblyFormat = [{
    (`min_depth` `(` $min_depth^ `)`)? (`max_depth` `(` $max_depth^ `)`)?
    (`requested_depth` `(` $requested_depth^ `)`)?
    attr-dict `:` custom<WholeRing>(type($ring))
  }];
  let hasVerifier = 1;
}

def Aref_PutOp : Aref_Op<"put", [
    MemoryEffects<[MemRead, MemWrite]>,
    RangedTypesMatchWith<
        "the values are tiles of the ring", "ring", "values",
        "::llvm::cast<::heddle::aref::RingType>($_self).getTiles()">]> {
  let summary = "acquires a slot, fills it with tiles and commits it";
  let description = [{
    Constraints:
    1. The values' types are the ring's tiles.

    Example:
    ```mlir
    aref.put %A_B, %a, %b
      : !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
    ```
  }];
  let arguments = (ins Aref_RingType:$ring, Variadic<Aref_Tile>:$values);
  let assemblyFormat = "$ring `,` $values attr-dict `:` type($ring)";
}

def Aref_GetOp : Aref_Op<"get", [
    MemoryEffects<[MemRead, MemWrite]>, InferTypeOpAdaptor,
    Aref_NamesResults]> {
  let summary = "waits for a slot and borrows its tiles";
  let description = [{
    The tiles may be used until the slot is released.

    Constraints:
    1. The slot and the values have the ring's tiles.

    Example:
    ```mlir
    %slot, %A_tile, %B_tile = aref.get %A_B : !ring
    ```
  }];
  let arguments = (ins Aref_RingType:$ring);
  let results = (outs Aref_SlotType:$slot, Variadic<Aref_Tile>:$values);
  let assemblyFormat = "$ring attr-dict `:` type($ring)";
}

def Aref_NoneOp : Aref_Op<"none", [Pure, Aref_NamesResults]> {
  let summary = "no slot; releasing it does nothing";
  let results = (outs Aref_SlotType:$slot);
  let assemblyFormat = "attr-dict `:` type($slot)";
}

//===----------------------------------------------------------------------===//
// Rings, at the level of slots
//===----------------------------------------------------------------------===//

def Aref_AcquireOp : Aref_Op<"acquire", [
    MemoryEffects<[MemRead, MemWrite]>, Aref_SlotOfRing, Aref_NamesResults]> {
  let summary = "waits until the ring's next slot is empty";
  let arguments = (ins Aref_RingType:$ring);
  let results = (outs Aref_SlotType:$slot);
  let assemblyFormat = "$ring attr-dict `:` type($ring)";
}

def Aref_CommitOp : Aref_Op<"commit", [
    MemoryEffects<[MemRead, MemWrite]>, Aref_SlotOfRing]> {
  let summary = "hands an acquired slot to the consumers";
  let description = [{
    With `bytes`, the slot is full once copies of as many bytes have arrived in
    it; the copies may still be in flight. Without, the role's threads have
    filled it themselves; with `async`, copies that they have started, by
    `aref.copy_async`, may still be in flight, too.
  }];
  let arguments = (ins Aref_RingType:$ring, Aref_SlotType:$slot,
                       OptionalAttr<I64Attr>:$bytes, UnitAttr:$async);
  let assemblyFormat = [{
    $ring `,` $slot (`bytes` $bytes^)? (`async` $async^)? attr-dict `:` type($ring)
  }];
}

def Aref_WaitOp : Aref_Op<"wait", [
    MemoryEffects<[MemRead, MemWrite]>, Aref_SlotOfRing, Aref_NamesResults]> {
  let summary = "waits until the ring's next slot is full";
  let arguments = (ins Aref_RingType:$ring);
  let results = (outs Aref_SlotType:$slot);
  let assemblyFormat = "$ring attr-dict `:` type($ring)";
}

def Aref_ReleaseOp : Aref_Op<"release", [
    MemoryEffects<[MemRead, MemWrite]>, Aref_SlotOfRing]> {
  let summary = "gives a slot back to the producer";
  let arguments = (ins Aref_RingType:$ring, Aref_SlotType:$slot);
  let assemblyFormat = "$ring `,` $slot attr-dict `:` type($ring)";
}

def Aref_ViewOp : Aref_Op<"view", [
    Pure, Aref_SlotOfRing, InferTypeOpAdaptor, Aref_NamesResults]> {
  let summary = "the buffer of one tile of a slot";
  let description = [{
    Example:
    ```mlir
    %A_tile = aref.view %A_B, %slot[0] : !ring
    ```
  }];
  let arguments = (ins Aref_RingType:$ring, Aref_SlotType:$slot,
                       I64Attr:$index);
  let results = (outs Aref_BufferType:$buffer);
  let assemblyFormat = "$ring `,` $slot `[` $index `]` attr-dict `:` type($ring)";
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

def Aref_AllocOp : Aref_Op<"alloc", [
    MemoryEffects<[MemAlloc]>, Aref_NamesResults]> {
  let summary = "reserves shared memory for `depth` buffers for the whole kernel";
  let description = [{
    `offset` is the address in bytes from the start of the kernel's shared
    memory, once it is known.
  }];
  let arguments = (ins DefaultValuedAttr<I64Attr, "1">:$depth,
                       OptionalAttr<I64Attr>:$offset);
  let results = (outs Aref_BufferType:$buffer);
  let assemblyFormat = [{
    (`depth` `(` $depth^ `)`)? (`offset` `(` $offset^ `)`)?
    attr-dict `:` custom<WholeBuffer>(type($buffer))
  }];
  let hasVerifier = 1;
}

def Aref_StageOp : Aref_Op<"stage", [
    Pure, AllTypesMatch<["source", "buffer"]>, Aref_NamesResults]> {
  let summary = "one of the buffers of an allocation of depth greater than one";
  let arguments = (ins Aref_BufferType:$source,
                       AnyTypeOf<[I32, Index]>:$index);
  let results = (outs Aref_BufferType:$buffer);
  let assemblyFormat = "$source `[` $index `:` type($index) `]` attr-dict `:` type($buffer)";
}

def Aref_RowsOp : Aref_Op<"rows", [Pure, Aref_NamesResults]> {
  let summary = "a range of the rows of a buffer";
  let description = [{
    Constraints:
    1. The first row and the number of rows are multiples of 8.
    2. `result` differs from `source` in its number of rows only.
  }];
  let arguments = (ins Aref_BufferType:$source, Index:$first);
  let results = (outs Aref_BufferType:$result);
  let assemblyFormat = [{
    $source `[` $first `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Aref_ColumnsOp : Aref_Op<"columns", [Pure, Aref_NamesResults]> {
  let summary = "a range of the panels of a buffer, or of a plain vector";
  let description = [{
    Constraints:
    1. Where the buffer has panels, the first column is a multiple of their
       width, and the number of columns too; else it is a vector.
    2. `result` differs from `source` in its last extent only.
  }];
  let arguments = (ins Aref_BufferType:$source, Index:$first);
  let results = (outs Aref_BufferType:$result);
  let assemblyFormat = [{
    $source `[` $first `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Aref_LocalLoadOp : Aref_Op<"local_load", [MemoryEffects<[MemRead]>]> {
  let summary = "reads a buffer into registers";
  let arguments = (ins Aref_BufferType:$buffer);
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer) `->` type($result)";
  let hasVerifier = 1;
}

def Aref_LocalStoreOp : Aref_Op<"local_store", [MemoryEffects<[MemWrite]>]> {
  let summary = "writes registers to a buffer";
  let arguments = (ins Aref_Tile:$value, Aref_BufferType:$buffer);
  let assemblyFormat = "$value `,` $buffer attr-dict `:` type($value) `,` type($buffer)";
  let hasVerifier = 1;
}

def Aref_SyncOp : Aref_Op<"sync", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "a barrier among the threads of one instance of the role";
  let description = [{
    Orders shared memory accesses of the instance's threads. Outside a role, a
    barrier among all threads of the block.
  }];
  let assemblyFormat = "attr-dict";
}

def Aref_TakeTurnOp : Aref_Op<"take_turn", [
    MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until the instance before this one passes its turn on";
  let description = [{
    Instances of a role take turns: an instance that starts its products while
    the others compute finds the tensor cores free, and leaves them busy.
  }];
  let assemblyFormat = "attr-dict";
}

def Aref_PassTurnOp : Aref_Op<"pass_turn", [
    MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "gives the turn to the next instance, or to the first";
  let assemblyFormat = "attr-dict";
}

def Aref_FenceAsyncOp : Aref_Op<"fence_async", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "orders a thread's shared memory accesses with asynchronous ones";
  let description = "Becomes `fence.proxy.async.shared::cta`.";
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

def Aref_CopyInOp : Aref_Op<"copy_in", [
    MemoryEffects<[MemRead, MemWrite]>, Aref_SlotOfRing]> {
  let summary = "starts a TMA copy of a tile of a view into a buffer";
  let description = [{
    Elements outside the view become zero. Completion is counted in bytes
    against the commit of `slot`. One thread of the role issues it. With
    `round_tf32`, elements are rounded as by `aref.round_tf32` on the way.

    The tile's dimensions are the last ones of the view, or those that `along`
    lists; in the others it has one element.

    With `multicast`, all blocks of the cluster perform it at the same use of
    the ring: each copies a share of the tile to the buffers of all.

    Constraints:
    1. The buffer's tile is of the view's elements, and fits in it.
    2. With `round_tf32`, elements are f32.
    3. `along` has one dimension of the view per dimension of the tile, in
       increasing order; the last is the view's last.
    4. With `multicast`, the kernel has clusters.
  }];
  let arguments = (ins
    Arg<AnyStridedMemRef, "the view to read", [MemRead]>:$view,
    Variadic<Index>:$offsets,
    Aref_BufferType:$buffer,
    Aref_RingType:$ring,
    Aref_SlotType:$slot,
    OptionalAttr<DenseI64ArrayAttr>:$along,
    UnitAttr:$round_tf32,
    UnitAttr:$multicast
  );
  let assemblyFormat = [{
    $view `[` $offsets `]` (`along` $along^)? `->` $buffer `for` $ring `,` $slot
    oilist(`round_tf32` $round_tf32 | `multicast` $multicast) attr-dict
    `:` type($view) `->` type($buffer) `for` type($ring)
  }];
  let hasVerifier = 1;
}

def Aref_CopyAsyncOp : Aref_Op<"copy_async", [
    MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies a tile of a view into a buffer by threads, which go on";
  let description = [{
    What a `tile.load` and an `aref.local_store` do, but elements do not go
    through registers, and the copies may end later: the `aref.commit` of the
    slot has `async`. `tile` is the type of the tile, whose layout says what each
    thread copies. Where addresses turn out not to be aligned, or the tile is
    not inside of the view, threads load and store.

    Constraints:
    1. The buffer has room for the tile; `pad` is zero.

    Example:
    ```mlir
    aref.copy_async %K[%page, %h, %row, %c0] -> %K_tile as tensor<64x128xbf16, #layout>
      : memref<?x?x?x128xbf16>, tensor<64xi32, #layout1>, index, tensor<64xi32, #layout1>, index
      -> !aref.buffer<64x128xbf16, swizzle = 128>
    ```
  }];
  let arguments = (ins
    Arg<AnyStridedMemRef, "the view to read", [MemRead]>:$view,
    Variadic<AnyTypeOf<[Index, Aref_Tile]>>:$offsets,
    OptionalAttr<TypedAttrInterface>:$pad,
    Aref_BufferType:$buffer,
    TypeAttrOf<Aref_Tile>:$tile
  );
  let assemblyFormat = [{
    $view `[` $offsets `]` (`pad` $pad^)? `->` $buffer `as` $tile attr-dict
    `:` type($view) (`,` type($offsets)^)? `->` type($buffer)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether tiles say where the rows are.
    bool isGather();
  }];
}

def Aref_CopyOutOp : Aref_Op<"copy_out", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "starts a TMA copy of a buffer to a tile of a view";
  let description = [{
    Elements outside the view are dropped. Offsets are not negative. One thread
    of the instance issues it, as a bulk group of its own. `reduce` is that of
    `tile.store`, where the TMA can do it; `along` is that of `aref.copy_in`.
  }];
  let arguments = (ins
    Aref_BufferType:$buffer,
    Arg<AnyStridedMemRef, "the view to write", [MemWrite]>:$view,
    Variadic<Index>:$offsets,
    OptionalAttr<DenseI64ArrayAttr>:$along,
    OptionalAttr<Tile_ReduceKindAttr>:$reduce
  );
  let assemblyFormat = [{
    $buffer `->` $view `[` $offsets `]` (`along` $along^)? (`reduce` $reduce^)? attr-dict
    `:` type($buffer) `->` type($view)
  }];
  let hasVerifier = 1;
}

def Aref_DrainOp : Aref_Op<"drain", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until copies out have read their buffers";
  let description = [{
    The thread that issued them waits until at most `pending` bulk groups have
    not read their sources; the others go on. With `complete`, it waits until
    their writes are done. `aref.sync` tells the other threads.
  }];
  let arguments = (ins DefaultValuedAttr<I64Attr, "0">:$pending,
                       UnitAttr:$complete);
  let assemblyFormat = [{
    (`pending` $pending^)? (`complete` $complete^)? attr-dict
  }];
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

def Aref_RoundTF32Op : Aref_Op<"round_tf32", [
    Pure, Elementwise, SameOperandsAndResultType]> {
  let summary = "rounds f32 to tf32, to nearest even";
  let description = [{
    The result is f32 with the low 13 bits of each element zero: what a product
    can read without changing it. Numbers too large for tf32 become infinite.

    Constraints:
    1. Elements are f32.

    Example:
    ```mlir
    %r = aref.round_tf32 %x : tensor<64x32xf32>
    ```
  }];
  let arguments = (ins Aref_TileOfF32:$x);
  let results = (outs Aref_TileOfF32:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Aref_PinOp : Aref_Op<"pin", [
    Elementwise, MemoryEffects<[MemRead, MemWrite]>,
    SameOperandsAndResultType]> {
  let summary = "the same tile, which is not used before";
  let description = [{
    What is computed from the result stays after the operations before this one,
    although nothing else may keep it there; and the result is in registers, even
    if it is constant.

    Example:
    ```mlir
    %d = aref.mma %a, %b, %sum : ...
    %p = aref.pin %x : tensor<64xf32>
    ```
  }];
  let arguments = (ins Aref_Tile:$x);
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Aref_MmaOp : Aref_Op<"mma", [
    MemoryEffects<[MemRead]>, AllTypesMatch<["acc", "result"]>,
    Aref_NamesResults]> {
  let summary = "starts a matrix product on the tensor cores";
  let description = [{
    `result` may not be touched, nor the buffers overwritten, before an
    `aref.mma_wait` that covers it. `a` is a buffer or a tile in registers; `b`
    is a buffer. Meaning and flags as for `tile.dot`, but that the low 13 bits
    of f32 operands are dropped, not rounded. Each is one group: a
    `wgmma.fence`, the products, `wgmma.commit_group`.
  }];
  let arguments = (ins
    AnyTypeOf<[Aref_BufferType, Aref_Tile]>:$a,
    Aref_BufferType:$b,
    Aref_Tile:$acc,
    UnitAttr:$transpose_a,
    UnitAttr:$transpose_b,
    UnitAttr:$fast_accum
  );
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc
    oilist(`transpose_a` $transpose_a | `transpose_b` $transpose_b |
           `fast_accum` $fast_accum)
    attr-dict `:` type($a) `,` type($b) `->` type($acc)
  }];
  let hasVerifier = 1;
}

def Aref_MmaWaitOp : Aref_Op<"mma_wait", [
    AllTypesMatch<["values", "results"]>, AttrSizedOperandSegments,
    MemoryEffects<[MemRead, MemWrite]>, Aref_NamesResults]> {
  let summary = "waits until at most `pending` products are in flight";
  let description = [{
    The values are threaded through, so that nothing that uses them can move
    above the wait. A `late` wait comes after everything that is computed before
    it: otherwise, whoever schedules instructions may wait first. The registers
    of the `held` tiles, which products read, are not given to other values
    before the wait.
  }];
  let arguments = (ins
    Variadic<Aref_Tile>:$values,
    Variadic<Aref_Tile>:$held,
    I64Attr:$pending,
    UnitAttr:$late
  );
  let results = (outs Variadic<Aref_Tile>:$results);
  let assemblyFormat = [{
    $values `pending` $pending (`late` $late^)?
    (`holding` $held^ `:` type($held))? attr-dict `:` type($values)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::ValueRange":$values, "int64_t":$pending), [{
      build($_builder, $_state, values.getTypes(), values,
            /*held=*/::mlir::ValueRange(), pending, /*late=*/false);
    }]>
  ];
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

def Aref_ConvertLayoutOp : Aref_Op<"convert_layout", [Pure]> {
  let summary = "the same tile, spread over threads differently";
  let arguments = (ins Aref_Tile:$x);
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Aref_ReduceOp : Aref_Op<"reduce", [
    MemoryEffects<[MemRead, MemWrite]>, AllTypesMatch<["init", "result"]>]> {
  let summary = "`tile.reduce` along an axis that several warps hold parts of";
  let description = [{
    Each warp reduces its part; `scratch` holds one row of results per part.
    Performs an `aref.sync` before and after it writes to `scratch`.

    Constraints:
    1. `scratch` is plain row-major: as many rows as there are parts, of as many
       elements as `init` has, a number being one. Elements of `i1` are held as `i8`, of `index` as
       `i64`.
  }];
  let arguments = (ins
    Tile_ReduceKindAttr:$kind,
    Aref_Tile:$x,
    Aref_TileOrNumber:$init,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
    Aref_BufferType:$scratch
  );
  let results = (outs Aref_TileOrNumber:$result);
  let assemblyFormat = [{
    $kind $x `,` $init `axis` $axis `through` $scratch attr-dict
    `:` type($x) `,` type($scratch) `->` type($init)
  }];
}

def Aref_ScanOp : Aref_Op<"scan", [
    MemoryEffects<[MemRead, MemWrite]>, AllTypesMatch<["x", "result"]>]> {
  let summary = "`tile.scan` along an axis that several warps hold parts of";
  let description = [{
    What each warp's parts come to goes through `scratch`. Performs an
    `aref.sync` before and after it writes to `scratch`.

    Constraints:
    1. `scratch` is plain row-major with one row. It has an element per part and
       per element of a slice along `axis`. Floats of 16 bits are held as f32,
       elements of `i1` as `i8`, of `index` as `i64`.
  }];
  let arguments = (ins
    Tile_ReduceKindAttr:$kind,
    Aref_Tile:$x,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
    UnitAttr:$reverse,
    UnitAttr:$exclusive,
    Aref_BufferType:$scratch
  );
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = [{
    $kind $x `axis` $axis oilist(`reverse` $reverse | `exclusive` $exclusive)
    `through` $scratch attr-dict `:` type($x) `,` type($scratch)
  }];
}

def Aref_RecurrenceOp : Aref_Op<"recurrence", [
    MemoryEffects<[MemRead, MemWrite]>, AllTypesMatch<["a", "b", "result"]>,
    AllTypesMatch<["init", "last"]>]> {
  let summary =
      "`tile.recurrence` along an axis that several warps hold parts of";
  let description = [{
    As `aref.scan`; `scratch` has two rows, for what joined steps multiply by
    and for what they add.
  }];
  let arguments = (ins
    Aref_Tile:$a,
    Aref_Tile:$b,
    Aref_TileOrNumber:$init,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
    UnitAttr:$reverse,
    UnitAttr:$exclusive,
    Aref_BufferType:$scratch
  );
  let results = (outs Aref_Tile:$result, Aref_TileOrNumber:$last);
  let assemblyFormat = [{
    $a `,` $b `,` $init `axis` $axis
    oilist(`reverse` $reverse | `exclusive` $exclusive) `through` $scratch
    attr-dict `:` type($a) `,` type($init) `,` type($scratch)
  }];
}

def Aref_TriInverseOp : Aref_Op<"tri_inverse", [
    MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "`tile.tri_inverse` by all warps, through shared memory";
  let description = [{
    Operand and result may have any layouts. Performs an `aref.sync` before and
    after it writes to `scratch`.

    Constraints:
    1. `scratch` is plain row-major f32. It has as many rows as `a`, rounded up
       to a multiple of 16, and 8 more columns.
  }];
  let arguments = (ins
    Aref_Tile:$a,
    Aref_BufferType:$scratch,
    Tile_PrecisionAttr:$precision
  );
  let results = (outs Aref_Tile:$result);
  let assemblyFormat = [{
    $a `through` $scratch `precision` $precision attr-dict
    `:` type($a) `,` type($scratch) `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

def Aref_CheckOp : Aref_Op<"check", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "stops the program unless a condition holds";
  let description = [{
    The condition is the same for all threads that run it. Becomes a `trap`.
  }];
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

def Aref_MbarriersOp : Aref_Op<"mbarriers", [
    MemoryEffects<[MemAlloc]>, Aref_NamesResults]> {
  let summary = "an array of mbarriers that each expect `count` arrivals";
  let description = [{
    Initialised before any role starts. With `cluster`, each block of the
    cluster arrives as often. `offset` as in `aref.alloc`.
  }];
  let arguments = (ins I64Attr:$count, OptionalAttr<I64Attr>:$offset,
                       UnitAttr:$cluster);
  let results = (outs Aref_MbarriersType:$barriers);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "int64_t":$count,
                   CArg<"bool", "false">:$cluster), [{
      build($_builder, $_state, type, $_builder.getI64IntegerAttr(count),
            /*offset=*/::mlir::IntegerAttr(),
            cluster ? $_builder.getUnitAttr() : ::mlir::UnitAttr());
    }]>
  ];
  let assemblyFormat = [{
    `count` $count (`cluster` $cluster^)? (`offset` `(` $offset^ `)`)? attr-dict
    `:` type($barriers)
  }];
}

def Aref_AwaitOp : Aref_Op<"await", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until the phase of parity `parity` has completed";
  let description = [{
    With `cluster`, all that the blocks of the cluster did before they arrived
    comes before what follows.
  }];
  let arguments = (ins Aref_MbarriersType:$barriers, I32:$stage, I32:$parity,
                       UnitAttr:$cluster);
  let assemblyFormat = [{
    $barriers `[` $stage `]` `parity` $parity (`cluster` $cluster^)? attr-dict
    `:` type($barriers)
  }];
}

def Aref_ExpectOp : Aref_Op<"expect", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one arrival that also announces `bytes` bytes of copies";
  let description = "One thread of the role performs it.";
  let arguments = (ins Aref_MbarriersType:$barriers, I32:$stage, I64Attr:$bytes);
  let assemblyFormat = "$barriers `[` $stage `]` `bytes` $bytes attr-dict `:` type($barriers)";
}

def Aref_ArriveOp : Aref_Op<"arrive", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one arrival per warp, where `stage` is not negative";
  let description = [{
    One lane arrives for its warp. With `sync`, the warp's lanes are ordered
    before it, as they must be if they accessed the slot themselves. With
    `async`, each lane arrives, too, once the copies are done that it started.
    With `cluster`, it arrives at this barrier of each block of the cluster.
  }];
  let arguments = (ins Aref_MbarriersType:$barriers, I32:$stage, UnitAttr:$sync,
                       UnitAttr:$async, UnitAttr:$cluster);
  let assemblyFormat = [{
    $barriers `[` $stage `]`
    oilist(`sync` $sync | `async` $async | `cluster` $cluster) attr-dict
    `:` type($barriers)
  }];
}

def Aref_TmaLoadOp : Aref_Op<"tma_load", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "`copy_in` whose completion is counted by an mbarrier";
  let arguments = (ins
    Arg<AnyStridedMemRef, "the view to read", [MemRead]>:$view,
    Variadic<Index>:$offsets,
    Aref_BufferType:$buffer,
    Aref_MbarriersType:$barriers,
    I32:$stage,
    OptionalAttr<DenseI64ArrayAttr>:$along,
    UnitAttr:$round_tf32,
    UnitAttr:$multicast
  );
  let assemblyFormat = [{
    $view `[` $offsets `]` (`along` $along^)? `->` $buffer `,` $barriers `[` $stage `]`
    oilist(`round_tf32` $round_tf32 | `multicast` $multicast) attr-dict
    `:` type($view) `->` type($buffer) `,` type($barriers)
  }];
  let hasVerifier = 1;
}

#endif // HEDDLE_AREF_OPS
