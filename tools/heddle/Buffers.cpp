//===- Buffers.cpp - What buffers hold before and after a run -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Buffers.h"

#include "heddle/Runtime/MakeError.h"
#include "lib/Compiler/HostPlan.h"
#include "lib/Reference/Reference.h"
#include "tools/heddle/Files.h"
#include "tools/heddle/Npy.h"
#include "tools/heddle/Random.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

#include <charconv>
#include <unistd.h>

using namespace mlir;
using namespace heddle;
using reference::Element;
using reference::FloatFormat;

static std::string toString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static std::string describe(ArrayRef<int64_t> shape, StringRef type) {
  return fmt::format("{} of {}", fmt::join(shape, "x"), type.str());
}

std::string heddle::describe(const HostBuffer &buffer) {
  return ::describe(buffer.shape, toString(buffer.elementType));
}

uint64_t HostBuffer::getBytes() const {
  return ShapedType::getNumElements(shape) *
         reference::getByteWidth(elementType);
}

//===----------------------------------------------------------------------===//
// Made-up inputs
//===----------------------------------------------------------------------===//

/// A random number that suits `type`: normal floats; integers from the whole
/// range of 8 bits, or of -100 to 100 where a type has more.
static Element getRandom(Random &random, Type type) {
  if (isa<FloatType>(type))
    return reference::makeFloat(random.nextNormal());
  unsigned width = reference::getIntegerWidth(type);
  uint64_t bits = random.next() >> 32;
  if (width > 8)
    bits = bits % 201 - 100;
  return reference::makeInt(bits & llvm::maskTrailingOnes<uint64_t>(width));
}

static void fillRandom(HostBuffer &buffer, uint64_t seed) {
  Random random(seed);
  unsigned width = reference::getByteWidth(buffer.elementType);
  buffer.bytes.resize(buffer.getBytes());
  for (size_t at = 0; at < buffer.bytes.size(); at += width)
    reference::storeElement(buffer.elementType,
                            getRandom(random, buffer.elementType),
                            buffer.bytes.data() + at);
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// How NumPy calls a type. It has no bf16 and no 8-bit floats: their bytes
/// travel as void, which `a.view(ml_dtypes.bfloat16)` makes numbers again.
static char getNpyKind(Type type) {
  if (type.isF16() || type.isF32() || type.isF64())
    return 'f';
  if (isa<FloatType>(type))
    return 'V';
  return type.isInteger(1) ? 'b' : 'i';
}

/// Whether the elements of `array` are, bit for bit, those of a buffer of
/// `type`.
static bool hasSameBits(const NpyArray &array, Type type) {
  if (array.width != reference::getByteWidth(type))
    return false;
  char kind = getNpyKind(type);
  if (kind == 'V')
    return array.kind == 'V' || array.kind == 'u';
  if (kind == 'b')
    return array.kind == 'b';
  return array.kind == kind || (kind == 'i' && array.kind == 'u');
}

static Expected<void> fillFromFile(HostBuffer &buffer,
                                   const std::string &path) {
  Expected<NpyArray> array = readNpy(path);
  if (!array)
    return tl::unexpected(array.error());
  std::string found =
      ::describe(array->shape, fmt::format("{}{}", array->kind, array->width));
  if (ArrayRef<int64_t>(array->shape) != ArrayRef(buffer.shape))
    return makeError(ErrorKind::InvalidInput,
                     "{}: expected {} for buffer '{}', found {}", path,
                     describe(buffer), buffer.name, found);
  if (hasSameBits(*array, buffer.elementType)) {
    buffer.bytes = std::move(array->bytes);
    return {};
  }
  // Wider floats are rounded, since that is what they are for.
  bool wide = array->kind == 'f' && array->width >= 4;
  if (!wide || !isa<FloatType>(buffer.elementType))
    return makeError(
        ErrorKind::InvalidInput,
        "{}: expected {} for buffer '{}', found {}; convert it with "
        "a.astype('{}')",
        path, describe(buffer), buffer.name, found,
        isa<FloatType>(buffer.elementType)
            ? "<f4"
            : fmt::format("i{}", reference::getByteWidth(buffer.elementType)));
  MLIRContext *context = buffer.elementType.getContext();
  Type from = array->width == 4 ? Type(Float32Type::get(context))
                                : Type(Float64Type::get(context));
  unsigned width = reference::getByteWidth(buffer.elementType);
  buffer.bytes.resize(buffer.getBytes());
  for (size_t i = 0; i * width < buffer.bytes.size(); ++i) {
    Element number =
        reference::loadElement(from, array->bytes.data() + i * array->width);
    reference::storeElement(buffer.elementType, number,
                            buffer.bytes.data() + i * width);
  }
  return {};
}

/// Fills an input as `source` says.
static Expected<void> fill(HostBuffer &buffer, StringRef source) {
  if (source == "zeros") {
    buffer.bytes.assign(buffer.getBytes(), std::byte(0));
    return {};
  }
  StringRef seedText = source;
  if (!seedText.consume_front("random") ||
      !(seedText.empty() || seedText.starts_with(":")))
    return fillFromFile(buffer, source.str());
  uint64_t seed = 0;
  if (seedText.consume_front(":") && seedText.getAsInteger(10, seed))
    return makeError(ErrorKind::InvalidInput,
                     "--input {}: expected an integer as seed, found '{}'",
                     buffer.name, seedText.str());
  // Buffers of one run differ even if their seeds do not.
  fillRandom(buffer, seed ^ hashName(buffer.name));
  return {};
}

//===----------------------------------------------------------------------===//
// All buffers of a host function
//===----------------------------------------------------------------------===//

/// The number of the buffer of that name.
static Expected<unsigned> findBuffer(tile::HostOp host, StringRef option,
                                     StringRef name) {
  SmallVector<StringRef> names =
      llvm::to_vector(host.getBufferNames().getAsValueRange<StringAttr>());
  auto *found = llvm::find(names, name);
  if (found == names.end())
    return makeError(ErrorKind::InvalidInput,
                     "{}: '{}' has no buffer '{}'; it has: {}", option.str(),
                     host.getSymName().str(), name.str(),
                     llvm::join(names, ", "));
  return unsigned(found - names.begin());
}

/// An error if buffers and their copies take more than the machine's memory.
static Expected<void> verifyMemory(ArrayRef<HostBuffer> buffers,
                                   unsigned copies) {
  double total = 0;
  for (const HostBuffer &buffer : buffers) {
    double bytes = reference::getByteWidth(buffer.elementType);
    for (int64_t extent : buffer.shape)
      bytes *= double(extent);
    total += bytes * copies;
  }
  double available = double(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  if (total <= available)
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "this run would take {:.1f} GiB of memory, and the machine "
                   "has {:.1f}; choose smaller sizes",
                   total / (1 << 30), available / (1 << 30));
}

Expected<std::vector<HostBuffer>>
heddle::prepareBuffers(tile::HostOp host, ArrayRef<int64_t> sizes,
                       const NamedStrings &inputs, unsigned copies) {
  std::vector<HostBuffer> buffers(host.getNumBuffers());
  for (auto [i, buffer] : llvm::enumerate(buffers)) {
    buffer.name = host.getBufferName(i).str();
    buffer.access = host.getAccess(i);
    buffer.elementType = host.getBufferType(i).getElementType();
    buffer.shape = reference::getBufferShape(host, i, sizes);
    if (!getElementType(buffer.elementType))
      return makeError(ErrorKind::InvalidInput,
                       "buffer '{}' has elements of {}, which is not a number",
                       buffer.name, toString(buffer.elementType));
  }
  if (Expected<void> fits = verifyMemory(buffers, copies); !fits)
    return tl::unexpected(fits.error());

  std::vector<std::string> sources(buffers.size(), "random");
  for (const auto &[name, source] : inputs) {
    Expected<unsigned> number = findBuffer(host, "--input", name);
    if (!number)
      return tl::unexpected(number.error());
    if (buffers[*number].access == tile::Access::Out)
      return makeError(ErrorKind::InvalidInput,
                       "--input: '{}' is only written by '{}'; use --output",
                       name, host.getSymName().str());
    sources[*number] = source;
  }
  for (auto [buffer, source] : llvm::zip_equal(buffers, sources))
    if (buffer.access != tile::Access::Out)
      if (Expected<void> filled = fill(buffer, source); !filled)
        return tl::unexpected(filled.error());
  return buffers;
}

Expected<void> heddle::verifyOutputs(tile::HostOp host,
                                     const NamedStrings &outputs) {
  llvm::StringSet<> files;
  for (const auto &[name, file] : outputs) {
    Expected<unsigned> number = findBuffer(host, "--output", name);
    if (!number)
      return tl::unexpected(number.error());
    if (host.getAccess(*number) == tile::Access::In)
      return makeError(ErrorKind::InvalidInput,
                       "--output: '{}' is only read by '{}'; use --input", name,
                       host.getSymName().str());
    if (!files.insert(file).second)
      return makeError(ErrorKind::InvalidInput,
                       "--output: '{}' is the file of two buffers", file);
  }
  return {};
}

Expected<void> heddle::writeOutputs(ArrayRef<HostBuffer> buffers,
                                    const NamedStrings &outputs) {
  for (const auto &[name, file] : outputs) {
    const HostBuffer &buffer =
        *llvm::find_if(buffers, [&, &wanted = name](const HostBuffer &buffer) {
          return buffer.name == wanted;
        });
    NpyArray array;
    array.kind = getNpyKind(buffer.elementType);
    array.width = reference::getByteWidth(buffer.elementType);
    array.shape.assign(buffer.shape.begin(), buffer.shape.end());
    array.bytes = buffer.bytes;
    if (Expected<void> written = writeFile(file, formatNpy(array)); !written)
      return written;
  }
  return {};
}
