//===- MulticastCopies.cpp - Blocks of a cluster share their copies -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/ClusterUniformity.h"
#include "lib/Transforms/Passes.h"

namespace heddle {
#define GEN_PASS_DEF_MULTICASTCOPIES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

/// Whether all blocks use the slots of `ring` in step: in a slot of one block
/// arrives what others copy for their slot of the same use.
static bool isUsedAlike(RingOp ring, const ClusterUniformity &uniformity) {
  return llvm::all_of(ring->getUsers(), [&](Operation *user) {
    return !isa<AcquireOp, CommitOp, CopyInOp>(user) ||
           uniformity.isPerformedAlike(user);
  });
}

static bool isSame(CopyInOp copy, const ClusterUniformity &uniformity) {
  return uniformity.isUniform(copy.getView()) &&
         llvm::all_of(copy.getOffsets(), [&](Value offset) {
           return uniformity.isUniform(offset);
         });
}

/// Marks the copies that blocks of a cluster of `size` share; whether there are
/// any.
static bool shareCopies(tile::KernelOp kernel, int64_t size) {
  bool shares = false;
  for (RoleOp role : kernel.getOps<RoleOp>()) {
    std::optional<ClusterUniformity> uniformity;
    role.walk([&](CopyInOp copy) {
      if (!uniformity)
        uniformity.emplace(role, size);
      if (!isSame(copy, *uniformity) ||
          !isUsedAlike(copy.getRing().getDefiningOp<RingOp>(), *uniformity))
        return;
      copy.setMulticast(true);
      shares = true;
    });
  }
  return shares;
}

namespace {
struct MulticastCopies : heddle::impl::MulticastCopiesBase<MulticastCopies> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    StringRef asked = tile::TileDialect::getClusterAttrName();
    StringRef cluster = ArefDialect::getClusterAttrName();
    if (!kernel->hasAttr(asked))
      return;
    auto extents = kernel->getAttrOfType<DenseI64ArrayAttr>(cluster);
    if (!extents) {
      kernel.emitWarning() << "'" << asked
                           << "' has no effect: clusters share what the TMA "
                              "copies for products, and this kernel has no "
                              "such copies";
      return;
    }
    if (shareCopies(kernel, getClusterSize(kernel)))
      return;
    kernel->removeAttr(cluster);
    kernel.emitWarning() << "'" << asked
                         << "' has no effect: no copy is the same for all "
                            "blocks of a cluster, equally often";
  }
};
} // namespace
