//===- Operands.cpp - Syntax to decoded instructions: operands ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/AddressSpace.h"
#include "decode/Decoder.h"
#include "decode/Specials.h"

#include <bit>

using namespace heddle;
using namespace heddle::vgpu;

const Operand &Decoder::operand(size_t index) {
  static const Operand missing;
  if (index < current->operands.size())
    return current->operands[index];
  fail("expected at least {} operands, found {}", index + 1,
       current->operands.size());
  return missing;
}

bool Decoder::expectOperands(size_t least, size_t most) {
  size_t count = numOperands();
  if (count >= least && count <= most)
    return true;
  if (least == most)
    fail("expected {} operands, found {}", least, count);
  else
    fail("expected {} to {} operands, found {}", least, most, count);
  return false;
}

uint32_t Decoder::addConstant(Constant constant) {
  auto [it, inserted] = constantSlots.try_emplace(
      {constant.kind, constant.special, constant.wide, constant.value},
      kernel.slots);
  if (inserted) {
    constant.slot = kernel.slots;
    kernel.slots += constant.wide ? 2 : 1;
    kernel.constants.push_back(constant);
  }
  return it->second;
}

uint32_t Decoder::constant(uint64_t value, bool wide) {
  return addConstant({Constant::Kind::Value, Special::Zero, wide, 0,
                      wide ? value : uint32_t(value)});
}

uint32_t Decoder::scratch(bool wide) {
  uint32_t slot = kernel.slots;
  kernel.slots += wide ? 2 : 1;
  return slot;
}

uint32_t Decoder::special(const std::string &name, bool wide) {
  if (auto offset = parseReservedShared(name))
    return addConstant(
        {Constant::Kind::SharedAddress, Special::Zero, wide, 0, *offset});
  auto parsed = parseSpecial(name);
  // %envreg and %pm registers read as zero.
  if (!parsed && (name.starts_with("%envreg") || name.starts_with("%pm")))
    parsed = Special::Zero;
  if (!parsed) {
    fail("register '{}' is not declared", name);
    return 0;
  }
  if (isClock(*parsed)) {
    fail("'{}' can only be read by mov", name);
    return 0;
  }
  return addConstant({Constant::Kind::SpecialRegister, *parsed, wide, 0, 0});
}

std::optional<uint64_t> Decoder::symbolAddress(const Operand &operand,
                                               Constant::Kind &kind,
                                               Space &space) {
  kind = Constant::Kind::Value;
  auto accepts = [&](Space found) {
    if (space == Space::Generic)
      return true;
    return space == found;
  };
  if (auto it = sharedOffsets.find(operand.name);
      it != sharedOffsets.end() && accepts(Space::Shared)) {
    kind = Constant::Kind::SharedAddress;
    space = Space::Shared;
    return it->second + operand.value;
  }
  if (auto it = localOffsets.find(operand.name); it != localOffsets.end()) {
    // Parameters of device functions live in local memory.
    if (space == Space::Param || accepts(Space::Local)) {
      space = Space::Local;
      return it->second + operand.value;
    }
  }
  for (const KernelParameter &parameter : kernel.parameters)
    if (parameter.name == operand.name && accepts(Space::Param)) {
      space = Space::Param;
      return parameter.offset + operand.value;
    }
  if (auto it = context.globals.find(operand.name);
      it != context.globals.end() &&
      (accepts(Space::Global) || accepts(Space::Const))) {
    if (space == Space::Generic)
      space = Space::Global;
    return it->second + operand.value;
  }
  if (space == Space::Generic)
    return addressOfFunction(*context.module, operand.name);
  return std::nullopt;
}

uint32_t Decoder::symbolValue(const Operand &operand, bool wide) {
  Constant::Kind kind;
  Space space = Space::Generic;
  auto value = symbolAddress(operand, kind, space);
  if (!value) {
    if (operand.name == "WARP_SZ")
      return constant(warpSize, wide);
    fail("'{}' is not declared", operand.name);
    return 0;
  }
  return addConstant({kind, Special::Zero, wide, 0, *value});
}

uint32_t Decoder::registerSlot(const Operand &operand, bool &wide) {
  const RegisterPlace &place = places[operand.reg];
  wide = place.width == 64;
  if (place.width == 1)
    fail("expected a value, found the predicate '{}'", operand.name);
  if (place.width == 128)
    fail("expected a register of at most 64 bits, found '{}'", operand.name);
  info->slots.push_back(place.slot);
  return place.slot;
}

uint32_t Decoder::anySource(const Operand &operand, Type type, bool &wide) {
  wide = bits(type) == 64;
  switch (operand.kind) {
  case OperandKind::Register: {
    uint32_t slot = registerSlot(operand, wide);
    info->operands.reads.push_back(slot);
    if (places[operand.reg].width < bits(type))
      fail("expected a register of at least {} bits, found '{}'", bits(type),
           operand.name);
    return slot;
  }
  case OperandKind::Special:
    return special(operand.name, wide);
  case OperandKind::Symbol:
    return symbolValue(operand, wide);
  case OperandKind::Integer:
    return constant(operand.value &
                        (bits(type) < 64 ? (1ull << bits(type)) - 1 : ~0ull),
                    wide);
  case OperandKind::Float32:
    if (bits(type) == 64)
      return constant(std::bit_cast<uint64_t>(double(
                          std::bit_cast<float>(uint32_t(operand.value)))),
                      true);
    return constant(operand.value, wide);
  case OperandKind::Float64:
    if (bits(type) == 32)
      return constant(
          std::bit_cast<uint32_t>(float(std::bit_cast<double>(operand.value))),
          false);
    if (bits(type) != 64)
      fail("expected a 16-bit pattern, found a floating-point literal");
    return constant(operand.value, true);
  default:
    fail("expected a register or a constant as operand");
    return 0;
  }
}

uint32_t Decoder::source(const Operand &operand, Type type) {
  bool wide = false;
  uint32_t slot = anySource(operand, type, wide);
  if (operand.kind == OperandKind::Register && wide != (bits(type) == 64))
    fail("expected a {}-bit register, found '{}'", bits(type), operand.name);
  return slot;
}

uint32_t Decoder::anyDestination(const Operand &operand, Type type,
                                 bool &wide) {
  wide = bits(type) == 64;
  if (operand.kind == OperandKind::Sink)
    return scratch(wide);
  if (operand.kind != OperandKind::Register) {
    fail("expected a register as destination");
    return 0;
  }
  uint32_t slot = registerSlot(operand, wide);
  info->operands.writes.push_back(slot);
  if (places[operand.reg].width < bits(type))
    fail("expected a register of at least {} bits, found '{}'", bits(type),
         operand.name);
  return slot;
}

uint32_t Decoder::destination(const Operand &operand, Type type) {
  bool wide = false;
  uint32_t slot = anyDestination(operand, type, wide);
  if (wide != (bits(type) == 64))
    fail("expected a {}-bit register, found '{}'", bits(type), operand.name);
  return slot;
}

std::array<uint32_t, 2> Decoder::halves(const Operand &operand,
                                        std::vector<uint32_t> &accesses) {
  if (operand.kind != OperandKind::Register ||
      places[operand.reg].width != 128) {
    fail("expected a 128-bit register");
    return {};
  }
  uint32_t low = places[operand.reg].slot;
  for (uint32_t slot : {low, low + 2}) {
    info->slots.push_back(slot);
    accesses.push_back(slot);
  }
  return {low, low + 2};
}

std::array<uint32_t, 2> Decoder::sourceHalves(const Operand &operand) {
  return halves(operand, info->operands.reads);
}

std::array<uint32_t, 2> Decoder::destinationHalves(const Operand &operand) {
  if (operand.kind == OperandKind::Sink)
    return {scratch(true), scratch(true)};
  return halves(operand, info->operands.writes);
}

uint32_t Decoder::predicateDestination(const Operand &operand) {
  if (operand.kind == OperandKind::Sink)
    return kernel.predicates++;
  if (operand.kind != OperandKind::Register || places[operand.reg].width != 1) {
    fail("expected a predicate register as destination");
    return 0;
  }
  uint32_t number = places[operand.reg].slot;
  info->operands.predicateWrites.push_back(number);
  return number;
}

uint32_t Decoder::predicateSource(const Operand &operand, uint32_t &flip) {
  flip = operand.negated ? ~0u : 0;
  if (operand.kind == OperandKind::Integer) {
    if (operand.value == 0)
      flip = ~flip;
    return 0;
  }
  if (operand.kind != OperandKind::Register || places[operand.reg].width != 1) {
    fail("expected a predicate register");
    return 0;
  }
  uint32_t number = places[operand.reg].slot;
  info->operands.predicateReads.push_back(number);
  return number;
}

uint64_t Decoder::literal(const Operand &operand) {
  if (operand.kind != OperandKind::Integer)
    fail("expected an integer literal");
  return operand.value;
}

Decoder::Address Decoder::address(const Operand &operand, Space &space) {
  Address result;
  if (operand.kind != OperandKind::Address || operand.elements.empty()) {
    fail("expected an address in brackets");
    return result;
  }
  const Operand &base = operand.elements[0];
  result.offset = int64_t(operand.value);
  switch (base.kind) {
  case OperandKind::Register:
    result.slot = registerSlot(base, result.wide);
    info->operands.addresses.push_back(result.slot);
    return result;
  case OperandKind::Integer:
    result.wide = true;
    result.slot = constant(base.value, true);
    return result;
  case OperandKind::Symbol: {
    Constant::Kind kind;
    Space found = space;
    auto value = symbolAddress(base, kind, found);
    if (!value) {
      fail("'{}' is not a variable of this space", base.name);
      return result;
    }
    // Through a generic access, a variable's generic address.
    uint64_t address = *value;
    if (space == Space::Generic)
      space = found;
    if (space == Space::Param && found == Space::Local)
      space = Space::Local;
    result.wide = true;
    result.slot = addConstant({kind, Special::Zero, true, 0, address});
    return result;
  }
  default:
    fail("expected a register, a variable or a constant as address");
    return result;
  }
}

std::optional<uint32_t> Decoder::parameterOffset(std::string_view name) const {
  for (const KernelParameter &parameter : kernel.parameters)
    if (parameter.name == name)
      return parameter.offset;
  return std::nullopt;
}

std::vector<const Operand *> Decoder::elements(const Operand &operand) {
  std::vector<const Operand *> result;
  if (operand.kind != OperandKind::Vector) {
    result.push_back(&operand);
    return result;
  }
  for (const Operand &element : operand.elements)
    result.push_back(&element);
  return result;
}

uint32_t Decoder::role(const std::string &name) {
  for (uint32_t i = 0; i < kernel.roles.size(); ++i)
    if (kernel.roles[i] == name)
      return i;
  kernel.roles.push_back(name);
  return kernel.roles.size() - 1;
}
