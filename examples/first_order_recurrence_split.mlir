// `first_order_recurrence` for few channels and long sequences, which are cut
// into SEGMENTS that blocks work on side by side. A segment is one long step,
//
//   h(end) = (product of exp(g)) h(start) + what a start of zero comes to,
//
// so one launch joins the steps of each segment, the next goes from segment to
// segment, and the last fills the segments in. Inputs are read twice.
//
//   heddle run examples/first_order_recurrence_split.mlir --size B=1 --size T=1000
//     --size D=64 --size SEGMENTS=7 --check

!rows = tensor<32x64xbf16>
!steps = tensor<32x64xf32>
!state = tensor<64xf32>
!sequences = memref<?x?x?xbf16>
!segments = memref<?x?x?xf32>

tile.kernel @join(%X: !sequences, %G: !sequences, %Factor: !segments, %Term: !segments, %length: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %segment = gpu.block_id y
  %batch = gpu.block_id z
  %d = arith.muli %block, %c64 : index
  %start = arith.muli %segment, %length : index
  %behind = arith.addi %start, %length : index
  %tokens = memref.dim %X, %c1 : !sequences
  %end = arith.minui %behind, %tokens : index
  %one = arith.constant dense<1.0> : !state
  %zero = arith.constant dense<0.0> : !state
  %factor, %term = scf.for %t = %start to %end step %c32 iter_args(%f = %one, %h = %zero) -> (!state, !state) {
    %g = tile.load %G[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %x = tile.load %X[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %exponent = arith.extf %g : !rows to !steps
    %a = math.exp %exponent : !steps
    %b = arith.extf %x : !rows to !steps
    %next_f = tile.reduce mul %a, %f axis 0 : !steps -> !state
    %hs, %next = tile.recurrence %a, %b, %h axis 0 : !steps, !state
    scf.yield %next_f, %next : !state, !state
  }
  tile.store %factor, %Factor[%batch, %segment, %d] : !state, !segments
  tile.store %term, %Term[%batch, %segment, %d] : !state, !segments
}

tile.kernel @between(%Factor: !segments, %Term: !segments, %First: memref<?x?xf32>, %Starts: !segments, %Last: memref<?x?xf32>) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %batch = gpu.block_id y
  %d = arith.muli %block, %c64 : index
  %count = memref.dim %Factor, %c1 : !segments
  %h0 = tile.load %First[%batch, %d] pad 0.0 : f32 : memref<?x?xf32> -> !state
  %last = scf.for %s = %c0 to %count step %c32 iter_args(%h = %h0) -> (!state) {
    %a = tile.load %Factor[%batch, %s, %d] pad 1.0 : f32 : !segments -> !steps
    %b = tile.load %Term[%batch, %s, %d] pad 0.0 : f32 : !segments -> !steps
    %starts, %next = tile.recurrence %a, %b, %h axis 0 exclusive : !steps, !state
    tile.store %starts, %Starts[%batch, %s, %d] : !steps, !segments
    scf.yield %next : !state
  }
  tile.store %last, %Last[%batch, %d] : !state, memref<?x?xf32>
}

tile.kernel @fill(%X: !sequences, %G: !sequences, %Starts: !segments, %H: !sequences, %length: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %segment = gpu.block_id y
  %batch = gpu.block_id z
  %d = arith.muli %block, %c64 : index
  %start = arith.muli %segment, %length : index
  %behind = arith.addi %start, %length : index
  %tokens = memref.dim %X, %c1 : !sequences
  %end = arith.minui %behind, %tokens : index
  %h0 = tile.load %Starts[%batch, %segment, %d] pad 0.0 : f32 : !segments -> !state
  %last = scf.for %t = %start to %end step %c32 iter_args(%h = %h0) -> (!state) {
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
}

tile.host @first_order_recurrence[%B, %T, %D, %SEGMENTS](%x: !sequences[%B, %T, %D], %g: !sequences[%B, %T, %D], %first: memref<?x?xf32>[%B, %D], out %h: !sequences[%B, %T, %D], out %last: memref<?x?xf32>[%B, %D]) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %some = arith.cmpi ugt, %SEGMENTS, %c0 : index
  cf.assert %some, "expected at least one segment"
  // Whole tiles; nothing may be left for the last segments.
  %count = arith.maxui %SEGMENTS, %c1 : index
  %share = arith.ceildivui %T, %count : index
  %tiles = arith.ceildivui %share, %c32 : index
  %length = arith.muli %tiles, %c32 : index
  %factors = memref.alloc(%B, %SEGMENTS, %D) : !segments
  %terms = memref.alloc(%B, %SEGMENTS, %D) : !segments
  %starts = memref.alloc(%B, %SEGMENTS, %D) : !segments
  %blocks = arith.ceildivui %D, %c64 : index
  tile.launch @join grid(%blocks, %SEGMENTS, %B) args(%x, %g, %factors, %terms, %length) : !sequences, !sequences, !segments, !segments, index
  tile.launch @between grid(%blocks, %B) args(%factors, %terms, %first, %starts, %last) : !segments, !segments, memref<?x?xf32>, !segments, memref<?x?xf32>
  tile.launch @fill grid(%blocks, %SEGMENTS, %B) args(%x, %g, %starts, %h, %length) : !sequences, !sequences, !segments, !sequences, index
}
