// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How values cross between a runtime and its host. The C++ types of a host function's parameters and result say how
// each is passed, and this turns the function into one of WebAssembly's (polkadot-sdk,
// substrate/primitives/runtime-interface):
//
//   parameter or result                    WebAssembly   how
//   std::uint32_t, std::uint64_t           i32, i64      as it is
//   StateVersion, StorageKind              i32           its number
//   bool (result)                          i32           0 or 1
//   BytesView                              i64           address in the low half, length in the high half
//   GuestBuffer                            i64           the same, for writing
//   std::span<const std::byte, N>          i32           the address of N bytes
//   std::optional<std::uint32_t>           i64           SCALE-encoded, as a BytesView
//   std::optional<BytesView>, vectors      i64           likewise
//   std::array<std::byte, N> (result)      i32           the address of N bytes on the guest's heap
//   Blob (result)                          i64           address and length of bytes on the guest's heap
//   StorageValue, std::optional (results)  i64           SCALE-encoded, as a Blob
//
// Views that were read stay valid while a function runs: a result's block is allocated behind its computation, and the
// memory's address does not change when it grows.
#pragma once

#include <algorithm>
#include <anew/linker.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/offchain.hpp>
#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/instance_state.hpp"
#include "host/substrate/overlay.hpp"
#include "host/substrate/signatures.hpp"
#include "os/try.hpp"

namespace anew::substrate {

/// What a host function that needs no state knows of its caller.
struct HostCall {
  MemoryView memory;
  InstanceState& state;

  [[nodiscard]] Result<GuestSpan> give(std::initializer_list<BytesView> parts) const {
    return copy_to_heap(state, memory, parts);
  }
};

/// A hash that lies in guest memory.
using HashBytes = std::span<const std::byte, 32>;
[[nodiscard]] inline Hash to_hash(HashBytes bytes) noexcept {
  Hash hash;
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

/// Bytes that are the result of a host function.
struct Blob {
  Bytes bytes;
};

/// A stretch of guest memory that a function writes to.
class GuestBuffer {
 public:
  GuestBuffer(MemoryView memory, GuestSpan span) noexcept : memory_(memory), span_(span) {}
  /// Writes the first bytes, as many as there is room for: what is not written stays unmarked. @return how many.
  [[nodiscard]] Result<std::uint32_t> write(BytesView bytes);

 private:
  MemoryView memory_;
  GuestSpan span_;
};

/// How a parameter is passed: read() makes it of its WebAssembly value.
template <typename T>
struct Passed;

/// How a result is returned: give() makes the WebAssembly value of it.
template <typename T>
struct Returned;

template <>
struct Passed<std::uint32_t> {
  using Wasm = std::uint32_t;
  static Result<std::uint32_t> read(const HostCall&, Wasm value) { return value; }
};
template <>
struct Passed<std::uint64_t> {
  using Wasm = std::uint64_t;
  static Result<std::uint64_t> read(const HostCall&, Wasm value) { return value; }
};
template <>
struct Passed<BytesView> {
  using Wasm = std::uint64_t;
  static Result<BytesView> read(const HostCall& call, Wasm packed) {
    const GuestSpan span = GuestSpan::unpack(packed);
    return call.memory.read(span.address, span.length);
  }
};
template <std::size_t N>
  requires(N != std::dynamic_extent)
struct Passed<std::span<const std::byte, N>> {
  using Wasm = std::uint32_t;
  static Result<std::span<const std::byte, N>> read(const HostCall& call, Wasm address) {
    auto bytes = TRY(call.memory.read(address, N));
    return bytes.template first<N>();
  }
};
template <>
struct Passed<GuestBuffer> {
  using Wasm = std::uint64_t;
  static Result<GuestBuffer> read(const HostCall& call, Wasm packed);
};
template <>
struct Passed<StateVersion> {
  using Wasm = std::uint32_t;
  static Result<StateVersion> read(const HostCall& call, Wasm value);
};
template <>
struct Passed<StorageKind> {
  using Wasm = std::uint32_t;
  static Result<StorageKind> read(const HostCall& call, Wasm value);
};

/// SCALE-encoded parameters.
template <>
struct Passed<std::optional<std::uint32_t>> {
  using Wasm = std::uint64_t;
  static Result<std::optional<std::uint32_t>> read(const HostCall& call, Wasm packed);
};
template <>
struct Passed<std::optional<BytesView>> {
  using Wasm = std::uint64_t;
  static Result<std::optional<BytesView>> read(const HostCall& call, Wasm packed);
};
template <>
struct Passed<std::vector<BytesView>> {
  using Wasm = std::uint64_t;
  static Result<std::vector<BytesView>> read(const HostCall& call, Wasm packed);
};
template <>
struct Passed<std::vector<std::pair<BytesView, BytesView>>> {
  using Wasm = std::uint64_t;
  static Result<std::vector<std::pair<BytesView, BytesView>>> read(const HostCall& call, Wasm packed);
};

template <typename T>
  requires std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>
struct Returned<T> {
  using Wasm = T;
  static Result<Wasm> give(const HostCall&, T value) { return value; }
};
template <>
struct Returned<bool> {
  using Wasm = std::uint32_t;
  static Result<Wasm> give(const HostCall&, bool value) { return value ? 1 : 0; }
};
template <std::size_t N>
struct Returned<std::array<std::byte, N>> {
  using Wasm = std::uint32_t;
  static Result<Wasm> give(const HostCall& call, const std::array<std::byte, N>& value) {
    const auto span = TRY(call.give({value}));
    return span.address;
  }
};

/// Results that are bytes on the heap: a header, which may be empty, and a body.
struct ReturnedBytes {
  using Wasm = std::uint64_t;
  static Result<Wasm> give(const HostCall& call, std::initializer_list<BytesView> parts) {
    const auto span = TRY(call.give(parts));
    return span.pack();
  }
  /// An Option<Vec<u8>>.
  static Result<Wasm> give_option(const HostCall& call, std::optional<BytesView> value);
};
template <>
struct Returned<Blob> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const Blob& blob) { return ReturnedBytes::give(call, {blob.bytes}); }
};
template <>
struct Returned<StorageValue> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const StorageValue& value) {
    return give_option(call, value != nullptr ? std::optional<BytesView>(*value) : std::nullopt);
  }
};
template <>
struct Returned<std::optional<Bytes>> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const std::optional<Bytes>& value) {
    return give_option(call, value ? std::optional<BytesView>(*value) : std::nullopt);
  }
};
template <>
struct Returned<std::optional<std::uint32_t>> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, std::optional<std::uint32_t> value);
};
/// KillStorageResult.
template <>
struct Returned<Overlay::Removal> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const Overlay::Removal& removal);
};
/// MultiRemovalResults: the same, and more.
struct RemovalResults {
  Overlay::Removal removal;
};
template <>
struct Returned<RemovalResults> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const RemovalResults& results);
};
/// Result<[u8; N], EcdsaVerifyError>.
template <std::size_t N>
struct Returned<std::expected<std::array<std::byte, N>, RecoverError>> : ReturnedBytes {
  static Result<Wasm> give(const HostCall& call, const std::expected<std::array<std::byte, N>, RecoverError>& key) {
    constexpr std::array kOk = {std::byte{0}};
    if (key) return ReturnedBytes::give(call, {kOk, *key});
    const std::array error = {std::byte{1}, std::byte{std::to_underlying(key.error())}};
    return ReturnedBytes::give(call, {error});
  }
};

/// Adds up calls and time in Externalities::set_profile's object, if there is one.
class ProfiledCall {
 public:
  ProfiledCall(const InstanceState& state, std::string_view name) noexcept
      : profile_(state.externalities != nullptr ? state.externalities->profile : nullptr), name_(name) {
    if (profile_ != nullptr) [[unlikely]]
      start_ = std::chrono::steady_clock::now();
  }
  ProfiledCall(const ProfiledCall&) = delete;
  ProfiledCall& operator=(const ProfiledCall&) = delete;
  ~ProfiledCall() {
    if (profile_ != nullptr) [[unlikely]]
      add();
  }

 private:
  void add() noexcept;
  HostProfile* profile_;
  std::string_view name_;
  std::chrono::steady_clock::time_point start_{};
};

/// Result<T> or T: T.
template <typename R>
struct Unwrapped {
  using Type = R;
};
template <typename T>
struct Unwrapped<Result<T>> {
  using Type = T;
};

/// What the function of WebAssembly returns.
template <typename T>
struct ReturnedWasm {
  using Type = typename Returned<T>::Wasm;
};
template <>
struct ReturnedWasm<void> {
  using Type = void;
};

/// The arguments of a host function as they were read. A tuple would move them there, and a move of what was just
/// written waits for it to reach the cache.
template <std::size_t, typename T>
struct Argument {
  Result<T> value;
};
template <typename Indices, typename... T>
struct Arguments;
template <std::size_t... I, typename... T>
struct Arguments<std::index_sequence<I...>, T...> : Argument<I, T>... {};
template <std::size_t I, typename T>
[[nodiscard]] Result<T>& argument(Argument<I, T>& argument) noexcept {
  return argument.value;
}

/// Defines host functions in module "env".
class HostFunctions {
 public:
  explicit HostFunctions(Linker& linker) noexcept : linker_(&linker) {}

  /// Does nothing if the linker has the function already: those of the embedder go first.
  /// @param name      a literal: it is kept as it is.
  /// @param function  (const HostCall&, A...) or, where it needs a state, (Externalities::State&, A...), with types of
  ///                  the table above; returns one of them, nothing, or a Result of it. Serves all threads at once.
  template <typename F>
  void define(std::string_view name, F function) {
    define_as(name, std::move(function), &F::operator());
  }

 private:
  template <typename F, typename Context, typename R, typename... A>
  void define_as(std::string_view name, F function, R (F::*)(Context, A...) const) {
    using Value = typename Unwrapped<R>::Type;
    if (is_defined(name)) return;
    linker_->define("env", name,
                    [function = std::move(function), name](
                        const Caller& caller, InstanceState& state,
                        typename Passed<std::decay_t<A>>::Wasm... raw) -> Result<typename ReturnedWasm<Value>::Type> {
                      const HostCall call{caller.memory(), state};
                      const ProfiledCall profiled(call.state, name);
                      if constexpr (std::is_same_v<Context, Externalities::State&>) {
                        if (call.state.externalities == nullptr) return fail_without_state(name);
                      }
                      // Braces: read from the first to the last, each where it stays.
                      Arguments<std::index_sequence_for<A...>, std::decay_t<A>...> arguments{
                          {Passed<std::decay_t<A>>::read(call, raw)}...};
                      auto result = run<Context, R>(function, call, arguments, std::index_sequence_for<A...>{});
                      if (!result) [[unlikely]]
                        return fail_in(name, result.error());
                      return result;
                    });
  }

  template <typename Context, typename R, typename F, typename Arguments, std::size_t... I>
  static auto run(const F& function, const HostCall& call, Arguments& arguments, std::index_sequence<I...>)
      -> Result<typename ReturnedWasm<typename Unwrapped<R>::Type>::Type> {
    using Value = typename Unwrapped<R>::Type;
    const Error* wrong = nullptr;
    ((wrong == nullptr && !argument<I>(arguments) ? void(wrong = &argument<I>(arguments).error()) : void()), ...);
    if (wrong != nullptr) [[unlikely]]
      return std::unexpected(*wrong);
    const auto invoke = [&]() -> R {
      if constexpr (std::is_same_v<Context, Externalities::State&>)
        return function(*call.state.externalities, *argument<I>(arguments)...);
      else
        return function(call, *argument<I>(arguments)...);
    };
    if constexpr (std::is_void_v<R>) {
      invoke();
      return {};
    } else if constexpr (std::is_same_v<R, Value>) {
      return Returned<Value>::give(call, invoke());
    } else {
      const R result = invoke();
      if (!result) return std::unexpected(result.error());
      if constexpr (std::is_void_v<Value>)
        return {};
      else
        return Returned<Value>::give(call, *result);
    }
  }

  [[nodiscard]] bool is_defined(std::string_view name) const;
  [[nodiscard]] static std::unexpected<Error> fail_without_state(std::string_view name);
  /// The error, with the function's name before its message.
  [[nodiscard]] static std::unexpected<Error> fail_in(std::string_view name, const Error& error);

  Linker* linker_;
};

}  // namespace anew::substrate
