// Attention with sinks: each head has one more logit, of a key without a value,
// which takes part in the sum of exponentials only; causal.
//
//   heddle run examples/attention_sink.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=300 --size SK=300 --check

!buffer = memref<?x?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!mask = tensor<128x128xi1>

tile.kernel @attend(%Q: !buffer, %K: !buffer, %V: !buffer, %O: !buffer, %L: memref<?x?x?xf32>, %group: index, %sinks: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %SQ = memref.dim %Q, %c2 : !buffer
  %SK = memref.dim %K, %c2 : !buffer
  %hk = arith.divui %h, %group : index
  %m = arith.muli %block, %c128 : index
  %zero = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !tile
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %to_exponent = arith.constant dense<0.12751743> : !rows
  %ln2 = arith.constant dense<0.69314718> : !rows
  // Query i sits where key i + SK - SQ does.
  %shift = arith.subi %SK, %SQ : index
  %first_i = arith.addi %m, %shift : index
  %first_i32 = arith.index_cast %first_i : index to i32
  %firsts_i = tensor.splat %first_i32 : !indices
  %row = tile.iota axis 0 : !indices
  %column = tile.iota axis 1 : !indices
  %i = arith.addi %row, %firsts_i : !indices
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !buffer -> !operand
  %acc, %max, %sum = scf.for %n = %c0 to %SK step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n32 = arith.index_cast %n : index to i32
    %firsts_j = tensor.splat %n32 : !indices
    %j = arith.addi %column, %firsts_j : !indices
    %sees = arith.cmpi sle, %j, %i : !indices
    %s = arith.select %sees, %qk, %hidden : !mask, !tile
    %new_max = tile.reduce max %s, %old_max axis 1 : !tile -> !rows
    %change = arith.subf %old_max, %new_max : !rows
    %exponent = arith.mulf %change, %to_exponent : !rows
    %shrink = math.exp2 %exponent : !rows
    %scaled_max = arith.mulf %new_max, %to_exponent : !rows
    %offset = arith.negf %scaled_max : !rows
    %offset_tile = tile.broadcast %offset axes [1] : !rows -> !tile
    %below = math.fma %s, %scale, %offset_tile : !tile
    %p = math.exp2 %below : !tile
    %kept_sum = arith.mulf %old_sum, %shrink : !rows
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !tile -> !rows
    %p16 = arith.truncf %p : !tile to !operand
    %v = tile.load %V[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
    %kept_o = arith.mulf %o, %shrink_tile : !tile
    %new_o = tile.dot %p16, %v, %kept_o : !operand, !operand -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  }
  // The sink may be the largest of all.
  %sink = memref.load %sinks[%h] : memref<?xf32>
  %sink_rows = tensor.splat %sink : !rows
  %log2e = arith.constant dense<1.44269504> : !rows
  %sink2 = arith.mulf %sink_rows, %log2e : !rows
  %max2 = arith.mulf %max, %to_exponent : !rows
  %top = arith.maximumf %max2, %sink2 : !rows
  %max_below = arith.subf %max2, %top : !rows
  %keys_share = math.exp2 %max_below : !rows
  %sink_below = arith.subf %sink2, %top : !rows
  %sink_share = math.exp2 %sink_below : !rows
  %total = math.fma %sum, %keys_share, %sink_share : !rows
  %log = math.log2 %total : !rows
  %exponent2 = arith.addf %top, %log : !rows
  %lse = arith.mulf %exponent2, %ln2 : !rows
  %inverse = arith.divf %keys_share, %total : !rows
  tile.store %lse, %L[%b, %h, %m] : !rows, memref<?x?x?xf32>
  %inverse_tile = tile.broadcast %inverse axes [1] : !rows -> !tile
  %mean = arith.mulf %acc, %inverse_tile : !tile
  %out = arith.truncf %mean : !tile to !operand
  tile.store %out, %O[%b, %h, %m, %c0] : !operand, !buffer
}

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !buffer[%B, %HQ, %SQ], %K: !buffer[%B, %HK, %SK], %V: !buffer[%B, %HK, %SK], %sinks: memref<?xf32>[%HQ],
                                         out %O: !buffer[%B, %HQ, %SQ], out %L: memref<?x?x?xf32>[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %L, %group, %sinks)
    : !buffer, !buffer, !buffer, !buffer, memref<?x?x?xf32>, index, memref<?xf32>
}
