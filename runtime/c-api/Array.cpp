//===- Array.cpp - Arrays and types in C ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::capi;

static_assert(HEDDLE_I1 == int(ElementType::I1) &&
              HEDDLE_INDEX == int(ElementType::Index) &&
              HEDDLE_F8E4M3 == int(ElementType::F8E4M3) &&
              HEDDLE_BF16 == int(ElementType::BF16) &&
              HEDDLE_F64 == int(ElementType::F64));

/// More dimensions than any program has.
static constexpr int32_t maxRank = 64;

Expected<ElementType> capi::readType(int32_t type) {
  if (type < HEDDLE_I1 || type > HEDDLE_F64)
    return makeError(ErrorKind::InvalidInput,
                     "expected a heddle_type of {} to {}, found {}",
                     int(HEDDLE_I1), int(HEDDLE_F64), type);
  return ElementType(type);
}

Expected<std::vector<int64_t>> capi::readExtents(const char *what, int32_t rank,
                                                 const int64_t *extents) {
  if (rank < 0 || rank > maxRank)
    return makeError(ErrorKind::InvalidInput,
                     "expected a rank of 0 to {}, found {}", maxRank, rank);
  if (rank > 0)
    if (Expected<void> valid = require({{what, extents}}); !valid)
      return tl::unexpected(valid.error());
  return std::vector<int64_t>(extents, extents + rank);
}

Expected<DeviceArray> capi::readArray(const heddle_array &array) {
  DeviceArray result;
  result.address = array.address;
  result.isReadOnly = array.is_read_only != 0;
  Expected<ElementType> type = readType(array.type);
  if (!type)
    return tl::unexpected(type.error());
  result.type = *type;
  Expected<std::vector<int64_t>> shape =
      readExtents("shape", array.rank, array.shape);
  if (!shape)
    return tl::unexpected(shape.error());
  result.shape = std::move(*shape);
  if (array.strides)
    result.strides.assign(array.strides, array.strides + array.rank);
  return result;
}

/// Says of which element of an array of arguments an error is.
static tl::unexpected<Error> locate(const char *what, size_t i,
                                    const char *name, const Error &error) {
  return makeError(error.kind, "{} {}{}{}{}: {}", what, i, name ? " ('" : "",
                   name ? name : "", name ? "')" : "", error.message);
}

Expected<std::vector<NamedArray>> capi::readArrays(const heddle_array *arrays,
                                                   size_t count) {
  std::vector<NamedArray> result;
  if (count == 0)
    return result;
  if (Expected<void> valid = require({{"arrays", arrays}}); !valid)
    return tl::unexpected(valid.error());
  for (size_t i = 0; i < count; ++i) {
    Expected<heddle_array> array = readStruct(arrays, i);
    if (!array)
      return locate("array", i, nullptr, array.error());
    if (Expected<void> valid = require({{"name", array->name}}); !valid)
      return locate("array", i, nullptr, valid.error());
    Expected<DeviceArray> read = readArray(*array);
    if (!read)
      return locate("array", i, array->name, read.error());
    result.push_back({array->name, std::move(*read)});
  }
  return result;
}

Expected<std::vector<NamedSize>> capi::readSizes(const heddle_size *sizes,
                                                 size_t count) {
  std::vector<NamedSize> result;
  if (count == 0)
    return result;
  if (Expected<void> valid = require({{"sizes", sizes}}); !valid)
    return tl::unexpected(valid.error());
  for (size_t i = 0; i < count; ++i) {
    Expected<heddle_size> size = readStruct(sizes, i);
    if (!size)
      return locate("size", i, nullptr, size.error());
    if (Expected<void> valid = require({{"name", size->name}}); !valid)
      return locate("size", i, nullptr, valid.error());
    result.push_back({size->name, size->value});
  }
  return result;
}

size_t heddle_type_bytes(int32_t type) {
  Expected<ElementType> read = readType(type);
  return read ? getBytes(*read) : 0;
}

const char *heddle_type_name(int32_t type) {
  Expected<ElementType> read = readType(type);
  // Names are literals and end with a null byte.
  return read ? getName(*read).data() : nullptr;
}
