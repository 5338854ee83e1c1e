//===- Table.cpp - The instruction tables ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Table.h"

using namespace heddle::vgpu;

std::span<const InstructionFamily> heddle::vgpu::instructionFamilies() {
  static const InstructionFamily families[] = {
      {"Integer arithmetic", integerInstructions()},
      {"Floating-point arithmetic", floatInstructions()},
      {"Approximate functions", approximateInstructions()},
      {"Bits and bytes", logicInstructions()},
      {"Comparison and selection", compareInstructions()},
      {"Conversion", conversionInstructions()},
      {"Moves and address spaces", moveInstructions()},
      {"Exchange within a warp", warpInstructions()},
      {"Loads and stores", memoryInstructions()},
      {"Atomic operations", atomicInstructions()},
      {"Multicast memory", multimemInstructions()},
      {"Control flow", controlInstructions()},
      {"Fences", fenceInstructions()},
      {"Barriers", barrierInstructions()},
      {"mbarrier", mbarrierInstructions()},
      {"Asynchronous copies", asyncCopyInstructions()},
      {"Asynchronous stores", asyncStoreInstructions()},
      {"Tensor maps", tensorInstructions()},
      {"Matrix loads and stores", matrixInstructions()},
      {"Fragments of wmma", wmmaInstructions()},
      {"Matrix multiply of a warp", mmaInstructions()},
      {"Warpgroup matrix multiply", wgmmaInstructions()},
      {"Newer targets", newerInstructions()},
  };
  return families;
}
