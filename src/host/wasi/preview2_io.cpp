// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:io`: errors, waiting, streams.
#include <algorithm>
#include <system_error>

#include "host/wasi/preview2_streams.hpp"

namespace anew::wasi::detail::preview2 {

Result<Value> to_value(Call& call, StreamError&& error) {
  if (std::holds_alternative<Closed>(error)) return component::Case(1);
  StreamReason reason = std::holds_alternative<Errno>(error) ? StreamReason(std::get<Errno>(error))
                                                             : StreamReason(std::get<http::Failure>(std::move(error)));
  Value failure = TRY(to_value(call, std::make_shared<StreamFailure>(std::move(reason))));
  return component::Case(0, std::move(failure));
}

namespace {

using component::Bytes;
using Input = std::shared_ptr<InputStream>;
using Output = std::shared_ptr<OutputStream>;

std::string to_debug_string(Call& /*call*/, std::shared_ptr<StreamFailure> failure) {
  if (const auto* const error = std::get_if<Errno>(&failure->reason()))
    return "error " + std::to_string(static_cast<unsigned>(*error)) +
           " of the system, in the numbers of WASI preview 1";
  const auto& of_http = std::get<http::Failure>(failure->reason());
  std::string text(http::to_string(of_http.code));
  if (of_http.text) text += ": " + *of_http.text;
  return text;
}

bool ready(Call& call, std::shared_ptr<Pollable> pollable) { return is_ready_now(call, pollable->of()); }

Result<void> block(Call& call, std::shared_ptr<Pollable> pollable) { return wait_for(call, pollable->of()); }

Result<Values> poll(Call& call, Values list) {
  if (list.empty()) return trap("poll is called with nothing to wait for");
  std::vector<std::shared_ptr<Pollable>> pollables;
  pollables.reserve(list.size());
  for (Value& each : list) pollables.push_back(Argument<std::shared_ptr<Pollable>>::of(call, each));
  const std::vector<std::uint32_t> ready = TRY(wait_for_any(call, pollables));
  return Values(ready.begin(), ready.end());
}

StreamAnswer<Bytes> read(Call& call, Input stream, std::uint64_t most) { return stream->read(call, most); }

StreamAnswer<Bytes> blocking_read(Call& call, Input stream, std::uint64_t most) {
  for (;;) {
    Bytes bytes = TRY(stream->read(call, most));
    if (!bytes.empty() || most == 0) return bytes;
    TRY(wait_for(call, *stream));
  }
}

StreamAnswer<std::uint64_t> skip(Call& call, Input stream, std::uint64_t most) {
  const Bytes bytes = TRY(stream->read(call, most));
  return bytes.size();
}

StreamAnswer<std::uint64_t> blocking_skip(Call& call, Input stream, std::uint64_t most) {
  const Bytes bytes = TRY(blocking_read(call, std::move(stream), most));
  return bytes.size();
}

template <typename T>
std::shared_ptr<Pollable> subscribe(Call& /*call*/, std::shared_ptr<T> of) {
  return std::make_shared<Pollable>(std::move(of));
}

StreamAnswer<std::uint64_t> check_write(Call& call, Output stream) { return stream->check_write(call); }

StreamAnswer<void> write(Call& call, Output stream, Bytes bytes) { return stream->write(call, bytes); }

/// What was written is on its way: whoever takes it needs no word. It has arrived when check-write permits more.
StreamAnswer<void> flush(Call& call, Output stream) {
  (void)TRY(stream->check_write(call));
  return {};
}

StreamAnswer<std::uint64_t> wait_to_write(Call& call, OutputStream& stream) {
  for (;;) {
    const std::uint64_t room = TRY(stream.check_write(call));
    if (room > 0) return room;
    TRY(wait_for(call, stream));
  }
}

StreamAnswer<void> blocking_flush(Call& call, Output stream) {
  (void)TRY(wait_to_write(call, *stream));
  return {};
}

StreamAnswer<void> write_all(Call& call, OutputStream& stream, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::uint64_t room = TRY(wait_to_write(call, stream));
    const auto part = bytes.first(std::min<std::uint64_t>(bytes.size(), room));
    TRY(stream.write(call, part));
    bytes = bytes.subspan(part.size());
  }
  return {};
}

/// Success even if the stream ends with this write: what comes next finds that.
StreamAnswer<void> blocking_write_and_flush(Call& call, Output stream, Bytes bytes) {
  TRY(write_all(call, *stream, bytes));
  if (const auto flushed = blocking_flush(call, std::move(stream)); !flushed) {
    const auto* const error = std::get_if<StreamError>(&flushed.error().why);
    if (error == nullptr || !std::holds_alternative<Closed>(*error)) return flushed;
  }
  return {};
}

StreamAnswer<void> write_zeroes(Call& call, Output stream, std::uint64_t count) {
  const std::uint64_t room = TRY(stream->check_write(call));
  if (count > room) return trap("a stream is written to more than check-write permits");
  return stream->write(call, Bytes(count));
}

StreamAnswer<void> blocking_write_zeroes_and_flush(Call& call, Output stream, std::uint64_t count) {
  constexpr std::uint64_t kMost = 4096;  // as the interface has it
  if (count > kMost) return trap("blocking-write-zeroes-and-flush of more than 4096 bytes");
  return blocking_write_and_flush(call, std::move(stream), Bytes(count));
}

StreamAnswer<std::uint64_t> splice(Call& call, Output to, Input from, std::uint64_t most) {
  const std::uint64_t room = TRY(to->check_write(call));
  const Bytes bytes = TRY(from->read(call, std::min(most, room)));
  TRY(to->write(call, bytes));
  return bytes.size();
}

StreamAnswer<std::uint64_t> blocking_splice(Call& call, Output to, Input from, std::uint64_t most) {
  const std::uint64_t room = TRY(wait_to_write(call, *to));
  const Bytes bytes = TRY(blocking_read(call, std::move(from), std::min(most, room)));
  TRY(to->write(call, bytes));
  return bytes.size();
}

}  // namespace

void define_io(component::Linker& linker) {
  Interface error(linker, "wasi:io/error@0.2.0");
  error.resource("error");
  error.function<to_debug_string>("[method]error.to-debug-string");

  Interface polling(linker, "wasi:io/poll@0.2.0");
  polling.resource("pollable");
  polling.function<ready>("[method]pollable.ready");
  polling.function<block>("[method]pollable.block");
  polling.function<poll>("poll");

  Interface streams(linker, "wasi:io/streams@0.2.0");
  streams.resource("input-stream");
  streams.function<read>("[method]input-stream.read");
  streams.function<blocking_read>("[method]input-stream.blocking-read");
  streams.function<skip>("[method]input-stream.skip");
  streams.function<blocking_skip>("[method]input-stream.blocking-skip");
  streams.function<subscribe<InputStream>>("[method]input-stream.subscribe");
  streams.resource("output-stream");
  streams.function<check_write>("[method]output-stream.check-write");
  streams.function<write>("[method]output-stream.write");
  streams.function<blocking_write_and_flush>("[method]output-stream.blocking-write-and-flush");
  streams.function<flush>("[method]output-stream.flush");
  streams.function<blocking_flush>("[method]output-stream.blocking-flush");
  streams.function<subscribe<OutputStream>>("[method]output-stream.subscribe");
  streams.function<write_zeroes>("[method]output-stream.write-zeroes");
  streams.function<blocking_write_zeroes_and_flush>("[method]output-stream.blocking-write-zeroes-and-flush");
  streams.function<splice>("[method]output-stream.splice");
  streams.function<blocking_splice>("[method]output-stream.blocking-splice");
}

}  // namespace anew::wasi::detail::preview2
