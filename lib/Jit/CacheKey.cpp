//===- CacheKey.cpp - What a compilation depends on -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/CacheKey.h"

#include "heddle/Runtime/MakeError.h"
#include "heddle/Runtime/Package.h"
#include "lib/Jit/BuildId.h"
#include "lib/Target/Cubin.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm-c/Core.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FileSystem.h"

using namespace heddle;

/// Changes when the fields of keys do.
static constexpr llvm::StringLiteral scheme = "heddle-jit-2";

KeyBuilder &KeyBuilder::add(llvm::StringRef field) {
  uint64_t bytes = field.size();
  hasher.update({reinterpret_cast<const uint8_t *>(&bytes), sizeof(bytes)});
  hasher.update(field);
  return *this;
}

std::string KeyBuilder::finish() const {
  llvm::BLAKE3 copy = hasher;
  return llvm::toHex(copy.final(), /*LowerCase=*/true);
}

/// Which ptxas `assembleCubin` would run. Its file is looked at, since running
/// it for its version would take longer than a hit may.
static std::string describePtxas() {
  llvm::Expected<std::string> program = findPtxas();
  if (!program) {
    llvm::consumeError(program.takeError());
    return "none";
  }
  llvm::SmallString<256> path;
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::real_path(*program, path) ||
      llvm::sys::fs::status(path, status))
    return *program;
  auto written = status.getLastModificationTime().time_since_epoch();
  return fmt::format("{} {} {}", path.str().str(), status.getSize(),
                     written.count());
}

/// The address of a function, which lies in its library.
template <typename Function>
static std::string getBuildIdOf(Function *function) {
  return getBuildId(reinterpret_cast<const void *>(function));
}

Expected<KeyBuilder> heddle::startKey(const JitOptions &options) {
  // A library without a build ID could be any build. The runtime writes parts
  // of packages.
  std::string compiler = getBuildIdOf(&startKey);
  std::string runtime = getBuildIdOf(&formatPackage);
  if (compiler.empty() || runtime.empty())
    return makeError(ErrorKind::Unavailable,
                     "nothing is kept in a cache folder, since the {}'s "
                     "library has no build ID; link it with --build-id",
                     compiler.empty() ? "compiler" : "runtime");
  KeyBuilder key;
  key.add(scheme)
      .add(compiler)
      .add(runtime)
      .add(getBuildIdOf(&mlir::registerMLIRContextCLOptions))
      .add(getBuildIdOf(&LLVMGetVersion))
      .add(LLVM_VERSION_STRING)
      .add(llvm::utostr(options.optimization))
      .add(options.assembleCubins ? describePtxas() : "");
  return key;
}
