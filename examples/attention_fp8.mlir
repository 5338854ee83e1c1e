// Causal attention of 8-bit floats: O = softmax(Q K^T / sqrt(128)) V over heads of 128 elements, where queries, keys and values
// are e4m3 with one factor each per key head, as `descale[0..2, b, hk]`. V comes with its keys side by side, [B, HK, 128, SK],
// since tensor cores read 8-bit operands along the sum only. Weights are scaled by 2^8, so that small ones do not vanish.
//
//   heddle run examples/attention_fp8.mlir --size B=1 --size HQ=4 --size HK=2 --size SQ=200 --size SK=304 --check
!keys = memref<?x?x?x128xf8E4M3FN> // and queries
!values = memref<?x?x128x?xf8E4M3FN>
!results = memref<?x?x?x128xbf16>
!logs = memref<?x?x?xf32>
!q = tensor<128x128xf8E4M3FN>
!k = tensor<128x128xf8E4M3FN>
!v = tensor<128x128xf8E4M3FN>
!p = tensor<128x128xf8E4M3FN>
!out = tensor<128x128xbf16>
!o = tensor<128x128xf32>
!s = tensor<128x128xf32>
!at = tensor<128x128xi32>
!mask = tensor<128x128xi1>
!row = tensor<128xf32>
#m = 128 : index
#n = 128 : index
#scale = 0.127517431 : f32 // log2(e) / sqrt(128): hardware computes 2^x

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %descale: memref<3x?x?xf32>, %O: !results, %L: !logs, %group: index) attributes {tile.raster = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %m = arith.constant #m
  %n = arith.constant #n
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %blocks = gpu.grid_dim x
  %SQ = memref.dim %Q, %c2 : !keys
  %SK = memref.dim %K, %c2 : !keys
  %hk = arith.divui %h, %group : index
  %after = arith.subi %blocks, %x : index
  %block = arith.subi %after, %c1 : index
  %i = arith.muli %block, %m : index
  %shift = arith.subi %SK, %SQ : index
  %last = arith.addi %i, %shift : index
  %last_32 = arith.index_cast %last : index to i32
  %last_at = tensor.splat %last_32 : !at
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %row_sees = arith.addi %row, %last_at : !at

  %zero = arith.constant dense<0.0> : !o
  %zero_s = arith.constant dense<0.0> : !s
  %none = arith.constant dense<0.0> : !row
  %lowest = arith.constant dense<-1.0e30> : !row // finite: no difference is NaN
  %hidden = arith.constant dense<0xFF800000> : !s
  %exponent_of_scale = arith.constant dense<8.0> : !row
  %base_scale = arith.constant #scale
  %descale_q = memref.load %descale[%c0, %b, %hk] : memref<3x?x?xf32>
  %descale_k = memref.load %descale[%c1, %b, %hk] : memref<3x?x?xf32>
  %descale_v = memref.load %descale[%c2, %b, %hk] : memref<3x?x?xf32>
  %descale_qk = arith.mulf %descale_q, %descale_k : f32
  %scale_1 = arith.mulf %base_scale, %descale_qk : f32
  %scale = tensor.splat %scale_1 : !s
  %scale_row = tensor.splat %scale_1 : !row
  %q = tile.load %Q[%b, %h, %i, %c0] pad 0.0 : f8E4M3FN : !keys -> !q
  %sum_o, %max, %sum = scf.for %j = %c0 to %SK step %n iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!o, !row, !row) {
    %k = tile.load %K[%b, %hk, %j, %c0] pad 0.0 : f8E4M3FN : !keys -> !k
    %qk = tile.dot %q, %k, %zero_s transpose_b fast_accum : !q, !k -> !s
    %j_32 = arith.index_cast %j : index to i32
    %first = tensor.splat %j_32 : !at
    %key = arith.addi %column, %first : !at
    %sees = arith.cmpi sle, %key, %row_sees : !at
    %s = arith.select %sees, %qk, %hidden : !mask, !s
    %new_max = tile.reduce max %s, %old_max axis 1 : !s -> !row
    %scaled_max = arith.mulf %new_max, %scale_row : !row
    %offset = arith.subf %exponent_of_scale, %scaled_max : !row
    %offset_s = tile.broadcast %offset axes [1] : !row -> !s
    %exponent = math.fma %s, %scale, %offset_s : !s
    %p = math.exp2 %exponent : !s
    %change = arith.subf %old_max, %new_max : !row
    %scaled_change = arith.mulf %change, %scale_row : !row
    %shrink = math.exp2 %scaled_change : !row
    %kept_sum = arith.mulf %old_sum, %shrink : !row
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !s -> !row
    %shrink_o = tile.broadcast %shrink axes [1] : !row -> !o
    %kept_o = arith.mulf %o, %shrink_o : !o
    %p8 = arith.truncf %p : !s to !p
    %v = tile.load %V[%b, %hk, %c0, %j] pad 0.0 : f8E4M3FN : !values -> !v
    %new_o = tile.dot %p8, %v, %kept_o transpose_b fast_accum : !p, !v -> !o
    scf.yield %new_o, %new_max, %new_sum : !o, !row, !row
  }

  %tiny = arith.constant dense<1.0e-30> : !row
  %ln2 = arith.constant dense<0.693147181> : !row
  %divisor = arith.maximumf %sum, %tiny : !row
  %descale_row = tensor.splat %descale_v : !row
  %factor = arith.divf %descale_row, %divisor : !row
  %factor_o = tile.broadcast %factor axes [1] : !row -> !o
  %scaled_o = arith.mulf %sum_o, %factor_o : !o
  %out = arith.truncf %scaled_o : !o to !out
  tile.store %out, %O[%b, %h, %i, %c0] : !out, !results
  %log_sum = math.log2 %sum : !row
  %log_scaled = math.fma %max, %scale_row, %log_sum : !row
  %log = arith.subf %log_scaled, %exponent_of_scale : !row
  %lse = arith.mulf %log, %ln2 : !row
  tile.store %lse, %L[%b, %h, %i] : !row, !logs
}

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !keys[%B, %HQ, %SQ], %K: !keys[%B, %HK, %SK], %V: !values[%B, %HK, %SK],
                                             %descale: memref<3x?x?xf32>[%B, %HK],                                             out %O: !results[%B, %HQ, %SQ], out %L: !logs[%B, %HQ, %SQ]) {
  %m = arith.constant #m
  %blocks = arith.ceildivui %SQ, %m : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %descale, %O, %L, %group)
    : !keys, !keys, !values, memref<3x?x?xf32>, !results, !logs, index
}
