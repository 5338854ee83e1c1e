// Matrix products by the fragments of nvcuda::wmma.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

/// C = alpha A B + C of one tile per block of a warp, from and to global
/// memory; the extents are multiples of the tile's.
template <int m, int n, int k, typename In, typename Memory, typename LayoutA,
          typename LayoutB, typename Out>
__device__ void product(const Memory *a, const Memory *b, Out *c, int M, int N,
                        int K, Out alpha) {
  constexpr bool rowsA = std::is_same_v<LayoutA, wmma::row_major>;
  constexpr bool rowsB = std::is_same_v<LayoutB, wmma::row_major>;
  int i = blockIdx.y * m, j = blockIdx.x * n;
  wmma::fragment<wmma::matrix_a, m, n, k, In, LayoutA> fa;
  wmma::fragment<wmma::matrix_b, m, n, k, In, LayoutB> fb;
  wmma::fragment<wmma::accumulator, m, n, k, Out> sum, old;
  wmma::fill_fragment(sum, Out(0));
  for (int l = 0; l < K; l += k) {
    wmma::load_matrix_sync(fa, rowsA ? a + i * K + l : a + l * M + i,
                           rowsA ? K : M);
    wmma::load_matrix_sync(fb, rowsB ? b + l * N + j : b + j * K + l,
                           rowsB ? N : K);
    wmma::mma_sync(sum, fa, fb, sum);
  }
  wmma::load_matrix_sync(old, c + i * N + j, N, wmma::mem_row_major);
  for (int e = 0; e < sum.num_elements; ++e)
    sum.x[e] = alpha * sum.x[e] + old.x[e];
  wmma::store_matrix_sync(c + i * N + j, sum, N, wmma::mem_row_major);
}

#define PRODUCT(name, m, n, k, In, Memory, LayoutA, LayoutB, Out)              \
  extern "C" __global__ void name(const Memory *a, const Memory *b, Out *c,    \
                                  int M, int N, int K, Out alpha) {            \
    product<m, n, k, In, Memory, wmma::LayoutA, wmma::LayoutB>(a, b, c, M, N,  \
                                                               K, alpha);      \
  }

PRODUCT(f16_rr, 16, 16, 16, __half, __half, row_major, row_major, float)
PRODUCT(f16_cc, 32, 8, 16, __half, __half, col_major, col_major, float)
PRODUCT(f16_half, 8, 32, 16, __half, __half, row_major, col_major, __half)
PRODUCT(bf16_rc, 16, 16, 16, __nv_bfloat16, __nv_bfloat16, row_major, col_major,
        float)
PRODUCT(bf16_cr, 8, 32, 16, __nv_bfloat16, __nv_bfloat16, col_major, row_major,
        float)
PRODUCT(tf32_rc, 16, 16, 8, wmma::precision::tf32, float, row_major, col_major,
        float)
PRODUCT(s8_rc, 16, 16, 16, signed char, signed char, row_major, col_major, int)
PRODUCT(u8_cr, 32, 8, 16, unsigned char, unsigned char, col_major, row_major,
        int)
PRODUCT(f64_rc, 8, 8, 4, double, double, row_major, col_major, double)

/// C = A B of f16 with edges, of tiles of 64 x 64 by four warps, through shared
/// memory whose rows have room between them.
extern "C" __global__ void tiled(const __half *a, const __half *b, float *c,
                                 int M, int N, int K) {
  constexpr int tile = 64, step = 32, pitchA = step + 8, pitchB = tile + 8,
                pitchC = tile + 4;
  __shared__ __align__(16) __half sa[tile * pitchA], sb[step * pitchB];
  __shared__ __align__(16) float sc[tile * pitchC];
  int i0 = blockIdx.y * tile, j0 = blockIdx.x * tile, warp = threadIdx.x / 32;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum[4];
  for (auto &part : sum)
    wmma::fill_fragment(part, 0.f);
  for (int l0 = 0; l0 < K; l0 += step) {
    for (int t = threadIdx.x; t < tile * step; t += blockDim.x) {
      int i = t / step, l = t % step;
      bool in = i0 + i < M && l0 + l < K;
      sa[i * pitchA + l] = in ? a[(i0 + i) * K + l0 + l] : __half(0.f);
      l = t / tile, i = t % tile;
      in = j0 + i < N && l0 + l < K;
      sb[l * pitchB + i] = in ? b[(l0 + l) * N + j0 + i] : __half(0.f);
    }
    __syncthreads();
    for (int l = 0; l < step; l += 16) {
      wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> fa;
      wmma::load_matrix_sync(fa, sa + warp * 16 * pitchA + l, pitchA);
      for (int j = 0; j < 4; ++j) {
        wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> fb;
        wmma::load_matrix_sync(fb, sb + l * pitchB + j * 16, pitchB);
        wmma::mma_sync(sum[j], fa, fb, sum[j]);
      }
    }
    __syncthreads();
  }
  for (int j = 0; j < 4; ++j)
    wmma::store_matrix_sync(sc + warp * 16 * pitchC + j * 16, sum[j], pitchC,
                            wmma::mem_row_major);
  __syncthreads();
  for (int t = threadIdx.x; t < tile * tile; t += blockDim.x) {
    int i = t / tile, j = t % tile;
    if (i0 + i < M && j0 + j < N)
      c[(i0 + i) * N + j0 + j] = sc[i * pitchC + j];
  }
}
