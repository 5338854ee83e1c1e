//===- CudaDevice.h - The interface of a device, on a CUDA GPU  -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CUDA_CUDADEVICE_H
#define HEDDLE_CUDA_CUDADEVICE_H

#include "CudaModule.h"

namespace heddle::cuda {

class CudaDevice final : public Device {
public:
  /// Takes `device`'s primary context, which the caller has retained.
  CudaDevice(const DriverApi &api, DeviceNumber device, ContextHandle handle,
             DeviceProperties properties)
      : context(api, device, handle), props(std::move(properties)) {}

  const DeviceProperties &properties() const override { return props; }
  Expected<DeviceAddress> allocate(size_t bytes) override;
  Expected<void> free(DeviceAddress address) override;
  Expected<void> copyToDevice(DeviceAddress to, const void *from, size_t bytes,
                              Stream *stream) override;
  Expected<void> copyToHost(void *to, DeviceAddress from, size_t bytes,
                            Stream *stream) override;
  Expected<void> fill(DeviceAddress to, std::byte value, size_t bytes,
                      Stream *stream) override;

  Expected<std::unique_ptr<Stream>> createStream() override;
  Expected<std::unique_ptr<Stream>> adoptStream(void *native) override;
  Expected<std::unique_ptr<Event>> createEvent() override;
  Expected<void> record(Event &event, Stream *stream) override;
  Expected<void> wait(Stream *stream, Event &event) override;
  Expected<void> synchronize(Stream *stream) override;
  Expected<void> synchronize(Event &event) override;
  Expected<double> getMilliseconds(Event &from, Event &to) override;

  Expected<TensorMap> encodeTensorMap(const TensorMapSpec &spec) override;
  Expected<std::unique_ptr<Module>>
  loadModule(const ModuleImage &image) override;
  Expected<uint32_t> getResidentBlocks(Module &module, std::string_view kernel,
                                       const LaunchConfig &config) override;
  Expected<void> launch(Module &module, std::string_view kernel,
                        const LaunchConfig &config,
                        std::span<const KernelArgument> arguments,
                        Stream *stream) override;

private:
  /// The driver's handle of a stream of this device; null is the default one.
  Expected<StreamHandle> getHandle(Stream *stream) const;
  Expected<CudaFunction *> findFunction(Module &module,
                                        std::string_view kernel) const;
  /// Refuses what does not fit the device or the kernel, and tells the driver
  /// of what it has to be told.
  Expected<void> prepare(CudaFunction &function, const LaunchConfig &config);
  Expected<uint32_t> getResidentBlocks(const CudaFunction &function,
                                       const LaunchConfig &config) const;
  tl::unexpected<Error> makeLaunchError(const CudaFunction &function,
                                        const LaunchConfig &config,
                                        Result result) const;

  Context context;
  const DeviceProperties props;
};

} // namespace heddle::cuda

#endif // HEDDLE_CUDA_CUDADEVICE_H
