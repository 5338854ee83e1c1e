// Attention inside of documents that are packed one after another: query i sees
// keys first[i] to end[i] - 1, where neither ever decreases. Where a block of
// queries begins and ends says which keys to load; blocks of keys that all of
// its rows see are not masked.
//
//   heddle run examples/attention_document.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=300 --size SK=300 --input first=zeros --input end=zeros --check

!buffer = memref<?x?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!mask = tensor<128x128xi1>
!bounds = tensor<128xi32>

tile.kernel @attend(%Q: !buffer, %K: !buffer, %V: !buffer, %O: !buffer, %group: index, %first: memref<?xi32>, %end: memref<?xi32>) {
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
  %column = tile.iota axis 1 : !indices
  %firsts = tile.load %first[%m] pad 0 : i32 : memref<?xi32> -> !bounds
  %ends = tile.load %end[%m] pad 0 : i32 : memref<?xi32> -> !bounds
  %i_first = tile.broadcast %firsts axes [1] : !bounds -> !indices
  %i_end = tile.broadcast %ends axes [1] : !bounds -> !indices
  // The bounds of the first row and of the last.
  %next_m = arith.addi %m, %c128 : index
  %rows_end = arith.minsi %next_m, %SQ : index
  %last = arith.subi %rows_end, %c1 : index
  %first_begin32 = memref.load %first[%m] : memref<?xi32>
  %last_begin32 = memref.load %first[%last] : memref<?xi32>
  %first_end32 = memref.load %end[%m] : memref<?xi32>
  %last_end32 = memref.load %end[%last] : memref<?xi32>
  %begin = arith.index_cast %first_begin32 : i32 to index
  %all_begin = arith.index_cast %last_begin32 : i32 to index
  %all_end = arith.index_cast %first_end32 : i32 to index
  %keys_end = arith.index_cast %last_end32 : i32 to index
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !buffer -> !operand
  %acc, %max, %sum = scf.for %n = %begin to %keys_end step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !buffer -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n32 = arith.index_cast %n : index to i32
    %firsts_j = tensor.splat %n32 : !indices
    %j = arith.addi %column, %firsts_j : !indices
    %next_n = arith.addi %n, %c128 : index
    %is_after = arith.cmpi sle, %all_begin, %n : index
    %is_before = arith.cmpi sle, %next_n, %all_end : index
    %is_whole = arith.andi %is_after, %is_before : i1
    %whole = tensor.splat %is_whole : !mask
    %after = arith.cmpi sge, %j, %i_first : !indices
    %before = arith.cmpi slt, %j, %i_end : !indices
    %inside = arith.andi %after, %before : !mask
    %sees = arith.ori %whole, %inside : !mask
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

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !buffer[%B, %HQ, %SQ], %K: !buffer[%B, %HK, %SK], %V: !buffer[%B, %HK, %SK], %first: memref<?xi32>[%SQ], %end: memref<?xi32>[%SQ],
                                         out %O: !buffer[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %group, %first, %end)
    : !buffer, !buffer, !buffer, !buffer, index, memref<?xi32>, memref<?xi32>
}
