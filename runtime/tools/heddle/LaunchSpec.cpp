//===- LaunchSpec.cpp - How kernels of a PTX file are launched ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/LaunchSpec.h"

#include "heddle/Runtime/MakeError.h"
#include "heddle/Runtime/VirtualDevice.h"
#include "package/JsonValue.h"
#include "reference/Formats.h"
#include "tools/heddle/Buffers.h"
#include "tools/heddle/Random.h"
#include "tools/heddle/SizeExpression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

using namespace heddle;
using package::JsonValue;
using reference::Element;
using reference::NumberType;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// `i32` and `u32` are the same bits; both may be written.
static std::optional<ElementType> parseType(std::string_view name) {
  if (name == "bool")
    return ElementType::I1;
  std::string text(name);
  if (text.size() > 1 && (text[0] == 'u' || text[0] == 's') &&
      std::isdigit(static_cast<unsigned char>(text[1])))
    text[0] = 'i';
  return parseElementType(text);
}

static NumberType getNumberType(ElementType type) {
  return *NumberType::parse(getName(type));
}

/// What a parameter of PTX takes if it is one number.
static std::optional<ElementType> getScalarType(const vgpu::Variable &param) {
  if (param.size * 8 != vgpu::bits(param.type))
    return std::nullopt;
  switch (param.type) {
  case vgpu::Type::F16:
    return ElementType::F16;
  case vgpu::Type::BF16:
    return ElementType::BF16;
  case vgpu::Type::F32:
    return ElementType::F32;
  case vgpu::Type::F64:
    return ElementType::F64;
  default:
    break;
  }
  switch (param.size) {
  case 1:
    return ElementType::I8;
  case 2:
    return ElementType::I16;
  case 4:
    return ElementType::I32;
  case 8:
    return ElementType::I64;
  default:
    return std::nullopt;
  }
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {

/// The largest buffer, in bytes; what fits in memory is asked later.
constexpr int64_t maxBufferBytes = int64_t(1) << 42;
constexpr size_t maxRank = 16;

class SpecParser {
public:
  SpecParser(const std::string &name, const vgpu::PtxModule &module,
             const NamedSizes &given)
      : folder(std::filesystem::path(name).parent_path()), module(module),
        given(given) {}

  LaunchSpec run(const JsonValue &root);

private:
  // Values.
  int64_t integer(const JsonValue &value, int64_t min, int64_t max);
  void scalar(const JsonValue &value, ElementType type,
              std::vector<std::byte> &bytes);
  ElementType elementType(const JsonValue &value);
  std::string file(const JsonValue &value);
  std::vector<int64_t> integers(const JsonValue &value, size_t least,
                                size_t most, int64_t min, int64_t max);
  Dim3 dims(const JsonValue &value);

  // Buffers.
  void sizes(const JsonValue &value);
  void buffer(const JsonValue &value, const std::string &name);
  SpecContents contents(const JsonValue &value, const SpecBuffer &buffer,
                        std::string path);
  size_t findBuffer(const JsonValue &value);

  // Arguments.
  SpecArgument argument(const JsonValue &value, const vgpu::Variable *param,
                        const std::string &path);
  SpecArgument shortArgument(const JsonValue &value,
                             const vgpu::Variable *param);
  SpecArgument structure(const JsonValue &value, const std::string &path);
  SpecArgument tensorMap(const JsonValue &value, const std::string &path);
  SpecArgument multicast(const JsonValue &value, const std::string &path);
  void hexBytes(const JsonValue &value, std::vector<std::byte> &bytes);
  uint32_t alignment(const SpecArgument &argument) const;

  const vgpu::Function *kernel(const JsonValue &launch);
  std::vector<SpecArgument> argumentByDevice(const JsonValue &value,
                                             const vgpu::Variable &param,
                                             size_t devices,
                                             const std::string &path);
  SpecLaunch launch(const JsonValue &value, const std::string &path);

  std::filesystem::path folder;
  const vgpu::PtxModule &module;
  const NamedSizes &given;
  NamedSizes known;
  LaunchSpec spec;
};

} // namespace

int64_t SpecParser::integer(const JsonValue &value, int64_t min, int64_t max) {
  if (!value.isString())
    return value.getInteger<int64_t>(min, max);
  Expected<int64_t> result = evaluateSize(value.getString(), known);
  if (!result)
    value.failWith(result.error().message);
  else if (*result < min || *result > max)
    value.failWith(fmt::format("expected an integer in {}..{}, found {}", min,
                               max, *result));
  else
    return *result;
  return min;
}

std::vector<int64_t> SpecParser::integers(const JsonValue &value, size_t least,
                                          size_t most, int64_t min,
                                          int64_t max) {
  return value.getArray(least, most, [&](const JsonValue &element) {
    return integer(element, min, max);
  });
}

Dim3 SpecParser::dims(const JsonValue &value) {
  if (!value.isArray())
    return {uint32_t(integer(value, 0, UINT32_MAX)), 1, 1};
  std::vector<int64_t> list = integers(value, 1, 3, 0, UINT32_MAX);
  list.resize(3, 1);
  return {uint32_t(list[0]), uint32_t(list[1]), uint32_t(list[2])};
}

ElementType SpecParser::elementType(const JsonValue &value) {
  std::string name = value.getString();
  if (std::optional<ElementType> type = parseType(name))
    return *type;
  value.failWith(fmt::format("expected a type such as i32, u8, f16, bf16, f32, "
                             "f64, f8E4M3FN or f8E5M2, found '{}'",
                             name));
  return ElementType::I8;
}

/// Appends a number's bytes.
void SpecParser::scalar(const JsonValue &value, ElementType type,
                        std::vector<std::byte> &bytes) {
  NumberType number = getNumberType(type);
  Element element = reference::makeInt(0);
  if (number.isFloat()) {
    double real = 0;
    if (value.isString()) {
      std::string text = value.getString();
      if (text == "nan")
        real = NAN;
      else if (text == "inf" || text == "-inf")
        real = text == "inf" ? INFINITY : -INFINITY;
      else
        real = double(integer(value, INT64_MIN, INT64_MAX));
    } else {
      real = value.getNumber();
    }
    element = reference::makeFloat(real);
  } else {
    unsigned width = std::min<unsigned>(number.width, 64);
    // Both readings of the bits are welcome.
    if (width == 64) {
      element = reference::makeInt(
          value.isInteger() && !value.isNegative()
              ? value.getInteger<uint64_t>(0)
              : uint64_t(integer(value, INT64_MIN, INT64_MAX)));
    } else {
      int64_t min = width == 1 ? 0 : -(int64_t(1) << (width - 1));
      element = reference::makeInt(
          uint64_t(integer(value, min, (int64_t(1) << width) - 1)) &
          reference::getMask(width));
    }
  }
  size_t at = bytes.size();
  bytes.resize(at + getBytes(type));
  storeElement(number, element, bytes.data() + at);
}

std::string SpecParser::file(const JsonValue &value) {
  std::string name = value.getString();
  if (name.empty())
    value.fail("the name of a file");
  return (folder / name).string();
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

void SpecParser::sizes(const JsonValue &value) {
  std::vector<std::string> open = value.getKeys();
  std::erase_if(open, [&](const std::string &name) {
    return std::ranges::any_of(
        given, [&](const auto &size) { return size.first == name; });
  });
  // JSON has no order: what a size is made of may come after it.
  for (size_t count = 0; count != open.size();) {
    count = open.size();
    std::erase_if(open, [&](const std::string &name) {
      JsonValue size = value[name];
      if (size.isString() && !evaluateSize(size.getString(), known))
        return false;
      known.emplace_back(name, integer(size, INT64_MIN, INT64_MAX));
      return true;
    });
  }
  for (const std::string &name : open)
    (void)integer(value[name], INT64_MIN, INT64_MAX);
}

SpecContents SpecParser::contents(const JsonValue &value,
                                  const SpecBuffer &buffer, std::string path) {
  SpecContents result;
  result.path = std::move(path);
  ElementType type = buffer.array.type;
  if (value.isNumber()) {
    result.kind = SpecContents::Kind::Values;
    scalar(value, type, result.bytes);
    return result;
  }
  if (value.isArray()) {
    result.kind = SpecContents::Kind::Values;
    size_t count = getBytes(buffer.array) / getBytes(type);
    value.getArray(count, count, [&](const JsonValue &element) {
      scalar(element, type, result.bytes);
      return 0;
    });
    return result;
  }
  std::string text = value.getString();
  std::string_view kind = std::string_view(text).substr(0, text.find(':'));
  if (text == "zeros") {
    result.kind = SpecContents::Kind::Zeros;
  } else if (text == "iota") {
    result.kind = SpecContents::Kind::Iota;
  } else if (kind == "random") {
    result.kind = SpecContents::Kind::Random;
    if (kind.size() != text.size()) {
      const char *end = text.data() + text.size();
      auto [stop, error] =
          std::from_chars(text.data() + kind.size() + 1, end, result.seed);
      if (error != std::errc() || stop != end)
        value.fail("random:SEED with an integer as seed");
    }
  } else if (text.ends_with(".npy")) {
    result.kind = SpecContents::Kind::File;
    result.file = file(value);
  } else {
    value.fail("zeros, iota, random[:SEED], a .npy file, a number or an array "
               "of all elements");
  }
  return result;
}

void SpecParser::buffer(const JsonValue &value, const std::string &name) {
  value.allowOnly(
      {"type", "shape", "init", "range", "output", "expected", "tolerance"});
  SpecBuffer &buffer = spec.buffers.emplace_back();
  buffer.array.name = name;
  buffer.array.type = elementType(value["type"]);
  JsonValue shape = value["shape"];
  buffer.array.shape =
      shape.isArray() ? integers(shape, 0, maxRank, 0, maxBufferBytes)
                      : std::vector<int64_t>{integer(shape, 0, maxBufferBytes)};
  int64_t bytes = getBytes(buffer.array.type);
  for (int64_t extent : buffer.array.shape)
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes) ||
        bytes > maxBufferBytes)
      return shape.failWith(
          fmt::format("expected a buffer of at most {} bytes", maxBufferBytes));
  std::string path = fmt::format("buffers.{}", name);
  if (value.has("init"))
    buffer.init = contents(value["init"], buffer, path + ".init");
  if (value.has("range")) {
    JsonValue range = value["range"];
    std::vector<double> ends = range.getArray(
        2, 2, [&](const JsonValue &end) { return end.getNumber(); });
    bool isRandom = buffer.init.kind == SpecContents::Kind::Random;
    if (!isRandom)
      range.failWith("expected init to be random");
    else if (ends.size() == 2 && !(ends[0] <= ends[1]))
      range.failWith(fmt::format("expected a range from low to high, found {} "
                                 "to {}",
                                 ends[0], ends[1]));
    else if (ends.size() == 2)
      buffer.init.range = {ends[0], ends[1]};
  }
  buffer.array.access = buffer.init.kind == SpecContents::Kind::None
                            ? Access::Out
                            : Access::InOut;
  if (value.has("output"))
    buffer.output = file(value["output"]);
  if (value.has("expected"))
    buffer.expected = contents(value["expected"], buffer, path + ".expected");
  if (!value.has("tolerance"))
    return;
  JsonValue tolerance = value["tolerance"];
  auto positive = [](const JsonValue &number) {
    double result = number.getNumber();
    if (!(result >= 0))
      number.fail("a number of 0 or more");
    return result;
  };
  if (!tolerance.isObject()) {
    buffer.absolute = buffer.relative = positive(tolerance);
    return;
  }
  tolerance.allowOnly({"absolute", "relative"});
  if (tolerance.has("absolute"))
    buffer.absolute = positive(tolerance["absolute"]);
  if (tolerance.has("relative"))
    buffer.relative = positive(tolerance["relative"]);
}

size_t SpecParser::findBuffer(const JsonValue &value) {
  std::string name = value.getString();
  std::vector<std::string_view> names;
  for (size_t i = 0; i < spec.buffers.size(); ++i) {
    if (spec.buffers[i].array.name == name)
      return i;
    names.push_back(spec.buffers[i].array.name);
  }
  value.failWith(fmt::format(
      "there is no buffer '{}'; there {}", name,
      names.empty() ? "are none"
                    : fmt::format("are {}", fmt::join(names, ", "))));
  return 0;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

void SpecParser::hexBytes(const JsonValue &value,
                          std::vector<std::byte> &bytes) {
  std::string text = value.getString();
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    auto [stop, error] =
        std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || stop != text.data() + i + 2)
      break;
    bytes.push_back(std::byte(byte));
  }
  if (bytes.size() * 2 != text.size())
    value.fail("an even number of hexadecimal digits");
}

/// What a C++ compiler would align it to, in a struct.
uint32_t SpecParser::alignment(const SpecArgument &argument) const {
  if (!argument.maps.empty())
    return 64;
  uint32_t size = uint32_t(argument.bytes.size());
  return size == 2 || size == 4 || size == 8 ? size : 1;
}

SpecArgument SpecParser::structure(const JsonValue &value,
                                   const std::string &path) {
  SpecArgument result;
  uint32_t largest = 1;
  size_t index = 0;
  auto pad = [&](uint32_t align) {
    result.bytes.resize((result.bytes.size() + align - 1) / align * align);
  };
  value.getArray(0, 4096, [&](const JsonValue &field) {
    SpecArgument part =
        argument(field, nullptr, fmt::format("{}.struct[{}]", path, index++));
    uint32_t align = alignment(part);
    largest = std::max(largest, align);
    pad(align);
    size_t at = result.bytes.size();
    result.bytes.insert(result.bytes.end(), part.bytes.begin(),
                        part.bytes.end());
    for (SpecArgument::Address address : part.addresses) {
      address.at += at;
      result.addresses.push_back(address);
    }
    for (SpecArgument::Map &map : part.maps) {
      map.at += at;
      result.maps.push_back(std::move(map));
    }
    for (SpecArgument::Multicast &multicast : part.multicasts) {
      multicast.at += at;
      result.multicasts.push_back(std::move(multicast));
    }
    return 0;
  });
  pad(largest);
  return result;
}

/// The number below `count` of which `value` is the name.
template <typename Names>
static size_t getOneOf(const JsonValue &value, const Names &names) {
  return value.getOneOf(std::size(names), [&](size_t i) { return names[i]; });
}

SpecArgument SpecParser::tensorMap(const JsonValue &value,
                                   const std::string &path) {
  value.allowOnly({"buffer", "offset", "type", "rank", "dims", "strides", "box",
                   "elementStrides", "swizzle", "interleave", "fill",
                   "l2Promotion"});
  SpecArgument result;
  result.bytes.resize(sizeof(TensorMap));
  SpecArgument::Map &map = result.maps.emplace_back();
  map.path = path;
  map.buffer = findBuffer(value["buffer"]);
  if (!value.isGood())
    return result;
  const HostArray &array = spec.buffers[map.buffer].array;
  if (value.has("offset"))
    map.offset = uint64_t(integer(value["offset"], 0, maxBufferBytes));
  TensorMapSpec &tensor = map.spec;
  if (value.has("type")) {
    constexpr size_t types = size_t(TensorMapType::TF32Ftz) + 1;
    tensor.type = TensorMapType(value["type"].getOneOf(
        types, [](size_t i) { return heddle::name(TensorMapType(i)); }));
  } else if (auto type = getTensorMapType(array.type)) {
    tensor.type = *type;
  } else {
    value.failWith(fmt::format("a tensor map has no elements of {}; expected a "
                               "type",
                               getName(array.type)));
  }

  std::vector<int64_t> dims(array.shape.rbegin(), array.shape.rend());
  JsonValue given = value["dims"];
  if (value.has("dims"))
    dims = integers(given, 1, 5, 0, int64_t(1) << 33);
  else if (dims.empty() || dims.size() > 5)
    value.failWith(fmt::format("expected dims, since buffer '{}' has {} "
                               "dimensions and a tensor map 1 to 5",
                               array.name, dims.size()));
  if (!value.isGood())
    return result;
  size_t rank = dims.size();
  tensor.rank = uint32_t(rank);
  if (value.has("rank"))
    if (JsonValue said = value["rank"]; said.getInteger<size_t>(1, 5) != rank)
      said.failWith(fmt::format("expected {}, the number of dims", rank));
  std::copy(dims.begin(), dims.end(), tensor.dims.begin());
  if (value.has("strides")) {
    std::vector<int64_t> strides =
        integers(value["strides"], rank - 1, rank - 1, 0, INT64_MAX);
    std::copy(strides.begin(), strides.end(), tensor.strides.begin());
  } else {
    uint64_t stride = elementBytes(tensor.type);
    for (size_t i = 0; i + 1 < rank; ++i)
      if (__builtin_mul_overflow(stride, tensor.dims[i], &stride))
        value.failWith("the tensor is too large");
      else
        tensor.strides[i] = stride;
  }
  std::vector<int64_t> box = integers(value["box"], rank, rank, 0, UINT32_MAX);
  std::copy(box.begin(), box.end(), tensor.box.begin());
  if (value.has("elementStrides")) {
    std::vector<int64_t> strides =
        integers(value["elementStrides"], rank, rank, 0, UINT32_MAX);
    std::copy(strides.begin(), strides.end(), tensor.elementStrides.begin());
  }
  static constexpr std::string_view swizzles[] = {"none", "32B", "64B", "128B"};
  static constexpr Swizzle spans[] = {Swizzle::None, Swizzle::B32, Swizzle::B64,
                                      Swizzle::B128};
  if (value.has("swizzle"))
    tensor.swizzle = spans[getOneOf(value["swizzle"], swizzles)];
  static constexpr std::string_view fills[] = {"zeros", "nan"};
  if (value.has("fill"))
    tensor.fill = TensorMapFill(getOneOf(value["fill"], fills));
  // Other interleaves are for im2col, which devices here do not have.
  static constexpr std::string_view interleaves[] = {"none"};
  if (value.has("interleave"))
    (void)getOneOf(value["interleave"], interleaves);
  // Changes times, not results.
  static constexpr std::string_view promotions[] = {"none", "64B", "128B",
                                                    "256B"};
  if (value.has("l2Promotion"))
    (void)getOneOf(value["l2Promotion"], promotions);
  return result;
}

/// The address of a multicast object over the memory of several devices.
SpecArgument SpecParser::multicast(const JsonValue &value,
                                   const std::string &path) {
  value.allowOnly({"multicast", "offset"});
  SpecArgument result;
  result.bytes.resize(sizeof(DeviceAddress));
  SpecArgument::Multicast &multicast = result.multicasts.emplace_back();
  multicast.path = path + ".multicast";
  if (value.has("offset"))
    multicast.offset = uint64_t(integer(value["offset"], 0, maxBufferBytes));
  JsonValue members = value["multicast"];
  multicast.buffers =
      members.getArray(1, maxLaunchDevices, [&](const JsonValue &member) {
        return findBuffer(member);
      });
  if (!value.isGood())
    return result;
  const HostArray &first = spec.buffers[multicast.buffers[0]].array;
  for (size_t member = 0; member < multicast.buffers.size(); ++member) {
    const HostArray &array = spec.buffers[multicast.buffers[member]].array;
    if (getBytes(array) != getBytes(first) || getBytes(array) == 0)
      members.failWith(fmt::format("expected buffers of equal size, 1 byte or "
                                   "more; '{}' has {} bytes and '{}' {}",
                                   first.name, getBytes(first), array.name,
                                   getBytes(array)));
    else if (std::ranges::count(multicast.buffers, multicast.buffers[member]) >
             1)
      members.failWith(fmt::format("expected a buffer for each device, found "
                                   "'{}' twice",
                                   array.name));
  }
  return result;
}

/// A buffer's name, or a number of the parameter's type.
SpecArgument SpecParser::shortArgument(const JsonValue &value,
                                       const vgpu::Variable *param) {
  SpecArgument result;
  if (value.isString()) {
    std::string name = value.getString();
    for (size_t i = 0; i < spec.buffers.size(); ++i)
      if (spec.buffers[i].array.name == name) {
        result.bytes.resize(sizeof(DeviceAddress));
        result.addresses.push_back({0, i, 0});
        return result;
      }
  }
  std::optional<ElementType> type;
  if (param)
    type = getScalarType(*param);
  if (type)
    scalar(value, *type, result.bytes);
  else
    value.fail(param ? fmt::format("a tensorMap, a struct or bytes for the {} "
                                   "bytes of parameter '{}'",
                                   param->size, param->name)
                     : "an object with a type and a value, or a buffer");
  return result;
}

SpecArgument SpecParser::argument(const JsonValue &value,
                                  const vgpu::Variable *param,
                                  const std::string &path) {
  SpecArgument result;
  if (!value.isObject())
    return shortArgument(value, param);
  if (value.has("buffer")) {
    value.allowOnly({"buffer", "offset"});
    result.bytes.resize(sizeof(DeviceAddress));
    int64_t offset =
        value.has("offset") ? integer(value["offset"], 0, maxBufferBytes) : 0;
    result.addresses.push_back(
        {0, findBuffer(value["buffer"]), uint64_t(offset)});
  } else if (value.has("tensorMap")) {
    value.allowOnly({"tensorMap"});
    result = tensorMap(value["tensorMap"], path + ".tensorMap");
  } else if (value.has("multicast")) {
    result = multicast(value, path);
  } else if (value.has("struct")) {
    value.allowOnly({"struct"});
    result = structure(value["struct"], path);
  } else if (value.has("bytes")) {
    value.allowOnly({"bytes"});
    hexBytes(value["bytes"], result.bytes);
  } else if (value.has("type")) {
    value.allowOnly({"type", "value"});
    ElementType type = elementType(value["type"]);
    JsonValue number = value["value"];
    if (number.isArray())
      number.getArray(1, 1 << 20, [&](const JsonValue &element) {
        scalar(element, type, result.bytes);
        return 0;
      });
    else
      scalar(number, type, result.bytes);
  } else {
    value.failWith("expected one of the members buffer, type, tensorMap, "
                   "multicast, struct and bytes");
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

const vgpu::Function *SpecParser::kernel(const JsonValue &launch) {
  std::string wanted;
  if (launch.has("kernel"))
    wanted = launch["kernel"].getString();
  const vgpu::Function *only = nullptr;
  std::vector<std::string_view> names;
  for (const vgpu::Function &function : module.functions) {
    if (!function.isKernel || !function.hasBody)
      continue;
    if (function.name == wanted)
      return &function;
    only = &function;
    names.push_back(function.name);
  }
  if (!launch.isGood())
    return nullptr;
  if (names.empty())
    launch.failWith(fmt::format("'{}' has no kernels", module.name));
  else if (wanted.empty() && names.size() == 1)
    return only;
  else if (wanted.empty())
    launch.failWith(
        fmt::format("expected a kernel, one of {}", fmt::join(names, ", ")));
  else
    launch["kernel"].failWith(fmt::format("'{}' has no kernel '{}'; it has {}",
                                          module.name, wanted,
                                          fmt::join(names, ", ")));
  return nullptr;
}

/// What the devices get for a parameter: each its own, or all the same.
std::vector<SpecArgument>
SpecParser::argumentByDevice(const JsonValue &value,
                             const vgpu::Variable &param, size_t devices,
                             const std::string &path) {
  auto sized = [&](const JsonValue &element, const std::string &at) {
    SpecArgument parsed = argument(element, &param, at);
    if (element.isGood() && parsed.bytes.size() != param.size)
      element.failWith(fmt::format("expected {} bytes for parameter '{}', "
                                   "found {}",
                                   param.size, param.name,
                                   parsed.bytes.size()));
    return parsed;
  };
  if (!value.isObject() || !value.has("perDevice"))
    return std::vector<SpecArgument>(devices, sized(value, path));
  value.allowOnly({"perDevice"});
  JsonValue each = value["perDevice"];
  if (devices == 1) {
    each.failWith("expected \"devices\" of the launch to say how many there "
                  "are, 2 or more");
    return std::vector<SpecArgument>(devices);
  }
  size_t index = 0;
  std::vector<SpecArgument> result =
      each.getArray(devices, devices, [&](const JsonValue &element) {
        return sized(element, fmt::format("{}.perDevice[{}]", path, index++));
      });
  result.resize(devices);
  return result;
}

SpecLaunch SpecParser::launch(const JsonValue &value, const std::string &path) {
  SpecLaunch result;
  const vgpu::Function *function = kernel(value);
  if (!function)
    return result;
  result.kernel = function->name;
  LaunchConfig &config = result.config;
  if (value.has("grid"))
    config.grid = dims(value["grid"]);
  if (value.has("block"))
    config.block = dims(value["block"]);
  else if (function->requiredThreads.x)
    config.block = function->requiredThreads;
  else
    value.fail("a block");
  if (value.has("cluster"))
    config.cluster = dims(value["cluster"]);
  if (value.has("sharedBytes"))
    config.dynamicSharedBytes =
        uint32_t(integer(value["sharedBytes"], 0, UINT32_MAX));
  if (value.has("cooperative"))
    config.cooperative = value["cooperative"].getBool();
  size_t devices = value.has("devices")
                       ? size_t(integer(value["devices"], 1, maxLaunchDevices))
                       : 1;
  result.arguments.resize(devices);
  const std::vector<vgpu::Variable> &params = function->parameters;
  JsonValue arguments = value["arguments"];
  if (params.empty() && !value.has("arguments"))
    return result;
  if (arguments.isArray() && arguments.getCount() != params.size()) {
    std::vector<std::string_view> names;
    for (const vgpu::Variable &param : params)
      names.push_back(param.name);
    arguments.failWith(fmt::format("expected {} for the parameters ({}), found "
                                   "{}",
                                   params.size(), fmt::join(names, ", "),
                                   arguments.getCount()));
    return result;
  }
  size_t index = 0;
  arguments.getArray(
      params.size(), params.size(), [&](const JsonValue &element) {
        std::vector<SpecArgument> parsed =
            argumentByDevice(element, params[index], devices,
                             fmt::format("{}arguments[{}]", path, index));
        ++index;
        for (size_t device = 0; device < devices; ++device)
          result.arguments[device].push_back(std::move(parsed[device]));
        return 0;
      });
  return result;
}

LaunchSpec SpecParser::run(const JsonValue &root) {
  // What is the same for one launch and for many.
  if (root.has("launches"))
    root.allowOnly({"sizes", "buffers", "globals", "foreign", "launches"});
  else
    root.allowOnly({"sizes", "buffers", "globals", "foreign", "kernel", "grid",
                    "block", "cluster", "sharedBytes", "cooperative", "devices",
                    "arguments"});
  known = given;
  if (root.has("sizes"))
    sizes(root["sizes"]);
  for (const auto &[name, value] : given)
    if (JsonValue declared = root["sizes"];
        root.isGood() && !declared.has(name))
      root.failWith(fmt::format("--size {}: there is no such size", name));
  if (root.has("buffers")) {
    JsonValue buffers = root["buffers"];
    for (const std::string &name : buffers.getKeys())
      buffer(buffers[name], name);
  }
  if (root.has("globals")) {
    JsonValue globals = root["globals"];
    for (const std::string &name : globals.getKeys()) {
      std::string path = fmt::format("globals.{}", name);
      const vgpu::Variable *variable = nullptr;
      for (const vgpu::Variable &other : module.variables)
        if (other.name == name)
          variable = &other;
      spec.globals.push_back(
          {name, argument(globals[name], variable, path), path});
    }
  }
  for (const vgpu::Function &function : module.functions)
    for (const vgpu::Statement &statement : function.body)
      if (statement.opcode == "heddle.role")
        spec.foreign = false;
  if (root.has("foreign"))
    spec.foreign = root["foreign"].getBool();
  if (!root.has("launches")) {
    spec.launches.push_back(launch(root, ""));
    return std::move(spec);
  }
  size_t index = 0;
  spec.launches =
      root["launches"].getArray(1, 4096, [&](const JsonValue &value) {
        value.allowOnly({"kernel", "grid", "block", "cluster", "sharedBytes",
                         "cooperative", "devices", "arguments"});
        return launch(value, fmt::format("launches[{}].", index++));
      });
  return std::move(spec);
}

Expected<LaunchSpec> heddle::parseLaunchSpec(std::string_view text,
                                             const std::string &name,
                                             const vgpu::PtxModule &module,
                                             const NamedSizes &sizes) {
  Expected<nlohmann::json> json = package::parseJson(text);
  if (!json)
    return makeError(ErrorKind::InvalidInput, "{}: {}", name,
                     json.error().message);
  std::optional<std::string> problem;
  LaunchSpec spec =
      SpecParser(name, module, sizes).run(JsonValue(*json, problem));
  if (problem)
    return makeError(ErrorKind::InvalidInput, "{}: {}", name, *problem);
  return spec;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

/// A uniform number between two ends: an integer where the type has no others.
static Element getUniform(Random &random, NumberType type,
                          std::pair<double, double> range) {
  double unit = random.nextUniform();
  if (type.isFloat())
    return reference::makeFloat(range.first +
                                unit * (range.second - range.first));
  double low = std::ceil(range.first), high = std::floor(range.second);
  double value = std::min(low + std::floor(unit * (high - low + 1)), high);
  double limit = 9.2e18;
  return reference::makeInt(
      uint64_t(int64_t(std::clamp(value, -limit, limit))) &
      reference::getMask(type.width));
}

Expected<void> heddle::fillContents(HostArray &array,
                                    const SpecContents &contents) {
  size_t bytes = getBytes(array), width = getBytes(array.type);
  NumberType type = getNumberType(array.type);
  auto fillWith = [&](auto next) {
    array.bytes.resize(bytes);
    for (size_t at = 0; at < bytes; at += width)
      storeElement(type, next(at / width), array.bytes.data() + at);
  };
  Expected<void> done;
  switch (contents.kind) {
  case SpecContents::Kind::None:
    break;
  case SpecContents::Kind::Zeros:
    done = fillBuffer(array, "zeros");
    break;
  case SpecContents::Kind::Iota:
    fillWith([&](size_t i) {
      return type.isFloat()
                 ? reference::makeFloat(double(i))
                 : reference::makeInt(i & reference::getMask(type.width));
    });
    break;
  case SpecContents::Kind::Random:
    if (contents.range) {
      Random random(contents.seed ^ hashName(array.name));
      fillWith(
          [&](size_t) { return getUniform(random, type, *contents.range); });
    } else {
      done = fillBuffer(array, fmt::format("random:{}", contents.seed));
    }
    break;
  case SpecContents::Kind::Values:
    if (contents.bytes.size() == bytes) {
      array.bytes = contents.bytes;
      break;
    }
    array.bytes.resize(bytes);
    for (size_t at = 0; at < bytes; at += width)
      std::memcpy(array.bytes.data() + at, contents.bytes.data(), width);
    break;
  case SpecContents::Kind::File:
    done = fillBuffer(array, contents.file);
    break;
  }
  if (!done)
    return makeError(done.error().kind, "{}: {}", contents.path,
                     done.error().message);
  return {};
}
