// RUN: heddle-opt %s --verify-diagnostics --split-input-file

// expected-error@+1 {{expected argument 0 to be a memref or a scalar, found 'tensor<4xf32>'}}
tile.kernel @argument(%x: tensor<4xf32>) {
}

// -----

// expected-error@+1 {{expected argument 1 to be a strided memref of rank 1 to 5 in default memory, found 'memref<f32>'}}
tile.kernel @rank_zero(%x: memref<?xf32>, %y: memref<f32>) {
}

// -----

// expected-error@+1 {{to be a strided memref of rank 1 to 5 in default memory, found 'memref<?xf32, 3>'}}
tile.kernel @space(%x: memref<?xf32, 3>) {
}

// -----

// expected-error@+1 {{to be a strided memref of rank 1 to 5 in default memory}}
tile.kernel @layout(%x: memref<4xf32, affine_map<(d0) -> (d0 floordiv 2)>>) {
}

// -----

// expected-error@+1 {{to be a strided memref of rank 1 to 5 in default memory}}
tile.kernel @rank_six(%x: memref<1x1x1x1x1x1xf32>) {
}

// -----

// expected-error@+1 {{expected no results, found 1}}
"tile.kernel"() <{sym_name = "results", function_type = () -> f32}> ({
  tile.return
}) : () -> ()

// -----

// expected-error@+1 {{expected 'tile.raster' to be between 1 and 1048576, found 0}}
tile.kernel @raster(%x: memref<?xf32>) attributes {tile.raster = 0} {
}

// -----

// expected-error@+1 {{expected 'tile.raster' to be an integer, found "8"}}
tile.kernel @raster_type(%x: memref<?xf32>) attributes {tile.raster = "8"} {
}

// -----

// expected-error@+1 {{expected 'tile.warps' to be between 1 and 16, found 32}}
tile.kernel @warps(%x: memref<?xf32>) attributes {tile.warps = 32} {
}

// -----

// expected-error@+1 {{expected 'tile.warps' to be 1, 2, 4, 8 or 16}}
tile.kernel @warps_power(%x: memref<?xf32>) attributes {tile.warps = 3} {
}

// -----

// expected-error@+1 {{expected 'tile.stages' to be between 1 and 64, found 65}}
tile.kernel @stages(%x: memref<?xf32>) attributes {tile.stages = 65} {
}

// -----

// expected-error@+1 {{expected 'tile.cluster' to be one to three integers, of which one is 2, 4 or 8 and the others are 1, as [2] or [1, 2]; found [2, 2]}}
tile.kernel @cluster_square(%x: memref<?xf32>) attributes {tile.cluster = [2, 2]} {
}

// -----

// expected-error@+1 {{the others are 1, as [2] or [1, 2]; found 2}}
tile.kernel @cluster_number(%x: memref<?xf32>) attributes {tile.cluster = 2} {
}

// -----

// expected-error@+1 {{the others are 1, as [2] or [1, 2]; found [3]}}
tile.kernel @cluster_of_three(%x: memref<?xf32>) attributes {tile.cluster = [3]} {
}

// -----

// expected-error@+1 {{the others are 1, as [2] or [1, 2]; found [2 : ui32]}}
tile.kernel @cluster_unsigned(%x: memref<?xf32>) attributes {tile.cluster = [2 : ui32]} {
}

// -----

// expected-error@+1 {{unknown attribute 'tile.stage'; the tile dialect has 'tile.cluster', 'tile.overlap', 'tile.ping_pong', 'tile.raster', 'tile.run_ahead', 'tile.stages' and 'tile.warps'}}
tile.kernel @misspelt(%x: memref<?xf32>) attributes {tile.stage = 4} {
}

// -----

// expected-error@+1 {{expected 'tile.overlap' to be true or false, found 1 : i64}}
tile.kernel @overlap_number(%x: memref<?xf32>) attributes {tile.overlap = 1} {
}

// -----

tile.kernel @overlap_place(%x: memref<?xf32>) {
  // expected-error@+1 {{expected 'tile.overlap' on an scf.for or a tile.kernel}}
  %c0 = arith.constant {tile.overlap = false} 0 : index
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected 'tile.raster' on a tile.kernel}}
  %c = arith.constant {tile.raster = 8} 0 : index
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected 'tile.stages' on an scf.for or a tile.kernel}}
  %c = arith.constant {tile.stages = 8} 0 : index
}

// -----

// expected-error@+1 {{expected a memref, found 'index'}}
tile.host @scalar(%x: index) {
}

// -----

// expected-error@+1 {{expected 2 sizes, one per dynamic extent of 'memref<?x?xf32>', found 1}}
tile.host @extents[%N](%x: memref<?x?xf32>[%N]) {
}

// -----

// expected-error@+1 {{'%M' is not a size of this host function}}
tile.host @unknown[%N](%x: memref<?xf32>[%M]) {
}

// -----

// expected-error@+1 {{expected buffer 'x' to be a dense memref of rank 1 to 5 in default memory}}
tile.host @strided[%N](%x: memref<?xf32, strided<[2]>>[%N]) {
}

// -----

tile.host @body[%N](%x: memref<?xf32>[%N]) {
  %c0 = arith.constant 0 : index
  // expected-error@+1 {{is not allowed in a host function, which holds arith operations, cf.assert, func.call, memref.alloc and tile.launch}}
  %d = memref.dim %x, %c0 : memref<?xf32>
}

// -----

// expected-error@+1 {{expected size 'N' to be an index}}
"tile.host"() <{sym_name = "h", function_type = (i32, memref<?xf32>) -> (), size_names = ["N"], buffer_names = ["x"], accesses = array<i32: 0>, extents = array<i32: 0>}> ({
^bb0(%N: i32, %x: memref<?xf32>):
  tile.return
}) : () -> ()

// -----

// expected-error@+1 {{expected 1 extents bound to sizes, found 0}}
"tile.host"() <{sym_name = "h", function_type = (index, memref<?xf32>) -> (), size_names = ["N"], buffer_names = ["x"], accesses = array<i32: 0>, extents = array<i32>}> ({
^bb0(%N: index, %x: memref<?xf32>):
  tile.return
}) : () -> ()

// -----

// expected-error@+1 {{expected extents to name sizes 0 to 0, found 1}}
"tile.host"() <{sym_name = "h", function_type = (index, memref<?xf32>) -> (), size_names = ["N"], buffer_names = ["x"], accesses = array<i32: 0>, extents = array<i32: 1>}> ({
^bb0(%N: index, %x: memref<?xf32>):
  tile.return
}) : () -> ()

// -----

// expected-error@+1 {{expected one type per size and buffer}}
"tile.host"() <{sym_name = "h", function_type = (index, memref<?xf32>) -> (), size_names = ["N"], buffer_names = ["x"], accesses = array<i32>, extents = array<i32: 0>}> ({
^bb0(%N: index, %x: memref<?xf32>):
  tile.return
}) : () -> ()

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected one to three grid extents, found 0}}
  tile.launch @k grid() args(%x) : memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected one to three grid extents, found 4}}
  tile.launch @k grid(%N, %N, %N, %N) args(%x) : memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected '@j' to be a tile.kernel of this module}}
  tile.launch @j grid(%N) args(%x) : memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected '@h' to be a tile.kernel of this module}}
  tile.launch @h grid(%N) args(%x) : memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected 1 arguments for '@k', found 2}}
  tile.launch @k grid(%N) args(%x, %x) : memref<?xf32>, memref<?xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
}
tile.host @h[%N](%x: memref<?xf32>[%N], %y: memref<?xbf16>[%N]) {
  // expected-error@+1 {{expected argument 0 of '@k' to be 'memref<?xf32>', found 'memref<?xbf16>'}}
  tile.launch @k grid(%N) args(%y) : memref<?xbf16>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected 2 offsets, one per dimension of 'memref<?x?xf32>', found 1}}
  %t = tile.load %x[%i] : memref<?x?xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected a tile of rank 1 to 2, the rank of the view, found 'tensor<4x4x4xf32>'}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<4x4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected a tile of rank 1 to 2, the rank of the view, found 'tensor<f32>'}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<f32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected a tile of 'f32', the element type of the view, found 'tensor<4x4xbf16>'}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<4x4xbf16>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected a pad of type 'f32', found 0.000000e+00 : bf16}}
  %t = tile.load %x[%i, %i] pad 0.0 : bf16 : memref<?x?xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{must be tile}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<?x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %rows = tile.iota axis 0 : tensor<8xi32>
  // expected-error@+1 {{expected an offset or 4 of them, one per row of the result, found 'tensor<8xi32>'}}
  %t = tile.load %x[%rows : tensor<8xi32>, %i] : memref<?x?xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %rows = tile.iota axis 0 : tensor<4xi32>
  // expected-error@+1 {{expected one offset along dimension 1 of the view, which the result covers, found 'tensor<4xi32>'}}
  %t = tile.load %x[%i, %rows : tensor<4xi32>] : memref<?x?xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %rows = arith.constant dense<1.0> : tensor<4xf32>
  // expected-error@+1 {{operand #1 must be variadic of index or tile of integers, but got 'tensor<4xf32>'}}
  %t = tile.load %x[%rows : tensor<4xf32>, %i] : memref<?x?xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %t = arith.constant dense<0.0> : tensor<4x4xbf16>
  // expected-error@+1 {{expected a tile of 'f32', the element type of the view, found 'tensor<4x4xbf16>'}}
  tile.store %t, %x[%i, %i] : tensor<4x4xbf16>, memref<?x?xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %t = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{expected 2 offsets}}
  tile.store %t, %x[%i, %i, %i] : tensor<4x4xf32>, memref<?x?xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8xf16>
  %c = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected operands of rank 2}}
  %d = tile.dot %a, %b, %c : tensor<4x8xf16>, tensor<8xf16> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<4x8xf16>
  %c = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected a and b to have the same K, found 8 and 4}}
  %d = tile.dot %a, %b, %c : tensor<4x8xf16>, tensor<4x8xf16> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8x8xf16>
  %c = arith.constant dense<0.0> : tensor<8x8xf32>
  // expected-error@+1 {{expected a and b to have the same K, found 4 and 8}}
  %d = tile.dot %a, %b, %c transpose_a : tensor<4x8xf16>, tensor<8x8xf16> -> tensor<8x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<6x8xf16>
  %c = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected an accumulator of shape 4x6, found 'tensor<4x8xf32>'}}
  %d = tile.dot %a, %b, %c transpose_b : tensor<4x8xf16>, tensor<6x8xf16> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8x4xbf16>
  %c = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{cannot multiply 'f16' by 'bf16'}}
  %d = tile.dot %a, %b, %c : tensor<4x8xf16>, tensor<8x4xbf16> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf64>
  %b = arith.constant dense<0.0> : tensor<8x4xf64>
  %c = arith.constant dense<0.0> : tensor<4x4xf64>
  // expected-error@+1 {{cannot multiply 'f64' by 'f64'}}
  %d = tile.dot %a, %b, %c : tensor<4x8xf64>, tensor<8x4xf64> -> tensor<4x4xf64>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8x4xf16>
  %c = arith.constant dense<0.0> : tensor<4x4xf16>
  // expected-error@+1 {{expected an accumulator of 'f32' for operands of 'f16', found 'tensor<4x4xf16>'}}
  %d = tile.dot %a, %b, %c : tensor<4x8xf16>, tensor<8x4xf16> -> tensor<4x4xf16>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0> : tensor<4x8xi8>
  %b = arith.constant dense<0> : tensor<8x4xi8>
  %c = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{expected an accumulator of 'i32' for operands of 'i8'}}
  %d = tile.dot %a, %b, %c : tensor<4x8xi8>, tensor<8x4xi8> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8x4xf16>
  %c = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{expected 8-bit floats with fast_accum, found 'f16'}}
  %d = tile.dot %a, %b, %c fast_accum : tensor<4x8xf16>, tensor<8x4xf16> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0> : tensor<4x8xi8>
  %b = arith.constant dense<0> : tensor<8x4xi8>
  %c = arith.constant dense<0> : tensor<4x4xi32>
  // expected-error@+1 {{expected 8-bit floats with fast_accum, found 'i8'}}
  %d = tile.dot %a, %b, %c fast_accum : tensor<4x8xi8>, tensor<8x4xi8> -> tensor<4x4xi32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf16>
  %b = arith.constant dense<0.0> : tensor<8x4xf16>
  %c = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{expected f32 operands with precision, found 'f16'}}
  %d = tile.dot %a, %b, %c precision tf32 : tensor<4x8xf16>, tensor<8x4xf16> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %a = arith.constant dense<0.0> : tensor<4x8xf32>
  %b = arith.constant dense<0.0> : tensor<8x4xf32>
  %c = arith.constant dense<0.0> : tensor<4x4xf32>
  // expected-error@+1 {{expected precision ieee or tf32, found f16; operands can be truncated to f16}}
  %d = tile.dot %a, %b, %c precision f16 : tensor<4x8xf32>, tensor<8x4xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%a: f32) {
  %t = tensor.splat %a : tensor<4x8xf32>
  // expected-error@+1 {{expected a square of f32 of 1 to 128 rows, found 'tensor<4x8xf32>'}}
  %x = tile.tri_inverse %t : tensor<4x8xf32>
}

// -----

tile.kernel @k(%a: f32) {
  %t = tensor.splat %a : tensor<129x129xf32>
  // expected-error@+1 {{expected a square of f32 of 1 to 128 rows, found 'tensor<129x129xf32>'}}
  %x = tile.tri_inverse %t : tensor<129x129xf32>
}

// -----

tile.kernel @k(%a: f32) {
  %t = tensor.splat %a : tensor<0x0xf32>
  // expected-error@+1 {{expected a square of f32 of 1 to 128 rows, found 'tensor<0x0xf32>'}}
  %x = tile.tri_inverse %t : tensor<0x0xf32>
}

// -----

tile.kernel @k(%a: bf16) {
  %t = tensor.splat %a : tensor<8x8xbf16>
  // expected-error@+1 {{expected a square of f32 of 1 to 128 rows, found 'tensor<8x8xbf16>'}}
  %x = tile.tri_inverse %t : tensor<8x8xbf16>
}

// -----

tile.kernel @k(%a: f32) {
  %t = tensor.splat %a : tensor<2x8x8xf32>
  // expected-error@+1 {{expected a square of f32 of 1 to 128 rows, found 'tensor<2x8x8xf32>'}}
  %x = tile.tri_inverse %t : tensor<2x8x8xf32>
}

// -----

tile.kernel @k(%a: f32) {
  %t = tensor.splat %a : tensor<8x8xf32>
  // expected-error@+1 {{requires the same shape for all operands and results}}
  %x = tile.tri_inverse %t : tensor<8x8xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected init to be 'f32', found 'tensor<4xf32>'}}
  %r = tile.reduce add %x0, %n axis 0 : tensor<4xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  %n = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected an axis of 0 to 1, found 2}}
  %r = tile.reduce add %x0, %n axis 2 : tensor<4x8xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  %n = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected init to be 'tensor<8xf32>', found 'tensor<4xf32>'}}
  %r = tile.reduce add %x0, %n axis 0 : tensor<4x8xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  %n = arith.constant dense<0.0> : tensor<4xf16>
  // expected-error@+1 {{expected init to be 'tensor<4xf32>', found 'tensor<4xf16>'}}
  %r = tile.reduce add %x0, %n axis 1 : tensor<4x8xf32> -> tensor<4xf16>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  %n = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected integers for 'xor', found 'f32'}}
  %r = tile.reduce xor %x0, %n axis 1 : tensor<4x8xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  %n = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{attribute 'axis' failed to satisfy constraint}}
  %r = tile.reduce add %x0, %n axis -1 : tensor<4x8xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected axes of 0 to 1, found 2}}
  %r = tile.broadcast %x0 axes [2] : tensor<4xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected axes of 0 to 1, found -1}}
  %r = tile.broadcast %x0 axes [-1] : tensor<4xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected axes in increasing order}}
  %r = tile.broadcast %x0 axes [2, 1] : tensor<4xf32> -> tensor<4x8x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected axes in increasing order}}
  %r = tile.broadcast %x0 axes [1, 1] : tensor<4xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected an operand of type 'tensor<8xf32>', found 'tensor<4xf32>'}}
  %r = tile.broadcast %x0 axes [0] : tensor<4xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected a permutation of 0 to 1}}
  %r = tile.transpose %x0 [0, 0] : tensor<4x8xf32> -> tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected a permutation of 0 to 1}}
  %r = tile.transpose %x0 [0] : tensor<4x8xf32> -> tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected a permutation of 0 to 1}}
  %r = tile.transpose %x0 [0, 2] : tensor<4x8xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  %x0 = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error@+1 {{expected a result of type 'tensor<8x4xf32>', found 'tensor<4x8xf32>'}}
  %r = tile.transpose %x0 [1, 0] : tensor<4x8xf32> -> tensor<4x8xf32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{expected an axis of 0 to 1, found 2}}
  %r = tile.iota axis 2 : tensor<4x4xi32>
}

// -----

tile.kernel @k(%x: memref<?x?xf32>, %i: index) {
  // expected-error@+1 {{must be tile of integers}}
  %r = tile.iota axis 1 : tensor<4x4xf32>
}

// -----

tile.kernel @k(%x: memref<?xbf16>, %i: index) {
  %t = arith.constant dense<0.0> : tensor<4xbf16>
  // expected-error@+1 {{cannot reduce 'bf16' by 'max' in memory; 'add' applies to f16, bf16, f32, f64, i32 and i64, 'min' and 'max' to i32 and i64}}
  tile.store %t, %x[%i] reduce max : tensor<4xbf16>, memref<?xbf16>
}

// -----

tile.kernel @k(%x: memref<?xi8>, %i: index) {
  %t = arith.constant dense<0> : tensor<4xi8>
  // expected-error@+1 {{cannot reduce 'i8' by 'add' in memory}}
  tile.store %t, %x[%i] reduce add : tensor<4xi8>, memref<?xi8>
}

// -----

tile.kernel @k(%x: memref<?xi32>, %i: index) {
  %t = arith.constant dense<0> : tensor<4xi32>
  // expected-error@+1 {{cannot reduce 'i32' by 'xor' in memory}}
  tile.store %t, %x[%i] reduce xor : tensor<4xi32>, memref<?xi32>
}

// -----

tile.host @h[%N]() {
  // expected-error@+1 {{expected a dense memref of rank 1 to 5 in default memory, found 'memref<?xf32, 3>'}}
  %x = memref.alloc(%N) : memref<?xf32, 3>
}

// -----

tile.host @h[%N]() {
  // expected-error@+1 {{expected a dense memref of rank 1 to 5 in default memory, found 'memref<f32>'}}
  %x = memref.alloc() : memref<f32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %t = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected an axis of 0 to 0, found 1}}
  %s = tile.scan add %t axis 1 : tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %t = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected integers for 'or', found 'f32'}}
  %s = tile.scan or %t axis 0 : tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %t = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected init to be 'f32', found 'tensor<4xf32>'}}
  %h, %last = tile.recurrence %t, %t, %t axis 0 : tensor<4xf32>, tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %t = arith.constant dense<0.0> : tensor<4x8xf32>
  %init = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@+1 {{expected init to be 'tensor<8xf32>', found 'tensor<4xf32>'}}
  %h, %last = tile.recurrence %t, %t, %init axis 0 : tensor<4x8xf32>, tensor<4xf32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %t = arith.constant dense<0> : tensor<4x8xi32>
  %init = arith.constant dense<0> : tensor<8xi32>
  // expected-error@+1 {{expected floats, found 'tensor<4x8xi32>'}}
  %h, %last = tile.recurrence %t, %t, %init axis 0 : tensor<4x8xi32>, tensor<8xi32>
}

// -----

tile.kernel @kind(%x: memref<?xf32>, %i: index) {
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32>
  // expected-error@+1 {{expected one of add, mul, max, min, and, or, xor, found 'sub'}}
  %r = tile.scan sub %t axis 0 : tensor<64xf32>
}

// -----

tile.kernel @no_kind(%x: memref<?xf32>, %i: index) {
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32>
  // expected-error@+1 {{expected one of add, mul, max, min, and, or, xor}}
  %r = tile.scan %t axis 0 : tensor<64xf32>
}

// -----

tile.kernel @precision(%x: memref<?x?xf32>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<64x64xf32>
  // expected-error@+1 {{expected one of ieee, tf32, f16, found 'bf16'}}
  %r = tile.tri_inverse %t precision bf16 : tensor<64x64xf32>
}
