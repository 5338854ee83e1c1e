//===- CudaModule.h - Device code on a CUDA GPU --------------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CUDA_CUDAMODULE_H
#define HEDDLE_CUDA_CUDAMODULE_H

#include "Context.h"

#include <shared_mutex>
#include <unordered_map>

namespace heddle::cuda {

/// A kernel that has been loaded. Launches change what the driver has been told
/// about it, each of which happens once.
struct CudaFunction {
  FunctionHandle handle = nullptr;
  /// Lives as long as the context.
  const std::string *name = nullptr;
  uint32_t maxThreads = 0;
  uint32_t staticSharedBytes = 0;
  /// The sizes of the parameters in bytes, if the driver tells them.
  bool knowsParameters = false;
  std::vector<size_t> parameters;
  /// How much dynamic shared memory a launch may ask for as things stand.
  std::atomic<uint32_t> dynamicSharedLimit = 0;
  std::atomic<bool> allowsLargeClusters = false;
};

class CudaModule final : public Module {
public:
  CudaModule(Context &context, ModuleHandle handle, std::string name)
      : context(context), handle(handle), name(std::move(name)) {}
  ~CudaModule() override;

  /// Loads all kernels, where the driver can list them, so that no launch has
  /// to wait for kernels that run.
  Expected<void> loadFunctions();
  /// The kernel `kernel`, or an error that says which there are. The context is
  /// current. One hash lookup but for the first time.
  Expected<CudaFunction *> find(std::string_view kernel);

  Context &context;

private:
  Expected<CudaFunction *> load(std::string_view kernel);
  tl::unexpected<Error> makeUnknown(std::string_view kernel) const;

  const ModuleHandle handle;
  const std::string name;
  /// All kernels have been loaded.
  bool isComplete = false;
  /// For `functions`, as long as that can change.
  std::shared_mutex mutex;
  /// The keys are names that the context keeps.
  std::unordered_map<std::string_view, std::unique_ptr<CudaFunction>> functions;
};

/// Loads the code of `image` that fits a device of compute capability `arch` /
/// 10, which `deviceName` has in messages. The context is current.
Expected<std::unique_ptr<CudaModule>>
loadCudaModule(Context &context, const ModuleImage &image, int arch,
               std::string_view deviceName);

} // namespace heddle::cuda

#endif // HEDDLE_CUDA_CUDAMODULE_H
