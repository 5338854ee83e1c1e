//===- Context.cpp - Errors in a device's context -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::cuda;

tl::unexpected<Error> Context::makeError(Result result, std::string_view call,
                                         std::string_view what) const {
  tl::unexpected<Error> error = makeDriverError(api, result, call, what);
  if (error.value().kind != ErrorKind::Fault)
    return error;
  std::string &message = error.value().message;
  if (const std::string *kernel = lastKernel.load(std::memory_order_relaxed))
    message += fmt::format("; the last kernel launched was '{}'", *kernel);
  message += "; the device 'virtual' says where a program goes wrong";
  return error;
}

const std::string *Context::intern(std::string_view kernel) {
  std::lock_guard lock(mutex);
  auto found = names.find(kernel);
  return &*(found == names.end() ? names.emplace(kernel).first : found);
}
