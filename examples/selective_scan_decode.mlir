// One token of the selective scan of Mamba (selective_scan.mlir) for each of B
// sequences, whose states h are brought up to date:
//
//   h[n] <- exp(delta A[n]) h[n] + delta u B[n],  y = sum of C[n] h[n] + D u,
//
// where delta stands for softplus(delta + bias), and y is multiplied by silu(z)
// if there is a z. Shapes and types are those of `selective_state_update`.
//
//   heddle run examples/selective_scan_decode.mlir --size B=3 --size D=200
//     --size N=16 --size Z=3 --check
//
// z has Z batches, B of them or none. Fewer than 16 states are padded.

!input = tensor<64xbf16>
!channels = tensor<64xf32>
!group = tensor<16xbf16>
!terms = tensor<64x16xf32>
!tokens = memref<?x?xbf16>
!carried = memref<?x?x?xf32>
tile.kernel @step(%U: !tokens, %Delta: !tokens, %A: memref<?x?xf32>, %B: !tokens, %C: !tokens, %D: memref<?xf32>, %Z: !tokens, %Bias: memref<?xf32>, %H: !carried, %Out: !tokens) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %x = gpu.block_id x
  %batch = gpu.block_id y
  %d = arith.muli %x, %c64 : index
  %gates = memref.dim %Z, %c0 : !tokens
  %gated = arith.cmpi sgt, %gates, %c0 : index
  %zero = arith.constant dense<0.0> : !channels
  %one = arith.constant dense<1.0> : !channels

  // softplus, without an overflow: max(x, 0) + log(1 + exp(-|x|)).
  %raw = tile.load %Delta[%batch, %d] pad 0.0 : bf16 : !tokens -> !input
  %delta_wide = arith.extf %raw : !input to !channels
  %bias = tile.load %Bias[%d] pad 0.0 : f32 : memref<?xf32> -> !channels
  %biased = arith.addf %delta_wide, %bias : !channels
  %positive = arith.maximumf %biased, %zero : !channels
  %size = math.absf %biased : !channels
  %minus = arith.negf %size : !channels
  %small = math.exp %minus : !channels
  %rest = math.log1p %small : !channels
  %delta = arith.addf %positive, %rest : !channels

  %u_in = tile.load %U[%batch, %d] pad 0.0 : bf16 : !tokens -> !input
  %u = arith.extf %u_in : !input to !channels
  %du = arith.mulf %delta, %u : !channels
  %b_in = tile.load %B[%batch, %c0] pad 0.0 : bf16 : !tokens -> !group
  %b = arith.extf %b_in : !group to tensor<16xf32>
  %c_in = tile.load %C[%batch, %c0] pad 0.0 : bf16 : !tokens -> !group
  %c = arith.extf %c_in : !group to tensor<16xf32>

  %rates = tile.load %A[%d, %c0] pad 0.0 : f32 : memref<?x?xf32> -> !terms
  %delta_n = tile.broadcast %delta axes [1] : !channels -> !terms
  %exponent = arith.mulf %delta_n, %rates : !terms
  %decay = math.exp %exponent : !terms
  %du_n = tile.broadcast %du axes [1] : !channels -> !terms
  %b_d = tile.broadcast %b axes [0] : tensor<16xf32> -> !terms
  %new = arith.mulf %du_n, %b_d : !terms
  %h = tile.load %H[%batch, %d, %c0] pad 0.0 : f32 : !carried -> !terms
  %next = math.fma %decay, %h, %new : !terms
  tile.store %next, %H[%batch, %d, %c0] : !terms, !carried
  %c_d = tile.broadcast %c axes [0] : tensor<16xf32> -> !terms
  %read = arith.mulf %next, %c_d : !terms
  %skip = tile.load %D[%d] pad 0.0 : f32 : memref<?xf32> -> !channels
  %skipped = arith.mulf %u, %skip : !channels
  %y = tile.reduce add %read, %skipped axis 1 : !terms -> !channels

  // silu(z) = z / (1 + exp(-z)).
  %z_in = tile.load %Z[%batch, %d] pad 0.0 : bf16 : !tokens -> !input
  %z = arith.extf %z_in : !input to !channels
  %minus_z = arith.negf %z : !channels
  %e = math.exp %minus_z : !channels
  %divisor = arith.addf %e, %one : !channels
  %silu = arith.divf %z, %divisor : !channels
  %gate = arith.select %gated, %silu, %one : !channels
  %o = arith.mulf %y, %gate : !channels
  %out = arith.truncf %o : !channels to !input
  tile.store %out, %Out[%batch, %d] : !input, !tokens
}

tile.host @selective_scan_decode[%B, %D, %N, %Z](%u: !tokens[%B, %D], %delta: !tokens[%B, %D], %A: memref<?x?xf32>[%D, %N], %Bs: !tokens[%B, %N], %Cs: !tokens[%B, %N], %Ds: memref<?xf32>[%D], %z: !tokens[%Z, %D], %bias: memref<?xf32>[%D], inout %h: !carried[%B, %D, %N], out %out: !tokens[%B, %D]) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %few = arith.cmpi ule, %N, %c16 : index
  cf.assert %few, "expected at most 16 states per channel"
  %all = arith.cmpi eq, %Z, %B : index
  %no_gate = arith.cmpi eq, %Z, %c0 : index
  %fits = arith.ori %all, %no_gate : i1
  cf.assert %fits, "expected a z for each batch, or none"
  %blocks = arith.ceildivui %D, %c64 : index
  tile.launch @step grid(%blocks, %B) args(%u, %delta, %A, %Bs, %Cs, %Ds, %z, %bias, %h, %out) : !tokens, !tokens, memref<?x?xf32>, !tokens, !tokens, memref<?xf32>, !tokens, memref<?xf32>, !carried, !tokens
}
