// Attention to the blocks of 128 keys that lists name, as FlexAttention has them:
// partials[b, h, q block] blocks in partial[b, h, q block] are masked (here, by
// causality), fulls[...] blocks in full[...] are not. There is room for LIST.
//
//   heddle run examples/attention_blocks.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=300 --size SK=300
//       --size BLOCKS=3 --size LIST=3 --input partial=zeros ... --check

!buffer = memref<?x?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!mask = tensor<128x128xi1>
!list = memref<?x?x?x?xi32>
!count = memref<?x?x?xi32>

tile.kernel @attend(%Q: !buffer, %K: !buffer, %V: !buffer, %O: !buffer, %group: index, %partial: memref<?x?x?x?xi32>, %partials: memref<?x?x?xi32>, %full: memref<?x?x?x?xi32>, %fulls: memref<?x?x?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
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
  %partials32 = memref.load %partials[%b, %h, %block] : !count
  %fulls32 = memref.load %fulls[%b, %h, %block] : !count
  %masked = arith.index_cast %partials32 : i32 to index
  %unmasked = arith.index_cast %fulls32 : i32 to index
  %visits = arith.addi %masked, %unmasked : index
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !buffer -> !operand
  %acc, %max, %sum = scf.for %visit = %c0 to %visits step %c1
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %is_full = arith.cmpi sge, %visit, %masked : index
    %entry32 = scf.if %is_full -> (i32) {
      %at = arith.subi %visit, %masked : index
      %of_full = memref.load %full[%b, %h, %block, %at] : !list
      scf.yield %of_full : i32
    } else {
      %of_partial = memref.load %partial[%b, %h, %block, %visit] : !list
      scf.yield %of_partial : i32
    }
    %entry = arith.index_cast %entry32 : i32 to index
    %n = arith.muli %entry, %c128 : index
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n32 = arith.index_cast %n : index to i32
    %firsts_j = tensor.splat %n32 : !indices
    %j = arith.addi %column, %firsts_j : !indices
    %causal = arith.cmpi sle, %j, %i : !indices
    %whole = tensor.splat %is_full : !mask
    %sees = arith.ori %whole, %causal : !mask
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
  // A row that sees nothing gives zeros.
  %one = arith.constant dense<1.0> : !rows
  %positive = arith.maximumf %sum, %smallest : !rows
  %inverse = arith.divf %one, %positive : !rows
  %inverse_tile = tile.broadcast %inverse axes [1] : !rows -> !tile
  %mean = arith.mulf %acc, %inverse_tile : !tile
  %out = arith.truncf %mean : !tile to !operand
  tile.store %out, %O[%b, %h, %m, %c0] : !operand, !buffer
}

tile.host @attention[%B, %HQ, %HK, %SQ, %SK, %BLOCKS, %LIST](%Q: !buffer[%B, %HQ, %SQ], %K: !buffer[%B, %HK, %SK], %V: !buffer[%B, %HK, %SK],
    %partial: !list[%B, %HQ, %BLOCKS, %LIST], %partials: !count[%B, %HQ, %BLOCKS],
    %full: !list[%B, %HQ, %BLOCKS, %LIST], %fulls: !count[%B, %HQ, %BLOCKS],
                                         out %O: !buffer[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %group, %partial, %partials, %full, %fulls)
    : !buffer, !buffer, !buffer, !buffer, index, !list, !count, !list, !count
}
