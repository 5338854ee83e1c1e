//===- Stream.cpp - Streams and events of the test driver -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Work is done when it is submitted, so that a stream is always done and an
// event has passed as soon as it is recorded. Times are those of the host.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

static constexpr unsigned streamNonBlocking = 1;
static constexpr unsigned eventBlockingSync = 1, eventDisableTiming = 2;

static EventTag *findEvent(Call &call, EventHandle event) {
  return call.context().events.contains(event) ? event : nullptr;
}

extern "C" Result cuda::cuStreamCreate(StreamHandle *stream, unsigned flags) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!stream || (flags & ~streamNonBlocking))
    return call.refuse(Result::InvalidValue, "found flags {}", flags);
  auto own = std::make_unique<StreamTag>();
  *stream = own.get();
  call.context().streams.emplace(*stream, std::move(own));
  return call.done();
}

extern "C" Result cuda::cuStreamDestroy_v2(StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().streams.erase(stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(stream));
  return call.done();
}

extern "C" Result cuda::cuStreamGetCtx(StreamHandle stream,
                                       ContextHandle *context) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!context)
    return call.refuse(Result::InvalidValue, "no place for the context");
  if (call.context().hasStream(stream)) {
    *context = &call.context();
    return call.done();
  }
  for (const std::unique_ptr<ContextTag> &other : getDriver().contexts)
    if (other && other->streams.contains(stream)) {
      *context = other.get();
      return call.done();
    }
  return call.refuse(Result::InvalidHandle, "found no stream {}",
                     fmt::ptr(stream));
}

extern "C" Result cuda::cuStreamSynchronize(StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().hasStream(stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(stream));
  return call.wait();
}

extern "C" Result cuda::cuStreamWaitEvent(StreamHandle stream,
                                          EventHandle event, unsigned flags) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().hasStream(stream) || !findEvent(call, event))
    return call.refuse(Result::InvalidHandle, "found no such stream or event");
  if (flags != 0)
    return call.refuse(Result::InvalidValue, "found flags {}", flags);
  return call.done();
}

extern "C" Result cuda::cuEventCreate(EventHandle *event, unsigned flags) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!event || (flags & ~(eventBlockingSync | eventDisableTiming)))
    return call.refuse(Result::InvalidValue, "found flags {}", flags);
  auto own = std::make_unique<EventTag>();
  own->hasTiming = !(flags & eventDisableTiming);
  *event = own.get();
  call.context().events.emplace(*event, std::move(own));
  return call.done();
}

extern "C" Result cuda::cuEventDestroy_v2(EventHandle event) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().events.erase(event))
    return call.refuse(Result::InvalidHandle, "found no event {}",
                       fmt::ptr(event));
  return call.done();
}

extern "C" Result cuda::cuEventRecord(EventHandle event, StreamHandle stream) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  EventTag *own = findEvent(call, event);
  if (!own || !call.context().hasStream(stream))
    return call.refuse(Result::InvalidHandle, "found no such stream or event");
  own->time = std::chrono::steady_clock::now();
  return call.done();
}

extern "C" Result cuda::cuEventSynchronize(EventHandle event) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!findEvent(call, event))
    return call.refuse(Result::InvalidHandle, "found no event {}",
                       fmt::ptr(event));
  return call.wait();
}

extern "C" Result cuda::cuEventElapsedTime(float *milliseconds,
                                           EventHandle begin, EventHandle end) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  const EventTag *from = findEvent(call, begin), *to = findEvent(call, end);
  if (!milliseconds)
    return call.refuse(Result::InvalidValue, "no place for the time");
  if (!from || !to || !from->time || !to->time || !from->hasTiming ||
      !to->hasTiming)
    return call.refuse(Result::InvalidHandle,
                       "expected two events with times that were recorded");
  *milliseconds =
      std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
  return call.done();
}
