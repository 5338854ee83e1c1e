//===- TestProgram.h - A program in a test ----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_LIB_REFERENCE_TESTPROGRAM_H
#define HEDDLE_TEST_LIB_REFERENCE_TESTPROGRAM_H

#include "lib/Reference/Translate.h"
#include "mlir/Parser/Parser.h"
#include "runtime/reference/Run.h"

#include <gtest/gtest.h>

namespace heddle::reference {

/// Parses a program and runs its only host function; collects what is said.
class TestProgram {
public:
  explicit TestProgram(const std::string &text)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          message += diagnostic.str() + '\n';
          return mlir::success();
        }) {
    mlir::DialectRegistry registry;
    registry.insert<tile::TileDialect, mlir::arith::ArithDialect,
                    mlir::gpu::GPUDialect, mlir::math::MathDialect,
                    mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                    mlir::tensor::TensorDialect>();
    context.appendDialectRegistry(registry);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << message;
  }

  /// The program as a package has it.
  std::optional<Program> translate() {
    mlir::FailureOr<Program> program = translateProgram(*module);
    if (failed(program))
      return std::nullopt;
    std::string text = program->serialize();
    Expected<Program> parsed =
        Program::parse(std::as_bytes(std::span(text)), "test");
    if (!parsed) {
      message += parsed.error().message;
      return std::nullopt;
    }
    return std::move(*parsed);
  }

  /// Runs on inputs given as doubles; buffers without one are left unwritten.
  bool run(llvm::ArrayRef<int64_t> sizes,
           const std::vector<std::vector<double>> &inputs,
           Precision precision = Precision::Storage) {
    std::optional<Program> program = translate();
    if (!program)
      return false;
    const Function &host = **program->findHost("");
    buffers.clear();
    for (size_t i = 0; i < host.buffers.size(); ++i) {
      NumberType type =
          program->types[host.valueTypes[host.sizes.size() + i]].element;
      buffers.push_back(
          Buffer::makePoison(type, getBufferShape(*program, host, i, sizes)));
      if (i >= inputs.size())
        continue;
      for (size_t j = 0; j < inputs[i].size(); ++j)
        buffers[i].elements[j] = type.isFloat()
                                     ? makeFloat(inputs[i][j])
                                     : makeInt(uint64_t(int64_t(inputs[i][j])) &
                                               getMask(type.width));
    }
    Options options;
    options.precision = precision;
    options.threads = 2;
    Expected<void> ran = runHost(*program, host, sizes, buffers, options);
    if (!ran)
      message += ran.error().message;
    return bool(ran);
  }

  /// The elements of a buffer.
  std::vector<double> get(unsigned i) const {
    std::vector<double> result;
    NumberType type = buffers[i].elementType;
    for (Element element : buffers[i].elements)
      result.push_back(type.isFloat()
                           ? element.f
                           : double(signExtend(element.i, type.width)));
    return result;
  }

  mlir::MLIRContext context;
  std::string message;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Buffer> buffers;
};

/// A program of one block that turns tile `%x` of `shape` elements of type
/// `from` into tile `%y` of type `to`, with `body` in between.
inline std::string makeTileProgram(const std::string &shape,
                                   const std::string &from,
                                   const std::string &to,
                                   const std::string &body) {
  auto memref = [&](const std::string &type) {
    return "memref<" + shape + "x" + type + ">";
  };
  size_t rank = 1 + std::count(shape.begin(), shape.end(), 'x');
  std::string zeros = "%zero";
  for (size_t i = 1; i < rank; ++i)
    zeros += ", %zero";
  return "tile.kernel @k(%X: " + memref(from) + ", %Y: " + memref(to) +
         ") {\n  %zero = arith.constant 0 : index\n  %x = tile.load %X[" +
         zeros + "] : " + memref(from) + " -> tensor<" + shape + "x" + from +
         ">\n" + body + "\n  tile.store %y, %Y[" + zeros + "] : tensor<" +
         shape + "x" + to + ">, " + memref(to) +
         "\n}\ntile.host @h(%X: " + memref(from) + ", out %Y: " + memref(to) +
         ") {\n  %one = arith.constant 1 : index\n"
         "  tile.launch @k grid(%one) args(%X, %Y) : " +
         memref(from) + ", " + memref(to) + "\n}\n";
}

} // namespace heddle::reference

#endif // HEDDLE_TEST_LIB_REFERENCE_TESTPROGRAM_H
