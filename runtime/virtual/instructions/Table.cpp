//===- Table.cpp - The instruction tables ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Table.h"

#include <unordered_map>

using namespace heddle::vgpu;

DecodeFunction heddle::vgpu::findRow(std::string_view base) {
  static const auto all = [] {
    std::unordered_map<std::string_view, DecodeFunction> map;
    for (auto rows :
         {integerInstructions(), floatInstructions(), approximateInstructions(),
          logicInstructions(), compareInstructions(), conversionInstructions(),
          moveInstructions(), memoryInstructions(), atomicInstructions(),
          controlInstructions(), warpInstructions(), barrierInstructions(),
          mbarrierInstructions(), asyncCopyInstructions(), tensorInstructions(),
          wgmmaInstructions(), matrixInstructions(), fenceInstructions()})
      for (const InstructionRow &row : rows)
        map.emplace(row.base, row.decode);
    return map;
  }();
  auto it = all.find(base);
  return it == all.end() ? nullptr : it->second;
}
