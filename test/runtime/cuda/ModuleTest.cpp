//===- ModuleTest.cpp - Which code a CUDA device takes --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDriver.h"

#include <elf.h>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

/// An ELF file with nothing in it.
static std::vector<std::byte> makeElf() {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  std::vector<std::byte> bytes(sizeof(header));
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

static std::string replace(std::string text, const std::string &from,
                           const std::string &to) {
  size_t at = text.find(from);
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

/// How often `image` has been given to the driver, and whether it was taken.
static std::pair<size_t, std::string>
load(const TestDriver &driver, Device &device, const ModuleImage &image) {
  size_t before = driver.countLines("cuModuleLoadDataEx");
  std::string message = getMessage(device.loadModule(image));
  return {driver.countLines("cuModuleLoadDataEx") - before, message};
}

TEST(CudaModule, PrefersMachineCodeAndFallsBackToPtx) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::vector<std::byte> elf = makeElf();
  ModuleImage image = makeImage(getKernels());
  using Loads = std::pair<size_t, std::string>;
  EXPECT_EQ(load(driver, *device, image), Loads(1, ""));
  // The test driver takes no machine code.
  image.cubins = {{"sm_90a", elf}};
  EXPECT_EQ(load(driver, *device, image), Loads(2, ""));
  image.cubins = {{"sm_90", elf}, {"sm_90a", elf}, {"sm_100a", elf}};
  EXPECT_EQ(load(driver, *device, image), Loads(3, ""));
  for (const char *other : {"sm_80", "sm_100a", "sm_89", "sm_90b", "90a", ""}) {
    image.cubins = {{other, elf}};
    EXPECT_EQ(load(driver, *device, image), Loads(1, "")) << other;
  }
}

TEST(CudaModule, SaysWhyMachineCodeWasRefused) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::vector<std::byte> elf = makeElf();
  ModuleImage image = makeImage("", "a.cubin");
  image.cubins = {{"sm_90a", elf}};
  EXPECT_EQ(getMessage(device->loadModule(image)),
            "machine code of 'a.cubin' for sm_90a: cuModuleLoadDataEx: "
            "CUDA_ERROR_NO_BINARY_FOR_GPU (no kernel image is available for "
            "the device, error 209)");
  image.cubins = {{"sm_90a", std::span(elf).first(40)}};
  EXPECT_MESSAGE(device->loadModule(image),
                 "machine code for sm_90a in a whole ELF file, found 40 bytes");
  // Sections past the end.
  Elf64_Ehdr header;
  std::memcpy(&header, elf.data(), sizeof(header));
  header.e_shoff = 60;
  header.e_shnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  std::memcpy(elf.data(), &header, sizeof(header));
  image.cubins = {{"sm_90a", elf}};
  EXPECT_MESSAGE(device->loadModule(image), "found 64 bytes that are not one");
  header.e_shoff = ~uint64_t(0) - 8;
  std::memcpy(elf.data(), &header, sizeof(header));
  EXPECT_MESSAGE(device->loadModule(image), "found 64 bytes that are not one");
}

TEST(CudaModule, RefusesCodeOfAnotherArchitecture) {
  std::string exact = replace(getKernels(), "sm_90", "sm_90a");
  for (const char *arch : {"80", "100"}) {
    TestDriver driver({{"ARCH", arch}});
    std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
    ModuleImage image = makeImage(exact);
    std::vector<std::byte> elf = makeElf();
    image.cubins = {{"sm_90a", elf}};
    Expected<std::unique_ptr<Module>> module = device->loadModule(image);
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(
        module.error().message,
        fmt::format("'kernels.ptx' has no code for Heddle test driver (virtual "
                    "H200), which has compute capability {}: expected sm_{} or "
                    "PTX for it or an older one, found sm_90a, PTX for sm_90a; "
                    "compile it for that device, or use the device 'virtual'",
                    arch == std::string("80") ? "8.0" : "10.0", arch));
    EXPECT_EQ(driver.countLines("cuModuleLoadDataEx"), 0u);
    EXPECT_MESSAGE(device->loadModule(makeImage("", "nothing")), "found none");
  }
}

TEST(CudaModule, TakesOlderPtx) {
  TestDriver driver({{"ARCH", "100"}});
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  EXPECT_GOOD(device->loadModule(makeImage(getKernels())));
}

TEST(CudaModule, ShowsTheAssemblersMessages) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  Expected<std::unique_ptr<Module>> module = device->loadModule(
      makeImage(replace(getKernels(), "ret;", "rret;"), "wrong.ptx"));
  EXPECT_MESSAGE(module, "PTX of 'wrong.ptx': cuModuleLoadDataEx: "
                         "CUDA_ERROR_INVALID_PTX (PTX compilation failed, "
                         "error 218)\nptx:10: rret");
}

TEST(CudaModule, NeedsNoTerminator) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::string text = getKernels() + "garbage";
  ModuleImage image =
      makeImage(std::string_view(text).substr(0, getKernels().size()));
  EXPECT_GOOD(device->loadModule(image));
}

TEST(CudaModule, LoadsAllKernelsAtOnce) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::unique_ptr<Module> module =
      TAKE(device->loadModule(makeImage(getKernels())));
  EXPECT_EQ(driver.countLines("cuModuleGetFunction CUDA_SUCCESS"), 6u);
  EXPECT_GOOD(device->launch(*module, "empty", {}, {}));
  EXPECT_GOOD(device->launch(*module, "empty", {}, {}));
  EXPECT_EQ(driver.countLines("cuModuleGetFunction CUDA_SUCCESS"), 6u);
}

TEST(CudaModule, TellsTheDriverOfSharedMemoryOnce) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::unique_ptr<Module> module =
      TAKE(device->loadModule(makeImage(getKernels())));
  for (uint32_t kib : {1, 48, 49, 100, 227, 50})
    EXPECT_GOOD(device->launch(*module, "empty",
                               {.dynamicSharedBytes = kib * 1024}, {}));
  EXPECT_EQ(driver.countLines("cuFuncSetAttribute"), 1u);
}
