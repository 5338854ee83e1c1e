//===- TestPackage.cpp - A small package to test with ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/runtime/package/TestPackage.h"

#include "runtime/package/Format.h"

#include <cstring>

using namespace heddle;
using namespace heddle::package;

Program test::makeProgram() {
  Program program;
  LaunchPlan &plan = program.plans.emplace_back();
  plan.name = "host";
  plan.sizes = {"M", "K"};
  plan.buffers = {
      {"A", ElementType::BF16, {{true, 0}, {true, 1}}, Access::In},
      {"C", ElementType::F32, {{true, 0}, {false, 64}}, Access::Out}};
  plan.instructions = {
      {.constant = 64},
      {.op = IndexOp::CeilDivUI, .operands = {0, 2}},
      {.resultBits = 32, .constant = 0x40000000},
      {.op = IndexOp::CmpSlt, .resultBits = 1, .operands = {0, 1}},
      {.op = IndexOp::Select, .operands = {5, 3, 2}},
  };
  plan.checks = {{5, "M must be less than K", "a.mlir:5"}};
  plan.scratch = {{ElementType::F32, {0, 2}, "a.mlir:6"}};
  plan.launches = {
      {"k", {3, 6}, {{true, 0}, {true, 1}, {false, 4}}, "a.mlir:7"}};
  KernelEntry kernel;
  kernel.entry = "k";
  kernel.threads = 384;
  kernel.sharedBytes = 1000;
  kernel.cluster = {2, 1, 1};
  kernel.fallback = "k_plain";
  kernel.persistent = true;
  kernel.parameters = {{true, ElementType::BF16, {-1, -1}, {-1, 1}},
                       {true, ElementType::F32, {-1, 64}, {64, 1}},
                       {false, ElementType::F32, {}, {}}};
  kernel.tensorMaps = {{0, {64, 128}, Swizzle::B128, TensorMapType::BF16}};
  kernel.location = "a.mlir:1";
  program.kernels.push_back(kernel);
  kernel.entry = "k_plain";
  kernel.fallback = "";
  kernel.threads = 128;
  kernel.cooperative = true;
  kernel.tensorMaps.clear();
  program.kernels.push_back(kernel);
  return program;
}

PackageContents test::makeContents() {
  PackageContents contents;
  contents.info.producer = "heddle 0.1.0, LLVM 22.1.8";
  contents.info.target = "sm_90a";
  contents.info.program = makeProgram();
  contents.info.resources = {{"k", "sm_90a", 168, 16, 4, 8}};
  contents.info.sources = {{"a.mlir", getContentHash("module {}")}};
  contents.ptx = ".version 8.3\n.target sm_90a\n";
  // The header of an ELF file for machine 190.
  std::string cubin("\x7f"
                    "ELF\x02\x01\x01",
                    7);
  cubin.resize(64);
  cubin[18] = char(190);
  contents.cubins = {{"sm_90a", cubin}};
  contents.reference = "reference";
  return contents;
}

template <typename T>
static T load(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
static void store(std::string &bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

std::string test::fixHashes(std::string package) {
  if (package.size() < header::bytes)
    return package;
  uint64_t table = load<uint64_t>(package, header::tableOffset);
  uint64_t count = load<uint32_t>(package, header::sectionCount);
  if (table < header::bytes || table > package.size() ||
      count * entry::bytes > package.size() - table)
    return package;
  std::string_view all(package);
  for (uint64_t i = 0; i < count; ++i) {
    size_t place = table + i * entry::bytes;
    uint64_t offset = load<uint64_t>(package, place + entry::offset);
    uint64_t size = load<uint64_t>(package, place + entry::size);
    if (offset <= package.size() && size <= package.size() - offset)
      store(package, place + entry::digest,
            computeDigest({all.substr(offset, size)}));
  }
  size_t end = table + count * entry::bytes;
  store(package, header::digest,
        computeDigest({all.substr(0, header::digest),
                       all.substr(header::bytes, end - header::bytes)}));
  return package;
}

std::string test::getMetadata(std::string_view package) {
  size_t place = load<uint64_t>(package, header::tableOffset);
  return std::string(
      package.substr(load<uint64_t>(package, place + entry::offset),
                     load<uint64_t>(package, place + entry::size)));
}

std::string test::replaceMetadata(const std::string &package,
                                  std::string_view metadata) {
  size_t place = load<uint64_t>(package, header::tableOffset);
  uint64_t offset = load<uint64_t>(package, place + entry::offset);
  // The other sections are moved by a multiple of what they are aligned to.
  uint64_t second =
      load<uint64_t>(package, place + entry::bytes + entry::offset);
  uint64_t moved =
      (offset + metadata.size() + alignment - 1) / alignment * alignment;
  std::string result = package.substr(0, offset);
  result += metadata;
  result.resize(moved);
  result += package.substr(second);
  store(result, place + entry::size, uint64_t(metadata.size()));
  uint32_t count = load<uint32_t>(package, header::sectionCount);
  for (uint32_t i = 1; i < count; ++i) {
    size_t field = place + i * entry::bytes + entry::offset;
    store(result, field, load<uint64_t>(package, field) - second + moved);
  }
  store(result, header::totalBytes, uint64_t(result.size()));
  return fixHashes(std::move(result));
}
