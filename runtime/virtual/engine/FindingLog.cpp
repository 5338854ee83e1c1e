//===- FindingLog.cpp - What a launch has found so far --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/FindingLog.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

static std::string getKey(const Finding &finding) {
  std::string key =
      fmt::format("{}|{}|{}", getName(finding.kind), getName(finding.cause),
                  getName(finding.severity));
  for (const FindingSite &site : finding.sites)
    key += fmt::format("|{}:{}", site.ptx, site.ptxLine);
  return key;
}

void FindingLog::add(Finding finding, uint64_t cluster) {
  std::string key = getKey(finding);
  std::lock_guard lock(mutex);
  auto [at, isNew] = entries.try_emplace(std::move(key));
  Entry &entry = at->second;
  uint64_t count = isNew ? 0 : entry.finding.count;
  uint64_t total = count + finding.count;
  if (isNew || cluster < entry.cluster)
    entry = {std::move(finding), cluster, order++};
  entry.finding.count = total;
}

std::vector<Finding> FindingLog::take() {
  std::lock_guard lock(mutex);
  std::vector<Entry> sorted;
  for (auto &[key, entry] : entries)
    sorted.push_back(std::move(entry));
  entries.clear();
  // Within a cluster, which one host thread runs, the order is its own.
  std::ranges::sort(sorted, {}, [](const Entry &entry) {
    return std::pair(entry.cluster, entry.order);
  });
  std::vector<Finding> findings;
  for (Entry &entry : sorted)
    findings.push_back(std::move(entry.finding));
  return findings;
}
