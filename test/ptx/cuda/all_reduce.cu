// All-reduce of several devices over multicast memory, as libraries for NVLink
// switches do it: each sums a share of the elements of all devices and writes
// the sums to all.

#include <cuda_bf16.h>

__device__ void barrier(unsigned *flags, unsigned *mine, unsigned target) {
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("multimem.red.release.sys.global.add.u32 [%0], 1;" ::"l"(flags)
                 : "memory");
    unsigned seen;
    do
      asm volatile("ld.acquire.sys.global.u32 %0, [%1];"
                   : "=r"(seen)
                   : "l"(mine)
                   : "memory");
    while (seen < target);
  }
  __syncthreads();
}

/// `all` is the multicast object of the devices' `mine`, n elements each, a
/// multiple of 8; flags and myFlags have a counter for each block.
extern "C" __global__ void all_reduce(__nv_bfloat16 *all,
                                      const __nv_bfloat16 *input,
                                      __nv_bfloat16 *mine, unsigned *flags,
                                      unsigned *myFlags, unsigned n,
                                      unsigned rank, unsigned devices) {
  unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned threads = gridDim.x * blockDim.x;
  // A block waits for the blocks of its number, so it writes what they read.
  unsigned vectors = n / 8;
  for (unsigned i = thread; i < vectors; i += threads)
    reinterpret_cast<uint4 *>(mine)[i] =
        reinterpret_cast<const uint4 *>(input)[i];
  barrier(flags + blockIdx.x, myFlags + blockIdx.x, devices);
  for (unsigned i = thread; i < vectors; i += threads) {
    if (i % devices != rank)
      continue;
    uint4 *at = reinterpret_cast<uint4 *>(all) + i;
    uint4 v;
    asm volatile("multimem.ld_reduce.relaxed.sys.global.add.acc::f32.v4.bf16x2 "
                 "{%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(at)
                 : "memory");
    asm volatile("multimem.st.relaxed.sys.global.v4.bf16x2 [%0], "
                 "{%1, %2, %3, %4};" ::"l"(at),
                 "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                 : "memory");
  }
  barrier(flags + blockIdx.x, myFlags + blockIdx.x, 2 * devices);
}
