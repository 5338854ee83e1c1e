//===- ClusterKnowledge.cpp - What is known of other clusters -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/ClusterKnowledge.h"

#include "sanitizer/Knowledge.h"

#include <bit>

using namespace heddle::vgpu;

/// A leaf, whose `bit` is 0, or two trees: the numbers in both agree above
/// `bit`, and have it in the right one alone.
struct ClusterKnowledge::Node {
  /// The cluster, or what the numbers below have in common.
  uint32_t number = 0;
  uint32_t bit = 0;
  Local local;
  Tree left, right;

  bool isLeaf() const { return bit == 0; }
  /// Whether `other`, a tree or a leaf, has its place below this one.
  bool contains(const Node &other) const {
    return bit > other.bit && ((number ^ other.number) & ~(2 * bit - 1)) == 0;
  }
  const Tree &side(uint32_t cluster) const {
    return cluster & bit ? right : left;
  }
};

struct ClusterKnowledge::Algorithms {
  static Tree leaf(uint32_t cluster, Local local) {
    return std::make_shared<Node>(
        Node{.number = cluster, .bit = 0, .local = std::move(local)});
  }

  /// `old` with these sides.
  static Tree branch(const Tree &old, Tree left, Tree right) {
    if (left == old->left && right == old->right)
      return old;
    if (!left || !right)
      return left ? left : right;
    return std::make_shared<Node>(Node{old->number, old->bit, nullptr,
                                       std::move(left), std::move(right)});
  }

  /// Two trees of which neither has its place in the other.
  static Tree fork(const Tree &a, const Tree &b) {
    uint32_t bit = std::bit_floor(a->number ^ b->number);
    bool aIsRight = a->number & bit;
    return std::make_shared<Node>(Node{a->number & ~(2 * bit - 1), bit, nullptr,
                                       aIsRight ? b : a, aIsRight ? a : b});
  }

  static Tree joinLeaves(const Tree &a, const Tree &b) {
    // What one side knows wholly need not be copied.
    if (a->local == b->local || a->local->covers(*b->local))
      return a;
    if (b->local->covers(*a->local))
      return b;
    auto joined = std::make_shared<LocalKnowledge>(*a->local);
    joined->join(*b->local);
    return leaf(a->number, std::move(joined));
  }

  /// One of the two itself, if it has all that the other has.
  static Tree join(const Tree &a, const Tree &b) {
    if (!a || !b || a == b)
      return a ? a : b;
    if (a->number == b->number && a->bit == b->bit) {
      if (a->isLeaf())
        return joinLeaves(a, b);
      Tree left = join(a->left, b->left), right = join(a->right, b->right);
      if (left == b->left && right == b->right &&
          (left != a->left || right != a->right))
        return b;
      return branch(a, std::move(left), std::move(right));
    }
    if (a->contains(*b)) {
      bool isRight = b->number & a->bit;
      return isRight ? branch(a, a->left, join(a->right, b))
                     : branch(a, join(a->left, b), a->right);
    }
    if (b->contains(*a)) {
      bool isRight = a->number & b->bit;
      return isRight ? branch(b, b->left, join(a, b->right))
                     : branch(b, join(a, b->left), b->right);
    }
    return fork(a, b);
  }

  static bool covers(const Tree &a, const Tree &b) {
    if (!b || a == b)
      return true;
    if (!a)
      return false;
    if (a->contains(*b))
      return covers(a->side(b->number), b);
    if (a->number != b->number || a->bit != b->bit)
      return false;
    if (a->isLeaf())
      return a->local == b->local || a->local->covers(*b->local);
    return covers(a->left, b->left) && covers(a->right, b->right);
  }

  static Tree without(const Tree &tree, uint32_t cluster) {
    if (!tree)
      return tree;
    if (tree->isLeaf())
      return tree->number == cluster ? nullptr : tree;
    return cluster & tree->bit
               ? branch(tree, tree->left, without(tree->right, cluster))
               : branch(tree, without(tree->left, cluster), tree->right);
  }

  static Tree
  transform(const Tree &tree,
            const std::function<Local(uint32_t, const Local &)> &change) {
    if (!tree)
      return tree;
    if (!tree->isLeaf())
      return branch(tree, transform(tree->left, change),
                    transform(tree->right, change));
    Local changed = change(tree->number, tree->local);
    return changed == tree->local ? tree
                                  : leaf(tree->number, std::move(changed));
  }

  static const Tree *find(const Tree &tree, uint32_t cluster) {
    const Tree *at = &tree;
    while (*at && !(*at)->isLeaf())
      at = &(*at)->side(cluster);
    return *at && (*at)->number == cluster ? at : nullptr;
  }
};

const LocalKnowledge *ClusterKnowledge::find(uint32_t cluster) const {
  const Tree *found = Algorithms::find(root, cluster);
  return found ? (*found)->local.get() : nullptr;
}

ClusterKnowledge ClusterKnowledge::only(uint32_t cluster) const {
  ClusterKnowledge result;
  if (const Tree *found = Algorithms::find(root, cluster))
    result.root = *found;
  return result;
}

ClusterKnowledge ClusterKnowledge::without(uint32_t cluster) const {
  ClusterKnowledge result;
  result.root = Algorithms::without(root, cluster);
  return result;
}

void ClusterKnowledge::set(uint32_t cluster, Local local) {
  root = Algorithms::join(Algorithms::without(root, cluster),
                          Algorithms::leaf(cluster, std::move(local)));
}

void ClusterKnowledge::join(const ClusterKnowledge &other) {
  root = Algorithms::join(root, other.root);
}

bool ClusterKnowledge::covers(const ClusterKnowledge &other) const {
  return Algorithms::covers(root, other.root);
}

void ClusterKnowledge::transform(
    const std::function<Local(uint32_t, const Local &)> &change) {
  root = Algorithms::transform(root, change);
}
