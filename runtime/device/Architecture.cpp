//===- Architecture.cpp - Which code runs where ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/Architecture.h"

#include <charconv>

using namespace heddle;

std::optional<Architecture> heddle::parseArchitecture(std::string_view text) {
  constexpr std::string_view prefix = "sm_";
  if (!text.starts_with(prefix))
    return std::nullopt;
  text.remove_prefix(prefix.size());
  Architecture arch;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, arch.number);
  if (error != std::errc() || end - stop > 1)
    return std::nullopt;
  if (stop != end)
    arch.suffix = *stop;
  if (arch.suffix && arch.suffix != 'a' && arch.suffix != 'f')
    return std::nullopt;
  return arch;
}

bool heddle::runsCubin(int device, Architecture cubin) {
  if (cubin.number == device)
    return true;
  return cubin.suffix != 'a' && cubin.number / 10 == device / 10 &&
         cubin.number < device;
}

bool heddle::runsPtx(int device, Architecture ptx) {
  return ptx.suffix ? runsCubin(device, ptx) : ptx.number <= device;
}
