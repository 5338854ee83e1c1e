//===- JitImpl.h - What is behind a Jit -------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_JITIMPL_H
#define HEDDLE_LIB_JIT_JITIMPL_H

#include "heddle/Jit.h"
#include "lib/Jit/CacheKey.h"
#include "lib/Jit/DiskCache.h"
#include "lib/Jit/MemoryCache.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <condition_variable>
#include <mutex>

namespace heddle {

class Jit::Impl {
public:
  using Result = Expected<std::shared_ptr<const Package>>;
  using Compile = llvm::function_ref<Expected<PackageContents>()>;

  explicit Impl(JitOptions options);

  /// The package that `kind`, `name` and `program` stand for, from where it is
  /// found first: in memory, on disk, or by compiling it.
  Result get(llvm::StringRef kind, llvm::StringRef name,
             llvm::StringRef program, Compile compile);

  /// Passes a warning on to whom the options say.
  void warn(std::string_view warning) const;

  const JitOptions options;
  /// Empty if nothing is kept on disk.
  std::string folder;

  JitStatistics getStatistics() const;

private:
  /// A program that a thread is compiling and others may wait for.
  struct Flight {
    std::condition_variable landed;
    std::optional<Result> result;
  };

  /// From the disk or by compiling it.
  Result load(const std::string &key, const std::string &name, Compile compile);
  Result compileAndKeep(const std::string &key, const std::string &name,
                        Compile compile);
  void warnOfCache(const std::string &warning);

  KeyBuilder prefix;
  std::optional<DiskCache> disk;

  mutable std::mutex mutex;
  // What the mutex guards.
  MemoryCache memory;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  JitStatistics statistics;
};

} // namespace heddle

#endif // HEDDLE_LIB_JIT_JITIMPL_H
