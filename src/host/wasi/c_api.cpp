// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// include/anew_wasi.h: WASI for C.
#include <anew_wasi.h>
#include <fmt/format.h>

#include <anew/wasi.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c/component_objects.hpp"
#include "c/objects.hpp"

namespace anew::wasi {
namespace {

Result<std::vector<std::string>> to_strings(const char* what, const anew_text_t* texts, std::size_t count) {
  if (texts == nullptr && count != 0) return fail(ErrorCode::kArgument, fmt::format("the {} are null", what));
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < count; ++i) strings.emplace_back(c::text(texts[i]));
  return strings;
}

std::unexpected<Error> unknown_stream(std::uint32_t kind) {
  return fail(ErrorCode::kArgument,
              fmt::format("{} is no such stream, or has no callback: see anew_wasi_stream_t", kind));
}

/// @param data  of its callback.
Result<Input> to_input(const anew_wasi_input_t& input, c::CallbackData data) {
  switch (input.kind) {
    case ANEW_WASI_NULL: return Null{};
    case ANEW_WASI_DESCRIPTOR: return Descriptor{input.descriptor};
    case ANEW_WASI_BYTES: return std::string(c::text(input.bytes));
    default: break;
  }
  if (input.kind != ANEW_WASI_CALLBACK || input.read == nullptr) return unknown_stream(input.kind);
  return Reader([read = input.read, kept = std::make_shared<const c::CallbackData>(std::move(data))](
                    std::span<std::byte> bytes) -> Result<std::size_t> {
    std::size_t count = 0;
    if (anew_error_t* const error = read(kept->get(), bytes.data(), bytes.size(), &count))
      return std::unexpected(c::take_error(error));
    if (count > bytes.size()) {
      return fail(
          ErrorCode::kHost,
          fmt::format("the callback that reads says that it read {} bytes, and was asked for {}", count, bytes.size()));
    }
    return count;
  });
}

Result<Output> to_output(const anew_wasi_output_t& output, std::shared_ptr<const c::CallbackData> data) {
  switch (output.kind) {
    case ANEW_WASI_NULL: return Null{};
    case ANEW_WASI_DESCRIPTOR: return Descriptor{output.descriptor};
    case ANEW_WASI_CAPTURE: return output.maximum_bytes != 0 ? Capture{output.maximum_bytes} : Capture{};
    default: break;
  }
  if (output.kind != ANEW_WASI_CALLBACK || output.write == nullptr) return unknown_stream(output.kind);
  return Writer([write = output.write, kept = std::move(data)](std::span<const std::byte> bytes) -> Result<void> {
    if (anew_error_t* const error = write(kept->get(), bytes.data(), bytes.size()))
      return std::unexpected(c::take_error(error));
    return {};
  });
}

/// The data of a stream's callback, finalized when it goes.
template <typename T>
c::CallbackData data_of(const T* stream) noexcept {
  return stream != nullptr ? c::CallbackData(stream->data, stream->finalize) : c::CallbackData(nullptr, nullptr);
}

/// But for the streams.
Result<Options> to_options(const anew_wasi_options_t& given) {
  if (given.clock > ANEW_WASI_CLOCK_SIMULATED)
    return fail(ErrorCode::kArgument, fmt::format("there is no clock {}: see anew_wasi_clock_t", given.clock));
  if ((given.directories == nullptr && given.directory_count != 0) ||
      (given.sockets == nullptr && given.socket_count != 0))
    return fail(ErrorCode::kArgument, "anew_wasi_options_t: directories or sockets are counted, but null");
  Options options;
  auto arguments = TRY(to_strings("arguments", given.arguments, given.argument_count));
  options.arguments = std::move(arguments);
  auto environment = TRY(to_strings("variables of the environment", given.environment, given.environment_count));
  options.environment = std::move(environment);
  for (std::size_t i = 0; i < given.directory_count; ++i) {
    const anew_wasi_directory_t& each = given.directories[i];
    options.directories.push_back({.host_path = c::text(each.host_path),
                                   .guest_path = std::string(c::text(each.guest_path)),
                                   .read_only = each.read_only});
  }
  for (std::size_t i = 0; i < given.socket_count; ++i) options.sockets.push_back({given.sockets[i]});
  options.clock = static_cast<Clock>(given.clock);
  if (given.has_random_seed) options.random_seed = given.random_seed;
  if (given.maximum_descriptors != 0) options.maximum_descriptors = given.maximum_descriptors;
  options.network.connect = TRY(to_strings("addresses to connect to", given.connect, given.connect_count));
  options.network.listen = TRY(to_strings("addresses to listen at", given.listen, given.listen_count));
  options.network.look_up = TRY(to_strings("names to look up", given.look_up, given.look_up_count));
  return options;
}

// What follows is the same for leases of modules and of components.

const Lease& core_of(const anew_lease_t& lease) noexcept { return lease.lease; }
const Lease& core_of(const anew_component_lease_t& lease) noexcept { return lease.lease.core(); }

/// @param function  that has the linker from C.
template <typename L>
anew_error_t* define_for(const char* function, L* linker, const anew_wasi_options_t* options) noexcept {
  anew_wasi_options_t known = {};
  anew_error_t* const unreadable = c::read_callback_options(options, known);
  c::CallbackData input = data_of(known.standard_input);
  c::CallbackData output = data_of(known.standard_output);
  // One struct may be given for both: its data is finalized once.
  const bool is_shared = known.standard_error == known.standard_output;
  c::CallbackData error = is_shared ? c::CallbackData(nullptr, nullptr) : data_of(known.standard_error);
  if (unreadable != nullptr) return unreadable;
  if (c::is_missing(linker, function)) return c::null_argument(function, "linker");
  return c::guarded("WASI is defined", [&]() -> Result<void> {
    auto made = TRY(to_options(known));
    if (known.standard_input != nullptr) made.standard_input = TRY(to_input(*known.standard_input, std::move(input)));
    const auto output_data = std::make_shared<const c::CallbackData>(std::move(output));
    const auto error_data = is_shared ? output_data : std::make_shared<const c::CallbackData>(std::move(error));
    if (known.standard_output != nullptr) made.standard_output = TRY(to_output(*known.standard_output, output_data));
    if (known.standard_error != nullptr) made.standard_error = TRY(to_output(*known.standard_error, error_data));
    return define(linker->linker, made);
  });
}

template <typename L>
anew_error_t* run_in(L& lease, std::uint32_t& exit_code) noexcept {
  const c::Use use(lease.entered);
  return c::guarded("a program is run", [&]() -> Result<void> {
    const auto code = TRY(run(lease.lease));
    exit_code = code;
    return {};
  });
}

/// Gives the lease's context to `work`.
template <typename L, typename F>
anew_error_t* with_context(const L& lease, const char* doing, F&& work) noexcept {
  const c::Use use(lease.entered);
  return c::guarded(doing, [&]() -> Result<void> {
    Context* const context = Context::find(core_of(lease));
    if (context == nullptr)
      return fail(ErrorCode::kArgument, "the lease's linker has no WASI: define it before its pool is made");
    return std::forward<F>(work)(*context);
  });
}

template <typename L>
anew_error_t* set_arguments(const L& lease, const anew_text_t* arguments, std::size_t count) noexcept {
  return with_context(lease, "arguments are set", [&](Context& context) -> Result<void> {
    auto strings = TRY(to_strings("arguments", arguments, count));
    return context.set_arguments(std::move(strings));
  });
}

template <typename L>
anew_error_t* set_environment(const L& lease, const anew_text_t* environment, std::size_t count) noexcept {
  return with_context(lease, "the environment is set", [&](Context& context) -> Result<void> {
    auto strings = TRY(to_strings("variables of the environment", environment, count));
    return context.set_environment(std::move(strings));
  });
}

template <typename L>
anew_error_t* set_standard_input(const L& lease, const void* bytes, std::size_t size) noexcept {
  return with_context(lease, "standard input is set", [&](Context& context) -> Result<void> {
    context.set_standard_input(std::string(static_cast<const char*>(bytes), size));
    return {};
  });
}

template <typename L>
const char* captured(const char* function, const L* lease, std::size_t* size,
                     std::string_view (Context::*stream)() const noexcept) noexcept {
  if (size != nullptr) *size = 0;
  if (c::is_missing(lease, function)) return nullptr;
  const c::Use use(lease->entered);
  const Context* const context = Context::find(core_of(*lease));
  if (context == nullptr) return nullptr;
  const std::string_view text = (context->*stream)();
  if (size != nullptr) *size = text.size();
  return text.empty() ? nullptr : text.data();
}

template <typename L>
bool exit_code_of(const char* function, const L* lease, std::uint32_t* exit_code) noexcept {
  if (c::is_missing(lease, function) || exit_code == nullptr) return false;
  const c::Use use(lease->entered);
  const Context* const context = Context::find(core_of(*lease));
  const auto code = context != nullptr ? context->exit_code() : std::nullopt;
  if (code) *exit_code = *code;
  return code.has_value();
}

}  // namespace
}  // namespace anew::wasi

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

anew_error_t* anew_wasi_define(anew_linker_t* linker, const anew_wasi_options_t* options) {
  return wasi::define_for(__func__, linker, options);
}

anew_error_t* anew_wasi_run(anew_lease_t* lease, uint32_t* exit_code) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(exit_code);
  return wasi::run_in(*lease, *exit_code);
}

anew_error_t* anew_wasi_set_arguments(anew_lease_t* lease, const anew_text_t* arguments, size_t count) {
  ANEW_NOT_NULL(lease);
  return wasi::set_arguments(*lease, arguments, count);
}

anew_error_t* anew_wasi_set_environment(anew_lease_t* lease, const anew_text_t* environment, size_t count) {
  ANEW_NOT_NULL(lease);
  return wasi::set_environment(*lease, environment, count);
}

anew_error_t* anew_wasi_set_standard_input(anew_lease_t* lease, const void* bytes, size_t size) {
  ANEW_NOT_NULL(lease);
  if (size != 0) ANEW_NOT_NULL(bytes);
  return wasi::set_standard_input(*lease, bytes, size);
}

const char* anew_wasi_standard_output(const anew_lease_t* lease, size_t* size) {
  return wasi::captured(__func__, lease, size, &wasi::Context::standard_output);
}

const char* anew_wasi_standard_error(const anew_lease_t* lease, size_t* size) {
  return wasi::captured(__func__, lease, size, &wasi::Context::standard_error);
}

bool anew_wasi_exit_code(const anew_lease_t* lease, uint32_t* exit_code) {
  return wasi::exit_code_of(__func__, lease, exit_code);
}

anew_error_t* anew_wasi_component_define(anew_component_linker_t* linker, const anew_wasi_options_t* options) {
  return wasi::define_for(__func__, linker, options);
}

anew_error_t* anew_wasi_component_run(anew_component_lease_t* lease, uint32_t* exit_code) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(exit_code);
  return wasi::run_in(*lease, *exit_code);
}

anew_error_t* anew_wasi_component_set_arguments(anew_component_lease_t* lease, const anew_text_t* arguments,
                                                size_t count) {
  ANEW_NOT_NULL(lease);
  return wasi::set_arguments(*lease, arguments, count);
}

anew_error_t* anew_wasi_component_set_environment(anew_component_lease_t* lease, const anew_text_t* environment,
                                                  size_t count) {
  ANEW_NOT_NULL(lease);
  return wasi::set_environment(*lease, environment, count);
}

anew_error_t* anew_wasi_component_set_standard_input(anew_component_lease_t* lease, const void* bytes, size_t size) {
  ANEW_NOT_NULL(lease);
  if (size != 0) ANEW_NOT_NULL(bytes);
  return wasi::set_standard_input(*lease, bytes, size);
}

const char* anew_wasi_component_standard_output(const anew_component_lease_t* lease, size_t* size) {
  return wasi::captured(__func__, lease, size, &wasi::Context::standard_output);
}

const char* anew_wasi_component_standard_error(const anew_component_lease_t* lease, size_t* size) {
  return wasi::captured(__func__, lease, size, &wasi::Context::standard_error);
}

bool anew_wasi_component_exit_code(const anew_component_lease_t* lease, uint32_t* exit_code) {
  return wasi::exit_code_of(__func__, lease, exit_code);
}

}  // extern "C"
