//===- WriteFile.cpp - Files that appear whole or not at all --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteFile.h"

#include "heddle/Runtime/MakeError.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace heddle;

/// 0, or the number of an error.
static int writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return errno;
    bytes.remove_prefix(size_t(count));
  }
  return 0;
}

/// Closes `file`, which may be the first to say that the disk is full, and
/// returns `error` or else its own.
static int closeAfter(int file, int error) {
  return close(file) != 0 && error == 0 ? errno : error;
}

/// Writes to what is no file, such as /dev/null.
static int writeInPlace(const std::string &path, std::string_view bytes) {
  int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  return file < 0 ? errno : closeAfter(file, writeAll(file, bytes));
}

/// Creates a file beside `path` that nobody else has; -1 if that fails.
static int createBeside(const std::string &path, std::string &name) {
  static std::atomic<unsigned> count = 0;
  int file = -1;
  do {
    name = fmt::format("{}.{}-{}.tmp", path, getpid(), count++);
    file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file < 0 && errno == EEXIST);
  return file;
}

static int writeAndRename(const std::string &path, std::string_view bytes) {
  std::string temporary;
  int file = createBeside(path, temporary);
  if (file < 0)
    return errno;
  int error = closeAfter(file, writeAll(file, bytes));
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0)
    error = errno;
  if (error != 0)
    unlink(temporary.c_str());
  return error;
}

static tl::unexpected<Error> fail(const std::string &path, int error) {
  return makeError(ErrorKind::InvalidInput, "cannot write '{}': {}", path,
                   std::generic_category().message(error));
}

/// As the user whose rights the process has.
static int checkAccess(const std::string &path, int mode) {
  return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

Expected<void> package::checkWritable(const std::string &path) {
  struct stat status;
  bool isThere = stat(path.c_str(), &status) == 0;
  size_t slash = path.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash) + "/.";
  int error = path.empty()                         ? ENOENT
              : isThere && S_ISDIR(status.st_mode) ? EISDIR
              : isThere && !S_ISREG(status.st_mode)
                  ? checkAccess(path, W_OK)
                  : checkAccess(folder, W_OK | X_OK);
  if (error == 0)
    return {};
  return fail(path, error);
}

Expected<void> package::writeFile(const std::string &path,
                                  std::string_view bytes) {
  struct stat status;
  bool isThere = stat(path.c_str(), &status) == 0;
  int error = isThere && S_ISDIR(status.st_mode) ? EISDIR
              : isThere && !S_ISREG(status.st_mode)
                  ? writeInPlace(path, bytes)
                  : writeAndRename(path, bytes);
  if (error == 0)
    return {};
  return fail(path, error);
}
