//===- Call.cpp - The arguments of one call -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Call.h"

#include "DTypes.h"
#include "Devices.h"
#include "Streams.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::python;

//===----------------------------------------------------------------------===//
// Options and names
//===----------------------------------------------------------------------===//

/// Keywords that are not names of buffers. A buffer of such a name can only be
/// passed by its position.
static constexpr std::string_view optionNames[] = {"device", "stream", "sizes",
                                                   "entry"};

static bool isOption(std::string_view name) {
  return std::find(std::begin(optionNames), std::end(optionNames), name) !=
         std::end(optionNames);
}

static std::string_view toView(nb::handle text) {
  Py_ssize_t size = 0;
  const char *data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!data)
    throw nb::python_error();
  return {data, size_t(size)};
}

static std::vector<NamedSize> readSizes(nb::handle object) {
  std::vector<NamedSize> sizes;
  if (object.is_none())
    return sizes;
  if (!nb::isinstance<nb::dict>(object))
    refuse("sizes: expected a dict of names and numbers, found {}",
           nb::type_name(object.type()).c_str());
  for (auto [key, value] : nb::borrow<nb::dict>(object)) {
    if (!nb::isinstance<nb::str>(key))
      refuse("sizes: expected names, found {}",
             nb::type_name(key.type()).c_str());
    nb::object index = nb::steal(PyNumber_Index(value.ptr()));
    int64_t number = index.is_valid() ? PyLong_AsLongLong(index.ptr()) : -1;
    if (PyErr_Occurred())
      refuseFromCurrent(fmt::format("size '{}': ", toView(key)));
    sizes.push_back({std::string(toView(key)), number});
  }
  return sizes;
}

void Call::readOptions(const Package &package, nb::kwargs keywords) {
  nb::object entry = keywords.get("entry", nb::none());
  if (!entry.is_none() && !nb::isinstance<nb::str>(entry))
    refuse("entry: expected the name of a host function, found {}",
           nb::type_name(entry.type()).c_str());
  plan = unwrap(package.getInfo().program.findPlan(
      entry.is_none() ? std::string_view() : toView(entry)));
  sizes = readSizes(keywords.get("sizes", nb::none()));
}

static std::string listBuffers(const LaunchPlan &plan) {
  std::string list;
  for (const BufferPlan &buffer : plan.buffers)
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", buffer.name);
  return list.empty() ? "none" : list;
}

void Call::readObjects(nb::args positional, nb::kwargs keywords) {
  const std::vector<BufferPlan> &buffers = plan->buffers;
  objects.resize(buffers.size());
  if (positional.size() > buffers.size())
    refuse("'{}': expected at most {} arguments, {}, found {}", plan->name,
           buffers.size(), listBuffers(*plan), positional.size());
  for (size_t i = 0; i < positional.size(); ++i)
    if (nb::handle object = positional[i]; !object.is_none())
      objects[i] = nb::borrow(object);
  for (auto [key, object] : keywords) {
    std::string_view name = toView(key);
    if (isOption(name))
      continue;
    auto buffer =
        std::find_if(buffers.begin(), buffers.end(),
                     [&](const BufferPlan &plan) { return plan.name == name; });
    if (buffer == buffers.end())
      refuse("'{}': there is no argument '{}'; its arguments are {}",
             plan->name, name, listBuffers(*plan));
    if (object.is_none())
      continue;
    nb::object &slot = objects[buffer - buffers.begin()];
    if (slot.is_valid())
      refuse("'{}': argument '{}' is given twice, by its position and by its "
             "name",
             plan->name, name);
    slot = nb::borrow(object);
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (objects[i].is_valid())
      continue;
    if (buffers[i].access != Access::Out)
      refuse("'{}': argument '{}' is missing; only outputs may be left out",
             plan->name, buffers[i].name);
    leftOut.push_back(i);
  }
}

//===----------------------------------------------------------------------===//
// Where it runs
//===----------------------------------------------------------------------===//

void Call::chooseDevice(nb::handle wanted) {
  size_t decisive = objects.size();
  places.resize(objects.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i].is_valid())
      continue;
    places[i] = locate(objects[i], plan->buffers[i].name);
    if (decisive == objects.size() && (places[i].cuda >= 0 || places[i].device))
      decisive = i;
  }
  if (!wanted.is_none())
    device = python::getDevice(wanted);
  else
    device =
        openDeviceOf(decisive < objects.size() ? places[decisive] : Place());
  for (size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i].is_valid() || isUsable(*device, places[i]))
      continue;
    const std::string &name = plan->buffers[i].name;
    std::string reason =
        wanted.is_none()
            ? fmt::format("argument '{}' is on {}",
                          plan->buffers[decisive].name, getName(*device))
            : fmt::format("the device is {}", getName(*device));
    refuse("argument '{0}' is in {1}, and {2}: copy it, for example with "
           "heddle.array(..., device='{3}')",
           name, describe(places[i]), reason, getName(*device));
  }
}

void Call::chooseStream(nb::handle wanted) {
  if (!wanted.is_none()) {
    stream = getNativeStream(wanted);
    return;
  }
  if (device->properties().kind != DeviceKind::Cuda)
    return;
  for (const nb::object &object : objects)
    if (object.is_valid() && isTorchTensor(object)) {
      stream = getCurrentTorchStream(device->properties().ordinal);
      return;
    }
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

void Call::add(size_t i) {
  const BufferPlan &buffer = plan->buffers[i];
  borrowed.push_back(
      borrow(*device, objects[i], buffer.name, buffer.type, stream));
  arrays.push_back({buffer.name, borrowed.back().array});
}

void Call::borrowArrays() {
  borrowed.reserve(objects.size());
  arrays.reserve(objects.size());
  for (size_t i = 0; i < objects.size(); ++i)
    if (objects[i].is_valid())
      add(i);
}

/// Allocates them as whatever the first argument is.
void Call::allocateOutputs() {
  if (leftOut.empty())
    return;
  std::vector<int64_t> values = unwrap(inferSizes(*plan, arrays, sizes));
  nb::object allocate = nb::module_::import_("heddle._arrays").attr("allocate");
  auto findObject = [&](auto matches) -> nb::object {
    for (size_t i = 0; i < objects.size(); ++i)
      if (objects[i].is_valid() && matches(plan->buffers[i]))
        return objects[i];
    return nb::none();
  };
  nb::object example = findObject([](const BufferPlan &) { return true; });
  for (size_t i : leftOut) {
    ElementType type = plan->buffers[i].type;
    nb::object sameType = findObject(
        [&](const BufferPlan &buffer) { return buffer.type == type; });
    nb::list shape;
    for (int64_t extent : getShape(*plan, i, values))
      shape.append(extent);
    objects[i] = allocate(example, sameType, nb::tuple(shape),
                          std::string(getDTypeName(type)), DeviceRef{device});
    add(i);
  }
}

Call::Call(const Package &package, nb::args positional, nb::kwargs keywords) {
  readOptions(package, keywords);
  readObjects(positional, keywords);
  chooseDevice(keywords.get("device", nb::none()));
  chooseStream(keywords.get("stream", nb::none()));
  borrowArrays();
  allocateOutputs();
}

nb::object Call::getResults() const {
  if (leftOut.empty())
    return nb::none();
  if (leftOut.size() == 1)
    return objects[leftOut.front()];
  nb::list results;
  for (size_t i : leftOut)
    results.append(objects[i]);
  return nb::tuple(results);
}
