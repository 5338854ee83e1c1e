//===- Handles.h - What the C interface's objects are -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_CAPI_HANDLES_H
#define HEDDLE_RUNTIME_CAPI_HANDLES_H

#include "heddle-c/Runtime.h"
#include "heddle/Runtime/Executable.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <new>

struct heddle_error {
  heddle::Error error;
};

struct heddle_device {
  std::shared_ptr<heddle::Device> device;
};

// What is made from a device keeps it alive, and is destroyed before it.
struct heddle_stream {
  std::shared_ptr<heddle::Device> device;
  std::unique_ptr<heddle::Stream> stream;
};

struct heddle_event {
  std::shared_ptr<heddle::Device> device;
  std::unique_ptr<heddle::Event> event;
};

struct heddle_package {
  std::shared_ptr<const heddle::Package> package;
};

struct heddle_executable {
  std::shared_ptr<heddle::Device> device;
  std::unique_ptr<heddle::Executable> executable;
};

namespace heddle::capi {

/// The handle of an error; never null.
heddle_error *makeHandle(Error error) noexcept;
/// The error that needs no memory.
heddle_error *getOutOfMemory() noexcept;

/// Runs the body of a function of the C interface, which returns
/// `Expected<void>`. No exception leaves it.
template <typename Body>
heddle_error *guard(Body body) noexcept {
  try {
    Expected<void> done = body();
    return done ? nullptr : makeHandle(std::move(done.error()));
  } catch (const std::bad_alloc &) {
    return getOutOfMemory();
  } catch (const std::exception &exception) {
    return makeHandle({ErrorKind::Fault, exception.what()});
  } catch (...) {
    return makeHandle({ErrorKind::Fault, "an unknown exception"});
  }
}

/// An argument that must not be null, by its name.
struct Required {
  const char *name;
  const void *pointer;
};
Expected<void> require(std::initializer_list<Required> arguments);

/// Copies what both sides know of a structure of the caller's, which says how
/// large it is, in either direction.
template <typename Struct>
Expected<void> writeStruct(Struct *to, Struct from) {
  if (to->struct_size < sizeof(size_t))
    return makeError(ErrorKind::InvalidInput,
                     "expected struct_size to be {}, found {}", sizeof(Struct),
                     to->struct_size);
  from.struct_size = to->struct_size;
  std::memcpy(to, &from, std::min(to->struct_size, sizeof(Struct)));
  return {};
}
/// Reads element `i` of an array whose elements are as large as the first.
template <typename Struct>
Expected<Struct> readStruct(const Struct *from, size_t i) {
  // Nothing has been appended yet, so that all members must be there. A size
  // beyond all reason was never set.
  constexpr size_t largest = 4096;
  size_t size = from->struct_size, found = size;
  const auto *element = reinterpret_cast<const std::byte *>(from) + i * size;
  if (size >= sizeof(Struct) && size <= largest)
    std::memcpy(&found, element, sizeof(found));
  if (size < sizeof(Struct) || size > largest || found != size)
    return makeError(ErrorKind::InvalidInput,
                     "expected struct_size to be {}, found {}", sizeof(Struct),
                     found);
  Struct result = {};
  std::memcpy(&result, element, sizeof(Struct));
  return result;
}

/// Arguments of calls. Errors name the array.
Expected<ElementType> readType(int32_t type);
Expected<std::vector<int64_t>> readExtents(const char *what, int32_t rank,
                                           const int64_t *extents);
Expected<DeviceArray> readArray(const heddle_array &array);
Expected<std::vector<NamedArray>> readArrays(const heddle_array *arrays,
                                             size_t count);
Expected<std::vector<NamedSize>> readSizes(const heddle_size *sizes,
                                           size_t count);

/// The stream behind a handle, which may be null; an error if it belongs to
/// another device.
Expected<Stream *> getStream(const heddle_stream *stream, const Device &device);

} // namespace heddle::capi

#endif // HEDDLE_RUNTIME_CAPI_HANDLES_H
