//===- ReadPackage.cpp - Reading and checking package files ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Format.h"
#include "Metadata.h"
#include "ReadFile.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstring>

using namespace heddle;
using namespace heddle::package;

namespace {
/// What the header says.
struct Header {
  uint64_t totalBytes = 0, tableOffset = 0;
  uint32_t sectionCount = 0;
};

/// An entry of the table; its bytes are in the file.
struct Section {
  SectionKind kind;
  std::string arch;
  std::string_view bytes;
};

class LoadedPackage : public Package {
public:
  LoadedPackage(std::string bytes, std::string name)
      : bytes(std::move(bytes)), name(std::move(name)) {}

  const std::string &getName() const override { return name; }
  const PackageInfo &getInfo() const override { return info; }
  std::string_view getMetadata() const override { return metadata; }
  const ModuleImage &getImage() const override { return image; }
  std::span<const std::byte> getReference() const override { return reference; }

  Expected<void> load();

private:
  Expected<void> addSection(const Section &section);
  /// Checks what sections say of one another.
  Expected<void> verify() const;

  std::string bytes, name;
  PackageInfo info;
  ModuleImage image;
  std::span<const std::byte> reference;
  std::string_view metadata;
};
} // namespace

static std::span<const std::byte> toBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

template <typename T>
static T load(std::string_view bytes, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= T(uint8_t(bytes[offset + i])) << (8 * i);
  return value;
}

/// The text that is at most as long as its place, up to a zero; what a terminal
/// would obey is left out.
static std::string loadText(std::string_view bytes, size_t offset,
                            size_t space) {
  std::string text(bytes.substr(offset, space));
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; });
  return text;
}

/// An error that starts with the name of the package.
template <typename... Args>
static tl::unexpected<Error> refuse(const std::string &name,
                                    fmt::format_string<Args...> format,
                                    Args &&...args) {
  return makeError(ErrorKind::InvalidInput, "'{}' {}", name,
                   fmt::format(format, std::forward<Args>(args)...));
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

/// Says what a file that does not start as packages do looks like.
static tl::unexpected<Error> refuseOther(std::string_view bytes,
                                         const std::string &name) {
  if (bytes.empty())
    return refuse(name, "is empty; expected a package");
  if (magic.starts_with(bytes.substr(0, magic.size())))
    return refuse(name, "is truncated: it ends after {} bytes", bytes.size());
  if (bytes.starts_with(magic.substr(0, 4)))
    return refuse(name, "is a package that was changed when it was copied as "
                        "text; copy it as binary data");
  if (bytes.starts_with("\x7f"
                        "ELF"))
    return refuse(name, "is an ELF file, such as a cubin, and not a package; "
                        "heddle compile FILE -o FILE.heddle makes one");
  bool isText = bytes.substr(0, 4096).find('\0') == std::string_view::npos;
  if (isText && bytes.find(".version") != std::string_view::npos &&
      bytes.find(".target") != std::string_view::npos)
    return refuse(name, "is PTX and not a package; heddle compile FILE -o "
                        "FILE.heddle makes one from the program");
  if (isText)
    return refuse(name, "is text and not a package; if it is a program, heddle "
                        "compile FILE -o FILE.heddle makes one from it");
  return refuse(name, "is not a package: its first bytes are not those of one");
}

static Expected<Header> readHeader(std::string_view bytes,
                                   const std::string &name) {
  if (!bytes.starts_with(magic))
    return refuseOther(bytes, name);
  // Who made it and how comes first and stays where it is.
  if (bytes.size() < header::totalBytes)
    return refuse(name, "is truncated: it ends after {} bytes, in the header",
                  bytes.size());
  uint32_t version = load<uint32_t>(bytes, header::majorVersion);
  if (version > majorVersion)
    return refuse(name,
                  "was made by {} in version {} of the format; this runtime "
                  "reads up to version {}",
                  loadText(bytes, header::producer, header::producerBytes),
                  version, majorVersion);
  if (version == 0)
    return refuse(name, "is damaged: its format has version 0");
  if (bytes.size() < header::bytes)
    return refuse(name, "is truncated: it ends after {} bytes, in the header",
                  bytes.size());
  Header result;
  result.totalBytes = load<uint64_t>(bytes, header::totalBytes);
  result.tableOffset = load<uint64_t>(bytes, header::tableOffset);
  result.sectionCount = load<uint32_t>(bytes, header::sectionCount);
  if (result.totalBytes > bytes.size())
    return refuse(name, "is truncated: expected {} bytes, found {}",
                  result.totalBytes, bytes.size());
  if (result.totalBytes < bytes.size())
    return refuse(name, "is damaged: expected {} bytes, found {}",
                  result.totalBytes, bytes.size());
  if (result.sectionCount > maxSections)
    return refuse(name, "is damaged: expected at most {} sections, found {}",
                  maxSections, result.sectionCount);
  uint64_t tableBytes = uint64_t(result.sectionCount) * entry::bytes;
  if (result.tableOffset < header::bytes || result.tableOffset > bytes.size() ||
      tableBytes > bytes.size() - result.tableOffset)
    return refuse(name, "is damaged: its table of sections is not inside it");
  size_t tableEnd = size_t(result.tableOffset + tableBytes);
  Digest digest =
      computeDigest({bytes.substr(0, header::digest),
                     bytes.substr(header::bytes, tableEnd - header::bytes)});
  if (std::memcmp(digest.data(), bytes.data() + header::digest,
                  digest.size()) != 0)
    return refuse(name, "is damaged: the hash of its header does not match");
  return result;
}

/// Reads an entry of the table. Sections are in order: the last ended at `end`,
/// which is moved on.
static Expected<Section> readSection(std::string_view bytes,
                                     const std::string &name, size_t i,
                                     std::string_view entry, size_t &end) {
  Section section;
  section.kind = SectionKind(load<uint32_t>(entry, entry::kind));
  section.arch = loadText(entry, entry::arch, entry::archBytes);
  uint64_t offset = load<uint64_t>(entry, entry::offset);
  uint64_t size = load<uint64_t>(entry, entry::size);
  if (offset > bytes.size() || size > bytes.size() - offset)
    return refuse(name,
                  "is damaged: section {} has {} bytes from {} on, but the "
                  "file has {}",
                  i, size, offset, bytes.size());
  if (offset % alignment != 0)
    return refuse(name,
                  "is damaged: section {} starts at {}, which is no multiple "
                  "of {}",
                  i, offset, alignment);
  if (offset < end)
    return refuse(name, "is damaged: section {} overlaps what is before it", i);
  std::string_view gap = bytes.substr(end, offset - end);
  if (gap.find_first_not_of('\0') != std::string_view::npos)
    return refuse(name, "is damaged: expected zeros before section {}", i);
  section.bytes = bytes.substr(offset, size);
  Digest digest = computeDigest({section.bytes});
  if (std::memcmp(digest.data(), entry.data() + entry::digest, digest.size()) !=
      0)
    return refuse(name, "is damaged: the hash of section {} does not match", i);
  end = offset + size;
  return section;
}

static Expected<std::vector<Section>> readSections(std::string_view bytes,
                                                   const std::string &name) {
  Expected<Header> header = readHeader(bytes, name);
  if (!header)
    return tl::unexpected(header.error());
  std::string_view table =
      bytes.substr(header->tableOffset, header->sectionCount * entry::bytes);
  size_t end = header->tableOffset + table.size();
  std::vector<Section> sections;
  for (uint32_t i = 0; i < header->sectionCount; ++i) {
    Expected<Section> section = readSection(
        bytes, name, i, table.substr(i * entry::bytes, entry::bytes), end);
    if (!section)
      return tl::unexpected(section.error());
    sections.push_back(std::move(*section));
  }
  if (end != bytes.size())
    return refuse(name, "is damaged: {} bytes are in no section",
                  bytes.size() - end);
  return sections;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

/// Checks what a driver would take on trust: that it is an ELF file for a GPU.
static bool isCubin(std::string_view bytes) {
  constexpr size_t headerBytes = 64, machine = 18;
  constexpr uint16_t cuda = 190;
  return bytes.size() >= headerBytes &&
         bytes.starts_with("\x7f"
                           "ELF") &&
         load<uint16_t>(bytes, machine) == cuda;
}

Expected<void> LoadedPackage::addSection(const Section &section) {
  auto refuseSecond = [&](std::string_view what) {
    return refuse(name, "is damaged: it has two sections of {}", what);
  };
  switch (section.kind) {
  case SectionKind::Metadata:
    if (metadata.data())
      return refuseSecond("metadata");
    if (section.bytes.size() > maxMetadataBytes)
      return refuse(name, "has {} bytes of metadata; expected at most {}",
                    section.bytes.size(), maxMetadataBytes);
    metadata = section.bytes;
    return {};
  case SectionKind::PTX:
    if (image.ptx.data())
      return refuseSecond("PTX");
    if (section.bytes.find('\0') != std::string_view::npos)
      return refuse(name, "is damaged: expected PTX text, found a zero byte");
    image.ptx = section.bytes;
    return {};
  case SectionKind::Cubin:
    for (const CubinImage &cubin : image.cubins)
      if (cubin.arch == section.arch)
        return refuseSecond("machine code for " + section.arch);
    if (section.arch.empty() || !isCubin(section.bytes))
      return refuse(name,
                    "is damaged: expected machine code of a GPU for '{}', "
                    "found something else",
                    section.arch);
    image.cubins.push_back({section.arch, toBytes(section.bytes)});
    return {};
  case SectionKind::Reference:
    if (reference.data())
      return refuseSecond("reference semantics");
    reference = toBytes(section.bytes);
    return {};
  }
  // Newer minor versions may have others, which need not be understood.
  return {};
}

Expected<void> LoadedPackage::verify() const {
  if (info.target.empty())
    return refuse(name, "does not say which architecture it is for");
  if (Expected<void> valid = verifyProgram(info.program); !valid)
    return refuse(name, "has a program that cannot run: {}",
                  valid.error().message);
  if (!info.program.kernels.empty() && image.ptx.empty() &&
      image.cubins.empty())
    return refuse(name, "has kernels, but neither PTX nor machine code");
  for (const KernelResources &resources : info.resources)
    if (!info.program.find(resources.entry))
      return refuse(name,
                    "has resources of '{}', which is not one of its "
                    "kernels",
                    resources.entry);
  return {};
}

Expected<void> LoadedPackage::load() {
  image.name = name;
  Expected<std::vector<Section>> sections = readSections(bytes, name);
  if (!sections)
    return tl::unexpected(sections.error());
  for (const Section &section : *sections)
    if (Expected<void> added = addSection(section); !added)
      return added;
  if (!metadata.data())
    return refuse(name, "is damaged: it has no metadata");
  Expected<PackageInfo> parsed = parseMetadata(metadata);
  if (!parsed)
    return refuse(name, "has metadata that cannot be read: {}",
                  parsed.error().message);
  info = std::move(*parsed);
  return verify();
}

Expected<std::shared_ptr<const Package>> Package::parse(std::string bytes,
                                                        std::string name) {
  auto package =
      std::make_shared<LoadedPackage>(std::move(bytes), std::move(name));
  if (Expected<void> loaded = package->load(); !loaded)
    return tl::unexpected(loaded.error());
  return package;
}

Expected<std::shared_ptr<const Package>>
Package::open(const std::string &path) {
  Expected<std::string> bytes = readFile(path, maxFileBytes, "a package");
  if (!bytes)
    return tl::unexpected(bytes.error());
  return parse(std::move(*bytes), path);
}
