// The gradients of `kimi_delta_attention_varlen`. Otherwise as kimi_delta_attention_backward.mlir.
//
// What is computed of chunks has places of its own, of which sequence n has those from starts[n] / 64 + n on. A chunk may read on
// into the next sequence: such tokens add nothing, see nothing, and nothing of them is stored.
//
//   heddle run examples/kimi_delta_attention_backward_varlen.mlir --size N=2 --size STARTS=3 --size T=100 --size HK=1 --size HV=2
//     --input starts=starts.npy --input G=uniform:-5:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x128xbf16> // and results
!gates = memref<?x?x128xf32> // natural logarithms of decays
!strengths = memref<?x?xf32>
!starts = memref<?xi32>
!places = memref<?x2xi32> // the first token of a chunk, and how many there are
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x128x128xbf16> // the states between chunks, transposed
!sums = memref<?x?x128x64xf32> // a number for each channel of each token of a chunk
!ends = memref<?x?x5x128xf32> // of four blocks of tokens, and what the last is off
!tiles = memref<?x?x128x64xbf16> // tokens of a chunk, transposed
!maps = memref<?x?x64x128xbf16>
!parts = memref<?x?x64x128xf32> // of a gradient
!pairs = memref<?x?x64x64xbf16> // a number for two tokens of a chunk
!rows = memref<?x?x64xf32> // a number for each token of a chunk
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_strengths = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunk_t = tensor<128x64xbf16>
!gate = tensor<64x128xf32>
!sum = tensor<128x64xf32>
!channels = tensor<128xf32>
!token = tensor<128x64xi32>
!tokens = tensor<128x64xi1>
!exists = tensor<64xi1>
!index_row = tensor<64xi32>
!row = tensor<64xf32> // and half of the channels
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32> // and half of the channels of a chunk, transposed
!scores16 = tensor<64x64xbf16>
!part16 = tensor<128x64xbf16> // of a state
!s = tensor<128x128xf32>
!s16 = tensor<128x128xbf16>
#chunk = 64 : index

// All tokens of a head.
func.func private @head(%X: !keys, %h: index) -> !head {
  %c0 = arith.constant 0 : index
  %T = memref.dim %X, %c0 : !keys
  %X_h = memref.subview %X[0, %h, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  return %X_h : !head
}

// Those of a chunk, or of a sequence. Starts that are not in order, or beyond the buffers, end the program here.
func.func private @tokens(%X: !keys, %h: index, %at: index, %count: index) -> !head {
  %X_h = memref.subview %X[%at, %h, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  return %X_h : !head
}
func.func private @gates_of(%X: !gates, %h: index, %at: index, %count: index) -> !head_gates {
  %X_h = memref.subview %X[%at, %h, 0] [%count, 1, 128] [1, 1, 1] : !gates to !head_gates
  return %X_h : !head_gates
}
func.func private @strengths_of(%X: !strengths, %h: index, %at: index, %count: index) -> !head_strengths {
  %X_h = memref.subview %X[%at, %h] [%count, 1] [1, 1] : !strengths to !head_strengths
  return %X_h : !head_strengths
}

// The first token of the chunk in a place, how many there are, and 1 if there are some.
func.func private @chunk(%PLACES: !places, %place: index) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %some = arith.minui %count, %c1 : index
  return %at, %count, %some : index, index, index
}

// The first token of a sequence, how many there are, and the place of its first chunk.
func.func private @sequence(%starts: !starts, %n: index) -> (index, index, index) {
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %next = arith.addi %n, %c1 : index
  %start_32 = memref.load %starts[%n] : !starts
  %end_32 = memref.load %starts[%next] : !starts
  %length_32 = arith.subi %end_32, %start_32 : i32
  %length = arith.index_cast %length_32 : i32 to index
  %start = arith.index_cast %start_32 : i32 to index
  %start_chunk = arith.divui %start, %c : index
  %first = arith.addi %start_chunk, %n : index
  return %start, %length, %first : index, index, index
}

// Pairs of tokens, by how far up a binary tree of blocks they meet: in the same block of 16, in the same half of the chunk.
func.func private @distances() -> (!mask, !mask) {
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %by_16 = arith.constant dense<4> : !at
  %by_32 = arith.constant dense<5> : !at
  %row_16 = arith.shrui %row, %by_16 : !at
  %row_32 = arith.shrui %row, %by_32 : !at
  %column_16 = arith.shrui %column, %by_16 : !at
  %column_32 = arith.shrui %column, %by_32 : !at
  %is_near = arith.cmpi eq, %row_16, %column_16 : !at
  %is_next = arith.cmpi eq, %row_32, %column_32 : !at
  return %is_near, %is_next : !mask, !mask
}

// What has decayed where blocks of 16 tokens start, are in the middle of that, and end, where halves of the chunk start and end,
// and at its end: exponents of two, for 64 channels, transposed.
func.func private @blocks(%ENDS: !ends, %h: index, %place: index, %d0: index)
    -> (!scores, !scores, !scores, !scores, !scores, !scores) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : !scores
  %half = arith.constant dense<0.5> : !scores
  %column = tile.iota axis 1 : !at
  %t15 = arith.constant dense<15> : !at
  %t31 = arith.constant dense<31> : !at
  %t47 = arith.constant dense<47> : !at
  %in_0 = arith.cmpi ule, %column, %t15 : !at
  %in_01 = arith.cmpi ule, %column, %t31 : !at
  %in_012 = arith.cmpi ule, %column, %t47 : !at
  %near_0 = tile.load %ENDS[%h, %place, %c0, %d0] : !ends -> !row
  %near_1 = tile.load %ENDS[%h, %place, %c1, %d0] : !ends -> !row
  %near_2 = tile.load %ENDS[%h, %place, %c2, %d0] : !ends -> !row
  %near_3 = tile.load %ENDS[%h, %place, %c3, %d0] : !ends -> !row
  %end_0 = tile.broadcast %near_0 axes [1] : !row -> !scores
  %end_1 = tile.broadcast %near_1 axes [1] : !row -> !scores
  %end_2 = tile.broadcast %near_2 axes [1] : !row -> !scores
  %end_3 = tile.broadcast %near_3 axes [1] : !row -> !scores
  %start_01 = arith.select %in_0, %zero, %end_0 : !mask, !scores
  %start_23 = arith.select %in_012, %end_1, %end_2 : !mask, !scores
  %start = arith.select %in_01, %start_01, %start_23 : !mask, !scores
  %end_01 = arith.select %in_0, %end_0, %end_1 : !mask, !scores
  %end_23 = arith.select %in_012, %end_2, %end_3 : !mask, !scores
  %end = arith.select %in_01, %end_01, %end_23 : !mask, !scores
  %start_32 = arith.select %in_01, %zero, %end_1 : !mask, !scores
  %end_32 = arith.select %in_01, %end_1, %end_3 : !mask, !scores
  %ends = arith.addf %start, %end : !scores
  %exact_middle = arith.mulf %ends, %half : !scores
  %middle = math.roundeven %exact_middle : !scores
  return %start, %middle, %end, %start_32, %end_32, %end_3 : !scores, !scores, !scores, !scores, !scores, !scores
}

// What is left of operands and of sums from one such place to another. Powers of two multiply bf16 without an error.
func.func private @decay(%near: !scores16, %from: !scores, %to: !scores) -> !scores16 {
  %exponent = arith.subf %from, %to : !scores
  %left = math.exp2 %exponent : !scores
  %left16 = arith.truncf %left : !scores to !scores16
  %far = arith.mulf %near, %left16 : !scores16
  return %far : !scores16
}
func.func private @decay_sum(%far: !scores, %from: !scores, %to: !scores) -> !scores {
  %exponent = arith.subf %from, %to : !scores
  %left = math.exp2 %exponent : !scores
  %near = arith.mulf %far, %left : !scores
  return %near : !scores
}

// A tile of 64 channels, transposed, that has decayed so much.
func.func private @load_decayed(%X_h: !head, %t: index, %d0: index, %left: !scores) -> !scores16 {
  %x = tile.load %X_h[%t, %d0] pad 0.0 : bf16 : !head -> !scores16
  %x_t = tile.transpose %x [1, 0] : !scores16 -> !scores16
  %x32 = arith.extf %x_t : !scores16 to !scores
  %then = arith.mulf %x32, %left : !scores
  %then16 = arith.truncf %then : !scores to !scores16
  return %then16 : !scores16
}

// Where chunks are. Places that no sequence needs have no tokens.
tile.kernel @place(%starts: !starts, %PLACES: !places, %N: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %none = arith.constant 0 : i32
  %size = arith.constant 64 : i32
  %n = gpu.block_id x
  %next = arith.addi %n, %c1 : index
  %start_32 = memref.load %starts[%n] : !starts
  %end_32 = memref.load %starts[%next] : !starts
  %start = arith.index_cast %start_32 : i32 to index
  %end = arith.index_cast %end_32 : i32 to index
  %start_chunk = arith.divui %start, %c : index
  %first = arith.addi %start_chunk, %n : index
  %is_last = arith.cmpi eq, %next, %N : index
  %places = memref.dim %PLACES, %c0 : !places
  %end_chunk = arith.divui %end, %c : index
  %first_of_next = arith.addi %end_chunk, %next : index
  %behind = arith.select %is_last, %places, %first_of_next : index
  %limit = arith.minui %behind, %places : index
  %is_first = arith.cmpi eq, %n, %c0 : index
  %begin = arith.select %is_first, %c0, %first : index
  scf.for %place = %begin to %limit step %c1 {
    %number = arith.subi %place, %first : index
    %before = arith.muli %number, %c : index
    %token = arith.addi %start, %before : index
    %token_32 = arith.index_cast %token : index to i32
    %left = arith.subi %end_32, %token_32 : i32
    %count = arith.minsi %left, %size : i32
    %is_inside = arith.cmpi sgt, %left, %none : i32
    %is_own = arith.cmpi sge, %place, %first : index
    %exists = arith.andi %is_inside, %is_own : i1
    %at = arith.select %exists, %token_32, %none : i32
    %tokens = arith.select %exists, %count, %none : i32
    memref.store %at, %PLACES[%place, %c0] : !places
    memref.store %tokens, %PLACES[%place, %c1] : !places
  }
}

// SUM: what gates add up to since the chunk began, as exponents of two, transposed. ENDS: the same where blocks of 16 tokens end.
// A whole number is near enough for blocks to agree on; the last row is what the chunk's end is off.
tile.kernel @sums(%G: !gates, %PLACES: !places, %SUM: !sums, %ENDS: !ends) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %G_h = func.call @gates_of(%G, %h, %at, %count) : (!gates, index, index, index) -> !head_gates
  %least = arith.constant dense<-10.0> : !gate
  %log2e = arith.constant dense<1.44269504> : !gate // hardware computes 2^x
  %none = arith.constant dense<-0.0> : !channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !sum
  %token = tile.iota axis 1 : !token
  %g = tile.load %G_h[%c0, %c0] pad 0.0 : f32 : !head_gates -> !gate
  %raised = arith.maximumf %g, %least : !gate
  %g2 = arith.mulf %raised, %log2e : !gate
  %scanned = tile.scan add %g2 axis 0 : !gate
  %sum = tile.transpose %scanned [1, 0] : !gate -> !sum
  tile.store %sum, %SUM[%h, %place, %c0, %c0] : !sum, !sums
  %t15 = arith.constant dense<15> : !token
  %is_15 = arith.cmpi eq, %token, %t15 : !token
  %at_15 = arith.select %is_15, %sum, %none_c : !tokens, !sum
  %sum_15 = tile.reduce add %at_15, %none axis 1 : !sum -> !channels
  %near_15 = math.roundeven %sum_15 : !channels
  tile.store %near_15, %ENDS[%h, %place, %c0, %c0] : !channels, !ends
  %t31 = arith.constant dense<31> : !token
  %is_31 = arith.cmpi eq, %token, %t31 : !token
  %at_31 = arith.select %is_31, %sum, %none_c : !tokens, !sum
  %sum_31 = tile.reduce add %at_31, %none axis 1 : !sum -> !channels
  %near_31 = math.roundeven %sum_31 : !channels
  tile.store %near_31, %ENDS[%h, %place, %c1, %c0] : !channels, !ends
  %t47 = arith.constant dense<47> : !token
  %is_47 = arith.cmpi eq, %token, %t47 : !token
  %at_47 = arith.select %is_47, %sum, %none_c : !tokens, !sum
  %sum_47 = tile.reduce add %at_47, %none axis 1 : !sum -> !channels
  %near_47 = math.roundeven %sum_47 : !channels
  tile.store %near_47, %ENDS[%h, %place, %c2, %c0] : !channels, !ends
  %t63 = arith.constant dense<63> : !token
  %is_63 = arith.cmpi eq, %token, %t63 : !token
  %at_63 = arith.select %is_63, %sum, %none_c : !tokens, !sum
  %sum_63 = tile.reduce add %at_63, %none axis 1 : !sum -> !channels
  %near_63 = math.roundeven %sum_63 : !channels
  tile.store %near_63, %ENDS[%h, %place, %c3, %c0] : !channels, !ends
  %off = arith.subf %sum_63, %near_63 : !channels
  tile.store %off, %ENDS[%h, %place, %c4, %c0] : !channels, !ends
}

// What chunks do without a state. P: what queries see of tokens. A: the inverse, by which what tokens erase of each other is
// undone, and A_V: the same for what they add over BETA. The queries Q16 and, negative, the keys E16 that erase, since the chunk
// began; keys K16 until it ends. STRENGTH: BETA, at least 2^-32.
tile.kernel @prepare(%Q: !keys, %K: !keys, %BETA: !strengths, %PLACES: !places, %SUM: !sums, %ENDS: !ends, %P: !pairs, %A: !pairs,
                     %A_V: !pairs, %Q16: !tiles, %E16: !tiles, %K16: !tiles, %STRENGTH: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %Q_h = func.call @head(%Q, %hk) : (!keys, index) -> !head
  %K_h = func.call @head(%K, %hk) : (!keys, index) -> !head
  %BETA_h = func.call @strengths_of(%BETA, %h, %at, %count) : (!strengths, index, index, index) -> !head_strengths
  // Pairs of tokens, by how far up a binary tree of blocks they meet.
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %sees = arith.cmpi sge, %row, %column : !at
  %count_32 = arith.index_cast %count : index to i32
  %count_at = tensor.splat %count_32 : !at
  %is_token = arith.cmpi slt, %row, %count_at : !at
  %sees_as_token = arith.andi %sees, %is_token : !mask
  // Blocks of 16 tokens.
  %token = tile.iota axis 1 : !token
  %t15 = arith.constant dense<15> : !token
  %t31 = arith.constant dense<31> : !token
  %t47 = arith.constant dense<47> : !token
  %in_0 = arith.cmpi ule, %token, %t15 : !token
  %in_01 = arith.cmpi ule, %token, %t31 : !token
  %in_012 = arith.cmpi ule, %token, %t47 : !token
  %by_2_blocks = arith.constant dense<31> : !token
  %in_pair = arith.andi %token, %by_2_blocks : !token
  %in_02 = arith.cmpi ule, %in_pair, %t15 : !token
  %zero = arith.constant dense<0.0> : !sum
  %zero_s = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !chunk_t
  %half = arith.constant dense<0.5> : !sum
  %scale_log2 = arith.constant dense<3.5> : !sum // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !sum
  %tiny = arith.constant dense<2.32830644e-10> : !row // 2^-32

  %sum = tile.load %SUM[%h, %place, %c0, %c0] : !sums -> !sum
  %near_0 = tile.load %ENDS[%h, %place, %c0, %c0] : !ends -> !channels
  %near_1 = tile.load %ENDS[%h, %place, %c1, %c0] : !ends -> !channels
  %near_2 = tile.load %ENDS[%h, %place, %c2, %c0] : !ends -> !channels
  %near_3 = tile.load %ENDS[%h, %place, %c3, %c0] : !ends -> !channels
  %end_0 = tile.broadcast %near_0 axes [1] : !channels -> !sum
  %end_1 = tile.broadcast %near_1 axes [1] : !channels -> !sum
  %end_2 = tile.broadcast %near_2 axes [1] : !channels -> !sum
  %end_3 = tile.broadcast %near_3 axes [1] : !channels -> !sum
  %start_01 = arith.select %in_0, %zero, %end_0 : !tokens, !sum
  %start_23 = arith.select %in_012, %end_1, %end_2 : !tokens, !sum
  %start = arith.select %in_01, %start_01, %start_23 : !tokens, !sum
  %end_01 = arith.select %in_0, %end_0, %end_1 : !tokens, !sum
  %end_23 = arith.select %in_012, %end_2, %end_3 : !tokens, !sum
  %end = arith.select %in_01, %end_01, %end_23 : !tokens, !sum
  %start_32 = arith.select %in_01, %zero, %end_1 : !tokens, !sum
  %end_32 = arith.select %in_01, %end_1, %end_3 : !tokens, !sum
  %ends = arith.addf %start, %end : !sum
  %exact_middle = arith.mulf %ends, %half : !sum
  %middle = math.roundeven %exact_middle : !sum

  // Queries since, and keys until, half of what decays in their block of 16 tokens has.
  %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k_t = tile.transpose %k [1, 0] : !chunk -> !chunk_t
  %k32 = arith.extf %k_t : !chunk_t to !sum
  %until_0 = arith.subf %middle, %sum : !sum
  %grown_k = math.exp2 %until_0 : !sum
  %k_0 = arith.mulf %k32, %grown_k : !sum
  %k_near = arith.truncf %k_0 : !sum to !chunk_t
  %scaled_middle = arith.addf %middle, %scale_log2 : !sum
  %since_0 = arith.subf %sum, %scaled_middle : !sum
  %grown_q = math.exp2 %since_0 : !sum
  %grown_e = arith.mulf %grown_q, %unscale : !sum
  %e_0 = arith.mulf %k32, %grown_e : !sum
  %e_near = arith.truncf %e_0 : !sum to !chunk_t
  %near_e = tile.dot %e_near, %k_near, %zero_s transpose_a : !chunk_t, !chunk_t -> !scores
  %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
  %q_t = tile.transpose %q [1, 0] : !chunk -> !chunk_t
  %q32 = arith.extf %q_t : !chunk_t to !sum
  %q_0 = arith.mulf %q32, %grown_q : !sum
  %q_near = arith.truncf %q_0 : !sum to !chunk_t
  %near = tile.dot %q_near, %k_near, %zero_s transpose_a : !chunk_t, !chunk_t -> !scores

  // Since their block starts, and until it ends. Queries of the second block of a half, and keys of the first: zeros add nothing to
  // pairs that are nearer.
  %since_1 = arith.subf %middle, %start : !sum
  %until_1 = arith.subf %end, %middle : !sum
  %power_q1 = math.exp2 %since_1 : !sum
  %left_q1 = arith.truncf %power_q1 : !sum to !chunk_t
  %power_k1 = math.exp2 %until_1 : !sum
  %left_k1 = arith.truncf %power_k1 : !sum to !chunk_t
  %e_next = arith.mulf %e_near, %left_q1 : !chunk_t
  %k_next = arith.mulf %k_near, %left_k1 : !chunk_t
  %e_later = arith.select %in_02, %nothing, %e_next : !tokens, !chunk_t
  %k_earlier = arith.select %in_02, %k_next, %nothing : !tokens, !chunk_t
  %only_near_e = arith.select %is_near, %near_e, %zero_s : !mask, !scores
  %next_e = tile.dot %e_later, %k_earlier, %only_near_e transpose_a : !chunk_t, !chunk_t -> !scores
  %q_next = arith.mulf %q_near, %left_q1 : !chunk_t
  %q_later = arith.select %in_02, %nothing, %q_next : !tokens, !chunk_t
  %only_near = arith.select %is_near, %near, %zero_s : !mask, !scores
  %next = tile.dot %q_later, %k_earlier, %only_near transpose_a : !chunk_t, !chunk_t -> !scores

  // The same for their half of the chunk.
  %since_2 = arith.subf %start, %start_32 : !sum
  %until_2 = arith.subf %end_32, %end : !sum
  %power_q2 = math.exp2 %since_2 : !sum
  %left_q2 = arith.truncf %power_q2 : !sum to !chunk_t
  %power_k2 = math.exp2 %until_2 : !sum
  %left_k2 = arith.truncf %power_k2 : !sum to !chunk_t
  %e_far = arith.mulf %e_next, %left_q2 : !chunk_t
  %k_far = arith.mulf %k_next, %left_k2 : !chunk_t
  %e_last = arith.select %in_01, %nothing, %e_far : !tokens, !chunk_t
  %k_first = arith.select %in_01, %k_far, %nothing : !tokens, !chunk_t
  %at_most_next_e = arith.select %is_next, %next_e, %zero_s : !mask, !scores
  %far_e = tile.dot %e_last, %k_first, %at_most_next_e transpose_a : !chunk_t, !chunk_t -> !scores
  %beta = tile.load %BETA_h[%c0] pad 0.0 : f32 : !head_strengths -> !row
  %size = math.absf %beta : !row
  %is_tiny = arith.cmpf olt, %size, %tiny : !row
  %strength = arith.select %is_tiny, %tiny, %beta : tensor<64xi1>, !row
  %index = tile.iota axis 0 : !index_row
  %count_row = tensor.splat %count_32 : !index_row
  %exists = arith.cmpi slt, %index, %count_row : !index_row
  %nobody = arith.constant dense<0.0> : !row
  %own_strength = arith.select %exists, %strength, %nobody : !exists, !row
  tile.store %own_strength, %STRENGTH[%h, %place, %c0] : !row, !rows
  %q_far = arith.mulf %q_next, %left_q2 : !chunk_t
  %q_last = arith.select %in_01, %nothing, %q_far : !tokens, !chunk_t
  %at_most_next = arith.select %is_next, %next, %zero_s : !mask, !scores
  %far = tile.dot %q_last, %k_first, %at_most_next transpose_a : !chunk_t, !chunk_t -> !scores
  %seen = arith.select %sees_as_token, %far, %zero_s : !mask, !scores
  %p16 = arith.truncf %seen : !scores to !scores16
  tile.store %p16, %P[%h, %place, %c0, %c0] : !scores16, !pairs

  // And for the chunk. What erases is negative.
  %power_q3 = math.exp2 %start_32 : !sum
  %left_q3 = arith.truncf %power_q3 : !sum to !chunk_t
  %minus_left_q3 = arith.negf %left_q3 : !chunk_t
  %until_3 = arith.subf %end_3, %end_32 : !sum
  %power_k3 = math.exp2 %until_3 : !sum
  %left_k3 = arith.truncf %power_k3 : !sum to !chunk_t
  %e_all = arith.mulf %e_far, %minus_left_q3 : !chunk_t
  tile.store %e_all, %E16[%h, %place, %c0, %c0] : !chunk_t, !tiles
  %k_all = arith.mulf %k_far, %left_k3 : !chunk_t
  %q_all = arith.mulf %q_far, %left_q3 : !chunk_t
  tile.store %k_all, %K16[%h, %place, %c0, %c0] : !chunk_t, !tiles
  %count_token = tensor.splat %count_32 : !token
  %is_query = arith.cmpi slt, %token, %count_token : !token
  %q_own = arith.select %is_query, %q_all, %nothing : !tokens, !chunk_t
  tile.store %q_own, %Q16[%h, %place, %c0, %c0] : !chunk_t, !tiles

  %strength_i = tile.broadcast %strength axes [1] : !row -> !scores
  %strength_j = tile.broadcast %strength axes [0] : !row -> !scores
  %erased = arith.select %sees_as_token, %far_e, %zero_s : !mask, !scores
  %l = arith.mulf %erased, %strength_i : !scores
  %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
  %a16 = arith.truncf %inverse : !scores to !scores16
  tile.store %a16, %A[%h, %place, %c0, %c0] : !scores16, !pairs
  %times = arith.mulf %inverse, %strength_j : !scores
  %over = arith.divf %times, %strength_i : !scores
  %a_v16 = arith.truncf %over : !scores to !scores16
  tile.store %a_v16, %A_V[%h, %place, %c0, %c0] : !scores16, !pairs
}

// The inverses, applied to all that does not know the state: W = A_V E16, and for the way back WB = A^T K16 and U = P A.
tile.kernel @apply(%P: !pairs, %A: !pairs, %A_V: !pairs, %E16: !tiles, %K16: !tiles, %W: !maps, %WB: !maps, %U: !pairs) {
  %c0 = arith.constant 0 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %zero = arith.constant dense<0.0> : !gate
  %zero_s = arith.constant dense<0.0> : !scores
  %p = tile.load %P[%h, %place, %c0, %c0] : !pairs -> !scores16
  %a = tile.load %A[%h, %place, %c0, %c0] : !pairs -> !scores16
  %a_v = tile.load %A_V[%h, %place, %c0, %c0] : !pairs -> !scores16
  %e = tile.load %E16[%h, %place, %c0, %c0] : !tiles -> !chunk_t
  %k = tile.load %K16[%h, %place, %c0, %c0] : !tiles -> !chunk_t
  %w = tile.dot %a_v, %e, %zero transpose_b : !scores16, !chunk_t -> !gate
  %w16 = arith.truncf %w : !gate to !chunk
  tile.store %w16, %W[%h, %place, %c0, %c0] : !chunk, !maps
  %wb = tile.dot %a, %k, %zero transpose_a transpose_b : !scores16, !chunk_t -> !gate
  %wb16 = arith.truncf %wb : !gate to !chunk
  tile.store %wb16, %WB[%h, %place, %c0, %c0] : !chunk, !maps
  %u = tile.dot %p, %a, %zero_s : !scores16, !scores16 -> !scores
  %u16 = arith.truncf %u : !scores to !scores16
  tile.store %u16, %U[%h, %place, %c0, %c0] : !scores16, !pairs
}

// X, and S before each chunk. Both are computed transposed.
tile.kernel @forward(%V: !values, %ENDS: !ends, %STRENGTH: !rows, %A_V: !pairs, %W: !maps, %K16: !tiles, %H0: !states,
                     %starts: !starts, %S: !steps, %X: !maps) {
  %c0 = arith.constant 0 : index
  %c = arith.constant #chunk
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %h = gpu.block_id x
  %n = gpu.block_id y
  %start, %T, %first = func.call @sequence(%starts, %n) : (!starts, index) -> (index, index, index)
  %V_h = func.call @head(%V, %h) : (!values, index) -> !head
  %zero = arith.constant dense<0.0> : !sum
  %h0 = tile.load %H0[%n, %h, %c0, %c0] : !states -> !s
  %s0 = tile.transpose %h0 [1, 0] : !s -> !s
  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %number = arith.divui %t, %c : index
    %place = arith.addi %first, %number : index
    %at = arith.addi %start, %t : index
    %total = tile.load %ENDS[%h, %place, %c3, %c0] : !ends -> !channels
    %off = tile.load %ENDS[%h, %place, %c4, %c0] : !ends -> !channels
    %decay = math.exp2 %total : !channels
    %rest = math.exp2 %off : !channels // less than half a power, which the new state decays by in f32
    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %w = tile.load %W[%h, %place, %c0, %c0] : !maps -> !chunk
    %a = tile.load %A_V[%h, %place, %c0, %c0] : !pairs -> !scores16
    %strength = tile.load %STRENGTH[%h, %place, %c0] : !rows -> !row
    %strength_x = tile.broadcast %strength axes [0] : !row -> !sum
    %k = tile.load %K16[%h, %place, %c0, %c0] : !tiles -> !chunk_t
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    tile.store %s16, %S[%h, %place, %c0, %c0] : !s16, !steps
    %r_s = tile.dot %s16, %w, %zero transpose_b : !s16, !chunk -> !sum
    %r = tile.dot %v, %a, %r_s transpose_a transpose_b : !chunk, !scores16 -> !sum
    %x = arith.mulf %r, %strength_x : !sum
    %x16 = arith.truncf %x : !sum to !chunk_t
    %new = tile.dot %x16, %k, %kept transpose_b : !chunk_t, !chunk_t -> !s
    %out = tile.transpose %x16 [1, 0] : !chunk_t -> !chunk
    tile.store %out, %X[%h, %place, %c0, %c0] : !chunk, !maps
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
}

// dV, and dS after each chunk and before the first token.
tile.kernel @backward(%ENDS: !ends, %STRENGTH: !rows, %U: !pairs, %WB: !maps, %Q16: !tiles, %E16: !tiles, %starts: !starts,
                      %dO: !values, %dH1: !states, %dS: !steps, %dX: !maps, %dV: !values, %dH0: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %h = gpu.block_id x
  %n = gpu.block_id y
  %start, %T, %first_place = func.call @sequence(%starts, %n) : (!starts, index) -> (index, index, index)
  %dO_h = func.call @head(%dO, %h) : (!values, index) -> !head
  %dV_h = func.call @tokens(%dV, %h, %start, %T) : (!values, index, index, index) -> !head
  %zero = arith.constant dense<0.0> : !sum
  %chunks = arith.ceildivui %T, %c : index
  %h1 = tile.load %dH1[%n, %h, %c0, %c0] : !states -> !s
  %s1 = tile.transpose %h1 [1, 0] : !s -> !s
  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left_chunks = arith.subi %chunks, %done : index
    %number = arith.subi %left_chunks, %c1 : index
    %t = arith.muli %number, %c : index
    %place = arith.addi %first_place, %number : index
    %at = arith.addi %start, %t : index
    %total = tile.load %ENDS[%h, %place, %c3, %c0] : !ends -> !channels
    %off = tile.load %ENDS[%h, %place, %c4, %c0] : !ends -> !channels
    %decay = math.exp2 %total : !channels
    %rest = math.exp2 %off : !channels
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %w = tile.load %WB[%h, %place, %c0, %c0] : !maps -> !chunk
    %u = tile.load %U[%h, %place, %c0, %c0] : !pairs -> !scores16
    %strength = tile.load %STRENGTH[%h, %place, %c0] : !rows -> !row
    %strength_y = tile.broadcast %strength axes [0] : !row -> !sum
    %q = tile.load %Q16[%h, %place, %c0, %c0] : !tiles -> !chunk_t
    %e = tile.load %E16[%h, %place, %c0, %c0] : !tiles -> !chunk_t
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_then = arith.mulf %s, %rest_s : !s
    %s16 = arith.truncf %s_then : !s to !s16
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s_then, %decay_s : !s
    %y_s = tile.dot %s16, %w, %zero transpose_b : !s16, !chunk -> !sum
    %y = tile.dot %do, %u, %y_s transpose_a : !chunk, !scores16 -> !sum
    %new_q = tile.dot %do, %q, %kept transpose_a transpose_b : !chunk, !chunk_t -> !s
    %dv = arith.mulf %y, %strength_y : !sum
    %dv16 = arith.truncf %dv : !sum to !chunk_t
    %new = tile.dot %dv16, %e, %new_q transpose_b : !chunk_t, !chunk_t -> !s
    tile.store %s16, %dS[%h, %place, %c0, %c0] : !s16, !steps
    %out = tile.transpose %dv16 [1, 0] : !chunk_t -> !chunk
    tile.store %out, %dX[%h, %place, %c0, %c0] : !chunk, !maps
    tile.store %out, %dV_h[%t, %c0] : !chunk, !head
    scf.yield %new : !s
  }
  %dh0 = tile.transpose %first [1, 0] : !s -> !s
  tile.store %dh0, %dH0[%n, %h, %c0, %c0] : !s, !states
}

// What there is between two tokens: results see dP of what the first adds, and dL is what the second erases of it, negative. OWN:
// what results see of what their own tokens add. And dBETA.
tile.kernel @pairs(%STRENGTH: !rows, %PLACES: !places, %X: !maps, %dO: !values, %dX: !maps, %dP: !pairs, %dL: !pairs, %OWN: !rows,
                   %dBETA: !strengths) {
  %c0 = arith.constant 0 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %dO_h = func.call @head(%dO, %h) : (!values, index) -> !head
  %dBETA_h = func.call @strengths_of(%dBETA, %h, %at, %count) : (!strengths, index, index, index) -> !head_strengths
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %is_before = arith.cmpi sgt, %row, %column : !at
  %count_32 = arith.index_cast %count : index to i32
  %count_at = tensor.splat %count_32 : !at
  %is_token = arith.cmpi slt, %row, %count_at : !at
  %before = arith.andi %is_before, %is_token : !mask
  %is_own = arith.cmpi eq, %row, %column : !at
  %zero = arith.constant dense<0.0> : !scores
  %none = arith.constant dense<0.0> : !row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  // Where no chunk is, no state is, either.
  %c1 = arith.constant 1 : index
  scf.for %only = %c0 to %some step %c1 {
    %x = tile.load %X[%h, %place, %c0, %c0] : !maps -> !chunk
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dox = tile.dot %do, %x, %zero transpose_b : !chunk, !chunk -> !scores
    %dp = arith.select %before, %dox, %zero : !mask, !scores
    %dp16 = arith.truncf %dp : !scores to !scores16
    tile.store %dp16, %dP[%h, %place, %c0, %c0] : !scores16, !pairs
    %dv = tile.load %dX[%h, %place, %c0, %c0] : !maps -> !chunk
    %dvx = tile.dot %dv, %x, %zero transpose_b : !chunk, !chunk -> !scores
    %minus_dvx = arith.negf %dvx : !scores
    %dl = arith.select %before, %minus_dvx, %zero : !mask, !scores
    %dl16 = arith.truncf %dl : !scores to !scores16
    tile.store %dl16, %dL[%h, %place, %c0, %c0] : !scores16, !pairs

    %own_dox = arith.select %is_own, %dox, %zero : !mask, !scores
    %own_1 = tile.reduce add %own_dox, %none axis 1 : !scores -> !row
    %own = arith.mulf %own_1, %scale : !row
    tile.store %own, %OWN[%h, %place, %c0] : !row, !rows
    %own_dvx = arith.select %is_own, %dvx, %zero : !mask, !scores
    %own_v = tile.reduce add %own_dvx, %none axis 1 : !scores -> !row
    %strength = tile.load %STRENGTH[%h, %place, %c0] : !rows -> !row
    %once = arith.divf %own_v, %strength : !row
    %db = arith.divf %once, %strength : !row
    tile.store %db, %dBETA_h[%c0] : !row, !head_strengths
  }
}

// READ: what queries read of the state before the chunk and of the tokens before each; BACK: what keys have of what they erase of
// both. Both are computed transposed, 64 channels by a block.
tile.kernel @queries(%K: !keys, %SUM: !sums, %ENDS: !ends, %PLACES: !places, %dO: !values, %dX: !maps, %dP: !pairs, %dL: !pairs,
                     %S: !steps, %READ: !parts, %BACK: !parts, %group: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %place = gpu.block_id x
  %block = gpu.block_id y
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %K_h = func.call @head(%K, %hk) : (!keys, index) -> !head
  %dO_h = func.call @head(%dO, %h) : (!values, index) -> !head
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %zero = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !scores16
  %scale_log2 = arith.constant dense<3.5> : !scores // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !scores
  // Where no chunk is, no state is, either.
  %c1 = arith.constant 1 : index
  scf.for %only = %c0 to %some step %c1 {
    %start, %middle, %end, %start_32, %end_32, %end_3 = func.call @blocks(%ENDS, %h, %place, %d0)
      : (!ends, index, index, index) -> (!scores, !scores, !scores, !scores, !scores, !scores)
    %sum = tile.load %SUM[%h, %place, %d0, %c0] : !sums -> !scores
    %until = arith.subf %middle, %sum : !scores
    %grown_k = math.exp2 %until : !scores
    %k_near = func.call @load_decayed(%K_h, %at, %d0, %grown_k) : (!head, index, index, !scores) -> !scores16

    // From far to near: what is further decays more.
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dv = tile.load %dX[%h, %place, %c0, %c0] : !maps -> !chunk
    %s = tile.load %S[%h, %place, %c0, %d0] : !steps -> !part16
    %dp = tile.load %dP[%h, %place, %c0, %c0] : !pairs -> !scores16
    %dl = tile.load %dL[%h, %place, %c0, %c0] : !pairs -> !scores16
    %read_s = tile.dot %s, %do, %zero transpose_a transpose_b : !part16, !chunk -> !scores
    %back_s = tile.dot %s, %dv, %zero transpose_a transpose_b : !part16, !chunk -> !scores
    %left_3 = math.exp2 %start_32 : !scores
    %minus_left_3 = arith.negf %left_3 : !scores // what is erased is negative
    %read_3 = arith.mulf %read_s, %left_3 : !scores
    %back_3 = arith.mulf %back_s, %minus_left_3 : !scores
    %k_far = func.call @decay(%k_near, %end_32, %middle) : (!scores16, !scores, !scores) -> !scores16
    %dp_far = arith.select %is_next, %nothing, %dp : !mask, !scores16
    %dl_far = arith.select %is_next, %nothing, %dl : !mask, !scores16
    %read_far = tile.dot %k_far, %dp_far, %read_3 transpose_b : !scores16, !scores16 -> !scores
    %back_far = tile.dot %k_far, %dl_far, %back_3 transpose_b : !scores16, !scores16 -> !scores
    %read_2 = func.call @decay_sum(%read_far, %start, %start_32) : (!scores, !scores, !scores) -> !scores
    %back_2 = func.call @decay_sum(%back_far, %start, %start_32) : (!scores, !scores, !scores) -> !scores
    %k_next = func.call @decay(%k_near, %end, %middle) : (!scores16, !scores, !scores) -> !scores16
    %dp_half = arith.select %is_next, %dp, %nothing : !mask, !scores16
    %dp_next = arith.select %is_near, %nothing, %dp_half : !mask, !scores16
    %dl_half = arith.select %is_next, %dl, %nothing : !mask, !scores16
    %dl_next = arith.select %is_near, %nothing, %dl_half : !mask, !scores16
    %read_next = tile.dot %k_next, %dp_next, %read_2 transpose_b : !scores16, !scores16 -> !scores
    %back_next = tile.dot %k_next, %dl_next, %back_2 transpose_b : !scores16, !scores16 -> !scores
    %read_1 = func.call @decay_sum(%read_next, %middle, %start) : (!scores, !scores, !scores) -> !scores
    %back_1 = func.call @decay_sum(%back_next, %middle, %start) : (!scores, !scores, !scores) -> !scores
    %dp_near = arith.select %is_near, %dp, %nothing : !mask, !scores16
    %dl_near = arith.select %is_near, %dl, %nothing : !mask, !scores16
    %read_near = tile.dot %k_near, %dp_near, %read_1 transpose_b : !scores16, !scores16 -> !scores
    %back_near = tile.dot %k_near, %dl_near, %back_1 transpose_b : !scores16, !scores16 -> !scores
    %scaled_middle = arith.addf %middle, %scale_log2 : !scores
    %since = arith.subf %sum, %scaled_middle : !scores
    %grown_q = math.exp2 %since : !scores
    %read = arith.mulf %read_near, %grown_q : !scores
    %grown_e = arith.mulf %grown_q, %unscale : !scores
    %back = arith.mulf %back_near, %grown_e : !scores
    %read_out = tile.transpose %read [1, 0] : !scores -> !scores
    tile.store %read_out, %READ[%h, %place, %c0, %d0] : !scores, !parts
    %back_out = tile.transpose %back [1, 0] : !scores -> !scores
    tile.store %back_out, %BACK[%h, %place, %c0, %d0] : !scores, !parts
  }
}

// SEEN: what the tokens behind each have of what it adds; LEFT: what the state after the chunk has of that.
tile.kernel @keys(%Q: !keys, %K: !keys, %SUM: !sums, %ENDS: !ends, %PLACES: !places, %X: !maps, %dP: !pairs, %dL: !pairs,
                  %dS: !steps, %SEEN: !parts, %LEFT: !parts, %group: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %place = gpu.block_id x
  %block = gpu.block_id y
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %Q_h = func.call @head(%Q, %hk) : (!keys, index) -> !head
  %K_h = func.call @head(%K, %hk) : (!keys, index) -> !head
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %zero = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !scores16
  %scale_log2 = arith.constant dense<3.5> : !scores // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !scores
  // Where no chunk is, no state is, either.
  %c1 = arith.constant 1 : index
  scf.for %only = %c0 to %some step %c1 {
    %start, %middle, %end, %start_32, %end_32, %end_3 = func.call @blocks(%ENDS, %h, %place, %d0)
      : (!ends, index, index, index) -> (!scores, !scores, !scores, !scores, !scores, !scores)
    %sum = tile.load %SUM[%h, %place, %d0, %c0] : !sums -> !scores

    // What decays until the chunk ends.
    %x = tile.load %X[%h, %place, %c0, %c0] : !maps -> !chunk
    %ds = tile.load %dS[%h, %place, %c0, %d0] : !steps -> !part16
    %until_end = arith.subf %end_3, %sum : !scores
    %left_end = math.exp2 %until_end : !scores
    %left_s = tile.dot %ds, %x, %zero transpose_a transpose_b : !part16, !chunk -> !scores
    %left = arith.mulf %left_s, %left_end : !scores
    %left_out = tile.transpose %left [1, 0] : !scores -> !scores
    tile.store %left_out, %LEFT[%h, %place, %c0, %d0] : !scores, !parts

    // From far to near, as queries do.
    %scaled_middle = arith.addf %middle, %scale_log2 : !scores
    %since = arith.subf %sum, %scaled_middle : !scores
    %grown_q = math.exp2 %since : !scores
    %q_near = func.call @load_decayed(%Q_h, %at, %d0, %grown_q) : (!head, index, index, !scores) -> !scores16
    %grown_e = arith.mulf %grown_q, %unscale : !scores
    %e_near = func.call @load_decayed(%K_h, %at, %d0, %grown_e) : (!head, index, index, !scores) -> !scores16
    %dp = tile.load %dP[%h, %place, %c0, %c0] : !pairs -> !scores16
    %dl = tile.load %dL[%h, %place, %c0, %c0] : !pairs -> !scores16
    %q_far = func.call @decay(%q_near, %middle, %start_32) : (!scores16, !scores, !scores) -> !scores16
    %e_far = func.call @decay(%e_near, %middle, %start_32) : (!scores16, !scores, !scores) -> !scores16
    %dp_far = arith.select %is_next, %nothing, %dp : !mask, !scores16
    %dl_far = arith.select %is_next, %nothing, %dl : !mask, !scores16
    %seen_far_q = tile.dot %q_far, %dp_far, %zero : !scores16, !scores16 -> !scores
    %seen_far = tile.dot %e_far, %dl_far, %seen_far_q : !scores16, !scores16 -> !scores
    %seen_2 = func.call @decay_sum(%seen_far, %end_32, %end) : (!scores, !scores, !scores) -> !scores
    %q_next = func.call @decay(%q_near, %middle, %start) : (!scores16, !scores, !scores) -> !scores16
    %e_next = func.call @decay(%e_near, %middle, %start) : (!scores16, !scores, !scores) -> !scores16
    %dp_half = arith.select %is_next, %dp, %nothing : !mask, !scores16
    %dp_next = arith.select %is_near, %nothing, %dp_half : !mask, !scores16
    %dl_half = arith.select %is_next, %dl, %nothing : !mask, !scores16
    %dl_next = arith.select %is_near, %nothing, %dl_half : !mask, !scores16
    %seen_next_q = tile.dot %q_next, %dp_next, %seen_2 : !scores16, !scores16 -> !scores
    %seen_next = tile.dot %e_next, %dl_next, %seen_next_q : !scores16, !scores16 -> !scores
    %seen_1 = func.call @decay_sum(%seen_next, %end, %middle) : (!scores, !scores, !scores) -> !scores
    %dp_near = arith.select %is_near, %dp, %nothing : !mask, !scores16
    %dl_near = arith.select %is_near, %dl, %nothing : !mask, !scores16
    %seen_near_q = tile.dot %q_near, %dp_near, %seen_1 : !scores16, !scores16 -> !scores
    %seen_near = tile.dot %e_near, %dl_near, %seen_near_q : !scores16, !scores16 -> !scores
    %until = arith.subf %middle, %sum : !scores
    %grown_k = math.exp2 %until : !scores
    %seen = arith.mulf %seen_near, %grown_k : !scores
    %seen_out = tile.transpose %seen [1, 0] : !scores -> !scores
    tile.store %seen_out, %SEEN[%h, %place, %c0, %d0] : !scores, !parts
  }
}

// dG. A gate has what passes the chunk, exp(sum of G) <S, dS> over values, what tokens from it on read and erase of the state and
// of tokens before it, and what the state after the chunk has of tokens before it.
tile.kernel @gates(%Q: !keys, %K: !keys, %G: !gates, %PLACES: !places, %ENDS: !ends, %S: !steps, %dS: !steps, %READ: !parts,
                   %BACK: !parts, %SEEN: !parts, %LEFT: !parts, %dG: !gates, %group: index) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c = arith.constant #chunk
  %place = gpu.block_id x
  %block = gpu.block_id y
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %Q_h = func.call @tokens(%Q, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %K_h = func.call @tokens(%K, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %G_h = func.call @gates_of(%G, %h, %at, %count) : (!gates, index, index, index) -> !head_gates
  %dG_h = func.call @gates_of(%dG, %h, %at, %count) : (!gates, index, index, index) -> !head_gates
  %none = arith.constant dense<0.0> : !row
  %zero = arith.constant dense<0.0> : !scores
  %least = arith.constant dense<-10.0> : !scores
  // Where no chunk is, no state is, either.
  %c1 = arith.constant 1 : index
  scf.for %only = %c0 to %some step %c1 {
    %s = tile.load %S[%h, %place, %c0, %d0] : !steps -> !part16
    %ds = tile.load %dS[%h, %place, %c0, %d0] : !steps -> !part16
    %s32 = arith.extf %s : !part16 to !sum
    %ds32 = arith.extf %ds : !part16 to !sum
    %product = arith.mulf %s32, %ds32 : !sum
    %products = tile.reduce add %product, %none axis 0 : !sum -> !row
    %total = tile.load %ENDS[%h, %place, %c3, %d0] : !ends -> !row // dS has decayed by what that is off
    %decay = math.exp2 %total : !row
    %passed_c = arith.mulf %products, %decay : !row
    %passed = tile.broadcast %passed_c axes [0] : !row -> !scores

    %q = tile.load %Q_h[%c0, %d0] pad 0.0 : bf16 : !head -> !scores16
    %k = tile.load %K_h[%c0, %d0] pad 0.0 : bf16 : !head -> !scores16
    %q32 = arith.extf %q : !scores16 to !scores
    %k32 = arith.extf %k : !scores16 to !scores
    %read = tile.load %READ[%h, %place, %c0, %d0] : !parts -> !scores
    %back = tile.load %BACK[%h, %place, %c0, %d0] : !parts -> !scores
    %seen = tile.load %SEEN[%h, %place, %c0, %d0] : !parts -> !scores
    %across = arith.subf %back, %seen : !scores
    %change_q = arith.mulf %q32, %read : !scores
    %change_k = arith.mulf %k32, %across : !scores
    %change = arith.addf %change_q, %change_k : !scores
    %from = tile.scan add %change axis 0 reverse : !scores
    %left = tile.load %LEFT[%h, %place, %c0, %d0] : !parts -> !scores
    %left_k = arith.mulf %k32, %left : !scores
    %to = tile.scan add %left_k axis 0 exclusive : !scores
    %dg_0 = arith.addf %from, %to : !scores
    %dg_1 = arith.addf %dg_0, %passed : !scores
    %g = tile.load %G_h[%c0, %d0] pad 0.0 : f32 : !head_gates -> !scores
    %is_raised = arith.cmpf olt, %g, %least : !scores
    %dg = arith.select %is_raised, %zero, %dg_1 : !mask, !scores
    tile.store %dg, %dG_h[%c0, %d0] : !scores, !head_gates
  }
}

// dQ and dK: the sums over heads that share them, with OWN.
tile.kernel @share(%Q: !keys, %K: !keys, %PLACES: !places, %OWN: !rows, %READ: !parts, %BACK: !parts, %SEEN: !parts, %LEFT: !parts,
                   %dQ: !keys, %dK: !keys, %group: index) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %hk = gpu.block_id y
  %at, %count, %some = func.call @chunk(%PLACES, %place) : (!places, index) -> (index, index, index)
  %Q_h = func.call @tokens(%Q, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %K_h = func.call @tokens(%K, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %dQ_h = func.call @tokens(%dQ, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %dK_h = func.call @tokens(%dK, %hk, %at, %count) : (!keys, index, index, index) -> !head
  %zero = arith.constant dense<0.0> : !gate
  %none = arith.constant dense<0.0> : !row
  // Where no chunk is, nothing has been computed.
  %heads = arith.muli %group, %some : index
  %first = arith.muli %hk, %group : index
  %dq_group, %dk_group, %own_group = scf.for %i = %c0 to %heads step %c1
      iter_args(%dq = %zero, %dk = %zero, %owns = %none) -> (!gate, !gate, !row) {
    %h = arith.addi %first, %i : index
    %read = tile.load %READ[%h, %place, %c0, %c0] : !parts -> !gate
    %back = tile.load %BACK[%h, %place, %c0, %c0] : !parts -> !gate
    %seen = tile.load %SEEN[%h, %place, %c0, %c0] : !parts -> !gate
    %left = tile.load %LEFT[%h, %place, %c0, %c0] : !parts -> !gate
    %own = tile.load %OWN[%h, %place, %c0] : !rows -> !row
    %dq_sum = arith.addf %dq, %read : !gate
    %pairs = arith.addf %back, %seen : !gate
    %dk_1 = arith.addf %pairs, %left : !gate
    %dk_sum = arith.addf %dk, %dk_1 : !gate
    %own_sum = arith.addf %owns, %own : !row
    scf.yield %dq_sum, %dk_sum, %own_sum : !gate, !gate, !row
  }
  %own_c = tile.broadcast %own_group axes [1] : !row -> !gate
  %q = tile.load %Q_h[%c0, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%c0, %c0] pad 0.0 : bf16 : !head -> !chunk
  %q32 = arith.extf %q : !chunk to !gate
  %k32 = arith.extf %k : !chunk to !gate
  %dq_own = arith.mulf %k32, %own_c : !gate
  %dk_own = arith.mulf %q32, %own_c : !gate
  %dq_all = arith.addf %dq_group, %dq_own : !gate
  %dk_all = arith.addf %dk_group, %dk_own : !gate
  %dq16 = arith.truncf %dq_all : !gate to !chunk
  tile.store %dq16, %dQ_h[%c0, %c0] : !chunk, !head
  %dk16 = arith.truncf %dk_all : !gate to !chunk
  tile.store %dk16, %dK_h[%c0, %c0] : !chunk, !head
}

tile.host @kimi_delta_attention_backward_varlen[%N, %STARTS, %T, %HK, %HV](
    %Q: !keys[%T, %HK], %K: !keys[%T, %HK], %V: !values[%T, %HV], %G: !gates[%T, %HV], %BETA: !strengths[%T, %HV],
    %starts: !starts[%STARTS], %H0: !states[%N, %HV], %dO: !values[%T, %HV], %dH1: !states[%N, %HV], out %dQ: !keys[%T, %HK],
    out %dK: !keys[%T, %HK], out %dV: !values[%T, %HV], out %dG: !gates[%T, %HV], out %dBETA: !strengths[%T, %HV],
    out %dH0: !states[%N, %HV]) {
  %none = arith.constant 0 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %group = arith.divui %HV, %HK : index
  %two = arith.constant 2 : index
  %parts = arith.muli %HV, %two : index
  %chunks = arith.divui %T, %c : index
  %all = arith.addi %chunks, %N : index
  %is_some = arith.cmpi ne, %N, %none : index
  %places = arith.select %is_some, %all, %none : index
  %PLACES = memref.alloc(%places) : !places
  %SUM = memref.alloc(%HV, %places) : !sums
  %ENDS = memref.alloc(%HV, %places) : !ends
  %P = memref.alloc(%HV, %places) : !pairs
  %A = memref.alloc(%HV, %places) : !pairs
  %A_V = memref.alloc(%HV, %places) : !pairs
  %U = memref.alloc(%HV, %places) : !pairs
  %Q16 = memref.alloc(%HV, %places) : !tiles
  %E16 = memref.alloc(%HV, %places) : !tiles
  %K16 = memref.alloc(%HV, %places) : !tiles
  %W = memref.alloc(%HV, %places) : !maps
  %WB = memref.alloc(%HV, %places) : !maps
  %S = memref.alloc(%HV, %places) : !steps
  %dS = memref.alloc(%HV, %places) : !steps
  %X = memref.alloc(%HV, %places) : !maps
  %dX = memref.alloc(%HV, %places) : !maps
  %dP = memref.alloc(%HV, %places) : !pairs
  %dL = memref.alloc(%HV, %places) : !pairs
  %STRENGTH = memref.alloc(%HV, %places) : !rows
  %OWN = memref.alloc(%HV, %places) : !rows
  %READ = memref.alloc(%HV, %places) : !parts
  %BACK = memref.alloc(%HV, %places) : !parts
  %SEEN = memref.alloc(%HV, %places) : !parts
  %LEFT = memref.alloc(%HV, %places) : !parts
  tile.launch @place grid(%N) args(%starts, %PLACES, %N)
    : !starts, !places, index
  tile.launch @sums grid(%places, %HV) args(%G, %PLACES, %SUM, %ENDS)
    : !gates, !places, !sums, !ends
  tile.launch @prepare grid(%places, %HV) args(%Q, %K, %BETA, %PLACES, %SUM, %ENDS, %P, %A, %A_V, %Q16, %E16, %K16, %STRENGTH,
    %group)
    : !keys, !keys, !strengths, !places, !sums, !ends, !pairs, !pairs, !pairs, !tiles, !tiles, !tiles, !rows, index
  tile.launch @apply grid(%places, %HV) args(%P, %A, %A_V, %E16, %K16, %W, %WB, %U)
    : !pairs, !pairs, !pairs, !tiles, !tiles, !maps, !maps, !pairs
  tile.launch @forward grid(%HV, %N) args(%V, %ENDS, %STRENGTH, %A_V, %W, %K16, %H0, %starts, %S, %X)
    : !values, !ends, !rows, !pairs, !maps, !tiles, !states, !starts, !steps, !maps
  tile.launch @backward grid(%HV, %N) args(%ENDS, %STRENGTH, %U, %WB, %Q16, %E16, %starts, %dO, %dH1, %dS, %dX, %dV, %dH0)
    : !ends, !rows, !pairs, !maps, !tiles, !tiles, !starts, !values, !states, !steps, !maps, !values, !states
  tile.launch @pairs grid(%places, %HV) args(%STRENGTH, %PLACES, %X, %dO, %dX, %dP, %dL, %OWN, %dBETA)
    : !rows, !places, !maps, !values, !maps, !pairs, !pairs, !rows, !strengths
  tile.launch @queries grid(%places, %parts) args(%K, %SUM, %ENDS, %PLACES, %dO, %dX, %dP, %dL, %S, %READ, %BACK, %group)
    : !keys, !sums, !ends, !places, !values, !maps, !pairs, !pairs, !steps, !parts, !parts, index
  tile.launch @keys grid(%places, %parts) args(%Q, %K, %SUM, %ENDS, %PLACES, %X, %dP, %dL, %dS, %SEEN, %LEFT, %group)
    : !keys, !keys, !sums, !ends, !places, !maps, !pairs, !pairs, !steps, !parts, !parts, index
  tile.launch @gates grid(%places, %parts) args(%Q, %K, %G, %PLACES, %ENDS, %S, %dS, %READ, %BACK, %SEEN, %LEFT, %dG, %group)
    : !keys, !keys, !gates, !places, !ends, !steps, !steps, !parts, !parts, !parts, !parts, !gates, index
  tile.launch @share grid(%places, %HK) args(%Q, %K, %PLACES, %OWN, %READ, %BACK, %SEEN, %LEFT, %dQ, %dK, %group)
    : !keys, !keys, !places, !rows, !parts, !parts, !parts, !parts, !keys, !keys, index
}
