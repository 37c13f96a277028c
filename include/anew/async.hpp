// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guests that wait cost no thread: a host function that has no result yet leaves its call, whose guest stays where it
// is, and the thread goes on with others. When the result is there the call goes on, on this thread or another.
//
//   linker.define_async("env", "fetch", [&](std::uint32_t key, anew::Completion<std::uint32_t> completion) {
//     database.ask(key, [completion](std::uint32_t value) { completion.complete(value); });   // from any thread
//   });
//   ...
//   anew::Call<std::uint32_t> call = pool.acquire().value().start(run, 7u);
//   call.on_ready([&] { loop.post(...); });           // or: while (!call.is_done()) wait, then
//   if (call.resume()) use(call.result());            // it may wait again
//
// A call that waits costs its guest stack: address space of EngineOptions::stack_bytes, and of memory the pages that
// the guest has used of it, one or two as a rule.
//
// Guests that compute without end do not block others: with Lease::set_time_slice a call leaves its thread in the midst
// of its work when it has had it for so long, at any instruction, and resume() gives it another slice:
//
//   lease.set_time_slice(std::chrono::milliseconds(2));
//   calls.push_back(std::move(lease).start(run, 7u));
//   ...
//   for (auto& call : calls) call.resume();   // each in turn, until they are done
#pragma once

#include <anew/error.hpp>
#include <anew/function.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace anew {

namespace detail {

struct Wait;

[[nodiscard]] ANEW_API std::shared_ptr<Wait> make_wait();
/// The first one counts.
ANEW_API void complete(Wait& wait, std::span<const std::uint64_t> slots);
ANEW_API void complete(Wait& wait, Error error);
/// The end of a host function that may not have its result yet. @return what the guest's import is to return to its
/// stub.
[[nodiscard]] ANEW_API std::uint32_t wait_for(std::shared_ptr<Wait> wait, std::uint64_t* slots);
/// Whether the call of the guest that calls this host function is one that wait_for() leaves.
[[nodiscard]] ANEW_API bool may_be_left() noexcept;

/// Fails what nobody has completed when the last copy of a Completion goes.
class ANEW_API Promise {
 public:
  explicit Promise(std::shared_ptr<Wait> wait) noexcept : wait_(std::move(wait)) {}
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  ~Promise();
  [[nodiscard]] Wait& wait() const noexcept { return *wait_; }

 private:
  std::shared_ptr<Wait> wait_;
};

struct CallState;
struct EndsCall {
  ANEW_API void operator()(CallState* call) const noexcept;
};
using CallPointer = std::unique_ptr<CallState, EndsCall>;

/// @param slots  the arguments; room for the results, too.
[[nodiscard]] ANEW_API CallPointer start_call(Instance& instance, const FunctionHandle& function,
                                              std::span<const std::uint64_t> slots);
/// One that did not begin.
[[nodiscard]] ANEW_API CallPointer failed_call(Error error);
[[nodiscard]] ANEW_API bool is_done(const CallState& call) noexcept;
[[nodiscard]] ANEW_API bool is_ready(const CallState& call) noexcept;
[[nodiscard]] ANEW_API bool is_parked(const CallState& call) noexcept;
ANEW_API bool resume_call(CallState& call);
ANEW_API void on_ready(CallState& call, std::function<void()> wake);
/// Of a call that is done.
[[nodiscard]] ANEW_API const Error* error_of(const CallState& call) noexcept;
[[nodiscard]] ANEW_API const std::uint64_t* slots_of(const CallState& call) noexcept;

}  // namespace detail

/// What a host function that is not done yet keeps, to give its result later: from any thread, once. Cheap to copy. If
/// all copies go without a result, the guest's call traps.
/// @tparam R  void, an integer of 32 or 64 bits, bool, float, double, V128, or a std::tuple of several.
template <typename R>
class Completion {
  static_assert(detail::Results<R>::kValid && !detail::Results<R>::kHasReferences,
                "what is completed later is a number, V128, a std::tuple of these, or void");

 public:
  /// Gives the result. Later ones of the same call are dropped.
  template <typename T = R>
    requires(!std::is_void_v<T>)
  void complete(std::type_identity_t<T> value) const {
    std::uint64_t slots[detail::Results<T>::kSlots];
    detail::Results<T>::write(std::move(value), slots);
    detail::complete(promise_->wait(), slots);
  }
  void complete() const
    requires std::is_void_v<R>
  {
    detail::complete(promise_->wait(), std::span<const std::uint64_t>());
  }
  /// Traps the guest with the error's message.
  void fail(Error error) const { detail::complete(promise_->wait(), std::move(error)); }

  /// For the library's own folders.
  explicit Completion(std::shared_ptr<const detail::Promise> promise) noexcept : promise_(std::move(promise)) {}

 private:
  std::shared_ptr<const detail::Promise> promise_;
};

/// A call that may wait, with the lease that it is made in. Move-only; used by one thread at a time, not always the
/// same. When it goes before it has ended, its guest goes with it, and the instance is made as new.
template <typename R, typename LeaseType>
class BasicCall {
 public:
  /// For the library's own folders.
  BasicCall(LeaseType lease, detail::CallPointer state) noexcept : lease_(std::move(lease)), state_(std::move(state)) {}
  BasicCall(BasicCall&&) noexcept = default;
  /// The call that was here goes as if it were destroyed: before its lease.
  BasicCall& operator=(BasicCall&& other) noexcept {
    if (this != &other) {
      state_ = std::move(other.state_);
      lease_ = std::move(other.lease_);
    }
    return *this;
  }
  ~BasicCall() = default;

  /// Whether it has returned or trapped.
  [[nodiscard]] bool is_done() const noexcept { return detail::is_done(*state_); }
  /// Whether what it waits for is there, so that resume() goes on. One that is parked is ready on the thread that it
  /// was parked on, and on no other.
  [[nodiscard]] bool is_ready() const noexcept { return detail::is_ready(*state_); }
  /// Whether it has left its thread in the midst of its work, because its time slice was over
  /// (Lease::set_time_slice).
  [[nodiscard]] bool is_parked() const noexcept { return detail::is_parked(*state_); }
  /// Goes on until the call ends, waits again or is parked; does nothing if it is not ready. A deadline that passed
  /// meanwhile ends it. @return whether it is done.
  bool resume() { return detail::resume_call(*state_); }
  /// Has a function called once, when what the call waits for now is there: by the thread that completes it, which
  /// should not resume the call itself but tell who does; or at once, if it is there already or the call is parked.
  void on_ready(std::function<void()> wake) { detail::on_ready(*state_, std::move(wake)); }
  /// Of a call that is done. @return the result, kTrap, or kArgument if it is not done.
  [[nodiscard]] Result<R> result() const {
    if (!is_done()) return anew::fail(ErrorCode::kArgument, "the call is not done: resume it until it is");
    if (const Error* const error = detail::error_of(*state_)) return std::unexpected(*error);
    if constexpr (std::is_void_v<R>)
      return {};
    else
      return detail::Results<R>::read(detail::slots_of(*state_));
  }
  /// The lease of a call that is done, to look at its memory or call again.
  [[nodiscard]] LeaseType& lease() noexcept { return lease_; }

 private:
  LeaseType lease_;
  detail::CallPointer state_;  ///< goes before the lease
};

}  // namespace anew
