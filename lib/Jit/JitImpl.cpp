//===- JitImpl.cpp - What is behind a Jit ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/JitImpl.h"

#include "heddle/Runtime/MakeError.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace heddle;

Jit::Impl::Impl(JitOptions given)
    : options(std::move(given)), memory(options.memoryEntries) {
  Expected<KeyBuilder> start = startKey(options);
  if (start)
    prefix = *start;
  Expected<std::string> chosen =
      options.cacheFolder ? Expected<std::string>(*options.cacheFolder)
                          : getDefaultCacheFolder();
  if (!chosen) {
    warnOfCache(chosen.error().message);
  } else if (!chosen->empty() && !start) {
    warnOfCache(start.error().message);
  } else if (!chosen->empty()) {
    // The application may change its working folder later.
    llvm::SmallString<256> absolute(*chosen);
    (void)llvm::sys::fs::make_absolute(absolute);
    folder = std::string(absolute);
    disk.emplace(folder, options.cacheBytes);
  }
}

void Jit::Impl::warn(std::string_view warning) const {
  if (options.warn)
    options.warn(warning);
  else
    llvm::errs() << "heddle: warning: " << warning << '\n';
}

void Jit::Impl::warnOfCache(const std::string &warning) {
  {
    std::lock_guard lock(mutex);
    if (!statistics.cacheWarning.empty())
      return;
    statistics.cacheWarning = warning;
  }
  warn(warning);
}

JitStatistics Jit::Impl::getStatistics() const {
  std::lock_guard lock(mutex);
  return statistics;
}

Jit::Impl::Result Jit::Impl::get(llvm::StringRef kind, llvm::StringRef name,
                                 llvm::StringRef program, Compile compile) {
  if (options.optimization > 3)
    return makeError(ErrorKind::InvalidInput,
                     "expected an optimization of 0 to 3, found {}",
                     options.optimization);
  std::string key =
      KeyBuilder(prefix).add(kind).add(name).add(program).finish();
  auto flight = std::make_shared<Flight>();
  {
    std::unique_lock lock(mutex);
    if (std::shared_ptr<const Package> package = memory.find(key)) {
      ++statistics.memoryHits;
      return package;
    }
    auto [other, isFirst] = flights.try_emplace(key, flight);
    if (!isFirst) {
      flight = other->second;
      ++statistics.memoryHits;
      flight->landed.wait(lock, [&] { return flight->result.has_value(); });
      return *flight->result;
    }
  }
  Result result = load(key, name.str(), compile);
  {
    std::lock_guard lock(mutex);
    flight->result = result;
    flights.erase(key);
    if (result)
      memory.insert(key, *result);
  }
  flight->landed.notify_all();
  return result;
}

Jit::Impl::Result Jit::Impl::load(const std::string &key,
                                  const std::string &name, Compile compile) {
  std::optional<std::string> bytes = disk ? disk->read(key) : std::nullopt;
  if (!bytes)
    return compileAndKeep(key, name, compile);
  Result package = Package::parse(std::move(*bytes), name);
  std::unique_lock lock(mutex);
  if (package) {
    ++statistics.diskHits;
    return package;
  }
  ++statistics.corruptEntries;
  lock.unlock();
  return compileAndKeep(key, name, compile);
}

Jit::Impl::Result Jit::Impl::compileAndKeep(const std::string &key,
                                            const std::string &name,
                                            Compile compile) {
  {
    std::lock_guard lock(mutex);
    ++statistics.misses;
  }
  Expected<PackageContents> contents = compile();
  if (!contents)
    return tl::unexpected(contents.error());
  std::string bytes = formatPackage(*contents);
  if (disk)
    if (Expected<void> written = disk->write(key, bytes); !written)
      warnOfCache(written.error().message +
                  "; what is compiled is kept in memory only");
  return Package::parse(std::move(bytes), name);
}
