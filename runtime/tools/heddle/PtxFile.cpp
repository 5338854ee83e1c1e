//===- PtxFile.cpp - What a PTX file has ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/PtxFile.h"

#include "heddle/Runtime/MakeError.h"
#include "package/ReadFile.h"
#include "tools/heddle/LaunchSpec.h"
#include "virtual/ptx/Parser.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace heddle;
using namespace heddle::vgpu;
using Json = nlohmann::ordered_json;

static constexpr size_t maxPtxBytes = size_t(1) << 28;

bool heddle::isPtxName(std::string_view file) { return file.ends_with(".ptx"); }

Expected<PtxFile> heddle::readPtx(const std::string &file) {
  Expected<std::string> text =
      package::readFile(file, maxPtxBytes, "a PTX file");
  if (!text)
    return tl::unexpected(text.error());
  if (text->find_first_not_of(" \t\r\n") == std::string::npos)
    return makeError(ErrorKind::InvalidInput,
                     "'{}' is empty; expected a PTX file", file);
  Expected<PtxModule> module = parsePtx(*text, file);
  if (!module)
    return tl::unexpected(module.error());
  return PtxFile{file, std::move(*text), std::move(*module)};
}

static bool isKernel(const Function &function) {
  return function.isKernel && function.hasBody;
}

/// An array of bytes that is as large and aligned as a tensor map is.
static bool isTensorMap(const Variable &parameter) {
  return parameter.size == sizeof(TensorMap) && parameter.align >= 64;
}

static std::string describeType(const Variable &parameter) {
  if (isTensorMap(parameter))
    return "128 bytes, perhaps a tensor map";
  if (parameter.size * 8 != bits(parameter.type))
    return fmt::format("{} bytes aligned to {}", parameter.size,
                       parameter.align);
  return parameter.size == 8
             ? "8 bytes, perhaps an address"
             : fmt::format("{} bytes{}", parameter.size,
                           isFloat(parameter.type) ? ", a float" : "");
}

std::string heddle::describeKernels(const PtxModule &module) {
  std::string text;
  auto dims = [](Dim3 d) { return fmt::format("{}x{}x{}", d.x, d.y, d.z); };
  for (const Function &function : module.functions) {
    if (!isKernel(function))
      continue;
    text += fmt::format("kernel {}", function.name);
    if (function.requiredThreads.x)
      text +=
          fmt::format(", blocks of {} threads", dims(function.requiredThreads));
    else if (function.maxThreads.x)
      text += fmt::format(", blocks of at most {} threads",
                          dims(function.maxThreads));
    if (function.requiredCluster.x)
      text += fmt::format(", clusters of {}", dims(function.requiredCluster));
    text += "\n";
    for (const Variable &parameter : function.parameters)
      text +=
          fmt::format("  {}: {}\n", parameter.name, describeType(parameter));
  }
  if (text.empty())
    text = "no kernels\n";
  for (const Variable &variable : module.variables)
    if (variable.space == Space::Global || variable.space == Space::Const)
      text +=
          fmt::format("variable {}: {} bytes\n", variable.name, variable.size);
  return text;
}

std::string heddle::formatStarterSpec(const PtxModule &module) {
  Json buffers = Json::object(), launches = Json::array();
  for (const Function &function : module.functions) {
    if (!isKernel(function))
      continue;
    Json arguments = Json::array();
    for (const Variable &parameter : function.parameters) {
      const std::string &name = parameter.name;
      Json buffer = {{"type", "f32"}, {"shape", {1024}}, {"init", "random"}};
      if (isTensorMap(parameter)) {
        buffer["shape"] = {64, 64};
        buffers[name] = std::move(buffer);
        arguments.push_back(
            {{"tensorMap", {{"buffer", name}, {"box", {32, 32}}}}});
      } else if (parameter.size == 8 && bits(parameter.type) == 64 &&
                 !isFloat(parameter.type)) {
        buffers[name] = std::move(buffer);
        arguments.push_back(name);
      } else if (parameter.size * 8 == bits(parameter.type)) {
        arguments.push_back(isFloat(parameter.type) ? Json(1.0) : Json("N"));
      } else {
        arguments.push_back({{"bytes", std::string(parameter.size * 2, '0')}});
      }
    }
    Dim3 block = function.requiredThreads;
    Json launch = {{"kernel", function.name},
                   {"grid", {1, 1, 1}},
                   {"block",
                    {block.x ? block.x : 128, block.x ? block.y : 1,
                     block.x ? block.z : 1}}};
    if (Dim3 cluster = function.requiredCluster; cluster.x) {
      launch["grid"] = {cluster.x, cluster.y, cluster.z};
      launch["cluster"] = {cluster.x, cluster.y, cluster.z};
    }
    launch["sharedBytes"] = 0;
    launch["arguments"] = std::move(arguments);
    launches.push_back(std::move(launch));
  }
  Json spec = {{"sizes", {{"N", 1024}}},
               {"buffers", std::move(buffers)},
               {"launches", std::move(launches)}};
  return spec.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
