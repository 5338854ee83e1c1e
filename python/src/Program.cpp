//===- Program.cpp - Programs that Python calls ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Call.h"
#include "Check.h"
#include "Package.h"
#include "Streams.h"
#include "heddle/Runtime/Executable.h"

#include <map>
#include <mutex>

using namespace heddle;
using namespace heddle::python;

namespace {
/// A package and, for each device that it was called on, its executable.
class CallableProgram {
public:
  explicit CallableProgram(const PackageRef &package)
      : package(package.package) {}

  nb::object call(nb::args positional, nb::kwargs keywords);
  nb::list check(nb::args positional, nb::kwargs keywords);

private:
  Expected<Executable *> getExecutable(const std::shared_ptr<Device> &device);
  Expected<void> run(const Call &call);
  Expected<std::shared_ptr<const Reference>> getReference();

  struct Loaded {
    std::shared_ptr<Device> device;
    std::unique_ptr<Executable> executable;
  };

  std::shared_ptr<const Package> package;
  std::mutex mutex;
  std::map<Device *, Loaded> loaded;
  std::shared_ptr<const Reference> reference;
};
} // namespace

Expected<Executable *>
CallableProgram::getExecutable(const std::shared_ptr<Device> &device) {
  std::lock_guard lock(mutex);
  Loaded &entry = loaded[device.get()];
  if (entry.executable)
    return entry.executable.get();
  Expected<std::unique_ptr<Executable>> executable =
      Executable::load(*device, package);
  if (!executable)
    return tl::unexpected(executable.error());
  entry = {device, std::move(*executable)};
  return entry.executable.get();
}

Expected<void> CallableProgram::run(const Call &call) {
  Expected<Executable *> executable = getExecutable(call.getDevice());
  if (!executable)
    return tl::unexpected(executable.error());
  return withStream(*call.getDevice(), call.getStream(), [&](Stream *stream) {
    return (*executable)
        ->call(call.getPlan().name, call.getArrays(), call.getSizes(), stream);
  });
}

nb::object CallableProgram::call(nb::args positional, nb::kwargs keywords) {
  Call call(*package, positional, keywords);
  Expected<void> done = [&] {
    nb::gil_scoped_release release;
    return run(call);
  }();
  unwrap(std::move(done));
  return call.getResults();
}

Expected<std::shared_ptr<const Reference>> CallableProgram::getReference() {
  if (package->getReference().empty())
    return tl::unexpected(
        Error{ErrorKind::InvalidInput,
              fmt::format("{}: the package has no reference semantics to "
                          "compare with",
                          package->getName())});
  std::lock_guard lock(mutex);
  if (reference)
    return reference;
  Expected<std::shared_ptr<const Reference>> parsed =
      Reference::parse(package->getReference(), package->getName());
  if (parsed)
    reference = *parsed;
  return parsed;
}

nb::list CallableProgram::check(nb::args positional, nb::kwargs keywords) {
  Call call(*package, positional, keywords);
  Expected<std::vector<OutputCheck>> checks =
      [&]() -> Expected<std::vector<OutputCheck>> {
    nb::gil_scoped_release release;
    Expected<std::shared_ptr<const Reference>> reference = getReference();
    if (!reference)
      return tl::unexpected(reference.error());
    return checkCall(call, **reference, [&] { return run(call); });
  }();
  nb::list results;
  for (OutputCheck &check : unwrap(std::move(checks)))
    results.append(nb::cast(std::move(check)));
  return results;
}

void heddle::python::bindProgram(nb::module_ &module) {
  nb::class_<CallableProgram>(module, "ProgramBase")
      .def(nb::init<const PackageRef &>(), nb::arg("package"))
      .def("__call__", &CallableProgram::call)
      .def("check_outputs", &CallableProgram::check);
}
