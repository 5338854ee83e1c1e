//===- TemporaryFolder.h - A folder for one test ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_LIB_JIT_TEMPORARYFOLDER_H
#define HEDDLE_TEST_LIB_JIT_TEMPORARYFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace heddle {

/// An empty folder that is removed with everything in it.
class TemporaryFolder {
public:
  TemporaryFolder() {
    llvm::SmallString<128> created;
    if (!llvm::sys::fs::createUniqueDirectory("heddle-test", created))
      path = std::string(created);
  }
  ~TemporaryFolder() { llvm::sys::fs::remove_directories(path); }
  TemporaryFolder(const TemporaryFolder &) = delete;

  std::string operator/(const std::string &name) const {
    return path + "/" + name;
  }

  /// The names of what is in `folder`, a folder in this one.
  std::vector<std::string> list(const std::string &folder) const {
    std::vector<std::string> names;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(*this / folder, error), end;
         it != end && !error; it.increment(error))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    return names;
  }

private:
  std::string path;
};

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeFile(const std::string &path, const std::string &contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

} // namespace heddle

#endif // HEDDLE_TEST_LIB_JIT_TEMPORARYFOLDER_H
