// Rows that the producer gathers for a product go to their slots by copies that
// it does not wait for: where rows are aligned and all of their columns are
// there. Otherwise its threads load and store them. Rows that do not exist are
// zeros.
// DEFINE: %{run} = heddle run %s --check --sanitize=full
// RUN: %{run} --entry=product --size N=200 --size R=150 --size C=192 --schedule=explore:4 | FileCheck %s
// RUN: %{run} --entry=product --size N=65 --size R=150 --size C=193 --schedule=explore:4 | FileCheck %s
// RUN: %{run} --entry=product --size N=63 --size R=63 --size C=191 | FileCheck %s
// RUN: %{run} --entry=product --size N=200 --size R=1 --size C=200 | FileCheck %s
// RUN: %{run} --entry=product --size N=1 --size R=0 --size C=64 | FileCheck %s
// RUN: %{run} --entry=product --size N=129 --size R=4097 --size C=0 | FileCheck %s
// RUN: %{run} --entry=bytes --size N=129 --size R=30 --size C=256 --schedule=explore:2 | FileCheck %s
// RUN: %{run} --entry=bytes --size N=129 --size R=30 --size C=250 | FileCheck %s
// CHECK: check Y {{.*}}: ok
// CHECK: every legal one gives this result

// RUN: heddle compile %s -o %t.ptx && FileCheck %s --check-prefix=PTX < %t.ptx
// PTX: .entry gather
// PTX: heddle.role producer
// PTX: cp.async.cg.shared.global
// PTX: cp.async.mbarrier.arrive.noinc.shared::cta.b64
// PTX: heddle.role consumer
// PTX: mbarrier.try_wait
// PTX: fence.proxy.async
// PTX: wgmma.mma_async

!numbers = tensor<64xi32>

// Every third row, from the one before the first on.
tile.kernel @gather(%x: memref<?x?xbf16>, %y: memref<?x64xf32>, %w: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %C = memref.dim %x, %c1 : memref<?x?xbf16>
  %m = arith.muli %block, %c64 : index
  %m32 = arith.index_cast %m : index to i32
  %first = tensor.splat %m32 : !numbers
  %iota = tile.iota axis 0 : !numbers
  %one = arith.constant dense<1> : !numbers
  %three = arith.constant dense<3> : !numbers
  %i = arith.addi %iota, %first : !numbers
  %tripled = arith.muli %i, %three : !numbers
  %row = arith.subi %tripled, %one : !numbers
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = scf.for %k = %c0 to %C step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %x[%row : !numbers, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
    %b = tile.load %w[%k, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> tensor<64x64xbf16>
    %next = tile.dot %a, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %next : tensor<64x64xf32>
  }
  tile.store %d, %y[%m, %c0] : tensor<64x64xf32>, memref<?x64xf32>
}

tile.host @product[%N, %R, %C](%X: memref<?x?xbf16>[%R, %C], %W: memref<?x64xbf16>[%C], out %Y: memref<?x64xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  tile.launch @gather grid(%blocks) args(%X, %Y, %W) : memref<?x?xbf16>, memref<?x64xf32>, memref<?x64xbf16>
}

// Two warpgroups of consumers, and elements of one byte.
!many = tensor<128xi64>
tile.kernel @gather_bytes(%x: memref<?x?xf8E4M3FN>, %y: memref<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %C = memref.dim %x, %c1 : memref<?x?xf8E4M3FN>
  %m = arith.muli %block, %c128 : index
  %m64 = arith.index_cast %m : index to i64
  %first = tensor.splat %m64 : !many
  %iota = tile.iota axis 0 : !many
  %i = arith.addi %iota, %first : !many
  %two = arith.constant dense<2> : !many
  %row = arith.divui %i, %two : !many
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %d = scf.for %k = %c0 to %C step %c128 iter_args(%sum = %zero) -> (tensor<128x128xf32>) {
    %a = tile.load %x[%row : !many, %k] pad 0.0 : f8E4M3FN : memref<?x?xf8E4M3FN> -> tensor<128x128xf8E4M3FN>
    %next = tile.dot %a, %a, %sum transpose_b : tensor<128x128xf8E4M3FN>, tensor<128x128xf8E4M3FN> -> tensor<128x128xf32>
    scf.yield %next : tensor<128x128xf32>
  }
  tile.store %d, %y[%m, %c0] : tensor<128x128xf32>, memref<?x128xf32>
}

tile.host @bytes[%N, %R, %C](%X: memref<?x?xf8E4M3FN>[%R, %C], out %Y: memref<?x128xf32>[%N]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %N, %c128 : index
  tile.launch @gather_bytes grid(%blocks) args(%X, %Y) : memref<?x?xf8E4M3FN>, memref<?x128xf32>
}
