// What a thread holds of a tile, and which of its elements are compared with one bound.
// RUN: heddle-opt %s --pack-masks --allow-unregistered-dialect --split-input-file | FileCheck %s

// Columns as the accumulator of a product has them: pairs, 8 apart. What is below the bound is counted, pairs by pairs.
// CHECK-LABEL: @fragment(
// CHECK-SAME: %[[X:.*]]: i32, %[[BOUND:.*]]: i32, %[[S:.*]]: f32)
// CHECK: %[[BEGIN:.*]] = arith.subi %c-2147483648{{.*}}, %[[X]]
// CHECK: %[[END:.*]] = arith.subi %[[BOUND]], %[[X]]
// CHECK: llvm.inline_asm "bmsk.clamp.b32 $0, 0, $1;"
// CHECK: %[[LIMIT:.*]] = arith.minui %[[END]], %c58
// CHECK: %[[REST:.*]] = arith.andi %[[LIMIT]], %c7
// CHECK: %[[LOW:.*]] = arith.minui %[[REST]], %c2
// CHECK: %[[HIGH:.*]] = arith.shrui %[[LIMIT]], %c3
// CHECK: %[[TWICE:.*]] = arith.shli %[[HIGH]], %c1
// CHECK: %[[COUNT:.*]] = arith.addi %[[TWICE]], %[[LOW]]
// CHECK: llvm.inline_asm "bmsk.clamp.b32 $0, 0, $1;", "=r,r" %[[COUNT]]
// CHECK: arith.cmpi ule, %[[BEGIN]], %[[END]]
// CHECK: %[[WORD:.*]] = arith.select
// CHECK: %[[FIRST:.*]] = arith.andi %[[WORD]], %c1
// CHECK-NEXT: %{{.*}} = arith.constant 0
// CHECK-NEXT: %[[SEES:.*]] = arith.cmpi ne, %[[FIRST]]
// CHECK-NEXT: arith.select %[[SEES]], %[[S]]
// CHECK-COUNT-15: arith.cmpi ne
// CHECK-NOT: arith.cmpi ne
llvm.func @fragment(%x: i32, %bound: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %c9 = arith.constant 9 : i32
  %c16 = arith.constant 16 : i32
  %c17 = arith.constant 17 : i32
  %c24 = arith.constant 24 : i32
  %c25 = arith.constant 25 : i32
  %c32 = arith.constant 32 : i32
  %c33 = arith.constant 33 : i32
  %c40 = arith.constant 40 : i32
  %c41 = arith.constant 41 : i32
  %c48 = arith.constant 48 : i32
  %c49 = arith.constant 49 : i32
  %c56 = arith.constant 56 : i32
  %c57 = arith.constant 57 : i32
  %x1 = arith.addi %x, %c1 : i32
  %x8 = arith.addi %x, %c8 : i32
  %x9 = arith.addi %x, %c9 : i32
  %x16 = arith.addi %x, %c16 : i32
  %x17 = arith.addi %x, %c17 : i32
  %x24 = arith.addi %x, %c24 : i32
  %x25 = arith.addi %x, %c25 : i32
  %x32 = arith.addi %x, %c32 : i32
  %x33 = arith.addi %x, %c33 : i32
  %x40 = arith.addi %x, %c40 : i32
  %x41 = arith.addi %x, %c41 : i32
  %x48 = arith.addi %x, %c48 : i32
  %x49 = arith.addi %x, %c49 : i32
  %x56 = arith.addi %x, %c56 : i32
  %x57 = arith.addi %x, %c57 : i32
  %m0 = arith.cmpi slt, %x, %bound : i32
  %m1 = arith.cmpi slt, %x1, %bound : i32
  %m8 = arith.cmpi slt, %x8, %bound : i32
  %m9 = arith.cmpi slt, %x9, %bound : i32
  %m16 = arith.cmpi slt, %x16, %bound : i32
  %m17 = arith.cmpi slt, %x17, %bound : i32
  %m24 = arith.cmpi slt, %x24, %bound : i32
  %m25 = arith.cmpi slt, %x25, %bound : i32
  %m32 = arith.cmpi slt, %x32, %bound : i32
  %m33 = arith.cmpi slt, %x33, %bound : i32
  %m40 = arith.cmpi slt, %x40, %bound : i32
  %m41 = arith.cmpi slt, %x41, %bound : i32
  %m48 = arith.cmpi slt, %x48, %bound : i32
  %m49 = arith.cmpi slt, %x49, %bound : i32
  %m56 = arith.cmpi slt, %x56, %bound : i32
  %m57 = arith.cmpi slt, %x57, %bound : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// One element of 32: a part of 32 counts as all of it. What is greater is what is not less or equal.
// CHECK-LABEL: @apart(
// CHECK: %[[LIMIT:.*]] = arith.minui %{{.*}}, %c481
// CHECK: %[[REST:.*]] = arith.andi %[[LIMIT]], %c31
// CHECK: %[[SOME:.*]] = arith.minui %[[REST]], %c1
// CHECK: %[[ALL:.*]] = arith.shrui %[[LIMIT]], %c5
// CHECK: arith.addi %[[ALL]], %[[SOME]]
// CHECK: arith.cmpi ult
// CHECK: %[[WORD:.*]] = arith.select
// CHECK: arith.xori %[[WORD]], %c-1
llvm.func @apart(%x: i32, %bound: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c32 = arith.constant 32 : i32
  %c64 = arith.constant 64 : i32
  %c96 = arith.constant 96 : i32
  %c128 = arith.constant 128 : i32
  %c160 = arith.constant 160 : i32
  %c192 = arith.constant 192 : i32
  %c224 = arith.constant 224 : i32
  %c256 = arith.constant 256 : i32
  %c288 = arith.constant 288 : i32
  %c320 = arith.constant 320 : i32
  %c352 = arith.constant 352 : i32
  %c384 = arith.constant 384 : i32
  %c416 = arith.constant 416 : i32
  %c448 = arith.constant 448 : i32
  %c480 = arith.constant 480 : i32
  %x32 = arith.addi %x, %c32 : i32
  %x64 = arith.addi %x, %c64 : i32
  %x96 = arith.addi %x, %c96 : i32
  %x128 = arith.addi %x, %c128 : i32
  %x160 = arith.addi %x, %c160 : i32
  %x192 = arith.addi %x, %c192 : i32
  %x224 = arith.addi %x, %c224 : i32
  %x256 = arith.addi %x, %c256 : i32
  %x288 = arith.addi %x, %c288 : i32
  %x320 = arith.addi %x, %c320 : i32
  %x352 = arith.addi %x, %c352 : i32
  %x384 = arith.addi %x, %c384 : i32
  %x416 = arith.addi %x, %c416 : i32
  %x448 = arith.addi %x, %c448 : i32
  %x480 = arith.addi %x, %c480 : i32
  %m0 = arith.cmpi ugt, %x, %bound : i32
  %m32 = arith.cmpi ugt, %x32, %bound : i32
  %m64 = arith.cmpi ugt, %x64, %bound : i32
  %m96 = arith.cmpi ugt, %x96, %bound : i32
  %m128 = arith.cmpi ugt, %x128, %bound : i32
  %m160 = arith.cmpi ugt, %x160, %bound : i32
  %m192 = arith.cmpi ugt, %x192, %bound : i32
  %m224 = arith.cmpi ugt, %x224, %bound : i32
  %m256 = arith.cmpi ugt, %x256, %bound : i32
  %m288 = arith.cmpi ugt, %x288, %bound : i32
  %m320 = arith.cmpi ugt, %x320, %bound : i32
  %m352 = arith.cmpi ugt, %x352, %bound : i32
  %m384 = arith.cmpi ugt, %x384, %bound : i32
  %m416 = arith.cmpi ugt, %x416, %bound : i32
  %m448 = arith.cmpi ugt, %x448, %bound : i32
  %m480 = arith.cmpi ugt, %x480, %bound : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s64 = arith.select %m64, %s, %hidden : f32
  %s96 = arith.select %m96, %s, %hidden : f32
  %s128 = arith.select %m128, %s, %hidden : f32
  %s160 = arith.select %m160, %s, %hidden : f32
  %s192 = arith.select %m192, %s, %hidden : f32
  %s224 = arith.select %m224, %s, %hidden : f32
  %s256 = arith.select %m256, %s, %hidden : f32
  %s288 = arith.select %m288, %s, %hidden : f32
  %s320 = arith.select %m320, %s, %hidden : f32
  %s352 = arith.select %m352, %s, %hidden : f32
  %s384 = arith.select %m384, %s, %hidden : f32
  %s416 = arith.select %m416, %s, %hidden : f32
  %s448 = arith.select %m448, %s, %hidden : f32
  %s480 = arith.select %m480, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s64) : (f32) -> ()
  "use"(%s96) : (f32) -> ()
  "use"(%s128) : (f32) -> ()
  "use"(%s160) : (f32) -> ()
  "use"(%s192) : (f32) -> ()
  "use"(%s224) : (f32) -> ()
  "use"(%s256) : (f32) -> ()
  "use"(%s288) : (f32) -> ()
  "use"(%s320) : (f32) -> ()
  "use"(%s352) : (f32) -> ()
  "use"(%s384) : (f32) -> ()
  "use"(%s416) : (f32) -> ()
  "use"(%s448) : (f32) -> ()
  "use"(%s480) : (f32) -> ()
  llvm.return
}

// -----

// Words would cost more.
// CHECK-LABEL: @few(
// CHECK-NOT: bmsk
// CHECK: llvm.return
llvm.func @few(%x: i32, %bound: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %c9 = arith.constant 9 : i32
  %c16 = arith.constant 16 : i32
  %c17 = arith.constant 17 : i32
  %c24 = arith.constant 24 : i32
  %c25 = arith.constant 25 : i32
  %c32 = arith.constant 32 : i32
  %c33 = arith.constant 33 : i32
  %c40 = arith.constant 40 : i32
  %c41 = arith.constant 41 : i32
  %c48 = arith.constant 48 : i32
  %c49 = arith.constant 49 : i32
  %c56 = arith.constant 56 : i32
  %x1 = arith.addi %x, %c1 : i32
  %x8 = arith.addi %x, %c8 : i32
  %x9 = arith.addi %x, %c9 : i32
  %x16 = arith.addi %x, %c16 : i32
  %x17 = arith.addi %x, %c17 : i32
  %x24 = arith.addi %x, %c24 : i32
  %x25 = arith.addi %x, %c25 : i32
  %x32 = arith.addi %x, %c32 : i32
  %x33 = arith.addi %x, %c33 : i32
  %x40 = arith.addi %x, %c40 : i32
  %x41 = arith.addi %x, %c41 : i32
  %x48 = arith.addi %x, %c48 : i32
  %x49 = arith.addi %x, %c49 : i32
  %x56 = arith.addi %x, %c56 : i32
  %m0 = arith.cmpi slt, %x, %bound : i32
  %m1 = arith.cmpi slt, %x1, %bound : i32
  %m8 = arith.cmpi slt, %x8, %bound : i32
  %m9 = arith.cmpi slt, %x9, %bound : i32
  %m16 = arith.cmpi slt, %x16, %bound : i32
  %m17 = arith.cmpi slt, %x17, %bound : i32
  %m24 = arith.cmpi slt, %x24, %bound : i32
  %m25 = arith.cmpi slt, %x25, %bound : i32
  %m32 = arith.cmpi slt, %x32, %bound : i32
  %m33 = arith.cmpi slt, %x33, %bound : i32
  %m40 = arith.cmpi slt, %x40, %bound : i32
  %m41 = arith.cmpi slt, %x41, %bound : i32
  %m48 = arith.cmpi slt, %x48, %bound : i32
  %m49 = arith.cmpi slt, %x49, %bound : i32
  %m56 = arith.cmpi slt, %x56, %bound : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  llvm.return
}

// -----

// Not in order.
// CHECK-LABEL: @equal(
// CHECK-NOT: bmsk
// CHECK: llvm.return
llvm.func @equal(%x: i32, %bound: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %c9 = arith.constant 9 : i32
  %c16 = arith.constant 16 : i32
  %c17 = arith.constant 17 : i32
  %c24 = arith.constant 24 : i32
  %c25 = arith.constant 25 : i32
  %c32 = arith.constant 32 : i32
  %c33 = arith.constant 33 : i32
  %c40 = arith.constant 40 : i32
  %c41 = arith.constant 41 : i32
  %c48 = arith.constant 48 : i32
  %c49 = arith.constant 49 : i32
  %c56 = arith.constant 56 : i32
  %c57 = arith.constant 57 : i32
  %x1 = arith.addi %x, %c1 : i32
  %x8 = arith.addi %x, %c8 : i32
  %x9 = arith.addi %x, %c9 : i32
  %x16 = arith.addi %x, %c16 : i32
  %x17 = arith.addi %x, %c17 : i32
  %x24 = arith.addi %x, %c24 : i32
  %x25 = arith.addi %x, %c25 : i32
  %x32 = arith.addi %x, %c32 : i32
  %x33 = arith.addi %x, %c33 : i32
  %x40 = arith.addi %x, %c40 : i32
  %x41 = arith.addi %x, %c41 : i32
  %x48 = arith.addi %x, %c48 : i32
  %x49 = arith.addi %x, %c49 : i32
  %x56 = arith.addi %x, %c56 : i32
  %x57 = arith.addi %x, %c57 : i32
  %m0 = arith.cmpi eq, %x, %bound : i32
  %m1 = arith.cmpi eq, %x1, %bound : i32
  %m8 = arith.cmpi eq, %x8, %bound : i32
  %m9 = arith.cmpi eq, %x9, %bound : i32
  %m16 = arith.cmpi eq, %x16, %bound : i32
  %m17 = arith.cmpi eq, %x17, %bound : i32
  %m24 = arith.cmpi eq, %x24, %bound : i32
  %m25 = arith.cmpi eq, %x25, %bound : i32
  %m32 = arith.cmpi eq, %x32, %bound : i32
  %m33 = arith.cmpi eq, %x33, %bound : i32
  %m40 = arith.cmpi eq, %x40, %bound : i32
  %m41 = arith.cmpi eq, %x41, %bound : i32
  %m48 = arith.cmpi eq, %x48, %bound : i32
  %m49 = arith.cmpi eq, %x49, %bound : i32
  %m56 = arith.cmpi eq, %x56, %bound : i32
  %m57 = arith.cmpi eq, %x57, %bound : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// Of 64 bits.
// CHECK-LABEL: @wide(
// CHECK-NOT: bmsk
// CHECK: llvm.return
llvm.func @wide(%x: i64, %bound: i64, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c9 = arith.constant 9 : i64
  %c16 = arith.constant 16 : i64
  %c17 = arith.constant 17 : i64
  %c24 = arith.constant 24 : i64
  %c25 = arith.constant 25 : i64
  %c32 = arith.constant 32 : i64
  %c33 = arith.constant 33 : i64
  %c40 = arith.constant 40 : i64
  %c41 = arith.constant 41 : i64
  %c48 = arith.constant 48 : i64
  %c49 = arith.constant 49 : i64
  %c56 = arith.constant 56 : i64
  %c57 = arith.constant 57 : i64
  %x1 = arith.addi %x, %c1 : i64
  %x8 = arith.addi %x, %c8 : i64
  %x9 = arith.addi %x, %c9 : i64
  %x16 = arith.addi %x, %c16 : i64
  %x17 = arith.addi %x, %c17 : i64
  %x24 = arith.addi %x, %c24 : i64
  %x25 = arith.addi %x, %c25 : i64
  %x32 = arith.addi %x, %c32 : i64
  %x33 = arith.addi %x, %c33 : i64
  %x40 = arith.addi %x, %c40 : i64
  %x41 = arith.addi %x, %c41 : i64
  %x48 = arith.addi %x, %c48 : i64
  %x49 = arith.addi %x, %c49 : i64
  %x56 = arith.addi %x, %c56 : i64
  %x57 = arith.addi %x, %c57 : i64
  %m0 = arith.cmpi slt, %x, %bound : i64
  %m1 = arith.cmpi slt, %x1, %bound : i64
  %m8 = arith.cmpi slt, %x8, %bound : i64
  %m9 = arith.cmpi slt, %x9, %bound : i64
  %m16 = arith.cmpi slt, %x16, %bound : i64
  %m17 = arith.cmpi slt, %x17, %bound : i64
  %m24 = arith.cmpi slt, %x24, %bound : i64
  %m25 = arith.cmpi slt, %x25, %bound : i64
  %m32 = arith.cmpi slt, %x32, %bound : i64
  %m33 = arith.cmpi slt, %x33, %bound : i64
  %m40 = arith.cmpi slt, %x40, %bound : i64
  %m41 = arith.cmpi slt, %x41, %bound : i64
  %m48 = arith.cmpi slt, %x48, %bound : i64
  %m49 = arith.cmpi slt, %x49, %bound : i64
  %m56 = arith.cmpi slt, %x56, %bound : i64
  %m57 = arith.cmpi slt, %x57, %bound : i64
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// No bit of a place adds the same everywhere.
// CHECK-LABEL: @uneven(
// CHECK-NOT: bmsk
// CHECK: llvm.return
llvm.func @uneven(%x: i32, %bound: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %c3 = arith.constant 3 : i32
  %c6 = arith.constant 6 : i32
  %c9 = arith.constant 9 : i32
  %c12 = arith.constant 12 : i32
  %c15 = arith.constant 15 : i32
  %c18 = arith.constant 18 : i32
  %c21 = arith.constant 21 : i32
  %c24 = arith.constant 24 : i32
  %c27 = arith.constant 27 : i32
  %c30 = arith.constant 30 : i32
  %c33 = arith.constant 33 : i32
  %c36 = arith.constant 36 : i32
  %c39 = arith.constant 39 : i32
  %c42 = arith.constant 42 : i32
  %c45 = arith.constant 45 : i32
  %x3 = arith.addi %x, %c3 : i32
  %x6 = arith.addi %x, %c6 : i32
  %x9 = arith.addi %x, %c9 : i32
  %x12 = arith.addi %x, %c12 : i32
  %x15 = arith.addi %x, %c15 : i32
  %x18 = arith.addi %x, %c18 : i32
  %x21 = arith.addi %x, %c21 : i32
  %x24 = arith.addi %x, %c24 : i32
  %x27 = arith.addi %x, %c27 : i32
  %x30 = arith.addi %x, %c30 : i32
  %x33 = arith.addi %x, %c33 : i32
  %x36 = arith.addi %x, %c36 : i32
  %x39 = arith.addi %x, %c39 : i32
  %x42 = arith.addi %x, %c42 : i32
  %x45 = arith.addi %x, %c45 : i32
  %m0 = arith.cmpi slt, %x, %bound : i32
  %m3 = arith.cmpi slt, %x3, %bound : i32
  %m6 = arith.cmpi slt, %x6, %bound : i32
  %m9 = arith.cmpi slt, %x9, %bound : i32
  %m12 = arith.cmpi slt, %x12, %bound : i32
  %m15 = arith.cmpi slt, %x15, %bound : i32
  %m18 = arith.cmpi slt, %x18, %bound : i32
  %m21 = arith.cmpi slt, %x21, %bound : i32
  %m24 = arith.cmpi slt, %x24, %bound : i32
  %m27 = arith.cmpi slt, %x27, %bound : i32
  %m30 = arith.cmpi slt, %x30, %bound : i32
  %m33 = arith.cmpi slt, %x33, %bound : i32
  %m36 = arith.cmpi slt, %x36, %bound : i32
  %m39 = arith.cmpi slt, %x39, %bound : i32
  %m42 = arith.cmpi slt, %x42, %bound : i32
  %m45 = arith.cmpi slt, %x45, %bound : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s3 = arith.select %m3, %s, %hidden : f32
  %s6 = arith.select %m6, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s12 = arith.select %m12, %s, %hidden : f32
  %s15 = arith.select %m15, %s, %hidden : f32
  %s18 = arith.select %m18, %s, %hidden : f32
  %s21 = arith.select %m21, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s27 = arith.select %m27, %s, %hidden : f32
  %s30 = arith.select %m30, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s36 = arith.select %m36, %s, %hidden : f32
  %s39 = arith.select %m39, %s, %hidden : f32
  %s42 = arith.select %m42, %s, %hidden : f32
  %s45 = arith.select %m45, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s3) : (f32) -> ()
  "use"(%s6) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s12) : (f32) -> ()
  "use"(%s15) : (f32) -> ()
  "use"(%s18) : (f32) -> ()
  "use"(%s21) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s27) : (f32) -> ()
  "use"(%s30) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s36) : (f32) -> ()
  "use"(%s39) : (f32) -> ()
  "use"(%s42) : (f32) -> ()
  "use"(%s45) : (f32) -> ()
  llvm.return
}

// -----

// Constants that are compared are known: nothing is left to test.
// CHECK-LABEL: @known(
// CHECK-NOT: llvm.inline_asm
// CHECK-COUNT-16: arith.cmpi ult
llvm.func @known(%s: f32, %other: f32) {
  %bound = arith.constant 5 : i32
  %zero = arith.constant 0 : i32
  %c0 = arith.constant 0 : i32
  %x0 = arith.addi %zero, %c0 : i32
  %m0 = arith.cmpi ult, %x0, %bound : i32
  %s0 = arith.select %m0, %s, %other : f32
  "use"(%s0) : (f32) -> ()
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %zero, %c1 : i32
  %m1 = arith.cmpi ult, %x1, %bound : i32
  %s1 = arith.select %m1, %s, %other : f32
  "use"(%s1) : (f32) -> ()
  %c2 = arith.constant 2 : i32
  %x2 = arith.addi %zero, %c2 : i32
  %m2 = arith.cmpi ult, %x2, %bound : i32
  %s2 = arith.select %m2, %s, %other : f32
  "use"(%s2) : (f32) -> ()
  %c3 = arith.constant 3 : i32
  %x3 = arith.addi %zero, %c3 : i32
  %m3 = arith.cmpi ult, %x3, %bound : i32
  %s3 = arith.select %m3, %s, %other : f32
  "use"(%s3) : (f32) -> ()
  %c4 = arith.constant 4 : i32
  %x4 = arith.addi %zero, %c4 : i32
  %m4 = arith.cmpi ult, %x4, %bound : i32
  %s4 = arith.select %m4, %s, %other : f32
  "use"(%s4) : (f32) -> ()
  %c5 = arith.constant 5 : i32
  %x5 = arith.addi %zero, %c5 : i32
  %m5 = arith.cmpi ult, %x5, %bound : i32
  %s5 = arith.select %m5, %s, %other : f32
  "use"(%s5) : (f32) -> ()
  %c6 = arith.constant 6 : i32
  %x6 = arith.addi %zero, %c6 : i32
  %m6 = arith.cmpi ult, %x6, %bound : i32
  %s6 = arith.select %m6, %s, %other : f32
  "use"(%s6) : (f32) -> ()
  %c7 = arith.constant 7 : i32
  %x7 = arith.addi %zero, %c7 : i32
  %m7 = arith.cmpi ult, %x7, %bound : i32
  %s7 = arith.select %m7, %s, %other : f32
  "use"(%s7) : (f32) -> ()
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %zero, %c8 : i32
  %m8 = arith.cmpi ult, %x8, %bound : i32
  %s8 = arith.select %m8, %s, %other : f32
  "use"(%s8) : (f32) -> ()
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %zero, %c9 : i32
  %m9 = arith.cmpi ult, %x9, %bound : i32
  %s9 = arith.select %m9, %s, %other : f32
  "use"(%s9) : (f32) -> ()
  %c10 = arith.constant 10 : i32
  %x10 = arith.addi %zero, %c10 : i32
  %m10 = arith.cmpi ult, %x10, %bound : i32
  %s10 = arith.select %m10, %s, %other : f32
  "use"(%s10) : (f32) -> ()
  %c11 = arith.constant 11 : i32
  %x11 = arith.addi %zero, %c11 : i32
  %m11 = arith.cmpi ult, %x11, %bound : i32
  %s11 = arith.select %m11, %s, %other : f32
  "use"(%s11) : (f32) -> ()
  %c12 = arith.constant 12 : i32
  %x12 = arith.addi %zero, %c12 : i32
  %m12 = arith.cmpi ult, %x12, %bound : i32
  %s12 = arith.select %m12, %s, %other : f32
  "use"(%s12) : (f32) -> ()
  %c13 = arith.constant 13 : i32
  %x13 = arith.addi %zero, %c13 : i32
  %m13 = arith.cmpi ult, %x13, %bound : i32
  %s13 = arith.select %m13, %s, %other : f32
  "use"(%s13) : (f32) -> ()
  %c14 = arith.constant 14 : i32
  %x14 = arith.addi %zero, %c14 : i32
  %m14 = arith.cmpi ult, %x14, %bound : i32
  %s14 = arith.select %m14, %s, %other : f32
  "use"(%s14) : (f32) -> ()
  %c15 = arith.constant 15 : i32
  %x15 = arith.addi %zero, %c15 : i32
  %m15 = arith.cmpi ult, %x15, %bound : i32
  %s15 = arith.select %m15, %s, %other : f32
  "use"(%s15) : (f32) -> ()
  llvm.return
}

// -----

// Bits of a word of 64: it is rotated until bit 0 is the first element's; each half has eight of them, in pairs 8 apart.
// CHECK-LABEL: @bits(
// CHECK-SAME: %[[X:.*]]: i32, %[[WORD:.*]]: i64, %[[S:.*]]: f32)
// CHECK: %[[LOW:.*]] = arith.trunci %[[WORD]]
// CHECK: %[[UPPER:.*]] = arith.shrui %[[WORD]], %c32
// CHECK: %[[HIGH:.*]] = arith.trunci %[[UPPER]]
// CHECK: %[[HALF:.*]] = arith.andi %[[X]], %c32
// CHECK: %[[SWAPS:.*]] = arith.cmpi ne, %[[HALF]]
// CHECK: %[[FIRST:.*]] = arith.select %[[SWAPS]], %[[HIGH]], %[[LOW]]
// CHECK: %[[SECOND:.*]] = arith.select %[[SWAPS]], %[[LOW]], %[[HIGH]]
// CHECK: %[[R0:.*]] = llvm.intr.fshr(%[[SECOND]], %[[FIRST]], %[[X]])
// CHECK: arith.andi %[[R0]], %c50529027
// CHECK: arith.shrui %{{.*}}, %c6
// CHECK: arith.andi %{{.*}}, %c983055
// CHECK: arith.shrui %{{.*}}, %c12
// CHECK: %[[G0:.*]] = arith.andi %{{.*}}, %c255
// CHECK: llvm.intr.fshr(%[[FIRST]], %[[SECOND]], %[[X]])
// CHECK: %[[G1:.*]] = arith.andi %{{.*}}, %c255
// CHECK: %[[UP:.*]] = arith.shli %[[G1]], %c8
// CHECK: %[[ALL:.*]] = arith.ori %[[G0]], %[[UP]]
// CHECK: arith.andi %[[ALL]], %c1_
// CHECK-COUNT-16: arith.cmpi ne
// CHECK-NOT: arith.cmpi ne
llvm.func @bits(%x: i32, %word: i64, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %last = arith.constant 63 : i32
  %t0 = arith.andi %x, %last : i32
  %w0 = arith.extui %t0 : i32 to i64
  %r0 = arith.shrui %word, %w0 : i64
  %b0 = arith.andi %r0, %one : i64
  %m0 = arith.cmpi ne, %b0, %zero : i64
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %x, %c1 : i32
  %t1 = arith.andi %x1, %last : i32
  %w1 = arith.extui %t1 : i32 to i64
  %r1 = arith.shrui %word, %w1 : i64
  %b1 = arith.andi %r1, %one : i64
  %m1 = arith.cmpi ne, %b1, %zero : i64
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %x, %c8 : i32
  %t8 = arith.andi %x8, %last : i32
  %w8 = arith.extui %t8 : i32 to i64
  %r8 = arith.shrui %word, %w8 : i64
  %b8 = arith.andi %r8, %one : i64
  %m8 = arith.cmpi ne, %b8, %zero : i64
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %x, %c9 : i32
  %t9 = arith.andi %x9, %last : i32
  %w9 = arith.extui %t9 : i32 to i64
  %r9 = arith.shrui %word, %w9 : i64
  %b9 = arith.andi %r9, %one : i64
  %m9 = arith.cmpi ne, %b9, %zero : i64
  %c16 = arith.constant 16 : i32
  %x16 = arith.addi %x, %c16 : i32
  %t16 = arith.andi %x16, %last : i32
  %w16 = arith.extui %t16 : i32 to i64
  %r16 = arith.shrui %word, %w16 : i64
  %b16 = arith.andi %r16, %one : i64
  %m16 = arith.cmpi ne, %b16, %zero : i64
  %c17 = arith.constant 17 : i32
  %x17 = arith.addi %x, %c17 : i32
  %t17 = arith.andi %x17, %last : i32
  %w17 = arith.extui %t17 : i32 to i64
  %r17 = arith.shrui %word, %w17 : i64
  %b17 = arith.andi %r17, %one : i64
  %m17 = arith.cmpi ne, %b17, %zero : i64
  %c24 = arith.constant 24 : i32
  %x24 = arith.addi %x, %c24 : i32
  %t24 = arith.andi %x24, %last : i32
  %w24 = arith.extui %t24 : i32 to i64
  %r24 = arith.shrui %word, %w24 : i64
  %b24 = arith.andi %r24, %one : i64
  %m24 = arith.cmpi ne, %b24, %zero : i64
  %c25 = arith.constant 25 : i32
  %x25 = arith.addi %x, %c25 : i32
  %t25 = arith.andi %x25, %last : i32
  %w25 = arith.extui %t25 : i32 to i64
  %r25 = arith.shrui %word, %w25 : i64
  %b25 = arith.andi %r25, %one : i64
  %m25 = arith.cmpi ne, %b25, %zero : i64
  %c32 = arith.constant 32 : i32
  %x32 = arith.addi %x, %c32 : i32
  %t32 = arith.andi %x32, %last : i32
  %w32 = arith.extui %t32 : i32 to i64
  %r32 = arith.shrui %word, %w32 : i64
  %b32 = arith.andi %r32, %one : i64
  %m32 = arith.cmpi ne, %b32, %zero : i64
  %c33 = arith.constant 33 : i32
  %x33 = arith.addi %x, %c33 : i32
  %t33 = arith.andi %x33, %last : i32
  %w33 = arith.extui %t33 : i32 to i64
  %r33 = arith.shrui %word, %w33 : i64
  %b33 = arith.andi %r33, %one : i64
  %m33 = arith.cmpi ne, %b33, %zero : i64
  %c40 = arith.constant 40 : i32
  %x40 = arith.addi %x, %c40 : i32
  %t40 = arith.andi %x40, %last : i32
  %w40 = arith.extui %t40 : i32 to i64
  %r40 = arith.shrui %word, %w40 : i64
  %b40 = arith.andi %r40, %one : i64
  %m40 = arith.cmpi ne, %b40, %zero : i64
  %c41 = arith.constant 41 : i32
  %x41 = arith.addi %x, %c41 : i32
  %t41 = arith.andi %x41, %last : i32
  %w41 = arith.extui %t41 : i32 to i64
  %r41 = arith.shrui %word, %w41 : i64
  %b41 = arith.andi %r41, %one : i64
  %m41 = arith.cmpi ne, %b41, %zero : i64
  %c48 = arith.constant 48 : i32
  %x48 = arith.addi %x, %c48 : i32
  %t48 = arith.andi %x48, %last : i32
  %w48 = arith.extui %t48 : i32 to i64
  %r48 = arith.shrui %word, %w48 : i64
  %b48 = arith.andi %r48, %one : i64
  %m48 = arith.cmpi ne, %b48, %zero : i64
  %c49 = arith.constant 49 : i32
  %x49 = arith.addi %x, %c49 : i32
  %t49 = arith.andi %x49, %last : i32
  %w49 = arith.extui %t49 : i32 to i64
  %r49 = arith.shrui %word, %w49 : i64
  %b49 = arith.andi %r49, %one : i64
  %m49 = arith.cmpi ne, %b49, %zero : i64
  %c56 = arith.constant 56 : i32
  %x56 = arith.addi %x, %c56 : i32
  %t56 = arith.andi %x56, %last : i32
  %w56 = arith.extui %t56 : i32 to i64
  %r56 = arith.shrui %word, %w56 : i64
  %b56 = arith.andi %r56, %one : i64
  %m56 = arith.cmpi ne, %b56, %zero : i64
  %c57 = arith.constant 57 : i32
  %x57 = arith.addi %x, %c57 : i32
  %t57 = arith.andi %x57, %last : i32
  %w57 = arith.extui %t57 : i32 to i64
  %r57 = arith.shrui %word, %w57 : i64
  %b57 = arith.andi %r57, %one : i64
  %m57 = arith.cmpi ne, %b57, %zero : i64
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// Of a word of 32, those past its end are the first ones again.
// CHECK-LABEL: @again(
// CHECK-SAME: %[[X:.*]]: i32, %[[WORD:.*]]: i32,
// CHECK: llvm.intr.fshr(%{{.*}}, %{{.*}}, %[[X]])
// CHECK-NOT: llvm.intr.fshr
// CHECK: %[[G:.*]] = arith.andi %{{.*}}, %c255
// CHECK: %[[UP:.*]] = arith.shli %[[G]], %c8
// CHECK: %[[ALL:.*]] = arith.ori %[[G]], %[[UP]]
// CHECK: %[[NOT:.*]] = arith.xori %[[ALL]], %c-1
// CHECK: arith.andi %[[NOT]], %c1_
llvm.func @again(%x: i32, %word: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %last = arith.constant 31 : i32
  %t0 = arith.andi %x, %last : i32
  %r0 = arith.shli %one, %t0 : i32
  %b0 = arith.andi %word, %r0 : i32
  %m0 = arith.cmpi eq, %b0, %zero : i32
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %x, %c1 : i32
  %t1 = arith.andi %x1, %last : i32
  %r1 = arith.shli %one, %t1 : i32
  %b1 = arith.andi %word, %r1 : i32
  %m1 = arith.cmpi eq, %b1, %zero : i32
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %x, %c8 : i32
  %t8 = arith.andi %x8, %last : i32
  %r8 = arith.shli %one, %t8 : i32
  %b8 = arith.andi %word, %r8 : i32
  %m8 = arith.cmpi eq, %b8, %zero : i32
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %x, %c9 : i32
  %t9 = arith.andi %x9, %last : i32
  %r9 = arith.shli %one, %t9 : i32
  %b9 = arith.andi %word, %r9 : i32
  %m9 = arith.cmpi eq, %b9, %zero : i32
  %c16 = arith.constant 16 : i32
  %x16 = arith.addi %x, %c16 : i32
  %t16 = arith.andi %x16, %last : i32
  %r16 = arith.shli %one, %t16 : i32
  %b16 = arith.andi %word, %r16 : i32
  %m16 = arith.cmpi eq, %b16, %zero : i32
  %c17 = arith.constant 17 : i32
  %x17 = arith.addi %x, %c17 : i32
  %t17 = arith.andi %x17, %last : i32
  %r17 = arith.shli %one, %t17 : i32
  %b17 = arith.andi %word, %r17 : i32
  %m17 = arith.cmpi eq, %b17, %zero : i32
  %c24 = arith.constant 24 : i32
  %x24 = arith.addi %x, %c24 : i32
  %t24 = arith.andi %x24, %last : i32
  %r24 = arith.shli %one, %t24 : i32
  %b24 = arith.andi %word, %r24 : i32
  %m24 = arith.cmpi eq, %b24, %zero : i32
  %c25 = arith.constant 25 : i32
  %x25 = arith.addi %x, %c25 : i32
  %t25 = arith.andi %x25, %last : i32
  %r25 = arith.shli %one, %t25 : i32
  %b25 = arith.andi %word, %r25 : i32
  %m25 = arith.cmpi eq, %b25, %zero : i32
  %c32 = arith.constant 32 : i32
  %x32 = arith.addi %x, %c32 : i32
  %t32 = arith.andi %x32, %last : i32
  %r32 = arith.shli %one, %t32 : i32
  %b32 = arith.andi %word, %r32 : i32
  %m32 = arith.cmpi eq, %b32, %zero : i32
  %c33 = arith.constant 33 : i32
  %x33 = arith.addi %x, %c33 : i32
  %t33 = arith.andi %x33, %last : i32
  %r33 = arith.shli %one, %t33 : i32
  %b33 = arith.andi %word, %r33 : i32
  %m33 = arith.cmpi eq, %b33, %zero : i32
  %c40 = arith.constant 40 : i32
  %x40 = arith.addi %x, %c40 : i32
  %t40 = arith.andi %x40, %last : i32
  %r40 = arith.shli %one, %t40 : i32
  %b40 = arith.andi %word, %r40 : i32
  %m40 = arith.cmpi eq, %b40, %zero : i32
  %c41 = arith.constant 41 : i32
  %x41 = arith.addi %x, %c41 : i32
  %t41 = arith.andi %x41, %last : i32
  %r41 = arith.shli %one, %t41 : i32
  %b41 = arith.andi %word, %r41 : i32
  %m41 = arith.cmpi eq, %b41, %zero : i32
  %c48 = arith.constant 48 : i32
  %x48 = arith.addi %x, %c48 : i32
  %t48 = arith.andi %x48, %last : i32
  %r48 = arith.shli %one, %t48 : i32
  %b48 = arith.andi %word, %r48 : i32
  %m48 = arith.cmpi eq, %b48, %zero : i32
  %c49 = arith.constant 49 : i32
  %x49 = arith.addi %x, %c49 : i32
  %t49 = arith.andi %x49, %last : i32
  %r49 = arith.shli %one, %t49 : i32
  %b49 = arith.andi %word, %r49 : i32
  %m49 = arith.cmpi eq, %b49, %zero : i32
  %c56 = arith.constant 56 : i32
  %x56 = arith.addi %x, %c56 : i32
  %t56 = arith.andi %x56, %last : i32
  %r56 = arith.shli %one, %t56 : i32
  %b56 = arith.andi %word, %r56 : i32
  %m56 = arith.cmpi eq, %b56, %zero : i32
  %c57 = arith.constant 57 : i32
  %x57 = arith.addi %x, %c57 : i32
  %t57 = arith.andi %x57, %last : i32
  %r57 = arith.shli %one, %t57 : i32
  %b57 = arith.andi %word, %r57 : i32
  %m57 = arith.cmpi eq, %b57, %zero : i32
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// Eight bits, four times.
// CHECK-LABEL: @eight(
// CHECK: arith.andi %{{.*}}, %c255
// CHECK: arith.shli %{{.*}}, %c8
// CHECK: arith.shli %{{.*}}, %c16
// CHECK: %[[R:.*]] = llvm.intr.fshr
// CHECK-NEXT: %{{.*}} = arith.constant 65535
// CHECK-NEXT: %[[BITS:.*]] = arith.andi %[[R]]
// CHECK: arith.andi %[[BITS]], %c1_
llvm.func @eight(%x: i32, %word: i32, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %last = arith.constant 7 : i32
  %t0 = arith.andi %x, %last : i32
  %r0 = arith.shrui %word, %t0 : i32
  %m0 = arith.trunci %r0 : i32 to i1
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %x, %c1 : i32
  %t1 = arith.andi %x1, %last : i32
  %r1 = arith.shrui %word, %t1 : i32
  %m1 = arith.trunci %r1 : i32 to i1
  %c2 = arith.constant 2 : i32
  %x2 = arith.addi %x, %c2 : i32
  %t2 = arith.andi %x2, %last : i32
  %r2 = arith.shrui %word, %t2 : i32
  %m2 = arith.trunci %r2 : i32 to i1
  %c3 = arith.constant 3 : i32
  %x3 = arith.addi %x, %c3 : i32
  %t3 = arith.andi %x3, %last : i32
  %r3 = arith.shrui %word, %t3 : i32
  %m3 = arith.trunci %r3 : i32 to i1
  %c4 = arith.constant 4 : i32
  %x4 = arith.addi %x, %c4 : i32
  %t4 = arith.andi %x4, %last : i32
  %r4 = arith.shrui %word, %t4 : i32
  %m4 = arith.trunci %r4 : i32 to i1
  %c5 = arith.constant 5 : i32
  %x5 = arith.addi %x, %c5 : i32
  %t5 = arith.andi %x5, %last : i32
  %r5 = arith.shrui %word, %t5 : i32
  %m5 = arith.trunci %r5 : i32 to i1
  %c6 = arith.constant 6 : i32
  %x6 = arith.addi %x, %c6 : i32
  %t6 = arith.andi %x6, %last : i32
  %r6 = arith.shrui %word, %t6 : i32
  %m6 = arith.trunci %r6 : i32 to i1
  %c7 = arith.constant 7 : i32
  %x7 = arith.addi %x, %c7 : i32
  %t7 = arith.andi %x7, %last : i32
  %r7 = arith.shrui %word, %t7 : i32
  %m7 = arith.trunci %r7 : i32 to i1
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %x, %c8 : i32
  %t8 = arith.andi %x8, %last : i32
  %r8 = arith.shrui %word, %t8 : i32
  %m8 = arith.trunci %r8 : i32 to i1
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %x, %c9 : i32
  %t9 = arith.andi %x9, %last : i32
  %r9 = arith.shrui %word, %t9 : i32
  %m9 = arith.trunci %r9 : i32 to i1
  %c10 = arith.constant 10 : i32
  %x10 = arith.addi %x, %c10 : i32
  %t10 = arith.andi %x10, %last : i32
  %r10 = arith.shrui %word, %t10 : i32
  %m10 = arith.trunci %r10 : i32 to i1
  %c11 = arith.constant 11 : i32
  %x11 = arith.addi %x, %c11 : i32
  %t11 = arith.andi %x11, %last : i32
  %r11 = arith.shrui %word, %t11 : i32
  %m11 = arith.trunci %r11 : i32 to i1
  %c12 = arith.constant 12 : i32
  %x12 = arith.addi %x, %c12 : i32
  %t12 = arith.andi %x12, %last : i32
  %r12 = arith.shrui %word, %t12 : i32
  %m12 = arith.trunci %r12 : i32 to i1
  %c13 = arith.constant 13 : i32
  %x13 = arith.addi %x, %c13 : i32
  %t13 = arith.andi %x13, %last : i32
  %r13 = arith.shrui %word, %t13 : i32
  %m13 = arith.trunci %r13 : i32 to i1
  %c14 = arith.constant 14 : i32
  %x14 = arith.addi %x, %c14 : i32
  %t14 = arith.andi %x14, %last : i32
  %r14 = arith.shrui %word, %t14 : i32
  %m14 = arith.trunci %r14 : i32 to i1
  %c15 = arith.constant 15 : i32
  %x15 = arith.addi %x, %c15 : i32
  %t15 = arith.andi %x15, %last : i32
  %r15 = arith.shrui %word, %t15 : i32
  %m15 = arith.trunci %r15 : i32 to i1
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s2 = arith.select %m2, %s, %hidden : f32
  %s3 = arith.select %m3, %s, %hidden : f32
  %s4 = arith.select %m4, %s, %hidden : f32
  %s5 = arith.select %m5, %s, %hidden : f32
  %s6 = arith.select %m6, %s, %hidden : f32
  %s7 = arith.select %m7, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s10 = arith.select %m10, %s, %hidden : f32
  %s11 = arith.select %m11, %s, %hidden : f32
  %s12 = arith.select %m12, %s, %hidden : f32
  %s13 = arith.select %m13, %s, %hidden : f32
  %s14 = arith.select %m14, %s, %hidden : f32
  %s15 = arith.select %m15, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s2) : (f32) -> ()
  "use"(%s3) : (f32) -> ()
  "use"(%s4) : (f32) -> ()
  "use"(%s5) : (f32) -> ()
  "use"(%s6) : (f32) -> ()
  "use"(%s7) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s10) : (f32) -> ()
  "use"(%s11) : (f32) -> ()
  "use"(%s12) : (f32) -> ()
  "use"(%s13) : (f32) -> ()
  "use"(%s14) : (f32) -> ()
  "use"(%s15) : (f32) -> ()
  llvm.return
}

// -----

// Nothing says that the bits are in the word.
// CHECK-LABEL: @outside(
// CHECK-NOT: llvm.intr.fshr
// CHECK: llvm.return
llvm.func @outside(%x: i32, %word: i64, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %last = arith.constant 63 : i32
  %w0 = arith.extui %x : i32 to i64
  %r0 = arith.shrui %word, %w0 : i64
  %b0 = arith.andi %r0, %one : i64
  %m0 = arith.cmpi ne, %b0, %zero : i64
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %x, %c1 : i32
  %w1 = arith.extui %x1 : i32 to i64
  %r1 = arith.shrui %word, %w1 : i64
  %b1 = arith.andi %r1, %one : i64
  %m1 = arith.cmpi ne, %b1, %zero : i64
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %x, %c8 : i32
  %w8 = arith.extui %x8 : i32 to i64
  %r8 = arith.shrui %word, %w8 : i64
  %b8 = arith.andi %r8, %one : i64
  %m8 = arith.cmpi ne, %b8, %zero : i64
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %x, %c9 : i32
  %w9 = arith.extui %x9 : i32 to i64
  %r9 = arith.shrui %word, %w9 : i64
  %b9 = arith.andi %r9, %one : i64
  %m9 = arith.cmpi ne, %b9, %zero : i64
  %c16 = arith.constant 16 : i32
  %x16 = arith.addi %x, %c16 : i32
  %w16 = arith.extui %x16 : i32 to i64
  %r16 = arith.shrui %word, %w16 : i64
  %b16 = arith.andi %r16, %one : i64
  %m16 = arith.cmpi ne, %b16, %zero : i64
  %c17 = arith.constant 17 : i32
  %x17 = arith.addi %x, %c17 : i32
  %w17 = arith.extui %x17 : i32 to i64
  %r17 = arith.shrui %word, %w17 : i64
  %b17 = arith.andi %r17, %one : i64
  %m17 = arith.cmpi ne, %b17, %zero : i64
  %c24 = arith.constant 24 : i32
  %x24 = arith.addi %x, %c24 : i32
  %w24 = arith.extui %x24 : i32 to i64
  %r24 = arith.shrui %word, %w24 : i64
  %b24 = arith.andi %r24, %one : i64
  %m24 = arith.cmpi ne, %b24, %zero : i64
  %c25 = arith.constant 25 : i32
  %x25 = arith.addi %x, %c25 : i32
  %w25 = arith.extui %x25 : i32 to i64
  %r25 = arith.shrui %word, %w25 : i64
  %b25 = arith.andi %r25, %one : i64
  %m25 = arith.cmpi ne, %b25, %zero : i64
  %c32 = arith.constant 32 : i32
  %x32 = arith.addi %x, %c32 : i32
  %w32 = arith.extui %x32 : i32 to i64
  %r32 = arith.shrui %word, %w32 : i64
  %b32 = arith.andi %r32, %one : i64
  %m32 = arith.cmpi ne, %b32, %zero : i64
  %c33 = arith.constant 33 : i32
  %x33 = arith.addi %x, %c33 : i32
  %w33 = arith.extui %x33 : i32 to i64
  %r33 = arith.shrui %word, %w33 : i64
  %b33 = arith.andi %r33, %one : i64
  %m33 = arith.cmpi ne, %b33, %zero : i64
  %c40 = arith.constant 40 : i32
  %x40 = arith.addi %x, %c40 : i32
  %w40 = arith.extui %x40 : i32 to i64
  %r40 = arith.shrui %word, %w40 : i64
  %b40 = arith.andi %r40, %one : i64
  %m40 = arith.cmpi ne, %b40, %zero : i64
  %c41 = arith.constant 41 : i32
  %x41 = arith.addi %x, %c41 : i32
  %w41 = arith.extui %x41 : i32 to i64
  %r41 = arith.shrui %word, %w41 : i64
  %b41 = arith.andi %r41, %one : i64
  %m41 = arith.cmpi ne, %b41, %zero : i64
  %c48 = arith.constant 48 : i32
  %x48 = arith.addi %x, %c48 : i32
  %w48 = arith.extui %x48 : i32 to i64
  %r48 = arith.shrui %word, %w48 : i64
  %b48 = arith.andi %r48, %one : i64
  %m48 = arith.cmpi ne, %b48, %zero : i64
  %c49 = arith.constant 49 : i32
  %x49 = arith.addi %x, %c49 : i32
  %w49 = arith.extui %x49 : i32 to i64
  %r49 = arith.shrui %word, %w49 : i64
  %b49 = arith.andi %r49, %one : i64
  %m49 = arith.cmpi ne, %b49, %zero : i64
  %c56 = arith.constant 56 : i32
  %x56 = arith.addi %x, %c56 : i32
  %w56 = arith.extui %x56 : i32 to i64
  %r56 = arith.shrui %word, %w56 : i64
  %b56 = arith.andi %r56, %one : i64
  %m56 = arith.cmpi ne, %b56, %zero : i64
  %c57 = arith.constant 57 : i32
  %x57 = arith.addi %x, %c57 : i32
  %w57 = arith.extui %x57 : i32 to i64
  %r57 = arith.shrui %word, %w57 : i64
  %b57 = arith.andi %r57, %one : i64
  %m57 = arith.cmpi ne, %b57, %zero : i64
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  %s57 = arith.select %m57, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  "use"(%s57) : (f32) -> ()
  llvm.return
}

// -----

// CHECK-LABEL: @few_bits(
// CHECK-NOT: llvm.intr.fshr
// CHECK: llvm.return
llvm.func @few_bits(%x: i32, %word: i64, %s: f32) {
  %hidden = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %last = arith.constant 63 : i32
  %t0 = arith.andi %x, %last : i32
  %w0 = arith.extui %t0 : i32 to i64
  %r0 = arith.shrui %word, %w0 : i64
  %b0 = arith.andi %r0, %one : i64
  %m0 = arith.cmpi ne, %b0, %zero : i64
  %c1 = arith.constant 1 : i32
  %x1 = arith.addi %x, %c1 : i32
  %t1 = arith.andi %x1, %last : i32
  %w1 = arith.extui %t1 : i32 to i64
  %r1 = arith.shrui %word, %w1 : i64
  %b1 = arith.andi %r1, %one : i64
  %m1 = arith.cmpi ne, %b1, %zero : i64
  %c8 = arith.constant 8 : i32
  %x8 = arith.addi %x, %c8 : i32
  %t8 = arith.andi %x8, %last : i32
  %w8 = arith.extui %t8 : i32 to i64
  %r8 = arith.shrui %word, %w8 : i64
  %b8 = arith.andi %r8, %one : i64
  %m8 = arith.cmpi ne, %b8, %zero : i64
  %c9 = arith.constant 9 : i32
  %x9 = arith.addi %x, %c9 : i32
  %t9 = arith.andi %x9, %last : i32
  %w9 = arith.extui %t9 : i32 to i64
  %r9 = arith.shrui %word, %w9 : i64
  %b9 = arith.andi %r9, %one : i64
  %m9 = arith.cmpi ne, %b9, %zero : i64
  %c16 = arith.constant 16 : i32
  %x16 = arith.addi %x, %c16 : i32
  %t16 = arith.andi %x16, %last : i32
  %w16 = arith.extui %t16 : i32 to i64
  %r16 = arith.shrui %word, %w16 : i64
  %b16 = arith.andi %r16, %one : i64
  %m16 = arith.cmpi ne, %b16, %zero : i64
  %c17 = arith.constant 17 : i32
  %x17 = arith.addi %x, %c17 : i32
  %t17 = arith.andi %x17, %last : i32
  %w17 = arith.extui %t17 : i32 to i64
  %r17 = arith.shrui %word, %w17 : i64
  %b17 = arith.andi %r17, %one : i64
  %m17 = arith.cmpi ne, %b17, %zero : i64
  %c24 = arith.constant 24 : i32
  %x24 = arith.addi %x, %c24 : i32
  %t24 = arith.andi %x24, %last : i32
  %w24 = arith.extui %t24 : i32 to i64
  %r24 = arith.shrui %word, %w24 : i64
  %b24 = arith.andi %r24, %one : i64
  %m24 = arith.cmpi ne, %b24, %zero : i64
  %c25 = arith.constant 25 : i32
  %x25 = arith.addi %x, %c25 : i32
  %t25 = arith.andi %x25, %last : i32
  %w25 = arith.extui %t25 : i32 to i64
  %r25 = arith.shrui %word, %w25 : i64
  %b25 = arith.andi %r25, %one : i64
  %m25 = arith.cmpi ne, %b25, %zero : i64
  %c32 = arith.constant 32 : i32
  %x32 = arith.addi %x, %c32 : i32
  %t32 = arith.andi %x32, %last : i32
  %w32 = arith.extui %t32 : i32 to i64
  %r32 = arith.shrui %word, %w32 : i64
  %b32 = arith.andi %r32, %one : i64
  %m32 = arith.cmpi ne, %b32, %zero : i64
  %c33 = arith.constant 33 : i32
  %x33 = arith.addi %x, %c33 : i32
  %t33 = arith.andi %x33, %last : i32
  %w33 = arith.extui %t33 : i32 to i64
  %r33 = arith.shrui %word, %w33 : i64
  %b33 = arith.andi %r33, %one : i64
  %m33 = arith.cmpi ne, %b33, %zero : i64
  %c40 = arith.constant 40 : i32
  %x40 = arith.addi %x, %c40 : i32
  %t40 = arith.andi %x40, %last : i32
  %w40 = arith.extui %t40 : i32 to i64
  %r40 = arith.shrui %word, %w40 : i64
  %b40 = arith.andi %r40, %one : i64
  %m40 = arith.cmpi ne, %b40, %zero : i64
  %c41 = arith.constant 41 : i32
  %x41 = arith.addi %x, %c41 : i32
  %t41 = arith.andi %x41, %last : i32
  %w41 = arith.extui %t41 : i32 to i64
  %r41 = arith.shrui %word, %w41 : i64
  %b41 = arith.andi %r41, %one : i64
  %m41 = arith.cmpi ne, %b41, %zero : i64
  %c48 = arith.constant 48 : i32
  %x48 = arith.addi %x, %c48 : i32
  %t48 = arith.andi %x48, %last : i32
  %w48 = arith.extui %t48 : i32 to i64
  %r48 = arith.shrui %word, %w48 : i64
  %b48 = arith.andi %r48, %one : i64
  %m48 = arith.cmpi ne, %b48, %zero : i64
  %c49 = arith.constant 49 : i32
  %x49 = arith.addi %x, %c49 : i32
  %t49 = arith.andi %x49, %last : i32
  %w49 = arith.extui %t49 : i32 to i64
  %r49 = arith.shrui %word, %w49 : i64
  %b49 = arith.andi %r49, %one : i64
  %m49 = arith.cmpi ne, %b49, %zero : i64
  %c56 = arith.constant 56 : i32
  %x56 = arith.addi %x, %c56 : i32
  %t56 = arith.andi %x56, %last : i32
  %w56 = arith.extui %t56 : i32 to i64
  %r56 = arith.shrui %word, %w56 : i64
  %b56 = arith.andi %r56, %one : i64
  %m56 = arith.cmpi ne, %b56, %zero : i64
  %s0 = arith.select %m0, %s, %hidden : f32
  %s1 = arith.select %m1, %s, %hidden : f32
  %s8 = arith.select %m8, %s, %hidden : f32
  %s9 = arith.select %m9, %s, %hidden : f32
  %s16 = arith.select %m16, %s, %hidden : f32
  %s17 = arith.select %m17, %s, %hidden : f32
  %s24 = arith.select %m24, %s, %hidden : f32
  %s25 = arith.select %m25, %s, %hidden : f32
  %s32 = arith.select %m32, %s, %hidden : f32
  %s33 = arith.select %m33, %s, %hidden : f32
  %s40 = arith.select %m40, %s, %hidden : f32
  %s41 = arith.select %m41, %s, %hidden : f32
  %s48 = arith.select %m48, %s, %hidden : f32
  %s49 = arith.select %m49, %s, %hidden : f32
  %s56 = arith.select %m56, %s, %hidden : f32
  "use"(%s0) : (f32) -> ()
  "use"(%s1) : (f32) -> ()
  "use"(%s8) : (f32) -> ()
  "use"(%s9) : (f32) -> ()
  "use"(%s16) : (f32) -> ()
  "use"(%s17) : (f32) -> ()
  "use"(%s24) : (f32) -> ()
  "use"(%s25) : (f32) -> ()
  "use"(%s32) : (f32) -> ()
  "use"(%s33) : (f32) -> ()
  "use"(%s40) : (f32) -> ()
  "use"(%s41) : (f32) -> ()
  "use"(%s48) : (f32) -> ()
  "use"(%s49) : (f32) -> ()
  "use"(%s56) : (f32) -> ()
  llvm.return
}
