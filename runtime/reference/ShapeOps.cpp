//===- ShapeOps.cpp - Making and rearranging tiles ------------------------===//
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

static size_t getLinear(std::span<const int64_t> index,
                        std::span<const int64_t> strides) {
  size_t linear = 0;
  for (size_t i = 0; i < index.size(); ++i)
    linear += size_t(index[i]) * size_t(strides[i]);
  return linear;
}

/// Makes the result: `compute(index)` is the element at `index`.
template <typename Fn>
static bool setTile(Frame &frame, const Operation &op, Fn compute) {
  Tile tile(frame.getType(op.results[0]));
  size_t i = 0;
  forEachIndex(tile.getShape(), [&](std::span<const int64_t> index) {
    tile.elements[i++] = compute(index);
  });
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

//===----------------------------------------------------------------------===//
// tile
//===----------------------------------------------------------------------===//

static bool runBroadcast(Frame &frame, const Operation &op) {
  const Tile &x = frame.getTile(op.operands[0]);
  // The operand does not move along new axes.
  std::vector<int64_t> strides = getRowMajorStrides(x.getShape());
  for (int64_t axis : op.getInts("axes"))
    strides.insert(strides.begin() + axis, 0);
  return setTile(frame, op, [&](std::span<const int64_t> index) {
    return x.elements[getLinear(index, strides)];
  });
}

static std::string verifyBroadcast(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Ints &axes = site.op.getInts("axes");
  Type from = site.result();
  if (from.form != Form::Tile)
    return "expected a tile";
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] < 0 || axes[i] >= int64_t(from.shape.size()) ||
        (i > 0 && axes[i] <= axes[i - 1]))
      return "expected axes of the result in order";
  for (size_t i = axes.size(); i-- > 0;)
    from.shape.erase(from.shape.begin() + axes[i]);
  if (site.operand(0) != from)
    return fmt::format("expected {}, found {}", from.getName(),
                       site.operand(0).getName());
  return "";
}

static bool runTranspose(Frame &frame, const Operation &op) {
  const Tile &x = frame.getTile(op.operands[0]);
  std::vector<int64_t> strides = getRowMajorStrides(x.getShape()), permuted;
  for (int64_t dim : op.getInts("permutation"))
    permuted.push_back(strides[size_t(dim)]);
  return setTile(frame, op, [&](std::span<const int64_t> index) {
    return x.elements[getLinear(index, permuted)];
  });
}

static std::string verifyTranspose(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Ints &permutation = site.op.getInts("permutation");
  const Type &x = site.operand(0);
  if (x.form != Form::Tile || permutation.size() != x.shape.size())
    return "expected a tile and a permutation of its dimensions";
  Type to = x;
  for (size_t dim = 0; dim < permutation.size(); ++dim) {
    if (std::ranges::count(permutation, int64_t(dim)) != 1)
      return "expected a permutation";
    // Not in range only if another number is missing, which is found then.
    if (uint64_t(permutation[dim]) < x.shape.size())
      to.shape[dim] = x.shape[size_t(permutation[dim])];
  }
  if (site.result() != to)
    return fmt::format("expected {}, found {}", to.getName(),
                       site.result().getName());
  return "";
}

static bool runIota(Frame &frame, const Operation &op) {
  auto axis = size_t(op.getInt("axis"));
  uint64_t mask = getMask(frame.getType(op.results[0]).element.width);
  return setTile(frame, op, [&](std::span<const int64_t> index) {
    return makeInt(uint64_t(index[axis]) & mask);
  });
}

static std::string verifyIota(const Site &site) {
  if (std::string wrong = verifyCounts(site, 0, 1); !wrong.empty())
    return wrong;
  const Type &type = site.result();
  if (type.form != Form::Tile || type.element.isFloat() ||
      uint64_t(site.op.getInt("axis")) >= type.shape.size())
    return "expected a tile of integers and one of its axes";
  return "";
}

//===----------------------------------------------------------------------===//
// tensor
//===----------------------------------------------------------------------===//

static bool runSplat(Frame &frame, const Operation &op) {
  Element x = frame.getScalar(op.operands[0]);
  return setTile(frame, op, [&](std::span<const int64_t>) { return x; });
}

static std::string verifySplat(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  if (site.result().form != Form::Tile ||
      !site.operand(0).isScalar(site.result().element))
    return "expected a number that becomes a tile of its type";
  return "";
}

static bool runEmpty(Frame &frame, const Operation &op) {
  Element poison = getPoison(frame.getType(op.results[0]).element);
  return setTile(frame, op, [&](std::span<const int64_t>) { return poison; });
}

static std::string verifyEmpty(const Site &site) {
  if (std::string wrong = verifyCounts(site, 0, 1); !wrong.empty())
    return wrong;
  return site.result().form == Form::Tile ? "" : "expected a tile";
}

static bool runFromElements(Frame &frame, const Operation &op) {
  size_t i = 0;
  return setTile(frame, op, [&](std::span<const int64_t>) {
    return frame.getScalar(op.operands[i++]);
  });
}

static std::string verifyFromElements(const Site &site) {
  if (site.getNumResults() != 1 || site.result().form != Form::Tile ||
      site.getNumOperands() != size_t(site.result().getNumElements()))
    return "expected as many numbers as the result has elements";
  for (size_t i = 0; i < site.getNumOperands(); ++i)
    if (!site.operand(i).isScalar(site.result().element))
      return "expected numbers of the result's type";
  return "";
}

/// The same elements in another shape of the same size.
static bool runReshape(Frame &frame, const Operation &op) {
  Tile tile(frame.getType(op.results[0]));
  tile.elements = frame.getTile(op.operands[0]).elements;
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

static std::string verifyReshape(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Type &from = site.operand(0), &to = site.result();
  if (from.form != Form::Tile || to.form != Form::Tile ||
      from.element != to.element ||
      from.getNumElements() != to.getNumElements())
    return fmt::format("expected a tile of as many elements, found {} and {}",
                       from.getName(), to.getName());
  return "";
}

/// The place of one element in a tile, or nothing if an error has been
/// reported.
static std::optional<size_t> getPlace(Frame &frame, const Operation &op,
                                      const Tile &tile, size_t first) {
  std::vector<int64_t> index;
  for (size_t dim = 0; dim < tile.getRank(); ++dim) {
    int64_t i = frame.getInt(op.operands[first + dim]);
    if (i < 0 || i >= tile.getShape()[dim]) {
      frame.error(op,
                  "index {} is outside of dimension {} of the tile, which has "
                  "{} elements",
                  i, dim, tile.getShape()[dim]);
      return std::nullopt;
    }
    index.push_back(i);
  }
  return getLinear(index, getRowMajorStrides(tile.getShape()));
}

static bool runExtract(Frame &frame, const Operation &op) {
  const Tile &tile = frame.getTile(op.operands[0]);
  std::optional<size_t> place = getPlace(frame, op, tile, 1);
  if (place)
    frame.set(op.results[0], Element(tile.elements[*place]));
  return place.has_value();
}

static bool runInsert(Frame &frame, const Operation &op) {
  Tile tile = frame.getTile(op.operands[1]);
  std::optional<size_t> place = getPlace(frame, op, tile, 2);
  if (!place)
    return false;
  tile.elements[*place] = frame.getScalar(op.operands[0]);
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

/// A tile, one of its elements, and an index for each dimension from operand
/// `first` on.
static std::string verifyElement(const Site &site, const Type &tile,
                                 const Type &element, size_t first) {
  if (tile.form != Form::Tile || !element.isScalar(tile.element) ||
      site.getNumOperands() != first + tile.shape.size())
    return fmt::format("expected a tile, one of its elements and {} indices, "
                       "found {} and {}",
                       tile.shape.size(), tile.getName(), element.getName());
  return verifyIndices(site, first, site.getNumOperands());
}

static std::string verifyExtract(const Site &site) {
  if (site.getNumOperands() < 1 || site.getNumResults() != 1)
    return "expected a tile and a result";
  return verifyElement(site, site.operand(0), site.result(), 1);
}

static std::string verifyInsert(const Site &site) {
  if (site.getNumOperands() < 2 || site.getNumResults() != 1 ||
      site.operand(1) != site.result())
    return "expected an element, a tile and a result of its type";
  return verifyElement(site, site.operand(1), site.operand(0), 2);
}

static bool runDim(Frame &frame, const Operation &op) {
  const Tile &tile = frame.getTile(op.operands[0]);
  int64_t dim = frame.getInt(op.operands[1]);
  if (dim < 0 || dim >= int64_t(tile.getRank()))
    return frame.error(op, "dimension {} is not one of a tile of rank {}", dim,
                       tile.getRank());
  frame.setInt(op.results[0], tile.getShape()[size_t(dim)]);
  return true;
}

static std::string verifyDim(const Site &site) {
  if (std::string wrong = verifyCounts(site, 2, 1); !wrong.empty())
    return wrong;
  if (site.operand(0).form != Form::Tile || !site.operand(1).isIndex() ||
      !site.result().isIndex())
    return "expected a tile, an index and a result of type index";
  return "";
}

void heddle::reference::addShapeOps(Registry &registry) {
  registry.add({.name = "tile.broadcast",
                .attributes = {{"axes", AttributeKind::Ints}},
                .verify = verifyBroadcast,
                .run = runBroadcast});
  registry.add({.name = "tile.iota",
                .attributes = {{"axis", AttributeKind::Int}},
                .verify = verifyIota,
                .run = runIota});
  registry.add({.name = "tile.transpose",
                .attributes = {{"permutation", AttributeKind::Ints}},
                .verify = verifyTranspose,
                .run = runTranspose});
  registry.add("tensor.cast", verifyReshape, runReshape);
  registry.add("tensor.collapse_shape", verifyReshape, runReshape);
  registry.add("tensor.dim", verifyDim, runDim);
  registry.add("tensor.empty", verifyEmpty, runEmpty);
  registry.add("tensor.expand_shape", verifyReshape, runReshape);
  registry.add("tensor.extract", verifyExtract, runExtract);
  registry.add("tensor.from_elements", verifyFromElements, runFromElements);
  registry.add("tensor.insert", verifyInsert, runInsert);
  registry.add("tensor.splat", verifySplat, runSplat);
}
