//===- main.cpp - Does one job after the other ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
///   gpu-runner DEVICE JOBS.json RESULTS.jsonl
///
/// appends a line {"start": i} before the i-th job and a line {"result": ...}
/// after it. So whoever started it knows which job it was that did not return.
/// It ends after a fault, which leaves a GPU's context useless, with status 3.
///
//===----------------------------------------------------------------------===//

#include "Job.h"

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace heddle;
using namespace heddle::gpucheck;

std::string gpucheck::readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file)
    throw JobError(ErrorKind::InvalidInput, path + ": cannot be read");
  return text.str();
}

static Json describe(const Device &device) {
  const DeviceProperties &properties = device.properties();
  return {{"name", properties.name},
          {"kind", properties.kind == DeviceKind::Cuda ? "cuda" : "virtual"},
          {"architecture", properties.smArch},
          {"multiprocessors", properties.multiprocessors},
          {"shared_bytes_per_block", properties.maxSharedBytesPerBlock},
          {"memory_bytes", properties.memoryBytes},
          {"l2_bytes", properties.l2Bytes},
          {"driver_version", properties.driverVersion},
          {"simulated", properties.isSimulated}};
}

static Json runJob(Device &device, const Json &job) {
  std::string kind = job.at("kind");
  if (kind == "info")
    return describe(device);
  if (kind == "probe")
    return runProbe(device, job);
  if (kind == "check")
    return runCheck(device, job);
  if (kind == "record")
    return runRecord(device, job);
  if (kind == "time")
    return runTime(device, job);
  throw JobError(ErrorKind::InvalidInput,
                 "expected a job of kind info, probe, check, record or time, "
                 "found '" +
                     kind + "'");
}

static int runAll(const char *name, const char *jobsPath,
                  const char *resultsPath) {
  Json jobs = Json::parse(readFile(jobsPath));
  std::ofstream results(resultsPath, std::ios::app);
  auto write = [&](const Json &line) {
    results << line.dump(-1, ' ', false, Json::error_handler_t::replace)
            << std::endl;
    if (!results)
      throw JobError(ErrorKind::Unavailable,
                     std::string(resultsPath) + ": cannot be written");
  };
  std::unique_ptr<Device> device = unwrap(openDevice(name));
  for (size_t i = 0; i < jobs.size(); ++i) {
    write({{"start", i}});
    try {
      write({{"result", runJob(*device, jobs[i])}});
    } catch (const JobError &error) {
      write({{"result", {{"error", error.what()}}}});
      if (error.kind == ErrorKind::Fault)
        return 3;
    } catch (const std::exception &error) {
      // Of the JSON library, or out of memory.
      write({{"result", {{"error", error.what()}}}});
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: gpu-runner DEVICE JOBS.json RESULTS.jsonl\n");
    return 2;
  }
  try {
    return runAll(argv[1], argv[2], argv[3]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "gpu-runner: %s\n", error.what());
    return 2;
  }
}
