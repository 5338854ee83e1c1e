// Decoding, with the work shared out evenly. A unit of work is a block of 128 keys of one request, and a request is 64 rows
// of a key head of a sequence. Units are in the order of requests; each of PARTS blocks takes as many of them, wherever
// sequences end. PARTS is the number of multiprocessors.
//
//   requests  |   0   | 1 |         2         | 3 |       `attend` writes the results of 1 and 3, and keeps parts of 0 and 2,
//   parts     |  0  |  1  |  2  |  3  |  4  |  5  |       which `combine` then goes through
//
// Position n of sequence b is row n mod 128 of page pages[b, n / 128], for n below lengths[b]. The GROUP query heads that share
// a key head are the rows of one matrix: row r of Q[b, h] is query r mod SQ of head h * GROUP + r / SQ. Causal, aligned at the
// last query and key.
!heads = memref<?x?x?x128xbf16>
!pages = memref<?x?x128x128xbf16>
!logs = memref<?x?x?xf32>
!plan = memref<2x3x?xi32>
!part_rows = memref<?x64x128xf32>
!part_logs = memref<?x64xf32>
!q = tensor<64x128xbf16>
!keys = tensor<128x128xbf16>
!tile = tensor<64x128xf32>
!rows = tensor<64xf32>
!at = tensor<64x128xi32>
!mask = tensor<64x128xi1>
!lengths = tensor<128xi32>
!parts = tensor<64xi32>
!some = tensor<16x128xf32>
!some_rows = tensor<16xf32>

// Which of the 128 sequences from b on exist, and the units of work that each has. A request without keys is one, too: it has a
// result.
func.func @count_units(%lengths: memref<?xi32>, %b: index, %requests32: i32) -> (tensor<128xi1>, !lengths) {
  %c0 = arith.constant 0 : index
  %none = arith.constant dense<0> : !lengths
  %one = arith.constant dense<1> : !lengths
  %bits = arith.constant dense<7> : !lengths
  %requests = tensor.splat %requests32 : !lengths
  %number = tile.iota axis 0 : !lengths
  %B = memref.dim %lengths, %c0 : memref<?xi32>
  %B32 = arith.index_cast %B : index to i32
  %end = tensor.splat %B32 : !lengths
  %length = tile.load %lengths[%b] pad 0 : i32 : memref<?xi32> -> !lengths
  %last_key = arith.subi %length, %one : !lengths
  %last_block = arith.shrsi %last_key, %bits : !lengths
  %last = arith.maxsi %last_block, %none : !lengths
  %blocks = arith.addi %last, %one : !lengths
  %units = arith.muli %blocks, %requests : !lengths
  %b32 = arith.index_cast %b : index to i32
  %first_b = tensor.splat %b32 : !lengths
  %is = arith.addi %number, %first_b : !lengths
  %exists = arith.cmpi slt, %is, %end : !lengths
  %counted = arith.select %exists, %units, %none : tensor<128xi1>, !lengths
  return %exists, %counted : tensor<128xi1>, !lengths
}

// The sequence, head and block of rows of a request.
func.func @find_request(%request: i32, %BLOCKS: index, %REQUESTS: index) -> (index, index, i32) {
  %blocks32 = arith.index_cast %BLOCKS : index to i32
  %requests32 = arith.index_cast %REQUESTS : index to i32
  %b32 = arith.divui %request, %requests32 : i32
  %of_sequence = arith.remui %request, %requests32 : i32
  %h32 = arith.divui %of_sequence, %blocks32 : i32
  %block = arith.remui %of_sequence, %blocks32 : i32
  %b = arith.index_cast %b32 : i32 to index
  %h = arith.index_cast %h32 : i32 to index
  return %b, %h, %block : index, index, i32
}

// For the first (0) and the last (1) unit of each part: its request, its block of keys, and the part in which the request ends.
// The requests of a part without work begin at 1 and end at 0. A sequence has REQUESTS of them.
tile.kernel @plan(%lengths: memref<?xi32>, %plan: !plan, %REQUESTS: index, %PARTS: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %which = gpu.block_id y
  %first_part = arith.muli %block, %c64 : index
  %B = memref.dim %lengths, %c0 : memref<?xi32>
  %PARTS32 = arith.index_cast %PARTS : index to i32
  %requests32 = arith.index_cast %REQUESTS : index to i32
  %zero = arith.constant 0 : i32
  %total = scf.for %b = %c0 to %B step %c128 iter_args(%before = %zero) -> (i32) {
    %exists, %counted = func.call @count_units(%lengths, %b, %requests32)
      : (memref<?xi32>, index, i32) -> (tensor<128xi1>, !lengths)
    %after = tile.reduce add %counted, %before axis 0 : !lengths -> i32
    scf.yield %after : i32
  }
  // Each part has `least` units, and the first `rest` have one more.
  %least32 = arith.divui %total, %PARTS32 : i32
  %rest32 = arith.remui %total, %PARTS32 : i32
  %least = tensor.splat %least32 : !parts
  %rest = tensor.splat %rest32 : !parts
  %which32 = arith.index_cast %which : index to i32
  %is_last = tensor.splat %which32 : !parts
  %first_part32 = arith.index_cast %first_part : index to i32
  %first_parts = tensor.splat %first_part32 : !parts
  %in_tile = tile.iota axis 0 : !parts
  %part = arith.addi %in_tile, %first_parts : !parts
  %next = arith.addi %part, %is_last : !parts
  %full = arith.muli %next, %least : !parts
  %more = arith.minsi %next, %rest : !parts
  %begin = arith.addi %full, %more : !parts
  %unit = arith.subi %begin, %is_last : !parts
  // How many sequences end at or before the unit, and where the last one does.
  %unit_wide = tile.broadcast %unit axes [1] : !parts -> !at
  %hidden = arith.constant dense<0> : !at
  %no_parts = arith.constant dense<0> : !parts
  %sequence, %start, %sum = scf.for %b = %c0 to %B step %c128
      iter_args(%count = %no_parts, %found = %no_parts, %before = %zero) -> (!parts, !parts, i32) {
    %exists, %counted = func.call @count_units(%lengths, %b, %requests32)
      : (memref<?xi32>, index, i32) -> (tensor<128xi1>, !lengths)
    %sums = tile.scan add %counted axis 0 : !lengths
    %befores = tensor.splat %before : !lengths
    %ends = arith.addi %sums, %befores : !lengths
    %ends_wide = tile.broadcast %ends axes [0] : !lengths -> !at
    %exists_wide = tile.broadcast %exists axes [0] : tensor<128xi1> -> !mask
    %is_over = arith.cmpi sle, %ends_wide, %unit_wide : !at
    %over = arith.andi %is_over, %exists_wide : !mask
    %ones = arith.extui %over : !mask to !at
    %new_count = tile.reduce add %ones, %count axis 1 : !at -> !parts
    %over_ends = arith.select %over, %ends_wide, %hidden : !mask, !at
    %new_found = tile.reduce max %over_ends, %found axis 1 : !at -> !parts
    %after = tile.reduce add %counted, %before axis 0 : !lengths -> i32
    scf.yield %new_count, %new_found, %after : !parts, !parts, i32
  }
  %part_one = arith.constant dense<1> : !parts
  %part_bits = arith.constant dense<7> : !parts
  %length = tile.load %lengths[%sequence : !parts] pad 0 : i32 : memref<?xi32> -> !parts
  %last_key = arith.subi %length, %part_one : !parts
  %last_block = arith.shrsi %last_key, %part_bits : !parts
  %last = arith.maxsi %last_block, %no_parts : !parts
  %blocks = arith.addi %last, %part_one : !parts
  %in_sequence = arith.subi %unit, %start : !parts
  %head = arith.divui %in_sequence, %blocks : !parts
  %key_block = arith.remui %in_sequence, %blocks : !parts
  %part_requests = tensor.splat %requests32 : !parts
  %heads_before = arith.muli %sequence, %part_requests : !parts
  %request = arith.addi %heads_before, %head : !parts
  // The request's last unit is in one of the first `rest` parts, or in a later one.
  %first_unit = arith.subi %unit, %key_block : !parts
  %last_unit = arith.addi %first_unit, %last : !parts
  %most = arith.addi %least, %part_one : !parts
  %in_first = arith.muli %rest, %most : !parts
  %is_early = arith.cmpi slt, %last_unit, %in_first : !parts
  %early = arith.divui %last_unit, %most : !parts
  %behind = arith.subi %last_unit, %in_first : !parts
  %divisor = arith.maxsi %least, %part_one : !parts
  %later = arith.divui %behind, %divisor : !parts
  %late = arith.addi %later, %rest : !parts
  %last_part = arith.select %is_early, %early, %late : tensor<64xi1>, !parts
  %totals = tensor.splat %total : !parts
  %works = arith.cmpi slt, %part, %totals : !parts
  %nothing = arith.subi %part_one, %is_last : !parts
  %some = arith.select %works, %request, %nothing : tensor<64xi1>, !parts
  tile.store %some, %plan[%which, %c0, %first_part] : !parts, !plan
  tile.store %key_block, %plan[%which, %c1, %first_part] : !parts, !plan
  tile.store %last_part, %plan[%which, %c2, %first_part] : !parts, !plan
}

// What a part keeps of a request that begins in it goes to 2 * part + 1 of PO and PL, of one that began before it to 2 * part.
tile.kernel @attend(%Q: !heads, %K: !pages, %V: !pages, %pages: memref<?x?xi32>, %lengths: memref<?xi32>, %plan: !plan,
                    %O: !heads, %L: !logs, %PO: !part_rows, %PL: !part_logs, %SQ: index, %BLOCKS: index, %REQUESTS: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c128 = arith.constant 128 : index
  %c64_32 = arith.constant 64 : i32
  %part = gpu.block_id x
  %request_0 = memref.load %plan[%c0, %c0, %part] : !plan
  %block_0 = memref.load %plan[%c0, %c1, %part] : !plan
  %request_1 = memref.load %plan[%c1, %c0, %part] : !plan
  %block_1 = memref.load %plan[%c1, %c1, %part] : !plan
  %first_request = arith.index_cast %request_0 : i32 to index
  %first_block = arith.index_cast %block_0 : i32 to index
  %last_request = arith.index_cast %request_1 : i32 to index
  %last_block = arith.index_cast %block_1 : i32 to index
  %stop = arith.addi %last_request, %c1 : index
  %row = tile.iota axis 0 : !parts
  %column = tile.iota axis 1 : !at
  %SQ32 = arith.index_cast %SQ : index to i32
  %queries = tensor.splat %SQ32 : !parts
  %zero = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !tile
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %scale_row = arith.constant dense<0.12751743> : !rows
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  scf.for %request = %first_request to %stop step %c1 {
    %request32 = arith.index_cast %request : index to i32
    %b, %h, %block = func.call @find_request(%request32, %BLOCKS, %REQUESTS) : (i32, index, index) -> (index, index, i32)
    %m32 = arith.muli %block, %c64_32 : i32
    %m = arith.index_cast %m32 : i32 to index
    %length = memref.load %lengths[%b] : memref<?xi32>
    %SK = arith.index_cast %length : i32 to index
    // From block 0 of the keys, or where the part before this one ended; to the last block, or where this part ends.
    %all = arith.ceildivsi %SK, %c128 : index
    %is_first = arith.cmpi eq, %request, %first_request : index
    %is_last = arith.cmpi eq, %request, %last_request : index
    %from_block = arith.select %is_first, %first_block, %c0 : index
    %after_last = arith.addi %last_block, %c1 : index
    %to_block = arith.select %is_last, %after_last, %all : index
    %begins = arith.cmpi eq, %from_block, %c0 : index
    %ends = arith.cmpi sge, %to_block, %all : index
    %whole = arith.andi %begins, %ends : i1
    %from = arith.muli %from_block, %c128 : index
    %behind = arith.muli %to_block, %c128 : index
    %to = arith.minsi %behind, %SK : index
    %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !q
    // Query i is at position i + SK - SQ.
    %first_row = tensor.splat %m32 : !parts
    %r = arith.addi %row, %first_row : !parts
    %i = arith.remui %r, %queries : !parts
    %shift = arith.subi %length, %SQ32 : i32
    %shifts = tensor.splat %shift : !parts
    %position = arith.addi %i, %shifts : !parts
    %last = tile.broadcast %position axes [1] : !parts -> !at
    %before = arith.subi %SK, %SQ : index
    %sum_o, %max, %sum = scf.for %n = %from to %to step %c128
        iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
      %number = arith.divui %n, %c128 : index
      %page32 = memref.load %pages[%b, %number] : memref<?x?xi32>
      %page = arith.index_cast %page32 : i32 to index
      %k = tile.load %K[%page, %h, %c0, %c0] : !pages -> !keys
      %qk = tile.dot %q, %k, %zero transpose_b : !q, !keys -> !tile
      %n_32 = arith.index_cast %n : index to i32
      %first_j = tensor.splat %n_32 : !at
      %j = arith.addi %column, %first_j : !at
      %sees_j = arith.cmpi sle, %j, %last : !at
      // Before the first query, nothing is masked.
      %next_n = arith.addi %n, %c128 : index
      %is_before = arith.cmpi sle, %next_n, %before : index
      %all_see = tensor.splat %is_before : !mask
      %sees = arith.ori %all_see, %sees_j : !mask
      %s = arith.select %sees, %qk, %hidden : !mask, !tile
      %new_max = tile.reduce max %s, %old_max axis 1 : !tile -> !rows
      %scaled_max = arith.mulf %new_max, %scale_row : !rows
      %offset = arith.negf %scaled_max : !rows
      %offset_tile = tile.broadcast %offset axes [1] : !rows -> !tile
      %exponent = math.fma %s, %scale, %offset_tile : !tile
      %p = math.exp2 %exponent : !tile
      %change = arith.subf %old_max, %new_max : !rows
      %scaled_change = arith.mulf %change, %scale_row : !rows
      %shrink = math.exp2 %scaled_change : !rows
      %kept_sum = arith.mulf %old_sum, %shrink : !rows
      %new_sum = tile.reduce add %p, %kept_sum axis 1 : !tile -> !rows
      %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
      %kept_o = arith.mulf %o, %shrink_tile : !tile
      %p16 = arith.truncf %p : !tile to !q
      %v = tile.load %V[%page, %h, %c0, %c0] : !pages -> !keys
      %new_o = tile.dot %p16, %v, %kept_o : !q, !keys -> !tile
      scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
    }
    // A query that sees no key gives zeros, and a logarithm of -inf.
    %tiny = arith.constant dense<1.0e-30> : !rows
    %divisor = arith.maximumf %sum, %tiny : !rows
    %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !tile
    %out = arith.divf %sum_o, %divisor_tile : !tile
    %log_sum = math.log2 %sum : !rows
    %log = math.fma %max, %scale_row, %log_sum : !rows
    scf.if %whole {
      %out16 = arith.truncf %out : !tile to !q
      %ln2 = arith.constant dense<0.6931472> : !rows
      %lse = arith.mulf %log, %ln2 : !rows
      tile.store %out16, %O[%b, %h, %m, %c0] : !q, !heads
      tile.store %lse, %L[%b, %h, %m] : !rows, !logs
    } else {
      %begins_here = arith.extui %begins : i1 to i32
      %begins_at = arith.index_cast %begins_here : i32 to index
      %two = arith.muli %part, %c2 : index
      %slot = arith.addi %two, %begins_at : index
      tile.store %out, %PO[%slot, %c0, %c0] : !tile, !part_rows
      tile.store %log, %PL[%slot, %c0] : !rows, !part_logs
    }
  }
}

// At most one request begins in a part and ends in a later one: this combines 16 rows of it, always in the same order.
// Logarithms of parts are of two; those of parts that a query does not see are -inf, and count nothing.
tile.kernel @combine(%PO: !part_rows, %PL: !part_logs, %plan: !plan, %O: !heads, %L: !logs, %BLOCKS: index, %REQUESTS: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %sixteenth = gpu.block_id x
  %part = gpu.block_id y
  %r = arith.muli %sixteenth, %c16 : index
  %first_request = memref.load %plan[%c0, %c0, %part] : !plan
  %first_block = memref.load %plan[%c0, %c1, %part] : !plan
  %request32 = memref.load %plan[%c1, %c0, %part] : !plan
  %last_part32 = memref.load %plan[%c1, %c2, %part] : !plan
  %last_part = arith.index_cast %last_part32 : i32 to index
  %zero32 = arith.constant 0 : i32
  %is_later = arith.cmpi sgt, %request32, %first_request : i32
  %is_same = arith.cmpi eq, %request32, %first_request : i32
  %is_begin = arith.cmpi eq, %first_block, %zero32 : i32
  %begins_first = arith.andi %is_same, %is_begin : i1
  %begins = arith.ori %is_later, %begins_first : i1
  %goes_on = arith.cmpi sgt, %last_part, %part : index
  %split = arith.andi %begins, %goes_on : i1
  scf.if %split {
    %b, %h, %block32 = func.call @find_request(%request32, %BLOCKS, %REQUESTS) : (i32, index, index) -> (index, index, i32)
    %block = arith.index_cast %block32 : i32 to index
    %first_row = arith.muli %block, %c64 : index
    %m = arith.addi %first_row, %r : index
    %stop = arith.addi %last_part, %c1 : index
    %zero = arith.constant dense<0.0> : !some
    %lowest = arith.constant dense<-1.0e30> : !some_rows
    %none = arith.constant dense<0.0> : !some_rows
    %sum_o, %max, %sum = scf.for %other = %part to %stop step %c1
        iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!some, !some_rows, !some_rows) {
      %two = arith.muli %other, %c2 : index
      %begin_slot = arith.addi %two, %c1 : index
      %is_begin_part = arith.cmpi eq, %other, %part : index
      %slot = arith.select %is_begin_part, %begin_slot, %two : index
      %log = tile.load %PL[%slot, %r] : !part_logs -> !some_rows
      %rows = tile.load %PO[%slot, %r, %c0] : !part_rows -> !some
      %new_max = arith.maximumf %log, %old_max : !some_rows
      %change = arith.subf %old_max, %new_max : !some_rows
      %shrink = math.exp2 %change : !some_rows
      %exponent = arith.subf %log, %new_max : !some_rows
      %weight = math.exp2 %exponent : !some_rows
      %new_sum = math.fma %old_sum, %shrink, %weight : !some_rows
      %shrink_tile = tile.broadcast %shrink axes [1] : !some_rows -> !some
      %kept_o = arith.mulf %o, %shrink_tile : !some
      %weight_tile = tile.broadcast %weight axes [1] : !some_rows -> !some
      %new_o = math.fma %rows, %weight_tile, %kept_o : !some
      scf.yield %new_o, %new_max, %new_sum : !some, !some_rows, !some_rows
    }
    %tiny = arith.constant dense<1.0e-30> : !some_rows
    %divisor = arith.maximumf %sum, %tiny : !some_rows
    %divisor_tile = tile.broadcast %divisor axes [1] : !some_rows -> !some
    %out = arith.divf %sum_o, %divisor_tile : !some
    %out16 = arith.truncf %out : !some to tensor<16x128xbf16>
    %log_sum = math.log2 %sum : !some_rows
    %log = arith.addf %max, %log_sum : !some_rows
    %ln2 = arith.constant dense<0.6931472> : !some_rows
    %lse = arith.mulf %log, %ln2 : !some_rows
    tile.store %out16, %O[%b, %h, %m, %c0] : tensor<16x128xbf16>, !heads
    tile.store %lse, %L[%b, %h, %m] : !some_rows, !logs
  }
}

// ROWS is GROUP * SQ. Page tables have room for PAGES pages; there are POOL in all.
tile.host @attention_stream_k[%B, %HK, %ROWS, %SQ, %POOL, %PAGES, %PARTS](%Q: !heads[%B, %HK, %ROWS], %K: !pages[%POOL, %HK],
    %V: !pages[%POOL, %HK], %pages: memref<?x?xi32>[%B, %PAGES], %lengths: memref<?xi32>[%B], out %plan: !plan[%PARTS],
    out %O: !heads[%B, %HK, %ROWS], out %L: !logs[%B, %HK, %ROWS]) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %some = arith.cmpi uge, %PARTS, %c1 : index
  cf.assert %some, "expected PARTS to be at least 1"
  %blocks = arith.ceildivui %ROWS, %c64 : index
  %requests = arith.muli %HK, %blocks : index
  %slots = arith.muli %PARTS, %c2 : index
  %PO = memref.alloc(%slots) : !part_rows
  %PL = memref.alloc(%slots) : !part_logs
  %tiles = arith.ceildivui %PARTS, %c64 : index
  tile.launch @plan grid(%tiles, %c2) args(%lengths, %plan, %requests, %PARTS) : memref<?xi32>, !plan, index, index
  tile.launch @attend grid(%PARTS) args(%Q, %K, %V, %pages, %lengths, %plan, %O, %L, %PO, %PL, %SQ, %blocks, %requests)
    : !heads, !pages, !pages, memref<?x?xi32>, memref<?xi32>, !plan, !heads, !logs, !part_rows, !part_logs, index, index, index
  tile.launch @combine grid(%c4, %PARTS) args(%PO, %PL, %plan, %O, %L, %blocks, %requests)
    : !part_rows, !part_logs, !plan, !heads, !logs, index, index
}
