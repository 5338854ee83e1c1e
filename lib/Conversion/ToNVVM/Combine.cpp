//===- Combine.cpp - What reductions and scans share ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Combine.h"

#include "lib/Conversion/ToNVVM/Patterns.h"

using namespace mlir;
using namespace heddle;
using tile::ReduceKind;

Value heddle::combine(OpBuilder &builder, Location loc, ReduceKind kind,
                      Value a, Value b) {
  bool isFloat = isa<FloatType>(a.getType());
  switch (kind) {
  case ReduceKind::Add:
    return isFloat ? Value(arith::AddFOp::create(builder, loc, a, b))
                   : arith::AddIOp::create(builder, loc, a, b);
  case ReduceKind::Mul:
    return isFloat ? Value(arith::MulFOp::create(builder, loc, a, b))
                   : arith::MulIOp::create(builder, loc, a, b);
  case ReduceKind::Max:
    return isFloat ? Value(arith::MaxNumFOp::create(builder, loc, a, b))
                   : arith::MaxSIOp::create(builder, loc, a, b);
  case ReduceKind::Min:
    return isFloat ? Value(arith::MinNumFOp::create(builder, loc, a, b))
                   : arith::MinSIOp::create(builder, loc, a, b);
  case ReduceKind::And:
    return arith::AndIOp::create(builder, loc, a, b);
  case ReduceKind::Or:
    return arith::OrIOp::create(builder, loc, a, b);
  case ReduceKind::Xor:
    return arith::XOrIOp::create(builder, loc, a, b);
  }
  llvm_unreachable("unknown reduction");
}

/// The neutral element of a kind that applies to floats.
static APFloat getNeutralFloat(ReduceKind kind,
                               const llvm::fltSemantics &semantics) {
  switch (kind) {
  case ReduceKind::Mul:
    return APFloat::getOne(semantics);
  case ReduceKind::Max:
    return APFloat::getInf(semantics, /*Negative=*/true);
  case ReduceKind::Min:
    return APFloat::getInf(semantics);
  default:
    return APFloat::getZero(semantics);
  }
}

static APInt getNeutralInt(ReduceKind kind, unsigned width) {
  switch (kind) {
  case ReduceKind::Mul:
    return APInt(width, 1);
  case ReduceKind::Max:
    return APInt::getSignedMinValue(width);
  case ReduceKind::Min:
    return APInt::getSignedMaxValue(width);
  case ReduceKind::And:
    return APInt::getAllOnes(width);
  default:
    return APInt::getZero(width);
  }
}

Value heddle::getNeutral(OpBuilder &builder, Location loc, ReduceKind kind,
                         Type type) {
  TypedAttr value;
  if (auto floatType = dyn_cast<FloatType>(type))
    value = FloatAttr::get(
        type, getNeutralFloat(kind, floatType.getFloatSemantics()));
  else
    value = IntegerAttr::get(
        type, getNeutralInt(
                  kind, type.isIndex() ? 64 : type.getIntOrFloatBitWidth()));
  return arith::ConstantOp::create(builder, loc, value);
}

Value heddle::shuffle(OpBuilder &builder, Location loc, NVVM::ShflKind kind,
                      Value scalar, Value lane) {
  Type type = scalar.getType();
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto move = [&](Value word) -> Value {
    return NVVM::ShflOp::create(builder, loc, i32, getI32(builder, loc, -1),
                                word, lane, getI32(builder, loc, 31), kind,
                                UnitAttr());
  };
  // Shuffles move words of 32 bits.
  if (type.isIndex()) {
    Value bits = arith::IndexCastOp::create(builder, loc, i64, scalar);
    return arith::IndexCastOp::create(builder, loc, type,
                                      shuffle(builder, loc, kind, bits, lane));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (isa<FloatType>(type)) {
    Value bits = arith::BitcastOp::create(
        builder, loc, builder.getIntegerType(width), scalar);
    return arith::BitcastOp::create(builder, loc, type,
                                    shuffle(builder, loc, kind, bits, lane));
  }
  if (width == 32)
    return move(scalar);
  if (width < 32) {
    Value word = arith::ExtUIOp::create(builder, loc, i32, scalar);
    return arith::TruncIOp::create(builder, loc, type, move(word));
  }
  Value shift = arith::ConstantIntOp::create(builder, loc, 32, 64);
  Value low = arith::TruncIOp::create(builder, loc, i32, scalar);
  Value high = arith::TruncIOp::create(
      builder, loc, i32, arith::ShRUIOp::create(builder, loc, scalar, shift));
  low = arith::ExtUIOp::create(builder, loc, i64, move(low));
  high = arith::ExtUIOp::create(builder, loc, i64, move(high));
  high = arith::ShLIOp::create(builder, loc, high, shift);
  return arith::OrIOp::create(builder, loc, low, high);
}
