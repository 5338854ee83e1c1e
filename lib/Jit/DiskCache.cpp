//===- DiskCache.cpp - Packages in a folder -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/DiskCache.h"

#include "heddle/Runtime/MakeError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace heddle;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr llvm::StringLiteral entrySuffix = ".heddle";
static constexpr llvm::StringLiteral temporarySuffix = ".tmp";
/// No package has that many bytes; a file that does is not read.
static constexpr uint64_t largestEntry = uint64_t(1) << 30;
/// A temporary file of that age belongs to a process that died.
static constexpr std::chrono::hours abandonedAfter{1};

Expected<std::string> heddle::getDefaultCacheFolder() {
  using llvm::sys::Process;
  if (auto folder = Process::GetEnv("HEDDLE_CACHE_DIR"))
    return *folder;
  llvm::SmallString<128> folder;
  auto base = Process::GetEnv("XDG_CACHE_HOME");
  // Relative paths in it are to be ignored, says its specification.
  if (base && path::is_absolute(*base)) {
    folder = *base;
  } else if (auto home = Process::GetEnv("HOME"); home && !home->empty()) {
    folder = *home;
    path::append(folder, ".cache");
  } else {
    return makeError(ErrorKind::Unavailable,
                     "there is no cache folder, since none of "
                     "HEDDLE_CACHE_DIR, XDG_CACHE_HOME and HOME is set");
  }
  path::append(folder, "heddle");
  return std::string(folder);
}

DiskCache::DiskCache(std::string folder, uint64_t maxBytes)
    : folder(std::move(folder)), maxBytes(maxBytes) {}

std::string DiskCache::getPath(const std::string &key) const {
  llvm::SmallString<256> file(folder);
  path::append(file, key + entrySuffix.str());
  return std::string(file);
}

std::optional<std::string> DiskCache::read(const std::string &key) const {
  llvm::Expected<fs::file_t> file = fs::openNativeFileForRead(getPath(key));
  if (!file) {
    llvm::consumeError(file.takeError());
    return std::nullopt;
  }
  llvm::scope_exit close([&] { fs::closeFile(*file); });
  fs::file_status status;
  if (fs::status(*file, status) ||
      status.type() != fs::file_type::regular_file ||
      status.getSize() > largestEntry)
    return std::nullopt;
  std::string bytes(status.getSize(), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    llvm::Expected<size_t> count = fs::readNativeFile(
        *file, {bytes.data() + filled, bytes.size() - filled});
    if (!count) {
      llvm::consumeError(count.takeError());
      return std::nullopt;
    }
    if (*count == 0)
      break;
    filled += *count;
  }
  bytes.resize(filled);
  // Who may only read the folder cannot say when an entry was used.
  (void)fs::setLastAccessAndModificationTime(*file,
                                             std::chrono::system_clock::now());
  return bytes;
}

/// Writes and closes a new file.
static std::error_code writeNew(int descriptor, const std::string &bytes) {
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << bytes;
  stream.close();
  std::error_code error = stream.error();
  stream.clear_error();
  return error;
}

Expected<void> DiskCache::write(const std::string &key,
                                const std::string &bytes) const {
  auto fail = [&](std::error_code error) {
    return makeError(ErrorKind::Unavailable,
                     "cannot write to the cache folder '{}': {}", folder,
                     error.message());
  };
  if (std::error_code error = fs::create_directories(
          folder, /*IgnoreExisting=*/true, fs::perms::owner_all))
    return fail(error);
  std::string entry = getPath(key);
  llvm::SmallString<256> temporary;
  int descriptor = -1;
  if (std::error_code error = fs::createUniqueFile(
          entry + "-%%%%%%%%" + temporarySuffix, descriptor, temporary,
          fs::OF_None, fs::owner_read | fs::owner_write))
    return fail(error);
  std::error_code error = writeNew(descriptor, bytes);
  if (!error)
    error = fs::rename(temporary, entry);
  if (error) {
    fs::remove(temporary);
    return fail(error);
  }
  evict();
  return {};
}

void DiskCache::evict() const {
  struct Entry {
    std::string path;
    llvm::sys::TimePoint<> used;
    uint64_t bytes;
  };
  llvm::SmallVector<Entry, 0> entries;
  uint64_t total = 0;
  auto now = std::chrono::system_clock::now();
  std::error_code error;
  // Other processes remove entries, too: what cannot be looked at is gone.
  for (fs::directory_iterator it(folder, error, /*follow_symlinks=*/false), end;
       it != end && !error; it.increment(error)) {
    llvm::StringRef file = it->path();
    bool isTemporary = file.ends_with(temporarySuffix);
    if (!isTemporary && !file.ends_with(entrySuffix))
      continue;
    llvm::ErrorOr<fs::basic_file_status> status = it->status();
    if (!status || status->type() != fs::file_type::regular_file)
      continue;
    if (isTemporary) {
      if (now - status->getLastModificationTime() > abandonedAfter)
        fs::remove(file);
      continue;
    }
    total += status->getSize();
    entries.push_back(
        {file.str(), status->getLastModificationTime(), status->getSize()});
  }
  if (total <= maxBytes)
    return;
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.used, a.path) < std::tie(b.used, b.path);
  });
  for (const Entry &entry : entries) {
    if (total <= maxBytes)
      return;
    fs::remove(entry.path);
    total -= entry.bytes;
  }
}
