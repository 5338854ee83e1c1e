//===- ControlOps.cpp - Constants, block numbers and control flow ---------===//
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
#include <utility>

using namespace heddle::reference;

//===----------------------------------------------------------------------===//
// Constants and block numbers
//===----------------------------------------------------------------------===//

static bool runConstant(Frame &frame, const Operation &op) {
  const Numbers &numbers = op.getNumbers("value");
  const Type &type = frame.getType(op.results[0]);
  if (type.form == Form::Scalar) {
    frame.set(op.results[0], numbers.front());
    return true;
  }
  Tile tile(type);
  if (numbers.size() == 1)
    std::ranges::fill(tile.elements, numbers.front());
  else
    tile.elements = numbers;
  frame.setTile(op.results[0], std::move(tile));
  return true;
}

static std::string verifyConstant(const Site &site) {
  if (std::string wrong = verifyCounts(site, 0, 1); !wrong.empty())
    return wrong;
  size_t count = site.op.getNumbers("value").size();
  const Type &type = site.result();
  if (type.form == Form::View ||
      (count != 1 && count != size_t(type.getNumElements())))
    return fmt::format("expected one number or all of {}, found {}",
                       type.getName(), count);
  return "";
}

/// An index of three that `dimension` chooses.
template <typename Fn>
static void addBlockNumber(Registry &registry, const char *name, Fn get) {
  registry.add({.name = name,
                .attributes = {{"dimension", AttributeKind::Int}},
                .verify = [](const Site &site) -> std::string {
                  if (std::string wrong = verifyCounts(site, 0, 1);
                      !wrong.empty())
                    return wrong;
                  if (uint64_t(site.op.getInt("dimension")) > 2 ||
                      !site.result().isIndex())
                    return "expected an index and a dimension in 0..2";
                  return "";
                },
                .run =
                    [get](Frame &frame, const Operation &op) {
                      frame.setInt(op.results[0],
                                   get(frame)[size_t(op.getInt("dimension"))]);
                      return true;
                    }});
}

//===----------------------------------------------------------------------===//
// scf.for
//===----------------------------------------------------------------------===//

static bool runFor(Frame &frame, const Operation &op) {
  int64_t lower = frame.getInt(op.operands[0]);
  int64_t upper = frame.getInt(op.operands[1]);
  int64_t step = frame.getInt(op.operands[2]);
  if (step <= 0)
    return frame.error(op, "expected a positive step, found {}", step);
  bool isUnsigned = op.getInt("unsignedCmp");
  auto below = [&](int64_t a, int64_t b) {
    return isUnsigned ? uint64_t(a) < uint64_t(b) : a < b;
  };
  const Region &body = op.regions[0];
  std::vector<RuntimeValue> carried =
      frame.getAll(std::span(op.operands).subspan(3));
  for (int64_t i = lower; below(i, upper);) {
    frame.setInt(body.arguments[0], i);
    frame.setAll(std::span(body.arguments).subspan(1), carried);
    const Operation *yield = frame.run(body);
    if (!yield)
      return false;
    carried = frame.getAll(yield->operands);
    // The step may pass the largest number.
    int64_t from = std::exchange(i, int64_t(uint64_t(i) + uint64_t(step)));
    if (!below(from, i))
      break;
  }
  frame.setAll(op.results, carried);
  return true;
}

static std::string verifyFor(const Site &site) {
  size_t count = site.getNumResults();
  if (std::string wrong = verifyCounts(site, 3 + count, count); !wrong.empty())
    return wrong;
  const Type &bound = site.operand(0);
  if (bound.form != Form::Scalar || bound.element.isFloat() ||
      bound != site.operand(1) || bound != site.operand(2))
    return "expected bounds and a step of one integer type";
  std::vector<Type> carried = getTypes(site, site.op.results);
  if (getTypes(site, std::span(site.op.operands).subspan(3)) != carried)
    return "expected initial values of the types of the results";
  std::vector<Type> arguments = carried;
  arguments.insert(arguments.begin(), bound);
  return verifyRegion(site, site.op.regions[0], arguments, "scf.yield",
                      carried);
}

//===----------------------------------------------------------------------===//
// Regions that run once
//===----------------------------------------------------------------------===//

/// Runs `region` and makes what it yields the results.
static bool runRegion(Frame &frame, const Operation &op, const Region &region) {
  const Operation *yield = frame.run(region);
  if (!yield)
    return false;
  std::vector<RuntimeValue> yielded = frame.getAll(yield->operands);
  frame.setAll(op.results, yielded);
  return true;
}

static bool runIf(Frame &frame, const Operation &op) {
  if (frame.getScalar(op.operands[0]).i)
    return runRegion(frame, op, op.regions[0]);
  if (!op.regions[1].operations.empty())
    return runRegion(frame, op, op.regions[1]);
  return true;
}

static bool runSwitch(Frame &frame, const Operation &op) {
  int64_t argument = frame.getInt(op.operands[0]);
  const Ints &cases = op.getInts("cases");
  for (size_t i = 0; i < cases.size(); ++i)
    if (cases[i] == argument)
      return runRegion(frame, op, op.regions[i + 1]);
  return runRegion(frame, op, op.regions[0]);
}

/// Every region yields the results.
static std::string verifyYields(const Site &site) {
  std::vector<Type> results = getTypes(site, site.op.results);
  for (const Region &region : site.op.regions)
    if (std::string wrong =
            verifyRegion(site, region, {}, "scf.yield", results);
        !wrong.empty())
      return wrong;
  return "";
}

static std::string verifyIf(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, site.getNumResults());
      !wrong.empty())
    return wrong;
  if (!site.operand(0).isScalar(NumberType::integer(1)))
    return "expected a condition of i1";
  if (site.op.regions[1].operations.empty() && site.getNumResults() == 0)
    return verifyRegion(site, site.op.regions[0], {}, "scf.yield", {});
  return verifyYields(site);
}

static std::string verifySwitch(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, site.getNumResults());
      !wrong.empty())
    return wrong;
  if (!site.operand(0).isIndex())
    return "expected an index";
  if (site.op.getInts("cases").size() + 1 != site.op.regions.size())
    return "expected a region for each case and one for all others";
  return verifyYields(site);
}

static std::string verifyExecute(const Site &site) {
  if (std::string wrong = verifyCounts(site, 0, site.getNumResults());
      !wrong.empty())
    return wrong;
  return verifyYields(site);
}

//===----------------------------------------------------------------------===//
// scf.while
//===----------------------------------------------------------------------===//

static bool runWhile(Frame &frame, const Operation &op) {
  const Region &before = op.regions[0], &after = op.regions[1];
  std::vector<RuntimeValue> carried = frame.getAll(op.operands);
  while (true) {
    frame.setAll(before.arguments, carried);
    const Operation *condition = frame.run(before);
    if (!condition)
      return false;
    std::vector<RuntimeValue> passed =
        frame.getAll(std::span(condition->operands).subspan(1));
    if (!frame.getScalar(condition->operands[0]).i) {
      frame.setAll(op.results, passed);
      return true;
    }
    frame.setAll(after.arguments, passed);
    const Operation *yield = frame.run(after);
    if (!yield)
      return false;
    carried = frame.getAll(yield->operands);
  }
}

static std::string verifyWhile(const Site &site) {
  std::vector<Type> inits = getTypes(site, site.op.operands);
  std::vector<Type> results = getTypes(site, site.op.results);
  const Region &before = site.op.regions[0], &after = site.op.regions[1];
  if (std::string wrong =
          verifyRegion(site, before, inits, "scf.condition", results, 1);
      !wrong.empty())
    return wrong;
  if (!site.getType(before.operations.back().operands[0])
           .isScalar(NumberType::integer(1)))
    return "expected a condition of i1";
  return verifyRegion(site, after, results, "scf.yield", inits);
}

void heddle::reference::addControlOps(Registry &registry) {
  registry.add({.name = "arith.constant",
                .attributes = {{"value", AttributeKind::Numbers}},
                .verify = verifyConstant,
                .run = runConstant});
  addBlockNumber(registry, "gpu.block_id",
                 [](const Frame &frame) { return frame.block; });
  addBlockNumber(registry, "gpu.grid_dim",
                 [](const Frame &frame) { return frame.grid; });
  registry.add({.name = "scf.for",
                .attributes = {{"unsignedCmp", AttributeKind::Int, false}},
                .minRegions = 1,
                .maxRegions = 1,
                .verify = verifyFor,
                .run = runFor});
  registry.add({.name = "scf.if",
                .minRegions = 2,
                .maxRegions = 2,
                .mayLackBlock = true,
                .verify = verifyIf,
                .run = runIf});
  registry.add({.name = "scf.index_switch",
                .attributes = {{"cases", AttributeKind::Ints}},
                .minRegions = 1,
                .maxRegions = size_t(-1),
                .verify = verifySwitch,
                .run = runSwitch});
  registry.add({.name = "scf.while",
                .minRegions = 2,
                .maxRegions = 2,
                .verify = verifyWhile,
                .run = runWhile});
  registry.add({.name = "scf.execute_region",
                .minRegions = 1,
                .maxRegions = 1,
                .verify = verifyExecute,
                .run = [](Frame &frame, const Operation &op) {
                  return runRegion(frame, op, op.regions[0]);
                }});
  for (const char *name : {"scf.condition", "scf.yield", "tile.return"})
    registry.add({.name = name, .isTerminator = true});
}
