//===- Errors.cpp - Errors of the runtime as exceptions -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

using namespace heddle;
using namespace heddle::python;

static nb::object getClass(const char *name) {
  return nb::module_::import_("heddle._errors").attr(name);
}

/// What messages quote of a program need not be UTF-8.
static nb::object decode(const std::string &text) {
  return nb::steal(
      PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), "replace"));
}

[[noreturn]] static void raise(const char *className, const Error &error) {
  nb::object type = getClass(className);
  PyErr_SetObject(type.ptr(), decode(error.message).ptr());
  throw nb::python_error();
}

static const char *getClassName(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::InvalidInput:
    return "InputError";
  case ErrorKind::Fault:
    return "FaultError";
  case ErrorKind::Unavailable:
    return "UnavailableError";
  }
  return "Error";
}

void heddle::python::raise(const Error &error) {
  ::raise(getClassName(error.kind), error);
}

void heddle::python::raiseCompileError(const Error &error) {
  ::raise(error.kind == ErrorKind::InvalidInput ? "CompileError"
                                                : getClassName(error.kind),
          error);
}

void heddle::python::refuseFromCurrent(const std::string &prefix) {
  nb::python_error cause;
  std::string text = nb::cast<std::string>(nb::str(cause.value()));
  nb::object exception =
      getClass("InputError")(decode(fmt::format("{}{}", prefix, text)));
  exception.attr("__cause__") = cause.value();
  PyErr_SetObject(getClass("InputError").ptr(), exception.ptr());
  throw nb::python_error();
}
