//===- Npy.cpp - Arrays in the file format of NumPy -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Npy.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <numeric>

using namespace heddle;

static constexpr std::string_view magic("\x93NUMPY", 6);

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Reads the header's literal: a dictionary of strings, booleans and a tuple.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  /// False if the text is not such a dictionary.
  bool parse();

  std::string type;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
  bool hasType = false, hasOrder = false, hasShape = false;

private:
  void skipSpace() {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\n'))
      text.remove_prefix(1);
  }
  bool consume(std::string_view token) {
    skipSpace();
    if (!text.starts_with(token))
      return false;
    text.remove_prefix(token.size());
    return true;
  }
  bool parseString(std::string &result);
  bool parseTuple();
  bool parseEntry();

  std::string_view text;
};
} // namespace

bool HeaderParser::parseString(std::string &result) {
  std::string_view quote;
  if (consume("'"))
    quote = "'";
  else if (consume("\""))
    quote = "\"";
  else
    return false;
  size_t end = text.find(quote);
  if (end == std::string_view::npos)
    return false;
  result = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool HeaderParser::parseTuple() {
  if (!consume("("))
    return false;
  while (!consume(")")) {
    skipSpace();
    int64_t extent = 0;
    auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc() || extent < 0)
      return false;
    text.remove_prefix(stop - text.data());
    consume("L"); // Python 2 wrote long integers so.
    shape.push_back(extent);
    if (!consume(",") && (skipSpace(), !text.starts_with(")")))
      return false;
  }
  return true;
}

bool HeaderParser::parseEntry() {
  std::string key;
  if (!parseString(key) || !consume(":"))
    return false;
  if (key == "descr")
    return hasType = parseString(type);
  if (key == "shape")
    return hasShape = parseTuple();
  if (key != "fortran_order")
    return false;
  hasOrder = true;
  if (consume("True"))
    return fortranOrder = true;
  return consume("False");
}

bool HeaderParser::parse() {
  if (!consume("{"))
    return false;
  while (!consume("}")) {
    if (!parseEntry())
      return false;
    if (!consume(",") && (skipSpace(), !text.starts_with("}")))
      return false;
  }
  return hasType && hasOrder && hasShape;
}

/// Reads `<f4` and the like.
static Expected<void> parseType(const std::string &type,
                                const std::string &name, NpyArray &array) {
  auto fail = [&] {
    return makeError(ErrorKind::InvalidInput,
                     "{}: cannot read elements of type '{}'; expected f, i, u, "
                     "b or V of 1, 2, 4 or 8 bytes",
                     name, type);
  };
  if (type.size() != 3 || type.find('\0') != std::string::npos)
    return fail();
  array.kind = type[1];
  array.width = uint32_t(type[2] - '0');
  if (!std::strchr("fiubV", array.kind) || !std::strchr("1248", type[2]))
    return fail();
  if (type[0] == '>' && array.width > 1)
    return makeError(ErrorKind::InvalidInput,
                     "{}: the elements are big-endian ('{}'); save them as "
                     "little-endian, with a.astype('<{}')",
                     name, type, type.substr(1));
  if (!std::strchr("<>|=", type[0]))
    return fail();
  return {};
}

/// Rearranges the elements from column-major to row-major order.
static void transpose(NpyArray &array) {
  std::vector<std::byte> result(array.bytes.size());
  size_t rank = array.shape.size(), count = array.bytes.size() / array.width;
  std::vector<int64_t> index(rank, 0);
  for (size_t i = 0; i < count; ++i) {
    size_t from = 0;
    for (size_t dim = rank; dim-- > 0;)
      from = from * size_t(array.shape[dim]) + size_t(index[dim]);
    std::memcpy(result.data() + i * array.width,
                array.bytes.data() + from * array.width, array.width);
    for (size_t dim = rank; dim-- > 0;) {
      if (++index[dim] < array.shape[dim])
        break;
      index[dim] = 0;
    }
  }
  array.bytes = std::move(result);
}

Expected<NpyArray> heddle::parseNpy(std::string contents,
                                    const std::string &name) {
  auto fail = [&](std::string_view why) {
    return makeError(ErrorKind::InvalidInput, "{}: not a .npy file: {}", name,
                     why);
  };
  std::string_view text = contents;
  if (!text.starts_with(magic) || text.size() < 10)
    return fail("it does not start as one");
  unsigned version = uint8_t(text[6]);
  if (version < 1 || version > 3)
    return fail("its version is not 1, 2 or 3");
  // The length of the header has two bytes in version 1 and then four.
  size_t lengthBytes = version == 1 ? 2 : 4, start = 8 + lengthBytes;
  if (text.size() < start)
    return fail("it ends in its header");
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= size_t(uint8_t(text[8 + i])) << (8 * i);
  if (text.size() - start < length)
    return fail("it ends in its header");

  HeaderParser header(text.substr(start, length));
  if (!header.parse())
    return fail("its header is not a dictionary of descr, fortran_order and "
                "shape");
  NpyArray array;
  if (Expected<void> valid = parseType(header.type, name, array); !valid)
    return tl::unexpected(valid.error());
  array.shape = header.shape;
  size_t expected = array.width, found = text.size() - start - length;
  for (int64_t extent : array.shape)
    if (__builtin_mul_overflow(expected, size_t(extent), &expected))
      return fail("its shape is too large");
  if (found != expected)
    return makeError(ErrorKind::InvalidInput,
                     "{}: expected {} bytes of elements, found {}", name,
                     expected, found);
  array.bytes.resize(found);
  std::memcpy(array.bytes.data(), text.data() + start + length, found);
  if (header.fortranOrder)
    transpose(array);
  return array;
}

Expected<NpyArray> heddle::readNpy(const std::string &path, size_t maxBytes) {
  std::ifstream file(path, std::ios::binary);
  std::string contents, block(64 * 1024, '\0');
  while (file) {
    file.read(block.data(), std::streamsize(block.size()));
    contents.append(block, 0, size_t(file.gcount()));
    if (contents.size() > maxBytes)
      return makeError(ErrorKind::InvalidInput,
                       "'{}' has more than {} bytes, too many for the buffer",
                       path, maxBytes);
  }
  if (file.bad() || !file.eof())
    return makeError(ErrorKind::InvalidInput, "cannot read '{}': {}", path,
                     std::strerror(errno));
  return parseNpy(std::move(contents), path);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string heddle::formatNpy(const NpyArray &array) {
  bool hasOrder = array.width > 1 && array.kind != 'V';
  std::string header = fmt::format(
      "{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
      hasOrder ? '<' : '|', array.kind, array.width,
      fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
  // Elements start at a multiple of 64 bytes, after a newline.
  size_t before = magic.size() + 4, alignment = 64;
  size_t padded =
      (before + header.size() + 1 + alignment - 1) / alignment * alignment;
  header.resize(padded - before - 1, ' ');
  header += '\n';

  std::string contents(magic);
  contents +=
      {'\x01', '\x00', char(header.size() & 0xff), char(header.size() >> 8)};
  contents += header;
  contents.append(reinterpret_cast<const char *>(array.bytes.data()),
                  array.bytes.size());
  return contents;
}
