//===- Error.cpp - Errors and versions in C -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::capi;

heddle_error *capi::getOutOfMemory() noexcept {
  // Made when the library is loaded, since later may be too late.
  static heddle_error outOfMemory{{ErrorKind::Unavailable, "out of memory"}};
  return &outOfMemory;
}
[[maybe_unused]] static heddle_error *const reserved = getOutOfMemory();

heddle_error *capi::makeHandle(Error error) noexcept {
  auto *handle = new (std::nothrow) heddle_error{std::move(error)};
  return handle ? handle : getOutOfMemory();
}

Expected<void> capi::require(std::initializer_list<Required> arguments) {
  for (const Required &argument : arguments)
    if (!argument.pointer)
      return makeError(ErrorKind::InvalidInput,
                       "expected an argument '{}', found NULL", argument.name);
  return {};
}

uint32_t heddle_abi_version(void) { return HEDDLE_ABI_VERSION; }

const char *heddle_version(void) { return HEDDLE_VERSION; }

int32_t heddle_error_kind(const heddle_error *error) {
  if (!error)
    return 0;
  switch (error->error.kind) {
  case ErrorKind::InvalidInput:
    return HEDDLE_INVALID_INPUT;
  case ErrorKind::Fault:
    return HEDDLE_FAULT;
  case ErrorKind::Unavailable:
    return HEDDLE_UNAVAILABLE;
  }
  return HEDDLE_FAULT;
}

const char *heddle_error_message(const heddle_error *error) {
  return error ? error->error.message.c_str() : "";
}

void heddle_error_free(heddle_error *error) {
  if (error != getOutOfMemory())
    delete error;
}
