// Attention of a tree of up to 64 drafted tokens to a context and to each other.
// The last SQ keys are those of the tree; bit t of tree[i] tells whether query i
// sees token t. All see what is before: there, nothing is masked.
//
//   heddle run examples/attention_tree.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=60 --size SK=300 --check

!buffer = memref<?x?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!mask = tensor<128x128xi1>
!words = tensor<128xi64>
!bits = tensor<128x128xi64>

tile.kernel @attend(%Q: !buffer, %K: !buffer, %V: !buffer, %O: !buffer, %group: index, %tree: memref<?xi64>) {
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
  %column = tile.iota axis 1 : !indices
  %words = tile.load %tree[%m] pad 0 : i64 : memref<?xi64> -> !words
  %i_words = tile.broadcast %words axes [1] : !words -> !bits
  %context = arith.subi %SK, %SQ : index
  %context32 = arith.index_cast %context : index to i32
  %contexts = tensor.splat %context32 : !indices
  %last_token = arith.constant dense<63> : !indices
  %one_bit = arith.constant dense<1> : !bits
  %no_bit = arith.constant dense<0> : !bits
  %SK32 = arith.index_cast %SK : index to i32
  %lengths = tensor.splat %SK32 : !indices
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !buffer -> !operand
  %acc, %max, %sum = scf.for %n = %c0 to %SK step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n32 = arith.index_cast %n : index to i32
    %firsts_j = tensor.splat %n32 : !indices
    %j = arith.addi %column, %firsts_j : !indices
    %known = arith.cmpi slt, %j, %contexts : !indices
    %exists = arith.cmpi slt, %j, %lengths : !indices
    %from_context = arith.subi %j, %contexts : !indices
    %t = arith.andi %from_context, %last_token : !indices
    %t64 = arith.extui %t : !indices to !bits
    %shifted = arith.shrui %i_words, %t64 : !bits
    %bit = arith.andi %shifted, %one_bit : !bits
    %is_seen = arith.cmpi ne, %bit, %no_bit : !bits
    %in_tree = arith.andi %is_seen, %exists : !mask
    %sees = arith.ori %known, %in_tree : !mask
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

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !buffer[%B, %HQ, %SQ], %K: !buffer[%B, %HK, %SK], %V: !buffer[%B, %HK, %SK], %tree: memref<?xi64>[%SQ],
                                         out %O: !buffer[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %group, %tree)
    : !buffer, !buffer, !buffer, !buffer, index, memref<?xi64>
}
