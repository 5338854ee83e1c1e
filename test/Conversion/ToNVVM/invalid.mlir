// RUN: heddle-opt %s --convert-to-nvvm --split-input-file --verify-diagnostics

tile.kernel @no_offset() {
  // expected-error @+2 {{expected an offset in shared memory, which allocate-shared gives it}}
  // expected-error @+1 {{failed to legalize operation 'aref.alloc'}}
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  aref.role "r" instances(%i = 1) warps(4) registers(0) {
    %z = arith.constant 0 : i32
    %s = aref.stage %a[%z : i32] : !aref.buffer<64x64xbf16, swizzle = 128>
  }
}

// -----

tile.kernel @wide_rows(%x: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %a = aref.alloc offset(0) : !aref.buffer<8x264xbf16, swizzle = 0>
  // expected-error @+1 {{expected rows of a multiple of 32 bytes, or of 16 bytes and at most 256 elements, found 264 elements of 'bf16'}}
  aref.copy_out %a -> %x[%c0, %c0] : !aref.buffer<8x264xbf16, swizzle = 0> -> memref<?x?xbf16>
}

// -----

// expected-error @+1 {{expected at most 32 warps, found 36}}
tile.kernel @many_warps() {
  aref.role "a" instances(%i = 8) warps(4) registers(0) {
  }
  aref.role "b" instances(%i = 1) warps(4) registers(0) {
  }
}
