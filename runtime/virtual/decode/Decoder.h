//===- Decoder.h - Syntax to decoded instructions ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_DECODER_H
#define HEDDLE_VIRTUAL_DECODE_DECODER_H

#include "decode/InstructionRow.h"
#include "decode/Kernel.h"
#include "decode/Modifiers.h"

#include <array>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>

namespace heddle::vgpu {

/// What decoding a kernel needs to know about its module.
struct ModuleContext {
  const PtxModule *module = nullptr;
  /// Addresses of .global and .const variables.
  std::map<std::string, uint64_t, std::less<>> globals;
};

/// Decodes `function`, which must be a kernel. Calls are inlined.
Expected<std::unique_ptr<Kernel>> decodeKernel(const ModuleContext &context,
                                               const Function &function);

/// Operands and modifiers of one statement, as instruction tables see them. The
/// first failure wins; a decoder may go on after one and return anything.
class Decoder {
public:
  Decoder(const ModuleContext &context, const Function &function,
          Kernel &kernel);

  Expected<void> run();

  // --- For instruction tables -----------------------------------------------

  const Statement &statement() const { return *current; }
  const Operand &operand(size_t index);
  size_t numOperands() const { return current->operands.size(); }
  /// Fails unless the statement has between `least` and `most` operands.
  bool expectOperands(size_t least, size_t most);
  bool expectOperands(size_t count) { return expectOperands(count, count); }

  /// The slot of a value of `type` that is read. Registers must be as wide as
  /// the type, except that 8- and 16-bit values may sit in 32-bit registers.
  uint32_t source(const Operand &operand, Type type);
  uint32_t source(size_t index, Type type) {
    return source(operand(index), type);
  }
  /// The slot that a value of `type` is written to; `_` is a scratch slot.
  uint32_t destination(const Operand &operand, Type type);
  uint32_t destination(size_t index, Type type) {
    return destination(operand(index), type);
  }
  /// The same for instructions that allow wider registers (ld, st, cvt):
  /// `wide` says whether the slot is a 64-bit one.
  uint32_t anySource(const Operand &operand, Type type, bool &wide);
  uint32_t anyDestination(const Operand &operand, Type type, bool &wide);

  /// The slots of the low and the high half of a 128-bit register.
  std::array<uint32_t, 2> sourceHalves(const Operand &operand);
  std::array<uint32_t, 2> destinationHalves(const Operand &operand);

  /// The number of a predicate that is written; `_` is a scratch predicate.
  uint32_t predicateDestination(const Operand &operand);
  /// The number of a predicate that is read, and all ones in `flip` for `!p`.
  uint32_t predicateSource(const Operand &operand, uint32_t &flip);

  bool isPredicate(const Operand &operand) const {
    return operand.kind == OperandKind::Register &&
           places[operand.reg].width == 1;
  }

  /// The value of an integer literal.
  uint64_t literal(const Operand &operand);
  /// A slot that holds `value` in every lane.
  uint32_t constant(uint64_t value, bool wide);
  uint32_t scratch(bool wide);

  /// A memory operand: base slot and byte offset. A base register may have 32
  /// or 64 bits; `wide` says which. `space` is narrowed if the base is a
  /// variable: a `.param` variable of a device function is local.
  struct Address {
    uint32_t slot = 0;
    bool wide = false;
    int64_t offset = 0;
  };
  Address address(const Operand &operand, Space &space);

  /// The offset of a kernel parameter, if `name` is one.
  std::optional<uint32_t> parameterOffset(std::string_view name) const;
  uint32_t parameterBytes() const { return kernel.parameterBytes; }

  /// The targets of a `.branchtargets` list, or null.
  const std::vector<uint32_t> *branchTargets(const std::string &label) const {
    auto it = function.branchTargets.find(label);
    return it == function.branchTargets.end() ? nullptr : &it->second;
  }

  /// Elements of `{a, b}`, or the operand itself.
  std::vector<const Operand *> elements(const Operand &operand);

  uint32_t newCursor() { return kernel.cursors++; }
  template <typename P>
  P *payload() {
    auto owned = std::make_unique<P>();
    P *raw = owned.get();
    kernel.payloads.push_back(std::move(owned));
    inst.payload = raw;
    return raw;
  }
  /// Marks an instruction that may name registers of wgmmas in flight.
  void mayTouchInFlight() {
    info->mayTouchInFlight = true;
    kernel.usesWgmma = true;
  }
  /// Says what lanes wait for that repeat the instruction until it succeeds.
  void waits(const WaitReason &reason) { info->wait = &reason; }
  uint32_t role(const std::string &name);
  /// The statement is less exact than its row says.
  void setFidelity(Fidelity value) { fidelity = value; }

  /// Records "mnemonic: message" and returns null.
  template <typename... Args>
  Handler fail(fmt::format_string<Args...> format, Args &&...args) {
    failMessage(fmt::format(format, std::forward<Args>(args)...));
    return nullptr;
  }
  /// The error for a combination that the row's pattern allows, but nothing
  /// executes.
  Handler unknown() { return fail("unknown combination of modifiers"); }

  /// The instruction being built, and its modifiers.
  Instruction inst;
  Modifiers mods{""};

private:
  void layout();
  void decodeStatement();
  void failMessage(std::string message);
  const InstructionRow *findRow();
  struct RegisterPlace {
    uint32_t slot = 0;
    uint32_t width = 0;
  };
  std::array<uint32_t, 2> halves(const Operand &operand,
                                 std::vector<uint32_t> &accesses);
  uint32_t symbolValue(const Operand &operand, bool wide);
  std::optional<uint64_t> symbolAddress(const Operand &operand,
                                        Constant::Kind &kind, Space &space);
  uint32_t special(const std::string &name, bool wide);
  uint32_t addConstant(Constant constant);
  uint32_t registerSlot(const Operand &operand, bool &wide);

  const ModuleContext &context;
  const Function &function;
  Kernel &kernel;
  const Statement *current = nullptr;
  InstructionInfo *info = nullptr;
  Fidelity fidelity = Fidelity::Exact;
  std::optional<Error> error;
  /// Rows found before, by mnemonic: kernels repeat few of them.
  std::unordered_map<std::string_view, const InstructionRow *> known;

  std::vector<RegisterPlace> places;
  std::map<std::string, uint32_t> sharedOffsets, localOffsets;
  std::map<std::tuple<Constant::Kind, Special, bool, uint64_t>, uint32_t>
      constantSlots;
};

/// The row that a mnemonic matches, or null and why there is none.
struct RowMatch {
  const InstructionRow *row = nullptr;
  std::string message;
};
RowMatch findInstruction(const Modifiers &mods);

/// What stands for the address of a function: a number that no memory has, or
/// nothing if `name` is not a function.
std::optional<uint64_t> addressOfFunction(const PtxModule &module,
                                          std::string_view name);

/// Replaces calls by the bodies of the functions called; calls through a
/// register by a comparison with the address of each function that it may be,
/// and in the end the call itself, which then is a fault.
Expected<Function> inlineCalls(const PtxModule &module,
                               const Function &function);

/// Immediate post-dominators: for each branch, the instruction where its lanes
/// meet again, or `neverReconverges`.
struct ControlFlowEdges {
  std::vector<uint32_t> targets;
  bool fallsThrough = true;
};
std::vector<uint32_t>
reconvergencePoints(const std::vector<ControlFlowEdges> &edges);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_DECODER_H
