//===- DTypes.cpp - Element types as Python calls them --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DTypes.h"

#include <unordered_map>

using namespace heddle;
using namespace heddle::python;

namespace {
struct TypeName {
  std::string_view name;
  ElementType type;
  bool isUnsigned = false;
  const char *viewAs = nullptr;
};
} // namespace

/// The first name of a type is the one that is printed.
static constexpr TypeName typeNames[] = {
    {"bool", ElementType::I1},
    {"int8", ElementType::I8},
    {"int16", ElementType::I16},
    {"int32", ElementType::I32},
    {"int64", ElementType::I64},
    {"int64", ElementType::Index},
    {"uint8", ElementType::I8, true},
    {"uint16", ElementType::I16, true},
    {"uint32", ElementType::I32, true},
    {"uint64", ElementType::I64, true},
    {"float8_e4m3fn", ElementType::F8E4M3, false, "uint8"},
    {"float8_e5m2", ElementType::F8E5M2, false, "uint8"},
    {"bfloat16", ElementType::BF16, false, "uint16"},
    {"float16", ElementType::F16},
    {"float32", ElementType::F32},
    {"float64", ElementType::F64},
};

static const TypeName *find(std::string_view name) {
  for (const TypeName &row : typeNames)
    if (row.name == name)
      return &row;
  return nullptr;
}

std::string_view heddle::python::getDTypeName(ElementType type) {
  for (const TypeName &row : typeNames)
    if (row.type == type)
      return row.name;
  return heddle::getName(type);
}

ElementType heddle::python::getElementType(nb::handle dtype) {
  // "<class 'numpy.float32'>" has its name elsewhere; "torch.bfloat16" is a
  // name in a module.
  std::string name =
      nb::hasattr(dtype, "__name__")
          ? nb::cast<std::string>(nb::str(dtype.attr("__name__")))
          : nb::cast<std::string>(nb::str(dtype));
  if (name.starts_with("torch."))
    name.erase(0, name.find('.') + 1);
  if (const TypeName *row = find(name))
    return row->type;
  if (std::optional<ElementType> type = parseElementType(name))
    return *type;
  std::string names;
  for (const TypeName &row : typeNames)
    if (!row.isUnsigned && row.type != ElementType::Index)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  refuse("expected one of the types {}, found '{}'", names, name);
}

static std::optional<ArrayType> readArrayType(nb::handle dtype) {
  if (!nb::cast<bool>(dtype.attr("isnative")))
    return std::nullopt;
  const TypeName *row = find(nb::cast<std::string>(dtype.attr("name")));
  if (!row)
    return std::nullopt;
  return ArrayType{row->type, row->isUnsigned, row->viewAs};
}

std::optional<ArrayType> heddle::python::getArrayType(nb::handle dtype) {
  // NumPy computes names anew each time. It has one object for each type that
  // matters; others that are equal need not be remembered.
  constexpr size_t rememberedTypes = 64;
  static auto *known = new std::unordered_map<PyObject *, ArrayType>;
  if (auto found = known->find(dtype.ptr()); found != known->end())
    return found->second;
  std::optional<ArrayType> type = readArrayType(dtype);
  if (type && known->size() < rememberedTypes)
    known->emplace(nb::borrow(dtype).release().ptr(), *type);
  return type;
}

bool heddle::python::isCarrierOf(ElementType found, ElementType wanted) {
  switch (wanted) {
  case ElementType::BF16:
    return found == ElementType::I16;
  case ElementType::F8E4M3:
  case ElementType::F8E5M2:
    return found == ElementType::I8;
  default:
    return false;
  }
}

std::string heddle::python::describeExpected(ElementType type) {
  std::string_view name = getDTypeName(type);
  const TypeName *row = find(name);
  if (row && row->viewAs)
    return fmt::format("{} (ml_dtypes.{}, or {} with the same bits)", name,
                       name, row->viewAs);
  return std::string(name);
}
