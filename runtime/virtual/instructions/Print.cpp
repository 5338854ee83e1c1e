//===- Print.cpp - printf and assert of programs --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The functions that CUDA's device code calls and does not define:
///
///     int vprintf(const char *format, const void *arguments);
///     void __assertfail(const char *message, const char *file,
///                       unsigned line, const char *function, size_t charSize);
///
/// The arguments of vprintf lie in memory one after the other, each aligned to
/// its size: int, long long, double or a pointer.
///
//===----------------------------------------------------------------------===//

#include "engine/Access.h"
#include "engine/Output.h"
#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"

#include <cstdio>
#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Longer strings of a program are cut off.
constexpr size_t maxString = 1 << 16;

struct CallPayload : Payload {
  std::vector<ThreadAddress> arguments;
  std::optional<ThreadAddress> result;
  uint32_t cursor = 0;
};

/// Memory as one lane sees it.
class LaneMemory {
public:
  LaneMemory(Warp &warp, uint32_t lane, uint32_t cursor)
      : warp(warp), lane(lane), cursor(cursor) {}

  template <typename T>
  std::optional<T> read(Space space, uint64_t address) const {
    const std::byte *host = accessLane(warp, space, address, sizeof(T), lane,
                                       cursor, true, AccessKind::Load);
    if (!host)
      return std::nullopt;
    T value;
    std::memcpy(&value, host, sizeof(T));
    return value;
  }
  /// A string that ends with zero, or null if it is not in memory.
  std::optional<std::string> string(uint64_t address) const {
    std::string text;
    while (text.size() < maxString) {
      auto c = read<char>(Space::Generic, address++);
      if (!c)
        return std::nullopt;
      if (*c == 0)
        break;
      text += *c;
    }
    return text;
  }

private:
  Warp &warp;
  uint32_t lane, cursor;
};

/// The arguments of vprintf, one after the other.
class Arguments {
public:
  Arguments(const LaneMemory &memory, uint64_t address)
      : memory(memory), next(address) {}

  template <typename T>
  std::optional<T> take() {
    next = (next + sizeof(T) - 1) & ~uint64_t(sizeof(T) - 1);
    auto value = memory.read<T>(Space::Generic, next);
    next += sizeof(T);
    return value;
  }

private:
  const LaneMemory &memory;
  uint64_t next;
};

template <typename... Args>
void append(std::string &text, const std::string &format, Args... args) {
  int size = std::snprintf(nullptr, 0, format.c_str(), args...);
  if (size <= 0)
    return;
  size_t start = text.size();
  text.resize(start + size_t(size) + 1);
  std::snprintf(text.data() + start, size_t(size) + 1, format.c_str(), args...);
  text.pop_back();
}

/// One conversion that begins after its '%'; false if memory has no argument.
bool convert(const std::string &format, size_t &at, Arguments &arguments,
             const LaneMemory &memory, std::string &text) {
  std::string spec = "%";
  auto width = [&] {
    if (at < format.size() && format[at] == '*') {
      ++at;
      auto value = arguments.take<int32_t>();
      spec += std::to_string(std::clamp(value.value_or(0), -4096, 4096));
      return;
    }
    std::string digits;
    while (at < format.size() && format[at] >= '0' && format[at] <= '9')
      digits += format[at++];
    // What a program asks for must not exhaust the host's memory.
    spec += digits.size() > 4 ? "4096" : digits;
  };
  while (at < format.size() && std::strchr("-+ #0", format[at]))
    spec += format[at++];
  width();
  if (at < format.size() && format[at] == '.') {
    spec += format[at++];
    width();
  }
  bool wide = false;
  while (at < format.size() && std::strchr("hljztL", format[at])) {
    wide |= format[at] != 'h' && format[at] != 'L';
    ++at;
  }
  if (at >= format.size()) {
    text += spec;
    return true;
  }
  char conversion = format[at++];
  switch (conversion) {
  case '%':
    text += '%';
    return true;
  case 'd':
  case 'i':
  case 'u':
  case 'o':
  case 'x':
  case 'X': {
    bool isSigned = conversion == 'd' || conversion == 'i';
    spec += "ll";
    spec += conversion;
    std::optional<long long> value;
    if (wide)
      value = arguments.take<int64_t>();
    else if (auto narrow = arguments.take<int32_t>())
      value = isSigned ? *narrow : (long long)(uint32_t(*narrow));
    if (value)
      append(text, spec, *value);
    return value.has_value();
  }
  case 'c': {
    auto value = arguments.take<int32_t>();
    if (value)
      append(text, spec + conversion, *value);
    return value.has_value();
  }
  case 'e':
  case 'E':
  case 'f':
  case 'F':
  case 'g':
  case 'G':
  case 'a':
  case 'A': {
    auto value = arguments.take<double>();
    if (value)
      append(text, spec + conversion, *value);
    return value.has_value();
  }
  case 'p': {
    auto value = arguments.take<uint64_t>();
    if (value)
      append(text, spec + conversion, reinterpret_cast<void *>(*value));
    return value.has_value();
  }
  case 's': {
    auto address = arguments.take<uint64_t>();
    auto value = address ? memory.string(*address) : std::nullopt;
    if (value)
      append(text, spec + conversion, value->c_str());
    return value.has_value();
  }
  default:
    // As printf of the device does with what it does not know.
    text += spec + conversion;
    return true;
  }
}

Flow print(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CallPayload *>(i.payload);
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    LaneMemory memory(warp, lane, p.cursor);
    auto pointer = [&](size_t n) {
      return memory.read<uint64_t>(Space::Local, p.arguments[n].of(warp, lane));
    };
    auto where = pointer(0), list = pointer(1);
    auto format = where ? memory.string(*where) : std::nullopt;
    if (!format || !list)
      return warp.fault(
          i, 1u << lane,
          {faults::other, "expected the address of a string as format"});
    Arguments arguments(memory, *list);
    std::string text;
    int32_t count = 0;
    for (size_t at = 0; at < format->size();) {
      if ((*format)[at] != '%') {
        text += (*format)[at++];
        continue;
      }
      ++count;
      if (!convert(*format, ++at, arguments, memory, text))
        return warp.fault(
            i, 1u << lane,
            {faults::other,
             fmt::format(
                 "conversion {} of the format \"{}\" has no argument in "
                 "memory",
                 count, *format)});
    }
    warp.cta.cluster.launch.output->print(text);
    if (p.result)
      if (std::byte *to =
              accessLane(warp, Space::Local, p.result->of(warp, lane), 4, lane,
                         p.cursor, false, AccessKind::Store))
        std::memcpy(to, &count, sizeof(count));
  }
  return Flow::Next;
}

Flow assertFail(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CallPayload *>(i.payload);
  uint32_t lane = uint32_t(__builtin_ctz(mask));
  LaneMemory memory(warp, lane, p.cursor);
  auto text = [&](size_t n) -> std::string {
    if (n >= p.arguments.size())
      return "?";
    auto where =
        memory.read<uint64_t>(Space::Local, p.arguments[n].of(warp, lane));
    return where ? memory.string(*where).value_or("?") : "?";
  };
  std::optional<uint32_t> line;
  if (p.arguments.size() > 2)
    line = memory.read<uint32_t>(Space::Local, p.arguments[2].of(warp, lane));
  return warp.fault(i, mask,
                    {faults::other,
                     fmt::format("assertion `{}` failed at {}:{} in '{}'",
                                 text(0), text(1), line.value_or(0), text(3))});
}

/// The variables of a call that hold its result and its arguments.
CallPayload *callPayload(Decoder &d) {
  auto *p = d.payload<CallPayload>();
  p->cursor = d.newCursor();
  bool sawTarget = false;
  for (size_t n = 0; n < d.numOperands(); ++n) {
    const Operand &operand = d.operand(n);
    if (operand.kind == OperandKind::Symbol) {
      sawTarget = true;
      continue;
    }
    for (const Operand &variable : operand.elements) {
      Operand address;
      address.kind = OperandKind::Address;
      address.elements.push_back(variable);
      ThreadAddress place = threadAddress(d, address, Space::Param);
      if (sawTarget)
        p->arguments.push_back(place);
      else
        p->result = place;
    }
  }
  return p;
}

} // namespace

Handler heddle::vgpu::decodePrint(Decoder &d) {
  if (callPayload(d)->arguments.size() != 2)
    return d.fail("expected a format and a list of arguments for vprintf");
  return print;
}

Handler heddle::vgpu::decodeAssertFail(Decoder &d) {
  callPayload(d);
  return assertFail;
}
