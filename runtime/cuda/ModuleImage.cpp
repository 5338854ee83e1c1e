//===- ModuleImage.cpp - Choosing and loading code for a CUDA GPU ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaModule.h"
#include "device/Architecture.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

using namespace heddle;
using namespace heddle::cuda;

/// The first target of the line `.target sm_90a, debug`, or nothing.
static std::string_view findPtxTarget(std::string_view ptx) {
  constexpr std::string_view directive = ".target", blanks = " \t\r";
  for (size_t begin = 0; begin < ptx.size();) {
    size_t end = std::min(ptx.find('\n', begin), ptx.size());
    std::string_view line = ptx.substr(begin, end - begin);
    begin = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (!line.starts_with(directive))
      continue;
    line.remove_prefix(directive.size());
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    return line.substr(0, line.find_first_of(" \t\r,/"));
  }
  return {};
}

/// Whether the tables of an ELF file lie inside it. The driver is told no size
/// and believes the file.
static bool isWholeElf(std::span<const std::byte> bytes) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof(header))
    return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  auto fits = [&](uint64_t offset, uint64_t size) {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  };
  if (!fits(header.e_phoff, uint64_t(header.e_phnum) * header.e_phentsize) ||
      !fits(header.e_shoff, uint64_t(header.e_shnum) * header.e_shentsize))
    return false;
  if (header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr))
    return false;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, bytes.data() + header.e_shoff + i * sizeof(section),
                sizeof(section));
    if (section.sh_type != SHT_NOBITS &&
        !fits(section.sh_offset, section.sh_size))
      return false;
  }
  return true;
}

/// The cubins that run on `device`, those made for just it first.
static std::vector<const CubinImage *> chooseCubins(const ModuleImage &image,
                                                    int device) {
  std::vector<std::pair<Architecture, const CubinImage *>> fitting;
  for (const CubinImage &cubin : image.cubins)
    if (std::optional<Architecture> arch = parseArchitecture(cubin.arch);
        arch && runsCubin(device, *arch))
      fitting.push_back({*arch, &cubin});
  std::ranges::sort(fitting, [](const auto &a, const auto &b) {
    return std::pair(a.first.number, a.first.suffix != 0) >
           std::pair(b.first.number, b.first.suffix != 0);
  });
  std::vector<const CubinImage *> cubins;
  for (const auto &[arch, cubin] : fitting)
    cubins.push_back(cubin);
  return cubins;
}

static std::string describeCapability(int arch) {
  return fmt::format("compute capability {}.{}", arch / 10, arch % 10);
}

/// Assembles PTX. The driver's messages become the error's.
static Expected<ModuleHandle> assemble(const Context &context,
                                       const ModuleImage &image) {
  // The driver wants a terminator.
  std::string text(image.ptx);
  constexpr size_t logBytes = 16 * 1024;
  std::string errors(logBytes, '\0'), infos(logBytes, '\0');
  JitOption options[] = {
      JitOption::ErrorLogBuffer, JitOption::ErrorLogBufferSizeBytes,
      JitOption::InfoLogBuffer, JitOption::InfoLogBufferSizeBytes};
  void *size = reinterpret_cast<void *>(logBytes);
  void *values[] = {errors.data(), size, infos.data(), size};
  ModuleHandle handle = nullptr;
  Result result = context.api.moduleLoadDataEx(
      &handle, text.c_str(), std::size(options), options, values);
  if (result == Result::Success)
    return handle;
  tl::unexpected<Error> error = context.makeError(
      result, "cuModuleLoadDataEx", fmt::format("PTX of '{}'", image.name));
  for (std::string *log : {&errors, &infos}) {
    log->resize(std::strlen(log->c_str()));
    log->resize(log->find_last_not_of(" \n\r\t") + 1);
    if (!log->empty())
      error.value().message += "\n" + *log;
  }
  return error;
}

/// Why `image` has nothing to run on the device.
static tl::unexpected<Error> makeNoCode(const ModuleImage &image, int arch,
                                        std::string_view deviceName,
                                        std::string_view target) {
  std::vector<std::string> forms;
  for (const CubinImage &cubin : image.cubins)
    forms.push_back(cubin.arch);
  if (!target.empty())
    forms.push_back(fmt::format("PTX for {}", target));
  return makeError(ErrorKind::InvalidInput,
                   "'{}' has no code for {}, which has {}: expected sm_{} or "
                   "PTX for it or an older one, found {}; compile it for that "
                   "device, or use the device 'virtual'",
                   image.name, deviceName, describeCapability(arch), arch,
                   forms.empty() ? "none"
                                 : fmt::format("{}", fmt::join(forms, ", ")));
}

static Expected<ModuleHandle> loadImage(const Context &context,
                                        const ModuleImage &image, int arch,
                                        std::string_view deviceName) {
  std::optional<Error> refused;
  for (const CubinImage *cubin : chooseCubins(image, arch)) {
    if (!isWholeElf(cubin->bytes))
      return makeError(ErrorKind::InvalidInput,
                       "'{}': expected machine code for {} in a whole ELF "
                       "file, found {} bytes that are not one",
                       image.name, cubin->arch, cubin->bytes.size());
    ModuleHandle handle = nullptr;
    Result result = context.api.moduleLoadDataEx(&handle, cubin->bytes.data(),
                                                 0, nullptr, nullptr);
    if (result == Result::Success)
      return handle;
    refused = context
                  .makeError(result, "cuModuleLoadDataEx",
                             fmt::format("machine code of '{}' for {}",
                                         image.name, cubin->arch))
                  .value();
    // A driver that does not like a cubin may like PTX.
    if (result != Result::NoBinaryForGpu && result != Result::InvalidImage)
      return tl::unexpected(*refused);
  }
  std::string_view target = findPtxTarget(image.ptx);
  std::optional<Architecture> ptxArch = parseArchitecture(target);
  if (!image.ptx.empty() && (!ptxArch || runsPtx(arch, *ptxArch)))
    return assemble(context, image);
  if (refused)
    return tl::unexpected(*refused);
  return makeNoCode(image, arch, deviceName, target);
}

Expected<std::unique_ptr<CudaModule>>
cuda::loadCudaModule(Context &context, const ModuleImage &image, int arch,
                     std::string_view deviceName) {
  Expected<ModuleHandle> handle = loadImage(context, image, arch, deviceName);
  if (!handle)
    return tl::unexpected(handle.error());
  auto module = std::make_unique<CudaModule>(context, *handle, image.name);
  if (Expected<void> loaded = module->loadFunctions(); !loaded)
    return tl::unexpected(loaded.error());
  return module;
}
