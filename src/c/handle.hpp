// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the objects behind C handles have in common: in a build without NDEBUG each knows what it is and whether it was
// deleted, and a lease which thread is in it.
#pragma once

#include <anew/version.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace anew::c {

/// What a handle points to; unlikely numbers, so that other memory is not taken for one.
enum class Kind : std::uint32_t {
  kDeleted = 0x0DEAD0DE,
  kError = 0xA7E30001,
  kEngine,
  kModule,
  kLinker,
  kStateType,
  kPool,
  kFunction,
  kLease,
  kCanceller,
  kPoolCache,
  kCompletion,
  kCall,
  kComponent,
  kComponentLinker,
  kComponentPool,
  kComponentLease,
  kComponentCompletion,
  kComponentCall,
};

#ifdef NDEBUG

template <Kind>
struct Handle {};

class Entered {
 public:
  void expect_idle(const char*) const noexcept {}
};

class Use {
 public:
  explicit Use(Entered&) noexcept {}
};

/// Whether a required argument is missing.
template <typename T>
[[nodiscard]] bool is_missing(const T* argument, const char*) noexcept {
  return argument == nullptr;
}

#else

/// Says on stderr what a caller did wrong, and aborts.
[[noreturn]] ANEW_DETAIL_API void abort_misuse(const char* function, const char* what) noexcept;
/// Keeps the memory of the handles that were deleted last, so that they are still known to be deleted.
void retire(void* memory) noexcept;

/// The base of what a handle points to.
template <Kind kKind>
struct Handle {
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { kind.store(Kind::kDeleted, std::memory_order_relaxed); }
  static void* operator new(std::size_t size) { return ::operator new(size); }
  static void* operator new(std::size_t size, const std::nothrow_t& flag) noexcept {
    return ::operator new(size, flag);
  }
  static void operator delete(void* memory) noexcept { retire(memory); }

  /// Atomic, for the compiler keeps a store to an object that dies; read by whoever deletes twice.
  std::atomic<Kind> kind = kKind;
  static constexpr Kind kOwnKind = kKind;
};

/// Which thread is in a lease, and how many of its calls.
class Entered {
 public:
  ANEW_DETAIL_API void enter() noexcept;
  ANEW_DETAIL_API void leave() noexcept;
  /// For what ends the lease.
  void expect_idle(const char* function) const noexcept {
    if (thread_.load() != nullptr) abort_misuse(function, "was given a lease whose call has not returned");
  }

 private:
  std::atomic<const void*> thread_ = nullptr;
  std::uint32_t depth_ = 0;  ///< of that thread's
};

/// While one lives, its thread is in the lease.
class Use {
 public:
  explicit Use(Entered& entered) noexcept : entered_(entered) { entered.enter(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { entered_.leave(); }

 private:
  Entered& entered_;
};

template <typename T>
[[nodiscard]] bool is_missing(const T* argument, const char* function) noexcept {
  if (argument == nullptr) return true;
  if constexpr (requires { T::kOwnKind; }) {
    const Kind kind = argument->kind.load(std::memory_order_relaxed);
    if (kind == Kind::kDeleted) abort_misuse(function, "was given a handle that was deleted before");
    if (kind != T::kOwnKind) abort_misuse(function, "was given what is no handle, or one of another kind");
  }
  return false;
}

#endif

}  // namespace anew::c
