//===- CApi.cpp - The JIT in C --------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle-c/Jit.h"
#include "heddle/Jit.h"
#include "heddle/Runtime/MakeError.h"
#include "runtime/c-api/Handles.h"

using namespace heddle;
using namespace heddle::capi;

struct heddle_jit {
  explicit heddle_jit(JitOptions options) : jit(std::move(options)) {}
  Jit jit;
};

static Expected<JitOptions> readOptions(const heddle_jit_options *given) {
  JitOptions options;
  if (!given)
    return options;
  Expected<heddle_jit_options> read = readStruct(given, 0);
  if (!read)
    return tl::unexpected(read.error());
  if (read->optimization > 3)
    return makeError(ErrorKind::InvalidInput,
                     "expected an optimization of 0 to 3, found {}",
                     read->optimization);
  if (read->cache_folder)
    options.cacheFolder = read->cache_folder;
  options.cacheBytes = read->cache_bytes;
  options.memoryEntries = read->memory_entries;
  options.assembleCubins = read->assemble_cubins != 0;
  options.optimization = read->optimization;
  if (read->warn)
    options.warn = [warn = read->warn,
                    context = read->warn_context](std::string_view warning) {
      warn(std::string(warning).c_str(), context);
    };
  return options;
}

heddle_error *heddle_jit_create(const heddle_jit_options *options,
                                heddle_jit **jit) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"jit", jit}}); !valid)
      return valid;
    Expected<JitOptions> read = readOptions(options);
    if (!read)
      return tl::unexpected(read.error());
    *jit = new heddle_jit(std::move(*read));
    return {};
  });
}

void heddle_jit_free(heddle_jit *jit) { delete jit; }

/// Hands a package over to the caller.
static Expected<void> give(Expected<std::shared_ptr<const Package>> compiled,
                           heddle_package **package) {
  if (!compiled)
    return tl::unexpected(compiled.error());
  *package = new heddle_package{std::move(*compiled)};
  return {};
}

heddle_error *heddle_jit_compile(heddle_jit *jit, const char *source,
                                 size_t size, const char *name,
                                 heddle_package **package) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"jit", jit},
                              {"source", source},
                              {"name", name},
                              {"package", package}});
        !valid)
      return valid;
    return give(jit->jit.compile({source, size}, name), package);
  });
}

heddle_error *heddle_jit_compile_file(heddle_jit *jit, const char *path,
                                      heddle_package **package) {
  return guard([&]() -> Expected<void> {
    if (auto valid =
            require({{"jit", jit}, {"path", path}, {"package", package}});
        !valid)
      return valid;
    return give(jit->jit.compileFile(path), package);
  });
}

heddle_error *heddle_jit_get_statistics(const heddle_jit *jit,
                                        heddle_jit_statistics *statistics) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"jit", jit}, {"statistics", statistics}});
        !valid)
      return valid;
    JitStatistics known = jit->jit.getStatistics();
    heddle_jit_statistics result = HEDDLE_JIT_STATISTICS_INIT;
    result.memory_hits = known.memoryHits;
    result.disk_hits = known.diskHits;
    result.misses = known.misses;
    result.corrupt_entries = known.corruptEntries;
    return writeStruct(statistics, result);
  });
}
