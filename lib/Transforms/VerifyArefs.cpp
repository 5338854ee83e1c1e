//===- VerifyArefs.cpp - Rings are used rightly ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/RingVerifier.h"
#include "lib/Transforms/Passes.h"

namespace heddle {
#define GEN_PASS_DEF_VERIFYAREFS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

namespace {

struct VerifyArefs : heddle::impl::VerifyArefsBase<VerifyArefs> {
  void runOnOperation() override {
    heddle::RingVerifier verifier(getOperation());
    if (failed(verifier.checkUses()) || failed(verifier.checkDepths()))
      signalPassFailure();
  }
};

} // namespace
