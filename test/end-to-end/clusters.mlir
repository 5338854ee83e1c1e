// Blocks of a cluster share what they load alike, where clusters divide the grid;
// elsewhere each loads all that it needs. Both give what the reference gives.
//
// Neighbours along x have the same columns of B: rings go round, and grids of
// three blocks and of one are no clusters of two.
// RUN: heddle explain %s | FileCheck %s --check-prefix=EXPLAIN
// RUN: heddle run %s --entry=product --size M=128 --size N=64 --size K=328 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=product --size M=248 --size N=80 --size K=64 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=product --size M=192 --size N=128 --size K=264 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=product --size M=8 --size N=8 --size K=8 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=product --size M=128 --size N=64 --size K=0 --check --sanitize=full --schedule=explore:4 | FileCheck %s
//
// Rows that the TMA cannot reach, and nothing at all.
// RUN: heddle run %s --entry=product --size M=128 --size N=63 --size K=65 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=product --size M=0 --size N=64 --size K=64 --check
//
// More clusters than the device holds at a time: some have a second tile.
// RUN: sed 's/stages = 2/stages = 7/' %s > %t.deep.mlir
// RUN: heddle run %t.deep.mlir --entry=product --size M=128 --size N=4544 --size K=264 --check --sanitize=full | FileCheck %s
//
// Four blocks; of five one each, of six two. Neighbours along y have the same
// rows of A.
// RUN: sed 's/= \[2\]/= [4]/' %s > %t.four.mlir
// RUN: heddle run %t.four.mlir --entry=product --size M=256 --size N=64 --size K=200 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %t.four.mlir --entry=product --size M=320 --size N=64 --size K=200 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %t.four.mlir --entry=product --size M=384 --size N=64 --size K=200 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: sed 's/= \[2\]/= [1, 2]/' %s > %t.columns.mlir
// RUN: heddle run %t.columns.mlir --entry=product --size M=128 --size N=128 --size K=264 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %t.columns.mlir --entry=product --size M=128 --size N=192 --size K=264 --check --sanitize=full --schedule=explore:4 | FileCheck %s
//
// Along z, heads of queries that share those of keys: two rings and two loops,
// the second of which has an end that is loaded.
// RUN: heddle run %s --entry=heads --size H=4 --size M=136 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=heads --size H=3 --size M=136 --check --sanitize=full --schedule=explore:4 | FileCheck %s
//
// CHECK: check {{[CO]}} ({{.*}}): ok
//
// EXPLAIN: 64x64 bf16 + 64x64 bf16 multicast
// EXPLAIN: in clusters of up to 2x1x1 blocks, as many as divide the grid
// EXPLAIN: kernel @attend,
// EXPLAIN: 0     64x64 bf16            2
// EXPLAIN: 1     64x64 bf16 multicast  2
// EXPLAIN: 2     64x64 bf16 multicast  2
// EXPLAIN: 3     64x64 bf16 multicast  2
// EXPLAIN: in clusters of up to 1x1x2 blocks, as many as divide the grid
!matrix = memref<?x?xbf16>

tile.kernel @multiply(%A: !matrix, %B: !matrix, %C: memref<?x?xf32>) attributes {tile.cluster = [2], tile.stages = 2} {
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %x = gpu.block_id x
  %y = gpu.block_id y
  %m = arith.muli %x, %c64 : index
  %n = arith.muli %y, %c64 : index
  %K = memref.dim %A, %c1 : !matrix
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %sum = scf.for %k = %c0 to %K step %c64 iter_args(%s = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : !matrix -> tensor<64x64xbf16>
    %b = tile.load %B[%k, %n] pad 0.0 : bf16 : !matrix -> tensor<64x64xbf16>
    %new = tile.dot %a, %b, %s : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %new : tensor<64x64xf32>
  }
  tile.store %sum, %C[%m, %n] : tensor<64x64xf32>, memref<?x?xf32>
}

tile.host @product[%M, %N, %K](%A: !matrix[%M, %K], %B: !matrix[%K, %N], out %C: memref<?x?xf32>[%M, %N]) {
  %c64 = arith.constant 64 : index
  %x = arith.ceildivui %M, %c64 : index
  %y = arith.ceildivui %N, %c64 : index
  tile.launch @multiply grid(%x, %y) args(%A, %B, %C) : !matrix, !matrix, memref<?x?xf32>
}

tile.kernel @attend(%Q: memref<?x64x64xbf16>, %K: memref<?x?x64xbf16>, %V: memref<?x?x64xbf16>,
                    %ends: memref<?xi32>, %O: memref<?x64x64xf32>) attributes {tile.cluster = [1, 1, 2], tile.stages = 2} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %z = gpu.block_id z
  %head = arith.divui %z, %c2 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%z, %c0, %c0] : memref<?x64x64xbf16> -> tensor<64x64xbf16>
  %M = memref.dim %K, %c1 : memref<?x?x64xbf16>
  %first = scf.for %m = %c0 to %M step %c64 iter_args(%s = %zero) -> (tensor<64x64xf32>) {
    %k = tile.load %K[%head, %m, %c0] pad 0.0 : bf16 : memref<?x?x64xbf16> -> tensor<64x64xbf16>
    %v = tile.load %V[%head, %m, %c0] pad 0.0 : bf16 : memref<?x?x64xbf16> -> tensor<64x64xbf16>
    %scores = tile.dot %q, %k, %zero transpose_b : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %scores : tensor<64x64xf32> to tensor<64x64xbf16>
    %new = tile.dot %p, %v, %s : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %new : tensor<64x64xf32>
  }
  %c3 = arith.constant 3 : i32
  %loaded = memref.load %ends[%head] : memref<?xi32>
  %rest = arith.remui %loaded, %c3 : i32
  %end = arith.index_cast %rest : i32 to index
  %second = scf.for %m = %c0 to %end step %c1 iter_args(%s = %first) -> (tensor<64x64xf32>) {
    %at = arith.muli %m, %c64 : index
    %v = tile.load %V[%head, %at, %c0] pad 0.0 : bf16 : memref<?x?x64xbf16> -> tensor<64x64xbf16>
    %new = tile.dot %q, %v, %s : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %new : tensor<64x64xf32>
  }
  tile.store %second, %O[%z, %c0, %c0] : tensor<64x64xf32>, memref<?x64x64xf32>
}

tile.host @heads[%H, %M](%Q: memref<?x64x64xbf16>[%H], %K: memref<?x?x64xbf16>[%H, %M], %V: memref<?x?x64xbf16>[%H, %M],
                         %ends: memref<?xi32>[%H], out %O: memref<?x64x64xf32>[%H]) {
  %c1 = arith.constant 1 : index
  tile.launch @attend grid(%c1, %c1, %H) args(%Q, %K, %V, %ends, %O)
    : memref<?x64x64xbf16>, memref<?x?x64xbf16>, memref<?x?x64xbf16>, memref<?xi32>, memref<?x64x64xf32>
}
