//===- Load.cpp - Opening packages and compiling programs -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Load.h"

#include "heddle/Runtime/MakeError.h"
#include "package/Format.h"

#include <algorithm>
#include <fstream>

using namespace heddle;

/// Whether a file is a package, whatever it is called.
static bool isPackage(const std::string &file) {
  if (file.ends_with(".heddle"))
    return true;
  if (file == "-")
    return false;
  std::string start(package::magic.size(), '\0');
  std::ifstream stream(file, std::ios::binary);
  return stream.read(start.data(), std::streamsize(start.size())) &&
         start == package::magic;
}

Expected<LoadedProgram>
heddle::openPackage(std::shared_ptr<const Package> package,
                    const LoadRequest &request) {
  LoadedProgram loaded;
  loaded.program = package->getInfo().program;
  loaded.package = std::move(package);
  if (!request.needsReference)
    return loaded;
  std::span<const std::byte> section = loaded.package->getReference();
  if (section.empty())
    return makeError(ErrorKind::InvalidInput,
                     "{} has no reference semantics, so that its results "
                     "cannot be checked; compile the program again, or do "
                     "without --check",
                     request.file);
  Expected<std::shared_ptr<const Reference>> reference =
      Reference::parse(section, request.file);
  if (!reference)
    return tl::unexpected(reference.error());
  loaded.reference = std::move(*reference);
  return loaded;
}

std::optional<LoadedProgram> heddle::load(const LoadRequest &request,
                                          const CompilerCommands *compiler) {
  if (isPackage(request.file)) {
    Expected<LoadedProgram> loaded =
        Package::open(request.file).and_then([&](auto package) {
          return openPackage(std::move(package), request);
        });
    if (loaded)
      return std::move(*loaded);
    report(loaded.error());
    return std::nullopt;
  }
  if (compiler)
    return compiler->load(request);
  printError(fmt::format(
      "this installation has the runtime alone, which runs packages; '{}' is "
      "none: make one with 'heddle compile {} -o FILE.heddle' where the "
      "compiler is",
      request.file, request.file));
  return std::nullopt;
}

Expected<const LaunchPlan *> heddle::findHost(const Program &program,
                                              const std::string &file,
                                              const std::string &entry) {
  std::vector<std::string_view> names;
  for (const LaunchPlan &plan : program.plans) {
    if (plan.name == entry || (entry.empty() && program.plans.size() == 1))
      return &plan;
    names.push_back(plan.name);
  }
  if (names.empty())
    return makeError(ErrorKind::InvalidInput,
                     "'{}' has no tile.host function, so there is nothing to "
                     "run",
                     file);
  if (entry.empty())
    return makeError(ErrorKind::InvalidInput,
                     "'{}' has several host functions; choose one with "
                     "--entry: {}",
                     file, fmt::join(names, ", "));
  return makeError(ErrorKind::InvalidInput,
                   "'{}' has no host function '{}'; it has: {}", file, entry,
                   fmt::join(names, ", "));
}

Expected<std::vector<int64_t>> heddle::orderSizes(const LaunchPlan &plan,
                                                  const NamedSizes &sizes) {
  const std::vector<std::string> &names = plan.sizes;
  std::vector<int64_t> values(names.size(), -1);
  for (const auto &[name, value] : sizes) {
    auto found = std::ranges::find(names, name);
    if (found == names.end())
      return makeError(
          ErrorKind::InvalidInput, "'{}' has no size '{}'{}{}", plan.name, name,
          names.empty() ? "" : "; it has: ", fmt::join(names, ", "));
    values[size_t(found - names.begin())] = value;
  }
  std::string missing;
  for (size_t i = 0; i < names.size(); ++i)
    if (values[i] < 0)
      missing += fmt::format(" --size {}=INT", names[i]);
  if (missing.empty())
    return values;
  return makeError(ErrorKind::InvalidInput,
                   "missing{}; the sizes of '{}' are {}", missing, plan.name,
                   fmt::join(names, ", "));
}
