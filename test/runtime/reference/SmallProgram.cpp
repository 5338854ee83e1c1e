//===- SmallProgram.cpp - A program as text, for tests --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/runtime/reference/SmallProgram.h"

using namespace heddle::reference;
using Json = nlohmann::json;

// Types, by number.
enum { Index, F32, I1, Tile4, Tile44, View, View4, I32 };

static Json makeTypes() {
  constexpr int64_t any = std::numeric_limits<int64_t>::min();
  return {
      {{"element", "index"}},
      {{"element", "f32"}},
      {{"element", "i1"}},
      {{"element", "f32"}, {"shape", {4}}},
      {{"element", "f32"}, {"shape", {4, 4}}},
      {{"element", "f32"}, {"shape", {any}}, {"strides", {1}}},
      {{"element", "f32"}, {"shape", {any}}, {"strides", {any}}},
      {{"element", "i32"}},
  };
}

static Json makeOp(const char *name, Json operands,
                   Json results = Json::array(),
                   Json attributes = Json::object(),
                   Json regions = Json::array()) {
  return {{"name", name},
          {"operands", std::move(operands)},
          {"results", std::move(results)},
          {"attributes", std::move(attributes)},
          {"regions", std::move(regions)},
          {"location", {0, 3, 7}}};
}

static Json makeRegion(Json arguments, Json operations) {
  return {{"arguments", std::move(arguments)},
          {"operations", std::move(operations)}};
}

static Json makeIndex(int value) {
  char digits[17];
  snprintf(digits, sizeof(digits), "%02x00000000000000", unsigned(value));
  return makeOp("arith.constant", Json::array(), {Index}, {{"value", digits}});
}

/// Values 0 and 1 are the views X and Y.
static Json makeKernel() {
  Json loop = makeRegion({Index, Tile4},                          // 13, 14
                         {makeOp("arith.addf", {14, 8}, {Tile4}), // 15
                          makeOp("scf.yield", {15})});
  Json then = makeRegion(Json::array(), {makeOp("tile.store", {16, 7, 2}),
                                         makeOp("scf.yield", Json::array())});
  return {
      {"name", "double"},
      {"kernel", true},
      {"location", {0, 1, 1}},
      {"body",
       makeRegion(
           {View, View},
           {makeIndex(0), // 2
            makeIndex(4), // 3
            makeOp("gpu.block_id", Json::array(), {Index},
                   {{"dimension", 0}}),            // 4
            makeOp("arith.muli", {4, 3}, {Index}), // 5
            makeOp("memref.dim", {0, 2}, {Index}), // 6
            makeOp("memref.subview", {1, 5}, {View4},
                   {{"operandSegmentSizes", {1, 1, 0, 0}},
                    {"static_offsets", {std::numeric_limits<int64_t>::min()}},
                    {"static_sizes", {4}},
                    {"static_strides", {1}},
                    {"dropped_dims", Json::array()}}),                   // 7
            makeOp("tile.load", {0, 5}, {Tile4}, {{"pad", "00000000"}}), // 8
            makeOp("tile.broadcast", {8}, {Tile44}, {{"axes", {0}}}),    // 9
            makeOp("arith.constant", Json::array(), {Tile44},
                   {{"value", "00000000"}}), // 10
            makeOp("tile.dot", {9, 9, 10}, {Tile44},
                   {{"transpose_b", 1}, {"precision", 1}}), // 11
            makeOp("tile.reduce", {11, 8}, {Tile4},
                   {{"kind", 2}, {"axis", 1}}), // 12
            makeOp("scf.for", {2, 3, 3, 8}, {Tile4}, Json::object(),
                   {loop}),                                         // 16
            makeOp("arith.cmpi", {5, 6}, {I1}, {{"predicate", 2}}), // 17
            makeOp("scf.if", {17}, Json::array(), Json::object(),
                   {then, Json()}),
            makeOp("tile.return", Json::array())})},
  };
}

static Json makeHost() {
  return {
      {"name", "run"},
      {"kernel", false},
      {"location", {0, 9, 1}},
      {"sizes", {"N"}},
      {"buffers",
       {{{"name", "X"}, {"access", 0}, {"extents", {0}}},
        {{"name", "Y"}, {"access", 1}, {"extents", {0}}}}},
      {"body", makeRegion({Index, View, View},
                          {makeIndex(4),                           // 3
                           makeOp("arith.divui", {0, 3}, {Index}), // 4
                           makeOp("tile.launch", {4, 1, 2}, Json::array(),
                                  {{"callee", "double"},
                                   {"operandSegmentSizes", {1, 2}}}),
                           makeOp("tile.return", Json::array())})},
  };
}

Json heddle::reference::makeSmallProgram() {
  return {{"version", 1},
          {"files", {"small.mlir"}},
          {"types", makeTypes()},
          {"functions", {makeKernel(), makeHost()}}};
}
