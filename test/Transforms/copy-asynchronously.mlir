// RUN: heddle-opt %s --copy-asynchronously --split-input-file | FileCheck %s

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>
#numbers = #aref.layout<atom = [16], register = [], lane = [[0], [0], [0], [1], [2]], warp = [[4], [8]]>
#rows = #aref.layout<atom = [16, 64], register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [8, 0]]>
!numbers = tensor<64xi32, #numbers>
!rows = tensor<64x64xbf16, #rows>

// Whatever the producer copies in a kernel that gathers; it keeps registers for
// numbers of rows only.
// CHECK-LABEL: tile.kernel @gathers
// CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(4) registers(104)
// CHECK-NOT: tile.load %q
// CHECK: aref.copy_async %q[%c0, %c0] pad 0.000000e+00 : bf16 -> %{{.*}} as tensor<64x64xbf16, #{{.*}}>
// CHECK-NOT: aref.local_store
// CHECK-NOT: aref.fence_async
// CHECK: aref.commit %[[Q:.*]], %{{.*}} async
// CHECK: scf.for
// CHECK: aref.copy_async %x[%{{.*}}, %c0] -> %{{.*}} as tensor<64x64xbf16, #{{.*}}> : memref<?x64xbf16>, tensor<64xi32, #{{.*}}>, index
// CHECK-NEXT: aref.commit %[[X:.*]], %{{.*}} async
// CHECK: aref.role "consumer" instances(%{{.*}} = 2) warps(4) registers(200)
tile.kernel @gathers(%q: memref<?x64xbf16>, %x: memref<?x64xbf16>, %numbers: memref<?xi32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q_ring = aref.ring : !ring
  %x_ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) registers(152) {
    %s = aref.acquire %q_ring : !ring
    %b = aref.view %q_ring, %s[0] : !ring
    %t = tile.load %q[%c0, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %t, %b : !rows, !buffer
    aref.fence_async
    aref.commit %q_ring, %s : !ring
    scf.for %k = %c0 to %n step %c1 {
      %row = tile.load %numbers[%k] pad 0 : i32 : memref<?xi32> -> !numbers
      %slot = aref.acquire %x_ring : !ring
      %buffer = aref.view %x_ring, %slot[0] : !ring
      %tile = tile.load %x[%row : !numbers, %c0] : memref<?x64xbf16> -> !rows
      aref.local_store %tile, %buffer : !rows, !buffer
      aref.fence_async
      aref.commit %x_ring, %slot : !ring
    }
  }
  aref.role "consumer" instances(%i = 2) warps(4) registers(176) {
  }
}

// Threads still store what they pad otherwise, and the producer keeps its
// registers.
// CHECK-LABEL: tile.kernel @pads
// CHECK: registers(152)
// CHECK: tile.load %q
// CHECK: aref.local_store
// CHECK-NEXT: aref.fence_async
// CHECK-NEXT: aref.commit %{{.*}} :
// CHECK: aref.copy_async %x
// CHECK: aref.commit %{{.*}} async :
// CHECK: registers(176)
tile.kernel @pads(%q: memref<?x64xbf16>, %x: memref<?x64xbf16>, %numbers: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %q_ring = aref.ring : !ring
  %x_ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) registers(152) {
    %s = aref.acquire %q_ring : !ring
    %b = aref.view %q_ring, %s[0] : !ring
    %t = tile.load %q[%c0, %c0] pad 1.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %t, %b : !rows, !buffer
    aref.fence_async
    aref.commit %q_ring, %s : !ring
    %row = tile.load %numbers[%c0] pad 0 : i32 : memref<?xi32> -> !numbers
    %slot = aref.acquire %x_ring : !ring
    %buffer = aref.view %x_ring, %slot[0] : !ring
    %tile = tile.load %x[%row : !numbers, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %tile, %buffer : !rows, !buffer
    aref.fence_async
    aref.commit %x_ring, %slot : !ring
  }
  aref.role "consumer" instances(%i = 2) warps(4) registers(176) {
  }
}

// A slot of which threads store one tile: they fence, too.
// CHECK-LABEL: tile.kernel @both
// CHECK: aref.local_store
// CHECK: aref.copy_async %x
// CHECK-NEXT: aref.fence_async
// CHECK-NEXT: aref.commit %{{.*}} async :
tile.kernel @both(%q: memref<?x64xbf16>, %x: memref<?x64xbf16>, %numbers: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
  aref.role "producer" instances(%i = 1) warps(4) registers(152) {
    %row = tile.load %numbers[%c0] pad 0 : i32 : memref<?xi32> -> !numbers
    %slot = aref.acquire %ring : !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
    %first = aref.view %ring, %slot[0] : !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
    %t = tile.load %q[%c0, %c0] pad 1.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %t, %first : !rows, !buffer
    %second = aref.view %ring, %slot[1] : !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
    %tile = tile.load %x[%row : !numbers, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %tile, %second : !rows, !buffer
    aref.fence_async
    aref.commit %ring, %slot : !aref.ring<2 x tensor<64x64xbf16>, tensor<64x64xbf16>>
  }
  aref.role "consumer" instances(%i = 2) warps(4) registers(176) {
  }
}

// A copy could read what is stored after it; and without a gather, there is a
// twin that copies by TMA.
// CHECK-LABEL: tile.kernel @writes
// CHECK-NOT: copy_async
// CHECK-LABEL: tile.kernel @plain
// CHECK-NOT: copy_async
tile.kernel @writes(%x: memref<?x64xbf16>, %numbers: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) registers(152) {
    %row = tile.load %numbers[%c0] pad 0 : i32 : memref<?xi32> -> !numbers
    %slot = aref.acquire %ring : !ring
    %buffer = aref.view %ring, %slot[0] : !ring
    %tile = tile.load %x[%row : !numbers, %c0] : memref<?x64xbf16> -> !rows
    aref.local_store %tile, %buffer : !rows, !buffer
    aref.fence_async
    aref.commit %ring, %slot : !ring
  }
  aref.role "consumer" instances(%i = 2) warps(4) registers(176) {
    %zero = arith.constant dense<0.0> : !rows
    tile.store %zero, %x[%c0, %c0] : !rows, memref<?x64xbf16>
  }
}

tile.kernel @plain(%x: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) registers(152) {
    %slot = aref.acquire %ring : !ring
    %buffer = aref.view %ring, %slot[0] : !ring
    %tile = tile.load %x[%c0, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> !rows
    aref.local_store %tile, %buffer : !rows, !buffer
    aref.fence_async
    aref.commit %ring, %slot : !ring
  }
  aref.role "consumer" instances(%i = 2) warps(4) registers(176) {
  }
}
