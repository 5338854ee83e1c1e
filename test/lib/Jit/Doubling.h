//===- Doubling.h - A program that the tests compile and run ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_LIB_JIT_DOUBLING_H
#define HEDDLE_TEST_LIB_JIT_DOUBLING_H

#include "heddle/Runtime/DeviceMemory.h"
#include "heddle/Runtime/Executable.h"

#include <string>
#include <vector>

namespace heddle {

/// y = 2 x.
inline constexpr const char *doubling = R"(
tile.kernel @scale(%x: memref<?xf32>, %y: memref<?xf32>, %a: f32) {
  %c256 = arith.constant 256 : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c256 : index
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<256xf32>
  %s = tensor.splat %a : tensor<256xf32>
  %r = arith.mulf %t, %s : tensor<256xf32>
  tile.store %r, %y[%i] : tensor<256xf32>, memref<?xf32>
}
tile.host @double[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c256 = arith.constant 256 : index
  %a = arith.constant 2.0 : f32
  %blocks = arith.ceildivui %N, %c256 : index
  tile.launch @scale grid(%blocks) args(%x, %y, %a)
    : memref<?xf32>, memref<?xf32>, f32
}
)";

/// What is wrong with a program that should double, or nothing.
inline std::string checkDoubling(Executable &program) {
  static constexpr int64_t count = 1000;
  std::vector<float> x(count), y(count);
  for (int64_t i = 0; i < count; ++i)
    x[i] = float(i) - 7;
  Device &device = program.getDevice();
  Expected<DeviceMemory> from =
      DeviceMemory::upload(device, std::as_bytes(std::span(x)));
  Expected<DeviceMemory> to =
      DeviceMemory::allocate(device, count * sizeof(float));
  if (!from || !to)
    return "no memory";
  auto array = [](const DeviceMemory &memory) {
    return DeviceArray{.address = memory.getAddress(),
                       .type = ElementType::F32,
                       .shape = {count},
                       .strides = {}};
  };
  NamedArray arrays[] = {{"x", array(*from)}, {"y", array(*to)}};
  if (Expected<void> called = program.call("", arrays); !called)
    return called.error().message;
  if (Expected<void> copied = to->read(std::as_writable_bytes(std::span(y)));
      !copied)
    return copied.error().message;
  for (int64_t i = 0; i < count; ++i)
    if (y[i] != 2 * x[i])
      return "element " + std::to_string(i) + " is " + std::to_string(y[i]);
  return "";
}

} // namespace heddle

#endif // HEDDLE_TEST_LIB_JIT_DOUBLING_H
