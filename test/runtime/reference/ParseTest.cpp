//===- ParseTest.cpp - Damaged and hostile programs -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Reference.h"
#include "reference/Run.h"
#include "test/runtime/reference/SmallProgram.h"

#include <cstring>
#include <gmock/gmock.h>
#include <random>

using namespace heddle;
using namespace heddle::reference;
using Json = nlohmann::json;
using testing::HasSubstr;

static Expected<reference::Program> parse(std::string_view text) {
  return reference::Program::parse(std::as_bytes(std::span(text)), "test");
}

static std::string getRefusal(const Json &json) {
  Expected<reference::Program> program = parse(json.dump());
  return program ? "" : program.error().message;
}

/// Runs a program of two arrays, if it is one, until it is clear that it does
/// not crash.
static void tryToRun(const reference::Program &program) {
  Expected<const Function *> host = program.findHost("");
  if (!host || (*host)->sizes.size() > 1)
    return;
  std::vector<int64_t> sizes((*host)->sizes.size(), 8);
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < (*host)->buffers.size(); ++i) {
    std::vector<int64_t> shape = getBufferShape(program, **host, i, sizes);
    for (int64_t extent : shape)
      if (extent > 64)
        return;
    const Type &type = program.types[(*host)->valueTypes[sizes.size() + i]];
    buffers.push_back(Buffer::makePoison(type.element, shape));
  }
  for (Precision precision : {Precision::Storage, Precision::Exact}) {
    Options options;
    options.precision = precision;
    options.threads = 1;
    options.maxBlocks = 4;
    options.maxOperations = 1000;
    (void)runHost(program, **host, sizes, buffers, options);
  }
}

TEST(ReferenceParse, ASmallProgramRuns) {
  std::string text = getSmallSection();
  auto reference = Reference::parse(std::as_bytes(std::span(text)), "test");
  ASSERT_TRUE(reference) << reference.error().message;
  std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  HostArray in{"X", ElementType::F32, Access::In, {8}, {}};
  in.bytes.resize(32);
  std::memcpy(in.bytes.data(), x.data(), 32);
  std::vector<HostArray> arrays = {
      in, {"Y", ElementType::F32, Access::Out, {8}, {}}};
  std::vector<HostArray> before = arrays;
  int64_t sizes[] = {8};
  auto ran = (*reference)->run("run", sizes, arrays);
  ASSERT_TRUE(ran) << ran.error().message;
  ASSERT_EQ(arrays[1].bytes.size(), 32u);
  for (size_t i = 0; i < 8; ++i) {
    float y;
    std::memcpy(&y, arrays[1].bytes.data() + 4 * i, 4);
    EXPECT_EQ(y, 2 * x[i]);
  }
  auto checks = (*reference)->check("", sizes, before, arrays);
  ASSERT_TRUE(checks) << checks.error().message;
  ASSERT_EQ(checks->size(), 1u);
  EXPECT_TRUE(checks->front().passed);
  EXPECT_THAT(checks->front().text, HasSubstr("check Y (8 of f32): ok"));
  arrays[1].bytes[3] ^= std::byte(0x40);
  checks = (*reference)->check("", sizes, before, arrays);
  ASSERT_TRUE(checks);
  EXPECT_FALSE(checks->front().passed);
  EXPECT_EQ(checks->front().wrong, 1);
}

TEST(ReferenceParse, ArraysThatDoNotFit) {
  std::string text = getSmallSection();
  auto reference = Reference::parse(std::as_bytes(std::span(text)), "test");
  ASSERT_TRUE(reference);
  HostArray x{
      "X", ElementType::F32, Access::In, {8}, std::vector<std::byte>(32)};
  HostArray y{"Y", ElementType::F32, Access::Out, {8}, {}};
  int64_t sizes[] = {8}, huge[] = {int64_t(1) << 62};
  auto getMessage = [&](std::span<const int64_t> sizes,
                        std::vector<HostArray> arrays) {
    auto ran = (*reference)->run("run", sizes, arrays);
    return ran ? "" : ran.error().message;
  };
  EXPECT_THAT(getMessage({}, {x, y}), HasSubstr("takes 1 sizes and 2 buffers"));
  EXPECT_THAT(getMessage(sizes, {x}), HasSubstr("takes 1 sizes and 2 buffers"));
  HostArray other = x;
  other.type = ElementType::I32;
  EXPECT_THAT(getMessage(sizes, {other, y}),
              HasSubstr("takes 8 of f32 as 'X', found 8 of i32"));
  other = x;
  other.shape = {9};
  EXPECT_THAT(getMessage(sizes, {other, y}),
              HasSubstr("takes 8 of f32 as 'X', found 9 of f32"));
  other = x;
  other.bytes.pop_back();
  EXPECT_THAT(getMessage(sizes, {other, y}),
              HasSubstr("expected 32 bytes for 'X'"));
  other.shape = y.shape = {huge[0]};
  EXPECT_THAT(getMessage(huge, {other, y}),
              HasSubstr("a shape that no memory holds"));
}

TEST(ReferenceParse, Refusals) {
  EXPECT_THAT(getRefusal(Json::array()),
              HasSubstr("expected JSON of an object"));
  Json program = makeSmallProgram();
  program["version"] = 2;
  EXPECT_THAT(getRefusal(program), HasSubstr("expected version 1, found 2"));
  program = makeSmallProgram();
  program["extra"] = 1;
  EXPECT_THAT(getRefusal(program), HasSubstr("unknown entry 'extra'"));

  auto edit = [](const char *pointer, Json value) {
    Json program = makeSmallProgram();
    program[Json::json_pointer(pointer)] = std::move(value);
    return getRefusal(program);
  };
  EXPECT_THAT(edit("/types/3/shape", {1 << 20, 2}),
              HasSubstr("a tile of at most 1048576 elements"));
  EXPECT_THAT(edit("/types/3/shape", {-1}), HasSubstr("extents of 0 or more"));
  EXPECT_THAT(edit("/types/5/shape", {1, 1, 1, 1, 1, 1}),
              HasSubstr("at most 5 dimensions"));
  EXPECT_THAT(edit("/types/0/element", "i65"), HasSubstr("unknown type 'i65'"));
  std::string ops = "/functions/0/body/operations/";
  auto editOp = [&](const std::string &rest, Json value) {
    return edit((ops + rest).c_str(), std::move(value));
  };
  EXPECT_THAT(editOp("0/name", "llvm.call"),
              HasSubstr("unknown operation 'llvm.call'"));
  EXPECT_THAT(editOp("3/operands/0", 5), HasSubstr("value 5 is not defined"));
  EXPECT_THAT(editOp("3/operands/0", 4000000000u), HasSubstr("is not defined"));
  EXPECT_THAT(editOp("3/operands/0", -1), HasSubstr("out of range"));
  EXPECT_THAT(
      editOp("3/results", {1}),
      HasSubstr("arith.muli: expected operands and a result of one type"));
  EXPECT_THAT(editOp("3/results", {99}), HasSubstr("there is no type 99"));
  EXPECT_THAT(editOp("2/attributes/dimension", 3),
              HasSubstr("dimension in 0..2"));
  EXPECT_THAT(editOp("2/attributes/dimension", "x"),
              HasSubstr("expected an integer, found string"));
  EXPECT_THAT(editOp("2/attributes/other", 1),
              HasSubstr("gpu.block_id has no attribute 'other'"));
  EXPECT_THAT(editOp("2/attributes", Json::object()),
              HasSubstr("expected attribute 'dimension'"));
  EXPECT_THAT(editOp("6/attributes/pad", "0000"), HasSubstr("8 digits"));
  EXPECT_THAT(editOp("9/attributes/transpose_b", 0), testing::IsEmpty());
  EXPECT_THAT(editOp("10/attributes/axis", 2), HasSubstr("has no axis 2"));
  EXPECT_THAT(editOp("11/regions", Json::array()),
              HasSubstr("expected 1 regions"));
  // What a loop defines ends with it.
  EXPECT_THAT(editOp("13/regions/0/operations/0/operands/0", 15),
              HasSubstr("value 15 is not defined"));
  EXPECT_THAT(editOp("14/name", "scf.yield"),
              HasSubstr("expected tile.return"));
  EXPECT_THAT(editOp("13", {{"name", "tile.return"}}), HasSubstr("terminator"));
  EXPECT_THAT(edit("/functions/1/body/operations/2/attributes/callee", "none"),
              HasSubstr("there is no kernel 'none'"));
  EXPECT_THAT(edit("/functions/1/body/operations/2/attributes/callee", "run"),
              HasSubstr("there is no kernel 'run'"));
  EXPECT_THAT(edit("/functions/1/buffers/0/extents/0", 1),
              HasSubstr("a size for each dynamic extent"));
  EXPECT_THAT(edit("/functions/0/name", "run"), HasSubstr("two of that name"));
}

TEST(ReferenceParse, RegionsThatNestTooDeep) {
  Json inner = {{"name", "scf.yield"}};
  Json op = {{"name", "scf.execute_region"},
             {"regions", {{{"operations", {inner}}}}}};
  for (int depth = 0; depth < 200; ++depth)
    op = {{"name", "scf.execute_region"},
          {"regions", {{{"operations", {op, inner}}}}}};
  Json program = makeSmallProgram();
  auto &operations = program["functions"][0]["body"]["operations"];
  operations.insert(operations.begin(), op);
  EXPECT_THAT(getRefusal(program), HasSubstr("nest deeper than 64"));
  // Text that nests deeply, wherever it is.
  std::string deep(1 << 17, '[');
  EXPECT_FALSE(parse(deep));
  EXPECT_FALSE(parse(deep + std::string(1 << 17, ']')));
  for (const char *key : {"version", "files", "types", "functions"})
    EXPECT_FALSE(parse("{\"version\":1,\"" + std::string(key) + "\":" + deep +
                       std::string(1 << 17, ']') + "}"));
}

TEST(ReferenceParse, TooManyBlocksAndTilesAreRefusedWhenTheyRun) {
  Json program = makeSmallProgram();
  // -1 blocks: N divided by 4 becomes the constant of all ones.
  program["functions"][1]["body"]["operations"][1] = {
      {"name", "arith.constant"},
      {"results", {0}},
      {"attributes", {{"value", "ffffffffffffffff"}}}};
  Expected<reference::Program> parsed = parse(program.dump());
  ASSERT_TRUE(parsed) << parsed.error().message;
  int64_t sizes[] = {8};
  std::vector<Buffer> buffers(
      2, Buffer::makePoison(NumberType::floating(NumberKind::F32), sizes));
  auto ran = runHost(*parsed, **parsed->findHost(""), sizes, buffers, {});
  ASSERT_FALSE(ran);
  EXPECT_THAT(ran.error().message,
              HasSubstr("small.mlir:3:7: error: expected a grid extent of 0 or "
                        "more, found -1"));

  // Tiles of a terabyte or so in one block.
  program = makeSmallProgram();
  program["types"][7] = {{"element", "f32"}, {"shape", {1 << 20}}};
  auto &operations = program["functions"][0]["body"]["operations"];
  Json empty = {{"name", "tensor.empty"}, {"results", {7}}};
  for (int i = 0; i < 100000; ++i)
    operations.insert(operations.end() - 1, empty);
  parsed = parse(program.dump());
  ASSERT_TRUE(parsed) << parsed.error().message;
  ran = runHost(*parsed, **parsed->findHost(""), sizes, buffers, {});
  ASSERT_FALSE(ran);
  EXPECT_THAT(ran.error().message, HasSubstr("no memory for that"));
}

TEST(ReferenceParse, LoopsEndWhereNumbersDo) {
  Json program = makeSmallProgram();
  auto &operations = program["functions"][1]["body"]["operations"];
  auto add = [&](Json op) { operations.insert(operations.end() - 1, op); };
  // Values 5 to 7: from 0 to 2^64 - 1 by 2^62.
  for (const char *number :
       {"0000000000000000", "ffffffffffffffff", "0000000000000040"})
    add({{"name", "arith.constant"},
         {"results", {0}},
         {"attributes", {{"value", number}}}});
  Json body = {{"arguments", {0}}, {"operations", {{{"name", "scf.yield"}}}}};
  add({{"name", "scf.for"},
       {"operands", {5, 6, 7}},
       {"attributes", {{"unsignedCmp", 1}}},
       {"regions", Json::array({body})}});
  Expected<reference::Program> parsed = parse(program.dump());
  ASSERT_TRUE(parsed) << parsed.error().message;
  int64_t sizes[] = {8};
  std::vector<Buffer> buffers(
      2, Buffer::makePoison(NumberType::floating(NumberKind::F32), sizes));
  Options options;
  options.maxOperations = 1000;
  auto ran = runHost(*parsed, **parsed->findHost(""), sizes, buffers, options);
  EXPECT_TRUE(ran) << ran.error().message;
}

TEST(ReferenceParse, FlippedBytes) {
  const std::string text = getSmallSection();
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    std::string damaged = text;
    for (uint64_t flips = 1 + random() % 3; flips-- > 0;)
      damaged[random() % damaged.size()] ^= char(1 << random() % 8);
    if (auto program = parse(damaged))
      tryToRun(*program);
  }
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(text).substr(0, size)));
}

/// All values inside of `json`.
static void collect(Json &json, std::vector<Json *> &values) {
  for (Json &child : json) {
    values.push_back(&child);
    if (child.is_structured())
      collect(child, values);
  }
}

TEST(ReferenceParse, StructuralMutations) {
  const Json original = makeSmallProgram();
  std::mt19937_64 random(2);
  int accepted = 0;
  for (int i = 0; i < 10000; ++i) {
    Json damaged = original;
    for (uint64_t edits = 1 + random() % 2; edits-- > 0;) {
      std::vector<Json *> values;
      collect(damaged, values);
      Json &value = *values[random() % values.size()];
      const Json other = *values[random() % values.size()];
      switch (random() % 6) {
      case 0:
        value = other;
        break;
      case 1:
        if (value.is_number_integer())
          value = int64_t(uint64_t(value.get<int64_t>()) + random() % 5 - 2);
        break;
      case 2:
        value = int64_t(random());
        break;
      case 3:
        if (value.is_array() && !value.empty())
          value.erase(value.begin() + long(random() % value.size()));
        break;
      case 4:
        if (value.is_array())
          value.insert(value.begin(), other);
        break;
      case 5:
        value = int64_t(random() % 20);
        break;
      }
    }
    if (auto program = parse(damaged.dump())) {
      ++accepted;
      tryToRun(*program);
    }
  }
  // Mutations of constants and offsets give other programs.
  EXPECT_GT(accepted, 100);
}
