//===- Target.cpp - Which code runs where ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

#include "device/Architecture.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;

Expected<void> heddle::verifyTarget(const Package &package,
                                    const DeviceProperties &device) {
  const ModuleImage &image = package.getImage();
  const std::string &target = package.getInfo().target;
  std::optional<Architecture> ptx = parseArchitecture(target);
  if (!image.ptx.empty() && ptx && runsPtx(device.smArch, *ptx))
    return {};
  bool isVirtual = device.kind == DeviceKind::Virtual;
  auto runs = [&](const CubinImage &cubin) {
    std::optional<Architecture> arch = parseArchitecture(cubin.arch);
    return arch && runsCubin(device.smArch, *arch);
  };
  if (!isVirtual && std::ranges::any_of(image.cubins, runs))
    return {};
  std::string code = image.ptx.empty() ? "" : "PTX for " + target;
  for (const CubinImage &cubin : image.cubins)
    code += (code.empty() ? "machine code for " : ", machine code for ") +
            cubin.arch;
  return makeError(ErrorKind::InvalidInput,
                   "{}: {}:{} ('{}') is sm_{} and runs {}, and the package has "
                   "{}",
                   package.getName(), isVirtual ? "virtual" : "cuda",
                   device.ordinal, device.name, device.smArch,
                   isVirtual ? "PTX" : "PTX and machine code",
                   code.empty() ? "no code" : code);
}
