//===- Table.h - The instruction tables -------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Each file of this folder holds one family of instructions: a table of rows
/// `{base opcode, decoder}`, the decoders, and the handlers they choose. To add
/// an instruction, add a row and a decoder to the family it belongs to.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H

#include "decode/Decoder.h"
#include "instructions/InstructionSet.h"

#include <span>

namespace heddle::vgpu {

struct InstructionRow {
  std::string_view base;
  DecodeFunction decode;
};

/// Once for each instruction set of the host.
inline namespace HEDDLE_INSTRUCTION_SET {
std::span<const InstructionRow> integerInstructions();
std::span<const InstructionRow> floatInstructions();
std::span<const InstructionRow> approximateInstructions();
std::span<const InstructionRow> logicInstructions();
std::span<const InstructionRow> compareInstructions();
std::span<const InstructionRow> conversionInstructions();
std::span<const InstructionRow> moveInstructions();
std::span<const InstructionRow> memoryInstructions();
std::span<const InstructionRow> warpInstructions();

/// add, sub, mul, mad, div, min, max, neg and abs belong to the family of their
/// type; the floating-point table asks this one for integers.
Handler decodeIntegerArithmetic(Decoder &decoder, Type type);
/// The .approx forms of sqrt and rcp.
Handler decodeApproximate(Decoder &decoder);
/// mad.lo.cc and mad.hi.cc.
Handler decodeMadWithCarryOut(Decoder &decoder);

/// The decoder of a base opcode in any family, or null.
DecodeFunction findRow(std::string_view base);
} // namespace HEDDLE_INSTRUCTION_SET

std::span<const InstructionRow> atomicInstructions();
std::span<const InstructionRow> controlInstructions();
std::span<const InstructionRow> barrierInstructions();
std::span<const InstructionRow> mbarrierInstructions();
std::span<const InstructionRow> asyncCopyInstructions();
std::span<const InstructionRow> tensorInstructions();
std::span<const InstructionRow> wgmmaInstructions();
std::span<const InstructionRow> matrixInstructions();
std::span<const InstructionRow> fenceInstructions();

/// cp.async.bulk and cp.reduce.async.bulk, of ranges and of tensor boxes.
Handler decodeBulkCopy(Decoder &decoder, bool reduce);
Handler decodeTensorCopy(Decoder &decoder, bool reduce);
/// tensormap.replace and tensormap.cp_fenceproxy.
Handler decodeTensorMapEdit(Decoder &decoder);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H
