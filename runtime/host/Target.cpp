//===- Target.cpp - Which code runs where ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <charconv>
#include <optional>

using namespace heddle;

namespace {
struct Architecture {
  int number = 0;
  /// The letter after the number, or 0.
  char suffix = 0;
};
} // namespace

/// Reads `sm_90a`.
static std::optional<Architecture> parseArchitecture(std::string_view name) {
  constexpr std::string_view prefix = "sm_";
  if (!name.starts_with(prefix))
    return std::nullopt;
  name.remove_prefix(prefix.size());
  Architecture result;
  auto [stop, error] =
      std::from_chars(name.data(), name.data() + name.size(), result.number);
  if (error != std::errc())
    return std::nullopt;
  name.remove_prefix(stop - name.data());
  if (name.size() > 1 || (name.size() == 1 && name != "a" && name != "f"))
    return std::nullopt;
  result.suffix = name.empty() ? 0 : name.front();
  return result;
}

/// Whether `smArch` is `number` or a later one of its family, which has the
/// same first digits.
static bool isInFamily(int number, int smArch) {
  return number / 10 == smArch / 10 && number <= smArch;
}

bool heddle::runsPtx(std::string_view target, int smArch) {
  std::optional<Architecture> parsed = parseArchitecture(target);
  if (!parsed)
    return false;
  if (parsed->suffix == 'a')
    return parsed->number == smArch;
  if (parsed->suffix == 'f')
    return isInFamily(parsed->number, smArch);
  return parsed->number <= smArch;
}

bool heddle::runsCubin(std::string_view target, int smArch) {
  std::optional<Architecture> parsed = parseArchitecture(target);
  if (!parsed)
    return false;
  return parsed->suffix == 'a' ? parsed->number == smArch
                               : isInFamily(parsed->number, smArch);
}

Expected<void> heddle::verifyTarget(const Package &package,
                                    const DeviceProperties &device) {
  const ModuleImage &image = package.getImage();
  const std::string &target = package.getInfo().target;
  if (!image.ptx.empty() && runsPtx(target, device.smArch))
    return {};
  bool isVirtual = device.kind == DeviceKind::Virtual;
  if (!isVirtual && std::any_of(image.cubins.begin(), image.cubins.end(),
                                [&](const CubinImage &cubin) {
                                  return runsCubin(cubin.arch, device.smArch);
                                }))
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
