//===- TimeJob.cpp - Times a program and its peer in turns ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Both run in one process on the same inputs. Before each run the L2 is
/// flushed, and who is first changes from round to round.
///
//===----------------------------------------------------------------------===//

#include "CublasLt.h"
#include "Elements.h"
#include "Program.h"

#include <chrono>
#include <cmath>
#include <functional>

using namespace heddle;
using namespace heddle::gpucheck;

/// The norm of the difference over the norm of `want`, as a share.
static double compareNorms(ElementType type, std::span<const std::byte> got,
                           std::span<const std::byte> want) {
  double difference = 0, norm = 0;
  for (size_t at = 0; at < want.size(); at += getBytes(type)) {
    double x = loadElement(type, &want[at]);
    double d = loadElement(type, &got[at]) - x;
    difference += d * d;
    norm += x * x;
  }
  return std::sqrt(difference / norm);
}

Json gpucheck::runTime(Device &device, const Json &job) {
  gpucheck::Program program(job);
  std::unique_ptr<Stream> stream = unwrap(device.createStream());
  DeviceArrays arrays(device, program);
  size_t output = 0;
  {
    std::vector<HostArray> contents = program.makeArrays();
    arrays.reset(contents, std::byte(0xFF));
    for (size_t i = 0; i < contents.size(); ++i)
      if (contents[i].access == Access::Out)
        output = i;
  }
  arrays.prepare(program);
  unwrap(device.synchronize());

  struct Contender {
    std::string name;
    std::function<void()> run;
    std::vector<double> milliseconds;
  };
  std::vector<Contender> contenders;
  contenders.push_back({"ours", [&] { arrays.launch(stream.get()); }, {}});

  Json result;
  std::unique_ptr<Memory> peerOutput;
  std::unique_ptr<CublasLtProduct> peer;
  if (job.contains("peer")) {
    try {
      peerOutput = std::make_unique<Memory>(device, program.getBytes(output));
      peer = std::make_unique<CublasLtProduct>(device, *stream, job.at("peer"),
                                               *program.plan, arrays.addresses,
                                               peerOutput->address);
      contenders.push_back({"peer", [&] { peer->run(); }, {}});
      result["peer"] = peer->describe();
    } catch (const JobError &error) {
      // Ours is timed alone; the reader is told why.
      result["peer_error"] = error.what();
    }
  }

  auto run = [&](Contender &contender) {
    contender.run();
    unwrap(device.synchronize(stream.get()));
  };
  for (Contender &contender : contenders)
    run(contender);
  if (peer) {
    std::vector<std::byte> want(peerOutput->bytes);
    unwrap(device.copyToHost(want.data(), peerOutput->address, want.size()));
    double error = compareNorms(program.plan->buffers[output].type,
                                arrays.read(output), want);
    // Else not a number, which JSON does not have.
    result["relative_difference"] = std::isfinite(error) ? error : 1e300;
  }
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  auto warmUp = std::chrono::milliseconds(job.at("warm_up_ms").get<int>());
  while (Clock::now() - start < warmUp)
    for (Contender &contender : contenders)
      run(contender);

  size_t flushBytes = job.at("flush_bytes");
  Memory flushed(device, flushBytes);
  std::unique_ptr<Event> from = unwrap(device.createEvent());
  std::unique_ptr<Event> to = unwrap(device.createEvent());
  int rounds = job.at("rounds");
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < contenders.size(); ++i) {
      Contender &contender = contenders[(i + round) % contenders.size()];
      // The host submits while the device still flushes, so that no launch
      // waits for the host.
      unwrap(device.fill(flushed.address, std::byte(round), flushBytes,
                         stream.get()));
      unwrap(device.record(*from, stream.get()));
      contender.run();
      unwrap(device.record(*to, stream.get()));
      unwrap(device.synchronize(*to));
      contender.milliseconds.push_back(
          unwrap(device.getMilliseconds(*from, *to)));
    }
  for (const Contender &contender : contenders)
    result["milliseconds"][contender.name] = contender.milliseconds;
  for (const PreparedLaunch &launch : arrays.launches)
    result["launches"].push_back(
        {{"entry", launch.record.entry},
         {"fallback", launch.record.fallbackReason},
         {"grid",
          {launch.config.grid.x, launch.config.grid.y, launch.config.grid.z}}});
  return result;
}
