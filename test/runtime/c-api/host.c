/*===- host.c - A host application in C99 ---------------------------------===*\
|*                                                                            *|
|* Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.        *|
|* See LICENSE for license information.                                       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* host DEVICE FILE.heddle: doubles an array with the package's host function
   `scale[N](inout x: N of f32)`, and says what went wrong otherwise. */

#include "heddle-c/Runtime.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT 1000

/* Ends the program if there is an error. */
static void check(heddle_error *error) {
  if (!error)
    return;
  fprintf(stderr, "host: %s\n", heddle_error_message(error));
  exit(heddle_error_kind(error) == HEDDLE_FAULT ? 1 : 2);
}

int main(int argc, char **argv) {
  static float values[COUNT];
  const int64_t shape[] = {COUNT};
  heddle_device_properties properties = HEDDLE_DEVICE_PROPERTIES_INIT;
  heddle_device *device = NULL;
  heddle_package *package = NULL;
  heddle_executable *executable = NULL;
  heddle_stream *stream = NULL;
  heddle_event *begin = NULL, *end = NULL;
  heddle_array x = HEDDLE_ARRAY_INIT;
  double milliseconds = 0;
  int i = 0;

  if (argc != 3) {
    fprintf(stderr, "usage: host DEVICE FILE.heddle\n");
    return 2;
  }
  if (heddle_abi_version() != HEDDLE_ABI_VERSION) {
    fprintf(stderr,
            "host: expected version %d of the runtime's interface, "
            "found %u\n",
            HEDDLE_ABI_VERSION, (unsigned)heddle_abi_version());
    return 2;
  }
  check(heddle_device_open(argv[1], &device));
  check(heddle_device_get_properties(device, &properties));
  check(heddle_package_open(argv[2], &package));
  check(heddle_executable_load(device, package, &executable));
  heddle_package_free(package);
  check(heddle_stream_create(device, &stream));
  check(heddle_event_create(device, &begin));
  check(heddle_event_create(device, &end));

  for (i = 0; i < COUNT; ++i)
    values[i] = (float)i;
  x.name = "x";
  x.type = HEDDLE_F32;
  x.rank = 1;
  x.shape = shape;
  check(heddle_allocate(device, sizeof(values), &x.address));
  check(heddle_copy_to_device(device, x.address, values, sizeof(values), NULL));
  check(heddle_event_record(begin, stream));
  check(heddle_executable_call(executable, "scale", &x, 1, NULL, 0, stream));
  check(heddle_event_record(end, stream));
  check(heddle_stream_synchronize(stream));
  check(heddle_event_elapsed(begin, end, &milliseconds));
  check(heddle_copy_to_host(device, values, x.address, sizeof(values), NULL));
  check(heddle_free(device, x.address));

  heddle_event_free(begin);
  heddle_event_free(end);
  heddle_stream_free(stream);
  heddle_executable_free(executable);
  for (i = 0; i < COUNT; ++i)
    if (values[i] != 2 * (float)i) {
      fprintf(stderr, "host: expected %d, found %g at %d\n", 2 * i, values[i],
              i);
      return 1;
    }
  printf("%s: doubled %d numbers in %.3f ms\n", properties.name, COUNT,
         milliseconds);
  heddle_device_close(device);
  return 0;
}
