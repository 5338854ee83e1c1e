//===- ControlFlow.cpp - Where divergent lanes meet again -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Immediate post-dominators by the iterative algorithm of Cooper, Harvey and
/// Kennedy ("A Simple, Fast Dominance Algorithm"), on the reversed graph of
/// basic blocks.
///
//===----------------------------------------------------------------------===//

#include "decode/Decoder.h"

#include <algorithm>

using namespace heddle::vgpu;

namespace {

struct Block {
  uint32_t begin = 0;
  std::vector<uint32_t> successors, predecessors;
};

class PostDominators {
public:
  explicit PostDominators(const std::vector<ControlFlowEdges> &edges)
      : edges(edges) {
    build();
    number();
    solve();
  }

  /// The first instruction of the block that post-dominates `block`.
  uint32_t of(uint32_t block) const {
    uint32_t dominator = immediate[block];
    return dominator == undefined || dominator == exit
               ? neverReconverges
               : blocks[dominator].begin;
  }
  uint32_t blockOf(uint32_t instruction) const { return owner[instruction]; }

private:
  static constexpr uint32_t undefined = ~0u;

  void build();
  void number();
  void solve();
  uint32_t intersect(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (order[a] > order[b])
        a = immediate[a];
      while (order[b] > order[a])
        b = immediate[b];
    }
    return a;
  }

  const std::vector<ControlFlowEdges> &edges;
  std::vector<Block> blocks;
  std::vector<uint32_t> owner;
  uint32_t exit = 0;
  /// Blocks in reverse post-order of the reversed graph, and their positions.
  std::vector<uint32_t> sequence, order;
  std::vector<uint32_t> immediate;
};

void PostDominators::build() {
  size_t count = edges.size();
  std::vector<bool> leader(count + 1, false);
  leader[0] = true;
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t target : edges[i].targets)
      leader[std::min<size_t>(target, count)] = true;
    if (!edges[i].targets.empty() || !edges[i].fallsThrough)
      leader[i + 1] = true;
  }
  owner.resize(count + 1);
  for (size_t i = 0; i < count; ++i) {
    if (leader[i])
      blocks.push_back({uint32_t(i), {}, {}});
    owner[i] = blocks.size() - 1;
  }
  exit = blocks.size();
  owner[count] = exit;
  blocks.push_back({uint32_t(count), {}, {}});
  for (size_t i = 0; i < count; ++i) {
    bool last = i + 1 == count || leader[i + 1];
    if (!last)
      continue;
    Block &block = blocks[owner[i]];
    for (uint32_t target : edges[i].targets)
      block.successors.push_back(owner[std::min<size_t>(target, count)]);
    if (edges[i].fallsThrough)
      block.successors.push_back(owner[i + 1]);
    if (block.successors.empty())
      block.successors.push_back(exit);
  }
  for (uint32_t b = 0; b < blocks.size(); ++b)
    for (uint32_t successor : blocks[b].successors)
      blocks[successor].predecessors.push_back(b);
}

void PostDominators::number() {
  // Depth-first over predecessors from the exit, without recursion: kernels
  // have thousands of blocks.
  std::vector<bool> seen(blocks.size(), false);
  std::vector<std::pair<uint32_t, size_t>> stack{{exit, 0}};
  seen[exit] = true;
  while (!stack.empty()) {
    auto &[block, next] = stack.back();
    if (next < blocks[block].predecessors.size()) {
      uint32_t predecessor = blocks[block].predecessors[next++];
      if (!seen[predecessor]) {
        seen[predecessor] = true;
        stack.push_back({predecessor, 0});
      }
      continue;
    }
    sequence.push_back(block);
    stack.pop_back();
  }
  std::reverse(sequence.begin(), sequence.end());
  order.assign(blocks.size(), undefined);
  for (uint32_t i = 0; i < sequence.size(); ++i)
    order[sequence[i]] = i;
}

void PostDominators::solve() {
  immediate.assign(blocks.size(), undefined);
  immediate[exit] = exit;
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t block : sequence) {
      if (block == exit)
        continue;
      uint32_t dominator = undefined;
      for (uint32_t successor : blocks[block].successors) {
        if (immediate[successor] == undefined)
          continue;
        dominator = dominator == undefined ? successor
                                           : intersect(successor, dominator);
      }
      if (dominator != immediate[block]) {
        immediate[block] = dominator;
        changed = true;
      }
    }
  }
}

} // namespace

std::vector<uint32_t>
heddle::vgpu::reconvergencePoints(const std::vector<ControlFlowEdges> &edges) {
  std::vector<uint32_t> points(edges.size(), neverReconverges);
  if (edges.empty())
    return points;
  PostDominators dominators(edges);
  for (size_t i = 0; i < edges.size(); ++i)
    if (!edges[i].targets.empty())
      points[i] = dominators.of(dominators.blockOf(i));
  return points;
}
