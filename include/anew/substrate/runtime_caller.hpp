// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// For host functions of one's own (RuntimeOptions::functions): the runtime that calls.
//
//   functions.define("env", "ext_my_chain_hash_version_1", [](anew::Caller caller, std::uint64_t data) {
//     return answer(substrate::RuntimeCaller(caller), data);    // where data is a span: an address and a length
//   });
#pragma once

#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/substrate/state.hpp>
#include <anew/substrate/types.hpp>
#include <cstdint>

namespace anew::substrate {

struct InstanceState;

/// Valid as long as its Caller. All functions return kHost if the caller is no instance of a Runtime.
class ANEW_API RuntimeCaller {
 public:
  explicit RuntimeCaller(Caller caller) noexcept;

  /// The bytes of a span, which the API passes in an i64: address in the low half, length in the high half. They are
  /// not copied: write to no memory of the guest while they are in use. @return kArgument if they are not inside it.
  [[nodiscard]] Result<BytesView> read(std::uint64_t span) const;
  /// Copies bytes to a new block of the guest's heap, which the guest frees. @return their span; kHost if there is no
  /// room for them.
  [[nodiscard]] Result<std::uint64_t> give(BytesView bytes) const;

  /// The value of a key in the state's top trie now, or null. @return also kHost if the call has no state.
  [[nodiscard]] Result<StorageValue> get(BytesView key) const;
  /// Changes a key of the top trie, as part of what the call changes; null: removes it. @return also kHost if the call
  /// has no state, kLimit if it changes too much.
  [[nodiscard]] Result<void> set(BytesView key, StorageValue value) const;

 private:
  Caller caller_;
  InstanceState* state_;
};

}  // namespace anew::substrate
