/*===- header.c - The header alone, in C99 --------------------------------===*\
|*                                                                            *|
|* Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.        *|
|* See LICENSE for license information.                                       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "heddle-c/Runtime.h"

size_t useInitializers(void);

size_t useInitializers(void) {
  heddle_array array = HEDDLE_ARRAY_INIT;
  heddle_buffer_info buffer = HEDDLE_BUFFER_INFO_INIT;
  heddle_device_properties properties = HEDDLE_DEVICE_PROPERTIES_INIT;
  heddle_host_array host_array = HEDDLE_HOST_ARRAY_INIT;
  heddle_host_info host = HEDDLE_HOST_INFO_INIT;
  heddle_kernel_info kernel = HEDDLE_KERNEL_INFO_INIT;
  heddle_output_check output = HEDDLE_OUTPUT_CHECK_INIT;
  heddle_package_info package = HEDDLE_PACKAGE_INFO_INIT;
  heddle_size size = HEDDLE_SIZE_INIT;
  return array.struct_size + buffer.struct_size + properties.struct_size +
         host_array.struct_size + host.struct_size + kernel.struct_size +
         output.struct_size + package.struct_size + size.struct_size;
}
