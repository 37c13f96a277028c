// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:cli`, `wasi:clocks`, `wasi:random`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "host/wasi/preview2_streams.hpp"
#include "wasm/reader.hpp"

namespace anew::wasi::detail::preview2 {

std::string to_utf8(std::string_view bytes) {
  if (wasm::is_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (const char byte : bytes)
    if (static_cast<unsigned char>(byte) < 0x80)
      text += byte;
    else
      text += "\uFFFD";
  return text;
}

namespace {

using component::Bytes;

Values to_texts(const Strings& strings, const auto& f /* -> Value */) {
  Values texts;
  texts.reserve(strings.starts().size());
  for (const std::uint32_t start : strings.starts()) texts.push_back(f(strings.bytes().data() + start));  // with a NUL
  return texts;
}

Values get_environment(Call& call) {
  return to_texts(call.sandbox.environment(), [](std::string_view variable) -> Value {
    const std::size_t equals = variable.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : variable.substr(equals + 1);
    return Values{to_utf8(variable.substr(0, equals)), to_utf8(value)};
  });
}
Values get_arguments(Call& call) {
  return to_texts(call.sandbox.arguments(), [](std::string_view argument) -> Value { return to_utf8(argument); });
}
std::optional<std::string> initial_cwd(Call& /*call*/) { return std::nullopt; }

Result<void> exit_with_code(Call& call, std::uint8_t code) {
  call.sandbox.exit_code = code;
  return trap(fmt::format("the program ended with exit code {}", code));
}
Result<void> exit(Call& call, component::Case status) {
  return exit_with_code(call, static_cast<std::uint8_t>(status.index));  // 0 or 1
}

constexpr std::uint32_t kInput = 0;

std::shared_ptr<InputStream> get_stdin(Call& call) {
  return make_input(*call.sandbox.descriptors.find(kInput), nullptr);  // never closed
}

template <std::uint32_t kNumber>
Result<std::shared_ptr<OutputStream>> get_output(Call& call) {
  auto& output = call.state.outputs[kNumber - 1];
  if (output == nullptr) output = make_output(call, *call.sandbox.descriptors.find(kNumber), nullptr);
  if (output == nullptr) return trap("the instance has too many streams");
  return output;
}

class Terminal final : public Entry {};

template <std::uint32_t kNumber>
std::optional<std::shared_ptr<Terminal>> get_terminal(Call& call) {
  const OpenDescriptor& open = *call.sandbox.descriptors.find(kNumber);
  if (open.system < 0 || !os::is_terminal(open.system)) return std::nullopt;
  return std::make_shared<Terminal>();
}

std::uint64_t monotonic_now(Call& call) { return call.sandbox.clocks.monotonic(); }
std::uint64_t monotonic_resolution(Call& call) { return call.sandbox.clocks.resolution(); }
std::shared_ptr<Pollable> subscribe_instant(Call& /*call*/, std::uint64_t when) {
  return std::make_shared<Pollable>(std::make_shared<Timer>(when));
}
std::shared_ptr<Pollable> subscribe_duration(Call& call, std::uint64_t duration) {
  const std::uint64_t now = call.sandbox.clocks.monotonic();
  return subscribe_instant(call, duration > Waiting::kForever - now ? Waiting::kForever : now + duration);
}

Values to_datetime(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  return {nanoseconds / kNanoseconds, static_cast<std::uint32_t>(nanoseconds % kNanoseconds)};
}
Values wall_now(Call& call) { return to_datetime(call.sandbox.clocks.real()); }
Values wall_resolution(Call& call) { return to_datetime(call.sandbox.clocks.resolution()); }

Result<Bytes> get_random_bytes(Call& call, std::uint64_t count) {
  constexpr std::uint64_t kMost = 64 << 20;
  if (count > kMost) return trap(fmt::format("{} random bytes at once: {} are the most", count, kMost));
  Bytes bytes(count);
  constexpr std::size_t kPiece = 1 << 20;  // between two looks at whether the call is to end
  for (std::span<std::byte> rest = bytes; !rest.empty();) {
    if (call.caller.stopping()) return trap("the call is to end");
    const auto piece = rest.first(std::min(rest.size(), kPiece));
    if (!call.sandbox.random.fill(piece)) return trap("the system has no random bytes");
    rest = rest.subspan(piece.size());
  }
  return bytes;
}
template <std::size_t kCount>
Result<std::array<std::uint64_t, kCount>> random_numbers(Call& call) {
  std::array<std::uint64_t, kCount> numbers{};
  if (!call.sandbox.random.fill(std::as_writable_bytes(std::span(numbers))))
    return trap("the system has no random bytes");
  return numbers;
}
Result<std::uint64_t> get_random_u64(Call& call) {
  const auto numbers = TRY(random_numbers<1>(call));
  return numbers[0];
}
Result<Values> insecure_seed(Call& call) {
  const auto numbers = TRY(random_numbers<2>(call));
  return Values{numbers[0], numbers[1]};
}

}  // namespace

void define_process(component::Linker& linker) {
  Interface environment(linker, "wasi:cli/environment@0.2.0");
  environment.function<get_environment>("get-environment");
  environment.function<get_arguments>("get-arguments");
  environment.function<initial_cwd>("initial-cwd");
  Interface exits(linker, "wasi:cli/exit@0.2.0");
  exits.function<exit>("exit");
  exits.function<exit_with_code>("exit-with-code");
  Interface(linker, "wasi:cli/stdin@0.2.0").function<get_stdin>("get-stdin");
  Interface(linker, "wasi:cli/stdout@0.2.0").function<get_output<1>>("get-stdout");
  Interface(linker, "wasi:cli/stderr@0.2.0").function<get_output<2>>("get-stderr");
  Interface(linker, "wasi:cli/terminal-input@0.2.0").resource("terminal-input");
  Interface(linker, "wasi:cli/terminal-output@0.2.0").resource("terminal-output");
  Interface(linker, "wasi:cli/terminal-stdin@0.2.0").function<get_terminal<0>>("get-terminal-stdin");
  Interface(linker, "wasi:cli/terminal-stdout@0.2.0").function<get_terminal<1>>("get-terminal-stdout");
  Interface(linker, "wasi:cli/terminal-stderr@0.2.0").function<get_terminal<2>>("get-terminal-stderr");

  Interface monotonic(linker, "wasi:clocks/monotonic-clock@0.2.0");
  monotonic.function<monotonic_now>("now");
  monotonic.function<monotonic_resolution>("resolution");
  monotonic.function<subscribe_instant>("subscribe-instant");
  monotonic.function<subscribe_duration>("subscribe-duration");
  Interface wall(linker, "wasi:clocks/wall-clock@0.2.0");
  wall.function<wall_now>("now");
  wall.function<wall_resolution>("resolution");

  Interface random(linker, "wasi:random/random@0.2.0");
  random.function<get_random_bytes>("get-random-bytes");
  random.function<get_random_u64>("get-random-u64");
  Interface insecure(linker, "wasi:random/insecure@0.2.0");
  insecure.function<get_random_bytes>("get-insecure-random-bytes");
  insecure.function<get_random_u64>("get-insecure-random-u64");
  Interface(linker, "wasi:random/insecure-seed@0.2.0").function<insecure_seed>("insecure-seed");
}

}  // namespace anew::wasi::detail::preview2
