//===- Package.h - Compiled programs that travel ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A package, `FILE.heddle`, holds a compiled program: host functions as launch
/// plans, what each kernel's launch needs, PTX, machine code, and the program's
/// reference semantics. docs/package.md describes the format.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_H
#define HEDDLE_RUNTIME_PACKAGE_H

#include "heddle/Runtime/LaunchPlan.h"

namespace heddle {

/// What the assembler said of a kernel's machine code.
struct KernelResources {
  std::string entry;
  /// The architecture of the cubin that was measured.
  std::string arch;
  uint32_t registers = 0;
  uint32_t staticSharedBytes = 0;
  uint32_t spillStoreBytes = 0;
  uint32_t spillLoadBytes = 0;
};

/// A file that the program was compiled from.
struct SourceFile {
  std::string name;
  /// XXH3-128 of its contents, 32 hexadecimal digits.
  std::string hash;
};

/// What is in a package, without its bytes.
struct PackageInfo {
  /// Who made it: name and version, and of LLVM and ptxas.
  std::string producer;
  /// `sm_90a`.
  std::string target;
  Program program;
  std::vector<KernelResources> resources;
  std::vector<SourceFile> sources;
};

/// What `formatPackage` puts into a file.
struct PackageContents {
  PackageInfo info;
  std::string ptx;
  struct Cubin {
    std::string arch;
    std::string bytes;
  };
  std::vector<Cubin> cubins;
  /// The program's reference semantics as `reference::Program::serialize` made
  /// them; may be empty.
  std::string reference;
};

/// XXH3-128 of `bytes` as 32 hexadecimal digits.
std::string getContentHash(std::string_view bytes);

/// The bytes of a package, whose program is as `verifyProgram` wants it. The
/// same contents give the same bytes.
std::string formatPackage(const PackageContents &contents);

/// Writes a file that appears whole or not at all, beside what else is in its
/// folder. An error if a package with such contents would be refused.
Expected<void> writePackage(const std::string &path,
                            const PackageContents &contents);

/// A package that has been checked: sizes, hashes, versions and every name and
/// number in its program. The hashes tell damage, not who made it: its code is
/// to be trusted as far as where it came from.
class Package {
public:
  /// Reads `path` whole. It is not mapped into memory: what others do to a
  /// mapped file shows after it has been checked, or kills the process.
  static Expected<std::shared_ptr<const Package>> open(const std::string &path);
  /// Takes the bytes of a package; `name` is what messages call it.
  static Expected<std::shared_ptr<const Package>> parse(std::string bytes,
                                                        std::string name);
  virtual ~Package() = default;

  virtual const std::string &getName() const = 0;
  virtual const PackageInfo &getInfo() const = 0;
  /// The JSON that this was read from; docs/package.md has its keys.
  virtual std::string_view getMetadata() const = 0;
  /// PTX and cubins, which live as long as the package.
  virtual const ModuleImage &getImage() const = 0;
  /// The reference semantics; empty if the package has none.
  virtual std::span<const std::byte> getReference() const = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_PACKAGE_H
