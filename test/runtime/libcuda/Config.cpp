//===- Config.cpp - What the environment asks of the test driver ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Config.h"

#include "Errors.h"
#include "heddle/Runtime/MakeError.h"

#include <charconv>
#include <cstdlib>

using namespace heddle;
using namespace heddle::cuda;

template <typename T>
static bool parseNumber(std::string_view text, T &value) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  return !text.empty() && error == std::errc() && stop == end;
}

template <typename T>
static Expected<void> readNumber(const char *variable, T &value) {
  const char *text = std::getenv(variable);
  if (!text || !*text || parseNumber(std::string_view(text), value))
    return {};
  return makeError(ErrorKind::InvalidInput, "{}: expected a number, found '{}'",
                   variable, text);
}

/// Parses `call:number=error`; the number may be `*`.
static bool parseFailure(std::string_view text, Failure &failure) {
  size_t colon = text.find(':'), equals = text.find('=');
  if (colon == 0 || colon == text.npos || equals == text.npos || equals < colon)
    return false;
  failure.call = text.substr(0, colon);
  std::string_view number = text.substr(colon + 1, equals - colon - 1);
  std::optional<Result> result = parseResult(text.substr(equals + 1));
  if (!result)
    return false;
  failure.result = *result;
  failure.number = 0;
  return number == "*" ||
         (parseNumber(number, failure.number) && failure.number > 0);
}

static Expected<std::vector<Failure>> readFailures(const char *variable) {
  std::vector<Failure> failures;
  const char *text = std::getenv(variable);
  for (std::string_view rest = text ? text : ""; !rest.empty();) {
    std::string_view item = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    if (item.empty())
      continue;
    if (!parseFailure(item, failures.emplace_back()))
      return makeError(ErrorKind::InvalidInput,
                       "{}: expected call:number=error, such as "
                       "cuMemAlloc_v2:2=CUDA_ERROR_OUT_OF_MEMORY, found '{}'",
                       variable, item);
  }
  return failures;
}

Expected<Config> cuda::readConfig() {
  Config config;
  for (Expected<void> read :
       {readNumber("HEDDLE_TEST_DRIVER_VERSION", config.version),
        readNumber("HEDDLE_TEST_DRIVER_DEVICES", config.devices),
        readNumber("HEDDLE_TEST_DRIVER_ARCH", config.arch),
        readNumber("HEDDLE_TEST_DRIVER_MEMORY", config.memoryBytes)})
    if (!read)
      return tl::unexpected(read.error());
  Expected<std::vector<Failure>> failures =
      readFailures("HEDDLE_TEST_DRIVER_FAIL");
  if (!failures)
    return tl::unexpected(failures.error());
  config.failures = std::move(*failures);
  if (const char *log = std::getenv("HEDDLE_TEST_DRIVER_LOG"))
    config.log = log;
  return config;
}
