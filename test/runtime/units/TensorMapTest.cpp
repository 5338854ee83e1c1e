//===- TensorMapTest.cpp - Legality and encoding of tensor maps ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/TensorMapCodec.h"

#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

TensorMapSpec legalSpec() {
  TensorMapSpec spec;
  spec.type = TensorMapType::BF16;
  spec.rank = 3;
  spec.address = 0x7f0000010000;
  spec.dims = {100, 200, 300};
  spec.strides = {208, 208 * 200};
  spec.box = {64, 32, 2};
  spec.elementStrides = {1, 1, 2, 1, 1};
  spec.swizzle = Swizzle::B128;
  spec.fill = TensorMapFill::NaN;
  return spec;
}

template <typename Change>
std::string refusal(Change change) {
  TensorMapSpec spec = legalSpec();
  change(spec);
  Expected<void> result = verifyTensorMapSpec(spec);
  return result ? "no error" : result.error().message;
}

#define EXPECT_REFUSAL(change, text)                                           \
  EXPECT_NE(refusal([](TensorMapSpec &spec) { change; }).find(text),           \
            std::string::npos)                                                 \
      << refusal([](TensorMapSpec &spec) { change; })

TEST(TensorMapSpec, AcceptsTheLimits) {
  auto good = [](auto change) { EXPECT_EQ(refusal(change), "no error"); };
  good([](TensorMapSpec &) {});
  good([](TensorMapSpec &spec) { spec.dims[0] = uint64_t(1) << 32; });
  good([](TensorMapSpec &spec) { spec.strides[1] = (uint64_t(1) << 40) - 16; });
  good([](TensorMapSpec &spec) { spec.box = {8, 256, 1}; });
  good([](TensorMapSpec &spec) { spec.elementStrides = {8, 8, 8}; });
  good([](TensorMapSpec &spec) { spec.rank = 1; });
  // Dimensions beyond the rank may hold anything.
  good([](TensorMapSpec &spec) {
    spec.dims[4] = 0;
    spec.strides[3] = 3;
    spec.box[4] = 999;
  });
  good([](TensorMapSpec &spec) {
    spec.swizzle = Swizzle::None;
    spec.box[0] = 256;
  });
}

TEST(TensorMapSpec, NamesTheRuleThatIsBroken) {
  EXPECT_REFUSAL(spec.rank = 0, "expected a rank in 1..5, found 0");
  EXPECT_REFUSAL(spec.rank = 6, "expected a rank in 1..5, found 6");
  EXPECT_REFUSAL(spec.address += 8, "multiple of 16 bytes, found 0x7f0000010008"
                                    "; the nearest below is 0x7f0000010000");
  EXPECT_REFUSAL(spec.strides[0] = 200,
                 "dimension 1: expected a stride that is a multiple of 16 "
                 "bytes, found 200; pad it to 208");
  EXPECT_REFUSAL(spec.strides[1] = uint64_t(1) << 40,
                 "dimension 2: expected a stride below 2^40 bytes, found "
                 "1099511627776");
  EXPECT_REFUSAL(spec.box[1] = 257,
                 "dimension 1: expected a box extent in 1..256, found 257");
  EXPECT_REFUSAL(spec.box[2] = 0, "dimension 2: expected a box extent");
  EXPECT_REFUSAL(spec.box[0] = 12, "found 12 elements of 2 bytes; the nearest "
                                   "above is 16");
  EXPECT_REFUSAL(spec.box[0] = 128, "at most 128 bytes, the span of its "
                                    "swizzle, found 256; the largest is 64 "
                                    "elements");
  EXPECT_REFUSAL(spec.dims[1] = 0, "dimension 1: expected an extent in "
                                   "1..2^32, found 0");
  EXPECT_REFUSAL(spec.dims[2] = (uint64_t(1) << 32) + 1, "found 4294967297");
  EXPECT_REFUSAL(spec.elementStrides[1] = 9, "dimension 1: expected an element "
                                             "stride in 1..8, found 9");
  EXPECT_REFUSAL(spec.type = TensorMapType::U16,
                 "the element type u16 has no NaN");
  EXPECT_REFUSAL(spec.type = TensorMapType(13), "found 13");
  EXPECT_REFUSAL(spec.swizzle = Swizzle(96), "found 96");
  EXPECT_REFUSAL(spec.fill = TensorMapFill(2), "found 2");
}

TEST(TensorMapSpec, ElementTypes) {
  EXPECT_EQ(elementBytes(TensorMapType::U8), 1u);
  EXPECT_EQ(elementBytes(TensorMapType::BF16), 2u);
  EXPECT_EQ(elementBytes(TensorMapType::TF32Ftz), 4u);
  EXPECT_EQ(elementBytes(TensorMapType::F64), 8u);
  EXPECT_EQ(name(TensorMapType::S64), "s64");
  EXPECT_EQ(name(TensorMapType::F32Ftz), "f32.ftz");
}

TEST(TensorMapCodec, RoundTrips) {
  TensorMapSpec spec = legalSpec();
  spec.rank = 5;
  spec.dims = {uint64_t(1) << 32, 2, 3, 4, 5};
  spec.strides = {16, 32, 48, (uint64_t(1) << 40) - 16};
  spec.box = {8, 256, 255, 1, 2};
  spec.elementStrides = {1, 2, 3, 4, 8};
  TensorMap map = encodeTensorMap(spec);
  Checked<TensorMapSpec> found = decodeTensorMap(map.bytes);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(found->type, spec.type);
  EXPECT_EQ(found->rank, spec.rank);
  EXPECT_EQ(found->address, spec.address);
  EXPECT_EQ(found->dims, spec.dims);
  EXPECT_EQ(found->strides, spec.strides);
  EXPECT_EQ(found->box, spec.box);
  EXPECT_EQ(found->elementStrides, spec.elementStrides);
  EXPECT_EQ(found->swizzle, spec.swizzle);
  EXPECT_EQ(found->fill, spec.fill);
}

TEST(TensorMapCodec, RefusesForeignAndChangedMaps) {
  TensorMap zero;
  Checked<TensorMapSpec> found = decodeTensorMap(zero.bytes);
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().message.find("uninitialised or foreign tensor map"),
            std::string::npos);

  // Every bit but those of the unused second word matters.
  TensorMap map = encodeTensorMap(legalSpec());
  for (size_t bit = 0; bit < 1024; ++bit) {
    TensorMap changed = map;
    changed.bytes[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_EQ(decodeTensorMap(changed.bytes).has_value(),
              bit >= 64 && bit < 128)
        << "bit " << bit;
  }
}

TEST(TensorMapCodec, RefusesIllegalSpecs) {
  TensorMapSpec spec = legalSpec();
  spec.strides[0] = 24;
  TensorMap map = encodeTensorMap(spec);
  Checked<TensorMapSpec> found = decodeTensorMap(map.bytes);
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().message.find("dimension 1"), std::string::npos);
}

} // namespace
