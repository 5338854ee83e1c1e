//===- Jit.h - Compile programs while the application runs ------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Turns the text of a program into a package, or into an executable on a
/// device, inside the application. What was compiled before comes from memory
/// or from a cache on disk, which processes share.
///
/// An application that uses this header links `Heddle::Compiler`; it needs no
/// header of MLIR or LLVM. `heddle/JitModule.h` compiles modules that the
/// application builds itself.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_JIT_H
#define HEDDLE_JIT_H

#include "heddle/Runtime/Executable.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

struct JitOptions {
  /// The folder that keeps compiled packages for later processes; made with
  /// mode 0700 when it is first written to. Whoever may write to it chooses
  /// what this process runs.
  ///
  /// Nothing stands for `$HEDDLE_CACHE_DIR`, else `$XDG_CACHE_HOME/heddle`,
  /// else `~/.cache/heddle`. Empty, here or in `$HEDDLE_CACHE_DIR`: nothing is
  /// kept on disk.
  std::optional<std::string> cacheFolder;
  /// What the files in the folder may take together. The ones that were not
  /// used for the longest time go first.
  uint64_t cacheBytes = uint64_t(1) << 30;
  /// How many packages the `Jit` itself remembers; 0 for none.
  size_t memoryEntries = 256;
  /// Whether to add machine code to packages, where ptxas is installed. A
  /// device without it translates the PTX when it loads it.
  bool assembleCubins = false;
  /// 0 to 3, of LLVM.
  unsigned optimization = 2;
  /// Called with each warning, from the thread that causes it; nothing stands
  /// for the standard error.
  std::function<void(std::string_view)> warn;
};

/// What became of calls of `compile` so far.
struct JitStatistics {
  /// Taken from memory, also where another thread was just compiling it.
  uint64_t memoryHits = 0;
  /// Taken from the folder.
  uint64_t diskHits = 0;
  /// Compiled, or refused with an error.
  uint64_t misses = 0;
  /// Files in the folder that were not as they were written, and were replaced.
  uint64_t corruptEntries = 0;
  /// Why the folder is not used, the first time that it was not; or empty.
  std::string cacheWarning;
};

/// A compiler with a memory. Safe to use from several threads at a time; those
/// that want the same program wait for the one that compiles it.
class Jit {
public:
  explicit Jit(JitOptions options = {});
  ~Jit();
  Jit(const Jit &) = delete;
  Jit &operator=(const Jit &) = delete;

  /// Compiles the text of a program. `name` is what messages and line tables
  /// call it, usually a file name; the same text under another name is another
  /// program.
  ///
  /// An error of kind `InvalidInput` has all diagnostics, with file, line,
  /// column and the author's line, as `heddle` prints them.
  Expected<std::shared_ptr<const Package>> compile(std::string_view source,
                                                   std::string_view name);
  /// Compiles a file, whose name is `path` as it is.
  Expected<std::shared_ptr<const Package>> compileFile(const std::string &path);

  /// Both, and loads the result on `device`, which must outlive it.
  Expected<std::unique_ptr<Executable>>
  load(Device &device, std::string_view source, std::string_view name);
  Expected<std::unique_ptr<Executable>> loadFile(Device &device,
                                                 const std::string &path);

  /// The absolute path of the folder in use; empty if there is none.
  const std::string &getCacheFolder() const;

  JitStatistics getStatistics() const;

  class Impl;
  /// For the other headers of the library.
  Impl &getImpl() { return *impl; }

private:
  std::unique_ptr<Impl> impl;
};

} // namespace heddle

#endif // HEDDLE_JIT_H
