// Atomics of 16 bytes.

struct alignas(16) Pair {
  unsigned long long count, sum;
};

/// Adds up `x` and counts its elements, both at once; `seen` gets what each
/// thread found.
extern "C" __global__ void count_and_add(const unsigned *x, Pair *total,
                                         Pair *seen, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  Pair expected{0, 0}, found = expected;
  do {
    expected = found;
    found = atomicCAS(total, expected,
                      Pair{expected.count + 1, expected.sum + x[i]});
  } while (found.count != expected.count || found.sum != expected.sum);
  seen[found.count] = found;
}
