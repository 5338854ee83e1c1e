//===- DamagedPackageTest.cpp - Packages that something happened to -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/package/Format.h"
#include "test/runtime/package/TestPackage.h"
#include "test/runtime/package/UsePackage.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace heddle;
using namespace heddle::test;
using nlohmann::json;
namespace header = heddle::package::header;
namespace entry = heddle::package::entry;

/// Where the entry of section `i` is.
static constexpr size_t getEntry(size_t i) {
  return header::bytes + i * entry::bytes;
}

/// `package` with `value` at `offset`, with all hashes right.
template <typename T>
static std::string patch(std::string package, size_t offset, T value) {
  std::memcpy(package.data() + offset, &value, sizeof(T));
  return fixHashes(std::move(package));
}

#define EXPECT_REFUSED(bytes, reason)                                          \
  EXPECT_NE(usePackage(bytes).find(reason), std::string::npos)                 \
      << "found: " << usePackage(bytes)

TEST(DamagedPackage, EveryFlippedBitIsFound) {
  const std::string good = formatPackage(makeContents());
  ASSERT_EQ(usePackage(good), "");
  for (size_t i = 0; i < good.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] ^= char(1 << bit);
      EXPECT_NE(usePackage(bad), "") << "byte " << i << ", bit " << bit;
    }
}

TEST(DamagedPackage, EveryTruncationIsFound) {
  const std::string good = formatPackage(makeContents());
  for (size_t size = 1; size < good.size(); ++size)
    EXPECT_REFUSED(good.substr(0, size), "is truncated") << size;
  EXPECT_REFUSED(good + '\0', "is damaged: expected");
}

TEST(DamagedPackage, FlippedBytesWithRightHashesDoNoHarm) {
  const std::string good = formatPackage(makeContents());
  for (size_t i = 0; i < good.size(); ++i)
    for (int value : {0, 1, 0x20, 0x7f, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = char(value);
      (void)usePackage(fixHashes(bad));
    }
}

TEST(DamagedPackage, HeadersAreChecked) {
  const std::string good = formatPackage(makeContents());
  EXPECT_REFUSED(patch(good, header::majorVersion, uint32_t(7)),
                 "was made by heddle 0.1.0 in version 7 of the format; this "
                 "runtime reads up to version 1");
  EXPECT_REFUSED(patch(good, header::majorVersion, uint32_t(0)), "version 0");
  EXPECT_EQ(usePackage(patch(good, header::minorVersion, uint32_t(9))), "");
  EXPECT_REFUSED(patch(good, header::totalBytes, uint64_t(1) << 40),
                 "is truncated");
  EXPECT_REFUSED(patch(good, header::sectionCount, ~uint32_t(0)),
                 "at most 256 sections");
  EXPECT_REFUSED(patch(good, header::sectionCount, uint32_t(200)),
                 "its table of sections is not inside it");
  EXPECT_REFUSED(patch(good, header::tableOffset, ~uint64_t(0)),
                 "its table of sections is not inside it");
  EXPECT_REFUSED(patch(good, header::tableOffset, uint64_t(0)),
                 "its table of sections is not inside it");
  EXPECT_REFUSED(patch(good, header::sectionCount, uint32_t(0)), "is damaged");
}

TEST(DamagedPackage, NewerVersionsAreToldFromTheirFirstBytes) {
  // All else may be different in a newer version.
  std::string newer = formatPackage(makeContents()).substr(0, 64);
  newer[header::majorVersion] = 2;
  newer[header::producer] = '\x1b';
  EXPECT_REFUSED(newer, "was made by eddle 0.1.0 in version 2");
}

TEST(DamagedPackage, SectionsAreChecked) {
  const std::string good = formatPackage(makeContents());
  size_t second = getEntry(1), third = getEntry(2);
  EXPECT_REFUSED(patch(good, second + entry::offset, ~uint64_t(0)),
                 "section 1 has");
  EXPECT_REFUSED(patch(good, second + entry::size, ~uint64_t(0)),
                 "section 1 has");
  EXPECT_REFUSED(patch(good, second + entry::offset, uint64_t(321)),
                 "which is no multiple of 64");
  EXPECT_REFUSED(patch(good, second + entry::offset, uint64_t(0)),
                 "section 1 overlaps what is before it");
  EXPECT_REFUSED(patch(good, second + entry::kind, uint32_t(1)),
                 "two sections of metadata");
  EXPECT_REFUSED(patch(good, third + entry::kind, uint32_t(2)), "is damaged");
  EXPECT_REFUSED(patch(good, getEntry(0) + entry::kind, uint32_t(99)),
                 "it has no metadata");
  EXPECT_REFUSED(patch(good, third + entry::arch, char(0)),
                 "expected machine code of a GPU");
  // Sections of a newer minor version are ignored.
  EXPECT_EQ(usePackage(patch(good, getEntry(3) + entry::kind, uint32_t(99))),
            "");
}

TEST(DamagedPackage, TwoSectionsOfAKindAreRefused) {
  PackageContents contents = makeContents();
  contents.cubins.push_back(contents.cubins[0]);
  EXPECT_REFUSED(formatPackage(contents),
                 "two sections of machine code for sm_90a");
  contents.cubins[1].arch = "sm_100a";
  EXPECT_EQ(usePackage(formatPackage(contents)), "");
  contents.ptx += '\0';
  EXPECT_REFUSED(formatPackage(contents), "found a zero byte");
}

//===----------------------------------------------------------------------===//
// Metadata
//===----------------------------------------------------------------------===//

/// Reads the test package with other metadata.
static std::string useMetadata(std::string_view metadata) {
  static const std::string good = formatPackage(makeContents());
  return usePackage(replaceMetadata(good, metadata));
}

TEST(DamagedPackage, EveryByteOfMetadataMayBeWrong) {
  const std::string good = getMetadata(formatPackage(makeContents()));
  ASSERT_EQ(useMetadata(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(useMetadata(good.substr(0, i)), "") << i;
    for (char byte : {'\0', '9', '-', '"', '{', ']', 'e', '\xff'}) {
      std::string bad = good;
      bad[i] = byte;
      (void)useMetadata(bad);
    }
  }
}

TEST(DamagedPackage, EveryValueOfMetadataMayBeAnother) {
  const json good = json::parse(getMetadata(formatPackage(makeContents())));
  const json others[] = {nullptr,
                         true,
                         0,
                         1,
                         -1,
                         7,
                         64,
                         65,
                         256,
                         1.5,
                         INT64_MAX,
                         INT64_MIN,
                         UINT64_MAX,
                         uint64_t(1) << 32,
                         "",
                         "k",
                         "k_plain",
                         "a\nb",
                         std::string(100000, 'x'),
                         json::array(),
                         json::object(),
                         json::array({json::array()})};
  const json flat = good.flatten();
  size_t refused = 0;
  for (const auto &[path, ignored] : flat.items()) {
    // The value and what it is in, up to the whole.
    for (json::json_pointer pointer(path); !pointer.empty();
         pointer = pointer.parent_pointer()) {
      for (const json &other : others) {
        json bad = good;
        bad[pointer] = other;
        refused += useMetadata(bad.dump()) != "";
      }
      json bad = good;
      json &parent = bad[pointer.parent_pointer()];
      if (parent.is_object()) {
        parent.erase(pointer.back());
        EXPECT_NE(useMetadata(bad.dump()), "") << pointer;
        continue;
      }
      parent.push_back(parent[std::stoul(pointer.back())]);
      (void)useMetadata(bad.dump());
    }
  }
  EXPECT_GT(refused, 1000u);
}

TEST(DamagedPackage, ReasonsTellThePlace) {
  json bad = json::parse(getMetadata(formatPackage(makeContents())));
  bad["kernels"][1]["threads"] = "many";
  EXPECT_EQ(useMetadata(bad.dump()),
            "'p.heddle' has metadata that cannot be read: kernels[1].threads: "
            "expected an integer in 0..4294967295, found \"many\"");
  bad["kernels"][1]["threads"] = 2000;
  EXPECT_EQ(useMetadata(bad.dump()),
            "'p.heddle' has a program that cannot run: kernel 'k_plain': "
            "expected 1 to 1024 threads, found 2000");
}

TEST(DamagedPackage, HostileJsonIsRefused) {
  EXPECT_REFUSED(
      replaceMetadata(formatPackage(makeContents()), std::string(1 << 20, '[')),
      "at most 16 levels of nesting");
  std::string many = "[0";
  for (unsigned i = 0; i < (1u << 20); ++i)
    many += ",0";
  EXPECT_NE(useMetadata(many + "]").find("at most 1048576 values"),
            std::string::npos);
  EXPECT_NE(useMetadata("1e999").find("expected JSON"), std::string::npos);
  EXPECT_NE(useMetadata("\"\xff\"").find("expected JSON"), std::string::npos);
  EXPECT_NE(useMetadata("").find("expected JSON"), std::string::npos);
  EXPECT_NE(useMetadata("[]").find("expected an object"), std::string::npos);
  EXPECT_NE(useMetadata("{} {}").find("expected JSON"), std::string::npos);
  EXPECT_NE(useMetadata(std::string(17 << 20, ' ')).find("bytes of metadata"),
            std::string::npos);
}
