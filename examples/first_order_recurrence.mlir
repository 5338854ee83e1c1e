// A gated linear recurrence, the memory of HGRN (Qin et al., 2023): every
// channel by itself keeps
//
//   h(t) = exp(g(t)) h(t - 1) + x(t).
//
// Shapes and types are those of flash-linear-attention: x and g are [B, T, D],
// states [B, D]. A thread has two channels, and nothing passes between threads.
//
//   heddle run examples/first_order_recurrence.mlir --size B=2 --size T=1000
//     --size D=300 --check

!rows = tensor<32x128xbf16>
!steps = tensor<32x128xf32>
!state = tensor<128xf32>
!sequences = memref<?x?x?xbf16>
tile.kernel @recurrence(%X: !sequences, %G: !sequences, %First: memref<?x?xf32>, %H: !sequences, %Last: memref<?x?xf32>) attributes {tile.warps = 2} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %batch = gpu.block_id y
  %d = arith.muli %block, %c128 : index
  %length = memref.dim %X, %c1 : !sequences
  %h0 = tile.load %First[%batch, %d] pad 0.0 : f32 : memref<?x?xf32> -> !state
  %last = scf.for %t = %c0 to %length step %c32 iter_args(%h = %h0) -> (!state) {
    // Behind the end nothing decays and nothing is added.
    %g = tile.load %G[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %x = tile.load %X[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %exponent = arith.extf %g : !rows to !steps
    %a = math.exp %exponent : !steps
    %b = arith.extf %x : !rows to !steps
    %hs, %next = tile.recurrence %a, %b, %h axis 0 : !steps, !state
    %out = arith.truncf %hs : !steps to !rows
    tile.store %out, %H[%batch, %t, %d] : !rows, !sequences
    scf.yield %next : !state
  }
  tile.store %last, %Last[%batch, %d] : !state, memref<?x?xf32>
}

tile.host @first_order_recurrence[%B, %T, %D](%x: !sequences[%B, %T, %D], %g: !sequences[%B, %T, %D], %first: memref<?x?xf32>[%B, %D], out %h: !sequences[%B, %T, %D], out %last: memref<?x?xf32>[%B, %D]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %D, %c128 : index
  tile.launch @recurrence grid(%blocks, %B) args(%x, %g, %first, %h, %last) : !sequences, !sequences, memref<?x?xf32>, !sequences, memref<?x?xf32>
}
