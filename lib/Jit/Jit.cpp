//===- Jit.cpp - Compile programs while the application runs --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Jit.h"

#include "heddle/Runtime/MakeError.h"
#include "lib/Jit/Compile.h"
#include "lib/Jit/JitImpl.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace heddle;

Jit::Jit(JitOptions options)
    : impl(std::make_unique<Impl>(std::move(options))) {}

Jit::~Jit() = default;

Expected<std::shared_ptr<const Package>> Jit::compile(std::string_view source,
                                                      std::string_view name) {
  return impl->get("text", name, source,
                   [&] { return compileText(*impl, source, name); });
}

Expected<std::shared_ptr<const Package>>
Jit::compileFile(const std::string &path) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> file =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return makeError(ErrorKind::InvalidInput, "cannot open '{}': {}", path,
                     file.getError().message());
  return compile((*file)->getBuffer(), path);
}

/// Loads what a compilation gave.
static Expected<std::unique_ptr<Executable>>
loadPackage(Device &device, Expected<std::shared_ptr<const Package>> package) {
  if (!package)
    return tl::unexpected(package.error());
  return Executable::load(device, std::move(*package));
}

Expected<std::unique_ptr<Executable>>
Jit::load(Device &device, std::string_view source, std::string_view name) {
  return loadPackage(device, compile(source, name));
}

Expected<std::unique_ptr<Executable>> Jit::loadFile(Device &device,
                                                    const std::string &path) {
  return loadPackage(device, compileFile(path));
}

const std::string &Jit::getCacheFolder() const { return impl->folder; }

JitStatistics Jit::getStatistics() const { return impl->getStatistics(); }
