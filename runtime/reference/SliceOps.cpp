//===- SliceOps.cpp - Cutting tiles ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Interpreter.h"
#include "reference/Rules.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle::reference;

/// The elements of `whole` that a slice of `count` elements covers, in the
/// slice's order, or nothing if an error has been reported. Operands start at
/// `first`.
static std::optional<std::vector<size_t>> getSlice(Frame &frame,
                                                   const Operation &op,
                                                   const Tile &whole,
                                                   size_t first, size_t count) {
  const Ints &offsets = op.getInts("static_offsets");
  const Ints &sizes = op.getInts("static_sizes");
  const Ints &strides = op.getInts("static_strides");
  size_t nextOffset = first;
  size_t nextSize = nextOffset + size_t(std::ranges::count(offsets, dynamic));
  size_t nextStride = nextSize + size_t(std::ranges::count(sizes, dynamic));
  std::vector<int64_t> wholeStrides = getRowMajorStrides(whole.getShape());
  // Without a sign, since strides of an empty tile may be anything.
  std::vector<int64_t> extents;
  std::vector<uint64_t> steps;
  uint64_t base = 0, covered = 1;
  bool overflows = false;
  for (size_t dim = 0; dim < whole.getRank(); ++dim) {
    int64_t offset = getMixed(frame, op, offsets, dim, nextOffset);
    int64_t size = getMixed(frame, op, sizes, dim, nextSize);
    int64_t stride = getMixed(frame, op, strides, dim, nextStride);
    int64_t extent = whole.getShape()[dim], last = 0, beyond = 0;
    bool fits = size >= 0 && !__builtin_sub_overflow(size, 1, &beyond) &&
                !__builtin_mul_overflow(beyond, stride, &last) &&
                !__builtin_add_overflow(last, offset, &last);
    if (!fits || offset < 0 || offset >= extent || last < 0 || last >= extent) {
      frame.error(op,
                  "elements {} to {} are not inside of dimension {} of the "
                  "tile, which has {} elements",
                  offset, last, dim, extent);
      return std::nullopt;
    }
    overflows |= __builtin_mul_overflow(covered, uint64_t(size), &covered);
    base += uint64_t(offset) * uint64_t(wholeStrides[dim]);
    extents.push_back(size);
    steps.push_back(uint64_t(stride) * uint64_t(wholeStrides[dim]));
  }
  if (overflows || covered != count) {
    frame.error(op, "expected a slice of {} elements, found {}", count,
                fmt::join(extents, "x"));
    return std::nullopt;
  }
  std::vector<size_t> places;
  forEachIndex(extents, [&](std::span<const int64_t> index) {
    uint64_t place = base;
    for (size_t dim = 0; dim < index.size(); ++dim)
      place += uint64_t(index[dim]) * steps[dim];
    places.push_back(place);
  });
  return places;
}

static bool runExtractSlice(Frame &frame, const Operation &op) {
  const Tile &whole = frame.getTile(op.operands[0]);
  Tile slice(frame.getType(op.results[0]));
  auto places = getSlice(frame, op, whole, 1, slice.elements.size());
  if (!places)
    return false;
  for (size_t i = 0; i < places->size(); ++i)
    slice.elements[i] = whole.elements[(*places)[i]];
  frame.setTile(op.results[0], std::move(slice));
  return true;
}

static bool runInsertSlice(Frame &frame, const Operation &op) {
  const Tile &slice = frame.getTile(op.operands[0]);
  Tile whole = frame.getTile(op.operands[1]);
  auto places = getSlice(frame, op, whole, 2, slice.elements.size());
  if (!places)
    return false;
  for (size_t i = 0; i < places->size(); ++i)
    whole.elements[(*places)[i]] = slice.elements[i];
  frame.setTile(op.results[0], std::move(whole));
  return true;
}

static std::string verifyTiles(const Site &site, const Type &slice,
                               const Type &whole, size_t first) {
  if (slice.form != Form::Tile || whole.form != Form::Tile ||
      slice.element != whole.element)
    return fmt::format("expected a tile and a part of it, found {} and {}",
                       whole.getName(), slice.getName());
  return verifySlice(site, first, whole.shape.size());
}

static std::string verifyExtractSlice(const Site &site) {
  if (site.getNumOperands() < 1 || site.getNumResults() != 1)
    return "expected a tile and a result";
  return verifyTiles(site, site.result(), site.operand(0), 1);
}

static std::string verifyInsertSlice(const Site &site) {
  if (site.getNumOperands() < 2 || site.getNumResults() != 1 ||
      site.operand(1) != site.result())
    return "expected two tiles and a result of the second's type";
  return verifyTiles(site, site.operand(0), site.operand(1), 2);
}

void heddle::reference::addSliceOps(Registry &registry) {
  std::vector<AttributeSpec> attributes = {
      {"operandSegmentSizes", AttributeKind::Ints},
      {"static_offsets", AttributeKind::Ints},
      {"static_sizes", AttributeKind::Ints},
      {"static_strides", AttributeKind::Ints}};
  registry.add({.name = "tensor.extract_slice",
                .attributes = attributes,
                .verify = verifyExtractSlice,
                .run = runExtractSlice});
  registry.add({.name = "tensor.insert_slice",
                .attributes = attributes,
                .verify = verifyInsertSlice,
                .run = runInsertSlice});
}
