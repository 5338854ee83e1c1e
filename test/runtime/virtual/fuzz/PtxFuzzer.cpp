//===- PtxFuzzer.cpp - Looks for PTX that does harm -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A libFuzzer target. An input is a PTX module. It is parsed and decoded, and
/// if it is well formed each of its kernels is launched once for a few
/// instructions, under the sanitizer if its size is odd: whatever a module
/// holds, it ends with a result or a message.
/// Inputs are mutated as lines and as words too, since few bytes in the middle
/// of an instruction lead to another one.
///
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/VirtualDevice.h"
#include "ptx/Parser.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace heddle;
using namespace heddle::vgpu;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

/// What variables and parameters of one input may take: a module may ask for
/// gigabytes, which is no error but slow.
static constexpr uint64_t maxBytes = 1 << 20;
static constexpr uint64_t maxInstructions = 2000;
static constexpr uint32_t threads = 64;

/// Prints why it stops; the sanitizer does not when it was not asked.
static void expect(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "expected %s\n", what);
  std::abort();
}

static bool isSmall(const PtxModule &module) {
  uint64_t bytes = 0;
  auto add = [&](const std::vector<Variable> &variables) {
    for (const Variable &variable : variables)
      bytes += std::min(variable.size, maxBytes + 1);
  };
  add(module.variables);
  for (const Function &function : module.functions) {
    add(function.variables);
    add(function.parameters);
    bytes += function.registers.size() * 4;
  }
  return bytes <= maxBytes;
}

static void launch(Device &device, Module &module, const Function &kernel,
                   DeviceAddress buffer) {
  // Every parameter is the address of a buffer, over and over.
  std::vector<std::vector<std::byte>> bytes;
  for (const Variable &parameter : kernel.parameters) {
    std::vector<std::byte> &argument = bytes.emplace_back(parameter.size);
    for (size_t i = 0; i < argument.size(); ++i)
      argument[i] = std::byte(buffer >> (i % 8 * 8));
  }
  std::vector<KernelArgument> arguments(bytes.begin(), bytes.end());
  LaunchConfig config;
  config.block.x =
      kernel.requiredThreads.x ? kernel.requiredThreads.x : threads;
  config.block.y = std::max(1u, kernel.requiredThreads.y);
  config.block.z = std::max(1u, kernel.requiredThreads.z);
  config.cluster = kernel.requiredCluster;
  for (uint32_t *extent :
       {&config.cluster.x, &config.cluster.y, &config.cluster.z})
    *extent = std::max(1u, *extent);
  config.grid = config.cluster;
  config.dynamicSharedBytes = 1024;
  Expected<void> done = device.launch(module, kernel.name, config, arguments);
  expect(done || !done.error().message.empty(), "a message");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  Expected<PtxModule> parsed = parsePtx(text, "in.ptx");
  if (!parsed) {
    expect(parsed.error().message.starts_with("in.ptx"),
           "a message that begins with the file");
    return 0;
  }
  if (!isSmall(*parsed))
    return 0;
  VirtualDeviceOptions options;
  options.hostThreads = 1;
  options.stepBudget = maxInstructions;
  // The sanitizer has states of its own, and takes longer.
  if (size % 2)
    options.sanitize = SanitizeLevel::Full;
  std::unique_ptr<Device> device = createVirtualDevice(options);
  Expected<DeviceAddress> buffer = device->allocate(4096);
  Expected<std::unique_ptr<Module>> module =
      device->loadModule({.name = "in.ptx", .ptx = text, .cubins = {}});
  if (!module || !buffer)
    return 0;
  for (const Function &function : parsed->functions)
    if (function.isKernel && function.hasBody)
      launch(*device, **module, function, *buffer);
  return 0;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

/// Pieces that `isIn` tells from what is between them.
template <typename Fn>
static std::vector<std::string_view> split(std::string_view text, Fn isIn) {
  std::vector<std::string_view> pieces;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && isIn(text[end]) && isIn(text[begin]))
      ++end;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

static std::string join(const std::vector<std::string_view> &pieces) {
  std::string text;
  for (std::string_view piece : pieces)
    text += piece;
  return text;
}

/// Replaces, removes, repeats or exchanges pieces.
static std::string mutatePieces(std::vector<std::string_view> pieces,
                                std::mt19937 &random) {
  if (pieces.empty())
    return "";
  for (unsigned i = 0; i <= random() % 3 && !pieces.empty(); ++i) {
    size_t at = random() % pieces.size(), other = random() % pieces.size();
    std::string_view piece = pieces[other];
    switch (random() % 4) {
    case 0:
      pieces[at] = piece;
      break;
    case 1:
      pieces.erase(pieces.begin() + ptrdiff_t(at));
      break;
    case 2:
      pieces.insert(pieces.begin() + ptrdiff_t(at), piece);
      break;
    case 3:
      std::swap(pieces[at], pieces[other]);
      break;
    }
  }
  return join(pieces);
}

static std::string mutate(std::string_view input, std::mt19937 &random) {
  switch (random() % 4) {
  case 0: {
    // Lines: the end of each is a piece of its own.
    return mutatePieces(split(input, [](char c) { return c != '\n'; }), random);
  }
  case 1: {
    auto isWord = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
             c == '%' || c == '.' || c == ':';
    };
    return mutatePieces(split(input, isWord), random);
  }
  case 2: {
    // Also the modifiers of an instruction.
    auto isWord = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
             c == '%';
    };
    return mutatePieces(split(input, isWord), random);
  }
  default:
    return "";
  }
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
