//===- LaunchReport.cpp - Reports as text and as JSON ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchReport.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace heddle;
using Json = nlohmann::ordered_json;

bool LaunchReport::hasErrors() const {
  return std::ranges::any_of(findings, [](const Finding &finding) {
    return finding.severity == Severity::Error;
  });
}

std::string_view heddle::getName(FindingKind kind) {
  switch (kind) {
  case FindingKind::Race:
    return "race";
  case FindingKind::MissingProxyFence:
    return "missing-proxy-fence";
  case FindingKind::WgmmaRegisters:
    return "wgmma-registers";
  case FindingKind::BarrierMisuse:
    return "barrier-misuse";
  case FindingKind::Deadlock:
    return "deadlock";
  case FindingKind::Livelock:
    return "livelock";
  case FindingKind::Leak:
    return "leak";
  case FindingKind::Uninitialized:
    return "uninitialized";
  case FindingKind::Access:
    return "access";
  case FindingKind::Fault:
    return "fault";
  }
  return "";
}

std::string_view heddle::getName(CauseClass cause) {
  switch (cause) {
  case CauseClass::Unknown:
    return "unknown";
  case CauseClass::NoSynchronization:
    return "no-synchronization";
  case CauseClass::LaneOnlyRelease:
    return "lane-only-release";
  case CauseClass::EarlyRelease:
    return "early-release";
  case CauseClass::MissingWait:
    return "missing-wait";
  case CauseClass::MissingProxyFence:
    return "missing-proxy-fence";
  case CauseClass::Scope:
    return "scope";
  case CauseClass::WeakOrder:
    return "weak-order";
  case CauseClass::ArrivalCount:
    return "arrival-count";
  case CauseClass::TransactionBytes:
    return "transaction-bytes";
  case CauseClass::Parity:
    return "parity";
  case CauseClass::PhaseAliasing:
    return "phase-aliasing";
  case CauseClass::UninitializedBarrier:
    return "uninitialized-barrier";
  case CauseClass::NamedBarrierCount:
    return "named-barrier-count";
  case CauseClass::EarlyExit:
    return "early-exit";
  case CauseClass::RegisterPool:
    return "register-pool";
  case CauseClass::Residency:
    return "residency";
  case CauseClass::MissingSignal:
    return "missing-signal";
  case CauseClass::Divergence:
    return "divergence";
  case CauseClass::PendingCopies:
    return "pending-copies";
  case CauseClass::PeerExit:
    return "peer-exit";
  case CauseClass::Bounds:
    return "bounds";
  case CauseClass::UseAfterFree:
    return "use-after-free";
  case CauseClass::Alignment:
    return "alignment";
  case CauseClass::UninitializedMemory:
    return "uninitialized-memory";
  }
  return "";
}

std::string_view heddle::getName(Severity severity) {
  return severity == Severity::Error ? "error" : "warning";
}

std::string_view heddle::getName(ResultClass resultClass) {
  switch (resultClass) {
  case ResultClass::Unknown:
    return "unknown";
  case ResultClass::ScheduleIndependent:
    return "schedule-independent";
  case ResultClass::SchedulesExplored:
    return "schedules-explored";
  }
  return "";
}

static std::string describePlace(const FindingSite &site) {
  std::string text = fmt::format("{}:{}", site.ptx, site.ptxLine);
  if (!site.source.empty())
    text += fmt::format(" ({}:{})", site.source, site.sourceLine);
  return text;
}

/// Lines for one of several sites.
static std::string describe(const FindingSite &site) {
  std::string text = fmt::format("\n  {}", describePlace(site));
  if (!site.opcode.empty())
    text += fmt::format(": {}", site.opcode);
  if (!site.what.empty())
    text += fmt::format(": {}", site.what);
  if (!site.thread.empty())
    text += fmt::format("\n    by {}", site.thread);
  return text;
}

std::string heddle::describe(const Finding &finding) {
  std::string text =
      fmt::format("{} [{}", finding.message, getName(finding.kind));
  if (finding.cause != CauseClass::Unknown &&
      getName(finding.cause) != getName(finding.kind))
    text += fmt::format(", {}", getName(finding.cause));
  text += "]";
  if (finding.sites.size() == 1 && finding.sites[0].what.empty()) {
    // The message is about one place: that comes first, as compilers have it.
    const FindingSite &site = finding.sites[0];
    text = fmt::format("{}: {}: {}\n  in {}", describePlace(site), site.opcode,
                       text, site.thread);
  } else {
    for (const FindingSite &site : finding.sites)
      text += ::describe(site);
  }
  if (!finding.missing.empty())
    text += fmt::format("\n  missing: {}", finding.missing);
  if (!finding.hint.empty())
    text += fmt::format("\n  to mend it: {}", finding.hint);
  if (finding.count > 1)
    text += fmt::format("\n  and {} more like this", finding.count - 1);
  return text;
}

std::string heddle::describeErrors(const LaunchReport &report) {
  constexpr size_t most = 10;
  size_t count = 0;
  std::string text;
  for (const Finding &finding : report.findings) {
    if (finding.severity != Severity::Error || ++count > most)
      continue;
    text += text.empty() ? "" : "\n";
    text += describe(finding);
  }
  if (count > most)
    text += fmt::format("\nand {} more errors", count - most);
  return text;
}

static Json toJson(const FindingSite &site) {
  return {{"what", site.what},     {"opcode", site.opcode},
          {"ptx", site.ptx},       {"ptxLine", site.ptxLine},
          {"source", site.source}, {"sourceLine", site.sourceLine},
          {"thread", site.thread}};
}

static Json toJson(const Finding &finding) {
  Json sites = Json::array();
  for (const FindingSite &site : finding.sites)
    sites.push_back(toJson(site));
  return {{"kind", getName(finding.kind)},
          {"cause", getName(finding.cause)},
          {"severity", getName(finding.severity)},
          {"message", finding.message},
          {"sites", std::move(sites)},
          {"missing", finding.missing},
          {"hint", finding.hint},
          {"count", finding.count}};
}

std::string heddle::toJson(const LaunchReport &report) {
  Json findings = Json::array();
  for (const Finding &finding : report.findings)
    findings.push_back(::toJson(finding));
  Json json = {{"kernel", report.kernel},
               {"schedule", report.schedule},
               {"findings", std::move(findings)},
               {"resultClass", getName(report.resultClass)},
               {"classReason", report.classReason},
               {"instructions", report.instructions},
               {"bytesRead", report.bytesRead},
               {"bytesWritten", report.bytesWritten},
               {"withinTolerance", report.withinTolerance},
               {"approximate", report.approximate},
               {"output", report.output}};
  // What a program prints need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}
