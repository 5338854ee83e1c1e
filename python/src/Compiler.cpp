//===- Compiler.cpp - The module heddle._compiler -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Package.h"
#include "heddle/Jit.h"

#include <map>
#include <mutex>
#include <tuple>

using namespace heddle;
using namespace heddle::python;

/// Warnings of the compilation that this thread does: they become Python's when
/// it has the GIL again.
static thread_local std::vector<std::string> warnings;

static JitOptions makeOptions(unsigned optimization, bool assembleCubins) {
  JitOptions options;
  options.optimization = optimization;
  options.assembleCubins = assembleCubins;
  options.warn = [](std::string_view warning) {
    warnings.emplace_back(warning);
  };
  return options;
}

/// One compiler for each set of options, with its memory, for the whole
/// process. Never destroyed, since threads may still compile when it ends.
static Jit &getJit(unsigned optimization = 2, bool assembleCubins = false) {
  static auto *mutex = new std::mutex;
  static auto *jits = new std::map<std::tuple<unsigned, bool>, Jit>;
  std::lock_guard lock(*mutex);
  return jits
      ->try_emplace({optimization, assembleCubins},
                    makeOptions(optimization, assembleCubins))
      .first->second;
}

static PackageRef compile(nb::bytes source, const std::string &name,
                          unsigned optimization, bool cubins) {
  if (optimization > 3)
    refuse("optimization: expected 0 to 3, found {}", optimization);
  warnings.clear();
  Expected<std::shared_ptr<const Package>> package = [&] {
    std::string_view text(source.c_str(), source.size());
    nb::gil_scoped_release release;
    return getJit(optimization, cubins).compile(text, name);
  }();
  for (const std::string &warning : std::exchange(warnings, {}))
    if (PyErr_WarnEx(PyExc_UserWarning, warning.c_str(), 1) < 0)
      throw nb::python_error();
  if (!package)
    raiseCompileError(package.error());
  return {std::move(*package)};
}

static nb::dict getStatistics() {
  JitStatistics statistics = getJit().getStatistics();
  nb::dict result;
  result["memory_hits"] = statistics.memoryHits;
  result["disk_hits"] = statistics.diskHits;
  result["misses"] = statistics.misses;
  result["corrupt_entries"] = statistics.corruptEntries;
  return result;
}

NB_MODULE(_compiler, module) {
  module.def("compile", compile, nb::arg("source"), nb::arg("name"),
             nb::arg("optimization") = 2, nb::arg("cubins") = false);
  module.def("cache_folder", [] { return getJit().getCacheFolder(); });
  module.def("statistics", getStatistics);
}
