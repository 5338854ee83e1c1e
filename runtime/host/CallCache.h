//===- CallCache.h - The last calls of an executable ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_HOST_CALLCACHE_H
#define HEDDLE_RUNTIME_HOST_CALLCACHE_H

#include "heddle/Runtime/Binding.h"

#include <list>
#include <mutex>
#include <unordered_map>

namespace heddle {

/// Everything that a call's launches depend on, as bytes that are equal exactly
/// if all of it is. The view is valid until the thread makes the next key.
std::string_view makeCallKey(std::string_view host,
                             std::span<const NamedArray> arrays,
                             std::span<const NamedSize> sizes);

/// Launches by the keys of their calls. Forgets what was not used for longest,
/// and scratch arrays with it.
/// Safe to use from several threads at a time.
class CallCache {
public:
  using Launches = std::shared_ptr<const std::vector<PreparedLaunch>>;

  /// Remembers at most `capacity` calls, and more than one only while all their
  /// scratch arrays together have at most `scratchCapacity` bytes.
  CallCache(size_t capacity, uint64_t scratchCapacity)
      : capacity(capacity), scratchCapacity(scratchCapacity) {}

  /// The launches of a call, or null.
  Launches find(std::string_view key);
  void insert(std::string_view key, Launches launches);

private:
  struct Entry {
    std::string key;
    Launches launches;
  };

  std::mutex mutex;
  size_t capacity;
  uint64_t scratchCapacity, scratchBytes = 0;
  /// The last used first. The map's keys are those of the entries.
  std::list<Entry> entries;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> byKey;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_HOST_CALLCACHE_H
