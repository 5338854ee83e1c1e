// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(multicast-copies))' --split-input-file --verify-diagnostics | FileCheck %s

!ring = !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
!one = !aref.ring<2 x tensor<64x64xbf16>>
!tile = !aref.buffer<64x64xbf16, swizzle = 128>
!view = memref<?x?xbf16>

// Neighbours along x have one column of blocks: B is the same.
// CHECK-LABEL: tile.kernel @product
// CHECK: aref.copy_in %A{{.*}} for %{{.*}}, %{{.*}} : memref
// CHECK: aref.copy_in %B{{.*}} multicast : memref
tile.kernel @product(%A: !view, %B: !view, %K: index, %n: index) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %cluster = gpu.cluster_id x
    %size = gpu.cluster_dim_blocks x
    %rank = gpu.cluster_block_id x
    %first = arith.muli %cluster, %size : index
    %x = arith.addi %first, %rank : index
    %m = arith.muli %x, %c64 : index
    scf.for %k = %c0 to %K step %c64 {
      %slot = aref.acquire %ring : !ring
      %a = aref.view %ring, %slot[0] : !ring
      aref.copy_in %A[%m, %k] -> %a for %ring, %slot : !view -> !tile for !ring
      %b = aref.view %ring, %slot[1] : !ring
      aref.copy_in %B[%k, %n] -> %b for %ring, %slot : !view -> !tile for !ring
      aref.commit %ring, %slot bytes 16384 : !ring
    }
  }
}

// An id over a number of whole clusters is the same, as bits are without the
// lowest; over another number, and as a remainder, it is not.
// CHECK-LABEL: tile.kernel @heads
// CHECK: aref.copy_in %A[%[[HALF:.*]], {{.*}} multicast
// CHECK: aref.copy_in %A[%[[QUARTER:.*]], {{.*}} multicast
// CHECK: aref.copy_in %A[%[[SHIFTED:.*]], {{.*}} multicast
// CHECK-NOT: multicast
// CHECK: aref.copy_in %A
// CHECK-NOT: multicast
// CHECK: aref.copy_in %A
// CHECK-NOT: multicast
tile.kernel @heads(%A: !view) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %one = arith.constant 1 : i32
  %r0 = aref.ring : !one
  %r1 = aref.ring : !one
  %r2 = aref.ring : !one
  %r3 = aref.ring : !one
  %r4 = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %cluster = gpu.cluster_id x
    %cluster32 = arith.index_cast %cluster : index to i32
    %size = gpu.cluster_dim_blocks x
    %size32 = arith.index_cast %size : index to i32
    %rank = gpu.cluster_block_id x
    %rank32 = arith.index_cast %rank : index to i32
    %first = arith.muli %cluster32, %size32 : i32
    %x32 = arith.addi %first, %rank32 : i32
    %x = arith.index_castui %x32 : i32 to index
    %half = arith.divui %x, %c2 : index
    %quarter = arith.divsi %x, %c4 : index
    %shifted32 = arith.shrui %x32, %one : i32
    %shifted = arith.index_castui %shifted32 : i32 to index
    %third = arith.divui %x, %c3 : index
    %part = arith.remui %x, %c2 : index
    %s0 = aref.acquire %r0 : !one
    %t0 = aref.view %r0, %s0[0] : !one
    aref.copy_in %A[%half, %c0] -> %t0 for %r0, %s0 : !view -> !tile for !one
    aref.commit %r0, %s0 bytes 8192 : !one
    %s1 = aref.acquire %r1 : !one
    %t1 = aref.view %r1, %s1[0] : !one
    aref.copy_in %A[%quarter, %c0] -> %t1 for %r1, %s1 : !view -> !tile for !one
    aref.commit %r1, %s1 bytes 8192 : !one
    %s2 = aref.acquire %r2 : !one
    %t2 = aref.view %r2, %s2[0] : !one
    aref.copy_in %A[%shifted, %c0] -> %t2 for %r2, %s2 : !view -> !tile for !one
    aref.commit %r2, %s2 bytes 8192 : !one
    %s3 = aref.acquire %r3 : !one
    %t3 = aref.view %r3, %s3[0] : !one
    aref.copy_in %A[%third, %c0] -> %t3 for %r3, %s3 : !view -> !tile for !one
    aref.commit %r3, %s3 bytes 8192 : !one
    %s4 = aref.acquire %r4 : !one
    %t4 = aref.view %r4, %s4[0] : !one
    aref.copy_in %A[%part, %c0] -> %t4 for %r4, %s4 : !view -> !tile for !one
    aref.commit %r4, %s4 bytes 8192 : !one
  }
}

// What a cast leaves of an id may be negative: -128 and -127 over 2 differ.
// CHECK-LABEL: tile.kernel @narrow
// CHECK: aref.copy_in %A{{.*}} multicast
// CHECK-NOT: multicast
tile.kernel @narrow(%A: !view) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2 : i8
  %r0 = aref.ring : !one
  %r1 = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %cluster = gpu.cluster_id x
    %size = gpu.cluster_dim_blocks x
    %rank = gpu.cluster_block_id x
    %first = arith.muli %cluster, %size : index
    %x = arith.addi %first, %rank : index
    %x8 = arith.index_cast %x : index to i8
    %half8 = arith.divsi %x8, %two : i8
    %half = arith.index_cast %half8 : i8 to index
    %s0 = aref.acquire %r0 : !one
    %t0 = aref.view %r0, %s0[0] : !one
    aref.copy_in %A[%c0, %c0] -> %t0 for %r0, %s0 : !view -> !tile for !one
    aref.commit %r0, %s0 bytes 8192 : !one
    %s1 = aref.acquire %r1 : !one
    %t1 = aref.view %r1, %s1[0] : !one
    aref.copy_in %A[%half, %c0] -> %t1 for %r1, %s1 : !view -> !tile for !one
    aref.commit %r1, %s1 bytes 8192 : !one
  }
}

// Blocks must use a ring equally often: the second loop's end differs, the third
// is in a branch that not all take. What is carried through the first differs
// after its first iteration.
// CHECK-LABEL: tile.kernel @control
// CHECK: aref.copy_in %A[%{{.*}}, %{{.*}}] {{.*}} multicast
// CHECK-NOT: multicast
tile.kernel @control(%A: !view, %K: index) attributes {aref.cluster = array<i64: 1, 2, 1>, aref.copies = "tma", tile.cluster = [1, 2]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r0 = aref.ring : !one
  %r1 = aref.ring : !one
  %r2 = aref.ring : !one
  %r3 = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %rank = gpu.cluster_block_id x
    %last = scf.for %k = %c0 to %K step %c1 iter_args(%at = %c0) -> (index) {
      %s0 = aref.acquire %r0 : !one
      %t0 = aref.view %r0, %s0[0] : !one
      aref.copy_in %A[%k, %c0] -> %t0 for %r0, %s0 : !view -> !tile for !one
      aref.commit %r0, %s0 bytes 8192 : !one
      %s1 = aref.acquire %r1 : !one
      %t1 = aref.view %r1, %s1[0] : !one
      aref.copy_in %A[%at, %c0] -> %t1 for %r1, %s1 : !view -> !tile for !one
      aref.commit %r1, %s1 bytes 8192 : !one
      %next = arith.addi %at, %rank : index
      scf.yield %next : index
    }
    %end = arith.addi %K, %rank : index
    scf.for %k = %c0 to %end step %c1 {
      %s2 = aref.acquire %r2 : !one
      %t2 = aref.view %r2, %s2[0] : !one
      aref.copy_in %A[%k, %c0] -> %t2 for %r2, %s2 : !view -> !tile for !one
      aref.commit %r2, %s2 bytes 8192 : !one
    }
    %is_first = arith.cmpi eq, %rank, %c0 : index
    scf.if %is_first {
      %s3 = aref.acquire %r3 : !one
      %t3 = aref.view %r3, %s3[0] : !one
      aref.copy_in %A[%c0, %c0] -> %t3 for %r3, %s3 : !view -> !tile for !one
      aref.commit %r3, %s3 bytes 8192 : !one
    }
  }
}

// A number in memory is the same unless the kernel writes there.
// CHECK-LABEL: tile.kernel @loaded
// CHECK: aref.copy_in %A{{.*}} multicast
// CHECK-NOT: multicast
tile.kernel @loaded(%A: !view, %starts: memref<?xindex>, %ends: memref<?xindex>, %n: index) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %r0 = aref.ring : !one
  %r1 = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %start = memref.load %starts[%n] : memref<?xindex>
    %s0 = aref.acquire %r0 : !one
    %t0 = aref.view %r0, %s0[0] : !one
    aref.copy_in %A[%start, %c0] -> %t0 for %r0, %s0 : !view -> !tile for !one
    aref.commit %r0, %s0 bytes 8192 : !one
    %end = memref.load %ends[%n] : memref<?xindex>
    %s1 = aref.acquire %r1 : !one
    %t1 = aref.view %r1, %s1[0] : !one
    aref.copy_in %A[%end, %c0] -> %t1 for %r1, %s1 : !view -> !tile for !one
    aref.commit %r1, %s1 bytes 8192 : !one
  }
  aref.role "consumer" instances(%i = 1) warps(4) registers(240) {
    memref.store %n, %ends[%c0] : memref<?xindex>
  }
}

// A ring that one block does not always use when others do is nobody's, even
// where they do.
// CHECK-LABEL: tile.kernel @sometimes
// CHECK: aref.copy_in %A{{.*}} multicast
// CHECK-NOT: multicast
tile.kernel @sometimes(%A: !view, %K: index) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %r0 = aref.ring : !one
  %r1 = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %rank = gpu.cluster_block_id x
    %s0 = aref.acquire %r0 : !one
    %t0 = aref.view %r0, %s0[0] : !one
    aref.copy_in %A[%c0, %c0] -> %t0 for %r0, %s0 : !view -> !tile for !one
    aref.commit %r0, %s0 bytes 8192 : !one
    %s1 = aref.acquire %r1 : !one
    %t1 = aref.view %r1, %s1[0] : !one
    aref.copy_in %A[%c0, %c0] -> %t1 for %r1, %s1 : !view -> !tile for !one
    aref.commit %r1, %s1 bytes 8192 : !one
    %is_first = arith.cmpi eq, %rank, %c0 : index
    scf.if %is_first {
      %s2 = aref.acquire %r1 : !one
      %t2 = aref.view %r1, %s2[0] : !one
      aref.copy_in %A[%c0, %c0] -> %t2 for %r1, %s2 : !view -> !tile for !one
      aref.commit %r1, %s2 bytes 8192 : !one
    }
  }
}

// -----

// expected-warning@+1 {{'tile.cluster' has no effect: clusters share what the TMA copies for products, and this kernel has no such copies}}
tile.kernel @plain(%A: memref<?x?xbf16>) attributes {aref.copies = "plain", tile.cluster = [2]} {
}

// -----

!one = !aref.ring<2 x tensor<64x64xbf16>>
!tile = !aref.buffer<64x64xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @nothing
// CHECK-NOT: aref.cluster
// CHECK: aref.ring
// expected-warning@+1 {{'tile.cluster' has no effect: no copy is the same for all blocks of a cluster, equally often}}
tile.kernel @nothing(%A: memref<?x?xbf16>) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma", tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !one
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    %rank = gpu.cluster_block_id x
    %slot = aref.acquire %ring : !one
    %a = aref.view %ring, %slot[0] : !one
    aref.copy_in %A[%rank, %c0] -> %a for %ring, %slot : memref<?x?xbf16> -> !tile for !one
    aref.commit %ring, %slot bytes 8192 : !one
  }
}
