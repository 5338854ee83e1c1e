//===- CudaModule.cpp - Kernels of a module -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaModule.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::cuda;

CudaModule::~CudaModule() {
  CurrentContext current(context);
  // A context that is gone or broken has no modules that could be unloaded.
  if (!current)
    return;
  // A host may drop a program right after it called it, in a stream that the
  // runtime does not know. The driver does not say that it waits.
  (void)context.api.ctxSynchronize();
  (void)context.api.moduleUnload(handle);
}

/// Asks for the sizes of parameters until there are no more.
static Expected<void> readParameters(const Context &context,
                                     CudaFunction &function,
                                     std::string_view what) {
  const DriverApi &api = context.api;
  if (!api.funcGetParamInfo)
    return {};
  for (size_t i = 0;; ++i) {
    size_t offset = 0, size = 0;
    Result result = api.funcGetParamInfo(function.handle, i, &offset, &size);
    // The documented sign that there is no parameter i.
    if (result == Result::InvalidValue)
      break;
    if (result != Result::Success)
      return context.makeError(result, "cuFuncGetParamInfo", what);
    function.parameters.push_back(size);
  }
  function.knowsParameters = true;
  return {};
}

static Expected<uint32_t> readAttribute(const Context &context,
                                        const CudaFunction &function,
                                        FunctionAttribute attribute,
                                        std::string_view what) {
  int value = 0;
  Result result =
      context.api.funcGetAttribute(&value, attribute, function.handle);
  if (result != Result::Success)
    return context.makeError(result, "cuFuncGetAttribute", what);
  return uint32_t(std::max(value, 0));
}

Expected<CudaFunction *> CudaModule::load(std::string_view kernel) {
  auto function = std::make_unique<CudaFunction>();
  std::string symbol(kernel);
  std::string what = fmt::format("kernel '{}' of '{}'", kernel, name);
  Result result =
      context.api.moduleGetFunction(&function->handle, handle, symbol.c_str());
  if (result == Result::NotFound)
    return makeUnknown(kernel);
  if (result != Result::Success)
    return context.makeError(result, "cuModuleGetFunction", what);

  Expected<uint32_t> maxThreads = readAttribute(
      context, *function, FunctionAttribute::MaxThreadsPerBlock, what);
  if (!maxThreads)
    return tl::unexpected(maxThreads.error());
  Expected<uint32_t> shared = readAttribute(
      context, *function, FunctionAttribute::SharedSizeBytes, what);
  if (!shared)
    return tl::unexpected(shared.error());
  Expected<uint32_t> limit = readAttribute(
      context, *function, FunctionAttribute::MaxDynamicSharedSizeBytes, what);
  if (!limit)
    return tl::unexpected(limit.error());
  if (Expected<void> read = readParameters(context, *function, what); !read)
    return tl::unexpected(read.error());
  function->maxThreads = *maxThreads;
  function->staticSharedBytes = *shared;
  function->dynamicSharedLimit = *limit;
  function->name = context.intern(kernel);

  std::string_view key = *function->name;
  return functions.emplace(key, std::move(function)).first->second.get();
}

tl::unexpected<Error> CudaModule::makeUnknown(std::string_view kernel) const {
  std::string known;
  if (isComplete) {
    std::vector<std::string_view> names;
    for (const auto &[name, function] : functions)
      names.push_back(name);
    std::ranges::sort(names);
    known = names.empty()
                ? "; it has none"
                : fmt::format("; it has '{}'", fmt::join(names, "', '"));
  }
  return makeError(ErrorKind::InvalidInput, "'{}' has no kernel '{}'{}", name,
                   kernel, known);
}

Expected<void> CudaModule::loadFunctions() {
  const DriverApi &api = context.api;
  if (!api.canListFunctions())
    return {};
  std::string what = fmt::format("kernels of '{}'", name);
  unsigned count = 0;
  Result result = api.moduleGetFunctionCount(&count, handle);
  if (result != Result::Success)
    return context.makeError(result, "cuModuleGetFunctionCount", what);
  // The handles that a module lists need not have been loaded; those that one
  // gets by name have.
  std::vector<FunctionHandle> handles(count);
  if (count)
    result = api.moduleEnumerateFunctions(handles.data(), count, handle);
  if (result != Result::Success)
    return context.makeError(result, "cuModuleEnumerateFunctions", what);
  for (FunctionHandle function : handles) {
    const char *kernel = nullptr;
    result = api.funcGetName(&kernel, function);
    if (result != Result::Success)
      return context.makeError(result, "cuFuncGetName", what);
    if (Expected<CudaFunction *> loaded = load(kernel); !loaded)
      return tl::unexpected(loaded.error());
  }
  isComplete = true;
  return {};
}

Expected<CudaFunction *> CudaModule::find(std::string_view kernel) {
  // Nothing changes any more once all kernels are known.
  std::shared_lock shared(mutex, std::defer_lock);
  if (!isComplete)
    shared.lock();
  auto found = functions.find(kernel);
  if (found != functions.end())
    return found->second.get();
  if (isComplete)
    return makeUnknown(kernel);
  shared.unlock();
  std::unique_lock lock(mutex);
  found = functions.find(kernel);
  return found != functions.end() ? found->second.get() : load(kernel);
}
