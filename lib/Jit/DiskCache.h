//===- DiskCache.h - Packages in a folder -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Keeps packages in a folder under the hash of what they were compiled from.
/// Any number of processes may share it, at any time: a file appears whole, by
/// a rename, and readers check it, so there is nothing to lock.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_DISKCACHE_H
#define HEDDLE_LIB_JIT_DISKCACHE_H

#include "heddle/Runtime/Error.h"

#include <cstdint>
#include <optional>
#include <string>

namespace heddle {

/// The folder that applications share: `$HEDDLE_CACHE_DIR`, which may be empty
/// for none, else `$XDG_CACHE_HOME/heddle`, else `~/.cache/heddle`. An error
/// if none of the variables is set.
Expected<std::string> getDefaultCacheFolder();

/// Safe to use from several threads at a time.
class DiskCache {
public:
  /// Touches nothing yet. `maxBytes` bounds the files in the folder.
  DiskCache(std::string folder, uint64_t maxBytes);

  const std::string &getFolder() const { return folder; }

  /// The bytes of an entry, which may be damaged, or nothing if there is none
  /// that can be read. Marks it as used.
  std::optional<std::string> read(const std::string &key) const;

  /// Adds or replaces an entry, making the folder if there is none, and removes
  /// the entries that were not used for the longest time, as many as it takes.
  Expected<void> write(const std::string &key, const std::string &bytes) const;

private:
  std::string getPath(const std::string &key) const;
  void evict() const;

  std::string folder;
  uint64_t maxBytes;
};

} // namespace heddle

#endif // HEDDLE_LIB_JIT_DISKCACHE_H
