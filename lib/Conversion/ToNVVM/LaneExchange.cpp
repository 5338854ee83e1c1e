//===- LaneExchange.cpp - Tiles that change lanes by shuffles -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/LaneExchange.h"

#include "lib/Conversion/ToNVVM/Combine.h"
#include "lib/Conversion/ToNVVM/Tiles.h"

using namespace mlir;
using namespace heddle;

namespace {

/// Emits an exchange for the thread that executes an operation.
class ExchangeEmitter {
public:
  ExchangeEmitter(OpBuilder &builder, Operation *op,
                  const LaneExchange &exchange)
      : builder(builder), loc(op->getLoc()), exchange(exchange),
        lane(getLane(builder, op)) {}

  /// The registers of the new layout, of which `values` are the old ones.
  SmallVector<Value> emit(ValueRange values);

private:
  Value getConstant(int64_t value) { return getI32(builder, loc, value); }
  /// i1: bit `bit` of the lane.
  Value getLaneBit(unsigned bit);
  /// The lane from which this one reads in round 0.
  Value getSource();
  /// The registers as a word; for those that are not there, anything.
  Value pack(ValueRange values, ArrayRef<int64_t> registers);
  void send(ValueRange values);
  /// A word whose elements are at `places`.
  Value receive(ArrayRef<LaneExchange::Place> places);

  OpBuilder &builder;
  Location loc;
  const LaneExchange &exchange;
  Value lane;
  /// By round, what was received of each message.
  std::array<SmallVector<Value>, 2> received;
};

} // namespace

Value ExchangeEmitter::getLaneBit(unsigned bit) {
  Value masked =
      arith::AndIOp::create(builder, loc, lane, getConstant(int64_t(1) << bit));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, masked,
                               getConstant(0));
}

Value ExchangeEmitter::getSource() {
  // Bits that move as far are moved together.
  llvm::MapVector<int, uint32_t> masks;
  for (auto [to, from] : llvm::enumerate(exchange.sources))
    masks[int(to) - int(from)] |= uint32_t(1) << from;
  Value source;
  for (auto [distance, mask] : masks) {
    Value part =
        arith::AndIOp::create(builder, loc, lane, getConstant(int64_t(mask)));
    if (distance > 0)
      part = arith::ShLIOp::create(builder, loc, part, getConstant(distance));
    else if (distance < 0)
      part = arith::ShRUIOp::create(builder, loc, part, getConstant(-distance));
    source = source ? arith::OrIOp::create(builder, loc, source, part) : part;
  }
  return source;
}

Value ExchangeEmitter::pack(ValueRange values, ArrayRef<int64_t> registers) {
  SmallVector<Value> parts;
  for (int64_t reg : registers)
    parts.push_back(
        reg >= 0 ? values[reg]
                 : LLVM::PoisonOp::create(builder, loc, values[0].getType())
                       .getResult());
  return packRegister(builder, loc, parts);
}

void ExchangeEmitter::send(ValueRange values) {
  Value source = getSource();
  auto exchangeWord = [&](unsigned round, Value word, Value from) {
    received[round].push_back(
        shuffle(builder, loc, NVVM::ShflKind::idx, word, from));
  };
  if (exchange.rounds == 1) {
    for (const auto &message : exchange.messages)
      exchangeWord(0, pack(values, message[0]), source);
    return;
  }
  Value otherSource = arith::XOrIOp::create(
      builder, loc, source, getConstant(int64_t(1) << exchange.bitOfA));
  Value a = getLaneBit(exchange.bitOfA);
  for (const auto &message : exchange.messages) {
    Value first = pack(values, message[0]), second = pack(values, message[1]);
    exchangeWord(0, arith::SelectOp::create(builder, loc, a, second, first),
                 source);
    exchangeWord(1, arith::SelectOp::create(builder, loc, a, first, second),
                 otherSource);
  }
}

Value ExchangeEmitter::receive(ArrayRef<LaneExchange::Place> places) {
  // Bytes of the round's word, then of the other one's; which word comes first
  // depends on `b`.
  int64_t bytes = LaneExchange::wordBits / 8 / exchange.perWord;
  std::array<uint32_t, 2> selectors = {0, 0};
  for (auto [i, place] : llvm::enumerate(places))
    for (int64_t byte = 0; byte < bytes; ++byte)
      for (unsigned b : {0u, 1u}) {
        uint32_t from = 4 * (place.a ^ b) + place.position * bytes + byte;
        selectors[b] |= from << (4 * (i * bytes + byte));
      }
  int64_t message = places.front().message;
  if (exchange.rounds == 1 && selectors[0] == 0x3210)
    return received[0][message];
  Value selector = getConstant(selectors[0]);
  if (exchange.rounds == 2)
    selector =
        arith::SelectOp::create(builder, loc, getLaneBit(exchange.bitOfB),
                                getConstant(selectors[1]), selector);
  return NVVM::PermuteOp::create(builder, loc, builder.getI32Type(),
                                 received[0][message],
                                 received[exchange.rounds - 1][message],
                                 selector, NVVM::PermuteMode::DEFAULT);
}

SmallVector<Value> ExchangeEmitter::emit(ValueRange values) {
  send(values);
  SmallVector<Value> words;
  ArrayRef<LaneExchange::Place> rest = exchange.places;
  while (!rest.empty()) {
    size_t count = std::min<size_t>(exchange.perWord, rest.size());
    words.push_back(receive(rest.take_front(count)));
    rest = rest.drop_front(count);
  }
  SmallVector<Value> results =
      unpackRegisters(builder, loc, words, values[0].getType());
  results.truncate(exchange.places.size());
  return results;
}

namespace {

struct ExchangePattern : OpConversionPattern<aref::ConvertLayoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ConvertLayoutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    TileLayout from =
        getTileLayout(cast<RankedTensorType>(op.getX().getType()));
    TileLayout to = getTileLayout(type);
    if (from.getConversion(to) != LayoutConversion::Threads ||
        !type.getElementType().isIntOrFloat())
      return rewriter.notifyMatchFailure(op, "expected lanes to differ");
    std::optional<LaneExchange> exchange =
        LaneExchange::get(from, to, type.getElementTypeBitWidth());
    if (!exchange)
      return rewriter.notifyMatchFailure(op, "expected one exchange");
    rewriter.replaceOpWithMultiple(
        op, {ExchangeEmitter(rewriter, op, *exchange).emit(adaptor.getX())});
    return success();
  }
};

} // namespace

void heddle::populateLaneExchangePatterns(const TypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<ExchangePattern>(converter, patterns.getContext());
}
