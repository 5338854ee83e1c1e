//===- MemoryOps.cpp - Moving tiles and scalars between views and values --===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Combine.h"
#include "reference/Rules.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle::reference;

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// The elements `first` to `last` - 1 of `extent` that are inside if the first
/// one is at `offset` of a dimension of `size` elements.
struct Inside {
  uint64_t first = 0, last = 0;
  Inside(int64_t offset, int64_t extent, int64_t size) {
    auto elements = uint64_t(extent), available = uint64_t(size);
    if (offset < 0) {
      first = std::min(elements, -uint64_t(offset));
      last = std::min(elements, first + available);
    } else if (offset < size) {
      last = std::min(elements, available - uint64_t(offset));
    }
  }
};

/// Calls `visit(i, count, address, stride)` for all runs of elements of a tile
/// at `offsets` of `view` that are inside: `count` elements, from element `i`
/// of the tile and from `address` of the buffer on. The tile covers the last
/// dimensions of the view. Returns how many elements are inside.
template <typename Fn>
static uint64_t forEachRun(const View &view, std::span<const int64_t> offsets,
                           std::span<const int64_t> tileShape, Fn visit) {
  size_t leading = view.rank - tileShape.size(), last = view.rank - 1;
  uint64_t base = view.offset;
  for (size_t dim = 0; dim < leading; ++dim) {
    if (!view.isInside(dim, offsets[dim]))
      return 0;
    base += uint64_t(offsets[dim]) * view.strides[dim];
  }
  auto extent = uint64_t(tileShape.back());
  Inside columns(offsets[last], tileShape.back(), view.shape[last]);
  if (columns.first >= columns.last)
    return 0;
  base += (uint64_t(offsets[last]) + columns.first) * view.strides[last];
  uint64_t row = 0, inside = 0;
  forEachIndex(tileShape.first(tileShape.size() - 1),
               [&](std::span<const int64_t> index) {
                 uint64_t address = base, first = row++ * extent;
                 for (size_t d = 0; d < index.size(); ++d) {
                   size_t dim = leading + d;
                   uint64_t at = uint64_t(offsets[dim]) + uint64_t(index[d]);
                   if (!view.isInside(dim, int64_t(at)))
                     return;
                   address += at * view.strides[dim];
                 }
                 uint64_t count = columns.last - columns.first;
                 inside += count;
                 visit(first + columns.first, count, address,
                       view.strides[last]);
               });
  return inside;
}

/// Reads the elements of a tile that are inside of `view` to `to`, and leaves
/// the others alone. Returns how many are inside.
static uint64_t readInside(const View &view, std::span<const int64_t> offsets,
                           std::span<const int64_t> tileShape, Element *to) {
  const Element *from = view.buffer->elements.data();
  return forEachRun(
      view, offsets, tileShape,
      [&](uint64_t i, uint64_t count, uint64_t address, uint64_t stride) {
        for (uint64_t n = 0; n < count; ++n)
          to[i + n] = from[address + n * stride];
      });
}

static std::vector<int64_t> getOffsets(const Frame &frame, const Operation &op,
                                       size_t first) {
  std::vector<int64_t> offsets;
  for (uint32_t operand : std::span(op.operands).subspan(first))
    offsets.push_back(frame.getInt(operand));
  return offsets;
}

/// Element `row` of an offset that is a tile, or the offset.
static int64_t getOffset(const Frame &frame, uint32_t operand, size_t row) {
  const Type &type = frame.getType(operand);
  if (type.form != Form::Tile)
    return frame.getInt(operand);
  return signExtend(frame.getTile(operand).elements[row].i, type.element.width);
}

/// A load of which tiles say where each row is.
static bool runGather(Frame &frame, const Operation &op) {
  const View &view = frame.getView(op.operands[0]);
  Tile tile(frame.getType(op.results[0]));
  std::span<const int64_t> shape = tile.getShape();
  size_t covered = shape.size() - 1, outer = view.rank - covered;
  const Attribute *pad = op.find("pad");
  std::ranges::fill(tile.elements, pad ? std::get<Numbers>(*pad).front()
                                       : getPoison(tile.type->element));
  size_t rowElements = tile.elements.size() / size_t(shape[0]);
  uint64_t inside = 0;
  for (size_t row = 0; row < size_t(shape[0]); ++row) {
    // The row is a tile of the view without the dimensions before it.
    View rest{.buffer = view.buffer, .offset = view.offset};
    std::vector<int64_t> offsets;
    bool isOutside = false;
    for (size_t dim = 0; dim < view.rank; ++dim) {
      int64_t offset = getOffset(frame, op.operands[1 + dim], row);
      if (dim >= outer) {
        offsets.push_back(offset);
        rest.shape[rest.rank] = view.shape[dim];
        rest.strides[rest.rank++] = view.strides[dim];
        continue;
      }
      if (!view.isInside(dim, offset)) {
        if (!pad)
          return frame.error(
              op,
              "offset {} of row {} is outside of dimension {} of the view, "
              "which has {} elements, and the load has no pad",
              offset, row, dim, view.shape[dim]);
        isOutside = true;
      }
      rest.offset += uint64_t(offset) * view.strides[dim];
    }
    if (isOutside)
      continue;
    Element *to = tile.elements.data() + row * rowElements;
    if (covered == 0) {
      *to = view.buffer->elements[rest.offset];
      ++inside;
      continue;
    }
    inside += readInside(rest, offsets, shape.subspan(1), to);
  }
  frame.execution.countRead(op, inside * getByteWidth(tile.type->element));
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

static bool isGather(const Frame &frame, const Operation &op) {
  return std::ranges::any_of(std::span(op.operands).subspan(1),
                             [&](uint32_t offset) {
                               return frame.getType(offset).form == Form::Tile;
                             });
}

static bool runLoad(Frame &frame, const Operation &op) {
  if (isGather(frame, op))
    return runGather(frame, op);
  const View &view = frame.getView(op.operands[0]);
  std::vector<int64_t> offsets = getOffsets(frame, op, 1);
  Tile tile(frame.getType(op.results[0]));
  Element pad = getPoison(tile.type->element);
  if (const Attribute *given = op.find("pad")) {
    pad = std::get<Numbers>(*given).front();
  } else {
    // A dimension that only an offset indexes must not be left by it.
    for (size_t dim = 0; dim < view.rank - tile.getRank(); ++dim)
      if (!view.isInside(dim, offsets[dim]))
        return frame.error(
            op,
            "offset {} is outside of dimension {} of the view, which has {} "
            "elements; a tile may overhang only in its own dimensions, unless "
            "the load has a pad",
            offsets[dim], dim, view.shape[dim]);
  }
  std::ranges::fill(tile.elements, pad);
  uint64_t inside =
      readInside(view, offsets, tile.getShape(), tile.elements.data());
  frame.execution.countRead(op, inside * getByteWidth(tile.type->element));
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

static bool runStore(Frame &frame, const Operation &op) {
  const Tile &tile = frame.getTile(op.operands[0]);
  const View &view = frame.getView(op.operands[1]);
  Element *elements = view.buffer->elements.data();
  uint8_t *written = view.buffer->written.data();
  bool reduces = op.find("reduce") != nullptr;
  auto kind = ReduceKind(op.getInt("reduce"));
  NumberType type = tile.type->element;
  Rounding round = frame.getRounding(type);
  uint64_t inside = forEachRun(
      view, getOffsets(frame, op, 2), tile.getShape(),
      [&](uint64_t i, uint64_t count, uint64_t address, uint64_t stride) {
        for (uint64_t n = 0; n < count; ++n) {
          Element value = tile.elements[i + n];
          Element &target = elements[address + n * stride];
          target = reduces ? combine(kind, type, target, value, round) : value;
          written[address + n * stride] = 1;
        }
      });
  frame.execution.bytesWritten += inside * getByteWidth(type);
  if (reduces)
    frame.execution.bytesRead += inside * getByteWidth(type);
  return true;
}

/// A view, a tile of its last dimensions, and an operand for each dimension
/// from operand `first` on.
static std::string verifyAccess(const Site &site, const Type &view,
                                const Type &tile, size_t first) {
  if (view.form != Form::View || tile.form != Form::Tile ||
      view.element != tile.element || tile.shape.empty() ||
      tile.shape.size() > view.shape.size())
    return fmt::format("expected a view and a tile of its last dimensions, "
                       "found {} and {}",
                       view.getName(), tile.getName());
  if (site.getNumOperands() != first + view.shape.size())
    return fmt::format("expected {} offsets, found {}", view.shape.size(),
                       site.getNumOperands() - first);
  return "";
}

/// Indices, or tiles of one for each row along dimensions that the tile does
/// not cover then.
static std::string verifyOffsets(const Site &site) {
  bool gathers = false;
  for (size_t i = 1; i < site.getNumOperands(); ++i)
    gathers |= site.operand(i).form == Form::Tile;
  if (!gathers)
    return verifyIndices(site, 1, site.getNumOperands());
  size_t outer = site.operand(0).shape.size() - site.result().shape.size() + 1;
  for (size_t i = 1; i < site.getNumOperands(); ++i) {
    const Type &type = site.operand(i);
    bool isTile = i <= outer && type.form == Form::Tile &&
                  !type.element.isFloat() && type.shape.size() == 1 &&
                  type.shape[0] == site.result().shape[0];
    if (!isTile && !type.isIndex())
      return fmt::format("expected operand {} to be an index{}, found {}", i,
                         i <= outer ? " or a tile of one for each row" : "",
                         type.getName());
  }
  return "";
}

static std::string verifyLoad(const Site &site) {
  if (site.getNumOperands() < 1 || site.getNumResults() != 1)
    return "expected a view and a result";
  const Attribute *pad = site.op.find("pad");
  if (pad && std::get<Numbers>(*pad).size() != 1)
    return "expected a number as pad";
  if (std::string wrong = verifyAccess(site, site.operand(0), site.result(), 1);
      !wrong.empty())
    return wrong;
  return verifyOffsets(site);
}

static std::string verifyStore(const Site &site) {
  if (site.getNumOperands() < 2 || site.getNumResults() != 0)
    return "expected a tile, a view and no result";
  int64_t kind = site.op.getInt("reduce");
  auto most =
      site.operand(0).element.isFloat() ? ReduceKind::Min : ReduceKind::Xor;
  if (kind < 0 || kind > int64_t(most))
    return fmt::format("expected a kind in 0..{}, found {}", int64_t(most),
                       kind);
  if (std::string wrong =
          verifyAccess(site, site.operand(1), site.operand(0), 2);
      !wrong.empty())
    return wrong;
  return verifyIndices(site, 2, site.getNumOperands());
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

/// The place of one element in the buffer, or nothing if an error has been
/// reported.
static std::optional<uint64_t> getAddress(Frame &frame, const Operation &op,
                                          const View &view, size_t first) {
  uint64_t address = view.offset;
  for (size_t dim = 0; dim < view.rank; ++dim) {
    int64_t index = frame.getInt(op.operands[first + dim]);
    if (!view.isInside(dim, index)) {
      frame.error(op,
                  "index {} is outside of dimension {} of the memref, which "
                  "has {} elements",
                  index, dim, view.shape[dim]);
      return std::nullopt;
    }
    address += uint64_t(index) * view.strides[dim];
  }
  return address;
}

static bool runScalarLoad(Frame &frame, const Operation &op) {
  const View &view = frame.getView(op.operands[0]);
  std::optional<uint64_t> address = getAddress(frame, op, view, 1);
  if (!address)
    return false;
  frame.execution.bytesRead += getByteWidth(view.buffer->elementType);
  frame.set(op.results[0], view.buffer->elements[*address]);
  return true;
}

static bool runScalarStore(Frame &frame, const Operation &op) {
  const View &view = frame.getView(op.operands[1]);
  std::optional<uint64_t> address = getAddress(frame, op, view, 2);
  if (!address)
    return false;
  view.buffer->elements[*address] = frame.getScalar(op.operands[0]);
  view.buffer->written[*address] = 1;
  frame.execution.bytesWritten += getByteWidth(view.buffer->elementType);
  return true;
}

/// A view, a number of its type, and an index for each dimension from operand
/// `first` on.
static std::string verifyScalar(const Site &site, const Type &view,
                                const Type &number, size_t first) {
  if (view.form != Form::View || !number.isScalar(view.element))
    return fmt::format("expected a view and one of its elements, found {} and "
                       "{}",
                       view.getName(), number.getName());
  if (site.getNumOperands() != first + view.shape.size())
    return fmt::format("expected {} indices, found {}", view.shape.size(),
                       site.getNumOperands() - first);
  return verifyIndices(site, first, site.getNumOperands());
}

static std::string verifyScalarLoad(const Site &site) {
  if (site.getNumOperands() < 1 || site.getNumResults() != 1)
    return "expected a view and a result";
  return verifyScalar(site, site.operand(0), site.result(), 1);
}

static std::string verifyScalarStore(const Site &site) {
  if (site.getNumOperands() < 2 || site.getNumResults() != 0)
    return "expected a number, a view and no result";
  return verifyScalar(site, site.operand(1), site.operand(0), 2);
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static bool runDim(Frame &frame, const Operation &op) {
  const View &view = frame.getView(op.operands[0]);
  int64_t dim = frame.getInt(op.operands[1]);
  if (dim < 0 || dim >= int64_t(view.rank))
    return frame.error(op, "dimension {} is not one of a memref of rank {}",
                       dim, view.rank);
  frame.setInt(op.results[0], view.shape[size_t(dim)]);
  return true;
}

static std::string verifyDim(const Site &site) {
  if (std::string wrong = verifyCounts(site, 2, 1); !wrong.empty())
    return wrong;
  if (site.operand(0).form != Form::View || !site.operand(1).isIndex() ||
      !site.result().isIndex())
    return "expected a view, an index and a result of type index";
  return "";
}

static bool runSubview(Frame &frame, const Operation &op) {
  const View source = frame.getView(op.operands[0]);
  const Ints &offsets = op.getInts("static_offsets");
  const Ints &sizes = op.getInts("static_sizes");
  const Ints &strides = op.getInts("static_strides");
  const Ints &dropped = op.getInts("dropped_dims");
  size_t nextOffset = 1,
         nextSize = 1 + size_t(std::ranges::count(offsets, dynamic));
  size_t nextStride = nextSize + size_t(std::ranges::count(sizes, dynamic));
  View result{.buffer = source.buffer, .offset = source.offset};
  for (size_t dim = 0; dim < source.rank; ++dim) {
    int64_t offset = getMixed(frame, op, offsets, dim, nextOffset);
    int64_t size = getMixed(frame, op, sizes, dim, nextSize);
    int64_t stride = getMixed(frame, op, strides, dim, nextStride);
    int64_t last = 0;
    bool fits = !__builtin_mul_overflow(size - (size > 0), stride, &last) &&
                !__builtin_add_overflow(last, offset, &last);
    if (size != 0 && !(size > 0 && fits && source.isInside(dim, offset) &&
                       source.isInside(dim, last)))
      return frame.error(op,
                         "elements {} to {} are not inside of dimension {} of "
                         "the memref, which has {} elements",
                         offset, last, dim, source.shape[dim]);
    result.offset += uint64_t(offset) * source.strides[dim];
    if (std::ranges::count(dropped, int64_t(dim)) != 0) {
      if (size != 1)
        return frame.error(op,
                           "expected one element of dimension {}, which is "
                           "dropped, found {}",
                           dim, size);
      continue;
    }
    result.shape[result.rank] = size;
    result.strides[result.rank++] = source.strides[dim] * uint64_t(stride);
  }
  frame.set(op.results[0], result);
  return true;
}

static std::string verifySubview(const Site &site) {
  if (site.getNumOperands() < 1 || site.getNumResults() != 1)
    return "expected a view and a result";
  const Type &source = site.operand(0), &result = site.result();
  const Ints &dropped = site.op.getInts("dropped_dims");
  if (source.form != Form::View || result.form != Form::View ||
      source.element != result.element ||
      result.shape.size() + dropped.size() != source.shape.size())
    return fmt::format("expected a view of a view, found {} and {}",
                       source.getName(), result.getName());
  for (size_t i = 0; i < dropped.size(); ++i)
    if (dropped[i] < 0 || dropped[i] >= int64_t(source.shape.size()) ||
        (i > 0 && dropped[i] <= dropped[i - 1]))
      return "expected dropped dimensions in order";
  return verifySlice(site, 1, source.shape.size());
}

static bool runCast(Frame &frame, const Operation &op) {
  const View view = frame.getView(op.operands[0]);
  const Type &type = frame.getType(op.results[0]);
  for (size_t dim = 0; dim < view.rank; ++dim)
    if (type.shape[dim] != dynamic && type.shape[dim] != view.shape[dim])
      return frame.error(op,
                         "expected dimension {} to have {} elements, found {}",
                         dim, type.shape[dim], view.shape[dim]);
  frame.set(op.results[0], view);
  return true;
}

static std::string verifyCast(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Type &from = site.operand(0), &to = site.result();
  if (from.form != Form::View || to.form != Form::View ||
      from.element != to.element || from.shape.size() != to.shape.size())
    return fmt::format("expected views of one rank, found {} and {}",
                       from.getName(), to.getName());
  return "";
}

void heddle::reference::addMemoryOps(Registry &registry) {
  registry.add({.name = "tile.load",
                .attributes = {{"pad", AttributeKind::Numbers, false}},
                .verify = verifyLoad,
                .run = runLoad});
  registry.add({.name = "tile.store",
                .attributes = {{"reduce", AttributeKind::Int, false}},
                .verify = verifyStore,
                .run = runStore});
  registry.add("memref.cast", verifyCast, runCast);
  registry.add("memref.dim", verifyDim, runDim);
  registry.add("memref.load", verifyScalarLoad, runScalarLoad);
  registry.add("memref.store", verifyScalarStore, runScalarStore);
  registry.add({.name = "memref.subview",
                .attributes = {{"operandSegmentSizes", AttributeKind::Ints},
                               {"static_offsets", AttributeKind::Ints},
                               {"static_sizes", AttributeKind::Ints},
                               {"static_strides", AttributeKind::Ints},
                               {"dropped_dims", AttributeKind::Ints}},
                .verify = verifySubview,
                .run = runSubview});
}
