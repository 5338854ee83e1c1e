//===- CheckJob.cpp - Compares a program with its reference --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A program runs twice on the same inputs, with outputs filled with different
/// bytes. The first result is compared with the reference, which is computed
/// here, and with recorded results if the job names some; the second must be
/// the same, bit for bit, or an element depends on what memory held before.
///
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Program.h"

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace heddle;
using namespace heddle::gpucheck;

static std::string hashInputs(std::span<const HostArray> arrays) {
  uint64_t hash = 0;
  for (const HostArray &array : arrays)
    hash = XXH3_64bits_withSeed(array.bytes.data(), array.bytes.size(), hash);
  return fmt::format("{:016x}", hash);
}

static Json describe(const OutputCheck &check) {
  return {{"name", check.name},
          {"passed", check.passed},
          {"compared", check.compared},
          {"wrong", check.wrong},
          {"unwritten", check.unwritten},
          {"max_abs_error", check.maxAbsError},
          {"max_rel_error", check.maxRelError},
          {"reference_error", check.referenceError},
          {"text", check.text}};
}

/// Compares with an output that was recorded, whose tolerance is
/// `ulp + tolerance`.
static Json compareRecorded(const Json &recorded, const HostArray &output,
                            const std::string &folder) {
  std::string expected =
      readFile(folder + "/" + recorded.at("file").get<std::string>());
  if (expected.size() != output.bytes.size())
    throw JobError(ErrorKind::InvalidInput,
                   fmt::format("expected {} recorded bytes of '{}', found {}",
                               output.bytes.size(), output.name,
                               expected.size()));
  double tolerance = recorded.at("tolerance"), worst = 0;
  int64_t wrong = 0;
  unsigned width = getBytes(output.type);
  for (size_t at = 0; at < expected.size(); at += width) {
    double want = loadElement(
        output.type, reinterpret_cast<const std::byte *>(&expected[at]));
    double got = loadElement(output.type, &output.bytes[at]);
    double error = std::abs(got - want);
    bool same = got == want || (std::isnan(got) && std::isnan(want));
    if (same)
      continue;
    if (!(error <= getUlp(output.type, want) + tolerance))
      ++wrong;
    if (!(error <= worst))
      worst = error;
  }
  // JSON has no NaN.
  return {{"name", output.name},
          {"wrong", wrong},
          {"max_abs_error", std::isfinite(worst) ? Json(worst) : Json("inf")}};
}

static size_t countDifferent(const HostArray &first,
                             std::span<const std::byte> second) {
  size_t count = 0;
  unsigned width = getBytes(first.type);
  for (size_t at = 0; at < second.size(); at += width)
    count += !std::equal(&second[at], &second[at] + width, &first.bytes[at]);
  return count;
}

Json gpucheck::runCheck(Device &device, const Json &job) {
  gpucheck::Program program(job);
  std::vector<HostArray> before = program.makeArrays();
  DeviceArrays arrays(device, program);
  arrays.reset(before, std::byte(0xFF));
  arrays.prepare(program);
  Json entries = Json::array();
  for (const PreparedLaunch &launch : arrays.launches)
    entries.push_back({{"entry", launch.record.entry},
                       {"fallback", launch.record.fallbackReason}});
  arrays.launch();
  unwrap(device.synchronize());
  std::vector<HostArray> after = before;
  for (size_t i = 0; i < after.size(); ++i)
    after[i].bytes = arrays.read(i);
  arrays.verifyGuards(program);

  arrays.reset(before, std::byte(0x5A));
  arrays.launch();
  unwrap(device.synchronize());
  Json different = Json::object();
  for (size_t i = 0; i < after.size(); ++i)
    if (size_t count = countDifferent(after[i], arrays.read(i)))
      different[after[i].name] = count;
  for (size_t i = 0; i < after.size(); ++i)
    if (before[i].access == Access::In && after[i].bytes != before[i].bytes)
      throw JobError(ErrorKind::InvalidInput,
                     "the input '" + after[i].name + "' was written");

  Json result = {{"launches", entries}, {"different", different}};
  if (job.contains("recorded")) {
    std::string folder = job.at("recorded");
    Json record = Json::parse(readFile(folder + "/record.json"));
    if (record.at("inputs") != hashInputs(before))
      throw JobError(ErrorKind::InvalidInput,
                     "the inputs differ from those that were recorded");
    Json comparisons = Json::array();
    for (const Json &output : record.at("outputs"))
      for (const HostArray &array : after)
        if (array.name == output.at("name").get<std::string>())
          comparisons.push_back(compareRecorded(output, array, folder));
    result["recorded"] = comparisons;
  }
  Json outputs = Json::array();
  std::vector<OutputCheck> checks = unwrap(program.getReference()->check(
      program.plan->name, program.sizes, before, after));
  for (const OutputCheck &check : checks)
    outputs.push_back(describe(check));
  result["outputs"] = outputs;
  return result;
}

Json gpucheck::runRecord(Device &, const Json &job) {
  gpucheck::Program program(job);
  std::string folder = job.at("folder");
  std::vector<HostArray> before = program.makeArrays(), after = before;
  std::shared_ptr<const Reference> reference = program.getReference();
  unwrap(reference->run(program.plan->name, program.sizes, after));
  // Compared with itself, for the reference's own error.
  std::vector<OutputCheck> checks = unwrap(
      reference->check(program.plan->name, program.sizes, before, after));
  Json outputs = Json::array();
  for (const OutputCheck &check : checks)
    for (const HostArray &array : after) {
      if (array.name != check.name)
        continue;
      double largest = 0;
      for (size_t at = 0; at < array.bytes.size(); at += getBytes(array.type)) {
        double value = std::abs(loadElement(array.type, &array.bytes[at]));
        if (std::isfinite(value))
          largest = std::max(largest, value);
      }
      std::string name = array.name + ".bin";
      std::ofstream file(folder + "/" + name, std::ios::binary);
      file.write(reinterpret_cast<const char *>(array.bytes.data()),
                 std::streamsize(array.bytes.size()));
      if (!file.flush())
        throw JobError(ErrorKind::Unavailable,
                       folder + "/" + name + ": cannot be written");
      // What the reference is off, and twice that for the device; and 2^-18 of
      // the largest number, as in `heddle run --check`.
      outputs.push_back(
          {{"name", array.name},
           {"file", name},
           {"tolerance", 3 * check.referenceError + std::ldexp(largest, -18)}});
    }
  Json record = {{"inputs", hashInputs(before)}, {"outputs", outputs}};
  std::ofstream file(folder + "/record.json");
  file << record.dump(1) << '\n';
  if (!file.flush())
    throw JobError(ErrorKind::Unavailable,
                   folder + "/record.json: cannot be written");
  return record;
}
