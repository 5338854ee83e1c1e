//===- Explain.cpp - Races in words ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"
#include "sanitizer/Sanitizer.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

CauseClass classOf(RaceCause cause) {
  switch (cause) {
  case RaceCause::NoSynchronization:
    return CauseClass::NoSynchronization;
  case RaceCause::MissingWait:
    return CauseClass::MissingWait;
  case RaceCause::LaneOnlyRelease:
    return CauseClass::LaneOnlyRelease;
  case RaceCause::EarlyRelease:
    return CauseClass::EarlyRelease;
  case RaceCause::MissingProxyFence:
    return CauseClass::MissingProxyFence;
  case RaceCause::Scope:
    return CauseClass::Scope;
  case RaceCause::WeakOrder:
  case RaceCause::RelaxedBarrier:
    return CauseClass::WeakOrder;
  }
  return CauseClass::Unknown;
}

/// "asynchronous read", "write".
std::string verbOf(const AccessInfo &access) {
  return fmt::format("{}{}", access.async ? "asynchronous " : "",
                     access.write ? "write" : "read");
}

std::string placeOf(const Cluster &cluster, const RacePlace &place) {
  if (!place.shared)
    return fmt::format("global address {:#x}", place.address);
  std::string text = fmt::format("shared offset {}", place.address);
  if (cluster.ctas.size() > 1)
    text += " of " + describeCta(*cluster.ctas[place.rank]);
  return text;
}

/// What completes an asynchronous operation for its issuer.
std::string_view waitOf(AgentKind kind, bool read) {
  switch (kind) {
  case AgentKind::Wgmma:
    return "wgmma.wait_group";
  case AgentKind::CopyAsync:
    return "cp.async.wait_group";
  case AgentKind::BulkRead:
  case AgentKind::BulkWrite:
    return read ? "cp.async.bulk.wait_group.read" : "cp.async.bulk.wait_group";
  default:
    return "a wait";
  }
}

std::string missingEdge(const Cluster &cluster, const Race &race) {
  const AccessInfo &earlier = race.conflict.earlier,
                   &later = race.conflict.later;
  const Agent &agent = race.earlierAgent;
  std::string earlierVerb = verbOf(earlier), laterVerb = verbOf(later);
  bool sameCluster = earlier.cluster == later.cluster;
  bool sameDevice = earlier.device == later.device;
  bool sameWarp = sameCluster && earlier.warp == later.warp;
  auto warpName = [&](uint32_t number) {
    const Cta &cta = *cluster.ctas[number >> 16];
    return describeWarpName(*cta.warps[number & 0xffff]);
  };
  switch (race.cause) {
  case RaceCause::MissingProxyFence:
    return fmt::format("the generic {} is not fenced before the {}: expected "
                       "fence.proxy.async after it, before the "
                       "synchronization that orders the two",
                       earlierVerb, laterVerb);
  case RaceCause::Scope:
    if (!sameDevice)
      return "a release, an acquire, a fence or an atomic between the two has "
             "a scope that does not reach the other device: expected .sys on "
             "both sides";
    if (earlier.strong == Scope::None)
      return "a release, an acquire or a fence between the two has a scope "
             "that does not reach the other side: expected .gpu for threads of "
             "another cluster, .cluster for those of another CTA";
    return "both are strong accesses, but the scope of at least one does not "
           "reach the other: expected .gpu for threads of another cluster, "
           ".cluster for those of another CTA";
  case RaceCause::WeakOrder:
    return "only one of the two is a strong access: expected ld.acquire and "
           "st.release, or atomics, on both sides of a flag";
  case RaceCause::RelaxedBarrier:
    return fmt::format("a relaxed arrival or wait stands between the two, and "
                       "orders no memory: expected .release on the arrival "
                       "after the {} and .acquire on the wait before the {}",
                       earlierVerb, laterVerb);
  case RaceCause::LaneOnlyRelease:
    return fmt::format(
        "{} released its work by other lanes only; {} had not synchronised "
        "with them: expected bar.warp.sync before that arrive or release",
        warpName(earlier.warp), describeLanes(race.conflict.earlierLanes));
  default:
    break;
  }
  if (agent.kind == AgentKind::Mbarrier)
    return fmt::format("the copy completes on the mbarrier at shared offset "
                       "{}; {} has not waited for that phase: expected a "
                       "mbarrier.try_wait before the {}",
                       agent.number, sameCluster ? warpName(later.warp) : "",
                       laterVerb);
  if (agent.kind != AgentKind::Warp) {
    std::string_view wait = waitOf(agent.kind, !earlier.write);
    if (race.cause == RaceCause::EarlyRelease)
      return fmt::format("{} released before its {} covered the {}: expected "
                         "the wait first, then the arrive or release",
                         warpName(earlier.warp), wait, earlierVerb);
    if (sameWarp)
      return fmt::format("no {} covers the {} before the {}", wait, earlierVerb,
                         laterVerb);
    return fmt::format(
        "expected {} by {} after the {}, and then a "
        "synchronization that {} waits for",
        wait, sameCluster ? warpName(earlier.warp) : "the issuer", earlierVerb,
        sameCluster ? warpName(later.warp) : "the other side");
  }
  if (sameWarp)
    return "lanes of one warp are ordered by bar.warp.sync only: expected one "
           "between the two";
  if (!sameDevice)
    return "no release and acquire at .sys scope orders the two devices";
  if (!sameCluster)
    return "no release and acquire at .gpu scope orders the two clusters";
  if (race.cause == RaceCause::EarlyRelease)
    return fmt::format("the last arrive or release by {} came before its {}: "
                       "expected it after",
                       warpName(earlier.warp), earlierVerb);
  if (race.cause == RaceCause::MissingWait)
    return fmt::format("{} has released its {}, but {} has not waited for that "
                       "before its {}",
                       warpName(earlier.warp), earlierVerb,
                       warpName(later.warp), laterVerb);
  return fmt::format("nothing orders {} after the {}: expected a barrier, or "
                     "an arrive by {} and a wait by {}",
                     warpName(later.warp), earlierVerb, warpName(earlier.warp),
                     warpName(later.warp));
}

} // namespace

FindingSite Sanitizer::siteOf(const AccessInfo &access, uint32_t lanes,
                              const RacePlace &place) const {
  std::string what =
      fmt::format("{} at {}", verbOf(access), placeOf(cluster, place));
  if (access.cluster == detector.clusterNumber()) {
    const Cta &cta = *cluster.ctas[access.warp >> 16];
    const Warp &warp = *cta.warps[access.warp & 0xffff];
    // An asynchronous operation has no lanes: name the warp that issued it.
    if (!lanes || (access.async && lanes == fullMask))
      lanes = fullMask;
    return getSite(warp, access.pc, lanes, std::move(what));
  }
  // A warp of another cluster may be gone by now.
  FindingSite site =
      getSite(*cluster.ctas[0]->warps[0], access.pc, lanes, std::move(what));
  const LaunchConfig &config = cluster.launch.config;
  const Dim3 &size = config.cluster;
  uint32_t columns = config.grid.x / size.x, rows = config.grid.y / size.y;
  auto number = uint32_t(access.cluster % cluster.launch.clustersPerDevice());
  uint32_t rank = access.warp >> 16;
  Dim3 id{number % columns * size.x + rank % size.x,
          number / columns % rows * size.y + rank / size.x % size.y,
          number / columns / rows * size.z + rank / size.x / size.y};
  site.thread = fmt::format("{}, warp {}, {}",
                            describeCta(cluster.launch, access.device, id),
                            access.warp & 0xffff, describeLanes(lanes));
  return site;
}

/// A release before a wait that the program does not have is no early one.
static bool hasWaitAfter(const Kernel &kernel, uint32_t pc, AgentKind kind) {
  std::string_view wait = waitOf(kind, /*read=*/false);
  for (size_t at = pc; at < kernel.info.size(); ++at)
    if (kernel.info[at].opcode.starts_with(wait))
      return true;
  return false;
}

void Sanitizer::reportRace(const Race &found) {
  // A program with a race has it again and again.
  const Conflict &conflict = found.conflict;
  auto isNew = [&](RaceCause cause) {
    return reported
        .insert((uint64_t(conflict.earlier.pc) << 32 | conflict.later.pc) ^
                uint64_t(cause) << 60)
        .second;
  };
  if (!isNew(found.cause))
    return;
  Race race = found;
  if (race.cause == RaceCause::EarlyRelease &&
      race.earlierAgent.kind != AgentKind::Warp &&
      !hasWaitAfter(*cluster.launch.kernel, conflict.earlier.pc,
                    race.earlierAgent.kind)) {
    race.cause = RaceCause::MissingWait;
    if (!isNew(race.cause))
      return;
  }
  Finding finding;
  finding.kind =
      conflict.onlyProxy ? FindingKind::MissingProxyFence : FindingKind::Race;
  finding.cause = classOf(race.cause);
  if (conflict.onlyProxy && !conflict.earlier.write && cluster.launch.foreign)
    finding.severity = Severity::Warning;
  finding.message =
      fmt::format("{} at {} {} an earlier {}", verbOf(conflict.later),
                  placeOf(cluster, race.place),
                  conflict.onlyProxy ? "does not see" : "races with",
                  verbOf(conflict.earlier));
  finding.sites.push_back(
      siteOf(conflict.later, conflict.laterLanes, race.place));
  finding.sites.push_back(
      siteOf(conflict.earlier, conflict.earlierLanes, race.place));
  finding.missing = missingEdge(cluster, race);
  cluster.report(std::move(finding));
}

void Sanitizer::reportInit(const UnsynchronizedInit &init) {
  const Warp &user = *cluster.ctas[init.user.rank]->warps[init.user.warp];
  const Warp &initializer = *cluster.ctas[init.initRank]->warps[init.initWarp];
  Finding finding;
  finding.kind = FindingKind::BarrierMisuse;
  finding.cause = CauseClass::UninitializedBarrier;
  finding.message = fmt::format("the mbarrier at shared offset {} is used "
                                "without having synchronised with its init",
                                init.offset);
  finding.sites.push_back(getSite(user, init.user.pc, init.user.lanes));
  finding.sites.push_back(
      getSite(initializer, init.initPc, 1u << init.initLane));
  finding.missing =
      init.user.rank != init.initRank || init.rank != init.user.rank
          ? "expected fence.mbarrier_init and a cluster barrier between the "
            "init and the first use by another CTA"
          : "expected a barrier, such as bar.sync, between the init and the "
            "first use by another thread";
  cluster.report(std::move(finding));
}

void Sanitizer::reportPeer(const RaceDetector::PeerAccess &found) {
  Finding finding;
  finding.kind = FindingKind::Leak;
  finding.cause = CauseClass::PeerExit;
  std::string cta = describeCta(*cluster.ctas[found.place.rank]);
  finding.message = fmt::format(
      "{} may have exited, and its shared memory be gone, when a peer accesses "
      "it",
      cta);
  finding.sites.push_back(siteOf(found.access, found.lanes, found.place));
  finding.missing = fmt::format(
      "an order between this access and the exit of {}: a cluster barrier "
      "(barrier.cluster.arrive and wait) after the last access",
      cta);
  cluster.report(std::move(finding));
}

void Sanitizer::lateCopy(const Warp &warp, const Instruction &instruction,
                         uint32_t lanes, uint32_t barrier, uint64_t phase) {
  Finding finding;
  finding.kind = FindingKind::BarrierMisuse;
  finding.cause = CauseClass::TransactionBytes;
  finding.message = fmt::format(
      "phase {} of the mbarrier at shared offset {} completed before a copy "
      "that was issued in it",
      phase, barrier);
  finding.sites.push_back(getSite(warp, warp.indexOf(instruction), lanes));
  finding.missing = "the bytes expected in that phase do not cover this copy: "
                    "expected expect_tx of all its copies before the last "
                    "arrival";
  cluster.report(std::move(finding));
}
