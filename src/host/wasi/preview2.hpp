// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WASI 0.2 on the sandbox of preview 1: what it keeps for a lease besides, and how its functions are written. A
// function takes a Call and the guest's arguments as C++ values, and returns a C++ value:
//
//   Answer<std::uint64_t, Errno> f(Call& call, std::shared_ptr<Opened> opened, std::string path);
//
// is a `func(self: borrow<descriptor>, path: string) -> result<u64, error-code>`.
#pragma once

#include <anew/component/component.hpp>
#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "host/wasi/errno.hpp"
#include "host/wasi/sandbox.hpp"
#include "host/wasi/waker.hpp"
#include "host/wasi/watch.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail::preview2 {

using component::Value;
using component::Values;

/// What a resource of the host's stands for. Guests have numbers of them (representations), which the tables of handles
/// check; children hold what they are of.
class Entry {
 public:
  Entry() = default;
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  virtual ~Entry() = default;
};

/// The resources of a lease. Each step takes constant time.
class Table {
 public:
  /// Of all kinds together, in a lease.
  static constexpr std::uint32_t kMost = 16'384;

  /// @return its representation; kResource past kMost.
  [[nodiscard]] Result<std::uint32_t> add(std::shared_ptr<Entry> entry);
  /// @return null if there is none, or it is of another type.
  template <typename T>
  [[nodiscard]] std::shared_ptr<T> find(std::uint32_t representation) const {
    if (representation >= slots_.size()) return nullptr;
    return std::dynamic_pointer_cast<T>(slots_[representation].entry);
  }
  /// Takes one out that is there.
  void remove(std::uint32_t representation) noexcept;
  void clear() noexcept;

 private:
  static constexpr std::uint32_t kNothing = ~std::uint32_t{0};
  struct Slot {
    std::shared_ptr<Entry> entry;
    std::uint32_t next_free = kNothing;
  };
  std::vector<Slot> slots_;
  std::uint32_t free_ = kNothing;
};

/// How much of something the entries of a lease hold together.
struct Budget {
  std::uint64_t most;
  std::uint64_t used = 0;
  [[nodiscard]] bool is_full() const noexcept { return used >= most; }
};
/// What one entry holds of it.
class Charge {
 public:
  explicit Charge(Budget& budget) noexcept : budget_(budget) {}
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { budget_.used -= amount_; }
  /// @return false if that is too much: it holds what it held.
  [[nodiscard]] bool set(std::uint64_t amount) noexcept {
    const std::uint64_t others = budget_.used - amount_;
    if (amount > budget_.most - others) return false;
    budget_.used = others + amount;
    amount_ = amount;
    return true;
  }
  [[nodiscard]] std::uint64_t amount() const noexcept { return amount_; }

 private:
  Budget& budget_;
  std::uint64_t amount_ = 0;
};

class OutputStream;

/// The state of a lease, beside its Sandbox.
class Preview2 {
 public:
  /// Bytes of fields and bodies that entries hold.
  static constexpr std::uint64_t kMostBytes = 16 << 20;

  explicit Preview2(std::shared_ptr<const Configuration> given)
      : configuration(std::move(given)),
        descriptors{configuration->options.maximum_descriptors},
        bytes{kMostBytes},
        waker(std::make_shared<Waker>()) {}
  void reset() noexcept;

  std::shared_ptr<const Configuration> configuration;

  // Before the table, whose entries hold of them.
  Budget descriptors;  ///< of the system, that guests opened
  Budget bytes;
  /// Look-ups of names that are under way; their threads keep it.
  std::shared_ptr<std::atomic<std::uint32_t>> look_ups;
  std::shared_ptr<Waker> waker;  ///< bodies that other threads have keep it
  std::optional<Watch> watch;    ///< of what a call that was left waits for
  Table table;
  /// Standard output and error: all streams of one are the same.
  std::shared_ptr<OutputStream> outputs[2];
};

/// A call of one of the functions.
struct Call {
  component::Caller& caller;
  Sandbox& sandbox;
  Preview2& state;
  /// How a function that has to wait leaves the call; null where it cannot be left.
  component::Again* again = nullptr;
};

/// What a function that may have to wait returns (Interface::waiting_function): nothing if wait_for() left the call.
template <typename T>
using Waits = std::optional<T>;

/// Shorthand for what ends the guest's call: it did what it must not.
[[nodiscard]] inline std::unexpected<Error> trap(std::string message) {
  return anew::fail(anew::ErrorCode::kHost, std::move(message));
}

/// Why a function has no value: what it traps with, or the error that the guest gets.
template <typename E>
class Failed {
 public:
  // NOLINTBEGIN(google-explicit-constructor): so that TRY passes on both
  Failed(Error trap) : why(std::move(trap)) {}
  template <typename X>
    requires(std::is_constructible_v<E, X &&> && !std::is_same_v<std::remove_cvref_t<X>, Error> &&
             !std::is_same_v<std::remove_cvref_t<X>, Failed>)
  Failed(X&& error) : why(std::in_place_type<E>, std::forward<X>(error)) {}
  template <typename F>
    requires std::is_constructible_v<E, F&&>
  Failed(Failed<F>&& other) : why(std::in_place_type<E>, E()) {
    std::visit([this](auto& each) { why = Failed(std::move(each)).why; }, other.why);
  }
  // NOLINTEND(google-explicit-constructor)
  std::variant<Error, E> why;
};
template <typename T, typename E>
using Answer = std::expected<T, Failed<E>>;

/// An error without a payload: of `result<T>`.
struct Nothing {};
[[nodiscard]] inline std::unexpected<Nothing> refuse() { return std::unexpected(Nothing()); }

/// A resource that goes over to the function, and out of the table.
template <typename T>
struct Own {
  std::shared_ptr<T> entry;
};

// C++ values out of the guest's.

template <typename T>
struct Argument {
  [[nodiscard]] static T of(Call& /*call*/, Value& value) { return std::move(value.as<T>()); }
};
template <typename T>
struct Argument<std::shared_ptr<T>> {
  [[nodiscard]] static std::shared_ptr<T> of(Call& call, Value& value) {
    auto entry = call.state.table.find<T>(value.as<component::Resource>().representation);
    if (entry == nullptr) throw std::logic_error("a resource of WASI is of another type than its handle");
    return entry;
  }
};
template <typename T>
struct Argument<Own<T>> {
  [[nodiscard]] static Own<T> of(Call& call, Value& value) {
    auto entry = Argument<std::shared_ptr<T>>::of(call, value);
    call.state.table.remove(value.as<component::Resource>().representation);
    return {std::move(entry)};
  }
};
template <typename T>
struct Argument<std::optional<T>> {
  [[nodiscard]] static std::optional<T> of(Call& call, Value& value) {
    const auto& option = value.as<component::Case>();
    if (option.index == 0) return std::nullopt;
    return Argument<T>::of(call, *option.payload);
  }
};
template <>
struct Argument<Value> {
  [[nodiscard]] static Value of(Call& /*call*/, Value& value) { return std::move(value); }
};

// The guest's values out of C++ ones.

[[nodiscard]] inline Result<Value> to_value(Call& /*call*/, Nothing&& /*nothing*/) { return Value(); }
/// As `error-code` of wasi:filesystem.
[[nodiscard]] Result<Value> to_value(Call& call, Errno&& error);
template <typename T>
  requires std::is_constructible_v<Value::Alternatives, T&&>
[[nodiscard]] Result<Value> to_value(Call& /*call*/, T&& value) {
  return Value(std::forward<T>(value));
}
[[nodiscard]] inline Result<Value> to_value(Call& /*call*/, Value&& value) { return std::move(value); }
template <typename T>
  requires std::is_base_of_v<Entry, T>
[[nodiscard]] Result<Value> to_value(Call& call, std::shared_ptr<T>&& entry) {
  const std::uint32_t representation = TRY(call.state.table.add(std::move(entry)));
  return component::Resource{representation, true};
}
template <typename A, typename... B>
[[nodiscard]] Result<Value> to_value(Call& call, std::tuple<A, B...>&& tuple);
template <typename T>
[[nodiscard]] Result<Value> to_value(Call& call, std::optional<T>&& value) {
  if (!value) return component::none();
  Value payload = TRY(to_value(call, std::move(*value)));
  return component::some(std::move(payload));
}
template <typename T, typename E>
[[nodiscard]] Result<Value> to_value(Call& call, Answer<T, E>&& answer) {
  if (!answer) {
    if (auto* const error = std::get_if<Error>(&answer.error().why)) return std::unexpected(std::move(*error));
    Value payload = TRY(to_value(call, std::move(std::get<E>(answer.error().why))));
    return payload.is<std::monostate>() ? component::error() : component::error(std::move(payload));
  }
  if constexpr (std::is_void_v<T>) {
    return component::ok();
  } else {
    Value payload = TRY(to_value(call, std::move(*answer)));
    return component::ok(std::move(payload));
  }
}
template <typename A, typename... B>
[[nodiscard]] Result<Value> to_value(Call& call, std::tuple<A, B...>&& tuple) {
  return std::apply(
      [&call](auto&... parts) -> Result<Value> {
        Values values;
        std::optional<Error> error;
        const auto add = [&](auto& part) {
          auto value = to_value(call, std::move(part));
          if (value)
            values.push_back(std::move(*value));
          else
            error = std::move(value.error());
          return value.has_value();
        };
        if (!(add(parts) && ...)) return std::unexpected(std::move(*error));
        return values;
      },
      tuple);
}

/// What a function returns: a value, nothing, or a Result of one of them, whose error traps.
template <typename R>
[[nodiscard]] Result<Value> to_result(Call& call, R&& result) {
  return to_value(call, std::forward<R>(result));
}
template <typename T>
[[nodiscard]] Result<Value> to_result(Call& call, Result<T>&& result) {
  if (!result) return std::unexpected(std::move(result.error()));
  if constexpr (std::is_void_v<T>)
    return Value();
  else
    return to_value(call, std::move(*result));
}

/// How the linker has a function f, of a signature.
template <typename F, typename R, typename... A>
[[nodiscard]] component::Linker::Function to_function(F f, std::type_identity<R(Call&, A...)> /*signature*/) {
  return [f = std::move(f)](component::Caller& caller, Values values) -> Result<Value> {
    if (values.size() != sizeof...(A)) throw std::logic_error("a function of WASI is called with another type");
    Call call{caller, caller.state<Context>().sandbox(), caller.state<Preview2>()};
    return [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) -> Result<Value> {
      if constexpr (std::is_void_v<R>) {
        f(call, Argument<A>::of(call, values[kIndex])...);
        return Value();
      } else {
        return to_result(call, f(call, Argument<A>::of(call, values[kIndex])...));
      }
    }(std::index_sequence_for<A...>());
  };
}
/// The same of one that may have to wait: it is called again with what it left of its arguments.
template <typename R, typename... A>
[[nodiscard]] component::Linker::WaitingFunction to_attempts(Waits<R> (*f)(Call&, A&...)) {
  return [f](component::Caller& at_first, Values values) -> component::Attempt {
    if (values.size() != sizeof...(A)) throw std::logic_error("a function of WASI is called with another type");
    Call given{at_first, at_first.state<Context>().sandbox(), at_first.state<Preview2>()};
    auto arguments = [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return std::tuple<A...>(Argument<A>::of(given, values[kIndex])...);
    }(std::index_sequence_for<A...>());
    return [f, arguments = std::move(arguments)](component::Caller& caller,
                                                 component::Again* again) mutable -> Result<std::optional<Value>> {
      Call call{caller, caller.state<Context>().sandbox(), caller.state<Preview2>(), again};
      call.state.watch.reset();
      Waits<R> result = std::apply([&](A&... parts) { return f(call, parts...); }, arguments);
      if (!result) return std::nullopt;
      return to_result(call, std::move(*result));
    };
  };
}

template <typename F, typename R, typename... A>
[[nodiscard]] std::type_identity<R(Call&, A...)> signature_of(R (F::*)(Call&, A...) const) {
  return {};
}

/// Defines the functions and resources of an interface.
class Interface {
 public:
  Interface(component::Linker& linker, std::string_view name) : linker_(linker), name_(name) {}
  template <auto kFunction>
  void function(std::string_view name) {
    linker_.define(name_, name,
                   to_function(kFunction, std::type_identity<std::remove_pointer_t<decltype(kFunction)>>()));
  }
  /// A function object.
  template <typename F>
  void function(std::string_view name, F f) {
    linker_.define(name_, name, to_function(std::move(f), signature_of(&F::operator())));
  }
  template <auto kFunction>
  void waiting_function(std::string_view name) {
    linker_.define_waiting(name_, name, to_attempts(kFunction));
  }
  void resource(std::string_view name) {
    linker_.define_resource(name_, name, [](component::Caller& caller, std::uint32_t representation) -> Result<void> {
      caller.state<Preview2>().table.remove(representation);
      return {};
    });
  }

 private:
  component::Linker& linker_;
  std::string_view name_;
};

/// A guest's strings are UTF-8: in what is not, a replacement character stands for each byte that is not ASCII.
[[nodiscard]] std::string to_utf8(std::string_view bytes);

/// `wasi:io`.
void define_io(component::Linker& linker);
/// `wasi:cli`, `wasi:clocks`, `wasi:random`.
void define_process(component::Linker& linker);
/// `wasi:filesystem`.
void define_files(component::Linker& linker);
/// `wasi:sockets`.
void define_sockets(component::Linker& linker);
void define_tcp(component::Linker& linker);
void define_udp(component::Linker& linker);
void define_names(component::Linker& linker);

}  // namespace anew::wasi::detail::preview2
