//===- PtxFile.h - What a PTX file has --------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_PTXFILE_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_PTXFILE_H

#include "heddle/Runtime/Error.h"
#include "virtual/ptx/Syntax.h"

namespace heddle {

struct PtxFile {
  std::string name, text;
  vgpu::PtxModule module;
};

/// Whether a file is called as PTX is.
bool isPtxName(std::string_view file);

/// Reads and parses a file.
Expected<PtxFile> readPtx(const std::string &file);

/// Each kernel with its parameters, one per line.
std::string describeKernels(const vgpu::PtxModule &module);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_PTXFILE_H
