//===- CubinTest.cpp - Reading what ptxas says ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Cubin.h"

#include <gtest/gtest.h>

using namespace heddle;

TEST(CubinTest, ReadsUsageOfEachEntry) {
  Cubin cubin;
  parsePtxasMessages(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'a' for 'sm_90a'\n"
      "ptxas info    : Function properties for a\n"
      "    384 bytes stack frame, 628 bytes spill stores, 552 bytes spill "
      "loads\n"
      "ptxas info    : Used 168 registers, used 16 barriers\n"
      "ptxas info    : Compiling entry function 'b' for 'sm_90a'\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 14 registers, used 0 barriers\n",
      cubin);
  ASSERT_EQ(cubin.entries.size(), 2u);
  EXPECT_EQ(cubin.entries[0].entry, "a");
  EXPECT_EQ(cubin.entries[0].registers, 168u);
  EXPECT_EQ(cubin.entries[0].barriers, 16u);
  EXPECT_EQ(cubin.entries[0].stackBytes, 384u);
  EXPECT_EQ(cubin.entries[0].spillStoreBytes, 628u);
  EXPECT_EQ(cubin.entries[0].spillLoadBytes, 552u);
  EXPECT_EQ(cubin.entries[1].entry, "b");
  EXPECT_EQ(cubin.entries[1].registers, 14u);
  EXPECT_EQ(cubin.entries[1].spillStoreBytes, 0u);
  EXPECT_TRUE(cubin.warnings.empty());
}

TEST(CubinTest, KeepsWarningsAndAdvisories) {
  Cubin cubin;
  parsePtxasMessages(
      "ptxas info    : (C7514) Potential Performance Loss: serialized\n"
      "ptxas /tmp/x.ptx, line 3; warning : Unresolved extern\n"
      "ptxas info    : 0 bytes gmem\n",
      cubin);
  ASSERT_EQ(cubin.warnings.size(), 2u);
  EXPECT_NE(cubin.warnings[0].find("C7514"), std::string::npos);
  EXPECT_NE(cubin.warnings[1].find("warning"), std::string::npos);
}

TEST(CubinTest, ReportsWhatPtxasRefuses) {
  if (llvm::Expected<std::string> path = findPtxas(); !path) {
    llvm::consumeError(path.takeError());
    GTEST_SKIP() << "no ptxas";
  }
  llvm::Expected<Cubin> cubin =
      assembleCubin(".version 8.3\n.target sm_90a\n.address_size 64\n"
                    ".visible .entry e() { nonsense; }\n");
  ASSERT_FALSE(bool(cubin));
  std::string message = llvm::toString(cubin.takeError());
  EXPECT_NE(message.find("ptxas failed"), std::string::npos) << message;

  cubin = assembleCubin(".version 8.3\n.target sm_90a\n.address_size 64\n"
                        ".visible .entry e() { ret; }\n");
  ASSERT_TRUE(bool(cubin)) << llvm::toString(cubin.takeError());
  EXPECT_EQ(cubin->image.substr(1, 3), "ELF");
  ASSERT_EQ(cubin->entries.size(), 1u);
  EXPECT_EQ(cubin->entries[0].entry, "e");
}
