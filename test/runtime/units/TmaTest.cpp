//===- TmaTest.cpp - TMA copies against the element formula --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Tma.h"

#include "units/Numerics.h"
#include "units/Swizzle.h"

#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t sharedBytes = 128 * 1024;

/// A tensor in global memory whose bytes are random.
struct Tensor {
  GlobalMemory memory;
  GlobalMemory::Cursor cursor{memory};
  TensorMapSpec spec;
  std::byte *host;
  size_t bytes;

  /// Extents with odd values; strides padded by 16 to 48 bytes.
  Tensor(TensorMapType type, std::vector<uint64_t> dims,
         std::vector<uint32_t> box, Swizzle swizzle) {
    spec.type = type;
    spec.rank = uint32_t(dims.size());
    uint64_t pitch = 0;
    for (uint32_t d = 0; d < spec.rank; ++d) {
      spec.dims[d] = dims[d];
      spec.box[d] = box[d];
      pitch = d == 0 ? dims[0] * elementBytes(type) : pitch * dims[d];
      pitch = (pitch + 31) / 16 * 16;
      if (d + 1 < spec.rank)
        spec.strides[d] = pitch;
    }
    spec.swizzle = swizzle;
    bytes = pitch;
    spec.address = *memory.allocate(bytes);
    host = memory.resolve(spec.address, bytes);
    std::mt19937 random(7);
    for (size_t i = 0; i < bytes; ++i)
      host[i] = std::byte(random());
    EXPECT_TRUE(verifyTensorMapSpec(spec).has_value())
        << verifyTensorMapSpec(spec).error().message;
  }
};

/// Visits every element of a box, slowly: `visit(index, place)`, where `place`
/// is the element's byte offset in the tensor, or -1 outside.
template <typename Visitor>
void forEachElement(const TensorMapSpec &spec, const std::vector<int32_t> &c,
                    Visitor visit) {
  uint32_t total = 1;
  std::vector<uint32_t> count(spec.rank);
  std::vector<uint32_t> step(spec.rank, 1);
  for (uint32_t d = 0; d < spec.rank; ++d) {
    step[d] = d ? spec.elementStrides[d] : 1;
    count[d] = (spec.box[d] + step[d] - 1) / step[d];
    total *= count[d];
  }
  for (uint32_t e = 0; e < total; ++e) {
    uint32_t rest = e;
    bool inside = true;
    int64_t place = 0;
    for (uint32_t d = 0; d < spec.rank; ++d) {
      int64_t g = int64_t(c[d]) + int64_t(rest % count[d]) * step[d];
      rest /= count[d];
      inside = inside && g >= 0 && g < int64_t(spec.dims[d]);
      place += g * int64_t(d ? spec.strides[d - 1] : elementBytes(spec.type));
    }
    visit(e, inside ? place : -1);
  }
}

void checkLoad(Tensor &tensor, const std::vector<int32_t> &coords,
               uint32_t offset) {
  const TensorMapSpec &spec = tensor.spec;
  uint32_t size = elementBytes(spec.type);
  std::vector<std::byte> shared(sharedBytes, std::byte(0xab));
  std::vector<std::byte> expected = shared;
  uint32_t elements = 0;
  forEachElement(spec, coords, [&](uint32_t e, int64_t place) {
    uint64_t value = 0;
    if (place >= 0)
      std::memcpy(&value, tensor.host + place, size);
    else if (spec.fill == TensorMapFill::NaN)
      value = size == 2 ? 0x7fff : size == 4 ? 0x7fffffff : 0x7fffffffffffffff;
    std::memcpy(&expected[swizzle(offset + e * size, spec.swizzle)], &value,
                size);
    ++elements;
  });
  Checked<uint32_t> credited =
      tmaLoad(spec, coords, shared.data(), sharedBytes, offset, tensor.cursor);
  ASSERT_TRUE(credited.has_value()) << credited.error().message;
  EXPECT_EQ(*credited, elements * size);
  EXPECT_EQ(*credited, tmaBoxBytes(spec));
  ASSERT_TRUE(shared == expected) << "first coordinate " << coords[0];
}

void checkStore(Tensor &tensor, const std::vector<int32_t> &coords,
                uint32_t offset) {
  const TensorMapSpec &spec = tensor.spec;
  uint32_t size = elementBytes(spec.type);
  std::vector<std::byte> shared(sharedBytes);
  std::mt19937 random(9);
  for (std::byte &value : shared)
    value = std::byte(random());
  std::vector<std::byte> expected(tensor.host, tensor.host + tensor.bytes);
  forEachElement(spec, coords, [&](uint32_t e, int64_t place) {
    if (place >= 0)
      std::memcpy(&expected[size_t(place)],
                  &shared[swizzle(offset + e * size, spec.swizzle)], size);
  });
  Checked<void> good =
      tmaStore(spec, coords, shared.data(), sharedBytes, offset, tensor.cursor);
  ASSERT_TRUE(good.has_value()) << good.error().message;
  ASSERT_EQ(std::memcmp(tensor.host, expected.data(), tensor.bytes), 0);
}

struct Case {
  TensorMapType type;
  Swizzle swizzle;
};

class TmaTest : public testing::TestWithParam<Case> {
protected:
  /// Tensors of ranks 1 to 5 whose box is one swizzle span wide.
  std::unique_ptr<Tensor> makeTensor(uint32_t rank) {
    auto [type, swizzle] = GetParam();
    uint32_t span = swizzle == Swizzle::None ? 96 : uint32_t(swizzle);
    std::vector<uint64_t> dims = {2 * span / elementBytes(type) + 5, 13, 5, 4,
                                  3};
    std::vector<uint32_t> box = {span / elementBytes(type), 6, 3, 2, 2};
    dims.resize(rank);
    box.resize(rank);
    return std::make_unique<Tensor>(type, dims, box, swizzle);
  }
};

TEST_P(TmaTest, Loads) {
  const std::vector<std::vector<int32_t>> corners = {
      {0, 0, 0, 0, 0},     {3, 1, 1, 1, 1},   {-5, -2, -1, -1, -1},
      {40, 10, 4, 3, 2},   {-1, 12, 0, 0, 0}, {1000, 0, 0, 0, 0},
      {-1000, 0, 0, 0, 0}, {0, -6, 0, 0, 0},  {0, 13, -3, 4, 3}};
  for (uint32_t rank = 1; rank <= 5; ++rank) {
    std::unique_ptr<Tensor> tensor = makeTensor(rank);
    for (std::vector<int32_t> coords : corners) {
      coords.resize(rank);
      for (uint32_t offset : {0u, 1024u, 384u})
        ASSERT_NO_FATAL_FAILURE(checkLoad(*tensor, coords, offset))
            << "rank " << rank;
    }
  }
}

TEST_P(TmaTest, LoadsAtTheEndsOfTheCoordinateRange) {
  std::unique_ptr<Tensor> tensor = makeTensor(2);
  constexpr int32_t least = std::numeric_limits<int32_t>::min();
  constexpr int32_t most = std::numeric_limits<int32_t>::max();
  for (int32_t x : {least, 0, most})
    for (int32_t y : {least, 0, most})
      ASSERT_NO_FATAL_FAILURE(checkLoad(*tensor, {x, y}, 0));
}

TEST_P(TmaTest, LoadsWithElementStrides) {
  std::unique_ptr<Tensor> tensor = makeTensor(3);
  tensor->spec.elementStrides = {2, 4, 3, 1, 1};
  for (int32_t y : {-3, 0, 9})
    ASSERT_NO_FATAL_FAILURE(checkLoad(*tensor, {-2, y, 1}, 128));
}

TEST_P(TmaTest, LoadsNaNFill) {
  std::unique_ptr<Tensor> tensor = makeTensor(2);
  if (tensor->spec.type == TensorMapType::U8)
    return;
  tensor->spec.fill = TensorMapFill::NaN;
  ASSERT_NO_FATAL_FAILURE(checkLoad(*tensor, {-3, -2}, 0));
  ASSERT_NO_FATAL_FAILURE(checkLoad(*tensor, {40, 9}, 0));
}

TEST_P(TmaTest, Stores) {
  for (uint32_t rank = 1; rank <= 5; ++rank) {
    std::unique_ptr<Tensor> tensor = makeTensor(rank);
    for (std::vector<int32_t> coords : std::vector<std::vector<int32_t>>{
             {0, 0, 0, 0, 0}, {7, 9, 3, 3, 2}, {100, 0, 0, 0, 0}}) {
      coords.resize(rank);
      ASSERT_NO_FATAL_FAILURE(checkStore(*tensor, coords, 640))
          << "rank " << rank;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllSwizzles, TmaTest,
    testing::Values(Case{TensorMapType::BF16, Swizzle::None},
                    Case{TensorMapType::BF16, Swizzle::B32},
                    Case{TensorMapType::BF16, Swizzle::B64},
                    Case{TensorMapType::BF16, Swizzle::B128},
                    Case{TensorMapType::U8, Swizzle::B128},
                    Case{TensorMapType::F32, Swizzle::B64},
                    Case{TensorMapType::F64, Swizzle::B32}));

TEST(Tma, ConvertsTypesThatSaySo) {
  for (TensorMapType type :
       {TensorMapType::F32Ftz, TensorMapType::TF32, TensorMapType::TF32Ftz}) {
    Tensor tensor(type, {8}, {8}, Swizzle::None);
    const float values[8] = {1e-40f, -1e-40f, 1.0f + 0x1p-20f, 3.0f,
                             0.0f,   -2.5f,   1e30f,           0x1p-126f};
    std::memcpy(tensor.host, values, sizeof(values));
    std::vector<std::byte> shared(1024);
    const int32_t coords[] = {0};
    ASSERT_TRUE(
        tmaLoad(tensor.spec, coords, shared.data(), 1024, 0, tensor.cursor)
            .has_value());
    for (uint32_t i = 0; i < 8; ++i) {
      float expected = values[i];
      if (type != TensorMapType::TF32)
        expected = flushSubnormal(expected);
      uint32_t bits = std::bit_cast<uint32_t>(expected);
      if (type != TensorMapType::F32Ftz)
        bits = floatToTf32(expected, Rounding::NearestEven);
      uint32_t found;
      std::memcpy(&found, &shared[4 * i], 4);
      EXPECT_EQ(found, bits);
    }
  }
}

template <typename T>
std::string message(const Checked<T> &result) {
  return result ? "no error" : result.error().message;
}

#define EXPECT_MESSAGE(result, text)                                           \
  EXPECT_NE(message(result).find(text), std::string::npos) << message(result)

TEST(Tma, Errors) {
  Tensor tensor(TensorMapType::BF16, {64, 64}, {64, 8}, Swizzle::B128);
  std::vector<std::byte> shared(4096);
  auto load = [&](std::vector<int32_t> coords, uint32_t offset) {
    return message(tmaLoad(tensor.spec, coords, shared.data(), 4096, offset,
                           tensor.cursor));
  };
  auto store = [&](std::vector<int32_t> coords, uint32_t offset) {
    return message(tmaStore(tensor.spec, coords, shared.data(), 4096, offset,
                            tensor.cursor));
  };
  EXPECT_EQ(load({0, 0}, 3072), "no error");
  EXPECT_NE(load({0, 0}, 64).find("multiple of 128, found 0x40"),
            std::string::npos);
  EXPECT_NE(load({0, 0}, 3200)
                .find("reach 128 bytes past the end of the "
                      "4096-byte shared window"),
            std::string::npos);
  EXPECT_NE(load({0, 0}, 0xffffff80).find("past the end"), std::string::npos);
  EXPECT_NE(load({0}, 0).find("expected 2 coordinates"), std::string::npos);
  EXPECT_NE(store({0, -1}, 0).find("found -1 in dimension 1"),
            std::string::npos);

  // A map that promises more rows than its allocation has.
  tensor.spec.dims[1] = 1000;
  std::string text = load({0, 60}, 0);
  EXPECT_NE(text.find("TMA load of the box (64, 8) at coordinates (0, 60) of "
                      "the 64x1000 bf16 tensor at 0x"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("-byte allocation at"), std::string::npos) << text;
  EXPECT_NE(store({0, 80}, 0).find("past the end of"), std::string::npos);
  ASSERT_TRUE(tensor.memory.free(tensor.spec.address).has_value());
  EXPECT_NE(load({0, 0}, 0).find("which was freed"), std::string::npos);
}

TEST(Tma, BulkCopies) {
  GlobalMemory memory;
  GlobalMemory::Cursor cursor(memory);
  DeviceAddress address = *memory.allocate(1024);
  std::byte *host = memory.resolve(address, 1024);
  std::vector<std::byte> shared(512), other(256);
  for (size_t i = 0; i < 1024; ++i)
    host[i] = std::byte(i);
  Checked<uint32_t> loaded =
      bulkLoad(address + 16, 96, shared.data(), 512, 32, cursor);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(*loaded, 96u);
  EXPECT_EQ(std::memcmp(&shared[32], host + 16, 96), 0);
  ASSERT_TRUE(
      bulkStore(address + 512, 96, shared.data(), 512, 32, cursor).has_value());
  EXPECT_EQ(std::memcmp(host + 512, host + 16, 96), 0);
  Checked<uint32_t> copied =
      bulkCopyShared(other.data(), 256, 64, shared.data(), 512, 32, 96);
  ASSERT_TRUE(copied.has_value());
  EXPECT_EQ(std::memcmp(&other[64], &shared[32], 96), 0);
  EXPECT_EQ(*bulkLoad(address, 0, shared.data(), 512, 0, cursor), 0u);

  EXPECT_MESSAGE(bulkLoad(address, 8, shared.data(), 512, 0, cursor),
                 "multiple of 16 bytes, found 8");
  EXPECT_MESSAGE(bulkLoad(address + 8, 16, shared.data(), 512, 0, cursor),
                 "global address that is a multiple of 16");
  EXPECT_MESSAGE(bulkStore(address, 16, shared.data(), 512, 8, cursor),
                 "shared offset that is a multiple of 16, found 0x8");
  EXPECT_MESSAGE(bulkStore(address, 32, shared.data(), 512, 496, cursor),
                 "16 bytes past the end of the 512-byte shared window");
  EXPECT_MESSAGE(bulkLoad(address + 1008, 32, shared.data(), 512, 0, cursor),
                 "reach 16 bytes past its end");
  EXPECT_MESSAGE(bulkStore(address + 2048, 16, shared.data(), 512, 0, cursor),
                 "1024 bytes past the end");
  EXPECT_MESSAGE(
      bulkCopyShared(shared.data(), 512, 0, shared.data(), 512, 256, 16),
      "another CTA");
  EXPECT_MESSAGE(
      bulkCopyShared(other.data(), 256, 256, shared.data(), 512, 0, 16),
      "destination of bulk copy");
}

} // namespace
