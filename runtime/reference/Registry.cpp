//===- Registry.cpp - What the reference knows of each operation ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Registry.h"

using namespace heddle::reference;

const Registry &Registry::get() {
  static const Registry registry = [] {
    Registry all;
    addControlOps(all);
    addConversionOps(all);
    addDotOps(all);
    addFloatOps(all);
    addIntegerOps(all);
    addInverseOps(all);
    addLaunchOps(all);
    addMemoryOps(all);
    addReduceOps(all);
    addScanOps(all);
    addShapeOps(all);
    addSliceOps(all);
    return all;
  }();
  return registry;
}

void Registry::add(Definition definition) {
  std::string name = definition.name;
  definitions.emplace(std::move(name), std::move(definition));
}

const Definition *Registry::find(std::string_view name) const {
  auto found = definitions.find(name);
  return found == definitions.end() ? nullptr : &found->second;
}
