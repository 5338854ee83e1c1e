//===- Load.h - Opening packages and compiling programs ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_LOAD_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_LOAD_H

#include "tools/heddle/Driver.h"

namespace heddle {

/// Opens a package, or compiles a program. Says what is wrong if it fails.
std::optional<LoadedProgram> load(const LoadRequest &request,
                                  const CompilerCommands *compiler);

/// What `request` needs of a package.
Expected<LoadedProgram> openPackage(std::shared_ptr<const Package> package,
                                    const LoadRequest &request);

/// The host function `entry`, or the only one if that is empty, of a program
/// from `file`.
Expected<const LaunchPlan *> findHost(const Program &program,
                                      const std::string &file,
                                      const std::string &entry);

/// Orders sizes as `plan` declares them.
Expected<std::vector<int64_t>> orderSizes(const LaunchPlan &plan,
                                          const NamedSizes &sizes);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_LOAD_H
