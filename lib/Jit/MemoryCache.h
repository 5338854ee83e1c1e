//===- MemoryCache.h - The packages that were used last ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_MEMORYCACHE_H
#define HEDDLE_LIB_JIT_MEMORYCACHE_H

#include "heddle/Runtime/Package.h"

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

namespace heddle {

/// A bounded number of packages; the one that was not used for the longest time
/// goes first. Not safe to use from several threads at a time.
class MemoryCache {
public:
  explicit MemoryCache(size_t maxEntries) : maxEntries(maxEntries) {}

  /// The package under `key`, or null.
  std::shared_ptr<const Package> find(const std::string &key) {
    auto found = places.find(key);
    if (found == places.end())
      return nullptr;
    entries.splice(entries.begin(), entries, found->second);
    return found->second->package;
  }

  /// Adds a package under a key that has none.
  void insert(const std::string &key, std::shared_ptr<const Package> package) {
    entries.push_front({key, std::move(package)});
    places[key] = entries.begin();
    if (entries.size() <= maxEntries)
      return;
    places.erase(entries.back().key);
    entries.pop_back();
  }

private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Package> package;
  };
  size_t maxEntries;
  /// The one that was used last comes first.
  std::list<Entry> entries;
  std::unordered_map<std::string, std::list<Entry>::iterator> places;
};

} // namespace heddle

#endif // HEDDLE_LIB_JIT_MEMORYCACHE_H
