// `first_order_recurrence` over packed sequences: sequence n is the tokens
// starts[n] to starts[n + 1] of x, g and h, and has states of its own.
//
//   heddle run examples/first_order_recurrence_varlen.mlir --size N=2
//     --size STARTS=3 --size T=100 --size D=300 --input starts=starts.npy

!rows = tensor<32x128xbf16>
!steps = tensor<32x128xf32>
!state = tensor<128xf32>
!packed = memref<?x?xbf16>
!sequence = memref<?x?xbf16, strided<[?, 1], offset: ?>>
tile.kernel @recurrence(%X: !packed, %G: !packed, %Starts: memref<?xi32>, %First: memref<?x?xf32>, %H: !packed, %Last: memref<?x?xf32>) attributes {tile.warps = 2} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %n = gpu.block_id y
  %next_n = arith.addi %n, %c1 : index
  %start_i32 = memref.load %Starts[%n] : memref<?xi32>
  %end_i32 = memref.load %Starts[%next_n] : memref<?xi32>
  %length_i32 = arith.subi %end_i32, %start_i32 : i32
  %start = arith.index_cast %start_i32 : i32 to index
  %length = arith.index_cast %length_i32 : i32 to index
  %channels = memref.dim %X, %c1 : !packed
  %d = arith.muli %block, %c128 : index
  %X_n = memref.subview %X[%start, 0] [%length, %channels] [1, 1] : !packed to !sequence
  %G_n = memref.subview %G[%start, 0] [%length, %channels] [1, 1] : !packed to !sequence
  %H_n = memref.subview %H[%start, 0] [%length, %channels] [1, 1] : !packed to !sequence
  %h0 = tile.load %First[%n, %d] pad 0.0 : f32 : memref<?x?xf32> -> !state
  %last = scf.for %t = %c0 to %length step %c32 iter_args(%h = %h0) -> (!state) {
    // Behind the end nothing decays and nothing is added.
    %g = tile.load %G_n[%t, %d] pad 0.0 : bf16 : !sequence -> !rows
    %x = tile.load %X_n[%t, %d] pad 0.0 : bf16 : !sequence -> !rows
    %exponent = arith.extf %g : !rows to !steps
    %a = math.exp %exponent : !steps
    %b = arith.extf %x : !rows to !steps
    %hs, %next = tile.recurrence %a, %b, %h axis 0 : !steps, !state
    %out = arith.truncf %hs : !steps to !rows
    tile.store %out, %H_n[%t, %d] : !rows, !sequence
    scf.yield %next : !state
  }
  tile.store %last, %Last[%n, %d] : !state, memref<?x?xf32>
}

tile.host @first_order_recurrence[%N, %STARTS, %T, %D](%x: !packed[%T, %D], %g: !packed[%T, %D], %starts: memref<?xi32>[%STARTS], %first: memref<?x?xf32>[%N, %D], out %h: !packed[%T, %D], out %last: memref<?x?xf32>[%N, %D]) {
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %ends = arith.addi %N, %c1 : index
  %fits = arith.cmpi eq, %ends, %STARTS : index
  cf.assert %fits, "expected one more start than there are sequences"
  %blocks = arith.ceildivui %D, %c128 : index
  tile.launch @recurrence grid(%blocks, %N) args(%x, %g, %starts, %first, %h, %last) : !packed, !packed, memref<?xi32>, memref<?x?xf32>, !packed, memref<?x?xf32>
}
