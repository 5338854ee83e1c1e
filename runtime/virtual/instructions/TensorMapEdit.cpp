//===- TensorMapEdit.cpp - Tensor maps built on the device ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"
#include "units/TensorMapCodec.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

enum class Field : uint8_t {
  Address,
  Rank,
  BoxDim,
  GlobalDim,
  GlobalStride,
  ElementStride,
  ElemType,
  Interleave,
  Swizzle,
  Fill,
};
constexpr std::pair<std::string_view, Field> fieldNames[] = {
    {"global_address", Field::Address},
    {"rank", Field::Rank},
    {"box_dim", Field::BoxDim},
    {"global_dim", Field::GlobalDim},
    {"global_stride", Field::GlobalStride},
    {"element_stride", Field::ElementStride},
    {"elemtype", Field::ElemType},
    {"interleave_layout", Field::Interleave},
    {"swizzle_mode", Field::Swizzle},
    {"fill_mode", Field::Fill},
};

struct EditPayload : Payload {
  ThreadAddress map;
  Space space = Space::Generic;
  uint32_t cursor = 0, sourceCursor = 0;
  Field field = Field::Address;
  uint32_t ordinal = 0;
  uint32_t value = 0;
  bool wide = false;
  ThreadAddress source;
};

Checked<std::byte *> mapBytes(Warp &warp, Space space, uint64_t address,
                              uint32_t lane, uint32_t cursor) {
  for (uint64_t part : {address + 64, address}) {
    std::byte *host = accessLane(warp, space, part, 64, lane, cursor, false,
                                 AccessKind::Store);
    if (!host)
      return tl::unexpected(
          explainAccess(warp, space, part, 64, false, AccessKind::Store)
              .in("tensor map"));
    if (part == address)
      return host;
  }
  return nullptr;
}

/// Tells the sanitizer of an access to a whole map by one thread.
void watchMap(Sanitizer &sanitizer, Warp &warp, const Instruction &i,
              uint32_t lane, Space space, uint64_t address, bool write,
              uint32_t cursor) {
  uint64_t addresses[warpSize] = {};
  AccessSemantics semantics;
  semantics.write = write;
  if (write)
    sanitizer.initialized(space, address, 128, cursor);
  // Pieces that lie in one line each.
  for (uint32_t offset = 0; offset < 128; offset += 32) {
    addresses[lane] = address + offset;
    sanitizer.access(warp, i, 1u << lane, space, addresses, 32, semantics);
  }
}

/// The instruction's own numbering of element types.
constexpr TensorMapType elementTypes[] = {
    TensorMapType::U8,     TensorMapType::U16,  TensorMapType::U32,
    TensorMapType::S32,    TensorMapType::U64,  TensorMapType::S64,
    TensorMapType::F16,    TensorMapType::F32,  TensorMapType::F32Ftz,
    TensorMapType::F64,    TensorMapType::BF16, TensorMapType::TF32,
    TensorMapType::TF32Ftz};

Checked<void> set(TensorMapSpec &spec, Field field, uint32_t ordinal,
                  uint64_t value) {
  auto range = [&](uint64_t limit, const char *what) -> Checked<void> {
    if (value < limit)
      return {};
    return makeFault(faults::other, "expected {} below {}, found {}", what,
                     limit, value);
  };
  constexpr Swizzle swizzles[] = {Swizzle::None, Swizzle::B32, Swizzle::B64,
                                  Swizzle::B128};
  Checked<void> legal;
  switch (field) {
  case Field::Address:
    spec.address = value;
    break;
  case Field::Rank:
    if ((legal = range(5, "a rank less one")))
      spec.rank = uint32_t(value) + 1;
    break;
  case Field::BoxDim:
    spec.box[ordinal] = uint32_t(value);
    break;
  case Field::GlobalDim:
    spec.dims[ordinal] = uint32_t(value);
    break;
  case Field::GlobalStride:
    spec.strides[ordinal] = value;
    break;
  case Field::ElementStride:
    spec.elementStrides[ordinal] = uint32_t(value);
    break;
  case Field::ElemType:
    if ((legal = range(std::size(elementTypes), "an element type")))
      spec.type = elementTypes[value];
    break;
  case Field::Interleave:
    legal = range(1, "an interleave layout");
    break;
  case Field::Swizzle:
    if ((legal = range(4, "a swizzle mode")))
      spec.swizzle = swizzles[value];
    break;
  case Field::Fill:
    if ((legal = range(2, "a fill mode")))
      spec.fill = TensorMapFill(value);
    break;
  }
  return legal;
}

Flow replace(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const EditPayload *>(i.payload);
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    auto host = mapBytes(warp, p.space, p.map.of(warp, lane), lane, p.cursor);
    if (!host)
      return warp.fault(i, 1u << lane, host.error());
    auto spec = decodeTensorMapFields(
        std::span<const std::byte, 128>(*host, size_t(128)));
    if (!spec)
      return warp.fault(i, 1u << lane, spec.error());
    uint64_t value =
        p.wide ? warp.reg64(p.value)[lane] : warp.reg32(p.value)[lane];
    if (auto done = set(*spec, p.field, p.ordinal, value); !done)
      return warp.fault(i, 1u << lane, done.error());
    if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
      watchMap(*sanitizer, warp, i, lane, p.space, p.map.of(warp, lane),
               /*write=*/true, p.cursor);
    TensorMap map = encodeTensorMap(*spec);
    std::memcpy(*host, map.bytes.data(), map.bytes.size());
  }
  return Flow::Next;
}

/// Copies a map from shared to global memory, once per warp.
Flow copyMap(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const EditPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  uint32_t lane = uint32_t(__builtin_ctz(mask));
  auto to = mapBytes(warp, Space::Global, p.map.of(warp, lane), lane, p.cursor);
  auto from = mapBytes(warp, Space::Shared, p.source.of(warp, lane), lane,
                       p.sourceCursor);
  if (!to)
    return warp.fault(i, mask, to.error());
  if (!from)
    return warp.fault(i, mask, from.error());
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    watchMap(*sanitizer, warp, i, lane, Space::Shared, p.source.of(warp, lane),
             /*write=*/false, p.sourceCursor);
    watchMap(*sanitizer, warp, i, lane, Space::Global, p.map.of(warp, lane),
             /*write=*/true, p.cursor);
    // It is a release, too.
    sanitizer->races().fence(Sanitizer::actorOf(warp, i, mask), Scope::System);
  }
  std::memcpy(*to, *from, 128);
  return Flow::Next;
}

} // namespace

Handler heddle::vgpu::decodeTensorMapEdit(Decoder &d) {
  auto *p = d.payload<EditPayload>();
  p->cursor = d.newCursor();
  p->sourceCursor = d.newCursor();
  if (d.mods.take("cp_fenceproxy")) {
    for (std::string_view part : {"global", "shared::cta", "tensormap::generic",
                                  "release", "sync", "aligned"})
      if (!d.mods.take(part))
        return d.unknown();
    d.mods.takeAny({"cta", "cluster", "gpu", "sys"});
    d.expectOperands(3);
    p->map = threadAddress(d, d.operand(0), Space::Global);
    p->source = threadAddress(d, d.operand(1), Space::Shared);
    if (d.literal(d.operand(2)) != 128)
      return d.fail("expected 128 bytes");
    return copyMap;
  }
  if (!d.mods.take("replace") || !d.mods.take("tile"))
    return d.unknown();
  bool known = false;
  for (auto [name, field] : fieldNames)
    if (d.mods.take(name)) {
      p->field = field;
      known = true;
      break;
    }
  std::string_view space = d.mods.takeAny({"global", "shared::cta"});
  p->space = space.empty()       ? Space::Generic
             : space == "global" ? Space::Global
                                 : Space::Shared;
  if (!known || !d.mods.take("b1024"))
    return d.unknown();
  Type type = d.mods.takeType();
  bool hasOrdinal = p->field == Field::BoxDim || p->field == Field::GlobalDim ||
                    p->field == Field::GlobalStride ||
                    p->field == Field::ElementStride;
  d.expectOperands(2 + hasOrdinal);
  p->map = threadAddress(d, d.operand(0), p->space);
  if (hasOrdinal) {
    uint64_t ordinal = d.literal(d.operand(1));
    if (ordinal > (p->field == Field::GlobalStride ? 3 : 4))
      return d.fail("expected a dimension below 5, found {}", ordinal);
    p->ordinal = uint32_t(ordinal);
  }
  p->wide = bits(type) == 64;
  p->value = d.source(1 + hasOrdinal, type);
  return replace;
}
