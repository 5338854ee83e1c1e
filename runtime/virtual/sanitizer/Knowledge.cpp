//===- Knowledge.cpp - What threads know of memory ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Knowledge.h"

using namespace heddle::vgpu;

void Knowledge::joinFlags(const std::shared_ptr<const FlagKnowledge> &other) {
  if (!other || other == flags)
    return;
  if (!flags) {
    flags = other;
    return;
  }
  auto joined = std::make_shared<FlagKnowledge>(*flags);
  bool isMine = true, isTheirs = true;
  auto add = [&](FlagKnowledge::ByScope FlagKnowledge::*part) {
    for (size_t s = 0; s < ((*other).*part).size(); ++s) {
      ClusterKnowledge &sum = ((*joined).*part)[s];
      sum.join(((*other).*part)[s]);
      isMine = isMine && sum == ((*flags).*part)[s];
      isTheirs = isTheirs && sum == ((*other).*part)[s];
    }
  };
  add(&FlagKnowledge::fenced);
  add(&FlagKnowledge::observed);
  if (isMine)
    return;
  if (isTheirs)
    flags = other;
  else
    flags = std::move(joined);
}

void Knowledge::join(const Knowledge &other) {
  LocalKnowledge::join(other);
  foreign.join(other.foreign);
  if (!other.inits.empty())
    inits.join(other.inits);
  if (other.flags)
    joinFlags(other.flags);
}

void Knowledge::clear() {
  LocalKnowledge::clear();
  foreign.clear();
  inits.clear();
  flags.reset();
}
