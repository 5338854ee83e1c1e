//===- Stream.cpp - Streams and events in C -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::capi;

Expected<Stream *> capi::getStream(const heddle_stream *stream,
                                   const Device &device) {
  if (!stream)
    return nullptr;
  if (stream->device.get() != &device)
    return makeError(ErrorKind::InvalidInput,
                     "expected a stream of the same device, found one of "
                     "another");
  return stream->stream.get();
}

static Expected<void> requireSame(const std::shared_ptr<Device> &a,
                                  const std::shared_ptr<Device> &b) {
  if (a == b)
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "expected an event of the same device, found one of "
                   "another");
}

heddle_error *heddle_stream_create(heddle_device *device,
                                   heddle_stream **stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}, {"stream", stream}}); !valid)
      return valid;
    Expected<std::unique_ptr<Stream>> created = device->device->createStream();
    if (!created)
      return tl::unexpected(created.error());
    *stream = new heddle_stream{device->device, std::move(*created)};
    return {};
  });
}

heddle_error *heddle_stream_adopt(heddle_device *device, void *native,
                                  heddle_stream **stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require(
            {{"device", device}, {"native", native}, {"stream", stream}});
        !valid)
      return valid;
    Expected<std::unique_ptr<Stream>> adopted =
        device->device->adoptStream(native);
    if (!adopted)
      return tl::unexpected(adopted.error());
    *stream = new heddle_stream{device->device, std::move(*adopted)};
    return {};
  });
}

void *heddle_stream_get_native(const heddle_stream *stream) {
  return stream ? stream->stream->getNative() : nullptr;
}

heddle_error *heddle_stream_synchronize(heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"stream", stream}}); !valid)
      return valid;
    return stream->device->synchronize(stream->stream.get());
  });
}

heddle_error *heddle_stream_wait(heddle_stream *stream, heddle_event *event) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"stream", stream}, {"event", event}}); !valid)
      return valid;
    if (auto same = requireSame(stream->device, event->device); !same)
      return same;
    return stream->device->wait(stream->stream.get(), *event->event);
  });
}

void heddle_stream_free(heddle_stream *stream) { delete stream; }

heddle_error *heddle_event_create(heddle_device *device, heddle_event **event) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device}, {"event", event}}); !valid)
      return valid;
    Expected<std::unique_ptr<Event>> created = device->device->createEvent();
    if (!created)
      return tl::unexpected(created.error());
    *event = new heddle_event{device->device, std::move(*created)};
    return {};
  });
}

heddle_error *heddle_event_record(heddle_event *event, heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"event", event}}); !valid)
      return valid;
    Expected<Stream *> used = getStream(stream, *event->device);
    if (!used)
      return tl::unexpected(used.error());
    return event->device->record(*event->event, *used);
  });
}

heddle_error *heddle_event_synchronize(heddle_event *event) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"event", event}}); !valid)
      return valid;
    return event->device->synchronize(*event->event);
  });
}

heddle_error *heddle_event_elapsed(heddle_event *from, heddle_event *to,
                                   double *milliseconds) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require(
            {{"from", from}, {"to", to}, {"milliseconds", milliseconds}});
        !valid)
      return valid;
    if (auto same = requireSame(from->device, to->device); !same)
      return same;
    Expected<double> elapsed =
        from->device->getMilliseconds(*from->event, *to->event);
    if (!elapsed)
      return tl::unexpected(elapsed.error());
    *milliseconds = *elapsed;
    return {};
  });
}

void heddle_event_free(heddle_event *event) { delete event; }
