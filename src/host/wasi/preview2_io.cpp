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

Waits<Result<void>> block(Call& call, std::shared_ptr<Pollable>& pollable) {
  const bool is_ready = TRY(wait_for(call, pollable->of()));
  if (!is_ready) return std::nullopt;
  return Result<void>();
}

Waits<Result<Values>> poll(Call& call, Values& list) {
  if (list.empty()) return trap("poll is called with nothing to wait for");
  std::vector<std::shared_ptr<Pollable>> pollables;
  pollables.reserve(list.size());
  for (Value& each : list) pollables.push_back(Argument<std::shared_ptr<Pollable>>::of(call, each));
  const std::vector<std::uint32_t> ready = TRY(wait_for_any(call, pollables));
  if (ready.empty()) return std::nullopt;
  return Values(ready.begin(), ready.end());
}

StreamAnswer<Bytes> read(Call& call, Input stream, std::uint64_t most) { return stream->read(call, most); }

Waits<StreamAnswer<Bytes>> blocking_read(Call& call, Input& stream, std::uint64_t& most) {
  for (;;) {
    Bytes bytes = TRY(stream->read(call, most));
    if (!bytes.empty() || most == 0) return bytes;
    const bool is_ready = TRY(wait_for(call, *stream));
    if (!is_ready) return std::nullopt;
  }
}

StreamAnswer<std::uint64_t> skip(Call& call, Input stream, std::uint64_t most) {
  const Bytes bytes = TRY(stream->read(call, most));
  return bytes.size();
}

Waits<StreamAnswer<std::uint64_t>> blocking_skip(Call& call, Input& stream, std::uint64_t& most) {
  auto read = blocking_read(call, stream, most);
  if (!read) return std::nullopt;
  const Bytes bytes = TRY(*std::move(read));
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

Waits<StreamAnswer<std::uint64_t>> wait_to_write(Call& call, OutputStream& stream) {
  for (;;) {
    const std::uint64_t room = TRY(stream.check_write(call));
    if (room > 0) return room;
    const bool is_ready = TRY(wait_for(call, stream));
    if (!is_ready) return std::nullopt;
  }
}

Waits<StreamAnswer<void>> blocking_flush(Call& call, Output& stream) {
  auto waited = wait_to_write(call, *stream);
  if (!waited) return std::nullopt;
  (void)TRY(*std::move(waited));
  return StreamAnswer<void>();
}

/// @param bytes  what is not written yet. Success even if the stream ends with this write: what comes next finds that.
Waits<StreamAnswer<void>> blocking_write_and_flush(Call& call, Output& stream, Bytes& bytes) {
  while (!bytes.empty()) {
    auto waited = wait_to_write(call, *stream);
    if (!waited) return std::nullopt;
    const std::uint64_t room = TRY(*std::move(waited));
    const std::size_t count = std::min<std::uint64_t>(bytes.size(), room);
    TRY(stream->write(call, std::span(bytes).first(count)));
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));  // no more than there are
  }
  auto flushed = blocking_flush(call, stream);
  if (flushed && !*flushed) {
    const auto* const error = std::get_if<StreamError>(&flushed->error().why);
    if (error != nullptr && std::holds_alternative<Closed>(*error)) return StreamAnswer<void>();
  }
  return flushed;
}

StreamAnswer<void> write_zeroes(Call& call, Output stream, std::uint64_t count) {
  const std::uint64_t room = TRY(stream->check_write(call));
  if (count > room) return trap("a stream is written to more than check-write permits");
  return stream->write(call, Bytes(count));
}

/// @param count  of zeroes that are not written yet.
Waits<StreamAnswer<void>> blocking_write_zeroes_and_flush(Call& call, Output& stream, std::uint64_t& count) {
  constexpr std::uint64_t kMost = 4096;  // as the interface has it
  if (count > kMost) return trap("blocking-write-zeroes-and-flush of more than 4096 bytes");
  Bytes zeroes(count);
  auto written = blocking_write_and_flush(call, stream, zeroes);
  count = zeroes.size();
  return written;
}

StreamAnswer<std::uint64_t> splice(Call& call, Output to, Input from, std::uint64_t most) {
  const std::uint64_t room = TRY(to->check_write(call));
  const Bytes bytes = TRY(from->read(call, std::min(most, room)));
  TRY(to->write(call, bytes));
  return bytes.size();
}

Waits<StreamAnswer<std::uint64_t>> blocking_splice(Call& call, Output& to, Input& from, std::uint64_t& most) {
  auto waited = wait_to_write(call, *to);
  if (!waited) return std::nullopt;
  const std::uint64_t room = TRY(*std::move(waited));
  std::uint64_t part = std::min(most, room);
  auto read = blocking_read(call, from, part);
  if (!read) return std::nullopt;
  const Bytes bytes = TRY(*std::move(read));
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
  polling.waiting_function<block>("[method]pollable.block");
  polling.waiting_function<poll>("poll");

  Interface streams(linker, "wasi:io/streams@0.2.0");
  streams.resource("input-stream");
  streams.function<read>("[method]input-stream.read");
  streams.waiting_function<blocking_read>("[method]input-stream.blocking-read");
  streams.function<skip>("[method]input-stream.skip");
  streams.waiting_function<blocking_skip>("[method]input-stream.blocking-skip");
  streams.function<subscribe<InputStream>>("[method]input-stream.subscribe");
  streams.resource("output-stream");
  streams.function<check_write>("[method]output-stream.check-write");
  streams.function<write>("[method]output-stream.write");
  streams.waiting_function<blocking_write_and_flush>("[method]output-stream.blocking-write-and-flush");
  streams.function<flush>("[method]output-stream.flush");
  streams.waiting_function<blocking_flush>("[method]output-stream.blocking-flush");
  streams.function<subscribe<OutputStream>>("[method]output-stream.subscribe");
  streams.function<write_zeroes>("[method]output-stream.write-zeroes");
  streams.waiting_function<blocking_write_zeroes_and_flush>("[method]output-stream.blocking-write-zeroes-and-flush");
  streams.function<splice>("[method]output-stream.splice");
  streams.waiting_function<blocking_splice>("[method]output-stream.blocking-splice");
}

}  // namespace anew::wasi::detail::preview2
