//===- Buffers.cpp - What buffers hold before and after a run -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Buffers.h"

#include "device/HostMemory.h"
#include "heddle/Runtime/MakeError.h"
#include "reference/Formats.h"
#include "tools/heddle/Files.h"
#include "tools/heddle/Npy.h"
#include "tools/heddle/Random.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

using namespace heddle;
using reference::Element;
using reference::NumberKind;
using reference::NumberType;

static NumberType getNumberType(const HostArray &array) {
  return *NumberType::parse(getName(array.type));
}

static std::string describe(std::span<const int64_t> shape,
                            std::string_view type) {
  return fmt::format("{} of {}", fmt::join(shape, "x"), type);
}

std::string heddle::describe(const HostArray &array) {
  return ::describe(array.shape, getName(array.type));
}

uint64_t heddle::getBytes(const HostArray &array) {
  uint64_t bytes = getBytes(array.type);
  for (int64_t extent : array.shape)
    bytes *= uint64_t(extent);
  return bytes;
}

//===----------------------------------------------------------------------===//
// Made-up inputs
//===----------------------------------------------------------------------===//

/// A random number that suits `type`: normal floats; integers from the whole
/// range of 8 bits, or of -100 to 100 where a type has more.
static Element getRandom(Random &random, NumberType type) {
  if (type.isFloat())
    return reference::makeFloat(random.nextNormal());
  uint64_t bits = random.next() >> 32;
  if (type.width > 8)
    bits = bits % 201 - 100;
  return reference::makeInt(bits & reference::getMask(type.width));
}

static void fillRandom(HostArray &buffer, uint64_t seed) {
  Random random(seed);
  NumberType type = getNumberType(buffer);
  buffer.bytes.resize(getBytes(buffer));
  for (size_t at = 0; at < buffer.bytes.size(); at += getByteWidth(type))
    storeElement(type, getRandom(random, type), buffer.bytes.data() + at);
}

/// Normal numbers, of which those along the last dimension have length one, but
/// for rounding.
static void fillUnit(HostArray &buffer, uint64_t seed) {
  Random random(seed);
  NumberType type = getNumberType(buffer);
  size_t width = getByteWidth(type);
  buffer.bytes.resize(getBytes(buffer));
  std::vector<double> row(buffer.shape.empty() ? 1 : buffer.shape.back());
  for (size_t at = 0; at < buffer.bytes.size();) {
    double squares = 0;
    for (double &number : row) {
      number = random.nextNormal();
      squares += number * number;
    }
    for (double number : row) {
      storeElement(type, reference::makeFloat(number / std::sqrt(squares)),
                   buffer.bytes.data() + at);
      at += width;
    }
  }
}

static void fillUniform(HostArray &buffer, uint64_t seed, double low,
                        double high) {
  Random random(seed);
  NumberType type = getNumberType(buffer);
  buffer.bytes.resize(getBytes(buffer));
  for (size_t at = 0; at < buffer.bytes.size(); at += getByteWidth(type)) {
    double number = low + random.nextUniform() * (high - low);
    storeElement(type, reference::makeFloat(number), buffer.bytes.data() + at);
  }
}

/// Whether `type` can hold all numbers between two ends.
static bool isRange(NumberType type, double low, double high) {
  auto holds = [&](double number) {
    std::byte bytes[8] = {};
    storeElement(type, reference::makeFloat(number), bytes);
    return std::isfinite(loadElement(type, bytes).f);
  };
  return low <= high && holds(low) && holds(high) && std::isfinite(high - low);
}

/// Reads what follows the colons of `text` into numbers, of which the last ones
/// may lack; false if there is anything else.
template <typename... Numbers>
static bool readNumbers(std::string_view text, Numbers &...numbers) {
  bool good = true;
  auto read = [&](auto &number) {
    if (!good || text.empty())
      return;
    std::string_view part = text.substr(1, text.find(':', 1) - 1);
    const char *end = part.data() + part.size();
    auto [stop, error] = std::from_chars(part.data(), end, number);
    good = error == std::errc() && stop == end;
    text.remove_prefix(1 + part.size());
  };
  (read(numbers), ...);
  return good && text.empty();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// How NumPy calls a type. It has no bf16 and no 8-bit floats: their bytes
/// travel as void, which `a.view(ml_dtypes.bfloat16)` makes numbers again.
static char getNpyKind(ElementType type) {
  switch (type) {
  case ElementType::F16:
  case ElementType::F32:
  case ElementType::F64:
    return 'f';
  case ElementType::BF16:
  case ElementType::F8E4M3:
  case ElementType::F8E5M2:
    return 'V';
  case ElementType::I1:
    return 'b';
  default:
    return 'i';
  }
}

/// Whether the elements of `array` are, bit for bit, those of a buffer of
/// `type`.
static bool hasSameBits(const NpyArray &array, ElementType type) {
  if (array.width != getBytes(type))
    return false;
  char kind = getNpyKind(type);
  if (kind == 'V')
    return array.kind == 'V' || array.kind == 'u';
  if (kind == 'b')
    return array.kind == 'b';
  return array.kind == kind || (kind == 'i' && array.kind == 'u');
}

/// Enough for the widest elements, and to read arrays of other shapes so that
/// the error can name those; a device such as /dev/zero never ends.
static size_t getMaxBytes(const HostArray &buffer) {
  return 8 * getBytes(buffer) + (size_t(1) << 30);
}

static Expected<void> fillFromFile(HostArray &buffer, const std::string &path) {
  Expected<NpyArray> array = readNpy(path, getMaxBytes(buffer));
  if (!array)
    return tl::unexpected(array.error());
  std::string found =
      ::describe(array->shape, fmt::format("{}{}", array->kind, array->width));
  if (array->shape != buffer.shape)
    return makeError(ErrorKind::InvalidInput,
                     "{}: expected {} for buffer '{}', found {}", path,
                     describe(buffer), buffer.name, found);
  if (hasSameBits(*array, buffer.type)) {
    buffer.bytes = std::move(array->bytes);
    return {};
  }
  // Wider floats are rounded, since that is what they are for.
  NumberType type = getNumberType(buffer);
  bool wide = array->kind == 'f' && array->width >= 4;
  if (!wide || !type.isFloat())
    return makeError(ErrorKind::InvalidInput,
                     "{}: expected {} for buffer '{}', found {}; convert it "
                     "with a.astype('{}')",
                     path, describe(buffer), buffer.name, found,
                     type.isFloat() ? "<f4"
                                    : fmt::format("i{}", getByteWidth(type)));
  NumberType from = NumberType::floating(array->width == 4 ? NumberKind::F32
                                                           : NumberKind::F64);
  unsigned width = getByteWidth(type);
  buffer.bytes.resize(getBytes(buffer));
  for (size_t i = 0; i * width < buffer.bytes.size(); ++i) {
    Element number = loadElement(from, array->bytes.data() + i * array->width);
    storeElement(type, number, buffer.bytes.data() + i * width);
  }
  return {};
}

Expected<void> heddle::widenToFile(HostArray &array, const std::string &path) {
  Expected<NpyArray> file = readNpy(path, getMaxBytes(array));
  if (!file)
    return tl::unexpected(file.error());
  if (!getNumberType(array).isFloat() || file->kind != 'f')
    return {};
  if (file->width == 8)
    array.type = ElementType::F64;
  else if (file->width == 4 && getBytes(array.type) < 4)
    array.type = ElementType::F32;
  return {};
}

Expected<void> heddle::fillBuffer(HostArray &buffer, std::string_view source) {
  if (source == "zeros") {
    buffer.bytes.assign(getBytes(buffer), std::byte(0));
    return {};
  }
  std::string_view kind = source.substr(0, source.find(':'));
  std::string_view rest = source.substr(kind.size());
  if (kind != "random" && kind != "unit" && kind != "uniform")
    return fillFromFile(buffer, std::string(source));
  uint64_t seed = 0;
  double low = 0, high = 1;
  // Of two ends, none may lack.
  if (kind == "uniform" ? !readNumbers(rest, low, high, seed) ||
                              std::ranges::count(rest, ':') == 1
                        : !readNumbers(rest, seed))
    return makeError(ErrorKind::InvalidInput,
                     "--input {}: expected {}, found '{}'", buffer.name,
                     kind == "uniform" ? "LOW:HIGH or LOW:HIGH:SEED"
                                       : "an integer as seed",
                     rest.substr(1));
  if (kind != "random" && !getNumberType(buffer).isFloat())
    return makeError(
        ErrorKind::InvalidInput,
        "--input {}: expected a buffer of floats for {}, found {}; "
        "random would do",
        buffer.name, kind, getName(buffer.type));
  if (kind == "uniform" && !isRange(getNumberType(buffer), low, high))
    return makeError(ErrorKind::InvalidInput,
                     "--input {}: expected finite numbers of {}, the lower one "
                     "first, found '{}'",
                     buffer.name, getName(buffer.type), rest.substr(1));
  // Buffers of one run differ even if their seeds do not.
  seed ^= hashName(buffer.name);
  if (kind == "unit")
    fillUnit(buffer, seed);
  else if (kind == "uniform")
    fillUniform(buffer, seed, low, high);
  else
    fillRandom(buffer, seed);
  return {};
}

//===----------------------------------------------------------------------===//
// All buffers of a host function
//===----------------------------------------------------------------------===//

/// The number of the buffer of that name.
static Expected<size_t> findBuffer(const LaunchPlan &plan,
                                   std::string_view option,
                                   std::string_view name) {
  std::vector<std::string_view> names;
  for (const BufferPlan &buffer : plan.buffers) {
    if (buffer.name == name)
      return names.size();
    names.push_back(buffer.name);
  }
  return makeError(ErrorKind::InvalidInput,
                   "{}: '{}' has no buffer '{}'; it has: {}", option, plan.name,
                   name, fmt::join(names, ", "));
}

Expected<void> heddle::verifyMemory(std::span<const HostArray> buffers,
                                    unsigned copies) {
  double total = 0;
  for (const HostArray &buffer : buffers) {
    double bytes = getBytes(buffer.type);
    for (int64_t extent : buffer.shape)
      bytes *= double(extent);
    total += bytes * copies;
  }
  double available = double(getHostMemoryBytes());
  if (total <= available)
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "this run would take {:.1f} GiB of memory, and the machine "
                   "has {:.1f}; choose smaller sizes",
                   total / (1 << 30), available / (1 << 30));
}

Expected<std::vector<HostArray>>
heddle::prepareBuffers(const LaunchPlan &plan, std::span<const int64_t> sizes,
                       const NamedStrings &inputs, unsigned copies) {
  std::vector<HostArray> buffers(plan.buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].name = plan.buffers[i].name;
    buffers[i].access = plan.buffers[i].access;
    buffers[i].type = plan.buffers[i].type;
    buffers[i].shape = getShape(plan, i, sizes);
  }
  if (Expected<void> fits = verifyMemory(buffers, copies); !fits)
    return tl::unexpected(fits.error());

  std::vector<std::string> sources(buffers.size(), "random");
  for (const auto &[name, source] : inputs) {
    Expected<size_t> number = findBuffer(plan, "--input", name);
    if (!number)
      return tl::unexpected(number.error());
    if (buffers[*number].access == Access::Out)
      return makeError(ErrorKind::InvalidInput,
                       "--input: '{}' is only written by '{}'; use --output",
                       name, plan.name);
    sources[*number] = source;
  }
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].access != Access::Out)
      if (Expected<void> filled = fillBuffer(buffers[i], sources[i]); !filled)
        return tl::unexpected(filled.error());
  return buffers;
}

Expected<void> heddle::verifyOutputs(const LaunchPlan &plan,
                                     const NamedStrings &outputs) {
  std::set<std::string_view> files;
  for (const auto &[name, file] : outputs) {
    Expected<size_t> number = findBuffer(plan, "--output", name);
    if (!number)
      return tl::unexpected(number.error());
    if (plan.buffers[*number].access == Access::In)
      return makeError(ErrorKind::InvalidInput,
                       "--output: '{}' is only read by '{}'; use --input", name,
                       plan.name);
    if (!files.insert(file).second)
      return makeError(ErrorKind::InvalidInput,
                       "--output: '{}' is the file of two buffers", file);
  }
  return {};
}

Expected<void> heddle::writeOutputs(std::span<const HostArray> arrays,
                                    const NamedStrings &outputs) {
  for (const auto &[name, file] : outputs) {
    const HostArray &buffer =
        *std::ranges::find(arrays, name, &HostArray::name);
    NpyArray array;
    array.kind = getNpyKind(buffer.type);
    array.width = getBytes(buffer.type);
    array.shape = buffer.shape;
    array.bytes = buffer.bytes;
    if (Expected<void> written = writeFile(file, formatNpy(array)); !written)
      return written;
  }
  return {};
}
