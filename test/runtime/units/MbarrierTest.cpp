//===- MbarrierTest.cpp - The mbarrier state machine ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Mbarrier.h"

#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t bar = 0x40;

template <typename T>
std::string message(const Checked<T> &result) {
  return result ? "no error" : result.error().message;
}

#define EXPECT_MESSAGE(result, text)                                           \
  EXPECT_NE(message(result).find(text), std::string::npos) << message(result)

struct MbarrierTest : testing::Test {
  MbarrierTable table{1024};

  void start(uint32_t count) {
    ASSERT_TRUE(table.init(bar, count).has_value());
  }
  bool passes(uint32_t parity) {
    Checked<bool> result = table.testParity(bar, parity);
    EXPECT_TRUE(result.has_value());
    return result.value_or(false);
  }
};

TEST_F(MbarrierTest, FreshBarrierPassesParityOne) {
  start(2);
  EXPECT_TRUE(passes(1));
  EXPECT_FALSE(passes(0));
  EXPECT_EQ(table.describe(bar), "phase 0 (parity 0): 2 of 2 arrivals pending, "
                                 "0 bytes outstanding");
}

TEST_F(MbarrierTest, CompletesWhenAllHaveArrived) {
  start(3);
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_FALSE(passes(0));
  EXPECT_TRUE(table.arrive(bar, 2).has_value());
  EXPECT_TRUE(passes(0));
  EXPECT_FALSE(passes(1));
  EXPECT_EQ(table.find(bar)->phase, 1u);
  EXPECT_EQ(table.find(bar)->pending, 3u);
}

TEST_F(MbarrierTest, WaitsForBytes) {
  start(1);
  EXPECT_TRUE(table.arriveExpectTx(bar, 4096).has_value());
  EXPECT_FALSE(passes(0));
  EXPECT_EQ(table.describe(bar), "phase 0 (parity 0): 0 of 1 arrivals pending, "
                                 "4096 bytes outstanding");
  EXPECT_TRUE(table.completeTx(bar, 1024).has_value());
  EXPECT_FALSE(passes(0));
  EXPECT_TRUE(table.completeTx(bar, 3072).has_value());
  EXPECT_TRUE(passes(0));
}

TEST_F(MbarrierTest, BytesMayCompleteBeforeTheyAreExpected) {
  start(1);
  EXPECT_TRUE(table.completeTx(bar, 512).has_value());
  EXPECT_EQ(table.describe(bar), "phase 0 (parity 0): 1 of 1 arrivals pending, "
                                 "512 bytes more completed than expected");
  EXPECT_FALSE(passes(0));
  EXPECT_TRUE(table.arriveExpectTx(bar, 512).has_value());
  EXPECT_TRUE(passes(0));
}

TEST_F(MbarrierTest, ExpectTxAloneDoesNotComplete) {
  start(2);
  EXPECT_TRUE(table.expectTx(bar, 64).has_value());
  EXPECT_TRUE(table.arrive(bar, 2).has_value());
  EXPECT_FALSE(passes(0));
  EXPECT_TRUE(table.completeTx(bar, 64).has_value());
  EXPECT_TRUE(passes(0));
}

TEST_F(MbarrierTest, MoreBytesThanExpectedIsAnError) {
  start(1);
  EXPECT_TRUE(table.completeTx(bar, 1024).has_value());
  EXPECT_MESSAGE(table.arriveExpectTx(bar, 512), "512 bytes more");
}

TEST_F(MbarrierTest, OvershootAfterTheArrivalsIsAnError) {
  start(1);
  EXPECT_TRUE(table.arriveExpectTx(bar, 512).has_value());
  EXPECT_MESSAGE(table.completeTx(bar, 1024), "512 bytes more");
}

TEST_F(MbarrierTest, PhasesAlternate) {
  start(1);
  for (uint32_t round = 0; round < 5; ++round) {
    EXPECT_FALSE(passes(round & 1));
    EXPECT_TRUE(passes(~round & 1));
    EXPECT_TRUE(table.arrive(bar).has_value());
    EXPECT_TRUE(passes(round & 1));
  }
}

TEST_F(MbarrierTest, StatesKnowTheirPhase) {
  start(2);
  Checked<uint64_t> first = table.arrive(bar);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(MbarrierTable::pendingCount(*first), 2u);
  EXPECT_FALSE(*table.testState(bar, *first));
  Checked<uint64_t> second = table.arrive(bar);
  EXPECT_EQ(MbarrierTable::pendingCount(*second), 1u);
  EXPECT_TRUE(*table.testState(bar, *first));
  EXPECT_TRUE(*table.testState(bar, *second));
  EXPECT_TRUE(table.arrive(bar, 2).has_value());
  EXPECT_MESSAGE(table.testState(bar, *first),
                 "current phase 2 or the phase before, found one of phase 0");
}

TEST_F(MbarrierTest, DropLowersLaterPhases) {
  start(2);
  EXPECT_TRUE(table.arriveDrop(bar).has_value());
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_TRUE(passes(0));
  EXPECT_EQ(table.find(bar)->pending, 1u);
  EXPECT_TRUE(table.arriveDropExpectTx(bar, 16).has_value());
  EXPECT_TRUE(table.completeTx(bar, 16).has_value());
  EXPECT_TRUE(passes(1));
  EXPECT_MESSAGE(table.arrive(bar), "exceeds the 0 pending arrivals");
}

TEST_F(MbarrierTest, NoCompleteMustNotComplete) {
  start(2);
  EXPECT_TRUE(table.arriveNoComplete(bar, 1).has_value());
  EXPECT_MESSAGE(table.arriveNoComplete(bar, 1), "completes phase 0");
  EXPECT_MESSAGE(table.arriveDropNoComplete(bar, 1), "completes phase 0");
  EXPECT_EQ(table.find(bar)->pending, 1u);
}

TEST_F(MbarrierTest, IncrementPendingAddsAnArrival) {
  start(1);
  EXPECT_TRUE(table.incrementPending(bar).has_value());
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_FALSE(passes(0));
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_TRUE(passes(0));
  EXPECT_EQ(table.find(bar)->pending, 1u);
  EXPECT_MESSAGE(table.incrementPending(bar, MbarrierTable::maxCount),
                 "beyond 2^20-1");
}

TEST_F(MbarrierTest, AWaiterThatFollowsEveryPhase) {
  start(1);
  uint64_t consumer = 0, producer = 0;
  for (uint32_t round = 0; round < 6; ++round) {
    Checked<bool> ready = table.testParity(bar, ~round & 1, producer);
    ASSERT_TRUE(ready.has_value()) << message(ready);
    EXPECT_TRUE(*ready);
    ready = table.testParity(bar, round & 1, consumer);
    ASSERT_TRUE(ready.has_value()) << message(ready);
    EXPECT_FALSE(*ready);
    EXPECT_TRUE(table.arrive(bar).has_value());
    ready = table.testParity(bar, round & 1, consumer);
    ASSERT_TRUE(ready.has_value()) << message(ready);
    EXPECT_TRUE(*ready);
  }
}

TEST_F(MbarrierTest, PhaseAliasing) {
  start(1);
  uint64_t observed = 0;
  EXPECT_FALSE(*table.testParity(bar, 0, observed));
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_TRUE(table.arrive(bar).has_value());
  EXPECT_MESSAGE(table.testParity(bar, 0, observed),
                 "has seen 0 phases complete finds 2 completed");
  // The plain test cannot know.
  EXPECT_FALSE(passes(0));
}

TEST_F(MbarrierTest, Misuse) {
  EXPECT_MESSAGE(table.arrive(bar),
                 "mbarrier at shared offset 0x40 was not initialised");
  EXPECT_MESSAGE(table.testParity(bar, 0), "was not initialised");
  EXPECT_MESSAGE(table.completeTx(bar, 1), "was not initialised");
  EXPECT_MESSAGE(table.expectTx(bar, 1), "was not initialised");
  EXPECT_MESSAGE(table.inval(bar), "was not initialised");
  EXPECT_MESSAGE(table.init(bar, 0), "in 1..2^20-1, found 0");
  EXPECT_MESSAGE(table.init(bar, 1 << 20), "in 1..2^20-1, found 1048576");
  EXPECT_MESSAGE(table.init(bar + 4, 1), "expected a multiple of 8");
  EXPECT_MESSAGE(table.init(1024, 1), "outside the 1024-byte");
  EXPECT_MESSAGE(table.arrive(0xfffffff8), "outside the 1024-byte");
  EXPECT_EQ(table.describe(bar), "not initialised");

  start(3);
  EXPECT_MESSAGE(table.init(bar, 3), "is live");
  EXPECT_MESSAGE(table.arrive(bar, 5),
                 "arrive of 5 exceeds the 3 pending arrivals");
  EXPECT_MESSAGE(table.arrive(bar, 0), "found 0");
  EXPECT_MESSAGE(table.testParity(bar, 2), "found 2");
  EXPECT_MESSAGE(table.expectTx(bar, 1 << 20), "to 1048576");
  EXPECT_MESSAGE(table.completeTx(bar, 1 << 20), "to -1048576");
  EXPECT_MESSAGE(table.arriveExpectTx(bar, 0xffffffff), "transaction count");
  EXPECT_EQ(table.find(bar)->pending, 3u);
  EXPECT_EQ(table.find(bar)->tx, 0);
}

TEST_F(MbarrierTest, InvalidationEndsTheObject) {
  start(1);
  EXPECT_TRUE(table.overlapsLive(bar - 4, 5));
  EXPECT_TRUE(table.overlapsLive(bar + 7, 1));
  EXPECT_FALSE(table.overlapsLive(bar + 8, 100));
  EXPECT_FALSE(table.overlapsLive(bar - 8, 8));
  EXPECT_FALSE(table.overlapsLive(0xffffff00, 0xff));
  EXPECT_TRUE(table.expectTx(bar, 16).has_value());
  EXPECT_MESSAGE(table.inval(bar), "copies are in flight");
  EXPECT_TRUE(table.completeTx(bar, 16).has_value());
  EXPECT_TRUE(table.inval(bar).has_value());
  EXPECT_EQ(table.liveCount(), 0u);
  EXPECT_EQ(table.find(bar), nullptr);
  EXPECT_FALSE(table.overlapsLive(bar, 8));
  EXPECT_TRUE(table.init(bar, 7).has_value());
  EXPECT_EQ(table.find(bar)->phase, 0u);
}

} // namespace
