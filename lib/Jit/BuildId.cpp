//===- BuildId.cpp - Which build of a library is loaded -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/BuildId.h"

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <link.h>

using namespace heddle;

namespace {
struct Search {
  uintptr_t address = 0;
  std::string buildId;
};
} // namespace

/// The description of the build ID among the notes of a segment.
static std::string findBuildId(const char *notes, size_t bytes) {
  auto align = [](size_t size) { return (size + 3) & ~size_t(3); };
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes, sizeof(note));
    size_t name = sizeof(note), description = name + align(note.n_namesz);
    size_t end = description + align(note.n_descsz);
    if (end > bytes)
      return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
        std::memcmp(notes + name, "GNU", sizeof("GNU")) == 0)
      return std::string(notes + description, note.n_descsz);
    notes += end;
    bytes -= end;
  }
  return {};
}

static int visit(dl_phdr_info *object, size_t, void *data) {
  auto &search = *static_cast<Search *>(data);
  bool contains = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + header.p_vaddr;
    contains |= header.p_type == PT_LOAD && search.address >= begin &&
                search.address - begin < header.p_memsz;
  }
  if (!contains)
    return 0;
  for (int i = 0; i < object->dlpi_phnum && search.buildId.empty(); ++i) {
    const ElfW(Phdr) &header = object->dlpi_phdr[i];
    if (header.p_type == PT_NOTE)
      search.buildId = findBuildId(
          reinterpret_cast<const char *>(object->dlpi_addr + header.p_vaddr),
          header.p_memsz);
  }
  return 1;
}

std::string heddle::getBuildId(const void *address) {
  Search search;
  search.address = reinterpret_cast<uintptr_t>(address);
  dl_iterate_phdr(visit, &search);
  return search.buildId;
}
