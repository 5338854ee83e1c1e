//===- ArefDialect.td - The compiler's dialect ---------- -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_AREF_DIALECT
#define HEDDLE_AREF_DIALECT

include "mlir/IR/OpBase.td"

def Aref_Dialect : Dialect {
  let name = "aref";
  let cppNamespace = "::heddle::aref";
  let summary = "Roles, rings and asynchronous operations: what the compiler makes";
  let description = [{
    An *asynchronous reference* hands data over between two parties that run on
    their own. It is a ring of `D` slots. A producer *acquires* an empty slot,
    fills it and *commits* it; a consumer *waits* for a full slot, reads it and
    *releases* it. A ring is sugar over two counting semaphores on the same
    buffers, `empty` (released at the start) and `full`.

    The n-th use of a ring is stage `n mod D` of round `n div D`. The count is
    monotone for the whole kernel, across loops and blocks, and is carried in
    values, never recomputed from an induction variable.

    The dialect has three levels, and each pass leaves only one behind:
    *value level* (`put`, `get`), *slot level* (`acquire`, `commit`, `wait`,
    `release`) and *barrier level* (`mbarriers`, `expect`, `arrive`, `await`).
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = [
    "::heddle::tile::TileDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();

    /// On an operation of a kernel not yet split: the role that performs it.
    static ::llvm::StringRef getRoleAttrName() { return "aref.role"; }
    /// On a kernel: which engine moves tiles between global and shared memory.
    static ::llvm::StringRef getCopiesAttrName() { return "aref.copies"; }
    /// On a kernel that has an `aref.copies = "tma"` twin that needs aligned
    /// views: the name of the kernel to launch when a view is not aligned.
    static ::llvm::StringRef getFallbackAttrName() { return "aref.fallback"; }
    /// On a kernel that visits the blocks of its grid in a loop: its last three
    /// arguments are the extents of that grid.
    static ::llvm::StringRef getPersistentAttrName() {
      return "aref.persistent";
    }
    /// On the loop over the blocks of a persistent kernel.
    static ::llvm::StringRef getBlocksAttrName() { return "aref.blocks"; }
    /// On a persistent kernel whose blocks come in clusters: how many blocks of
    /// the author's grid a cluster has at most along x, y and z, one of which is
    /// not 1. As many as divide the grid are launched as one.
    static ::llvm::StringRef getClusterAttrName() { return "aref.cluster"; }
    /// On an iota that is computed where it stands, however often that is: what
    /// follows from it may not move to where it would take registers for long.
    static ::llvm::StringRef getPinnedAttrName() { return "aref.pinned"; }
    /// On a kernel that adds floats to memory, which may happen in any order:
    /// results of two runs may differ.
    static ::llvm::StringRef getUnorderedAttrName() { return "aref.unordered"; }
    /// On a kernel: shared memory it uses, in bytes.
    static ::llvm::StringRef getSharedBytesAttrName() {
      return "aref.shared_bytes";
    }
  }];
}

#endif // HEDDLE_AREF_DIALECT
