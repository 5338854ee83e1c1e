//===- Devices.cpp - Devices that a process has opened --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Devices.h"

#include "Streams.h"
#include "heddle/Runtime/CudaDevice.h"

#include <map>
#include <mutex>
#include <nanobind/stl/vector.h>

using namespace heddle;
using namespace heddle::python;

std::string heddle::python::getName(const Device &device) {
  const DeviceProperties &properties = device.properties();
  return fmt::format("{}:{}",
                     properties.kind == DeviceKind::Cuda ? "cuda" : "virtual",
                     properties.ordinal);
}

namespace {
/// Devices by the names that were asked for and by their own.
class DeviceTable {
public:
  Expected<std::shared_ptr<Device>> open(const std::string &name) {
    std::lock_guard lock(mutex);
    if (auto found = devices.find(name); found != devices.end())
      return found->second;
    Expected<std::unique_ptr<Device>> opened = openDevice(name);
    if (!opened)
      return tl::unexpected(opened.error());
    std::shared_ptr<Device> device = std::move(*opened);
    // "cuda" and "cuda:0" are one.
    device = devices.emplace(getName(*device), device).first->second;
    devices.emplace(name, device);
    return device;
  }

private:
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Device>> devices;
};
} // namespace

/// Never destroyed: when a process ends, nobody knows whether the driver goes
/// before its devices.
static DeviceTable &getTable() {
  static auto *table = new DeviceTable;
  return *table;
}

std::shared_ptr<Device> heddle::python::openShared(const std::string &name) {
  Expected<std::shared_ptr<Device>> device = [&] {
    nb::gil_scoped_release release;
    return getTable().open(name);
  }();
  return unwrap(std::move(device));
}

std::shared_ptr<Device> heddle::python::getDevice(nb::handle nameOrDevice) {
  if (auto *ref = nb::isinstance<DeviceRef>(nameOrDevice)
                      ? nb::inst_ptr<DeviceRef>(nameOrDevice)
                      : nullptr)
    return ref->device;
  if (!nb::isinstance<nb::str>(nameOrDevice))
    refuse("expected a device as a string or a heddle.Device, found {}",
           nb::type_name(nameOrDevice.type()).c_str());
  return openShared(nb::cast<std::string>(nameOrDevice));
}

/// The names of all devices that can be opened; of virtual ones, which are as
/// many as one likes, the first.
static std::vector<std::string> listDevices() {
  Expected<uint32_t> count = [] {
    nb::gil_scoped_release release;
    return countCudaDevices();
  }();
  std::vector<std::string> names;
  if (!count &&
      PyErr_WarnEx(PyExc_RuntimeWarning, count.error().message.c_str(), 1) < 0)
    throw nb::python_error();
  for (uint32_t i = 0; i < count.value_or(0); ++i)
    names.push_back(fmt::format("cuda:{}", i));
  names.push_back("virtual:0");
  return names;
}

static void synchronize(const DeviceRef &self, nb::object stream) {
  void *native = getNativeStream(stream);
  Expected<void> done = [&] {
    nb::gil_scoped_release release;
    return withStream(*self.device, native, [&](Stream *stream) {
      return self.device->synchronize(stream);
    });
  }();
  unwrap(std::move(done));
}

static std::string toText(const DeviceProperties &self) {
  return fmt::format("<DeviceProperties '{}', sm_{}, {} multiprocessors>",
                     self.name, self.smArch, self.multiprocessors);
}

void heddle::python::bindDevices(nb::module_ &module) {
  nb::class_<DeviceProperties>(module, "DeviceProperties")
      .def_ro("name", &DeviceProperties::name)
      .def_prop_ro("kind",
                   [](const DeviceProperties &self) {
                     return self.kind == DeviceKind::Cuda ? "cuda" : "virtual";
                   })
      .def_ro("ordinal", &DeviceProperties::ordinal)
      .def_ro("sm_arch", &DeviceProperties::smArch)
      .def_ro("multiprocessors", &DeviceProperties::multiprocessors)
      .def_ro("max_threads_per_block", &DeviceProperties::maxThreadsPerBlock)
      .def_ro("max_shared_bytes_per_block",
              &DeviceProperties::maxSharedBytesPerBlock)
      .def_ro("registers_per_multiprocessor",
              &DeviceProperties::registersPerMultiprocessor)
      .def_ro("max_threads_per_multiprocessor",
              &DeviceProperties::maxThreadsPerMultiprocessor)
      .def_ro("memory_bytes", &DeviceProperties::memoryBytes)
      .def_ro("l2_bytes", &DeviceProperties::l2Bytes)
      .def_ro("driver_version", &DeviceProperties::driverVersion)
      .def_ro("is_simulated", &DeviceProperties::isSimulated)
      .def("__repr__", toText);

  nb::class_<DeviceRef>(module, "Device")
      .def(
          "__init__",
          [](DeviceRef *self, nb::object name) {
            new (self) DeviceRef{getDevice(name)};
          },
          nb::arg("name"))
      .def_prop_ro("name",
                   [](const DeviceRef &self) { return getName(*self.device); })
      .def_prop_ro(
          "properties",
          [](const DeviceRef &self) -> const DeviceProperties & {
            return self.device->properties();
          },
          nb::rv_policy::reference_internal)
      .def("synchronize", synchronize, nb::arg("stream") = nb::none())
      .def("__eq__",
           [](const DeviceRef &self, nb::handle other) {
             return nb::isinstance<DeviceRef>(other) &&
                    nb::inst_ptr<DeviceRef>(other)->device == self.device;
           })
      .def("__hash__",
           [](const DeviceRef &self) {
             return std::hash<const void *>()(self.device.get());
           })
      .def("__str__",
           [](const DeviceRef &self) { return getName(*self.device); })
      .def("__repr__", [](const DeviceRef &self) {
        return fmt::format("heddle.Device('{}')", getName(*self.device));
      });

  module.def("devices", listDevices);
}
