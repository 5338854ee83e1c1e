//===- CallCache.cpp - The last calls of an executable --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CallCache.h"

using namespace heddle;

namespace {
/// Appends numbers and texts; every text and list says first how long it is.
class KeyWriter {
public:
  explicit KeyWriter(std::string &bytes) : bytes(bytes) { bytes.clear(); }

  void add(uint64_t number) {
    bytes.append(reinterpret_cast<const char *>(&number), sizeof(number));
  }
  void add(std::string_view text) {
    add(text.size());
    bytes.append(text);
  }
  void add(const std::vector<int64_t> &numbers) {
    add(numbers.size());
    bytes.append(reinterpret_cast<const char *>(numbers.data()),
                 numbers.size() * sizeof(int64_t));
  }

private:
  std::string &bytes;
};
} // namespace

std::string_view heddle::makeCallKey(std::string_view host,
                                     std::span<const NamedArray> arrays,
                                     std::span<const NamedSize> sizes) {
  // A thread keeps its buffer, since a repeated call should not allocate.
  static thread_local std::string bytes;
  KeyWriter writer(bytes);
  writer.add(host);
  writer.add(arrays.size());
  for (const auto &[name, array] : arrays) {
    writer.add(name);
    writer.add(array.address);
    writer.add(uint64_t(array.type) << 1 | uint64_t(array.isReadOnly));
    writer.add(array.shape);
    writer.add(array.strides);
  }
  for (const auto &[name, value] : sizes) {
    writer.add(name);
    writer.add(uint64_t(value));
  }
  return bytes;
}

static uint64_t getScratchBytes(const CallCache::Launches &launches) {
  uint64_t bytes = 0;
  // All launches of a call share its arrays.
  if (!launches->empty() && launches->front().scratch)
    for (const DeviceMemory &memory : *launches->front().scratch)
      bytes += memory.getBytes();
  return bytes;
}

CallCache::Launches CallCache::find(std::string_view key) {
  std::lock_guard lock(mutex);
  auto found = byKey.find(key);
  if (found == byKey.end())
    return nullptr;
  entries.splice(entries.begin(), entries, found->second);
  return found->second->launches;
}

void CallCache::insert(std::string_view key, Launches launches) {
  std::lock_guard lock(mutex);
  // Another thread may have made the same call meanwhile.
  if (byKey.contains(key))
    return;
  scratchBytes += getScratchBytes(launches);
  entries.push_front({std::string(key), std::move(launches)});
  byKey.emplace(entries.front().key, entries.begin());
  while (entries.size() > 1 &&
         (entries.size() > capacity || scratchBytes > scratchCapacity)) {
    scratchBytes -= getScratchBytes(entries.back().launches);
    byKey.erase(entries.back().key);
    entries.pop_back();
  }
}
