//===- TileAttrs.td - Attributes of the tile dialect ---- -*- tablegen -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TILE_ATTRS
#define HEDDLE_TILE_ATTRS

include "dialects/Tile/TileDialect.td"
include "mlir/IR/EnumAttr.td"

def Tile_Access : I32EnumAttr<"Access", "how a host function uses a buffer", [
  I32EnumAttrCase<"In", 0, "in">,
  I32EnumAttrCase<"Out", 1, "out">,
  I32EnumAttrCase<"InOut", 2, "inout">
]> {
  let cppNamespace = "::heddle::tile";
}

/// One word of an enumeration. A parser of its own says which words there are.
class Tile_WordAttr<EnumInfo words, string name>
    : EnumAttr<Tile_Dialect, words, name> {
  let assemblyFormat = ?;
  let hasCustomAssemblyFormat = 1;
}

def Tile_Precision : I32EnumAttr<"Precision", "how f32 is multiplied", [
  I32EnumAttrCase<"IEEE", 0, "ieee">,
  I32EnumAttrCase<"TF32", 1, "tf32">,
  I32EnumAttrCase<"F16", 2, "f16">
]> {
  let cppNamespace = "::heddle::tile";
  let genSpecializedAttr = 0;
}

def Tile_PrecisionAttr : Tile_WordAttr<Tile_Precision, "precision">;

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "how elements combine", [
  I32EnumAttrCase<"Add", 0, "add">,
  I32EnumAttrCase<"Mul", 1, "mul">,
  I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">,
  I32EnumAttrCase<"And", 4, "and">,
  I32EnumAttrCase<"Or", 5, "or">,
  I32EnumAttrCase<"Xor", 6, "xor">
]> {
  let cppNamespace = "::heddle::tile";
  let genSpecializedAttr = 0;
}

def Tile_ReduceKindAttr : Tile_WordAttr<Tile_ReduceKind, "reduce_kind">;

#endif // HEDDLE_TILE_ATTRS
