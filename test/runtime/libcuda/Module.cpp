//===- Module.cpp - Modules of the test driver ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "decode/Decoder.h"
#include "decode/Kernel.h"
#include "ptx/Parser.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

static constexpr uint32_t usualSharedBytes = 48 * 1024;

namespace {

/// A place for messages among the options of a load.
struct Log {
  void write(std::string_view text) {
    if (!buffer || !size || capacity == 0)
      return;
    size_t used = std::min(text.size(), capacity - 1);
    std::memcpy(buffer, text.data(), used);
    buffer[used] = '\0';
    // The option's value becomes the length of the message.
    *size = reinterpret_cast<void *>(used);
  }
  void setSize(void *&value) {
    size = &value;
    capacity = reinterpret_cast<size_t>(value);
  }

  char *buffer = nullptr;
  void **size = nullptr;
  size_t capacity = 0;
};

struct Logs {
  Logs(unsigned count, JitOption *options, void **values) {
    for (unsigned i = 0; i < count; ++i) {
      if (options[i] == JitOption::ErrorLogBuffer)
        errors.buffer = static_cast<char *>(values[i]);
      if (options[i] == JitOption::InfoLogBuffer)
        infos.buffer = static_cast<char *>(values[i]);
      if (options[i] == JitOption::ErrorLogBufferSizeBytes)
        errors.setSize(values[i]);
      if (options[i] == JitOption::InfoLogBufferSizeBytes)
        infos.setSize(values[i]);
    }
    errors.write("");
    infos.write("");
  }

  Log errors, infos;
};

} // namespace

/// ELF files and fat binaries, whose code only a GPU can run.
static bool isMachineCode(const char *image) {
  return std::memcmp(image,
                     "\x7f"
                     "ELF",
                     4) == 0 ||
         std::memcmp(image, "\x50\xed\x55\xba", 4) == 0;
}

/// The number in the first `.target sm_90a` and whether a letter follows.
static bool runsTarget(std::string_view ptx, int arch) {
  size_t at = ptx.find(".target sm_");
  if (at == ptx.npos)
    return false;
  std::string_view rest = ptx.substr(at + std::strlen(".target sm_"));
  int number = 0;
  while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
    number = number * 10 + (rest.front() - '0');
    rest.remove_prefix(1);
  }
  bool isExact = !rest.empty() && (rest.front() == 'a' || rest.front() == 'f');
  return isExact ? number == arch : number <= arch;
}

/// Offsets are as PTX lays parameters out.
static std::vector<FunctionTag::Parameter>
getParameters(const vgpu::Function &function) {
  std::vector<FunctionTag::Parameter> parameters;
  size_t offset = 0;
  for (const vgpu::Variable &variable : function.parameters) {
    size_t align = std::max(variable.align, 1u);
    offset = (offset + align - 1) / align * align;
    parameters.push_back({offset, variable.size});
    offset += variable.size;
  }
  return parameters;
}

static Expected<std::unique_ptr<FunctionTag>>
makeFunction(const vgpu::PtxModule &syntax, const vgpu::Function &function,
             std::shared_ptr<heddle::Module> code) {
  // Addresses do not matter for what is asked of the decoded kernel.
  constexpr uint64_t anyAddress = 4096;
  vgpu::ModuleContext context;
  context.module = &syntax;
  for (const vgpu::Variable &variable : syntax.variables)
    context.globals.emplace(variable.name, anyAddress);
  for (const vgpu::Function &other : syntax.functions)
    for (const vgpu::Variable &variable : other.variables)
      context.globals.emplace(variable.name, anyAddress);
  Expected<std::unique_ptr<vgpu::Kernel>> kernel =
      vgpu::decodeKernel(context, function);
  if (!kernel)
    return tl::unexpected(kernel.error());
  const DeviceProperties &properties = getDriver().properties;
  auto result = std::make_unique<FunctionTag>();
  result->name = function.name;
  result->code = std::move(code);
  result->parameters = getParameters(function);
  result->maxThreads = properties.maxThreadsPerBlock;
  if (function.maxThreads.x)
    result->maxThreads = uint32_t(function.maxThreads.count());
  if (function.requiredThreads.x)
    result->maxThreads = uint32_t(function.requiredThreads.count());
  result->registers = (*kernel)->maxRegisters;
  result->staticSharedBytes = (*kernel)->staticSharedBytes;
  result->maxDynamicSharedBytes =
      usualSharedBytes - std::min(usualSharedBytes, result->staticSharedBytes);
  result->requiredCluster = function.requiredCluster;
  return result;
}

static Expected<std::unique_ptr<ModuleTag>> load(Device &device,
                                                 std::string_view ptx) {
  Expected<vgpu::PtxModule> syntax = vgpu::parsePtx(ptx, "ptx");
  if (!syntax)
    return tl::unexpected(syntax.error());
  ModuleImage image;
  image.name = "ptx";
  image.ptx = ptx;
  Expected<std::unique_ptr<heddle::Module>> code = device.loadModule(image);
  if (!code)
    return tl::unexpected(code.error());
  auto module = std::make_unique<ModuleTag>();
  module->code = std::move(*code);
  for (const vgpu::Function &function : syntax->functions) {
    if (!function.isKernel || !function.hasBody)
      continue;
    Expected<std::unique_ptr<FunctionTag>> made =
        makeFunction(*syntax, function, module->code);
    if (!made)
      return tl::unexpected(made.error());
    module->functions.push_back(std::move(*made));
  }
  return module;
}

extern "C" Result cuda::cuModuleLoadDataEx(ModuleHandle *module,
                                           const void *image, unsigned count,
                                           JitOption *options, void **values) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!module || !image || (count && (!options || !values)))
    return call.refuse(Result::InvalidValue, "found a null pointer");
  const char *text = static_cast<const char *>(image);
  if (isMachineCode(text))
    return call.refuse(Result::NoBinaryForGpu,
                       "a virtual GPU runs no machine code");
  Logs logs(count, options, values);
  ContextTag &context = call.context();
  if (!runsTarget(text, getDriver().config.arch))
    return call.refuse(Result::NoBinaryForGpu, "the PTX is for another target");
  Expected<std::unique_ptr<ModuleTag>> loaded =
      load(*context.gpu->device, text);
  if (!loaded) {
    logs.errors.write(loaded.error().message);
    return call.refuse(Result::InvalidPtx, "{}", loaded.error().message);
  }
  logs.infos.write("assembled for the virtual GPU");
  *module = loaded->get();
  for (const std::unique_ptr<FunctionTag> &function : (*loaded)->functions)
    context.functions.insert(function.get());
  context.modules.emplace(*module, std::move(*loaded));
  return call.done();
}

extern "C" Result cuda::cuModuleUnload(ModuleHandle module) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  ContextTag &context = call.context();
  auto found = context.modules.find(module);
  if (found == context.modules.end())
    return call.refuse(Result::InvalidHandle, "found no module {}",
                       fmt::ptr(module));
  for (const std::unique_ptr<FunctionTag> &function : module->functions)
    context.functions.erase(function.get());
  context.modules.erase(found);
  return call.wait();
}

extern "C" Result cuda::cuModuleGetFunction(FunctionHandle *function,
                                            ModuleHandle module,
                                            const char *name) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!function || !name)
    return call.refuse(Result::InvalidValue, "found a null pointer");
  if (!call.context().modules.contains(module))
    return call.refuse(Result::InvalidHandle, "found no module {}",
                       fmt::ptr(module));
  for (const std::unique_ptr<FunctionTag> &own : module->functions)
    if (own->name == name) {
      *function = own.get();
      return call.done();
    }
  return call.refuse(Result::NotFound, "found no kernel '{}'", name);
}

extern "C" Result cuda::cuModuleGetFunctionCount(unsigned *count,
                                                 ModuleHandle module) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!count)
    return call.refuse(Result::InvalidValue, "no place for the count");
  if (!call.context().modules.contains(module))
    return call.refuse(Result::InvalidHandle, "found no module {}",
                       fmt::ptr(module));
  *count = unsigned(module->functions.size());
  return call.done();
}

extern "C" Result cuda::cuModuleEnumerateFunctions(FunctionHandle *functions,
                                                   unsigned count,
                                                   ModuleHandle module) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!functions || count == 0)
    return call.refuse(Result::InvalidValue, "no place for the functions");
  if (!call.context().modules.contains(module))
    return call.refuse(Result::InvalidHandle, "found no module {}",
                       fmt::ptr(module));
  size_t used = std::min<size_t>(count, module->functions.size());
  for (size_t i = 0; i < used; ++i)
    functions[i] = module->functions[i].get();
  return call.done();
}

extern "C" Result cuda::cuFuncGetName(const char **name,
                                      FunctionHandle function) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!name || !call.context().functions.contains(function))
    return call.refuse(name ? Result::InvalidHandle : Result::InvalidValue,
                       "found no function {}", fmt::ptr(function));
  *name = function->name.c_str();
  return call.done();
}

extern "C" Result cuda::cuFuncGetParamInfo(FunctionHandle function, size_t i,
                                           size_t *offset, size_t *size) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().functions.contains(function))
    return call.refuse(Result::InvalidHandle, "found no function {}",
                       fmt::ptr(function));
  if (!offset || i >= function->parameters.size())
    return call.refuse(Result::InvalidValue, "'{}' has no parameter {}",
                       function->name, i);
  *offset = function->parameters[i].offset;
  if (size)
    *size = function->parameters[i].size;
  return call.done();
}

extern "C" Result cuda::cuFuncGetAttribute(int *value,
                                           FunctionAttribute attribute,
                                           FunctionHandle function) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().functions.contains(function))
    return call.refuse(Result::InvalidHandle, "found no function {}",
                       fmt::ptr(function));
  if (!value)
    return call.refuse(Result::InvalidValue, "no place for the value");
  switch (attribute) {
  case FunctionAttribute::MaxThreadsPerBlock:
    *value = int(function->maxThreads);
    return call.done();
  case FunctionAttribute::SharedSizeBytes:
    *value = int(function->staticSharedBytes);
    return call.done();
  case FunctionAttribute::MaxDynamicSharedSizeBytes:
    *value = int(function->maxDynamicSharedBytes);
    return call.done();
  case FunctionAttribute::NonPortableClusterSizeAllowed:
    *value = function->allowsLargeClusters;
    return call.done();
  }
  return call.refuse(Result::InvalidValue,
                     "the test driver has no attribute {}",
                     uint32_t(attribute));
}

extern "C" Result cuda::cuFuncSetAttribute(FunctionHandle function,
                                           FunctionAttribute attribute,
                                           int value) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().functions.contains(function))
    return call.refuse(Result::InvalidHandle, "found no function {}",
                       fmt::ptr(function));
  if (attribute == FunctionAttribute::NonPortableClusterSizeAllowed) {
    function->allowsLargeClusters = value != 0;
    return call.done();
  }
  if (attribute != FunctionAttribute::MaxDynamicSharedSizeBytes)
    return call.refuse(Result::InvalidValue, "attribute {} cannot be set",
                       uint32_t(attribute));
  const uint32_t most = getDriver().properties.maxSharedBytesPerBlock;
  if (value < 0 || uint32_t(value) > most - function->staticSharedBytes)
    return call.refuse(Result::InvalidValue,
                       "{} bytes and {} static ones exceed {}", value,
                       function->staticSharedBytes, most);
  function->maxDynamicSharedBytes = uint32_t(value);
  return call.done();
}
