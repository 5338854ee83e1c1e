//===- ProcAddress.cpp - Functions of the test driver by name -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

using namespace heddle;
using namespace heddle::cuda;

struct Symbol {
  std::string_view name;
  void *address;
};

static const Symbol symbols[] = {
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  {#symbol, reinterpret_cast<void *>(&cuda::symbol)},
#include "cuda/DriverFunctions.def"
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  {#symbol, reinterpret_cast<void *>(&cuda::symbol)},
#include "MoreFunctions.def"
};

/// Callers name functions without the version that is part of a symbol.
static std::string_view getBaseName(std::string_view symbol) {
  size_t at = symbol.rfind("_v");
  return at != symbol.npos && at + 3 == symbol.size() ? symbol.substr(0, at)
                                                      : symbol;
}

extern "C" Result cuda::cuGetProcAddress_v2(const char *name, void **address,
                                            int version, uint64_t,
                                            uint32_t *status) {
  constexpr uint32_t found = 0, notFound = 1, tooNew = 2;
  Call call(__func__, Call::Nothing);
  if (call.early() != Result::Success)
    return call.early();
  if (!name || !address)
    return call.refuse(Result::InvalidValue, "found a null pointer");
  *address = nullptr;
  for (const Symbol &symbol : symbols)
    if (symbol.name == name || getBaseName(symbol.name) == name)
      *address = symbol.address;
  bool isOld = version < oldestVersion;
  if (isOld)
    *address = nullptr;
  if (status)
    *status = *address ? found : isOld ? tooNew : notFound;
  return *address ? call.done()
                  : call.refuse(Result::NotFound, "found no '{}'", name);
}
