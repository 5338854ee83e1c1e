//===- Arguments.cpp - Python objects as arrays ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "Array.h"
#include "DTypes.h"
#include "Devices.h"
#include "Streams.h"

using namespace heddle;
using namespace heddle::python;

//===----------------------------------------------------------------------===//
// Where objects are
//===----------------------------------------------------------------------===//

bool heddle::python::isNumPyArray(nb::handle object) {
  static PyObject *type =
      nb::object(nb::module_::import_("numpy").attr("ndarray")).release().ptr();
  return PyObject_TypeCheck(object.ptr(),
                            reinterpret_cast<PyTypeObject *>(type));
}

bool heddle::python::isTorchTensor(nb::handle object) {
  // Who has a tensor has imported PyTorch.
  nb::object torch = nb::steal(PyImport_GetModule(nb::str("torch").ptr()));
  if (!torch.is_valid()) {
    PyErr_Clear();
    return false;
  }
  return nb::hasattr(torch, "Tensor") &&
         PyObject_IsInstance(object.ptr(),
                             nb::object(torch.attr("Tensor")).ptr()) == 1;
}

/// The device types of DLPack whose memory some device of Heddle can use.
namespace {
enum DLPackDevice {
  dlpackHost = 1,
  dlpackCuda = 2,
  dlpackCudaHost = 3,
  dlpackCudaManaged = 13
};
} // namespace

Place heddle::python::locate(nb::handle object, std::string_view name) {
  if (isNumPyArray(object))
    return {};
  if (nb::isinstance<Array>(object)) {
    auto device = nb::inst_ptr<Array>(object)->storage->device;
    bool isCuda = device->properties().kind == DeviceKind::Cuda;
    return {isCuda ? device->properties().ordinal : -1, device};
  }
  if (!nb::hasattr(object, "__dlpack__") ||
      !nb::hasattr(object, "__dlpack_device__"))
    refuse("argument '{}': expected a NumPy array, a heddle.Array or an object "
           "with __dlpack__, found {}",
           name, nb::type_name(object.type()).c_str());
  int type = 0, ordinal = 0;
  try {
    nb::object device = object.attr("__dlpack_device__")();
    type = nb::cast<int>(nb::int_(nb::object(device[0])));
    ordinal = nb::cast<int>(nb::int_(nb::object(device[1])));
  } catch (nb::python_error &error) {
    error.restore();
    refuseFromCurrent(fmt::format("argument '{}': ", name));
  }
  switch (type) {
  case dlpackHost:
  case dlpackCudaHost:
    return {};
  case dlpackCuda:
  case dlpackCudaManaged:
    return {ordinal, nullptr};
  default:
    refuse("argument '{}': expected an array in host memory or on a CUDA "
           "device, found DLPack device type {}",
           name, type);
  }
}

std::shared_ptr<Device> heddle::python::openDeviceOf(const Place &place) {
  if (place.device)
    return place.device;
  return openShared(place.cuda < 0 ? "virtual:0"
                                   : fmt::format("cuda:{}", place.cuda));
}

bool heddle::python::isUsable(const Device &device, const Place &place) {
  if (place.device)
    return place.device.get() == &device;
  const DeviceProperties &properties = device.properties();
  if (properties.kind == DeviceKind::Virtual)
    return place.cuda < 0;
  return properties.ordinal == place.cuda;
}

std::string heddle::python::describe(const Place &place) {
  if (place.device)
    return getName(*place.device);
  return place.cuda < 0 ? "host memory" : fmt::format("cuda:{}", place.cuda);
}

//===----------------------------------------------------------------------===//
// NumPy
//===----------------------------------------------------------------------===//

namespace {
/// A buffer of a Python object that a virtual device uses. Destroyed with the
/// GIL.
struct RegisteredBuffer {
  Py_buffer view = {};
  Device *device = nullptr;
  DeviceAddress address = 0;

  RegisteredBuffer() = default;
  RegisteredBuffer(const RegisteredBuffer &) = delete;
  RegisteredBuffer &operator=(const RegisteredBuffer &) = delete;
  ~RegisteredBuffer() {
    if (device)
      (void)device->unregisterHostMemory(address, size_t(view.len));
    PyBuffer_Release(&view);
  }
};
} // namespace

[[noreturn]] static void refuseType(std::string_view name, ElementType expected,
                                    std::string_view found) {
  refuse("argument '{}': expected {}, found {}", name,
         describeExpected(expected), found);
}

/// The type under which an argument of `found` is passed for `wanted`.
static ElementType convertType(std::string_view name, ElementType found,
                               bool isCarrier, ElementType wanted) {
  if (found == wanted || (isCarrier && isCarrierOf(found, wanted)))
    return wanted;
  if (found == ElementType::I64 && wanted == ElementType::Index)
    return wanted;
  refuseType(name, wanted, getDTypeName(found));
}

static BorrowedArray borrowNumPy(Device &device, nb::handle object,
                                 std::string_view name, ElementType wanted) {
  nb::object dtype = object.attr("dtype");
  std::optional<ArrayType> found = getArrayType(dtype);
  if (!found) {
    std::string text = nb::cast<std::string>(nb::str(dtype));
    refuseType(name, wanted, text);
  }
  BorrowedArray result;
  result.array.type = convertType(name, found->type, found->isCarrier, wanted);
  nb::object source = nb::borrow(object);
  if (found->viewAs)
    source = object.attr("view")(found->viewAs);

  auto buffer = std::make_shared<RegisteredBuffer>();
  Py_buffer &view = buffer->view;
  if (PyObject_GetBuffer(source.ptr(), &view, PyBUF_STRIDES) < 0)
    refuseFromCurrent(fmt::format("argument '{}': ", name));
  result.array.shape.assign(view.shape, view.shape + view.ndim);
  result.array.isReadOnly = view.readonly;
  if (!PyBuffer_IsContiguous(&view, 'C'))
    refuse("argument '{}': expected a dense row-major array, found shape ({}) "
           "with strides ({}) in bytes; numpy.ascontiguousarray makes a copy "
           "that is one",
           name, fmt::join(result.array.shape, ", "),
           fmt::join(view.strides, view.strides + view.ndim, ", "));
  if (view.len > 0) {
    buffer->address =
        unwrap(device.registerHostMemory(view.buf, size_t(view.len)));
    buffer->device = &device;
    result.array.address = buffer->address;
  }
  result.owner = std::move(buffer);
  return result;
}

//===----------------------------------------------------------------------===//
// DLPack
//===----------------------------------------------------------------------===//

/// Calls `__dlpack__`, of the version of the protocol that the object knows.
static nb::object callDLPack(nb::handle object, nb::object stream) {
  nb::object method = object.attr("__dlpack__");
  try {
    return method(nb::arg("stream") = stream,
                  nb::arg("max_version") = nb::make_tuple(1, 1));
  } catch (nb::python_error &error) {
    if (!error.matches(PyExc_TypeError))
      throw;
  }
  // From before versions: it can neither take one nor say "read-only".
  return method(nb::arg("stream") = stream);
}

/// Takes over the tensor in a capsule of that name; null if it has another.
template <typename Tensor>
static std::unique_ptr<ImportedArray>
takeTensor(Device &device, std::string_view name, nb::handle capsule,
           const char *capsuleName, const char *usedName) {
  if (!PyCapsule_IsValid(capsule.ptr(), capsuleName))
    return nullptr;
  auto *tensor =
      static_cast<Tensor *>(PyCapsule_GetPointer(capsule.ptr(), capsuleName));
  Expected<std::unique_ptr<ImportedArray>> imported =
      importDLPack(device, tensor);
  if (!imported)
    raise(Error{imported.error().kind, fmt::format("argument '{}': {}", name,
                                                   imported.error().message)});
  // Its destructor must now leave the tensor alone.
  PyCapsule_SetName(capsule.ptr(), usedName);
  return std::move(*imported);
}

static BorrowedArray borrowDLPack(Device &device, nb::handle object,
                                  std::string_view name, ElementType wanted,
                                  void *stream) {
  bool isCuda = device.properties().kind == DeviceKind::Cuda;
  nb::object capsule;
  try {
    capsule = callDLPack(object,
                         isCuda ? nb::object(nb::int_(getDLPackStream(stream)))
                                : nb::none());
  } catch (nb::python_error &error) {
    error.restore();
    refuseFromCurrent(fmt::format("argument '{}': ", name));
  }
  std::unique_ptr<ImportedArray> imported =
      takeTensor<DLManagedTensorVersioned>(device, name, capsule,
                                           "dltensor_versioned",
                                           "used_dltensor_versioned");
  if (!imported)
    imported = takeTensor<DLManagedTensor>(device, name, capsule, "dltensor",
                                           "used_dltensor");
  if (!imported)
    refuse("argument '{}': expected a DLPack tensor from __dlpack__, found {}",
           name, nb::type_name(capsule.type()).c_str());
  BorrowedArray result;
  result.array = imported->getArray();
  // The runtime has no unsigned types, so that any integer may be a carrier.
  result.array.type =
      convertType(name, result.array.type, /*isCarrier=*/true, wanted);
  result.owner = std::move(imported);
  return result;
}

BorrowedArray heddle::python::borrow(Device &device, nb::handle object,
                                     std::string_view name, ElementType type,
                                     void *stream) {
  if (isNumPyArray(object))
    return borrowNumPy(device, object, name, type);
  if (!nb::isinstance<Array>(object))
    return borrowDLPack(device, object, name, type, stream);
  auto *own = nb::inst_ptr<Array>(object);
  BorrowedArray result{own->array, own->storage};
  result.array.type =
      convertType(name, own->array.type, /*isCarrier=*/true, type);
  return result;
}
