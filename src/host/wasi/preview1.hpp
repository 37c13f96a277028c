// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of `wasi_snapshot_preview1`, as its interface description (wasi_snapshot_preview1.witx) has them: a
// thin face of a Sandbox, which reads arguments from the guest's memory and writes results there.
#pragma once

#include <anew/caller.hpp>
#include <anew/linker.hpp>
#include <anew/memory_view.hpp>
#include <anew/wasi.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "host/wasi/attempt.hpp"
#include "host/wasi/descriptors.hpp"
#include "host/wasi/errno.hpp"
#include "host/wasi/rights.hpp"
#include "host/wasi/sandbox.hpp"

namespace anew::wasi::detail {

inline constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";

/// When a call began: what relative times are relative to, by the two clocks.
struct Begin {
  std::uint64_t real;
  std::uint64_t monotonic;
};

/// A call of one of the functions.
struct Call {
  Caller caller;
  MemoryView memory;
  Sandbox& sandbox;
  std::optional<Begin> begin = std::nullopt;  ///< of one that is called again, if it has said when

  /// @return kFault if it is not inside the memory.
  template <typename T>
  [[nodiscard]] Outcome<T> load(std::uint32_t address) const {
    const auto value = memory.load<T>(address);
    if (!value) return fail(Errno::kFault);
    return *value;
  }
  template <typename T>
  [[nodiscard]] Outcome<void> store(std::uint32_t address, const T& value) {
    if (!memory.store(address, value)) return fail(Errno::kFault);
    return {};
  }
  /// Memory to write to, marked as written.
  [[nodiscard]] Outcome<std::span<std::byte>> write(std::uint64_t address, std::uint64_t count);
  /// Whether a stretch is inside the memory.
  [[nodiscard]] Outcome<void> check(std::uint32_t address, std::uint64_t count) const;
  /// A path. Good until the guest's memory is written. @return kFault; kInval if it holds a NUL.
  [[nodiscard]] Outcome<std::string_view> path(std::uint32_t address, std::uint32_t length) const;

  /// An open descriptor. @return kBadf if it is none; kNotcapable if it lacks one of the rights.
  [[nodiscard]] Outcome<OpenDescriptor*> find(std::uint32_t number, Rights rights = 0) const;
  /// The same for a directory. @return also kNotdir.
  [[nodiscard]] Outcome<OpenDescriptor*> find_directory(std::uint32_t number, Rights rights) const;
};

/// `filestat` at an address.
[[nodiscard]] Outcome<void> store_status(Call& call, std::uint32_t address, const os::NodeStatus& status);
/// `filetype`.
[[nodiscard]] std::uint8_t filetype_of(os::NodeKind kind) noexcept;
/// `fstflags` with the two times. @return kInval for flags that contradict one another or are none.
struct NewTimes {
  os::NewTime accessed;
  os::NewTime modified;
};
[[nodiscard]] Outcome<NewTimes> new_times(std::uint64_t accessed, std::uint64_t modified, std::uint32_t flags);

/// A host function as the runtime calls it; once more if it waited. @return as wait_for().
template <auto kFunction, typename... A, std::size_t... I>
std::uint32_t attempt(std::byte* cell, std::uint64_t* slots, std::optional<Begin> begin,
                      std::index_sequence<I...> places) noexcept {
  try {
    Caller caller = anew::detail::MakesCallers::of(cell);
    Call call{caller, caller.memory(), caller.state<Context>().sandbox(), begin};
    Attempt trying(anew::detail::may_be_left());
    // Each parameter is an integer, which takes one slot.
    const Outcome<void> done = kFunction(call, anew::detail::ValueTraits<A>::read(slots + I)...);
    if (done || done.error() != Errno::kLeft) {
      slots[0] = done ? 0 : static_cast<std::uint32_t>(done.error());
      return 0;
    }
    Waited waited = trying.take();
    waited.wait->finish = [cell, begin = call.begin, places, watch = std::move(waited.watch)](std::uint64_t* again) {
      return attempt<kFunction, A...>(cell, again, begin, places);
    };
    return anew::detail::wait_for(std::move(waited.wait), slots);
  } catch (...) {
    return anew::detail::raise_host_exception();
  }
}

/// Defines a function from one that takes a Call and the guest's arguments: what it fails with is what the guest gets.
template <auto kFunction, typename... A>
void define_function(Linker& linker, std::string_view name, Outcome<void> (*)(Call&, A...)) {
  anew::detail::HostDefinition definition;
  definition.type = {{anew::detail::ValueTraits<A>::kType...}, {ValueType::kI32}};
  definition.states = {&anew::detail::kStateType<Context>};
  definition.call = [](void*, std::byte* cell, std::uint64_t* slots) {
    return attempt<kFunction, A...>(cell, slots, std::nullopt, std::index_sequence_for<A...>());
  };
  linker.define_raw(kPreview1, name, std::move(definition));
}
template <auto kFunction>
void define(Linker& linker, std::string_view name) {
  define_function<kFunction>(linker, name, kFunction);
}

/// Arguments, environment, clocks, random bytes, the process.
void define_process(Linker& linker);
/// `fd_*`.
void define_descriptors(Linker& linker);
/// `path_*`.
void define_paths(Linker& linker);
/// `poll_oneoff`.
void define_poll(Linker& linker);
/// `sock_*`.
void define_sockets(Linker& linker);

}  // namespace anew::wasi::detail
