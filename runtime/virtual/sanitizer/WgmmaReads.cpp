//===- WgmmaReads.cpp - What wgmma reads from shared memory --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

bool RaceDetector::wgmma(const Actor &actor) {
  WarpState &warp = warpOf(actor);
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  uint64_t position = warp.wgmmaIssued++ - group.completed;
  if (position >= group.queue.size())
    group.queue.resize(position + 1);
  auto &member = group.members[actor.warp % 4];
  if (member.version != warp.clocks.version()) {
    member.version = warp.clocks.version();
    member.known.clear();
    warp.clocks.publish(~0u, member.known);
    group.changed = true;
  }
  auto &[number, clocks] = group.issued[(warp.wgmmaCommits + 1) % 8];
  number = uint32_t(warp.wgmmaCommits) + 1;
  clocks[actor.warp % 4] = warp.clocks.clock();
  uint32_t &members = group.queue[position];
  members |= 1u << actor.warp % 4;
  if (members != 0xf)
    return false;
  if (!group.changed)
    return true;
  // All four warps read all of it: each must know what was before.
  if (!group.lines.empty())
    flushWgmmas(actor.rank, group);
  group.changed = false;
  group.known = group.members[0].known;
  for (uint32_t w = 1; w < 4; ++w) {
    group.known.seen.meet(group.members[w].known.seen);
    group.known.fenced.meet(group.members[w].known.fenced);
  }
  return true;
}

void RaceDetector::wgmmaReads(const Actor &actor,
                              std::span<const Piece> pieces) {
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  uint32_t clock = uint32_t(warpOf(actor).wgmmaCommits) + 1;
  if (!group.lines.empty() && group.reads.clock != clock)
    flushWgmmas(actor.rank, group);
  if (group.lines.empty()) {
    group.reads =
        asyncInfo(actor, wgmmaAgent(actor.rank, actor.warp / 4), clock);
    group.bytes.resize(ctas[actor.rank].lines.size());
  }
  for (const Piece &piece : pieces) {
    ByteMask &bytes = group.bytes[piece.line];
    if (bytes.empty())
      group.lines.push_back(piece.line);
    bytes |= piece.bytes;
  }
}

void RaceDetector::flushWgmmas(uint32_t rank, Warpgroup &group) {
  Observer observer(group.known, cluster, /*async=*/true);
  for (uint32_t line : group.lines) {
    touchShared(rank, line * lineBytes, group.reads, group.bytes[line], nullptr,
                observer);
    group.bytes[line] = {};
  }
  group.lines.clear();
}

void RaceDetector::wgmmaDone(const Actor &actor) {
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  group.queue.pop_front();
  ++group.completed;
}

void RaceDetector::wgmmaCommit(const Actor &actor) {
  flushWgmmas(actor.rank, ctas[actor.rank].groups[actor.warp / 4]);
  ++warpOf(actor).wgmmaCommits;
}

void RaceDetector::wgmmaWait(const Actor &actor, uint64_t pending) {
  flushWgmmas(actor.rank, ctas[actor.rank].groups[actor.warp / 4]);
  WarpState &warp = warpOf(actor);
  if (warp.wgmmaCommits > pending)
    warp.clocks.completeAll(wgmmaAgent(actor.rank, actor.warp / 4),
                            uint32_t(warp.wgmmaCommits - pending));
}
