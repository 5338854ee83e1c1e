//===- CudaStream.cpp - Streams and events of a CUDA GPU ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::cuda;

namespace {

class CudaStream final : public Stream {
public:
  CudaStream(Context &context, StreamHandle handle, bool isOwned)
      : context(context), handle(handle), isOwned(isOwned) {}
  ~CudaStream() override {
    if (!isOwned)
      return;
    CurrentContext current(context);
    if (current)
      (void)context.api.streamDestroy(handle);
  }
  void *getNative() const override { return handle; }

  Context &context;
  const StreamHandle handle;
  const bool isOwned;
};

class CudaEvent final : public Event {
public:
  CudaEvent(Context &context, EventHandle handle)
      : context(context), handle(handle) {}
  ~CudaEvent() override {
    CurrentContext current(context);
    if (current)
      (void)context.api.eventDestroy(handle);
  }

  Context &context;
  const EventHandle handle;
  std::atomic<bool> isRecorded = false;
};

} // namespace

/// `event`, if it is one of `context`.
static Expected<CudaEvent *> getEvent(const Context &context, Event &event) {
  auto *own = dynamic_cast<CudaEvent *>(&event);
  if (!own || &own->context != &context)
    return makeError(ErrorKind::InvalidInput,
                     "expected an event of the same device, found one of "
                     "another");
  return own;
}

Expected<StreamHandle> CudaDevice::getHandle(Stream *stream) const {
  if (!stream)
    return nullptr;
  auto *own = dynamic_cast<CudaStream *>(stream);
  if (!own || &own->context != &context)
    return makeError(ErrorKind::InvalidInput,
                     "expected a stream of cuda:{}, found one of another "
                     "device",
                     props.ordinal);
  return own->handle;
}

Expected<std::unique_ptr<Stream>> CudaDevice::createStream() {
  // A stream that waits for the default one and the other way round, since
  // copies and fills may use that.
  constexpr unsigned flags = 0;
  StreamHandle handle = nullptr;
  Expected<void> created = callDriver(
      context, "cuStreamCreate", [] { return "new stream"; },
      [&](const DriverApi &api) { return api.streamCreate(&handle, flags); });
  if (!created)
    return tl::unexpected(created.error());
  return std::make_unique<CudaStream>(context, handle, true);
}

Expected<std::unique_ptr<Stream>> CudaDevice::adoptStream(void *native) {
  auto handle = static_cast<StreamHandle>(native);
  // The default stream is that of whichever context is current.
  if (handle) {
    ContextHandle owner = nullptr;
    Expected<void> asked = callDriver(
        context, "cuStreamGetCtx", [] { return "stream of the caller"; },
        [&](const DriverApi &api) { return api.streamGetCtx(handle, &owner); });
    if (!asked)
      return tl::unexpected(asked.error());
    if (owner != context.handle)
      return makeError(ErrorKind::InvalidInput,
                       "expected a stream of the primary context of cuda:{}, "
                       "found one of another context",
                       props.ordinal);
  }
  return std::make_unique<CudaStream>(context, handle, false);
}

Expected<std::unique_ptr<Event>> CudaDevice::createEvent() {
  constexpr unsigned flags = 0;
  EventHandle handle = nullptr;
  Expected<void> created = callDriver(
      context, "cuEventCreate", [] { return "new event"; },
      [&](const DriverApi &api) { return api.eventCreate(&handle, flags); });
  if (!created)
    return tl::unexpected(created.error());
  return std::make_unique<CudaEvent>(context, handle);
}

Expected<void> CudaDevice::record(Event &event, Stream *stream) {
  Expected<CudaEvent *> own = getEvent(context, event);
  if (!own)
    return tl::unexpected(own.error());
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  Expected<void> recorded = callDriver(
      context, "cuEventRecord", [] { return "recording an event"; },
      [&](const DriverApi &api) {
        return api.eventRecord((*own)->handle, *handle);
      });
  if (recorded)
    (*own)->isRecorded = true;
  return recorded;
}

Expected<void> CudaDevice::wait(Stream *stream, Event &event) {
  Expected<CudaEvent *> own = getEvent(context, event);
  if (!own)
    return tl::unexpected(own.error());
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  constexpr unsigned flags = 0;
  return callDriver(
      context, "cuStreamWaitEvent",
      [] { return "waiting for an event in a stream"; },
      [&](const DriverApi &api) {
        return api.streamWaitEvent(*handle, (*own)->handle, flags);
      });
}

Expected<void> CudaDevice::synchronize(Stream *stream) {
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  return callDriver(
      context, "cuStreamSynchronize", [] { return "waiting for a stream"; },
      [&](const DriverApi &api) { return api.streamSynchronize(*handle); });
}

Expected<void> CudaDevice::synchronize(Event &event) {
  Expected<CudaEvent *> own = getEvent(context, event);
  if (!own)
    return tl::unexpected(own.error());
  return callDriver(
      context, "cuEventSynchronize", [] { return "waiting for an event"; },
      [&](const DriverApi &api) {
        return api.eventSynchronize((*own)->handle);
      });
}

Expected<double> CudaDevice::getMilliseconds(Event &from, Event &to) {
  Expected<CudaEvent *> begin = getEvent(context, from);
  if (!begin)
    return tl::unexpected(begin.error());
  Expected<CudaEvent *> end = getEvent(context, to);
  if (!end)
    return tl::unexpected(end.error());
  if (!(*begin)->isRecorded || !(*end)->isRecorded)
    return makeError(ErrorKind::InvalidInput,
                     "expected two events that have been recorded");
  CurrentContext current(context);
  if (!current)
    return current.makeError("time between two events");
  float milliseconds = 0;
  Result result = context.api.eventElapsedTime(&milliseconds, (*begin)->handle,
                                               (*end)->handle);
  if (result == Result::NotReady)
    return makeError(ErrorKind::InvalidInput,
                     "expected two events that have passed; synchronize with "
                     "the later one first");
  if (result != Result::Success)
    return context.makeError(result, "cuEventElapsedTime",
                             "time between two events");
  return milliseconds;
}
