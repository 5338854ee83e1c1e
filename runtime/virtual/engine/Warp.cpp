//===- Warp.cpp - 32 lanes ------------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Warp.h"

#include "engine/Cluster.h"
#include "engine/Cta.h"
#include "engine/Diagnostics.h"
#include "sanitizer/Sanitizer.h"
#include "sanitizer/Taint.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {
/// Instructions after which lanes that wait to reconverge go on alone.
constexpr uint32_t patience = 8192;
/// Registers start as NaN in every floating-point format.
constexpr int poisonByte = 0xff;
} // namespace

void AsyncGroups::commit() {
  commits.push_back(issued);
  if (commits.size() < 64)
    return;
  auto firstOpen = std::find_if(commits.begin(), commits.end(),
                                [&](uint64_t c) { return c > completed; });
  // Waits index groups from the newest, so finished old ones may go.
  commits.erase(commits.begin(), firstOpen);
}

void Warp::Free::operator()(std::byte *memory) const { std::free(memory); }

Warp::Warp(Cta &cta, uint32_t index)
    : cta(cta), kernel(cta.cluster.launch.kernel), index(index) {
  size_t bytes = std::max<size_t>(kernel->slots, 1) * slotBytes;
  registers.reset(
      static_cast<std::byte *>(std::aligned_alloc(slotBytes, bytes)));
  predicates.resize(kernel->predicates);
  inFlight.resize(kernel->slots);
  if (kernel->usesWgmma && cta.cluster.launch.sanitize != SanitizeLevel::Off)
    wgmmaRegisters = std::make_unique<WgmmaRegisters>(kernel->slots);
  local.resize(size_t(kernel->localBytes) * warpSize);
}

Warp::~Warp() = default;

void Warp::start() {
  std::memset(registers.get(), poisonByte,
              size_t(kernel->registerSlots) * slotBytes);
  std::fill(local.begin(), local.end(), std::byte(poisonByte));
  std::fill(predicates.begin(), predicates.end(), 0);
  predicates[0] = fullMask;
  uint32_t threads = cta.threads();
  uint32_t first = index * warpSize;
  live = threads - first >= warpSize ? fullMask : (1u << (threads - first)) - 1;
  active = 0;
  role = -1;
  clusterArrived = 0;
  copyGroups.clear();
  bulkGroups.clear();
  newestCopy = nullptr;
  wgmmaGroups = {};
  wgmmaHeld.clear();
  fragments.assign(1, Fragment{});
  fragments[0].mask = live;
  joins.clear();
  freeJoins.clear();
  current = 0;
  running = giveWay = false;
  unmetSteps = 0;
  spin.reset();
  if (taint)
    taint->clear();
  std::fill(inFlight.begin(), inFlight.end(), 0);
  inFlightCount = 0;
  if (wgmmaRegisters)
    wgmmaRegisters->start();
  fillConstants();
}

void Warp::fillConstants() {
  for (const Constant &constant : kernel->constants) {
    if (constantsFilled && constant.kind == Constant::Kind::Value)
      continue;
    uint64_t value = constant.value;
    if (constant.kind == Constant::Kind::SharedAddress)
      value += uint64_t(cta.rank) << 24;
    for (uint32_t lane = 0; lane < warpSize; ++lane) {
      if (constant.kind == Constant::Kind::SpecialRegister)
        value = specialValue(constant.special, lane);
      if (constant.wide)
        reg64(constant.slot)[lane] = value;
      else
        reg32(constant.slot)[lane] = uint32_t(value);
    }
  }
  constantsFilled = true;
}

uint64_t Warp::specialValue(Special special, uint32_t lane) const {
  const LaunchConfig &config = cta.cluster.launch.config;
  uint32_t thread = index * warpSize + lane;
  const Dim3 &block = config.block, &grid = config.grid,
             &cluster = config.cluster;
  const Dim3 &id = cta.id;
  auto inCluster = [](uint32_t a, uint32_t b) { return a % b; };
  switch (special) {
  case Special::TidX:
    return thread % block.x;
  case Special::TidY:
    return thread / block.x % block.y;
  case Special::TidZ:
    return thread / block.x / block.y;
  case Special::NtidX:
    return block.x;
  case Special::NtidY:
    return block.y;
  case Special::NtidZ:
    return block.z;
  case Special::CtaidX:
    return id.x;
  case Special::CtaidY:
    return id.y;
  case Special::CtaidZ:
    return id.z;
  case Special::NctaidX:
    return grid.x;
  case Special::NctaidY:
    return grid.y;
  case Special::NctaidZ:
    return grid.z;
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return index;
  case Special::NwarpId:
    return (block.count() + warpSize - 1) / warpSize;
  case Special::SmId:
    return cta.cluster.number % cta.cluster.launch.multiprocessors;
  case Special::NsmId:
    return cta.cluster.launch.multiprocessors;
  case Special::ClusterIdX:
    return id.x / cluster.x;
  case Special::ClusterIdY:
    return id.y / cluster.y;
  case Special::ClusterIdZ:
    return id.z / cluster.z;
  case Special::NclusterIdX:
    return grid.x / cluster.x;
  case Special::NclusterIdY:
    return grid.y / cluster.y;
  case Special::NclusterIdZ:
    return grid.z / cluster.z;
  case Special::ClusterCtaidX:
    return inCluster(id.x, cluster.x);
  case Special::ClusterCtaidY:
    return inCluster(id.y, cluster.y);
  case Special::ClusterCtaidZ:
    return inCluster(id.z, cluster.z);
  case Special::ClusterNctaidX:
    return cluster.x;
  case Special::ClusterNctaidY:
    return cluster.y;
  case Special::ClusterNctaidZ:
    return cluster.z;
  case Special::ClusterCtaRank:
    return cta.rank;
  case Special::ClusterNctaRank:
    return cluster.count();
  case Special::IsExplicitCluster:
    return cluster.count() > 1;
  case Special::LaneMaskEq:
    return 1u << lane;
  case Special::LaneMaskLt:
    return (1u << lane) - 1;
  case Special::LaneMaskLe:
    return (2u << lane) - 1;
  case Special::LaneMaskGt:
    return ~((2u << lane) - 1);
  case Special::LaneMaskGe:
    return ~((1u << lane) - 1);
  case Special::DynamicSmemSize:
    return config.dynamicSharedBytes;
  case Special::TotalSmemSize:
    return cta.sharedBytes - kernel->reservedSharedBytes;
  case Special::GridWorkspaceLow:
    return uint32_t(cta.cluster.share().gridWorkspace);
  case Special::GridWorkspaceHigh:
    return cta.cluster.share().gridWorkspace >> 32;
  default:
    return 0;
  }
}

void Warp::addresses(const Instruction &instruction, uint32_t slot, bool wide,
                     uint64_t (&out)[warpSize]) {
  if (wide) {
    const uint64_t *base = reg64(slot);
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      out[lane] = base[lane] + uint64_t(instruction.immediate);
  } else {
    const uint32_t *base = reg32(slot);
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      out[lane] = uint32_t(base[lane] + uint32_t(instruction.immediate));
  }
}

// --- Divergence --------------------------------------------------------------

int32_t Warp::newJoin(uint32_t reconverge, int32_t parent) {
  int32_t number;
  if (freeJoins.empty()) {
    number = joins.size();
    joins.emplace_back();
  } else {
    number = freeJoins.back();
    freeJoins.pop_back();
  }
  joins[number] = {reconverge, 0, 1, parent};
  return number;
}

void Warp::branch(const Instruction &instruction, uint32_t taken,
                  uint32_t target) {
  if (taken == active) {
    pc = target;
    return;
  }
  uint32_t meet = kernel->reconvergence[indexOf(instruction)];
  if (meet != neverReconverges && meet != reconverge) {
    join = newJoin(meet, join);
    reconverge = meet;
  }
  active &= ~taken;
  if (join >= 0 && target == reconverge) {
    joins[join].waiting |= taken;
    return;
  }
  if (join >= 0)
    ++joins[join].pending;
  Fragment fragment;
  fragment.pc = target;
  fragment.mask = taken;
  fragment.reconverge = reconverge;
  fragment.join = join;
  fragments.push_back(fragment);
}

void Warp::release(int32_t number) {
  while (number >= 0) {
    Join &at = joins[number];
    unmetSteps = 0;
    if (--at.pending > 0)
      return;
    uint32_t waiting = at.waiting & live;
    int32_t parent = at.parent;
    uint32_t meet = at.reconverge;
    freeJoins.push_back(number);
    if (waiting) {
      Fragment fragment;
      fragment.pc = meet;
      fragment.mask = waiting;
      fragment.join = parent;
      fragment.reconverge =
          parent >= 0 ? joins[parent].reconverge : neverReconverges;
      fragments.push_back(fragment);
      return;
    }
    number = parent;
  }
}

/// Threads make progress independently: a lane that waits at a reconvergence
/// point may hold the lock that its siblings spin on.
bool Warp::releaseWaiting() {
  bool any = false;
  for (Join &at : joins) {
    uint32_t waiting = at.waiting & live;
    if (!at.pending || !waiting)
      continue;
    at.waiting = 0;
    Fragment fragment;
    fragment.pc = at.reconverge;
    fragment.mask = waiting;
    fragment.join = at.parent;
    if (at.parent >= 0) {
      fragment.reconverge = joins[at.parent].reconverge;
      ++joins[at.parent].pending;
    }
    fragments.push_back(fragment);
    any = true;
  }
  return any;
}

void Warp::drop() {
  int32_t number = join;
  fragments.erase(fragments.begin() + current);
  running = false;
  release(number);
  // What the join released continues at once.
  current = fragments.empty() ? 0 : uint32_t(fragments.size()) - 1;
}

Flow Warp::exitLanes(uint32_t mask) {
  if (cta.cluster.sanitizer)
    cta.cluster.sanitizer->races().exit({cta.rank, index, mask, pc});
  live &= ~mask;
  active &= ~mask;
  if (live == 0) {
    fragments.clear();
    running = false;
  }
  cta.lanesExited(*this);
  if (live == 0)
    return Flow::Stop;
  if (active)
    return Flow::Next;
  drop();
  return Flow::Stop;
}

Flow Warp::block(const Instruction &instruction, const WaitReason &reason,
                 bool retry, uint64_t a, uint64_t b) {
  if (retry)
    pc = indexOf(instruction);
  save();
  Fragment &fragment = fragments[current];
  fragment.wait = &reason;
  fragment.instruction = &instruction;
  fragment.a = a;
  fragment.b = b;
  running = false;
  return Flow::Stop;
}

static uint32_t gathered(Warp &warp, const Fragment &fragment) {
  uint32_t mask = 0;
  for (const Fragment &other : warp.fragments)
    if (other.wait == fragment.wait && other.pc == fragment.pc)
      mask |= other.mask;
  return mask;
}

static const WaitReason convergeWait{
    [](Warp &warp, const Fragment &fragment) {
      uint32_t required = uint32_t(fragment.a) & warp.live;
      return (gathered(warp, fragment) & required) == required;
    },
    [](Warp &warp, const Fragment &fragment) {
      uint32_t missing =
          uint32_t(fragment.a) & warp.live & ~gathered(warp, fragment);
      return fmt::format("waits for {} of its warp to reach this instruction",
                         describeLanes(missing));
    }};

bool heddle::vgpu::isConvergence(const Fragment &fragment) {
  return fragment.wait == &convergeWait;
}

bool Warp::converge(const Instruction &instruction, uint32_t required,
                    uint32_t &mask) {
  required &= live;
  if ((active & required) == required)
    return true;
  uint32_t at = indexOf(instruction);
  uint32_t all = active;
  for (const Fragment &other : fragments)
    if (other.wait == &convergeWait && other.pc == at)
      all |= other.mask;
  if ((all & required) != required) {
    block(instruction, convergeWait, /*retry=*/true, required);
    return false;
  }
  for (uint32_t i = 0; i < fragments.size();) {
    Fragment &other = fragments[i];
    if (i == current || other.wait != &convergeWait || other.pc != at) {
      ++i;
      continue;
    }
    int32_t number = other.join;
    active |= other.mask;
    fragments.erase(fragments.begin() + i);
    if (current > i)
      --current;
    release(number);
  }
  mask = guardMask(instruction);
  return true;
}

// --- Running -----------------------------------------------------------------

void Warp::load(uint32_t number) {
  current = number;
  Fragment &fragment = fragments[number];
  pc = fragment.pc;
  active = fragment.mask & live;
  reconverge = fragment.reconverge;
  join = fragment.join;
  running = true;
  if (fragment.wait && fragment.wait->resume)
    fragment.wait->resume(*this, fragment);
  fragment.wait = nullptr;
}

void Warp::save() {
  Fragment &fragment = fragments[current];
  fragment.pc = pc;
  fragment.mask = active;
  fragment.reconverge = reconverge;
  fragment.join = join;
}

bool Warp::ready() {
  for (Fragment &fragment : fragments)
    if (!fragment.wait || fragment.wait->ready(*this, fragment))
      return true;
  return false;
}

bool Warp::select() {
  uint32_t count = fragments.size();
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t number = current + i < count ? current + i : current + i - count;
    Fragment &fragment = fragments[number];
    if (!fragment.wait || fragment.wait->ready(*this, fragment)) {
      load(number);
      return true;
    }
  }
  return false;
}

bool Warp::touchesInFlight(uint32_t at) {
  const InstructionInfo &info = kernel->info[at];
  if (info.mayTouchInFlight)
    return false;
  for (uint32_t slot : info.slots)
    if (inFlight[slot])
      return true;
  if (wgmmaRegisters)
    wgmmaRegisters->touch(info.slots, at);
  return false;
}

bool Warp::isTainted() const { return taint && taint->any(); }

bool Warp::mustStop(uint32_t at, uint32_t steps) {
  if (spin.active() && pc <= at && spin.passed(*this)) {
    sleepInLoop(at);
    return true;
  }
  // Others get a turn before and after each synchronization.
  if (cta.cluster.preempts() &&
      (kernel->info[at].effects.synchronizes ||
       (steps > 0 && kernel->info[pc].effects.synchronizes))) {
    giveWay = true;
    return true;
  }
  return false;
}

template <bool checked>
uint32_t Warp::dispatch(uint32_t quantum) {
  const Instruction *code = kernel->code.data();
  uint32_t steps = 0;
  while (steps < quantum) {
    if (pc == reconverge) [[unlikely]] {
      joins[join].waiting |= active;
      drop();
      return steps;
    }
    const Instruction &instruction = code[pc];
    uint32_t at = pc;
    ++pc;
    ++steps;
    bool tainted = checked && isTainted();
    if (tainted)
      taint->checkGuard(*this, instruction, at);
    uint32_t mask =
        active & (predicates[instruction.guard] ^ instruction.guardFlip);
    if (!mask)
      continue;
    if constexpr (checked) {
      if (kernel->info[at].effects.writes) {
        spin.stop();
        quiet = false;
      }
      if ((inFlightCount || wgmmaRegisters) && touchesInFlight(at)) {
        fault(instruction, mask,
              {faults::wgmmaRegisters,
               "register belongs to a wgmma in flight; expected "
               "wgmma.wait_group before it is touched"});
        return steps;
      }
    }
    Taint::Step step;
    if (tainted)
      step = taint->before(*this, instruction, at, mask);
    Flow flow = instruction.execute(*this, instruction, mask);
    if (tainted && flow != Flow::Stop)
      taint->after(*this, instruction, at, step);
    if constexpr (checked)
      if (flow != Flow::Stop && mustStop(at, steps))
        return steps;
    if (flow == Flow::Stop)
      return steps;
  }
  giveWay = true;
  return steps;
}

uint32_t Warp::run(uint32_t quantum) {
  uint32_t steps = 0;
  giveWay = false;
  spin.tookTurn();
  quiet = true;
  cta.cluster.advance(0);
  while (steps < quantum && !giveWay && !cta.cluster.faulted()) {
    if (!running && !select())
      break;
    bool checked = inFlightCount || wgmmaRegisters || spin.active() ||
                   cta.cluster.preempts() || isTainted();
    quiet &= checked;
    uint32_t done = checked ? dispatch<true>(quantum - steps)
                            : dispatch<false>(quantum - steps);
    steps += done;
    cta.cluster.advance(done);
  }
  if (spin.active())
    spin.counted(steps);
  if (!quiet)
    cta.cluster.madeProgress();
  if (running) {
    save();
    running = false;
    unmetSteps += steps;
    if (unmetSteps >= patience) {
      unmetSteps = 0;
      releaseWaiting();
    }
    // Lanes that diverged take turns.
    if (fragments.size() > 1 && ++current == fragments.size())
      current = 0;
  }
  return steps;
}

Flow Warp::fault(const Instruction &instruction, uint32_t lanes, Fault what) {
  cta.cluster.fail(describeFault(*this, indexOf(instruction), lanes, what));
  return Flow::Stop;
}

void Warp::holdSlots(const std::vector<uint32_t> &slots) {
  for (uint32_t slot : slots)
    inFlight[slot]++;
  inFlightCount += slots.size();
}

void Warp::releaseSlots(const std::vector<uint32_t> &slots) {
  for (uint32_t slot : slots)
    inFlight[slot]--;
  inFlightCount -= slots.size();
}
