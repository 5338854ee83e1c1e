// The selective scan of Mamba (Gu and Dao, 2023): every channel has 16 states,
// each of which decays by itself, at a pace that the input sets,
//
//   h[n] = exp(delta A[n]) h[n] + delta u B[n],  y = sum of C[n] h[n] + D u,
//
// where delta stands for softplus(delta + bias), and y is multiplied by silu(z)
// if there is a z. Shapes and types are those of `selective_scan_fn`. A thread
// has a channel and all of its states, and nothing passes between threads.
//
//   heddle run examples/selective_scan.mlir --size B=2 --size D=200 --size N=16
//     --size L=65 --size Z=2 --check
//
// z has Z batches, B of them or none. Fewer than 16 states are padded.

!channels = tensor<128xf32>
!input = tensor<128x4xbf16>
!steps = tensor<4x128xf32>
!groups = tensor<16x4xbf16>
!states = tensor<16x128xf32>
!terms = tensor<4x16x128xf32>
!sequences = memref<?x?x?xbf16>
!carried = memref<?x?x?xf32>
tile.kernel @scan(%U: !sequences, %Delta: !sequences, %A: memref<?x?xf32>, %B: !sequences, %C: !sequences, %D: memref<?xf32>, %Z: !sequences, %Bias: memref<?xf32>, %First: !carried, %Out: !sequences, %Last: !carried) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %x = gpu.block_id x
  %batch = gpu.block_id y
  %d = arith.muli %x, %c128 : index
  %length = memref.dim %U, %c2 : !sequences
  %gates = memref.dim %Z, %c0 : !sequences
  %gated = arith.cmpi sgt, %gates, %c0 : index
  %zero = arith.constant dense<0.0> : !steps
  %one = arith.constant dense<1.0> : !steps
  %log2e = arith.constant dense<1.44269504> : tensor<128x16xf32>

  %a = tile.load %A[%d, %c0] pad 0.0 : f32 : memref<?x?xf32> -> tensor<128x16xf32>
  %rates = arith.mulf %a, %log2e : tensor<128x16xf32>
  %rate = tile.transpose %rates [1, 0] : tensor<128x16xf32> -> !states
  %wide_rate = tile.broadcast %rate axes [0] : !states -> !terms
  %skip = tile.load %D[%d] pad 0.0 : f32 : memref<?xf32> -> !channels
  %wide_skip = tile.broadcast %skip axes [0] : !channels -> !steps
  %bias = tile.load %Bias[%d] pad 0.0 : f32 : memref<?xf32> -> !channels
  %wide_bias = tile.broadcast %bias axes [0] : !channels -> !steps
  %first = tile.load %First[%batch, %d, %c0] pad 0.0 : f32 : !carried -> tensor<128x16xf32>
  %h0 = tile.transpose %first [1, 0] : tensor<128x16xf32> -> !states

  %last = scf.for %t = %c0 to %length step %c4 iter_args(%h = %h0) -> (!states) {
    // Behind the end, delta is 0, and so nothing changes.
    %raw = tile.load %Delta[%batch, %d, %t] pad 0xFF80 : bf16 : !sequences -> !input
    %delta_rows = tile.transpose %raw [1, 0] : !input -> tensor<4x128xbf16>
    %delta_wide = arith.extf %delta_rows : tensor<4x128xbf16> to !steps
    %biased = arith.addf %delta_wide, %wide_bias : !steps
    // softplus, without an overflow: max(x, 0) + log(1 + exp(-|x|)).
    %positive = arith.maximumf %biased, %zero : !steps
    %size = math.absf %biased : !steps
    %minus = arith.negf %size : !steps
    %small = math.exp %minus : !steps
    %rest = math.log1p %small : !steps
    %delta = arith.addf %positive, %rest : !steps

    %u_in = tile.load %U[%batch, %d, %t] pad 0.0 : bf16 : !sequences -> !input
    %u_rows = tile.transpose %u_in [1, 0] : !input -> tensor<4x128xbf16>
    %u = arith.extf %u_rows : tensor<4x128xbf16> to !steps
    %du = arith.mulf %delta, %u : !steps
    %b_in = tile.load %B[%batch, %c0, %t] pad 0.0 : bf16 : !sequences -> !groups
    %b_wide = arith.extf %b_in : !groups to tensor<16x4xf32>
    %b = tile.transpose %b_wide [1, 0] : tensor<16x4xf32> -> tensor<4x16xf32>
    %c_in = tile.load %C[%batch, %c0, %t] pad 0.0 : bf16 : !sequences -> !groups
    %c_wide = arith.extf %c_in : !groups to tensor<16x4xf32>
    %c = tile.transpose %c_wide [1, 0] : tensor<16x4xf32> -> tensor<4x16xf32>

    %delta_n = tile.broadcast %delta axes [1] : !steps -> !terms
    %exponent = arith.mulf %delta_n, %wide_rate : !terms
    %decay = math.exp2 %exponent : !terms
    %du_n = tile.broadcast %du axes [1] : !steps -> !terms
    %b_d = tile.broadcast %b axes [2] : tensor<4x16xf32> -> !terms
    %new = arith.mulf %du_n, %b_d : !terms
    %hs, %next = tile.recurrence %decay, %new, %h axis 0 : !terms, !states
    %c_d = tile.broadcast %c axes [2] : tensor<4x16xf32> -> !terms
    %read = arith.mulf %hs, %c_d : !terms
    %skipped = arith.mulf %u, %wide_skip : !steps
    %y = tile.reduce add %read, %skipped axis 1 : !terms -> !steps

    // silu(z) = z / (1 + exp(-z)).
    %z_in = tile.load %Z[%batch, %d, %t] pad 0.0 : bf16 : !sequences -> !input
    %z_rows = tile.transpose %z_in [1, 0] : !input -> tensor<4x128xbf16>
    %z = arith.extf %z_rows : tensor<4x128xbf16> to !steps
    %minus_z = arith.negf %z : !steps
    %e = math.exp %minus_z : !steps
    %divisor = arith.addf %e, %one : !steps
    %silu = arith.divf %z, %divisor : !steps
    %gate = arith.select %gated, %silu, %one : !steps
    %o = arith.mulf %y, %gate : !steps
    %o_columns = tile.transpose %o [1, 0] : !steps -> tensor<128x4xf32>
    %out = arith.truncf %o_columns : tensor<128x4xf32> to !input
    tile.store %out, %Out[%batch, %d, %t] : !input, !sequences
    scf.yield %next : !states
  }
  %end = tile.transpose %last [1, 0] : !states -> tensor<128x16xf32>
  tile.store %end, %Last[%batch, %d, %c0] : tensor<128x16xf32>, !carried
}

tile.host @selective_scan[%B, %D, %N, %L, %Z](%u: !sequences[%B, %D, %L], %delta: !sequences[%B, %D, %L], %A: memref<?x?xf32>[%D, %N], %Bs: !sequences[%B, %N, %L], %Cs: !sequences[%B, %N, %L], %Ds: memref<?xf32>[%D], %z: !sequences[%Z, %D, %L], %bias: memref<?xf32>[%D], %first: !carried[%B, %D, %N], out %out: !sequences[%B, %D, %L], out %last: !carried[%B, %D, %N]) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c128 = arith.constant 128 : index
  %few = arith.cmpi ule, %N, %c16 : index
  cf.assert %few, "expected at most 16 states per channel"
  %all = arith.cmpi eq, %Z, %B : index
  %no_gate = arith.cmpi eq, %Z, %c0 : index
  %fits = arith.ori %all, %no_gate : i1
  cf.assert %fits, "expected a z for each batch, or none"
  %blocks = arith.ceildivui %D, %c128 : index
  tile.launch @scan grid(%blocks, %B) args(%u, %delta, %A, %Bs, %Cs, %Ds, %z, %bias, %first, %out, %last) : !sequences, !sequences, memref<?x?xf32>, !sequences, !sequences, memref<?xf32>, !sequences, memref<?xf32>, !carried, !sequences, !carried
}
