//===- TileLayout.cpp - Where the elements of a tile live -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/TileLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cassert>

using namespace heddle;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

std::optional<std::string> TileLayout::check(ArrayRef<int64_t> shape,
                                             ArrayRef<int64_t> atom,
                                             ArrayRef<int64_t> registers,
                                             ArrayRef<int64_t> lanes,
                                             ArrayRef<int64_t> warps) {
  size_t rank = atom.size();
  if (rank == 0 || rank != shape.size()) {
    return "expected an atom of rank " + std::to_string(shape.size()) +
           ", found rank " + std::to_string(rank);
  }
  for (size_t dim = 0; dim != rank; ++dim) {
    if (atom[dim] <= 0 || !llvm::isPowerOf2_64(atom[dim])) {
      return "expected extents of the atom that are powers of two, found " +
             std::to_string(atom[dim]);
    }
    if (shape[dim] <= 0 || shape[dim] % atom[dim] != 0) {
      return "expected an atom that divides the tile, found extent " +
             std::to_string(atom[dim]) + " for " + std::to_string(shape[dim]);
    }
  }
  if (lanes.size() != laneBits * rank) {
    return "expected 5 lane vectors of rank " + std::to_string(rank) +
           ", found " + std::to_string(lanes.size()) + " numbers";
  }
  if (registers.size() % rank != 0 || warps.size() % rank != 0)
    return "expected vectors of rank " + std::to_string(rank);

  // Each bit of each coordinate is claimed once.
  SmallVector<int64_t> claimed(rank, 0);
  auto claim = [&](ArrayRef<int64_t> bases,
                   bool mayBeZero) -> std::optional<std::string> {
    for (size_t first = 0; first != bases.size(); first += rank) {
      unsigned nonZero = 0;
      for (size_t dim = 0; dim != rank; ++dim) {
        int64_t value = bases[first + dim];
        if (value == 0)
          continue;
        ++nonZero;
        if (value < 0 || !llvm::isPowerOf2_64(value) || value >= atom[dim]) {
          return "expected powers of two inside the atom, found " +
                 std::to_string(value);
        }
        if (claimed[dim] & value) {
          return "expected different vectors, found " + std::to_string(value) +
                 " twice in dimension " + std::to_string(dim);
        }
        claimed[dim] |= value;
      }
      if (nonZero > 1 || (nonZero == 0 && !mayBeZero))
        return "expected vectors with one number that is not zero";
    }
    return std::nullopt;
  };
  if (auto error = claim(registers, /*mayBeZero=*/false))
    return error;
  if (auto error = claim(lanes, /*mayBeZero=*/true))
    return error;
  if (auto error = claim(warps, /*mayBeZero=*/true))
    return error;
  for (size_t dim = 0; dim != rank; ++dim) {
    if (claimed[dim] != atom[dim] - 1) {
      return "expected vectors that cover the atom, found a hole in "
             "dimension " +
             std::to_string(dim);
    }
  }
  return std::nullopt;
}

TileLayout TileLayout::get(ArrayRef<int64_t> shape, ArrayRef<int64_t> atom,
                           ArrayRef<int64_t> registers, ArrayRef<int64_t> lanes,
                           ArrayRef<int64_t> warps) {
  assert(!check(shape, atom, registers, lanes, warps) && "not a layout");
  TileLayout layout;
  layout.shape.assign(shape.begin(), shape.end());
  layout.atom.assign(atom.begin(), atom.end());
  layout.registers.assign(registers.begin(), registers.end());
  layout.lanes.assign(lanes.begin(), lanes.end());
  layout.warps.assign(warps.begin(), warps.end());
  layout.normalize();
  return layout;
}

void TileLayout::normalize() {
  unsigned rank = getRank();
  while (!registers.empty()) {
    ArrayRef<int64_t> top = ArrayRef<int64_t>(registers).take_back(rank);
    unsigned dim =
        llvm::find_if(top, [](int64_t x) { return x; }) - top.begin();
    // The bit must be the highest of its coordinate, and the repetition it
    // becomes must be the one that varies fastest.
    if (top[dim] * 2 != atom[dim])
      return;
    for (unsigned later = dim + 1; later != rank; ++later) {
      if (shape[later] != atom[later])
        return;
    }
    atom[dim] /= 2;
    registers.truncate(registers.size() - rank);
  }
}

namespace {

/// Hands out the bits of a shape's coordinates, the last dimension first.
class BitDealer {
public:
  explicit BitDealer(ArrayRef<int64_t> shape) : atom(shape.size(), 1) {
    for (int64_t extent : shape)
      available.push_back(extent & -extent);
  }

  /// Appends the next bit's vector to `bases`; a zero vector once none is left.
  /// Takes bits of dimensions in `late` only when others have none, those that
  /// come first in it first.
  void deal(llvm::SmallVectorImpl<int64_t> &bases,
            ArrayRef<unsigned> late = {}) {
    auto getDelay = [&](unsigned dim) {
      auto *it = llvm::find(late, dim);
      return it == late.end() ? 0 : 1 + (it - late.begin());
    };
    std::optional<unsigned> next;
    for (unsigned dim = 0; dim != atom.size(); ++dim) {
      if (getLeft(dim) != 0 && (!next || getDelay(dim) <= getDelay(*next)))
        next = dim;
    }
    if (next)
      dealFrom(*next, bases);
    else
      bases.append(atom.size(), 0);
  }

  /// Appends the next bit of dimension `dim`, which has one left.
  void dealFrom(unsigned dim, llvm::SmallVectorImpl<int64_t> &bases) {
    bases.append(atom.size(), 0);
    bases[bases.size() - atom.size() + dim] = atom[dim];
    atom[dim] *= 2;
  }

  /// How many bits dimension `dim` has left.
  int64_t getLeft(unsigned dim) const {
    return llvm::Log2_64(available[dim] / atom[dim]);
  }

  SmallVector<int64_t> atom;
  SmallVector<int64_t> available;
};

} // namespace

TileLayout TileLayout::blocked(ArrayRef<int64_t> shape, int64_t numWarps,
                               int64_t elementBytes,
                               std::optional<unsigned> reduced) {
  assert(llvm::isPowerOf2_64(numWarps) && "expected a power of two of warps");
  BitDealer dealer(shape);
  int64_t elements = 1;
  for (int64_t extent : dealer.available)
    elements *= extent;
  // Wider accesses are worth less than busy threads.
  int64_t perThread = std::max<int64_t>(
      1, std::min({16 / std::max<int64_t>(elementBytes, 1),
                   dealer.available.back(), elements / (32 * numWarps)}));

  SmallVector<unsigned> late;
  if (reduced)
    late.push_back(*reduced);
  SmallVector<int64_t> registers, lanes, warps;
  for (int64_t i = 1; i < perThread; i *= 2)
    dealer.deal(registers);
  for (unsigned bit = 0; bit != laneBits; ++bit)
    dealer.deal(lanes);
  for (int64_t i = 1; i < numWarps; i *= 2)
    dealer.deal(warps, late);
  return get(shape, dealer.atom, registers, lanes, warps);
}

/// The most elements that a thread scans so that no other warp need take part.
static constexpr int64_t maxScannedAlone = 16;

TileLayout TileLayout::scanned(ArrayRef<int64_t> shape, int64_t numWarps,
                               int64_t elementBytes, unsigned axis,
                               std::optional<unsigned> reduced) {
  assert(llvm::isPowerOf2_64(numWarps) && "expected a power of two of warps");
  BitDealer dealer(shape);
  unsigned last = shape.size() - 1;
  SmallVector<int64_t> registers, lanes, warps;

  SmallVector<unsigned> late;
  if (reduced && *reduced != axis)
    late.push_back(*reduced);
  late.push_back(axis);

  // Wide accesses, unless they leave threads without a line of their own.
  int64_t lines = 1, elements = 1;
  for (auto [dim, extent] : llvm::enumerate(dealer.available)) {
    elements *= extent;
    lines *= llvm::is_contained(late, dim) ? 1 : extent;
  }
  int64_t shared = (axis == last ? elements : lines) / (32 * numWarps);
  int64_t width =
      std::max<int64_t>(1, std::min({16 / std::max<int64_t>(elementBytes, 1),
                                     dealer.available.back(), shared}));
  for (int64_t i = 1; i < width; i *= 2)
    dealer.dealFrom(last, registers);

  // How many bits of the axis lanes and warps have.
  int64_t axisBits = dealer.getLeft(axis), otherBits = 0;
  for (unsigned dim = 0; dim <= last; ++dim)
    otherBits += dim == axis ? 0 : dealer.getLeft(dim);
  int64_t axisLanes =
      axis == last
          ? std::min<int64_t>(laneBits, axisBits)
          : std::min(std::max<int64_t>(laneBits - otherBits, 0), axisBits);
  int64_t otherLanes = std::min<int64_t>(laneBits - axisLanes, otherBits);
  int64_t warpBits = llvm::Log2_64(numWarps);
  int64_t otherWarps = std::min(warpBits, otherBits - otherLanes);
  int64_t held = 1;
  for (int64_t extent : shape)
    held *= extent;
  held >>= axisLanes + otherLanes + otherWarps;
  int64_t axisWarps = 0;
  while (held > maxScannedAlone && axisWarps < warpBits - otherWarps &&
         axisWarps < axisBits - axisLanes) {
    held /= 2;
    ++axisWarps;
  }

  // Consecutive elements are one thread's, unless that makes accesses narrow.
  if (axis != last)
    for (int64_t i = axisLanes + axisWarps; i < axisBits; ++i)
      dealer.dealFrom(axis, registers);
  for (unsigned bit = 0; bit != laneBits; ++bit)
    dealer.deal(lanes, axis == last ? ArrayRef<unsigned>() : late);
  for (int64_t bit = 0; bit != otherWarps + axisWarps; ++bit)
    dealer.deal(warps, late);
  warps.resize(warpBits * shape.size(), 0);
  return get(shape, dealer.atom, registers, lanes, warps);
}

/// The rows of a wgmma fragment: 16 per warp, 64 per warpgroup.
static SmallVector<int64_t> getWgmmaWarps(int64_t numWarps) {
  SmallVector<int64_t> warps;
  for (int64_t i = 1; i < numWarps; i *= 2)
    warps.append({16 * i, 0});
  return warps;
}

TileLayout TileLayout::wgmmaAccumulator(int64_t m, int64_t n,
                                        int64_t numWarps) {
  return get({m, n}, {16 * numWarps, 8}, {0, 1, 8, 0},
             {0, 2, 0, 4, 1, 0, 2, 0, 4, 0}, getWgmmaWarps(numWarps));
}

TileLayout TileLayout::wgmmaOperandA(int64_t m, int64_t k, unsigned elementBits,
                                     int64_t numWarps) {
  // A thread's register of 32 bits holds `packed` elements along K.
  int64_t packed = 32 / elementBits;
  SmallVector<int64_t> registers, lanes;
  for (int64_t i = 1; i < packed; i *= 2)
    registers.append({0, i});
  registers.append({8, 0, 0, 4 * packed});
  lanes.append({0, packed, 0, 2 * packed, 1, 0, 2, 0, 4, 0});
  return get({m, k}, {16 * numWarps, 8 * packed}, registers, lanes,
             getWgmmaWarps(numWarps));
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

int64_t TileLayout::getNumRegisters() const {
  int64_t result = int64_t(1) << (registers.size() / getRank());
  for (auto [extent, part] : llvm::zip_equal(shape, atom))
    result *= extent / part;
  return result;
}

int64_t TileLayout::getNumWarps() const {
  return int64_t(1) << (warps.size() / getRank());
}

/// Adds the basis vectors selected by the bits of `index` to `coords`.
static void addBases(ArrayRef<int64_t> bases, int64_t index,
                     llvm::MutableArrayRef<int64_t> coords) {
  size_t rank = coords.size();
  for (size_t first = 0; first != bases.size(); first += rank, index >>= 1) {
    if (!(index & 1))
      continue;
    for (size_t dim = 0; dim != rank; ++dim)
      coords[dim] += bases[first + dim];
  }
}

TileLayout::Coords TileLayout::getRegisterOffset(int64_t reg) const {
  unsigned rank = getRank();
  Coords coords(rank, 0);
  int64_t bits = registers.size() / rank;
  addBases(registers, reg & ((int64_t(1) << bits) - 1), coords);
  int64_t repetition = reg >> bits;
  for (unsigned dim = rank; dim-- > 0;) {
    int64_t count = shape[dim] / atom[dim];
    coords[dim] += repetition % count * atom[dim];
    repetition /= count;
  }
  return coords;
}

static SmallVector<int64_t> getColumn(ArrayRef<int64_t> bases, unsigned rank,
                                      unsigned dim) {
  SmallVector<int64_t> column;
  for (size_t first = 0; first != bases.size(); first += rank)
    column.push_back(bases[first + dim]);
  return column;
}

SmallVector<int64_t> TileLayout::getLaneBases(unsigned dim) const {
  return getColumn(lanes, getRank(), dim);
}

SmallVector<int64_t> TileLayout::getWarpBases(unsigned dim) const {
  return getColumn(warps, getRank(), dim);
}

TileLayout::Coords TileLayout::getCoords(int64_t reg, int64_t lane,
                                         int64_t warp) const {
  Coords coords = getRegisterOffset(reg);
  addBases(lanes, lane, coords);
  addBases(warps, warp, coords);
  return coords;
}

static uint64_t getZeroMask(ArrayRef<int64_t> bases, unsigned rank) {
  uint64_t mask = 0;
  for (size_t bit = 0; bit * rank != bases.size(); ++bit) {
    if (llvm::all_of(bases.slice(bit * rank, rank),
                     [](int64_t x) { return x == 0; }))
      mask |= uint64_t(1) << bit;
  }
  return mask;
}

uint64_t TileLayout::getReplicatedLaneMask() const {
  return getZeroMask(lanes, getRank());
}

uint64_t TileLayout::getReplicatedWarpMask() const {
  return getZeroMask(warps, getRank());
}

int64_t TileLayout::getRun(unsigned dim) const {
  // No thread may start inside a run.
  int64_t limit = shape[dim] & -shape[dim];
  for (int64_t base : getLaneBases(dim)) {
    if (base)
      limit = std::min(limit, base);
  }
  for (int64_t base : getWarpBases(dim)) {
    if (base)
      limit = std::min(limit, base);
  }
  int64_t count = getNumRegisters();
  limit = std::min(limit, count & -count);
  for (int64_t reg = 0; reg != count; ++reg) {
    while (limit > 1) {
      Coords expected = getRegisterOffset(reg & -limit);
      int64_t start = expected[dim];
      expected[dim] += reg & (limit - 1);
      if (start % limit == 0 && getRegisterOffset(reg) == expected)
        break;
      limit /= 2;
    }
  }
  return limit;
}

std::optional<int64_t>
TileLayout::findRegister(ArrayRef<int64_t> offset) const {
  unsigned rank = getRank();
  int64_t repetition = 0;
  SmallVector<int64_t> rest;
  for (unsigned dim = 0; dim != rank; ++dim) {
    if (offset[dim] < 0 || offset[dim] >= shape[dim])
      return std::nullopt;
    repetition =
        repetition * (shape[dim] / atom[dim]) + offset[dim] / atom[dim];
    rest.push_back(offset[dim] % atom[dim]);
  }
  int64_t bits = registers.size() / rank;
  int64_t reg = 0;
  for (int64_t bit = 0; bit != bits; ++bit) {
    for (unsigned dim = 0; dim != rank; ++dim) {
      int64_t base = registers[bit * rank + dim];
      if (base && (rest[dim] & base)) {
        rest[dim] -= base;
        reg |= int64_t(1) << bit;
      }
    }
  }
  if (llvm::any_of(rest, [](int64_t x) { return x; }))
    return std::nullopt;
  return (repetition << bits) | reg;
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

SmallVector<AxisPart> TileLayout::getAxisParts(unsigned axis) const {
  SmallVector<AxisPart> parts;
  // Lanes out of order are an entry each.
  auto add = [&](AxisPart::Holder holder, int64_t count, uint64_t mask) {
    if (!parts.empty() && parts.back().holder == holder &&
        parts.back().mask <= mask) {
      parts.back().count *= count;
      parts.back().mask |= mask;
      return;
    }
    int64_t extent =
        parts.empty() ? 1 : parts.back().extent * parts.back().count;
    parts.push_back({holder, count, extent, mask});
  };
  SmallVector<int64_t> laneBases = getLaneBases(axis),
                       warpBases = getWarpBases(axis);
  for (int64_t bit = 1; bit != atom[axis]; bit *= 2) {
    if (auto *lane = llvm::find(laneBases, bit); lane != laneBases.end())
      add(AxisPart::Lanes, 2, uint64_t(1) << (lane - laneBases.begin()));
    else if (auto *warp = llvm::find(warpBases, bit); warp != warpBases.end())
      add(AxisPart::Warps, 2, uint64_t(1) << (warp - warpBases.begin()));
    else
      add(AxisPart::Registers, 2, 0);
  }
  if (int64_t count = shape[axis] / atom[axis]; count != 1)
    add(AxisPart::Registers, count, 0);
  return parts;
}

int64_t TileLayout::getWarpParts(unsigned axis) const {
  int64_t parts = 1;
  for (const AxisPart &part : getAxisParts(axis))
    if (part.holder == AxisPart::Warps)
      parts *= part.count;
  return parts;
}

TileLayout TileLayout::coarsen(unsigned axis, int64_t extent) const {
  unsigned rank = getRank();
  assert(axis < rank && shape[axis] % extent == 0 && "expected whole parts");
  auto divide = [&](ArrayRef<int64_t> bases, bool keepZero) {
    SmallVector<int64_t> result;
    for (size_t first = 0; first != bases.size(); first += rank) {
      int64_t base = bases[first + axis];
      if (!keepZero && base && base < extent)
        continue;
      llvm::append_range(result, bases.slice(first, rank));
      result[result.size() - rank + axis] = base / extent;
    }
    return result;
  };
  SmallVector<int64_t> newShape = llvm::to_vector(getShape()),
                       newAtom = llvm::to_vector(getAtom());
  newShape[axis] /= extent;
  newAtom[axis] = std::max<int64_t>(newAtom[axis] / extent, 1);
  return get(newShape, newAtom, divide(registers, false), divide(lanes, true),
             divide(warps, true));
}

TileLayout TileLayout::slice(unsigned axis) const {
  unsigned rank = getRank();
  assert(rank > 1 && axis < rank && "expected a dimension to drop");
  auto drop = [&](ArrayRef<int64_t> bases, bool keepZero) {
    SmallVector<int64_t> result;
    for (size_t first = 0; first != bases.size(); first += rank) {
      if (!keepZero && bases[first + axis])
        continue;
      for (unsigned dim = 0; dim != rank; ++dim) {
        if (dim != axis)
          result.push_back(bases[first + dim]);
      }
    }
    return result;
  };
  return get(drop(shape, true), drop(atom, true), drop(registers, false),
             drop(lanes, true), drop(warps, true));
}

TileLayout TileLayout::slice(ArrayRef<int64_t> axes) const {
  TileLayout result = *this;
  for (int64_t axis : llvm::reverse(axes))
    result = result.slice(static_cast<unsigned>(axis));
  return result;
}

TileLayout TileLayout::reduce(unsigned axis) const {
  return getRank() > 1 ? slice(axis) : coarsen(axis, shape[axis]);
}

int64_t TileLayout::getReducedRegister(int64_t reg, unsigned axis) const {
  if (getRank() == 1)
    return 0;
  Coords offset = getRegisterOffset(reg);
  offset.erase(offset.begin() + axis);
  return *slice(axis).findRegister(offset);
}

TileLayout TileLayout::permute(ArrayRef<int64_t> permutation) const {
  unsigned rank = getRank();
  auto apply = [&](ArrayRef<int64_t> bases) {
    SmallVector<int64_t> result;
    for (size_t first = 0; first != bases.size(); first += rank) {
      for (int64_t dim : permutation)
        result.push_back(bases[first + dim]);
    }
    return result;
  };
  return get(apply(shape), apply(atom), apply(registers), apply(lanes),
             apply(warps));
}

LayoutConversion TileLayout::getConversion(const TileLayout &other) const {
  assert(shape == other.shape && "expected layouts of one tile");
  if (*this == other)
    return LayoutConversion::Identity;
  // Where threads start at the same coordinates, the registers of both cover
  // the same rest.
  if (lanes == other.lanes && warps == other.warps)
    return LayoutConversion::Registers;
  return LayoutConversion::Threads;
}
