//===- PackageFuzzer.cpp - Looks for packages that do harm ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A libFuzzer target. An input is a package, or only its metadata, which is
/// then put into a package that is else right. Hashes are made right after each
/// mutation, so that what is behind them is reached, and metadata is mutated as
/// JSON too.
///
//===----------------------------------------------------------------------===//

#include "runtime/package/Format.h"
#include "test/runtime/package/TestPackage.h"
#include "test/runtime/package/UsePackage.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

using namespace heddle;
using namespace heddle::test;
using nlohmann::json;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

static const std::string &getGoodPackage() {
  static const std::string package = formatPackage(makeContents());
  return package;
}

static bool isPackage(std::string_view input) {
  return input.starts_with(package::magic.substr(0, 4));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string input(reinterpret_cast<const char *>(data), size);
  if (isPackage(input))
    (void)usePackage(fixHashes(input));
  else
    (void)usePackage(replaceMetadata(getGoodPackage(), input));
  return 0;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

/// Every value of `document`, whichever it is in.
static void collect(json &document, std::vector<json *> &values) {
  values.push_back(&document);
  if (document.is_structured())
    for (json &child : document)
      collect(child, values);
}

/// A value that is at the edge of something.
static json makeEdge(std::mt19937 &random) {
  static const json edges[] = {
      nullptr,   true,      false,      0,  1,    2,
      3,         5,         8,          -1, 16,   63,
      64,        65,        255,        32, 1024, 1.5,
      INT64_MAX, INT64_MIN, UINT64_MAX, "", "k",  json::array(),
      "divsi",   "shrsi",   "select",   8,  7,    json::object()};
  return edges[random() % std::size(edges)];
}

static void mutateJson(json &document, std::mt19937 &random) {
  std::vector<json *> values;
  collect(document, values);
  json &value = *values[random() % values.size()];
  const json other = *values[random() % values.size()];
  switch (random() % 5) {
  case 0:
    value = makeEdge(random);
    break;
  case 1:
    value = other;
    break;
  case 2:
    if (value.is_number_integer())
      value = json(int64_t(value.get<uint64_t>() + random() % 5 - 2));
    break;
  case 3:
    if (value.is_array() && !value.empty())
      value.erase(random() % value.size());
    else if (value.is_object() && !value.empty())
      value.erase(std::next(value.begin(), random() % value.size()));
    break;
  case 4:
    if (value.is_array() && !value.empty())
      value.push_back(json(value[random() % value.size()]));
    break;
  }
}

/// What `input` becomes, or nothing if it is to be mutated as bytes.
static std::string mutate(std::string_view input, std::mt19937 &random) {
  if (input.size() < 8)
    return random() % 2 ? getGoodPackage() : getMetadata(getGoodPackage());
  if (isPackage(input) || random() % 8 == 0)
    return "";
  json document = json::parse(input, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded())
    return "";
  for (unsigned i = 0; i <= random() % 4; ++i)
    mutateJson(document, random);
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  std::mt19937 random(seed);
  std::string_view input(reinterpret_cast<const char *>(data), size);
  std::string result = mutate(input, random);
  if (result.empty() || result.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, result.data(), result.size());
  return result.size();
}
