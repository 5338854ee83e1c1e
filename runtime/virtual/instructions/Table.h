//===- Table.h - The instruction tables -------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Each file of this folder holds one family of instructions: a table of rows,
/// the decoders they name, and the handlers that those choose. To add an
/// instruction, add a row to the family it belongs to, and a decoder if none
/// there fits; then let the tests write docs/instructions.md again.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H

#include "decode/Decoder.h"
#include "decode/InstructionRow.h"
#include "instructions/InstructionSet.h"

#include <span>

namespace heddle::vgpu {

/// A family of instructions, as the documentation lists it.
struct InstructionFamily {
  std::string_view name;
  std::span<const InstructionRow> rows;
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
std::span<const InstructionRow> mmaInstructions();

/// All families, with the handlers of this instruction set.
std::span<const InstructionFamily> instructionFamilies();
} // namespace HEDDLE_INSTRUCTION_SET

std::span<const InstructionRow> atomicInstructions();
std::span<const InstructionRow> multimemInstructions();
std::span<const InstructionRow> controlInstructions();
std::span<const InstructionRow> barrierInstructions();
std::span<const InstructionRow> mbarrierInstructions();
std::span<const InstructionRow> asyncCopyInstructions();
std::span<const InstructionRow> asyncStoreInstructions();
std::span<const InstructionRow> tensorInstructions();
std::span<const InstructionRow> wgmmaInstructions();
std::span<const InstructionRow> matrixInstructions();
std::span<const InstructionRow> wmmaInstructions();
std::span<const InstructionRow> fenceInstructions();
/// Instructions and modifiers of newer targets: their decoders say so.
std::span<const InstructionRow> newerInstructions();

/// cp.async.bulk and cp.reduce.async.bulk, of ranges and of tensor boxes.
Handler decodeBulkCopy(Decoder &decoder, bool reduce);
Handler decodeTensorCopy(Decoder &decoder, bool reduce);
/// tensormap.replace and tensormap.cp_fenceproxy.
Handler decodeTensorMapEdit(Decoder &decoder);
/// Calls of vprintf and __assertfail.
Handler decodePrint(Decoder &decoder);
Handler decodeAssertFail(Decoder &decoder);
/// Hints: no effect on values.
Handler decodeNothing(Decoder &decoder);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_TABLE_H
