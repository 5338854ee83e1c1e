/*===- header.c - The header alone, in C99 --------------------------------===*\
|*                                                                            *|
|* Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.        *|
|* See LICENSE for license information.                                       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "heddle-c/Jit.h"

heddle_jit_options useInitializers(heddle_jit_statistics *statistics);

heddle_jit_options useInitializers(heddle_jit_statistics *statistics) {
  heddle_jit_options options = HEDDLE_JIT_OPTIONS_INIT;
  heddle_jit_statistics none = HEDDLE_JIT_STATISTICS_INIT;
  *statistics = none;
  return options;
}
