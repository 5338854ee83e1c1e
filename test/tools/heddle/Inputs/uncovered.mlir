tile.kernel @k(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %thread = gpu.thread_id x
  %f = memref.load %x[%c0] : memref<?xf32>
  memref.store %f, %x[%c0] : memref<?xf32>
}
tile.host @h[%N](inout %x: memref<?xf32>[%N]) {
  %one = arith.constant 1 : index
  tile.launch @k grid(%one) args(%x) : memref<?xf32>
}
