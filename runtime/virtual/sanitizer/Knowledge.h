//===- Knowledge.h - What threads know of memory ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_KNOWLEDGE_H
#define HEDDLE_VIRTUAL_SANITIZER_KNOWLEDGE_H

#include "sanitizer/Clocks.h"
#include "sanitizer/ClusterKnowledge.h"

#include <array>

namespace heddle::vgpu {

/// What is known within a cluster, in the two proxies: all accesses, and the
/// generic ones that a proxy fence has made visible to asynchronous operations.
/// Asynchronous operations that have completed are visible to everyone who
/// knows that they have.
struct LocalKnowledge {
  Clocks seen, fenced;
  /// What fences of global memory alone made visible there, of what is seen.
  Clocks fencedGlobal;

  void join(const LocalKnowledge &other) {
    seen.join(other.seen);
    fenced.join(other.fenced);
    if (!other.fencedGlobal.empty())
      fencedGlobal.join(other.fencedGlobal);
  }
  bool covers(const LocalKnowledge &other) const {
    return seen.covers(other.seen) && fenced.covers(other.fenced) &&
           fencedGlobal.covers(other.fencedGlobal);
  }
  void clear() {
    seen.clear();
    fenced.clear();
    fencedGlobal.clear();
  }
};

/// Reach of a synchronizing access.
enum class Scope : uint8_t { None, Cta, Cluster, Gpu, System };

/// What relaxed stores and loads say together with fences. It goes where other
/// knowledge goes: a thread may fence, and another one, which has synchronised
/// with it, store the flag.
struct FlagKnowledge {
  using ByScope = std::array<ClusterKnowledge, 5>;
  /// What fences made ready to be published, by the scope of the fence.
  ByScope fenced;
  /// What relaxed loads found, by the scope that a fence needs to take it.
  ByScope observed;
};

/// What is known within a cluster, and of other clusters.
struct Knowledge : LocalKnowledge {
  ClusterKnowledge foreign;
  /// Null if there is none.
  std::shared_ptr<const FlagKnowledge> flags;
  /// mbarrier.init operations that fence.mbarrier_init released.
  Clocks inits;

  void join(const Knowledge &other);
  void joinFlags(const std::shared_ptr<const FlagKnowledge> &other);
  void clear();
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_KNOWLEDGE_H
