/*===- Jit.h - The JIT for hosts in C -----------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.        *|
|* See LICENSE for license information.                                       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface of libheddle-compiler: programs become packages while the  *|
|* application runs, and those run as heddle-c/Runtime.h says. What is said   *|
|* there of errors, ownership, threads and versions is true here.             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef HEDDLE_C_JIT_H
#define HEDDLE_C_JIT_H

#include "heddle-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiler and what it remembers. */
typedef struct heddle_jit heddle_jit;

typedef struct heddle_jit_options {
  size_t struct_size;
  /* The folder that keeps packages for later processes. NULL stands for
     $HEDDLE_CACHE_DIR, else $XDG_CACHE_HOME/heddle, else ~/.cache/heddle; ""
     keeps nothing on disk. */
  const char *cache_folder;
  /* What the files in it may take together. */
  uint64_t cache_bytes;
  /* How many packages are kept in memory. */
  size_t memory_entries;
  /* Not 0: adds machine code to packages where ptxas is installed. */
  int32_t assemble_cubins;
  /* 0 to 3. */
  uint32_t optimization;
  /* Called with each warning, from the thread that causes it. NULL stands for
     the standard error. Both must be valid as long as the heddle_jit. */
  void (*warn)(const char *warning, void *context);
  void *warn_context;
} heddle_jit_options;

/* What no options stand for. */
#define HEDDLE_JIT_OPTIONS_INIT                                                \
  {sizeof(heddle_jit_options), NULL, (uint64_t)1 << 30, 256, 0, 2, NULL, NULL}

/* `options` may be NULL. */
HEDDLE_API heddle_error *heddle_jit_create(const heddle_jit_options *options,
                                           heddle_jit **jit);
/* What was compiled stays. */
HEDDLE_API void heddle_jit_free(heddle_jit *jit);

/* Compiles the text of a program, of `size` bytes. `name` is what messages call
   it, usually a file name. The message of an error has all diagnostics. */
HEDDLE_API heddle_error *heddle_jit_compile(heddle_jit *jit, const char *source,
                                            size_t size, const char *name,
                                            heddle_package **package);
/* Compiles a file. */
HEDDLE_API heddle_error *heddle_jit_compile_file(heddle_jit *jit,
                                                 const char *path,
                                                 heddle_package **package);

typedef struct heddle_jit_statistics {
  size_t struct_size;
  /* Programs that were found in memory and on disk, and that were compiled. */
  uint64_t memory_hits;
  uint64_t disk_hits;
  uint64_t misses;
  /* Files that were not as they were written, and were replaced. */
  uint64_t corrupt_entries;
} heddle_jit_statistics;

#define HEDDLE_JIT_STATISTICS_INIT {sizeof(heddle_jit_statistics), 0, 0, 0, 0}

/* Fills in `statistics`, of which struct_size is set. */
HEDDLE_API heddle_error *
heddle_jit_get_statistics(const heddle_jit *jit,
                          heddle_jit_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif /* HEDDLE_C_JIT_H */
