//===- JitModule.cpp - Compile modules of the application -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/JitModule.h"

#include "heddle/Runtime/MakeError.h"
#include "lib/Compiler/Diagnostics.h"
#include "lib/Jit/Compile.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace heddle;

/// What is wrong with `module`, or success: only a valid one can be written.
static Expected<void> verifyModule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::SourceMgr sources;
  DiagnosticPrinter diagnostics(sources, module.getContext(), stream);
  if (succeeded(verify(module)))
    return {};
  return tl::unexpected(
      Error{ErrorKind::InvalidInput, StringRef(text).rtrim('\n').str()});
}

// Bytecode is the module in a canonical form, with all of its locations. It
// keeps the caller's context as it is, too: what the compiler needs beside the
// program is registered in one of its own.
Expected<std::shared_ptr<const Package>>
heddle::compile(Jit &jit, ModuleOp module, std::string_view name) {
  if (Expected<void> valid = verifyModule(module); !valid)
    return tl::unexpected(valid.error());
  std::string bytecode;
  llvm::raw_string_ostream stream(bytecode);
  BytecodeWriterConfig config("heddle");
  if (failed(writeBytecodeToFile(module, stream, config)))
    return makeError(ErrorKind::InvalidInput,
                     "'{}' cannot be written as bytecode", name);
  Jit::Impl &impl = jit.getImpl();
  return impl.get("module", name, bytecode,
                  [&] { return compileBytecode(impl, bytecode, name); });
}
