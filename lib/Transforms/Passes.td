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
    %a = aref.alloc depth(3) : !aref.buffer<128x64xbf16, swizzle = 128>
    %full = aref.mbarriers count 1 : !aref.mbarriers<3>
    ```
    becomes
    ```mlir
    %a = aref.alloc depth(3) offset(0) : ...
    %full = aref.mbarriers count 1 offset(49152) : ...
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

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

def AssignRoles : Pass<"assign-roles", "::heddle::tile::KernelOp"> {
  let summary = "decides which operations the producer performs";
  let description = [{
    The producer gets the loads that operands of dots are, or are computed from
    element by element; from views that the kernel does not write, with zero or
    no padding, at places that take no dot to compute. In a loop that has such
    loads, it also gets those of vectors that are repeated for each row, from
    views whose strides are known. Everything else that touches tiles or has
    side effects is the consumer's. Scalars and control flow are not marked: both
    roles have them, and whatever else they need to compute where they read.
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

def CheckIndices : Pass<"check-indices", "::heddle::tile::KernelOp"> {
  let summary = "stops the program where an index read from memory is wrong";
  let description = [{
    Nobody can tell before a launch what offsets, lengths and page numbers are
    in memory. So single elements are read and written, and views of parts of
    views made, after a check that they are inside. Tiles without a pad are
    loaded after a check of those offsets that come from memory and index a
    dimension which the tile lacks. Each role checks what it uses, but of those that do the
    same among products, the first one only.

    ```mlir
    %page = memref.load %pages[%i] : memref<?xi32>
    ```
    becomes
    ```mlir
    %extent = memref.dim %pages, %c0 : memref<?xi32>
    %inside = arith.cmpi ult, %i, %extent : index
    aref.check %inside, "index 0 of a view is outside of it"
    %page = memref.load %pages[%i] : memref<?xi32>
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def ConvertLayouts : Pass<"convert-layouts", "::heddle::tile::KernelOp"> {
  let summary = "moves tiles between layouts through shared memory";
  let description = [{
    Removes conversions that change nothing, leaves those that only rename a
    thread's registers or that take no more shuffles within warps than accesses
    of shared memory, and writes the others as a store to scratch and a load
    from it, each after a barrier. Reductions along an axis that several warps
    share become `aref.reduce`, which uses scratch as well, as do scans that
    several warps share and inverses. One scratch buffer per type serves a role;
    each instance has its own.
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def CopyAsynchronously : Pass<"copy-asynchronously", "::heddle::tile::KernelOp"> {
  let summary = "tiles that threads gather go to their slots without registers";
  let description = [{
    In a kernel whose producer gathers rows, which the TMA cannot, what threads
    load only to store it to a slot becomes an asynchronous copy (`cp.async`).
    The slot is full when all copies are done; nobody waits for them before. A
    producer that has no tile in registers any more leaves most of them to the
    consumers.

    Loads stay as they are that pad with anything but zeros, whose threads have
    less than 16 bytes of a row side by side, or whose view the kernel writes.

    ```mlir
    %k = tile.load %K[%pages : !numbers, %c0] : ... -> !keys
    aref.local_store %k, %K_tile : ...
    aref.fence_async
    aref.commit %K_ring, %slot : ...
    ```
    becomes
    ```mlir
    aref.copy_async %K[%pages, %c0] -> %K_tile as !keys : ...
    aref.commit %K_ring, %slot async : ...
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def GuardMasks : Pass<"guard-masks", "::heddle::tile::KernelOp"> {
  let summary = "masks only where a mask is not the same for a whole tile";
  let description = [{
    A select inside a loop whose mask compares sums of iotas and scalars goes
    under a branch that all threads of the role take alike: where no element
    would be replaced, none is. What only the mask needs is computed under the
    branch, too. Masks that depend on loaded tiles are taken as they are, unless
    the rest of them decides. Iotas under the branch are pinned to it.

    Before:
    ```mlir
    %keep = arith.cmpi sle, %columns, %rows : tensor<64x128xi32>
    %masked = arith.select %keep, %s, %fill : ...
    ```
    After:
    ```mlir
    %whole = arith.cmpi sle, %last_column, %first_row : index
    %masked = scf.if %whole -> (tensor<64x128xf32>) {
      scf.yield %s : tensor<64x128xf32>
    } else {
      %keep = arith.cmpi sle, %columns, %rows : tensor<64x128xi32>
      %selected = arith.select %keep, %s, %fill : ...
      scf.yield %selected : tensor<64x128xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def HoistScalars : Pass<"hoist-scalars", "::heddle::tile::KernelOp"> {
  let summary = "computes scalars before the loops in which they do not change";
  let description = [{
    Sizes, offsets and constants leave loops, so that a loop shows what changes
    in it. Tiles stay where they are: they would take registers all through the
    loop.

    Before:
    ```mlir
    scf.for %block = %first to %blocks step %step {
      %K = memref.dim %A, %c1 : memref<?x?xbf16>
      ...
    }
    ```
    After:
    ```mlir
    %K = memref.dim %A, %c1 : memref<?x?xbf16>
    scf.for %block = %first to %blocks step %step {
      ...
    }
    ```
  }];
}

def InlineFunctions : Pass<"inline-functions", "::mlir::ModuleOp"> {
  let summary = "puts functions where they are called";
  let description = [{
    Replaces every `func.call` in kernels and host functions by the body of the
    function, and erases the functions: no other pass knows them. Locations say
    both what the function's author wrote and where it is called; the result of
    a call keeps the name that the caller gives it.

    A function has one block and calls itself on no way. What its operations may
    be is up to where they end.

    ```mlir
    func.func @scaled(%x: !tile) -> !tile {
      %two = arith.constant dense<2.0> : !tile
      %y = arith.mulf %x, %two : !tile
      return %y : !tile
    }
    ...
    %s = func.call @scaled(%t) : (!tile) -> !tile
    ```
    becomes
    ```mlir
    %two = arith.constant dense<2.0> : !tile
    %s = arith.mulf %t, %two : !tile
    ```
  }];
}

def InsertArefs : Pass<"insert-arefs", "::heddle::tile::KernelOp"> {
  let summary = "hands tiles of other roles over through rings";
  let dependentDialects = ["::heddle::aref::ArefDialect"];
  let description = [{
    A and B of one dot share a ring where both are loaded in one block and used
    by it only; any other load has its own. The producer puts after the load;
    the consumer gets before the first operation of the load's block that uses
    the tile and releases after the last. A preparer that uses the tile does so,
    too: a slot is empty once all have given it back. What the preparer of a
    loop makes for the consumer shares a ring. `tile.stages` of the innermost
    loop around the load, or of the kernel, is noted on the ring.

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
    rings. In other kernels threads load some rows of a tile after the others,
    and write them to the slot. Tiles of f32 that products read are rounded to
    tf32 on the way.

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

def MakePersistent : Pass<"make-persistent", "::heddle::tile::KernelOp"> {
  let summary = "visits the blocks of a kernel with dots in a loop";
  let description = [{
    The kernel gets the extents of the grid as three more arguments and may then
    be launched with any number of blocks along x. Block ids are computed from
    the loop's variable in the order that `tile.raster` asks for: groups of that
    many block rows, each group column by column, so that blocks that run
    together share operands. 8 if the kernel does not say.

    With `tile.cluster`, a kernel that copies by TMA visits the grid in clusters
    of neighbours, each block of a cluster another one of them: the kernel gets
    `aref.cluster`, and finds out how many blocks it was launched with in each.

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

def MulticastCopies : Pass<"multicast-copies", "::heddle::tile::KernelOp"> {
  let summary = "neighbours in the grid share what they copy alike";
  let description = [{
    In a kernel with `aref.cluster`, a copy whose place in its view does not
    depend on the block's place in its cluster is multicast: each block copies a
    share of the tile to the slots of all. A slot is then empty when the
    consumers of all blocks have released it. All blocks must use the ring
    equally often: loops and branches around may depend on nothing that differs
    between them.

    Without such a copy, the kernel loses its clusters, with a warning.

    ```mlir
    %m = ... // differs
    %n = ... // does not
    aref.copy_in %A[%m, %k] -> %A_tile for %A_B, %slot : ...
    aref.copy_in %B[%k, %n] -> %B_tile for %A_B, %slot : ...
    ```
    becomes
    ```mlir
    aref.copy_in %A[%m, %k] -> %A_tile for %A_B, %slot : ...
    aref.copy_in %B[%k, %n] -> %B_tile for %A_B, %slot multicast : ...
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def NarrowMaskedLoops
    : Pass<"narrow-masked-loops", "::heddle::tile::KernelOp"> {
  let summary = "skips iterations in which a mask is false everywhere";
  let description = [{
    If an iteration in which a mask is false everywhere passes on what it was
    given, the loop's bounds become the first and the last iteration in which
    the mask may be true: between these, every one runs. What is known of a mask
    comes from comparisons of iotas and scalars, of which those that change in
    the loop are the induction variable plus others, or a multiple of it by a
    power of two.

    An iteration is gone through with the mask false: selects take their other
    side, the maximum with -inf and the sum with 0 are what they start from,
    x - x is 0, exp2(0) is 1 and exp2(-inf) is 0, and so on. Values that are
    loaded or carried are taken to be finite: a NaN or an infinity in rows that
    are masked does not come through.

    ```mlir
    %n = ... // in 0 to %SK step 128, rows of the block in %m to %m + 127
    %keep = arith.cmpi sle, %columns, %rows : tensor<128x128xi32>
    %s = arith.select %keep, %qk, %minus_infinity : ...
    ```
    ends the loop at `%m + 128` if that is less than `%SK`. Where sizes are so
    large that the comparison could wrap around, which is tested at run time, the
    loop keeps its bounds.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def OrderMemory : Pass<"order-memory", "::heddle::tile::KernelOp"> {
  let summary = "puts barriers between accesses that depend on each other";
  let description = [{
    Memory operations of a block take effect in program order, but its threads
    keep to it only at barriers. One goes between two accesses to one view if one
    of them writes, unless each thread accesses its own elements only, a loop
    moves on to others, or both reduce in the same way. Between blocks there is no order, so iterations over them
    need none.

    ```mlir
    tile.store %t, %x[%i] : tensor<64xf32, #a>, memref<?xf32>
    %u = tile.load %x[%j] : memref<?xf32> -> tensor<64xf32, #a>
    ```
    becomes
    ```mlir
    tile.store %t, %x[%i] : tensor<64xf32, #a>, memref<?xf32>
    aref.sync
    %u = tile.load %x[%j] : memref<?xf32> -> tensor<64xf32, #a>
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def OverlapDots : Pass<"overlap-dots", "::heddle::tile::KernelOp"> {
  let summary = "runs the dots of two iterations at the same time";
  let description = [{
    In a loop where one dot needs what was computed from the result of another,
    the later one and what follows it run one iteration late: while threads
    compute on the results of an iteration's first dots, the previous
    iteration's last dots are under way. What the first stage hands to the
    second is carried by the loop. Needs no result of the second stage in the
    first, nor effects on memory but loads, and registers for all of it; else the
    loop stays as it is, and a remark says why. `tile.overlap = false` on the
    loop or kernel does the same.

    If scalars tell where a mask of the loop replaces nothing, which
    `guard-masks` makes a branch of, what the second stage computes only with the
    sum that it goes on with is computed at the end of the iteration before.

    Before:
    ```mlir
    %r = scf.for %n = %c0 to %N step %c64 iter_args(%o = %zero) -> (...) {
      %s = tile.dot %q, %k, %zero : ...
      %p = math.exp2 %s : ...
      %d = tile.dot %p, %v, %o : ...
      scf.yield %d : ...
    }
    ```
    After:
    ```mlir
    %r = scf.if %runs -> (...) {
      %s0 = tile.dot %q, %k0, %zero : ...
      %p0 = math.exp2 %s0 : ...
      %l:2 = scf.for %n = %c64 to %N step %c64
          iter_args(%o = %zero, %last = %p0) -> (...) {
        %s = tile.dot %q, %k, %zero : ...
        %d = tile.dot %last, %v, %o : ...
        %p = math.exp2 %s : ...
        scf.yield %d, %p : ...
      }
      %d = tile.dot %l#1, %v1, %l#0 : ...
      scf.yield %d : ...
    } else {
      scf.yield %zero : ...
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"
  ];
}

def PackMasks : Pass<"pack-masks", "::mlir::ModuleOp"> {
  let summary = "mask elements by the bits of a word";
  let description = [{
    On functions of one thread, whose registers hold elements at known offsets:
    where selects compare `x`, `x + 1`, `x + 8`, `x + 9`, ... of 32 bits with one
    bound, the bounds of those that are true follow from the bound. They become
    a word with a bit for each element, for every comparison of a condition;
    what combines comparisons combines words. Tests of bits `x & 63`,
    `x + 1 & 63`, `x + 8 & 63`, ... of one word, or with another power of two,
    rotate the word and gather its bits. Hardware takes seven bits to
    predicates at once, and so a mask costs little more than the selects. Sums
    may wrap around: the result is the same.

    Before:
    ```mlir
    %sees_0 = arith.cmpi slt, %column_0, %end : i32
    %sees_1 = arith.cmpi slt, %column_1, %end : i32
    %s_0 = arith.select %sees_0, %qk_0, %hidden : f32
    %s_1 = arith.select %sees_1, %qk_1, %hidden : f32
    ```
    After:
    ```mlir
    %bit_0 = arith.andi %word, %c1 : i32
    %sees_0 = arith.cmpi ne, %bit_0, %c0 : i32
    %s_0 = arith.select %sees_0, %qk_0, %hidden : f32
    %bit_1 = arith.andi %word, %c2 : i32
    %sees_1 = arith.cmpi ne, %bit_1, %c0 : i32
    %s_1 = arith.select %sees_1, %qk_1, %hidden : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect"
  ];
}

def PipelineMma : Pass<"pipeline-mma", "::heddle::tile::KernelOp"> {
  let summary = "turns dots into asynchronous products and waits for them late";
  let description = [{
    Operands that a ring holds are read where they are; `a` may also be in
    registers, if they hold it beside the sum and what the loop carries; others
    go through scratch in shared memory. Products are waited for where their
    results are needed. A loop whose dots only sum up from one iteration to the
    next keeps their products in flight: it gives slots back one iteration late,
    so that its rings need two. Scalars that are not needed before its end are
    computed there, while products are still in flight.
    8-bit floats without `fast_accum` are summed by additions in f32. f32
    operands that no ring holds are rounded to tf32; those of a ring are when
    they are copied into it, unless more than products read them: then they are
    operands like those of no ring.

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

def PlanStages : Pass<"plan-stages", "::heddle::tile::KernelOp"> {
  let summary = "decides how many slots each ring has";
  let description = [{
    A ring of loads has as many slots as `tile.stages` on its loop or kernel
    says, else as many as shared memory allows, up to 8; rings grow in turn,
    those that a preparer fills first. A demand that
    does not fit is refused, with the largest depth that does. `min_depth`
    becomes the number of slots that a role holds at once.

    ```mlir
    %ring = aref.ring min_depth(2) : !aref.ring<? x tensor<128x64xbf16>>
    ```
    becomes
    ```mlir
    %ring = aref.ring min_depth(2) : !aref.ring<8 x tensor<128x64xbf16>>
    ```
  }];
  let dependentDialects = ["::heddle::aref::ArefDialect"];
}

def RunAhead : Pass<"run-ahead", "::heddle::tile::KernelOp"> {
  let summary = "gives what a loop's state does not reach to a role of its own";
  let description = [{
    A loop has a state if it carries a sum of products that products of the next
    iteration read as an operand: then iterations cannot overlap, and how long one takes is
    how long the way from the state to the next one is. Whatever of the body is
    not on that way - products of what arrives, inverses, scans, factors - is the
    *preparer's*: a role between the producer and the consumer that runs as many
    iterations ahead as the rings allow.

    What the consumer needs of the preparer, rings hand over: operands of
    products, which must be in shared memory anyway, and vectors. A loop that
    would have to hand over anything else, sums above all, stays whole, and a
    remark says why. `tile.run_ahead = false` on the loop or the kernel keeps it
    whole, too; `true` hands over whatever it takes.

    Before:
    ```mlir
    scf.for ... iter_args(%s = %s0) {
      %p = tile.dot %q, %k, %zero {aref.role = "consumer"} : ...
      %o = tile.dot %p16, %v, %then {aref.role = "consumer"} : ...
      %new = tile.dot %k, %v, %s {aref.role = "consumer"} : ...
    ```
    After:
    ```mlir
    scf.for ... iter_args(%s = %s0) {
      %p = tile.dot %q, %k, %zero {aref.role = "preparer"} : ...
      %o = tile.dot %p16, %v, %then {aref.role = "consumer"} : ...
      %new = tile.dot %k, %v, %s {aref.role = "consumer"} : ...
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
    whole, too, and the first instance stores it. A dot that starts from zero and
    whose result is only stored with `reduce add` may have its k cut instead:
    each instance adds its part of the sum. If some operation mixes rows of
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

def TakeTurns : Pass<"take-turns", "::heddle::tile::KernelOp"> {
  let summary = "warpgroups start their products in turns";
  let description = [{
    Where instances of a role compute while their products are in flight, one
    starts its products when the one before has started its own: then one of them
    computes while the other's products keep the tensor cores busy, instead of
    both computing at once. `tile.ping_pong` on the loop or kernel says whether;
    by default, loops whose first product sums up 128 elements or less take turns:
    with more, products take so long that they hide what is computed anyway. The
    first instance has the first turn.

    Before:
    ```mlir
    scf.for ... {
      %s = aref.mma ...
      %o = aref.mma ...
      %t = aref.mma_wait %s pending 1 : ...
      ...
    }
    ```
    After:
    ```mlir
    scf.if %is_last { aref.pass_turn }
    scf.for ... {
      aref.take_turn
      %s = aref.mma ...
      %o = aref.mma ...
      aref.pass_turn
      %t = aref.mma_wait %s pending 1 : ...
      ...
    }
    scf.if %is_first { aref.take_turn }
    ```
  }];
  let dependentDialects = [
    "::heddle::aref::ArefDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def VerifyArefs : Pass<"verify-arefs", "::heddle::tile::KernelOp"> {
  let summary = "refuses uses of rings that would hang or read too late";
  let description = [{
    Checks that every slot is given back once on every path, and not used
    afterwards; that each ring has one role that fills it and one that empties
    it, in the same loops and branches; that depths suffice and no two roles
    wait for each other; that a slot is given back only after an
    `aref.mma_wait` for the products that read it, and after a fence if threads
    accessed it. Changes nothing.

    ```mlir
    %d = aref.mma %a, %b, %sum : ...
    %w = aref.mma_wait %d pending 1 : ...
    // error: gives back a slot that a matrix product may still read
    aref.release %ring, %slot : ...
    ```
  }];
}

def VerifyTarget : Pass<"verify-target", "::heddle::tile::KernelOp"> {
  let summary = "refuses what sm_90a cannot compute";
  let description = [{
    Checks every `tile.dot` against the shapes, types and operand orders of
    `wgmma`, so that later passes need not, and names the nearest dot that
    works. Checks that 8-bit floats are only moved, converted and multiplied, and
    that tiles are not too large for any block. Changes nothing.

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
