// Loads that products are computed from, but that no ring may hold: elements
// without a form in shared memory, and one-byte tiles whose columns two
// warpgroups cannot share out.
//
// RUN: heddle run %s --entry=masks --size M=72 --size K=80 --check --sanitize=full --schedule=explore:2 | FileCheck %s
// RUN: heddle run %s --entry=bytes --size M=72 --size K=80 --check --sanitize=full --schedule=explore:2 | FileCheck %s
// CHECK: check Y ({{.*}}): ok
!bits = memref<?x?xi1>
!bytes = memref<?x?xi8>
!w = memref<?x64xbf16>
!y = memref<?x64xf32>

tile.kernel @weigh(%X: !bits, %W: !w, %Y: !y) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %one = arith.constant dense<1.0> : tensor<64x64xbf16>
  %half = arith.constant dense<-0.5> : tensor<64x64xbf16>
  %K = memref.dim %W, %c0 : !w
  %sum = scf.for %k = %c0 to %K step %c64 iter_args(%s = %zero) -> (tensor<64x64xf32>) {
    %x = tile.load %X[%k, %m] pad false : !bits -> tensor<64x64xi1>
    %mask = tile.transpose %x [1, 0] : tensor<64x64xi1> -> tensor<64x64xi1>
    %a = arith.select %mask, %one, %half : tensor<64x64xi1>, tensor<64x64xbf16>
    %w = tile.load %W[%k, %c0] pad 0.0 : bf16 : !w -> tensor<64x64xbf16>
    %new = tile.dot %a, %w, %s : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %new : tensor<64x64xf32>
  }
  tile.store %sum, %Y[%m, %c0] : tensor<64x64xf32>, !y
}

tile.kernel @widen(%X: !bytes, %W: !w, %Y: !y) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c128 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %K = memref.dim %W, %c0 : !w
  %sum = scf.for %k = %c0 to %K step %c32 iter_args(%s = %zero) -> (tensor<128x64xf32>) {
    %x = tile.load %X[%k, %m] pad 0 : i8 : !bytes -> tensor<32x128xi8>
    %turned = tile.transpose %x [1, 0] : tensor<32x128xi8> -> tensor<128x32xi8>
    %a = arith.sitofp %turned : tensor<128x32xi8> to tensor<128x32xbf16>
    %w = tile.load %W[%k, %c0] pad 0.0 : bf16 : !w -> tensor<32x64xbf16>
    %new = tile.dot %a, %w, %s : tensor<128x32xbf16>, tensor<32x64xbf16> -> tensor<128x64xf32>
    scf.yield %new : tensor<128x64xf32>
  }
  tile.store %sum, %Y[%m, %c0] : tensor<128x64xf32>, !y
}

tile.host @masks[%M, %K](%X: !bits[%K, %M], %W: !w[%K], out %Y: !y[%M]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %M, %c64 : index
  tile.launch @weigh grid(%blocks) args(%X, %W, %Y) : !bits, !w, !y
}

tile.host @bytes[%M, %K](%X: !bytes[%K, %M], %W: !w[%K], out %Y: !y[%M]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %M, %c128 : index
  tile.launch @widen grid(%blocks) args(%X, %W, %Y) : !bytes, !w, !y
}
