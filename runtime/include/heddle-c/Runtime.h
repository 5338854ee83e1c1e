/*===- Runtime.h - The runtime for hosts in C ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.        *|
|* See LICENSE for license information.                                       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface of libheddle-runtime: devices, packages and calls.         *|
|*                                                                            *|
|* Errors. A function that can fail returns NULL on success and else an       *|
|* error, which the caller frees with heddle_error_free. Results go through   *|
|* the last argument, which is untouched on failure. A NULL argument is an    *|
|* error unless its description says that it may be NULL. No C++ exception    *|
|* leaves a function.                                                         *|
|*                                                                            *|
|* Ownership. What a function creates belongs to the caller until it is       *|
|* passed to the function that ends it; that takes NULL, too, and does        *|
|* nothing then. An object keeps alive what it was made from: the order in    *|
|* which objects end does not matter. Memory is not an object: it ends with   *|
|* heddle_free or with the last object of its device. Texts that a function   *|
|* returns live as long as the object that was asked, and end with a null     *|
|* byte. Nothing that the caller passes is kept after the call, unless the    *|
|* function says so.                                                          *|
|*                                                                            *|
|* Threads. Every function is safe to call from several threads at a time,    *|
|* other than to end an object that another thread uses.                      *|
|*                                                                            *|
|* Versions. Whoever fills in a structure sets struct_size to its size, as    *|
|* the HEDDLE_..._INIT macros do. Later versions append members and never     *|
|* change what is here as long as heddle_abi_version stays the same.          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef HEDDLE_C_RUNTIME_H
#define HEDDLE_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HEDDLE_API __attribute__((visibility("default")))
#else
#define HEDDLE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -- Versions ------------------------------------------------------------- */

/* The version of this interface that the header describes. */
#define HEDDLE_ABI_VERSION 1

/* The version of the interface that the library has. */
HEDDLE_API uint32_t heddle_abi_version(void);
/* The version of the library, "0.1.0". */
HEDDLE_API const char *heddle_version(void);

/* -- Errors --------------------------------------------------------------- */

typedef struct heddle_error heddle_error;

typedef enum heddle_error_kind_t {
  /* The caller's input is wrong: a file, a shape, an argument, a program. */
  HEDDLE_INVALID_INPUT = 1,
  /* The program did something illegal while it ran. */
  HEDDLE_FAULT = 2,
  /* A resource is missing: memory, a driver, a device. */
  HEDDLE_UNAVAILABLE = 3
} heddle_error_kind_t;

/* `error` may be NULL, which is success: kind 0 and an empty message. */
HEDDLE_API int32_t heddle_error_kind(const heddle_error *error);
HEDDLE_API const char *heddle_error_message(const heddle_error *error);
HEDDLE_API void heddle_error_free(heddle_error *error);

/* -- Devices -------------------------------------------------------------- */

typedef struct heddle_device heddle_device;
typedef struct heddle_stream heddle_stream;
typedef struct heddle_event heddle_event;

/* Opens "virtual", "virtual:N", "cuda", "cuda:N", or with "auto" the first CUDA
   device if there is one and else a virtual one. */
HEDDLE_API heddle_error *heddle_device_open(const char *name,
                                            heddle_device **device);
HEDDLE_API void heddle_device_close(heddle_device *device);

typedef struct heddle_device_properties {
  size_t struct_size;
  const char *name;
  /* Not a GPU but a virtual one, whose times say nothing of a GPU. */
  int32_t is_virtual;
  /* The N in "cuda:N". */
  int32_t ordinal;
  /* The compute capability times 10. */
  int32_t sm_arch;
  /* As CUDA counts it, 13000 for 13.0; 0 without a driver. */
  int32_t driver_version;
  uint32_t multiprocessors;
  uint32_t max_shared_bytes_per_block;
  uint64_t memory_bytes;
  uint64_t l2_bytes;
} heddle_device_properties;

#define HEDDLE_DEVICE_PROPERTIES_INIT                                          \
  {sizeof(heddle_device_properties), NULL, 0, 0, 0, 0, 0, 0, 0, 0}

/* Fills in `properties`, of which struct_size is set. */
HEDDLE_API heddle_error *
heddle_device_get_properties(const heddle_device *device,
                             heddle_device_properties *properties);
/* Waits until all work in the default stream is done. */
HEDDLE_API heddle_error *heddle_device_synchronize(heddle_device *device);

/* -- Memory --------------------------------------------------------------- */

/* Allocates at least 1 byte, aligned to 256 bytes, with undefined contents. */
HEDDLE_API heddle_error *heddle_allocate(heddle_device *device, size_t bytes,
                                         uint64_t *address);
/* Waits for work that uses the memory. */
HEDDLE_API heddle_error *heddle_free(heddle_device *device, uint64_t address);

/* `stream` may be NULL: then the copy is done when the call returns. With a
   stream, host memory must stay as it is until the work is done. Host pointers
   may be NULL if `bytes` is 0. */
HEDDLE_API heddle_error *heddle_copy_to_device(heddle_device *device,
                                               uint64_t to, const void *from,
                                               size_t bytes,
                                               heddle_stream *stream);
HEDDLE_API heddle_error *heddle_copy_to_host(heddle_device *device, void *to,
                                             uint64_t from, size_t bytes,
                                             heddle_stream *stream);
/* Sets every byte to `value`. `stream` may be NULL. */
HEDDLE_API heddle_error *heddle_fill(heddle_device *device, uint64_t to,
                                     uint8_t value, size_t bytes,
                                     heddle_stream *stream);

/* Lets kernels of a virtual device use host memory where it is, at the address
   that is returned, until it is unregistered as often as it was registered; an
   error on a CUDA device. The memory must stay until then. The same memory has
   the same address each time. */
HEDDLE_API heddle_error *heddle_register_host_memory(heddle_device *device,
                                                     void *host, size_t bytes,
                                                     uint64_t *address);
HEDDLE_API heddle_error *heddle_unregister_host_memory(heddle_device *device,
                                                       uint64_t address,
                                                       size_t bytes);
/* Where the host finds memory of a virtual device; an error on a CUDA device.
 */
HEDDLE_API heddle_error *heddle_get_host_pointer(heddle_device *device,
                                                 uint64_t address, size_t bytes,
                                                 void **host);

/* -- Streams and events --------------------------------------------------- */

/* Wherever a stream may be NULL, that is the device's default stream. */
HEDDLE_API heddle_error *heddle_stream_create(heddle_device *device,
                                              heddle_stream **stream);
/* Uses a CUstream of the device's primary context, which stays the caller's. */
HEDDLE_API heddle_error *heddle_stream_adopt(heddle_device *device,
                                             void *native,
                                             heddle_stream **stream);
/* The CUstream, or NULL on a virtual device. */
HEDDLE_API void *heddle_stream_get_native(const heddle_stream *stream);
HEDDLE_API heddle_error *heddle_stream_synchronize(heddle_stream *stream);
/* Later work in the stream waits for `event`. */
HEDDLE_API heddle_error *heddle_stream_wait(heddle_stream *stream,
                                            heddle_event *event);
HEDDLE_API void heddle_stream_free(heddle_stream *stream);

HEDDLE_API heddle_error *heddle_event_create(heddle_device *device,
                                             heddle_event **event);
/* `stream` may be NULL. */
HEDDLE_API heddle_error *heddle_event_record(heddle_event *event,
                                             heddle_stream *stream);
HEDDLE_API heddle_error *heddle_event_synchronize(heddle_event *event);
/* The time from one event to another, both of which have passed. */
HEDDLE_API heddle_error *heddle_event_elapsed(heddle_event *from,
                                              heddle_event *to,
                                              double *milliseconds);
HEDDLE_API void heddle_event_free(heddle_event *event);

/* -- Arrays --------------------------------------------------------------- */

/* Types of elements. */
typedef enum heddle_type {
  HEDDLE_I1 = 0, /* One byte each, 0 or 1. */
  HEDDLE_I8 = 1,
  HEDDLE_I16 = 2,
  HEDDLE_I32 = 3,
  HEDDLE_I64 = 4,
  HEDDLE_INDEX = 5, /* The same as HEDDLE_I64 in memory. */
  HEDDLE_F8E4M3 = 6,
  HEDDLE_F8E5M2 = 7,
  HEDDLE_BF16 = 8,
  HEDDLE_F16 = 9,
  HEDDLE_F32 = 10,
  HEDDLE_F64 = 11
} heddle_type;

/* What is done with a buffer. */
typedef enum heddle_access {
  HEDDLE_IN = 0,
  HEDDLE_OUT = 1,
  HEDDLE_IN_OUT = 2
} heddle_access;

/* An array in a device's memory. */
typedef struct heddle_array {
  size_t struct_size;
  /* What the host function calls it; NULL where no name is needed. */
  const char *name;
  int32_t type; /* A heddle_type. */
  int32_t rank;
  uint64_t address;
  /* `rank` extents; may be NULL if `rank` is 0. */
  const int64_t *shape;
  /* `rank` strides in elements; NULL means dense and row-major. */
  const int64_t *strides;
  /* Not 0: must not be written. */
  int32_t is_read_only;
} heddle_array;

#define HEDDLE_ARRAY_INIT {sizeof(heddle_array), NULL, 0, 0, 0, NULL, NULL, 0}

/* A dense row-major array in host memory. */
typedef struct heddle_host_array {
  size_t struct_size;
  const char *name;
  int32_t type; /* A heddle_type. */
  int32_t rank;
  const int64_t *shape;
  const void *data;
} heddle_host_array;

#define HEDDLE_HOST_ARRAY_INIT                                                 \
  {sizeof(heddle_host_array), NULL, 0, 0, NULL, NULL}

/* The value of one of a host function's sizes. */
typedef struct heddle_size {
  size_t struct_size;
  const char *name;
  int64_t value;
} heddle_size;

#define HEDDLE_SIZE_INIT {sizeof(heddle_size), NULL, 0}

/* The size of an element in bytes, or 0 if `type` is no heddle_type. */
HEDDLE_API size_t heddle_type_bytes(int32_t type);
/* What programs call it, "bf16", or NULL if `type` is no heddle_type. */
HEDDLE_API const char *heddle_type_name(int32_t type);

/* -- Packages ------------------------------------------------------------- */

typedef struct heddle_package heddle_package;

/* Opens a file, or takes a copy of the bytes of one; `name` is what messages
   call it. */
HEDDLE_API heddle_error *heddle_package_open(const char *path,
                                             heddle_package **package);
HEDDLE_API heddle_error *heddle_package_parse(const void *bytes, size_t size,
                                              const char *name,
                                              heddle_package **package);
HEDDLE_API void heddle_package_free(heddle_package *package);

typedef struct heddle_package_info {
  size_t struct_size;
  const char *name;
  const char *producer;
  /* "sm_90a". */
  const char *target;
  size_t host_count;
  size_t kernel_count;
  /* Whether heddle_reference_open will find something. */
  int32_t has_reference;
} heddle_package_info;

#define HEDDLE_PACKAGE_INFO_INIT                                               \
  {sizeof(heddle_package_info), NULL, NULL, NULL, 0, 0, 0}

/* A host function. */
typedef struct heddle_host_info {
  size_t struct_size;
  const char *name;
  size_t size_count;
  size_t buffer_count;
} heddle_host_info;

#define HEDDLE_HOST_INFO_INIT {sizeof(heddle_host_info), NULL, 0, 0}

/* A buffer of a host function. */
typedef struct heddle_buffer_info {
  size_t struct_size;
  const char *name;
  int32_t type;   /* A heddle_type. */
  int32_t access; /* A heddle_access. */
  int32_t rank;
} heddle_buffer_info;

#define HEDDLE_BUFFER_INFO_INIT {sizeof(heddle_buffer_info), NULL, 0, 0, 0}

typedef struct heddle_kernel_info {
  size_t struct_size;
  const char *name;
  /* Where the author wrote it, "file:line", or empty. */
  const char *location;
  uint32_t threads;
  uint32_t shared_bytes;
  /* What the assembler said; 0 where it was not asked. */
  uint32_t registers;
  uint32_t spill_bytes;
} heddle_kernel_info;

#define HEDDLE_KERNEL_INFO_INIT                                                \
  {sizeof(heddle_kernel_info), NULL, NULL, 0, 0, 0, 0}

/* Each fills in `info`, of which struct_size is set. A number that is too large
   is an error. */
HEDDLE_API heddle_error *heddle_package_get_info(const heddle_package *package,
                                                 heddle_package_info *info);
HEDDLE_API heddle_error *heddle_package_get_host(const heddle_package *package,
                                                 size_t host,
                                                 heddle_host_info *info);
HEDDLE_API heddle_error *
heddle_package_get_buffer(const heddle_package *package, size_t host,
                          size_t buffer, heddle_buffer_info *info);
HEDDLE_API heddle_error *
heddle_package_get_kernel(const heddle_package *package, size_t kernel,
                          heddle_kernel_info *info);
/* The name of a size. */
HEDDLE_API heddle_error *heddle_package_get_size(const heddle_package *package,
                                                 size_t host, size_t size,
                                                 const char **name);
/* The extent of a buffer in one dimension: its size's name, and -1; or NULL,
   and the extent if that is a constant. */
HEDDLE_API heddle_error *
heddle_package_get_extent(const heddle_package *package, size_t host,
                          size_t buffer, int32_t dimension, const char **size,
                          int64_t *extent);

/* -- Executables ---------------------------------------------------------- */

typedef struct heddle_executable heddle_executable;

HEDDLE_API heddle_error *heddle_executable_load(heddle_device *device,
                                                const heddle_package *package,
                                                heddle_executable **executable);
/* Waits for the device: the code that calls run ends with their executable. */
HEDDLE_API void heddle_executable_free(heddle_executable *executable);

/* Calls the host function `host`, or the only one if that is NULL or empty.
   Every buffer must be among `arrays` once, in any order, dense, of the
   declared type and rank. Sizes follow from the shapes; those that do not must
   be among `sizes`, and others may. A buffer that is written must share no
   memory with another. `arrays` and `sizes` may be NULL if there are none, and
   `stream` may be NULL. The call may return before the work is done; an error
   of the work is then reported by a later call. */
HEDDLE_API heddle_error *
heddle_executable_call(heddle_executable *executable, const char *host,
                       const heddle_array *arrays, size_t array_count,
                       const heddle_size *sizes, size_t size_count,
                       heddle_stream *stream);

/* -- DLPack --------------------------------------------------------------- */

/* As any dlpack.h defines them. */
struct DLManagedTensor;
struct DLManagedTensorVersioned;

/* A tensor of another library in use. */
typedef struct heddle_imported heddle_imported;

/* Uses a tensor without copying it: memory of the same CUDA device on a CUDA
   device, and host memory on a virtual device. On success the tensor belongs to
   `imported`, whose end calls its deleter; on failure it stays the caller's. */
HEDDLE_API heddle_error *
heddle_import_dlpack(heddle_device *device,
                     struct DLManagedTensorVersioned *tensor,
                     heddle_imported **imported);
HEDDLE_API heddle_error *
heddle_import_dlpack_unversioned(heddle_device *device,
                                 struct DLManagedTensor *tensor,
                                 heddle_imported **imported);
/* The array, without a name; it ends with `imported`. struct_size is set. */
HEDDLE_API heddle_error *
heddle_imported_get_array(const heddle_imported *imported, heddle_array *array);
/* Work that uses the array must be done. */
HEDDLE_API void heddle_imported_free(heddle_imported *imported);

/* Makes a tensor of a dense array, which its receiver ends by its deleter. That
   calls `release` with `context`; if `release` is NULL, it frees the array's
   address, which must be an allocation and now belongs to the tensor. Nothing
   is released on failure. On a virtual device, the tensor is in host memory. */
HEDDLE_API heddle_error *
heddle_export_dlpack(heddle_device *device, const heddle_array *array,
                     void (*release)(void *context), void *context,
                     struct DLManagedTensorVersioned **tensor);
HEDDLE_API heddle_error *
heddle_export_dlpack_unversioned(heddle_device *device,
                                 const heddle_array *array,
                                 void (*release)(void *context), void *context,
                                 struct DLManagedTensor **tensor);

/* -- Reference semantics -------------------------------------------------- */

/* What a package's program means, computed on the CPU. */
typedef struct heddle_reference heddle_reference;
/* How results compare with it. */
typedef struct heddle_check heddle_check;

/* An error if the package has none. */
HEDDLE_API heddle_error *heddle_reference_open(const heddle_package *package,
                                               heddle_reference **reference);
HEDDLE_API void heddle_reference_free(heddle_reference *reference);

/* Compares the results of a call with the reference. `before` has the buffers
   that the host function reads, as they were before the call, and `after` those
   that it writes, as they are after. Wrong results are no error. */
HEDDLE_API heddle_error *
heddle_reference_check(const heddle_reference *reference, const char *host,
                       const heddle_host_array *before, size_t before_count,
                       const heddle_host_array *after, size_t after_count,
                       const heddle_size *sizes, size_t size_count,
                       heddle_check **check);

typedef struct heddle_output_check {
  size_t struct_size;
  const char *name;
  /* What `heddle run --check` prints, with newlines. */
  const char *text;
  int64_t compared;
  int64_t wrong;
  /* Elements that the program never writes, which are not compared. */
  int64_t unwritten;
  double max_abs_error;
  double max_rel_error;
  int32_t passed;
} heddle_output_check;

#define HEDDLE_OUTPUT_CHECK_INIT                                               \
  {sizeof(heddle_output_check), NULL, NULL, 0, 0, 0, 0, 0, 0}

/* Whether all outputs are right, 0 or 1, and how many there are; 0 if `check`
   is NULL. */
HEDDLE_API int32_t heddle_check_passed(const heddle_check *check);
HEDDLE_API size_t heddle_check_count(const heddle_check *check);
/* Fills in `info`, of which struct_size is set. */
HEDDLE_API heddle_error *heddle_check_get_output(const heddle_check *check,
                                                 size_t output,
                                                 heddle_output_check *info);
HEDDLE_API void heddle_check_free(heddle_check *check);

#ifdef __cplusplus
}
#endif

#endif /* HEDDLE_C_RUNTIME_H */
