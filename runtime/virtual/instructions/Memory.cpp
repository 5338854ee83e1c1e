//===- Memory.cpp - Loads and stores --------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/LaneAccess.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"
#include "sanitizer/Taint.h"

#include <atomic>
#include <cstring>

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

struct MemoryPayload : Payload, AccessPattern {
  /// Volatile, relaxed, acquire, release: single-copy atomic per element.
  bool strong = false;
  bool acquire = false, release = false;
  /// Of strong accesses, for the sanitizer, which sees all but constants.
  Scope scope = Scope::None;
  bool watched = true;
  unsigned elementBytes = 4;
  bool signExtend = false;
  struct Part {
    uint32_t slot;
    bool wide;
  };
  std::vector<Part> parts;
};

template <typename T>
T loadElement(const std::byte *from, bool strong) {
  if (strong)
    return std::atomic_ref<T>(
               *reinterpret_cast<T *>(const_cast<std::byte *>(from)))
        .load(std::memory_order_seq_cst);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void storeElement(std::byte *to, T value, bool strong) {
  if (strong)
    std::atomic_ref<T>(*reinterpret_cast<T *>(to))
        .store(value, std::memory_order_seq_cst);
  else
    std::memcpy(to, &value, sizeof(T));
}

/// Follows uninitialised memory through an access of which not all bytes have
/// been written, or by a warp with tainted registers.
[[gnu::noinline]] void followTaint(Warp &warp, const Instruction &i,
                                   const MemoryPayload &p, uint32_t mask,
                                   AccessKind kind, const uint64_t *addresses) {
  Sanitizer &sanitizer = *warp.cta.cluster.sanitizer;
  for (size_t n = 0; n < p.parts.size(); ++n) {
    uint32_t slot = p.parts[n].slot, offset = uint32_t(n) * p.elementBytes;
    if (kind == AccessKind::Store) {
      if (uint32_t lanes = warp.taint->lanesOf(slot) & mask)
        sanitizer.storedTaint(warp, i, lanes, warp.taint->originOf(slot),
                              p.space, addresses, offset, p.elementBytes);
      continue;
    }
    uint32_t lanes = sanitizer.uninitializedLanes(
        mask, p.space, addresses, offset, p.elementBytes, p.cursor);
    if (lanes && !warp.taint)
      warp.taint = std::make_unique<Taint>(*warp.kernel);
    if (lanes)
      warp.taint->write(slot, lanes, lanes, warp.indexOf(i));
  }
}

/// Tells the sanitizer of an access, if there is one.
void watch(Warp &warp, const Instruction &i, const MemoryPayload &p,
           uint32_t mask, AccessKind kind, const uint64_t *addresses) {
  AccessSemantics semantics;
  semantics.write = kind == AccessKind::Store;
  semantics.acquire = p.acquire;
  semantics.release = p.release;
  semantics.scope = p.scope;
  Sanitizer &sanitizer = *warp.cta.cluster.sanitizer;
  sanitizer.access(warp, i, mask, p.space, addresses, p.bytes, semantics);
  if (semantics.write)
    sanitizer.initialized(p.space, mask, addresses, p.bytes, p.cursor);
  bool follow = semantics.write
                    ? warp.taint && warp.taint->any()
                    : !sanitizer.allInitialized(p.space, mask, addresses,
                                                p.bytes, p.cursor);
  if (follow) [[unlikely]]
    followTaint(warp, i, p, mask, kind, addresses);
}
void watch(Warp &warp, const Instruction &i, const MemoryPayload &p,
           uint32_t mask, AccessKind kind) {
  if (!warp.cta.cluster.sanitizer || !p.watched) [[likely]]
    return;
  uint64_t addresses[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, addresses);
  watch(warp, i, p, mask, kind, addresses);
}
/// Lanes side by side, which most accesses are, cost least.
void watch(Warp &warp, const Instruction &i, const MemoryPayload &p,
           uint32_t mask, AccessKind kind, const LaneAccess &access) {
  if (access.shape != LaneAccess::Shape::Packed)
    return watch(warp, i, p, mask, kind);
  if (!warp.cta.cluster.sanitizer || !p.watched) [[likely]]
    return;
  uint64_t first =
      p.wideAddress ? warp.reg64(i.src[0])[0] + uint64_t(i.immediate)
                    : uint32_t(warp.reg32(i.src[0])[0] + uint32_t(i.immediate));
  Sanitizer &sanitizer = *warp.cta.cluster.sanitizer;
  bool write = kind == AccessKind::Store;
  sanitizer.accessPacked(warp, i, p.space, first, p.bytes, write);
  if (write)
    sanitizer.initialized(p.space, first, warpSize * p.bytes, p.cursor);
  bool follow = write ? warp.taint && warp.taint->any()
                      : !sanitizer.allInitialized(p.space, first,
                                                  warpSize * p.bytes, p.cursor);
  if (!follow) [[likely]]
    return;
  uint64_t addresses[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, addresses);
  followTaint(warp, i, p, mask, kind, addresses);
}

/// `parts` elements of type T per lane into registers whose lanes are R.
template <typename T, typename R, unsigned parts>
Flow loadVector(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MemoryPayload *>(i.payload);
  LaneAccess access;
  if (!locateLanes(warp, i, p, mask, AccessKind::Load, access)) [[unlikely]]
    return Flow::Stop;
  watch(warp, i, p, mask, AccessKind::Load, access);
  R *d[parts];
  for (unsigned n = 0; n < parts; ++n)
    d[n] = reinterpret_cast<R *>(warp.reg32(p.parts[n].slot));
  auto read = [](const std::byte *from) {
    return R(loadElement<T>(from, false));
  };
  const std::byte *base = access.base;
  switch (access.shape) {
  case LaneAccess::Shape::Packed:
    HEDDLE_LANES
    for (uint32_t l = 0; l < warpSize; ++l)
      for (unsigned n = 0; n < parts; ++n)
        d[n][l] = read(base + (l * parts + n) * sizeof(T));
    break;
  case LaneAccess::Shape::Near:
    for (unsigned n = 0; n < parts; ++n)
      assignLanes(mask, d[n], [&](uint32_t l) {
        return read(base + access.offset[l] + n * sizeof(T));
      });
    break;
  case LaneAccess::Shape::Far:
    Warp::forBits(mask, [&](uint32_t l) {
      for (unsigned n = 0; n < parts; ++n)
        d[n][l] = read(access.host[l] + n * sizeof(T));
    });
    break;
  }
  return flowAfterTaint(warp);
}

template <typename T, typename R, unsigned parts>
Flow storeVector(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MemoryPayload *>(i.payload);
  LaneAccess access;
  if (!locateLanes(warp, i, p, mask, AccessKind::Store, access)) [[unlikely]]
    return Flow::Stop;
  watch(warp, i, p, mask, AccessKind::Store, access);
  const R *from[parts];
  for (unsigned n = 0; n < parts; ++n)
    from[n] = reinterpret_cast<const R *>(warp.reg32(p.parts[n].slot));
  std::byte *base = access.base;
  if (access.shape == LaneAccess::Shape::Packed) [[likely]] {
    HEDDLE_LANES
    for (uint32_t l = 0; l < warpSize; ++l)
      for (unsigned n = 0; n < parts; ++n)
        storeElement<T>(base + (l * parts + n) * sizeof(T), T(from[n][l]),
                        false);
    return Flow::Next;
  }
  // In the order of lanes: where two store to one place, the last one stays.
  auto write = [&](uint32_t l, std::byte *to) {
    for (unsigned n = 0; n < parts; ++n)
      storeElement<T>(to + n * sizeof(T), T(from[n][l]), false);
  };
  if (access.shape == LaneAccess::Shape::Near && mask == fullMask)
    for (uint32_t l = 0; l < warpSize; ++l)
      write(l, base + access.offset[l]);
  else
    Warp::forBits(mask, [&](uint32_t l) { write(l, access.at(l, p.bytes)); });
  return Flow::Next;
}

/// Any registers and any strength.
template <typename T>
Flow load(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MemoryPayload *>(i.payload);
  LaneAccess access;
  if (!locateLanes(warp, i, p, mask, AccessKind::Load, access))
    return Flow::Stop;
  // What others published with the value that is read, an acquire finds after.
  uint64_t addresses[warpSize];
  bool watched = warp.cta.cluster.sanitizer && p.watched;
  if (watched)
    warp.addresses(i, i.src[0], p.wideAddress, addresses);
  using Signed = std::make_signed_t<T>;
  for (size_t n = 0; n < p.parts.size(); ++n) {
    auto read = [&](uint32_t l) {
      T value = loadElement<T>(access.at(l, p.bytes) + n * sizeof(T), p.strong);
      return p.signExtend ? uint64_t(int64_t(Signed(value))) : uint64_t(value);
    };
    if (p.parts[n].wide) {
      uint64_t *d = warp.reg64(p.parts[n].slot);
      Warp::forBits(mask, [&](uint32_t l) { d[l] = read(l); });
    } else {
      uint32_t *d = warp.reg32(p.parts[n].slot);
      Warp::forBits(mask, [&](uint32_t l) { d[l] = uint32_t(read(l)); });
    }
  }
  if (watched)
    watch(warp, i, p, mask, AccessKind::Load, addresses);
  return flowAfterTaint(warp);
}

template <typename T>
Flow store(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MemoryPayload *>(i.payload);
  LaneAccess access;
  if (!locateLanes(warp, i, p, mask, AccessKind::Store, access))
    return Flow::Stop;
  // Before others can see what is written.
  watch(warp, i, p, mask, AccessKind::Store);
  for (size_t n = 0; n < p.parts.size(); ++n) {
    const uint64_t *wide = warp.reg64(p.parts[n].slot);
    const uint32_t *narrow = warp.reg32(p.parts[n].slot);
    bool isWide = p.parts[n].wide;
    Warp::forBits(mask, [&](uint32_t l) {
      storeElement<T>(access.at(l, p.bytes) + n * sizeof(T),
                      T(isWide ? wide[l] : narrow[l]), p.strong);
    });
  }
  return Flow::Next;
}

/// ld.param from the kernel's parameters at a constant offset: one value.
template <typename T>
Flow loadParameter(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MemoryPayload *>(i.payload);
  const std::byte *from =
      warp.cta.cluster.share().parameters.data() + i.immediate;
  using Signed = std::make_signed_t<T>;
  for (size_t n = 0; n < p.parts.size(); ++n) {
    T value = loadElement<T>(from + n * sizeof(T), false);
    uint64_t bits =
        p.signExtend ? uint64_t(int64_t(Signed(value))) : uint64_t(value);
    uint64_t *wide = warp.reg64(p.parts[n].slot);
    uint32_t *narrow = warp.reg32(p.parts[n].slot);
    if (p.parts[n].wide)
      forLanes(mask, [=](uint32_t l) { wide[l] = bits; });
    else
      forLanes(mask, [=](uint32_t l) { narrow[l] = uint32_t(bits); });
  }
  return Flow::Next;
}

template <typename T, typename R, unsigned parts>
Handler vectorHandler(bool isLoad) {
  return isLoad ? loadVector<T, R, parts> : storeVector<T, R, parts>;
}

/// T is unsigned.
template <typename T>
Handler handlerFor(const MemoryPayload &p, bool isLoad) {
  using Signed = std::make_signed_t<T>;
  bool wide = p.parts[0].wide;
  for (const MemoryPayload::Part &part : p.parts)
    if (p.strong || part.wide != wide)
      return isLoad ? load<T> : store<T>;
  // What is signed needs handlers of its own where it is extended.
  bool extend = isLoad && p.signExtend && sizeof(T) < (wide ? 8 : 4);
  if (p.parts.size() == 1) {
    if (extend)
      return wide ? vectorHandler<Signed, uint64_t, 1>(isLoad)
                  : vectorHandler<Signed, uint32_t, 1>(isLoad);
    if (wide)
      return vectorHandler<T, uint64_t, 1>(isLoad);
    if constexpr (sizeof(T) < 8)
      return vectorHandler<T, uint32_t, 1>(isLoad);
  }
  if constexpr (sizeof(T) == 4)
    if (!wide && p.parts.size() == 2)
      return vectorHandler<T, uint32_t, 2>(isLoad);
  if constexpr (sizeof(T) == 4)
    if (!wide && p.parts.size() == 4)
      return vectorHandler<T, uint32_t, 4>(isLoad);
  if constexpr (sizeof(T) == 8)
    if (p.parts.size() == 2)
      return vectorHandler<T, uint64_t, 2>(isLoad);
  return isLoad ? load<T> : store<T>;
}

void takeSpace(Modifiers &mods, MemoryPayload &p) {
  std::string_view name =
      mods.takeAny({"global", "shared::cluster", "shared::cta", "shared",
                    "local", "param::entry", "param::func", "param", "const"});
  // A generic address may lead to another CTA of the cluster.
  p.crossCta = name.empty() || name == "shared::cluster";
  p.space = name.empty()                 ? Space::Generic
            : name.starts_with("shared") ? Space::Shared
            : name.starts_with("param")  ? Space::Param
            : name == "local"            ? Space::Local
            : name == "const"            ? Space::Const
                                         : Space::Global;
}

/// Cache hints change nothing here; true if an operand comes with them.
bool takeCacheModifiers(Modifiers &mods) {
  for (std::string_view name : {"nc",
                                "ca",
                                "cg",
                                "cs",
                                "lu",
                                "cv",
                                "wb",
                                "wt",
                                "L1::no_allocate",
                                "L1::evict_normal",
                                "L1::evict_unchanged",
                                "L1::evict_first",
                                "L1::evict_last",
                                "L2::64B",
                                "L2::128B",
                                "L2::256B",
                                "L2::evict_first",
                                "L2::evict_last",
                                "L2::evict_normal",
                                "unified"})
    mods.take(name);
  return mods.take("L2::cache_hint");
}

Handler decodeAccess(Decoder &d, bool isLoad) {
  auto *p = d.payload<MemoryPayload>();
  bool weak = d.mods.take("weak");
  p->acquire = d.mods.take("acquire");
  p->release = d.mods.take("release");
  p->strong = d.mods.take("volatile") || d.mods.take("relaxed") ||
              d.mods.take("mmio") || p->acquire || p->release;
  if (p->strong && weak)
    return d.unknown();
  std::string_view scope = d.mods.takeAny({"cta", "cluster", "gpu", "sys"});
  if (p->strong)
    p->scope = scopeOf(scope, Scope::System);
  takeSpace(d.mods, *p);
  bool hint = takeCacheModifiers(d.mods);
  std::string_view vector = d.mods.takeAny({"v2", "v4", "v8"});
  Type type = d.mods.takeType();
  if (type == Type::None || type == Type::Pred)
    return d.unknown();
  d.expectOperands(2 + hint);
  const Operand &data = d.operand(isLoad ? 0 : 1);
  auto parts = d.elements(data);
  size_t expected = vector.empty() ? 1 : size_t(vector[1] - '0');
  if (parts.size() != expected)
    return d.fail("expected {} registers, found {}", expected, parts.size());
  if (expected * bits(type) > 128)
    return d.fail("vectors of more than 128 bits need sm_100; the virtual GPU "
                  "runs {} and older",
                  targetName(newestTarget));
  p->elementBytes = std::min(bits(type), 64u) / 8;
  p->bytes = bits(type) / 8 * unsigned(expected);
  p->signExtend = isSigned(type);
  if (type == Type::B128)
    for (uint32_t half :
         isLoad ? d.destinationHalves(data) : d.sourceHalves(data))
      p->parts.push_back({half, true});
  else
    for (const Operand *part : parts) {
      MemoryPayload::Part place;
      place.slot = isLoad ? d.anyDestination(*part, type, place.wide)
                          : d.anySource(*part, type, place.wide);
      p->parts.push_back(place);
    }
  Space space = p->space;
  const Operand &at = d.operand(isLoad ? 1 : 0);
  Decoder::Address address = d.address(at, space);
  p->watched =
      space != Space::Const && space != Space::Param && space != Space::Local;
  p->space = space == Space::Const ? Space::Global : space;
  p->wideAddress = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  if (p->space == Space::Global || p->space == Space::Generic)
    p->cursor = d.newCursor();
  if (p->space == Space::Param && isLoad && !at.elements.empty() &&
      at.elements[0].kind == OperandKind::Symbol) {
    auto offset = d.parameterOffset(at.elements[0].name);
    uint64_t start = offset ? *offset + uint64_t(address.offset) : UINT64_MAX;
    uint64_t bytes = p->bytes;
    if (start > d.parameterBytes() || bytes > d.parameterBytes() - start ||
        start % bytes)
      return d.fail("expected an aligned access inside the parameters");
    d.inst.immediate = int64_t(start);
    switch (p->elementBytes) {
    case 1:
      return loadParameter<uint8_t>;
    case 2:
      return loadParameter<uint16_t>;
    case 4:
      return loadParameter<uint32_t>;
    default:
      return loadParameter<uint64_t>;
    }
  }
  switch (p->elementBytes) {
  case 1:
    return handlerFor<uint8_t>(*p, isLoad);
  case 2:
    return handlerFor<uint16_t>(*p, isLoad);
  case 4:
    return handlerFor<uint32_t>(*p, isLoad);
  default:
    return handlerFor<uint64_t>(*p, isLoad);
  }
}

Handler decodeLoad(Decoder &d) { return decodeAccess(d, true); }
Handler decodeStore(Decoder &d) { return decodeAccess(d, false); }

constexpr RowEffects loadEffects{.reads = anyMemory, .sinks = addressSink},
    storeEffects{.writes = anyMemory, .sinks = addressSink | storeSink};

constexpr InstructionRow rows[] = {
    {"ld{.weak}{.<space>}{.(ca|cg|cs|lu|cv)}{.<evict>}{.<evict2>}"
     "{.L2::cache_hint}{.<prefetch2>}{.unified}{.(v2|v4)}.<memory>",
     decodeLoad, loadEffects, Timing::Memory},
    {"ld.volatile{.<space>}{.<prefetch2>}{.(v2|v4)}.<memory>", decodeLoad,
     loadEffects, Timing::Memory},
    {"ld.(relaxed|acquire).<scope>{.(global|<shared>)}{.<evict>}{.<evict2>}"
     "{.L2::cache_hint}{.<prefetch2>}{.(v2|v4)}.<memory>",
     decodeLoad, loadEffects, Timing::Memory},
    {"ld{.(weak|volatile)}{.(relaxed|acquire).<scope>}{.<space>}"
     "{.(ca|cg|cs|lu|cv)}{.nc}{.<evict>}{.<evict2>}{.L2::cache_hint}"
     "{.<prefetch2>}.b128",
     decodeLoad, loadEffects, Timing::Memory, Fidelity::Exact, 700},
    {"ld.mmio.relaxed.sys{.global}.<memory>", decodeLoad, loadEffects,
     Timing::Memory},
    {"ld.global{.(ca|cg|cs)}.nc{.<evict>}{.<evict2>}{.L2::cache_hint}"
     "{.<prefetch2>}{.(v2|v4)}.<memory>",
     decodeLoad, loadEffects, Timing::Memory},
    {"ldu{.global}{.(v2|v4)}.<memory>", decodeLoad, loadEffects,
     Timing::Memory},
    {"st{.weak}{.<space>}{.(wb|cg|cs|wt)}{.<evict>}{.<evict2>}"
     "{.L2::cache_hint}{.(v2|v4)}.<memory>",
     decodeStore, storeEffects, Timing::Memory},
    {"st.volatile{.<space>}{.(v2|v4)}.<memory>", decodeStore, storeEffects,
     Timing::Memory},
    {"st.(relaxed|release).<scope>{.(global|<shared>)}{.<evict>}{.<evict2>}"
     "{.L2::cache_hint}{.(v2|v4)}.<memory>",
     decodeStore, storeEffects, Timing::Memory},
    {"st{.(weak|volatile)}{.(relaxed|release).<scope>}{.<space>}"
     "{.(wb|cg|cs|wt)}{.<evict>}{.<evict2>}{.L2::cache_hint}.b128",
     decodeStore, storeEffects, Timing::Memory, Fidelity::Exact, 700},
    {"st.mmio.relaxed.sys{.global}.<memory>", decodeStore, storeEffects,
     Timing::Memory},
    {"prefetch{.(global|local)}.(L1|L2)", decodeNothing, {}, Timing::Memory},
    {"prefetch.global.(L2::evict_last|L2::evict_normal)",
     decodeNothing,
     {},
     Timing::Memory},
    {"prefetch{.(const|param)}.tensormap",
     decodeNothing,
     {},
     Timing::Memory,
     Fidelity::Exact,
     900},
    {"prefetchu.L1", decodeNothing, {}, Timing::Memory},
    {"applypriority{.global}.L2::evict_normal",
     decodeNothing,
     {},
     Timing::Memory,
     Fidelity::Exact,
     800},
    {"discard{.global}.L2",
     decodeNothing,
     {},
     Timing::Memory,
     Fidelity::Exact,
     800},
    {"createpolicy.(fractional|range){.global}"
     ".(L2::evict_last|L2::evict_normal|L2::evict_first|L2::evict_unchanged)"
     "{.(L2::evict_first|L2::evict_unchanged)}.b64",
     decodeNothing,
     {},
     Timing::Alu,
     Fidelity::Exact,
     800},
    {"createpolicy.cvt.L2.b64",
     decodeNothing,
     {},
     Timing::Alu,
     Fidelity::Exact,
     800},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::memoryInstructions() {
  return rows;
}
