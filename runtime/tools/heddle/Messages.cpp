//===- Messages.cpp - What the driver says --------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Messages.h"

#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <optional>

using namespace heddle;

std::string heddle::formatBytes(double bytes) {
  const char *units[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return fmt::format("{:.0f} bytes", bytes);
  int unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit < 3; ++unit)
    bytes /= 1024;
  return fmt::format("{:.4g} {}", bytes, units[unit]);
}

void heddle::printError(std::string_view message) {
  fmt::print(stderr, "heddle: error: {}\n", message);
}

namespace {
/// The place that a line of a message starts with: `name:line:column: `.
struct Place {
  size_t line = 0, column = 0;
};
} // namespace

static std::optional<Place> parsePlace(std::string_view text,
                                       std::string_view name) {
  if (name.empty() || !text.starts_with(name))
    return std::nullopt;
  text.remove_prefix(name.size());
  Place place;
  for (size_t *number : {&place.line, &place.column}) {
    if (!text.starts_with(':'))
      return std::nullopt;
    text.remove_prefix(1);
    auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), *number);
    if (error != std::errc())
      return std::nullopt;
    text.remove_prefix(size_t(stop - text.data()));
  }
  return text.starts_with(": ") && place.line > 0 ? std::optional(place)
                                                  : std::nullopt;
}

/// Whether a line is one that compilers print: `file:1:2: error: ...`.
static bool isDiagnostic(std::string_view line) {
  size_t kind = line.find(": error: ");
  if (kind == std::string_view::npos)
    return false;
  std::string_view before = line.substr(0, kind);
  size_t column = before.rfind(':');
  if (column == std::string_view::npos || column == 0)
    return false;
  size_t number = before.rfind(':', column - 1);
  return number != std::string_view::npos &&
         before.find_first_not_of("0123456789:", number) ==
             std::string_view::npos;
}

/// Prints the line and a mark below the column.
static void printLine(const SourceText &source, Place place) {
  std::string_view rest = source.text;
  for (size_t line = 1; line < place.line; ++line) {
    size_t end = rest.find('\n');
    if (end == std::string_view::npos)
      return;
    rest.remove_prefix(end + 1);
  }
  std::string_view line = rest.substr(0, rest.find('\n'));
  fmt::print(stderr, "{}\n", line);
  if (place.column == 0 || place.column > line.size())
    return;
  std::string mark(line.substr(0, place.column - 1));
  for (char &c : mark)
    c = c == '\t' ? '\t' : ' ';
  fmt::print(stderr, "{}^\n", mark);
}

ExitCode heddle::report(const Error &error, const SourceText &source) {
  std::string_view rest = error.message;
  if (!isDiagnostic(rest.substr(0, rest.find('\n')))) {
    printError(rest);
  } else {
    while (!rest.empty()) {
      size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      fmt::print(stderr, "{}\n", line);
      if (std::optional<Place> place = parsePlace(line, source.name))
        printLine(source, *place);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return error.kind == ErrorKind::Fault ? ExitCode::Failed : ExitCode::BadInput;
}
