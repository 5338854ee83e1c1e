// RUN: heddle-opt %s --allocate-shared --split-input-file --verify-diagnostics

// expected-error @+1 {{kernel @large needs 262144 bytes of shared memory, 29696 more than the 232448 that a block of sm_90a has; lower tile.stages or use smaller tiles}}
tile.kernel @large() {
  // expected-note @+1 {{the largest part is 4 x 49152 bytes for 'tensor<192x128xbf16>'}}
  %a = aref.alloc depth(4) : !aref.buffer<192x128xbf16, swizzle = 128>
  %b = aref.alloc depth(4) : !aref.buffer<128x64xbf16, swizzle = 128>
}
