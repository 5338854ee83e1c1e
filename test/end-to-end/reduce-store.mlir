// What many blocks and warps add to one place all arrives, by every way that
// there is: TMA and threads, vectors and elements, tiles that overhang.
// RUN: heddle run %s --size N=130 --size M=3 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --size N=1 --size M=1 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --size N=128 --size M=5 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// CHECK-DAG: check floats {{.*}}: ok
// CHECK-DAG: check brains {{.*}}: ok
// CHECK-DAG: check halves {{.*}}: ok
// CHECK-DAG: check doubles {{.*}}: ok
// CHECK-DAG: check sums {{.*}}: ok
// CHECK-DAG: check long_sums {{.*}}: ok
// CHECK-DAG: check most {{.*}}: ok
// CHECK-DAG: check least {{.*}}: ok
// CHECK-DAG: check product {{.*}}: ok

tile.kernel @add(%x: memref<?x?xf32>, %floats: memref<?xf32>, %brains: memref<?xbf16>, %halves: memref<?xf16>, %doubles: memref<?xf64>,
                 %sums: memref<?xi32>, %long_sums: memref<?xi64>, %most: memref<?xi32>, %least: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %row = gpu.block_id x
  %block = gpu.block_id y
  %n = arith.muli %block, %c128 : index
  %t = tile.load %x[%row, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<128xf32>
  %many = arith.constant dense<100.0> : tensor<128xf32>
  %h = arith.truncf %t : tensor<128xf32> to tensor<128xf16>
  %b = arith.truncf %t : tensor<128xf32> to tensor<128xbf16>
  %d = arith.extf %t : tensor<128xf32> to tensor<128xf64>
  %large = arith.mulf %t, %many : tensor<128xf32>
  %i = arith.fptosi %large : tensor<128xf32> to tensor<128xi32>
  %l = arith.extsi %i : tensor<128xi32> to tensor<128xi64>
  tile.store %t, %floats[%n] reduce add : tensor<128xf32>, memref<?xf32>
  tile.store %t, %floats[%n] reduce add : tensor<128xf32>, memref<?xf32>
  tile.store %b, %brains[%n] reduce add : tensor<128xbf16>, memref<?xbf16>
  tile.store %h, %halves[%n] reduce add : tensor<128xf16>, memref<?xf16>
  tile.store %d, %doubles[%n] reduce add : tensor<128xf64>, memref<?xf64>
  tile.store %i, %sums[%n] reduce add : tensor<128xi32>, memref<?xi32>
  tile.store %l, %long_sums[%n] reduce add : tensor<128xi64>, memref<?xi64>
  tile.store %i, %most[%n] reduce max : tensor<128xi32>, memref<?xi32>
  tile.store %l, %least[%n] reduce min : tensor<128xi64>, memref<?xi64>
}

// A product whose k is shared out among blocks, and among the two warpgroups of
// each: x' x, where a block has 128 rows of x.
tile.kernel @square(%x: memref<?x64xbf16>, %product: memref<64x64xf32>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c128 : index
  %none = arith.constant dense<0.0> : tensor<128x64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %t = tile.load %x[%m, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> tensor<128x64xbf16>
  %u = tile.load %x[%c0, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> tensor<64x64xbf16>
  %s = tile.dot %t, %u, %none : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
  %sb = arith.truncf %s : tensor<128x64xf32> to tensor<128x64xbf16>
  %p = tile.dot %sb, %t, %zero transpose_a : tensor<128x64xbf16>, tensor<128x64xbf16> -> tensor<64x64xf32>
  tile.store %p, %product[%c0, %c0] reduce add : tensor<64x64xf32>, memref<64x64xf32>
}

tile.host @main[%N, %M](%x: memref<?x?xf32>[%M, %N], %y: memref<?x64xbf16>[%N],
                        inout %floats: memref<?xf32>[%N], inout %brains: memref<?xbf16>[%N], inout %halves: memref<?xf16>[%N], inout %doubles: memref<?xf64>[%N],
                        inout %sums: memref<?xi32>[%N], inout %long_sums: memref<?xi64>[%N], inout %most: memref<?xi32>[%N], inout %least: memref<?xi64>[%N],
                        inout %product: memref<64x64xf32>) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %N, %c128 : index
  tile.launch @add grid(%M, %blocks) args(%x, %floats, %brains, %halves, %doubles, %sums, %long_sums, %most, %least) : memref<?x?xf32>, memref<?xf32>, memref<?xbf16>, memref<?xf16>, memref<?xf64>, memref<?xi32>, memref<?xi64>, memref<?xi32>, memref<?xi64>
  tile.launch @square grid(%blocks) args(%y, %product) : memref<?x64xbf16>, memref<64x64xf32>
}
