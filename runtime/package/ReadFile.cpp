//===- ReadFile.cpp - Whole files in memory -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadFile.h"

#include "heddle/Runtime/MakeError.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace heddle;

/// "cannot read 'path': why", after a system call failed.
static tl::unexpected<Error> fail(const std::string &path) {
  return makeError(ErrorKind::InvalidInput, "cannot read '{}': {}", path,
                   std::generic_category().message(errno));
}

/// Reads until `file` ends or there is more than `size`.
static Expected<std::string> readAll(int file, const std::string &path,
                                     size_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    ssize_t count = read(file, bytes.data() + filled, size - filled);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail(path);
    if (count == 0)
      break;
    filled += size_t(count);
  }
  // Somebody may be writing it; what is missing is found out by the reader.
  bytes.resize(filled);
  return bytes;
}

Expected<std::string> package::readFile(const std::string &path,
                                        size_t maxBytes,
                                        std::string_view what) {
  // Opening a pipe would wait for a writer.
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return fail(path);
  Expected<std::string> bytes = [&]() -> Expected<std::string> {
    struct stat status;
    if (fstat(file, &status) != 0)
      return fail(path);
    if (S_ISDIR(status.st_mode))
      return makeError(ErrorKind::InvalidInput,
                       "'{}' is a folder; expected {}, which is one file", path,
                       what);
    if (!S_ISREG(status.st_mode))
      return makeError(ErrorKind::InvalidInput,
                       "'{}' is a pipe or a device; expected {}, which is a "
                       "regular file",
                       path, what);
    if (uint64_t(status.st_size) > maxBytes)
      return makeError(ErrorKind::InvalidInput,
                       "'{}' has {} bytes; {} has at most {}", path,
                       uint64_t(status.st_size), what, maxBytes);
    return readAll(file, path, size_t(status.st_size));
  }();
  close(file);
  return bytes;
}
