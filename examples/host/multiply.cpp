//===- multiply.cpp - Compiles and runs a matrix product ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   multiply FILE [DEVICE [SIZE]]
//
// FILE is examples/gemm.mlir or another program with the same arguments; DEVICE
// is `virtual` (the default), `cuda` or `cuda:N`.

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <heddle/Jit.h>
#include <heddle/Runtime/DeviceMemory.h>

using namespace heddle;

/// The value, or the end of the program with a message.
template <typename T>
static T get(Expected<T> value) {
  if (!value) {
    std::fprintf(stderr, "multiply: error: %s\n",
                 value.error().message.c_str());
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>)
    return std::move(*value);
}

static uint16_t toBFloat16(float value) {
  return std::bit_cast<uint32_t>(value) >> 16;
}
static float fromBFloat16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: multiply FILE [DEVICE [SIZE]]\n");
    return 2;
  }
  const int64_t n = argc > 3 ? std::atoll(argv[3]) : 256;
  if (n < 1 || n > 32768) {
    std::fprintf(stderr,
                 "multiply: error: expected SIZE from 1 to 32768, found '%s'\n",
                 argv[3]);
    return 2;
  }
  auto device = get(openDevice(argc > 2 ? argv[2] : "virtual"));
  Jit jit;
  auto program = get(jit.loadFile(*device, argv[1]));

  // Small integers, which bf16 has exactly.
  std::vector<uint16_t> a(n * n), b(n * n), c(n * n);
  for (int64_t i = 0; i < n * n; ++i) {
    a[i] = toBFloat16(float(i % 7) - 3);
    b[i] = toBFloat16(float(i % 5) - 2);
  }
  auto memoryA =
      get(DeviceMemory::upload(*device, std::as_bytes(std::span(a))));
  auto memoryB =
      get(DeviceMemory::upload(*device, std::as_bytes(std::span(b))));
  auto memoryC = get(DeviceMemory::allocate(*device, n * n * sizeof(uint16_t)));
  auto matrix = [&](const DeviceMemory &memory) {
    return DeviceArray{memory.getAddress(), ElementType::BF16, {n, n}};
  };
  const NamedArray arrays[] = {
      {"A", matrix(memoryA)}, {"B", matrix(memoryB)}, {"C", matrix(memoryC)}};

  // The first call prepares what later ones use again.
  get(program->call("", arrays));
  auto begin = get(device->createEvent()), end = get(device->createEvent());
  get(device->record(*begin));
  get(program->call("", arrays));
  get(device->record(*end));
  get(device->synchronize(*end));
  get(memoryC.read(std::as_writable_bytes(std::span(c))));

  int wrong = 0;
  for (int64_t i = 0; i < n; i += n / 16 + 1)
    for (int64_t j = 0; j < n; j += n / 16 + 1) {
      float sum = 0;
      for (int64_t k = 0; k < n; ++k)
        sum += fromBFloat16(a[i * n + k]) * fromBFloat16(b[k * n + j]);
      float found = fromBFloat16(c[i * n + j]);
      // The result has eight bits of precision.
      if (!(std::fabs(found - sum) <= std::fabs(sum) / 256)) {
        std::printf("C[%ld, %ld]: expected %g, found %g\n", long(i), long(j),
                    sum, found);
        ++wrong;
      }
    }
  std::printf("%s: %.3f ms for n = %ld on %s\n", wrong ? "wrong" : "right",
              get(device->getMilliseconds(*begin, *end)), long(n),
              device->properties().name.c_str());
  return wrong ? 1 : 0;
}
