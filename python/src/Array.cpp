//===- Array.cpp - Arrays in the memory of a device -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Array.h"

#include "Arguments.h"
#include "DTypes.h"
#include "Devices.h"
#include "Streams.h"

#include <nanobind/ndarray.h>

using namespace heddle;
using namespace heddle::python;

static nb::tuple toTuple(const std::vector<int64_t> &numbers) {
  nb::list list;
  for (int64_t number : numbers)
    list.append(number);
  return nb::tuple(list);
}

//===----------------------------------------------------------------------===//
// Allocation
//===----------------------------------------------------------------------===//

static size_t countBytes(ElementType type, const std::vector<int64_t> &shape) {
  int64_t bytes = getBytes(type);
  for (int64_t extent : shape) {
    if (extent < 0)
      refuse("expected extents of 0 or more, found {}", extent);
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      refuse("an array of shape ({}) does not fit in memory",
             fmt::join(shape, ", "));
  }
  return size_t(bytes);
}

Array heddle::python::makeEmpty(std::shared_ptr<Device> device,
                                ElementType type, std::vector<int64_t> shape) {
  size_t bytes = countBytes(type, shape);
  Expected<DeviceMemory> memory = [&] {
    nb::gil_scoped_release release;
    return DeviceMemory::allocate(*device, bytes);
  }();
  Array result;
  DeviceMemory owned = unwrap(std::move(memory));
  result.array = {owned.getAddress(), type, std::move(shape)};
  result.storage =
      std::make_shared<Storage>(Storage{std::move(device), std::move(owned)});
  return result;
}

/// Reads an integer of any kind.
static int64_t toExtent(nb::handle number) {
  nb::object index = nb::steal(PyNumber_Index(number.ptr()));
  int64_t value = index.is_valid() ? PyLong_AsLongLong(index.ptr()) : -1;
  if (PyErr_Occurred())
    refuseFromCurrent("shape: ");
  return value;
}

/// Reads a shape: a number or a sequence of numbers.
static std::vector<int64_t> getShape(nb::handle shape) {
  std::vector<int64_t> result;
  if (PyIndex_Check(shape.ptr())) {
    result.push_back(toExtent(shape));
    return result;
  }
  if (!PySequence_Check(shape.ptr()))
    refuse("shape: expected a number or a sequence of numbers, found {}",
           nb::type_name(shape.type()).c_str());
  for (nb::handle extent : shape)
    result.push_back(toExtent(extent));
  return result;
}

static Array empty(nb::handle shape, nb::handle dtype, nb::handle device) {
  return makeEmpty(getDevice(device), getElementType(dtype), getShape(shape));
}

static Array zeros(nb::handle shape, nb::handle dtype, nb::handle device) {
  Array result = empty(shape, dtype, device);
  Expected<void> filled = [&] {
    nb::gil_scoped_release release;
    return result.storage->memory.fill(std::byte(0));
  }();
  unwrap(std::move(filled));
  return result;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// An array in host memory as the virtual device, which can use all of that,
/// sees it; of the same type and shape as `self`.
static BorrowedArray borrowHost(const Array &self, nb::handle object,
                                std::string_view name) {
  Place place = locate(object, name);
  if (place.cuda >= 0)
    refuse("argument '{}': expected an array in host memory, found one on {}",
           name, describe(place));
  std::shared_ptr<Device> device = openDeviceOf(place);
  BorrowedArray host =
      borrow(*device, object, name, self.array.type, /*stream=*/nullptr);
  if (host.array.shape != self.array.shape)
    refuse("argument '{}': expected shape ({}), found ({})", name,
           fmt::join(self.array.shape, ", "),
           fmt::join(host.array.shape, ", "));
  return host;
}

static void *getHostPointer(nb::handle object, const BorrowedArray &host,
                            size_t bytes) {
  std::shared_ptr<Device> device = openDeviceOf(locate(object, ""));
  return unwrap(device->getHostPointer(host.array.address, bytes));
}

static void copyFrom(Array &self, nb::handle source) {
  BorrowedArray host = borrowHost(self, source, "source");
  auto *from =
      static_cast<std::byte *>(getHostPointer(source, host, self.getBytes()));
  Expected<void> done = [&] {
    nb::gil_scoped_release release;
    return self.storage->memory.write({from, self.getBytes()});
  }();
  unwrap(std::move(done));
}

static void copyTo(const Array &self, nb::handle target) {
  BorrowedArray host = borrowHost(self, target, "target");
  if (host.array.isReadOnly)
    refuse("argument 'target': expected an array that can be written, found a "
           "read-only one");
  auto *to =
      static_cast<std::byte *>(getHostPointer(target, host, self.getBytes()));
  Expected<void> done = [&] {
    nb::gil_scoped_release release;
    return self.storage->memory.read({to, self.getBytes()});
  }();
  unwrap(std::move(done));
}

static nb::object toNumPy(nb::handle self, nb::handle dtype) {
  return nb::module_::import_("heddle._arrays").attr("to_numpy")(self, dtype);
}

/// What `numpy.asarray` calls.
static nb::object toNumPyProtocol(nb::handle self, nb::handle dtype,
                                  nb::handle copy) {
  if (copy.is(nb::handle(Py_False)))
    refuse("numpy gets a copy of a heddle.Array; numpy.from_dlpack shares the "
           "memory of a virtual device");
  return toNumPy(self, dtype);
}

//===----------------------------------------------------------------------===//
// DLPack
//===----------------------------------------------------------------------===//

/// How DLPack calls a type.
static nb::dlpack::dtype getDLPackType(ElementType type) {
  using Code = nb::dlpack::dtype_code;
  auto make = [&](Code code) {
    return nb::dlpack::dtype{uint8_t(code), uint8_t(8 * getBytes(type)), 1};
  };
  switch (type) {
  case ElementType::I1:
    return make(Code::Bool);
  case ElementType::F8E4M3:
    return make(Code::Float8_E4M3FN);
  case ElementType::F8E5M2:
    return make(Code::Float8_E5M2);
  case ElementType::BF16:
    return make(Code::Bfloat);
  case ElementType::F16:
  case ElementType::F32:
  case ElementType::F64:
    return make(Code::Float);
  default:
    return make(Code::Int);
  }
}

/// Lets the consumer's stream wait for what was submitted to the default one.
static void orderStream(Device &device, void *consumer) {
  Expected<void> done = [&]() -> Expected<void> {
    nb::gil_scoped_release release;
    Expected<std::unique_ptr<Event>> event = device.createEvent();
    if (!event)
      return tl::unexpected(event.error());
    if (Expected<void> recorded = device.record(**event); !recorded)
      return recorded;
    return withStream(device, consumer, [&](Stream *stream) {
      return device.wait(stream, **event);
    });
  }();
  unwrap(std::move(done));
}

static nb::object toDLPack(nb::handle_t<Array> self, nb::kwargs options) {
  const Array &array = *nb::inst_ptr<Array>(self);
  Device &device = array.getDevice();
  int type = nb::device::cpu::value, ordinal = 0;
  void *data = nullptr;
  if (device.properties().kind == DeviceKind::Cuda) {
    type = nb::device::cuda::value;
    ordinal = device.properties().ordinal;
    data = reinterpret_cast<void *>(uintptr_t(array.array.address));
    // -1 asks for no order at all.
    nb::object stream = options.get("stream", nb::none());
    if (!stream.is_none() && !stream.equal(nb::int_(-1)))
      if (void *consumer = getNativeStream(stream))
        orderStream(device, consumer);
  } else {
    data = unwrap(device.getHostPointer(array.array.address, array.getBytes()));
  }
  const std::vector<int64_t> &extents = array.array.shape;
  std::vector<size_t> shape(extents.begin(), extents.end());
  nb::ndarray<nb::array_api> view(data, shape.size(), shape.data(), self,
                                  nullptr, getDLPackType(array.array.type),
                                  type, ordinal);
  nb::object exporter = nb::cast(view, nb::rv_policy::reference);
  return exporter.attr("__dlpack__")(**options);
}

static nb::tuple getDLPackDevice(const Array &self) {
  const DeviceProperties &properties = self.getDevice().properties();
  if (properties.kind == DeviceKind::Cuda)
    return nb::make_tuple(int(nb::device::cuda::value), properties.ordinal);
  return nb::make_tuple(int(nb::device::cpu::value), 0);
}

//===----------------------------------------------------------------------===//
// The class
//===----------------------------------------------------------------------===//

static std::string toText(const Array &self) {
  return fmt::format("<heddle.Array ({}) of {} on {}>",
                     fmt::join(self.array.shape, ", "),
                     getDTypeName(self.array.type), getName(self.getDevice()));
}

void heddle::python::bindArray(nb::module_ &module) {
  nb::class_<Array>(module, "Array")
      .def_prop_ro("shape",
                   [](const Array &self) { return toTuple(self.array.shape); })
      .def_prop_ro("ndim",
                   [](const Array &self) { return self.array.shape.size(); })
      .def_prop_ro("dtype",
                   [](const Array &self) {
                     return std::string(getDTypeName(self.array.type));
                   })
      .def_prop_ro("nbytes", &Array::getBytes)
      .def_prop_ro(
          "device",
          [](const Array &self) { return DeviceRef{self.storage->device}; })
      .def_prop_ro("address",
                   [](const Array &self) { return self.array.address; })
      .def("copy_from", copyFrom, nb::arg("source"))
      .def("copy_to", copyTo, nb::arg("target"))
      .def("numpy", toNumPy, nb::arg("dtype") = nb::none())
      .def("__array__", toNumPyProtocol, nb::arg("dtype") = nb::none(),
           nb::arg("copy") = nb::none())
      .def("__dlpack__", toDLPack)
      .def("__dlpack_device__", getDLPackDevice)
      .def("__repr__", toText);

  module.def("empty", empty, nb::arg("shape"), nb::arg("dtype"),
             nb::arg("device") = "auto");
  module.def("zeros", zeros, nb::arg("shape"), nb::arg("dtype"),
             nb::arg("device") = "auto");
}
