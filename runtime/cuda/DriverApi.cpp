//===- DriverApi.cpp - Opening the CUDA driver ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include "heddle/Runtime/MakeError.h"

#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>

using namespace heddle;
using namespace heddle::cuda;

/// The library that is the driver: its usual name, or what the environment
/// says.
static std::string getLibraryName() {
  const char *name = std::getenv("HEDDLE_CUDA_DRIVER");
  return name && *name ? name : "libcuda.so.1";
}

static std::string getVersionText(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

static tl::unexpected<Error> makeTooOld(const std::string &library,
                                        std::string_view missing, int version) {
  return makeError(
      ErrorKind::Unavailable,
      "the CUDA driver is too old: {} needs CUDA {} or newer, found {} in {}; "
      "install a newer driver, or use the device 'virtual'",
      missing.empty() ? "Heddle" : fmt::format("it has no {}, which", missing),
      getVersionText(oldestVersion),
      version ? getVersionText(version) : "one that does not say its version",
      library);
}

static Expected<DriverApi> resolve(const std::string &library, void *handle) {
  DriverApi api;
  std::string_view missing;
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  api.member = reinterpret_cast<decltype(api.member)>(dlsym(handle, #symbol)); \
  if (!api.member && missing.empty())                                          \
    missing = #symbol;
#define HEDDLE_CUDA_OPTIONAL(member, symbol, ...)                              \
  api.member = reinterpret_cast<decltype(api.member)>(dlsym(handle, #symbol));
#include "DriverFunctions.def"

  if (!api.init || !api.driverGetVersion)
    return makeError(ErrorKind::Unavailable,
                     "expected a CUDA driver, found a library without cuInit "
                     "in {}; use the device 'virtual'",
                     library);
  // The version needs no initialization.
  Result result = api.driverGetVersion(&api.version);
  if (result != Result::Success && missing.empty())
    return makeDriverError(api, result, "cuDriverGetVersion",
                           "asking the CUDA driver for its version");
  if (!missing.empty() || api.version < oldestVersion)
    return makeTooOld(library, missing, api.version);
  return api;
}

/// Why the last `dlopen` failed.
static std::string getLoadError() {
  const char *reason = dlerror();
  return reason ? reason : "no reason given";
}

/// Whether the loader did not find `library` itself, rather than something that
/// the library needs, or found what is no library. There is only its text to
/// tell; what it says of another file begins with that file's name.
static bool isMissing(const std::string &library, std::string_view reason) {
  return reason.starts_with(library + ": cannot open shared object file: No "
                                      "such file or directory");
}

Expected<const DriverApi *> cuda::loadDriver() {
  // Drivers stay loaded: they do not like to go before the process does.
  static std::mutex mutex;
  static std::map<std::string, DriverApi> loaded;
  std::lock_guard lock(mutex);
  std::string library = getLibraryName();
  auto found = loaded.find(library);
  if (found != loaded.end())
    return &found->second;
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::string reason = getLoadError();
    return makeError(
        ErrorKind::Unavailable,
        "no CUDA driver: {} {} ({}); use the device 'virtual'", library,
        isMissing(library, reason) ? "was not found" : "cannot be loaded",
        reason);
  }
  Expected<DriverApi> api = resolve(library, handle);
  if (!api)
    return tl::unexpected(api.error());
  return &loaded.emplace(library, *api).first->second;
}

bool cuda::hasDriver() {
  std::string library = getLibraryName();
  return dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) ||
         !isMissing(library, getLoadError());
}

std::string cuda::explain(const DriverApi &api, std::string_view call,
                          Result result) {
  const char *name = nullptr, *text = nullptr;
  if (!api.getErrorName || api.getErrorName(result, &name) != Result::Success ||
      !name)
    name = "an unknown error";
  if (!api.getErrorString ||
      api.getErrorString(result, &text) != Result::Success || !text)
    text = "the driver has no text for it";
  return fmt::format("{}: {} ({}, error {})", call, name, text,
                     uint32_t(result));
}

ErrorKind cuda::getErrorKind(Result result) {
  switch (result) {
  case Result::IllegalAddress:
  case Result::LaunchTimeout:
  case Result::Assert:
  case Result::HardwareStackError:
  case Result::IllegalInstruction:
  case Result::MisalignedAddress:
  case Result::InvalidAddressSpace:
  case Result::InvalidPc:
  case Result::LaunchFailed:
    return ErrorKind::Fault;
  case Result::InvalidValue:
  case Result::InvalidDevice:
  case Result::InvalidImage:
  case Result::InvalidContext:
  case Result::NoBinaryForGpu:
  case Result::InvalidPtx:
  case Result::InvalidHandle:
  case Result::NotFound:
  case Result::NotReady:
  case Result::LaunchOutOfResources:
  case Result::CooperativeLaunchTooLarge:
  case Result::InvalidClusterSize:
    return ErrorKind::InvalidInput;
  default:
    return ErrorKind::Unavailable;
  }
}

tl::unexpected<Error> cuda::makeDriverError(const DriverApi &api, Result result,
                                            std::string_view call,
                                            std::string_view what) {
  return makeError(getErrorKind(result), "{}: {}", what,
                   explain(api, call, result));
}
