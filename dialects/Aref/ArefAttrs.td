//===- ArefAttrs.td - Attributes of the aref dialect ---- -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_AREF_ATTRS
#define HEDDLE_AREF_ATTRS

include "dialects/Aref/ArefDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Aref_LayoutAttr : AttrDef<Aref_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "where the elements of a tile live: an F2-linear map";
  let description = [{
    Maps (register, lane, warp) to coordinates. Bit `i` of the lane number adds
    `lane[i]` to the coordinates, and likewise for registers and warps; a zero
    vector means that threads that differ in that bit hold the same elements.
    The map covers an *atom* whose extents are powers of two, and atoms repeat
    over the tile in row-major order, each with its own set of registers.

    The accumulator of `wgmma.m64nNk16`:
    ```mlir
    #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]],
                 lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]],
                 warp = [[16, 0], [32, 0]]>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$atom,
    // Basis vectors, concatenated: `rank` numbers each.
    ArrayRefParameter<"int64_t">:$registers,
    ArrayRefParameter<"int64_t">:$lanes,
    ArrayRefParameter<"int64_t">:$warps
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let genMnemonicAlias = 1;
}

#endif // HEDDLE_AREF_ATTRS
