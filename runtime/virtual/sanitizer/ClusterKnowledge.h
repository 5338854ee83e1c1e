//===- ClusterKnowledge.h - What is known of other clusters -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_CLUSTERKNOWLEDGE_H
#define HEDDLE_VIRTUAL_SANITIZER_CLUSTERKNOWLEDGE_H

#include <cstdint>
#include <functional>
#include <memory>

namespace heddle::vgpu {

struct LocalKnowledge;

/// What is known of clusters, by their numbers. It goes from hand to hand: each
/// of thousands of CTAs may take what all before it left at a counter, and add
/// its own. So copies share what they have in common, and a join looks only at
/// what differs.
///
/// A tree that branches at the highest bit in which numbers differ: C. Okasaki
/// and A. Gill, "Fast Mergeable Integer Maps", ML Workshop 1998.
class ClusterKnowledge {
public:
  using Local = std::shared_ptr<const LocalKnowledge>;

  bool empty() const { return !root; }
  void clear() { root = nullptr; }
  /// What is known of `cluster`, or null.
  const LocalKnowledge *find(uint32_t cluster) const;
  /// The same alone.
  ClusterKnowledge only(uint32_t cluster) const;
  /// All but that.
  ClusterKnowledge without(uint32_t cluster) const;
  /// Replaces what is known of `cluster`.
  void set(uint32_t cluster, Local local);
  /// What either knows.
  void join(const ClusterKnowledge &other);
  /// Whether it knows all that `other` does.
  bool covers(const ClusterKnowledge &other) const;
  /// Replaces each by what `change` makes of it.
  void transform(
      const std::function<Local(uint32_t cluster, const Local &)> &change);
  /// Whether they are the same object, as they are after a join that added
  /// nothing.
  bool operator==(const ClusterKnowledge &) const = default;

private:
  struct Node;
  using Tree = std::shared_ptr<const Node>;
  struct Algorithms;
  Tree root;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_CLUSTERKNOWLEDGE_H
