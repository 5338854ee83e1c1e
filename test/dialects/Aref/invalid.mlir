// RUN: heddle-opt %s --verify-diagnostics --split-input-file

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected 1 to 8 instances, found 0}}
  aref.role "r" instances(%j = 0) warps(4) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected 1 to 8 instances, found 9}}
  aref.role "r" instances(%j = 9) warps(4) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected 1 to 16 warps, found 17}}
  aref.role "r" instances(%j = 1) warps(17) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected registers to be a multiple of 8 in 24..256, found 16}}
  aref.role "r" instances(%j = 1) warps(4) registers(16) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected registers to be a multiple of 8 in 24..256, found 100}}
  aref.role "r" instances(%j = 1) warps(4) registers(100) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected registers to be a multiple of 8 in 24..256, found 264}}
  aref.role "r" instances(%j = 1) warps(4) registers(264) {
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected one body argument of type index}}
  "aref.role"() <{name = "r", instances = 1 : i64, warps = 4 : i64, registers = 0 : i64}> ({
  ^bb0(%j: i32):
  }) : () -> ()
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %t = arith.constant dense<0.0> : tensor<64x64xf32>
  aref.role "r" instances(%j = 1) warps(4) {
    scf.for %l = %i to %i step %i {
      // expected-error@+1 {{captures 'tensor<64x64xf32>' from outside role "r"; tiles cross roles through rings only}}
      tile.store %t, %x[%i, %i] : tensor<64x64xf32>, memref<?x?xf32>
    }
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x64xf32>>
  aref.role "r" instances(%j = 1) warps(4) {
    // expected-error@+1 {{captures '!aref.slot<tensor<64x64xf32>>' from outside role "r"}}
    aref.release %r, %slot : !aref.ring<2 x tensor<64x64xf32>>
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  scf.for %l = %i to %i step %i {
    // expected-error@+1 {{expects parent op 'tile.kernel'}}
    aref.role "r" instances(%j = 1) warps(4) {
    }
  }
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected a depth of at least 2, or its consumer and producer wait for each other, found 1}}
  %r = aref.ring min_depth(2) : !aref.ring<1 x tensor<64x64xf32>>
}

// -----

// expected-error@+1 {{expected a positive depth or '?'}}
tile.kernel @k(%x: !aref.ring<0 x tensor<64x64xf32>>) {
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %t = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-error@+1 {{number of operands and types do not match: got 2 operands and 1 types}}
  aref.put %r, %t, %t : !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %u = arith.constant dense<0.0> : tensor<64x32xf32>
  // expected-error@+1 {{the values are tiles of the ring}}
  "aref.put"(%r, %u) : (!aref.ring<2 x tensor<64x64xf32>>, tensor<64x32xf32>) -> ()
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  // expected-error@+2 {{failed to infer returned types}}
  // expected-error@+1 {{are incompatible with return type(s)}}
  %g, %v = "aref.get"(%r) : (!aref.ring<2 x tensor<64x64xf32>>) -> (!aref.slot<tensor<64x32xf32>>, tensor<64x64xf32>)
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  // expected-error@+1 {{operation defines 2 results but was provided 3 to bind}}
  %g, %v:2 = aref.get %r : !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  // expected-error@+1 {{the slot is one of the ring}}
  %g = "aref.acquire"(%r) : (!aref.ring<2 x tensor<64x64xf32>>) -> !aref.slot<tensor<64x32xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  // expected-error@+1 {{the slot is one of the ring}}
  %g = "aref.wait"(%r) : (!aref.ring<2 x tensor<64x64xf32>>) -> !aref.slot<tensor<64x32xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  // expected-note@+1 {{prior use here}}
  %slot = aref.none : !aref.slot<tensor<64x32xf32>>
  // expected-error@+1 {{use of value '%slot' expects different type than prior uses}}
  aref.commit %r, %slot : !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x32xf32>>
  // expected-error@+1 {{the slot is one of the ring}}
  "aref.release"(%r, %slot) : (!aref.ring<2 x tensor<64x64xf32>>, !aref.slot<tensor<64x32xf32>>) -> ()
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x32xf32>>
  // expected-error@+1 {{the slot is one of the ring}}
  %v = "aref.view"(%r, %slot) <{index = 0 : i64}> : (!aref.ring<2 x tensor<64x64xf32>>, !aref.slot<tensor<64x32xf32>>) -> !aref.buffer<64x64xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x64xf32>>
  // expected-error@+1 {{expected an index of 0 to 0, found 1}}
  %v = aref.view %r, %slot[1] : !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x64xf32>>
  // expected-error@+1 {{expected an index of 0 to 0, found -1}}
  %v = aref.view %r, %slot[-1] : !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x64xf32>>
  // expected-error@+2 {{failed to infer returned types}}
  // expected-error@+1 {{are incompatible with return type(s)}}
  %v = "aref.view"(%r, %slot) <{index = 0 : i64}> : (!aref.ring<2 x tensor<64x64xf32>>, !aref.slot<tensor<64x64xf32>>) -> !aref.buffer<64x64xf32, swizzle = 64>
}

// -----

// expected-error@+1 {{expected integers or floats}}
tile.kernel @k(%x: !aref.buffer<64xindex, swizzle = 0>) {
}

// -----

// expected-error@+1 {{expected a swizzle of 0, 32, 64 or 128 bytes, found 16}}
tile.kernel @k(%x: !aref.buffer<64x64xf32, swizzle = 16>) {
}

// -----

// expected-error@+1 {{expected rows of a multiple of 128 bytes, found 64}}
tile.kernel @k(%x: !aref.buffer<64x16xf32, swizzle = 128>) {
}

// -----

// expected-error@+1 {{expected panels of at least 64 rows, found 32}}
tile.kernel @k(%x: !aref.buffer<64x64xf32, swizzle = 128, panel_rows = 32>) {
}

// -----

// expected-error@+1 {{expected a shape of positive extents}}
tile.kernel @k(%x: !aref.buffer<0x64xf32, swizzle = 128>) {
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected a depth of 1 or more}}
  %b = aref.alloc depth(0) : !aref.buffer<64x64xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  // expected-error@+1 {{expected an offset that is a multiple of 16, found 8}}
  %b = aref.alloc offset(8) : !aref.buffer<64x64xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected a result like}}
  %v = aref.rows %b[%i] : !aref.buffer<64x64xf32, swizzle = 128> -> !aref.buffer<32x32xf32, swizzle = 128, panel_rows = 64>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected a multiple of 8 rows of 64, found 20}}
  %v = aref.rows %b[%i] : !aref.buffer<64x64xf32, swizzle = 128> -> !aref.buffer<20x64xf32, swizzle = 128, panel_rows = 64>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128, panel_rows = 80>
  // expected-error@+1 {{expected a multiple of 8 rows of 64, found 72}}
  %v = aref.rows %b[%i] : !aref.buffer<64x64xf32, swizzle = 128, panel_rows = 80> -> !aref.buffer<72x64xf32, swizzle = 128, panel_rows = 80>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected a result like}}
  %v = aref.columns %b[%i] : !aref.buffer<64x64xf32, swizzle = 128> -> !aref.buffer<32x32xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected 1 to 2 panels of 32 columns of 64, found 96}}
  %v = aref.columns %b[%i] : !aref.buffer<64x64xf32, swizzle = 128> -> !aref.buffer<64x96xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected a tile of type 'tensor<64x64xf32>', as the buffer has, found 'tensor<64x32xf32>'}}
  %v = aref.local_load %b : !aref.buffer<64x64xf32, swizzle = 128> -> tensor<64x32xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  %u = arith.constant dense<0.0> : tensor<64x32xf32>
  // expected-error@+1 {{expected a tile of type 'tensor<64x64xf32>', as the buffer has, found 'tensor<64x32xf32>'}}
  aref.local_store %u, %b : tensor<64x32xf32>, !aref.buffer<64x64xf32, swizzle = 128>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x64xf32>>
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected 2 offsets, one per dimension of 'memref<?x?xf32>', found 1}}
  aref.copy_in %x[%i] -> %b for %r, %slot : memref<?x?xf32> -> !aref.buffer<64x64xf32, swizzle = 128> for !aref.ring<2 x tensor<64x64xf32>>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %r = aref.ring : !aref.ring<2 x tensor<64x64xf32>>
  %slot = aref.none : !aref.slot<tensor<64x32xf32>>
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{the slot is one of the ring}}
  "aref.copy_in"(%x, %i, %i, %b, %r, %slot) : (memref<?x?xf32>, index, index, !aref.buffer<64x64xf32, swizzle = 128>, !aref.ring<2 x tensor<64x64xf32>>, !aref.slot<tensor<64x32xf32>>) -> ()
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf16, swizzle = 128>
  // expected-error@+1 {{expected a buffer of a tile of 'memref<?x?xf32>', found '!aref.buffer<64x64xf16, swizzle = 128>'}}
  aref.copy_out %b -> %x[%i, %i] : !aref.buffer<64x64xf16, swizzle = 128> -> memref<?x?xf32>
}

// -----

tile.kernel @k(%y: memref<?xf32>, %i: index) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  // expected-error@+1 {{expected a buffer of a tile of 'memref<?xf32>'}}
  aref.copy_out %b -> %y[%i] : !aref.buffer<64x64xf32, swizzle = 128> -> memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %b = aref.alloc : !aref.buffer<64x64xf32, swizzle = 128>
  %m = aref.mbarriers count 1 : !aref.mbarriers<2>
  // expected-error@+1 {{expected 2 offsets}}
  aref.tma_load %x[%i] -> %b, %m[%s] : memref<?x?xf32> -> !aref.buffer<64x64xf32, swizzle = 128>, !aref.mbarriers<2>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %h = aref.alloc : !aref.buffer<64x64xf16, swizzle = 128>
  %u = arith.constant dense<0.0> : tensor<64x32xf32>
  // expected-error@+1 {{expected shapes that multiply, found}}
  %d = aref.mma %h, %h, %u : !aref.buffer<64x64xf16, swizzle = 128>, !aref.buffer<64x64xf16, swizzle = 128> -> tensor<64x32xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %h = aref.alloc : !aref.buffer<64x64xf16, swizzle = 128>
  %t = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = aref.alloc : !aref.buffer<64xf16, swizzle = 128>
  // expected-error@+1 {{expected operands of rank 2}}
  %d = aref.mma %h, %v, %t : !aref.buffer<64x64xf16, swizzle = 128>, !aref.buffer<64xf16, swizzle = 128> -> tensor<64x64xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %h = aref.alloc : !aref.buffer<64x64xf16, swizzle = 128>
  %t = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = arith.constant dense<0.0> : tensor<64x64xf16>
  // expected-error@+1 {{expected a in shared memory with transpose_a}}
  %d = aref.mma %a, %h, %t transpose_a : tensor<64x64xf16>, !aref.buffer<64x64xf16, swizzle = 128> -> tensor<64x64xf32>
}

// -----

// expected-error@+1 {{expected an atom of rank 1 or more}}
#l = #aref.layout<atom = [], register = [], lane = [], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected atom extents that are powers of two, found 24}}
#l = #aref.layout<atom = [24], register = [], lane = [[1], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected a basis of 1 numbers, found 2}}
#l = #aref.layout<atom = [32], register = [[1, 0]], lane = [[1], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected 5 lane bases, found 4}}
#l = #aref.layout<atom = [16], register = [], lane = [[1], [2], [4], [8]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected each power of two below 32 once in dimension 0, found 1}}
#l = #aref.layout<atom = [32], register = [[1]], lane = [[1], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected each power of two below 32 once in dimension 0, found 32}}
#l = #aref.layout<atom = [32], register = [[32]], lane = [[1], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected each power of two below 32 once in dimension 0, found 3}}
#l = #aref.layout<atom = [32], register = [], lane = [[3], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected bases along one dimension each}}
#l = #aref.layout<atom = [2, 16], register = [], lane = [[1, 1], [0, 2], [0, 4], [0, 8], [0, 0]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

// expected-error@+1 {{expected bases that cover the 64 elements of dimension 0}}
#l = #aref.layout<atom = [64], register = [], lane = [[1], [2], [4], [8], [16]], warp = []>
tile.kernel @k(%x: memref<?xf32>) attributes {l = #l} {
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index, %s: i32) {
  %t = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-error@+1 {{expected a result of type 'tensor<64x64xf32>' but for its layout, found 'tensor<64x32xf32>'}}
  %v = aref.convert_layout %t : tensor<64x64xf32> -> tensor<64x32xf32>
}

// -----

tile.kernel @k(%A: memref<?x?xbf16>, %i: index, %s: i32) {
  %full = aref.mbarriers count 1 : !aref.mbarriers<2>
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  // expected-error@+1 {{expected a buffer of f32, which can be rounded to tf32, found '!aref.buffer<64x64xbf16, swizzle = 128>'}}
  aref.tma_load %A[%i, %i] -> %a, %full[%s] round_tf32 : memref<?x?xbf16> -> !aref.buffer<64x64xbf16, swizzle = 128>, !aref.mbarriers<2>
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
tile.kernel @k(%A: memref<?x?xbf16>, %i: index) {
  %ring = aref.ring : !ring
  %slot = aref.acquire %ring : !ring
  %a = aref.view %ring, %slot[0] : !ring
  // expected-error@+1 {{expected a buffer of f32, which can be rounded to tf32, found '!aref.buffer<64x64xbf16, swizzle = 128>'}}
  aref.copy_in %A[%i, %i] -> %a for %ring, %slot round_tf32 : memref<?x?xbf16> -> !aref.buffer<64x64xbf16, swizzle = 128> for !ring
}

// -----

tile.kernel @k(%i: index) {
  %x = arith.constant dense<0.0> : tensor<64x64xf16>
  // expected-error@+1 {{must be tile of f32, but got 'tensor<64x64xf16>'}}
  %y = aref.round_tf32 %x : tensor<64x64xf16>
}

// -----

tile.kernel @k(%A: memref<?x?xbf16>, %i: index) {
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  // expected-error@+1 {{expected 2 offsets, one per dimension of 'memref<?x?xbf16>', found 1}}
  aref.copy_async %A[%i] -> %a as tensor<64x64xbf16> : memref<?x?xbf16>, index -> !aref.buffer<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @k(%A: memref<?x?xbf16>, %i: index) {
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  // expected-error@+1 {{expected zeros for a pad, found 1.000000e+00 : bf16}}
  aref.copy_async %A[%i, %i] pad 1.0 : bf16 -> %a as tensor<64x64xbf16> : memref<?x?xbf16>, index, index -> !aref.buffer<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @k(%A: memref<?x?xf16>, %i: index) {
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  // expected-error@+1 {{expected a tile of 'memref<?x?xf16>', found 'tensor<64x64xbf16>'}}
  aref.copy_async %A[%i, %i] -> %a as tensor<64x64xbf16> : memref<?x?xf16>, index, index -> !aref.buffer<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @k(%A: memref<?x?xbf16>, %i: index) {
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  // expected-error@+1 {{expected a tile of type 'tensor<64x64xbf16>', as the buffer has, found 'tensor<64x32xbf16>'}}
  aref.copy_async %A[%i, %i] -> %a as tensor<64x32xbf16> : memref<?x?xbf16>, index, index -> !aref.buffer<64x64xbf16, swizzle = 128>
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>

tile.kernel @alone(%A: memref<?x?xbf16>, %i: index) {
  %ring = aref.ring : !ring
  aref.role "r" instances(%n = 1) warps(1) {
    %slot = aref.acquire %ring : !ring
    %a = aref.view %ring, %slot[0] : !ring
    // expected-error@+1 {{'aref.copy_in' op expected a kernel with 'aref.cluster' around a multicast}}
    aref.copy_in %A[%i, %i] -> %a for %ring, %slot multicast : memref<?x?xbf16> -> !aref.buffer<64x64xbf16, swizzle = 128> for !ring
  }
}
