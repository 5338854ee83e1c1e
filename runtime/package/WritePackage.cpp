//===- WritePackage.cpp - Making package files ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Format.h"
#include "Metadata.h"
#include "WriteFile.h"
#include "heddle/Runtime/MakeError.h"

#include <cstring>

using namespace heddle;
using namespace heddle::package;

namespace {
struct Section {
  SectionKind kind;
  std::string_view arch, bytes;
};
} // namespace

/// Puts `value` at `offset`, little-endian.
template <typename T>
static void store(std::string &bytes, size_t offset, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    bytes[offset + i] = char(value >> (8 * i));
}

/// Puts as much of `text` at `offset` as fits in `space` with a zero after it.
static void storeText(std::string &bytes, size_t offset, size_t space,
                      std::string_view text) {
  text = text.substr(0, space - 1);
  std::memcpy(bytes.data() + offset, text.data(), text.size());
}

static void storeDigest(std::string &bytes, size_t offset,
                        const Digest &digest) {
  std::memcpy(bytes.data() + offset, digest.data(), digest.size());
}

/// Appends the sections to `bytes`, and fills in the table, which is there.
static void addSections(std::string &bytes,
                        const std::vector<Section> &sections) {
  size_t place = header::bytes;
  for (const Section &section : sections) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    store(bytes, place + entry::kind, uint32_t(section.kind));
    store(bytes, place + entry::offset, uint64_t(bytes.size()));
    store(bytes, place + entry::size, uint64_t(section.bytes.size()));
    storeText(bytes, place + entry::arch, entry::archBytes, section.arch);
    storeDigest(bytes, place + entry::digest, computeDigest({section.bytes}));
    bytes += section.bytes;
    place += entry::bytes;
  }
}

std::string heddle::formatPackage(const PackageContents &contents) {
  std::string metadata = formatMetadata(contents.info);
  std::vector<Section> sections = {{SectionKind::Metadata, "", metadata}};
  if (!contents.ptx.empty())
    sections.push_back({SectionKind::PTX, "", contents.ptx});
  for (const PackageContents::Cubin &cubin : contents.cubins)
    sections.push_back({SectionKind::Cubin, cubin.arch, cubin.bytes});
  if (!contents.reference.empty())
    sections.push_back({SectionKind::Reference, "", contents.reference});

  size_t tableEnd = header::bytes + sections.size() * entry::bytes;
  std::string bytes(tableEnd, '\0');
  addSections(bytes, sections);
  const std::string &producer = contents.info.producer;
  std::memcpy(bytes.data(), magic.data(), magic.size());
  store(bytes, header::majorVersion, majorVersion);
  store(bytes, header::minorVersion, minorVersion);
  storeText(bytes, header::producer, header::producerBytes,
            std::string_view(producer).substr(0, producer.find(',')));
  store(bytes, header::totalBytes, uint64_t(bytes.size()));
  store(bytes, header::tableOffset, uint64_t(header::bytes));
  store(bytes, header::sectionCount, uint32_t(sections.size()));
  // The digest of all that it covers, so it comes last.
  std::string_view all(bytes);
  storeDigest(
      bytes, header::digest,
      computeDigest({all.substr(0, header::digest),
                     all.substr(header::bytes, tableEnd - header::bytes)}));
  return bytes;
}

Expected<void> heddle::writePackage(const std::string &path,
                                    const PackageContents &contents) {
  // A program that nobody can load is better not written.
  if (Expected<void> valid = verifyProgram(contents.info.program); !valid)
    return makeError(ErrorKind::InvalidInput, "cannot write '{}': {}", path,
                     valid.error().message);
  std::string bytes = formatPackage(contents);
  if (Expected<std::shared_ptr<const Package>> read =
          Package::parse(bytes, path);
      !read)
    return tl::unexpected(read.error());
  return writeFile(path, bytes);
}
