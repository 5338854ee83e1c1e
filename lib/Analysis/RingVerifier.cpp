//===- RingVerifier.cpp - Checks what roles do with rings -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/RingVerifier.h"

#include "lib/Analysis/SharedMemory.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

std::vector<RingVerifier::Node>
RingVerifier::getStructure(Block &block, Value ring, bool producing) {
  std::vector<Node> nodes;
  for (Operation &op : block) {
    bool isUse = producing ? isa<AcquireOp>(op) : isa<WaitOp>(op);
    if (isUse && op.getOperand(0) == ring)
      nodes.push_back({&op, {}});
    if (op.getNumRegions() == 0)
      continue;
    Node node{&op, {}};
    bool used = false;
    for (Region &region : op.getRegions()) {
      node.regions.emplace_back();
      if (!region.empty())
        node.regions.back() = getStructure(region.front(), ring, producing);
      used |= !node.regions.back().empty();
    }
    if (!used)
      continue;
    // Branches on one condition may have been merged in the other role.
    auto branch = dyn_cast<scf::IfOp>(op);
    auto previous =
        nodes.empty() ? scf::IfOp() : dyn_cast<scf::IfOp>(nodes.back().op);
    if (!branch || !previous ||
        branch.getCondition() != previous.getCondition()) {
      nodes.push_back(std::move(node));
      continue;
    }
    alike.unionSets(previous, branch);
    for (auto [all, more] : llvm::zip_equal(nodes.back().regions, node.regions))
      llvm::append_range(all, more);
  }
  return nodes;
}

/// "fills" and "empties" are what authors see of a ring: loads and dots.
LogicalResult RingVerifier::match(RingOp ring, ArrayRef<Node> puts,
                                  ArrayRef<Node> gets, Operation *aroundPuts,
                                  Operation *aroundGets) {
  for (size_t i = 0, n = std::max(puts.size(), gets.size()); i < n; ++i) {
    Operation *put = i < puts.size() ? puts[i].op : nullptr;
    Operation *get = i < gets.size() ? gets[i].op : nullptr;
    bool bothUses =
        put && get && puts[i].regions.empty() && gets[i].regions.empty();
    if (bothUses)
      continue;
    if (!put || !get || put->getName() != get->getName()) {
      InFlightDiagnostic diag =
          (get ? get : put)->emitError()
          << "the ring of " << describeTiles(ring.getType()) << " is "
          << (get ? "emptied" : "filled") << " here where it is not "
          << (get ? "filled" : "emptied")
          << "; expected both in the same loops and branches, as often";
      if (put && get)
        diag.attachNote(put->getLoc()) << "it is filled here";
      else
        diag.attachNote((get ? aroundPuts : aroundGets)->getLoc())
            << "the other role does not use it in here";
      return diag;
    }
    alike.unionSets(put, get);
    for (auto [putRegion, getRegion] :
         llvm::zip_equal(puts[i].regions, gets[i].regions))
      if (failed(match(ring, putRegion, getRegion, put, get)))
        return failure();
  }
  return success();
}

LogicalResult RingVerifier::checkRoles(RingOp ring) {
  llvm::SetVector<Operation *> producers, consumers;
  for (Operation *user : ring->getUsers()) {
    auto role = user->getParentOfType<RoleOp>();
    if (!role)
      return user->emitError("expected rings to be used in roles only");
    if (isa<AcquireOp>(user))
      producers.insert(role);
    else if (isa<WaitOp>(user))
      consumers.insert(role);
    else if (isa<PutOp, GetOp>(user))
      return user->emitError("expected slots, found the value-level operation; "
                             "lower-copies comes first");
  }
  if (producers.empty() && consumers.empty())
    return success();
  if (producers.size() != 1 || consumers.empty())
    return ring.emitError() << "the ring of " << describeTiles(ring.getType())
                            << ": expected one role that fills it and others "
                               "that empty it, found "
                            << producers.size() << " and " << consumers.size();
  auto producer = cast<RoleOp>(producers[0]);
  if (consumers.contains(producer))
    return ring.emitError() << "the ring of " << describeTiles(ring.getType())
                            << " is filled and emptied by the same role";
  Value value = ring.getResult();
  std::vector<Node> puts =
      getStructure(producer.getBody().front(), value, true);
  for (Operation *consumer : consumers)
    if (failed(match(ring, puts,
                     getStructure(cast<RoleOp>(consumer).getBody().front(),
                                  value, false),
                     producer, consumer)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Courses
//===----------------------------------------------------------------------===//

LogicalResult
RingVerifier::forEachCourse(int64_t most,
                            function_ref<LogicalResult(const Course &)> visit) {
  // Control flow that runs alike gets one number.
  llvm::MapVector<Operation *, unsigned> leaders;
  SmallVector<std::pair<Operation *, unsigned>> members;
  SmallVector<SmallVector<unsigned>> choices;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op) || !concernsSlots(op))
      return;
    Operation *leader = op;
    if (auto it = alike.findLeader(op); it != alike.member_end())
      leader = *it;
    auto [it, isNew] = leaders.insert({leader, choices.size()});
    if (isNew)
      choices.emplace_back();
    members.push_back({op, it->second});
    if (!isNew)
      return;
    bool innermost = true;
    op->walk([&](Operation *nested) {
      if (nested != op && isa<scf::ForOp, scf::WhileOp>(nested) &&
          concernsSlots(nested))
        innermost = false;
    });
    if (isa<scf::IfOp>(op))
      choices.back() = {0, 1};
    else if (innermost)
      choices.back() = {0, 1, 2, unsigned(most) + 2};
    else
      choices.back() = {0, 1, 2};
  });

  // All combinations, if they are few; else all alike.
  size_t combinations = 1;
  for (ArrayRef<unsigned> choice : choices)
    combinations = std::min<size_t>(combinations * choice.size(), 1 << 20);
  bool all = combinations <= 512;
  if (!all)
    combinations = 4;
  for (size_t i = 0; i < combinations; ++i) {
    SmallVector<unsigned> chosen;
    size_t rest = i;
    for (ArrayRef<unsigned> choice : choices) {
      chosen.push_back(all ? choice[rest % choice.size()]
                           : choice[std::min(i, choice.size() - 1)]);
      rest /= choice.size();
    }
    Course course;
    for (auto [op, number] : members)
      course[op] = chosen[number];
    if (failed(visit(course)))
      return failure();
  }
  return success();
}

LogicalResult RingVerifier::checkUses() {
  for (RingOp ring : kernel.getOps<RingOp>())
    if (failed(checkRoles(ring)))
      return failure();
  return forEachCourse(2, [&](const Course &course) -> LogicalResult {
    for (RoleOp role : kernel.getOps<RoleOp>()) {
      FailureOr<RoleTrace> trace = traceRole(role, course);
      if (failed(trace))
        return failure();
      for (auto &[ring, use] : trace->held)
        if (use.most > held[ring].most)
          held[ring] = use;
    }
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Depths
//===----------------------------------------------------------------------===//

LogicalResult RingVerifier::simulate(const Course &course) {
  struct Runner {
    RoleOp role;
    RoleTrace trace;
    size_t next = 0;
  };
  std::vector<Runner> runners;
  for (RoleOp role : kernel.getOps<RoleOp>()) {
    FailureOr<RoleTrace> trace = traceRole(role, course);
    if (failed(trace))
      return failure();
    runners.push_back({role, std::move(*trace)});
  }
  /// How often each thing was done with a ring; the last two by each of the
  /// roles that empty it.
  struct Counts {
    int64_t acquired = 0, committed = 0;
    llvm::SmallDenseMap<Operation *, int64_t> waited, released;
  };
  llvm::DenseMap<Value, Counts> counts;
  for (RingOp ring : kernel.getOps<RingOp>())
    for (Operation *user : ring->getUsers())
      if (isa<WaitOp>(user))
        counts[ring.getResult()].released[user->getParentOfType<RoleOp>()] = 0;
  // A slot is empty again once all have given it back.
  auto getReleased = [](const Counts &count) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (auto &[role, released] : count.released)
      least = std::min(least, released);
    return least;
  };
  auto step = [&](RoleOp role, RingEvent event) {
    Counts &count = counts[event.ring];
    if (isa<CommitOp>(event.op))
      ++count.committed;
    else if (isa<ReleaseOp>(event.op))
      ++count.released[role];
    else if (isa<AcquireOp>(event.op)) {
      int64_t depth = cast<RingType>(event.ring.getType()).getDepth();
      if (count.acquired - getReleased(count) >= depth)
        return false;
      ++count.acquired;
    } else {
      int64_t &waited = count.waited[role];
      if (waited >= count.committed)
        return false;
      ++waited;
    }
    return true;
  };

  for (bool moved = true; moved;) {
    moved = false;
    for (Runner &runner : runners)
      while (runner.next < runner.trace.events.size() &&
             step(runner.role, runner.trace.events[runner.next])) {
        ++runner.next;
        moved = true;
      }
  }
  std::optional<InFlightDiagnostic> diag;
  for (Runner &runner : runners) {
    if (runner.next == runner.trace.events.size())
      continue;
    auto [op, ring] = runner.trace.events[runner.next];
    auto type = cast<RingType>(ring.getType());
    std::string slot;
    llvm::raw_string_ostream(slot)
        << "role \"" << runner.role.getName() << "\" waits here for "
        << (isa<AcquireOp>(op) ? "an empty" : "a full")
        << " slot of the ring of " << describeTiles(type) << ", which has "
        << type.getDepth();
    if (diag)
      diag->attachNote(op->getLoc()) << "and " << slot;
    else
      diag.emplace(op->emitError() << "deadlock: " << slot);
  }
  return failure(diag.has_value());
}

LogicalResult RingVerifier::checkDepths() {
  int64_t most = 1;
  for (RingOp ring : kernel.getOps<RingOp>()) {
    RingType type = ring.getType();
    if (!type.isPlanned())
      return ring.emitError() << "expected a planned depth, found " << type;
    most = std::max(most, type.getDepth());
    const RoleTrace::Held &use = held[ring.getResult()];
    if (use.most > int64_t(ring.getMinDepth()))
      return use.op->emitError()
             << "holds " << use.most << " slots of the ring of "
             << describeTiles(type) << " at once, but its min_depth is "
             << ring.getMinDepth();
    if (use.most > type.getDepth())
      return use.op->emitError()
             << "holds " << use.most << " slots of the ring of "
             << describeTiles(type) << " at once, but it has "
             << type.getDepth();
  }
  return forEachCourse(most,
                       [&](const Course &course) { return simulate(course); });
}
