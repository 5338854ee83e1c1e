// Scans over the segments of a sequence, each of which is one long step of a state, S <- A S + S_j: what splits of a sequence, over
// blocks or devices, have in common. Three kinds of A, each in its own host function:
//
//   scalar     a number for each head:              linear attention, retention, Mamba-2
//   diagonal   one for each row of a state:         gated linear attention
//   dense      a matrix for each head:              delta rules
//
// H0 is the state before the first of N segments, Before has that before each, and H1 is the one after the last. `NAME_reverse` is
// for gradients, which go from the last segment to the first, by A transposed: H0 comes after the last segment, Before has what
// comes back to the end of each, and H1 is what the first one leaves. A program of several launches has one of these kernels
// between its own, as linear_attention_split.mlir and gated_delta_rule_split.mlir do.
//
//   heddle run examples/state_scan.mlir --entry dense --size B=1 --size N=5 --size H=2 --input A=uniform:-0.1:0.1 --check
!scalars = memref<?x?x?xf32> // segments, then heads
!diagonals = memref<?x?x?x128xf32>
!segments = memref<?x?x?x128x128xf32>
!states = memref<?x?x128x128xf32>
!head_scalars = memref<?xf32, strided<[?], offset: ?>>
!head_diagonals = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_segments = memref<?x128x128xf32, strided<[?, 128, 1], offset: ?>>
!steps = tensor<8xf32>
!row_steps = tensor<8x8xf32>
!part = tensor<8x128xf32>
!parts = tensor<8x8x128xf32>
!columns = tensor<128x64xf32>
!rows = tensor<64x128xf32>
!matrix = tensor<128x128xf32>

// Eight segments at a time, for eight rows of a state.
tile.kernel @scan_scalar(%A: !scalars, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %row = arith.muli %x, %c8 : index
  %N = memref.dim %S, %c1 : !segments
  %A_h = memref.subview %A[%b, 0, %h] [1, %N, 1] [1, 1, 1] : !scalars to !head_scalars
  %S_h = memref.subview %S[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %Before_h = memref.subview %Before[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %h0 = tile.load %H0[%b, %h, %row, %c0] : !states -> !part
  %h1 = scf.for %j = %c0 to %N step %c8 iter_args(%s = %h0) -> (!part) {
    %a_1 = tile.load %A_h[%j] pad 1.0 : f32 : !head_scalars -> !steps
    %a = tile.broadcast %a_1 axes [1, 2] : !steps -> !parts
    %added = tile.load %S_h[%j, %row, %c0] pad 0.0 : f32 : !head_segments -> !parts
    %before, %next = tile.recurrence %a, %added, %s axis 0 exclusive : !parts, !part
    tile.store %before, %Before_h[%j, %row, %c0] : !parts, !head_segments
    scf.yield %next : !part
  }
  tile.store %h1, %H1[%b, %h, %row, %c0] : !part, !states
}

tile.kernel @scan_scalar_reverse(%A: !scalars, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %row = arith.muli %x, %c8 : index
  %N = memref.dim %S, %c1 : !segments
  %A_h = memref.subview %A[%b, 0, %h] [1, %N, 1] [1, 1, 1] : !scalars to !head_scalars
  %S_h = memref.subview %S[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %Before_h = memref.subview %Before[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %h0 = tile.load %H0[%b, %h, %row, %c0] : !states -> !part
  %h1 = scf.for %i = %c0 to %N step %c8 iter_args(%s = %h0) -> (!part) {
    %end = arith.subi %N, %i : index
    %j = arith.subi %end, %c8 : index // which may be negative: nothing is before the first
    %a_1 = tile.load %A_h[%j] pad 1.0 : f32 : !head_scalars -> !steps
    %a = tile.broadcast %a_1 axes [1, 2] : !steps -> !parts
    %added = tile.load %S_h[%j, %row, %c0] pad 0.0 : f32 : !head_segments -> !parts
    %before, %next = tile.recurrence %a, %added, %s axis 0 reverse exclusive : !parts, !part
    tile.store %before, %Before_h[%j, %row, %c0] : !parts, !head_segments
    scf.yield %next : !part
  }
  tile.store %h1, %H1[%b, %h, %row, %c0] : !part, !states
}

tile.kernel @scan_diagonal(%A: !diagonals, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %row = arith.muli %x, %c8 : index
  %N = memref.dim %S, %c1 : !segments
  %A_h = memref.subview %A[%b, 0, %h, 0] [1, %N, 1, 128] [1, 1, 1, 1] : !diagonals to !head_diagonals
  %S_h = memref.subview %S[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %Before_h = memref.subview %Before[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %h0 = tile.load %H0[%b, %h, %row, %c0] : !states -> !part
  %h1 = scf.for %j = %c0 to %N step %c8 iter_args(%s = %h0) -> (!part) {
    %a_1 = tile.load %A_h[%j, %row] pad 1.0 : f32 : !head_diagonals -> !row_steps
    %a = tile.broadcast %a_1 axes [2] : !row_steps -> !parts
    %added = tile.load %S_h[%j, %row, %c0] pad 0.0 : f32 : !head_segments -> !parts
    %before, %next = tile.recurrence %a, %added, %s axis 0 exclusive : !parts, !part
    tile.store %before, %Before_h[%j, %row, %c0] : !parts, !head_segments
    scf.yield %next : !part
  }
  tile.store %h1, %H1[%b, %h, %row, %c0] : !part, !states
}

tile.kernel @scan_diagonal_reverse(%A: !diagonals, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %row = arith.muli %x, %c8 : index
  %N = memref.dim %S, %c1 : !segments
  %A_h = memref.subview %A[%b, 0, %h, 0] [1, %N, 1, 128] [1, 1, 1, 1] : !diagonals to !head_diagonals
  %S_h = memref.subview %S[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %Before_h = memref.subview %Before[%b, 0, %h, 0, 0] [1, %N, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %h0 = tile.load %H0[%b, %h, %row, %c0] : !states -> !part
  %h1 = scf.for %i = %c0 to %N step %c8 iter_args(%s = %h0) -> (!part) {
    %end = arith.subi %N, %i : index
    %j = arith.subi %end, %c8 : index // which may be negative: nothing is before the first
    %a_1 = tile.load %A_h[%j, %row] pad 1.0 : f32 : !head_diagonals -> !row_steps
    %a = tile.broadcast %a_1 axes [2] : !row_steps -> !parts
    %added = tile.load %S_h[%j, %row, %c0] pad 0.0 : f32 : !head_segments -> !parts
    %before, %next = tile.recurrence %a, %added, %s axis 0 reverse exclusive : !parts, !part
    tile.store %before, %Before_h[%j, %row, %c0] : !parts, !head_segments
    scf.yield %next : !part
  }
  tile.store %h1, %H1[%b, %h, %row, %c0] : !part, !states
}

// 64 columns of each state. They are rows here, since tensor cores want what is summed side by side.
tile.kernel @scan_dense(%A: !segments, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %v = arith.muli %x, %c64 : index
  %N = memref.dim %S, %c1 : !segments
  %h0 = tile.load %H0[%b, %h, %c0, %v] : !states -> !columns
  %s0 = tile.transpose %h0 [1, 0] : !columns -> !rows
  %last = scf.for %j = %c0 to %N step %c1 iter_args(%s = %s0) -> (!rows) {
    %before = tile.transpose %s [1, 0] : !rows -> !columns
    tile.store %before, %Before[%b, %j, %h, %c0, %v] : !columns, !segments
    %a = tile.load %A[%b, %j, %h, %c0, %c0] : !segments -> !matrix
    %added = tile.load %S[%b, %j, %h, %c0, %v] : !segments -> !columns
    %added_t = tile.transpose %added [1, 0] : !columns -> !rows
    %next = tile.dot %s, %a, %added_t transpose_b precision tf32 : !rows, !matrix -> !rows
    scf.yield %next : !rows
  }
  %h1 = tile.transpose %last [1, 0] : !rows -> !columns
  tile.store %h1, %H1[%b, %h, %c0, %v] : !columns, !states
}

// Eight warps, for a matrix in registers on its way from columns to rows.
tile.kernel @scan_dense_reverse(%A: !segments, %S: !segments, %H0: !states, %Before: !segments, %H1: !states) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %v = arith.muli %x, %c64 : index
  %N = memref.dim %S, %c1 : !segments
  %h0 = tile.load %H0[%b, %h, %c0, %v] : !states -> !columns
  %h1 = scf.for %i = %c0 to %N step %c1 iter_args(%s = %h0) -> (!columns) {
    %end = arith.subi %N, %i : index
    %j = arith.subi %end, %c1 : index
    %s_t = tile.transpose %s [1, 0] : !columns -> !rows
    tile.store %s, %Before[%b, %j, %h, %c0, %v] : !columns, !segments
    %a = tile.load %A[%b, %j, %h, %c0, %c0] : !segments -> !matrix
    %a_t = tile.transpose %a [1, 0] : !matrix -> !matrix
    %added = tile.load %S[%b, %j, %h, %c0, %v] : !segments -> !columns
    %next = tile.dot %a_t, %s_t, %added transpose_b precision tf32 : !matrix, !rows -> !columns
    scf.yield %next : !columns
  }
  tile.store %h1, %H1[%b, %h, %c0, %v] : !columns, !states
}

tile.host @scalar[%B, %N, %H](%A: !scalars[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 16 : index
  tile.launch @scan_scalar grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !scalars, !segments, !states, !segments, !states
}

tile.host @scalar_reverse[%B, %N, %H](%A: !scalars[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 16 : index
  tile.launch @scan_scalar_reverse grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !scalars, !segments, !states, !segments, !states
}

tile.host @diagonal[%B, %N, %H](%A: !diagonals[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 16 : index
  tile.launch @scan_diagonal grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !diagonals, !segments, !states, !segments, !states
}

tile.host @diagonal_reverse[%B, %N, %H](%A: !diagonals[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 16 : index
  tile.launch @scan_diagonal_reverse grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !diagonals, !segments, !states, !segments, !states
}

tile.host @dense[%B, %N, %H](%A: !segments[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 2 : index
  tile.launch @scan_dense grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !segments, !segments, !states, !segments, !states
}

tile.host @dense_reverse[%B, %N, %H](%A: !segments[%B, %N, %H], %S: !segments[%B, %N, %H], %H0: !states[%B, %H],
    out %Before: !segments[%B, %N, %H], out %H1: !states[%B, %H]) {
  %parts = arith.constant 2 : index
  tile.launch @scan_dense_reverse grid(%parts, %H, %B) args(%A, %S, %H0, %Before, %H1) : !segments, !segments, !states, !segments, !states
}
