//===- Package.cpp - Compiled programs ------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Package.h"

using namespace heddle;
using namespace heddle::python;

static PackageRef openPackage(const std::string &path) {
  Expected<std::shared_ptr<const Package>> package = [&] {
    nb::gil_scoped_release release;
    return Package::open(path);
  }();
  return {unwrap(std::move(package))};
}

/// Writes a package with what `self` has.
static void save(const PackageRef &self, const std::string &path) {
  Expected<void> written = [&] {
    nb::gil_scoped_release release;
    const Package &package = *self.package;
    PackageContents contents;
    contents.info = package.getInfo();
    contents.ptx = package.getImage().ptx;
    for (const CubinImage &cubin : package.getImage().cubins)
      contents.cubins.push_back(
          {cubin.arch,
           std::string(reinterpret_cast<const char *>(cubin.bytes.data()),
                       cubin.bytes.size())});
    std::span<const std::byte> reference = package.getReference();
    contents.reference.assign(reinterpret_cast<const char *>(reference.data()),
                              reference.size());
    return writePackage(path, contents);
  }();
  unwrap(std::move(written));
}

//===----------------------------------------------------------------------===//
// What is in it, for heddle/_signature.py
//===----------------------------------------------------------------------===//

static nb::str toString(std::string_view text) {
  return nb::str(text.data(), text.size());
}

static const char *getAccessName(Access access) {
  switch (access) {
  case Access::In:
    return "in";
  case Access::Out:
    return "out";
  case Access::InOut:
    return "inout";
  }
  return "";
}

/// (name, element type, shape of numbers and names of sizes, access).
static nb::tuple describeBuffer(const LaunchPlan &plan,
                                const BufferPlan &buffer) {
  nb::list shape;
  for (const Extent &extent : buffer.extents)
    if (extent.isSize)
      shape.append(toString(plan.sizes[extent.value]));
    else
      shape.append(extent.value);
  return nb::make_tuple(toString(buffer.name), toString(getName(buffer.type)),
                        nb::tuple(shape), getAccessName(buffer.access));
}

/// [(name, sizes, buffers)].
static nb::list listHosts(const PackageRef &self) {
  nb::list hosts;
  for (const LaunchPlan &plan : self.package->getInfo().program.plans) {
    nb::list sizes, buffers;
    for (const std::string &size : plan.sizes)
      sizes.append(toString(size));
    for (const BufferPlan &buffer : plan.buffers)
      buffers.append(describeBuffer(plan, buffer));
    hosts.append(nb::make_tuple(toString(plan.name), nb::tuple(sizes),
                                nb::tuple(buffers)));
  }
  return hosts;
}

static nb::list listKernels(const PackageRef &self) {
  const PackageInfo &info = self.package->getInfo();
  nb::list kernels;
  for (const KernelEntry &entry : info.program.kernels) {
    nb::dict kernel;
    kernel["name"] = toString(entry.entry);
    kernel["threads"] = entry.threads;
    kernel["shared_bytes"] = entry.sharedBytes;
    kernel["cluster"] =
        nb::make_tuple(entry.cluster.x, entry.cluster.y, entry.cluster.z);
    kernel["cooperative"] = entry.cooperative;
    kernel["persistent"] = entry.persistent;
    kernel["fallback"] = entry.fallback.empty()
                             ? nb::object(nb::none())
                             : nb::object(toString(entry.fallback));
    kernel["location"] = toString(entry.location);
    nb::dict registers;
    for (const KernelResources &resources : info.resources)
      if (resources.entry == entry.entry)
        registers[toString(resources.arch)] = resources.registers;
    kernel["registers"] = registers;
    kernels.append(kernel);
  }
  return kernels;
}

void heddle::python::bindPackage(nb::module_ &module) {
  nb::class_<PackageRef>(module, "Package")
      .def_static("open", openPackage, nb::arg("path"))
      .def("save", save, nb::arg("path"))
      .def("hosts", listHosts)
      .def("kernels", listKernels)
      .def_prop_ro("name",
                   [](const PackageRef &self) {
                     return toString(self.package->getName());
                   })
      .def_prop_ro("producer",
                   [](const PackageRef &self) {
                     return toString(self.package->getInfo().producer);
                   })
      .def_prop_ro("target",
                   [](const PackageRef &self) {
                     return toString(self.package->getInfo().target);
                   })
      .def_prop_ro("ptx", [](const PackageRef &self) {
        return toString(self.package->getImage().ptx);
      });
}
