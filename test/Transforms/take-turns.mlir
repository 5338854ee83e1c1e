// RUN: heddle-opt %s --take-turns --split-input-file | FileCheck %s

!tile = tensor<64x64xf32>
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>

// Products start in turns; the last instance passes the first turn to the first
// one, which takes the last turn.
// CHECK-LABEL: tile.kernel @attention
tile.kernel @attention(%n: index) attributes {aref.copies = "tma"} {
  %k = aref.alloc : !bytes
  // CHECK: aref.role "consumer" instances(%[[I:.*]] = 2)
  aref.role "consumer" instances(%i = 2) warps(4) {
    // CHECK: %[[C1:.*]] = arith.constant 1 : index
    // CHECK: %[[LAST:.*]] = arith.cmpi eq, %[[I]], %[[C1]]
    // CHECK: scf.if %[[LAST]] {
    // CHECK-NEXT: aref.pass_turn
    // CHECK-NEXT: }
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    // CHECK: scf.for
    %o = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (!tile) {
      // CHECK: aref.take_turn
      // CHECK-NEXT: aref.mma
      // CHECK-NEXT: aref.mma
      // CHECK-NEXT: aref.pass_turn
      // CHECK-NEXT: aref.mma_wait
      %s = aref.mma %k, %k, %zero transpose_b : !bytes, !bytes -> !tile
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
      %sw = aref.mma_wait %s pending 1 : !tile
      %p = math.exp2 %sw : !tile
      %dw = aref.mma_wait %d pending 0 late : !tile
      %r = arith.addf %dw, %p : !tile
      scf.yield %r : !tile
    }
    // CHECK: }
    // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[I]], %{{.*}}
    // CHECK: scf.if %[[FIRST]] {
    // CHECK-NEXT: aref.take_turn
    // CHECK-NEXT: }
  }
}

// -----

!tile = tensor<64x64xf32>
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>

// The author's word: not here.
// CHECK-LABEL: tile.kernel @declined
// CHECK-NOT: turn
tile.kernel @declined(%n: index) attributes {aref.copies = "tma", tile.ping_pong = false} {
  %k = aref.alloc : !bytes
  aref.role "consumer" instances(%i = 2) warps(4) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    %o = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (!tile) {
      %s = aref.mma %k, %k, %zero transpose_b : !bytes, !bytes -> !tile
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
      %sw = aref.mma_wait %s pending 1 : !tile
      %p = math.exp2 %sw : !tile
      %dw = aref.mma_wait %d pending 0 late : !tile
      %r = arith.addf %dw, %p : !tile
      scf.yield %r : !tile
    }
  }
}

// -----

!tile = tensor<64x64xf32>
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>

// Products that nothing is computed beside, and an instance that is alone.
// CHECK-LABEL: tile.kernel @sums
// CHECK-NOT: turn
tile.kernel @sums(%n: index) attributes {aref.copies = "tma"} {
  %k = aref.alloc : !bytes
  aref.role "consumer" instances(%i = 2) warps(4) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    %o:2 = scf.for %j = %c0 to %n step %c64 iter_args(%x = %zero, %y = %zero) -> (!tile, !tile) {
      %s = aref.mma %k, %k, %x transpose_b : !bytes, !bytes -> !tile
      %d = aref.mma %k, %k, %y : !bytes, !bytes -> !tile
      %w:2 = aref.mma_wait %s, %d pending 2 : !tile, !tile
      scf.yield %w#0, %w#1 : !tile, !tile
    }
  }
  aref.role "alone" instances(%i = 1) warps(4) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    %o = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (!tile) {
      %s = aref.mma %k, %k, %zero transpose_b : !bytes, !bytes -> !tile
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
      %sw = aref.mma_wait %s pending 1 : !tile
      %p = math.exp2 %sw : !tile
      %dw = aref.mma_wait %d pending 0 late : !tile
      %r = arith.addf %dw, %p : !tile
      scf.yield %r : !tile
    }
  }
}

// -----

!tile = tensor<64x64xf32>
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>

// The loop around has products before and after the inner one. It would keep its
// turn while the inner loop takes turns.
// CHECK-LABEL: tile.kernel @nested
tile.kernel @nested(%n: index) attributes {aref.copies = "tma"} {
  %k = aref.alloc : !bytes
  aref.role "consumer" instances(%i = 2) warps(4) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    // CHECK: scf.for
    scf.for %b = %c0 to %n step %c64 {
      // CHECK-NOT: turn
      // CHECK: scf.for
      %t = aref.mma %k, %k, %zero transpose_b : !bytes, !bytes -> !tile
      %tw = aref.mma_wait %t pending 0 : !tile
      %o = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %tw) -> (!tile) {
        // CHECK: aref.take_turn
        // CHECK: aref.pass_turn
        %s = aref.mma %k, %k, %zero transpose_b : !bytes, !bytes -> !tile
        %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
        %sw = aref.mma_wait %s pending 1 : !tile
        %p = math.exp2 %sw : !tile
        %dw = aref.mma_wait %d pending 0 late : !tile
        %r = arith.addf %dw, %p : !tile
        scf.yield %r : !tile
      }
      // CHECK: scf.yield
      // CHECK-NOT: turn
      // CHECK: aref.mma_wait
      %e = aref.mma %k, %k, %o : !bytes, !bytes -> !tile
      %x = math.exp2 %tw : !tile
      %ew = aref.mma_wait %e pending 0 late : !tile
    }
  }
}

// -----

!tile = tensor<64x64xf32>
!long = !aref.buffer<64x256xbf16, swizzle = 128>
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>

// Long sums hide what is computed, unless the author asks for turns.
// CHECK-LABEL: tile.kernel @long
tile.kernel @long(%n: index) attributes {aref.copies = "tma"} {
  %q = aref.alloc : !long
  %k = aref.alloc : !bytes
  aref.role "consumer" instances(%i = 2) warps(4) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant dense<0.0> : !tile
    // CHECK: scf.for
    // CHECK-NOT: turn
    // CHECK: scf.yield
    %o = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (!tile) {
      %s = aref.mma %q, %q, %zero transpose_b : !long, !long -> !tile
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
      %sw = aref.mma_wait %s pending 1 : !tile
      %p = math.exp2 %sw : !tile
      %dw = aref.mma_wait %d pending 0 late : !tile
      %r = arith.addf %dw, %p : !tile
      scf.yield %r : !tile
    }
    // CHECK: aref.take_turn
    // CHECK: aref.pass_turn
    // CHECK: tile.ping_pong = true
    %p = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (!tile) {
      %s = aref.mma %q, %q, %zero transpose_b : !long, !long -> !tile
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> !tile
      %sw = aref.mma_wait %s pending 1 : !tile
      %e = math.exp2 %sw : !tile
      %dw = aref.mma_wait %d pending 0 late : !tile
      %r = arith.addf %dw, %e : !tile
      scf.yield %r : !tile
    } {tile.ping_pong = true}
  }
}
