// Attention with scores between -30 and 30, s = 30 tanh(q k / sqrt(d) / 30), as
// models that cap their logits have them; causal.
//
//   heddle run examples/attention_softcap.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=300 --size SK=300 --check

!buffer = memref<?x?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!mask = tensor<128x128xi1>

tile.kernel @attend(%Q: !buffer, %K: !buffer, %V: !buffer, %O: !buffer, %group: index) {
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
  %smallest = arith.constant dense<1.0e-30> : !rows
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %to_exponent = arith.constant dense<0.12751743> : !rows
  // Query i sits where key i + SK - SQ does.
  %shift = arith.subi %SK, %SQ : index
  %first_i = arith.addi %m, %shift : index
  %first_i32 = arith.index_cast %first_i : index to i32
  %firsts_i = tensor.splat %first_i32 : !indices
  %row = tile.iota axis 0 : !indices
  %column = tile.iota axis 1 : !indices
  %i = arith.addi %row, %firsts_i : !indices
  %to_cap = arith.constant dense<2.9462782e-3> : !tile // 1 / (30 sqrt(128))
  %cap = arith.constant dense<339.41126> : !tile // 30 sqrt(128)
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !buffer -> !operand
  %acc, %max, %sum = scf.for %n = %c0 to %SK step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n32 = arith.index_cast %n : index to i32
    %firsts_j = tensor.splat %n32 : !indices
    %j = arith.addi %column, %firsts_j : !indices
    %sees = arith.cmpi sle, %j, %i : !indices
    %small = arith.mulf %qk, %to_cap : !tile
    %bent = math.tanh %small : !tile
    %capped = arith.mulf %bent, %cap : !tile
    %s = arith.select %sees, %capped, %hidden : !mask, !tile
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
  // A row that sees nothing gives zeros.
  %one = arith.constant dense<1.0> : !rows
  %positive = arith.maximumf %sum, %smallest : !rows
  %inverse = arith.divf %one, %positive : !rows
  %inverse_tile = tile.broadcast %inverse axes [1] : !rows -> !tile
  %mean = arith.mulf %acc, %inverse_tile : !tile
  %out = arith.truncf %mean : !tile to !operand
  tile.store %out, %O[%b, %h, %m, %c0] : !operand, !buffer
}

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !buffer[%B, %HQ, %SQ], %K: !buffer[%B, %HK, %SK], %V: !buffer[%B, %HK, %SK],
                                         out %O: !buffer[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %group)
    : !buffer, !buffer, !buffer, !buffer, index
}
