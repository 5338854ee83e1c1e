//===- Cubin.cpp - Machine code through ptxas -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Cubin.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace heddle;

static constexpr llvm::StringLiteral usualPlace = "/usr/local/cuda/bin";

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<std::string> heddle::findPtxas() {
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  llvm::SmallVector<llvm::StringRef> places;
  llvm::SmallString<128> home;
  if (auto variable = llvm::sys::Process::GetEnv("CUDA_HOME")) {
    home = *variable;
    llvm::sys::path::append(home, "bin");
    places.push_back(home);
  }
  places.push_back(usualPlace);
  if (auto path = llvm::sys::findProgramByName("ptxas", places))
    return *path;
  return makeError("cannot find ptxas in $PATH, in $CUDA_HOME/bin or in " +
                   usualPlace +
                   "; it is part of the CUDA toolkit, and the virtual GPU "
                   "does not need it");
}

void heddle::parsePtxasMessages(llvm::StringRef messages, Cubin &cubin) {
  static const llvm::Regex entry("Compiling entry function '([^']+)'");
  static const llvm::Regex registers("Used ([0-9]+) registers");
  static const llvm::Regex barriers("used ([0-9]+) barriers");
  static const llvm::Regex shared("([0-9]+) bytes smem");
  static const llvm::Regex spills("([0-9]+) bytes stack frame, ([0-9]+) bytes "
                                  "spill stores, ([0-9]+) bytes spill loads");
  auto number = [](llvm::StringRef text) {
    unsigned value = 0;
    (void)text.getAsInteger(10, value);
    return value;
  };
  llvm::SmallVector<llvm::StringRef> lines, match;
  messages.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    if (entry.match(line, &match)) {
      cubin.entries.push_back({match[1].str()});
      continue;
    }
    // Advisories are called information, but have a code: "(C7510)".
    static const llvm::Regex advisory("\\(C[0-9]+\\)");
    if (line.contains("warning") || advisory.match(line))
      cubin.warnings.push_back(line.trim().str());
    if (cubin.entries.empty())
      continue;
    EntryUsage &usage = cubin.entries.back();
    if (registers.match(line, &match))
      usage.registers = number(match[1]);
    if (barriers.match(line, &match))
      usage.barriers = number(match[1]);
    if (shared.match(line, &match))
      usage.sharedBytes = number(match[1]);
    if (spills.match(line, &match)) {
      usage.stackBytes = number(match[1]);
      usage.spillStoreBytes = number(match[2]);
      usage.spillLoadBytes = number(match[3]);
    }
  }
}

/// An empty file that is removed when the returned object goes.
static llvm::Expected<llvm::SmallString<128>>
createTemporary(llvm::StringRef suffix) {
  llvm::SmallString<128> path;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("heddle", suffix, path))
    return makeError("cannot create a temporary file: " + error.message());
  return path;
}

static std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

llvm::Expected<std::string> heddle::getPtxasVersion() {
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  auto log = createTemporary("log");
  if (!log)
    return log.takeError();
  llvm::scope_exit cleanup([&] { llvm::sys::fs::remove(*log); });
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(*log), llvm::StringRef(*log)};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(
      *ptxas, {*ptxas, "--version"}, std::nullopt, redirects, 0, 0, &message);
  std::string printed = readFile(*log);
  static const llvm::Regex release("release ([0-9.]+)");
  llvm::SmallVector<llvm::StringRef> match;
  if (status != 0 || !release.match(printed, &match))
    return makeError("expected '" + *ptxas + " --version' to tell a release; " +
                     message + printed);
  return match[1].str();
}

llvm::Expected<Cubin> heddle::assembleCubin(llvm::StringRef ptx) {
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  llvm::SmallVector<llvm::SmallString<128>, 3> files;
  llvm::scope_exit cleanup([&] {
    for (const auto &file : files)
      llvm::sys::fs::remove(file);
  });
  for (llvm::StringRef suffix : {"ptx", "cubin", "log"}) {
    auto file = createTemporary(suffix);
    if (!file)
      return file.takeError();
    files.push_back(*file);
  }
  llvm::StringRef input = files[0], output = files[1], log = files[2];
  {
    std::error_code error;
    llvm::raw_fd_ostream stream(input, error);
    if (error)
      return makeError("cannot write " + input + ": " + error.message());
    stream << ptx;
  }
  llvm::StringRef arguments[] = {*ptxas, "-arch=sm_90a", "-v",
                                 input,  "-o",           output};
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), log, log};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(*ptxas, arguments, std::nullopt,
                                         redirects, 0, 0, &message);
  std::string printed = readFile(log);
  if (status != 0)
    return makeError("ptxas failed: " + message + printed);
  Cubin cubin;
  parsePtxasMessages(printed, cubin);
  cubin.image = readFile(output);
  return cubin;
}
