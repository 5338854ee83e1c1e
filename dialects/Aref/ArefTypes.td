//===- ArefTypes.td - Types of the aref dialect --------- -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_AREF_TYPES
#define HEDDLE_AREF_TYPES

include "dialects/Aref/ArefDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

class Aref_Type<string name, string typeMnemonic>
    : TypeDef<Aref_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Aref_RingType : Aref_Type<"Ring", "ring"> {
  let summary = "a ring of slots that each hold one or more tiles";
  let description = [{
    `!aref.ring<4 x tensor<128x64xbf16>, tensor<64x256xbf16>>` has four slots of
    two tiles. Depth `?` means that it is not planned yet.
  }];
  let parameters = (ins
    // 0 while it is not planned.
    "int64_t":$depth,
    ArrayRefParameter<"::mlir::RankedTensorType">:$tiles
  );
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool isPlanned() const { return getDepth() > 0; }
    /// Bytes of one slot. Each tile starts at a multiple of 1024 bytes.
    int64_t getSlotBytes() const;
    /// A slot of this ring, and the buffer of one of its tiles.
    SlotType getSlot() const;
    BufferType getBuffer(unsigned index) const;
  }];
}

def Aref_SlotType : Aref_Type<"Slot", "slot"> {
  let summary = "one slot of a ring, held by a producer or a consumer";
  let description = [{
    A value of this type is used linearly: on every path it is committed or
    released once, or handed on through a loop or a branch.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::RankedTensorType">:$tiles);
  let assemblyFormat = "`<` $tiles `>`";
}

def Aref_BufferType : Aref_Type<"Buffer", "buffer"> {
  let summary = "a tile in shared memory";
  let description = [{
    Rows of the last dimension are cut into panels of `swizzle` bytes (128, 64
    or 32, or 0 for plain row-major). A panel holds its part of every row, one
    after the other, at `swizzle` bytes each; panels follow one another. Within
    panels, 16-byte chunks are permuted as TMA and `wgmma` permute them.
    `panelRows` is how many rows a panel has; it exceeds the shape's rows for a
    buffer that is a range of rows of a larger one.

    `!aref.buffer<128x64xbf16, swizzle = 128>`.
  }];
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$shape,
    "::mlir::Type":$elementType,
    "int64_t":$swizzle,
    "int64_t":$panelRows
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    TypeBuilderWithInferredContext<(ins "::mlir::RankedTensorType":$tile)>
  ];
  let extraClassDeclaration = [{
    /// The number of rows: the product of all extents but the last.
    int64_t getRows() const;
    /// Bytes of one panel, and of the whole buffer.
    int64_t getPanelBytes() const;
    int64_t getBytes() const;
    int64_t getNumPanels() const;
    /// The tile that the buffer holds.
    ::mlir::RankedTensorType getTile() const;
    /// The widest swizzle that TMA and wgmma accept for rows of `rowBytes`.
    static int64_t getSwizzleFor(int64_t rowBytes);
  }];
}

def Aref_MbarriersType : Aref_Type<"Mbarriers", "mbarriers"> {
  let summary = "an array of mbarriers in shared memory, one per stage";
  let parameters = (ins "int64_t":$depth);
  let assemblyFormat = "`<` $depth `>`";
}

#endif // HEDDLE_AREF_TYPES
