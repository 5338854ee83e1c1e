//===- NpyTest.cpp - Files that NumPy writes, and worse ones --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Npy.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace heddle;

/// A file of version 1 with this header and these elements.
static std::string makeFile(const std::string &header,
                            const std::string &elements) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += char(header.size());
  file += char(header.size() >> 8);
  return file + header + elements;
}

static std::string makeHeader(const std::string &type, const std::string &order,
                              const std::string &shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

/// The message of a file that cannot be read.
static std::string getError(const std::string &file) {
  Expected<NpyArray> array = parseNpy(file, "x.npy");
  EXPECT_FALSE(array);
  return array ? "" : array.error().message;
}

TEST(Npy, WhatIsWrittenIsRead) {
  NpyArray array;
  array.kind = 'V';
  array.width = 2;
  array.shape = {2, 3};
  for (int i = 0; i < 12; ++i)
    array.bytes.push_back(std::byte(i));
  std::string file = formatNpy(array);
  // Elements are aligned to 64 bytes.
  EXPECT_EQ((file.size() - 12) % 64, 0u);
  Expected<NpyArray> read = parseNpy(file, "x.npy");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, 'V');
  EXPECT_EQ(read->width, 2u);
  EXPECT_EQ(read->shape, array.shape);
  EXPECT_EQ(read->bytes, array.bytes);
}

TEST(Npy, HeadersAreWhatNumPyWrites) {
  NpyArray array{'f', 4, {3}, std::vector<std::byte>(12)};
  EXPECT_NE(formatNpy(array).find(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"),
            std::string::npos);
  array = {'b', 1, {}, std::vector<std::byte>(1)};
  EXPECT_NE(formatNpy(array).find(
                "{'descr': '|b1', 'fortran_order': False, 'shape': (), }"),
            std::string::npos);
}

TEST(Npy, KeysInAnyOrderAndScalars) {
  Expected<NpyArray> array = parseNpy(
      makeFile("{\"shape\": (), 'descr': '|u1', 'fortran_order': False}\n",
               "A"),
      "x.npy");
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_TRUE(array->shape.empty());
  EXPECT_EQ(array->bytes, std::vector<std::byte>{std::byte('A')});
}

TEST(Npy, FortranOrderIsTransposed) {
  Expected<NpyArray> array = parseNpy(
      makeFile(makeHeader("|u1", "True", "(2, 3)"), "adbecf"), "x.npy");
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_EQ(std::memcmp(array->bytes.data(), "abcdef", 6), 0);
}

TEST(Npy, BrokenFiles) {
  EXPECT_EQ(getError(""), "x.npy: not a .npy file: it does not start as one");
  EXPECT_EQ(getError("\x93NUMPY\x01"),
            "x.npy: not a .npy file: it does not start as one");
  std::string good = makeFile(makeHeader("<f4", "False", "(2,)"), "12345678");
  EXPECT_TRUE(parseNpy(good, "x.npy"));
  EXPECT_EQ(getError(good.substr(0, 30)),
            "x.npy: not a .npy file: it ends in its header");
  EXPECT_EQ(getError(good.substr(0, good.size() - 1)),
            "x.npy: expected 8 bytes of elements, found 7");
  EXPECT_EQ(getError(good + "9"),
            "x.npy: expected 8 bytes of elements, found 9");
  // No prefix of a header may be taken for one, or read beyond.
  std::string header = makeHeader("<f4", "False", "(2,)");
  for (size_t i = 0; i + 3 < header.size(); ++i)
    EXPECT_NE(getError(makeFile(header.substr(0, i), "12345678")), "");
}

TEST(Npy, WhatIsNoFile) {
  // Reading ends, though the device does not.
  Expected<NpyArray> array = readNpy("/dev/zero", 1 << 20);
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().message,
            "'/dev/zero' has more than 1048576 bytes, too many for the buffer");
  array = readNpy("/", 1 << 20);
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().message, "cannot read '/': Is a directory");
  array = readNpy("/dev/null", 0);
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().message,
            "/dev/null: not a .npy file: it does not start as one");
}

TEST(Npy, TypesThatAreNotRead) {
  auto withType = [](const char *type) {
    return makeFile(makeHeader(type, "False", "(1,)"), "1234");
  };
  EXPECT_NE(getError(withType(">f4")).find("a.astype('<f4')"),
            std::string::npos);
  EXPECT_NE(getError(withType("<c8")).find("cannot read elements"),
            std::string::npos);
  EXPECT_NE(getError(withType("<U1")).find("cannot read elements"),
            std::string::npos);
  std::string header = makeHeader("<f?", "False", "(0,)");
  header[header.find('?')] = '\0';
  EXPECT_NE(getError(makeFile(header, "")).find("cannot read elements"),
            std::string::npos);
}

TEST(Npy, ShapesThatOverflow) {
  EXPECT_NE(
      getError(
          makeFile(makeHeader("<f8", "False", "(4611686018427387904, 4)"), ""))
          .find("too large"),
      std::string::npos);
  EXPECT_NE(getError(makeFile(makeHeader("<f8", "False", "(-1,)"), "")), "");
}
