// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can take long ends soon once its call is to end. Work is counted, or would never end.
#include "runtime/stop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "host/substrate/ed25519.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/overlay.hpp"
#include "host/substrate/pieces.hpp"
#include "host/substrate/signatures.hpp"
#include "host/substrate/sr25519.hpp"
#include "host/substrate/trie.hpp"
#include "host/substrate/trie_root.hpp"
#include "os/virtual_memory.hpp"
#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

using detail::CallStopped;

/// As the handler of the watchdog's signal does while a call is active.
void stop_calls_of_this_thread() { detail::this_thread()->kill = 1; }

class Stopping : public testing::Test {
 protected:
  void TearDown() override { detail::this_thread()->kill = 0; }
};

TEST_F(Stopping, IsAskedForOfTheThreadItself) {
  EXPECT_FALSE(detail::stop_requested());
  EXPECT_NO_THROW(detail::check_stop());
  stop_calls_of_this_thread();
  EXPECT_TRUE(detail::stop_requested());
  EXPECT_THROW(detail::check_stop(), CallStopped);
  EXPECT_FALSE(detail::stop_requested(nullptr));
}

/// Data of which only the first piece may be read: what reads on crashes.
class LongData {
 public:
  static constexpr std::size_t kBytes = std::size_t{1} << 30;

  LongData() : mapping_(os::Mapping::reserve(kBytes).value()) {
    EXPECT_TRUE(os::protect(mapping_.data(), kPiece, os::Access::kReadWrite));
  }
  [[nodiscard]] BytesView bytes() const { return {mapping_.data(), kBytes}; }

 private:
  os::Mapping mapping_;
};

TEST_F(Stopping, EndsHashesAfterAPiece) {
  const LongData data;
  const std::vector<std::function<void(BytesView)>> hashes = {
      [](BytesView bytes) { (void)blake2b_128(bytes); }, [](BytesView bytes) { (void)blake2b_256(bytes); },
      [](BytesView bytes) { (void)twox_64(bytes); },     [](BytesView bytes) { (void)twox_128(bytes); },
      [](BytesView bytes) { (void)twox_256(bytes); },    [](BytesView bytes) { (void)keccak_256(bytes); },
      [](BytesView bytes) { (void)keccak_512(bytes); },  [](BytesView bytes) { (void)sha2_256(bytes); },
  };
  stop_calls_of_this_thread();
  for (const auto& hash : hashes) {
    EXPECT_THROW(hash(data.bytes()), CallStopped);
    EXPECT_NO_THROW(hash(data.bytes().first(1000))) << "what is short is not worth asking";
  }
}

TEST_F(Stopping, EndsVerificationAfterAPieceOfTheMessage) {
  const LongData data;
  const Ed25519Key ed25519{Seed()};
  const Sr25519Key sr25519{Seed()};
  const auto of_ed25519 = ed25519.sign(from_text("message"));
  const auto of_sr25519 = sr25519.sign(from_text("message"));
  stop_calls_of_this_thread();
  EXPECT_THROW((void)verify_ed25519(of_ed25519, data.bytes(), ed25519.public_key()), CallStopped);
  EXPECT_THROW((void)verify_sr25519(of_sr25519, data.bytes(), sr25519.public_key()), CallStopped);
  EXPECT_THROW((void)verify_sr25519_deprecated(of_sr25519, data.bytes(), sr25519.public_key()), CallStopped);
  EXPECT_TRUE(verify_ed25519(of_ed25519, from_text("message"), ed25519.public_key()));
}

std::size_t hashes_left = 0;
std::size_t hashes_done = 0;

/// Stops the call when it has hashed as often as that.
Hash hash_and_stop(BytesView bytes) {
  ++hashes_done;
  if (--hashes_left == 0) stop_calls_of_this_thread();
  return blake2b_256(bytes);
}

TEST_F(Stopping, EndsRootsAfterANode) {
  std::vector<Bytes> keys;
  for (std::uint32_t i = 0; i < 20'000; ++i)
    keys.push_back(join({{static_cast<std::byte>(i >> 8)}, u32(i), Bytes(40)}));
  std::vector<std::pair<BytesView, BytesView>> pairs;
  for (const Bytes& key : keys) pairs.emplace_back(key, key);
  hashes_done = 0;
  hashes_left = 100;
  EXPECT_THROW((void)trie_root(pairs, StateVersion::kV0, hash_and_stop), CallStopped);
  EXPECT_LT(hashes_done, 150u);

  detail::this_thread()->kill = 0;
  hashes_done = 0;
  hashes_left = 100;
  const std::vector<BytesView> values(keys.begin(), keys.end());
  EXPECT_THROW((void)ordered_trie_root(values, StateVersion::kV0, hash_and_stop), CallStopped);
  EXPECT_LT(hashes_done, 150u);
}

TEST_F(Stopping, EndsDecompressionAndLeavesAnError) {
  stop_calls_of_this_thread();
  const auto decompressed = decompress_code(from_hex("52bc537646db8e05 28b52ffd"));
  ASSERT_FALSE(decompressed);
  EXPECT_TRUE(has(decompressed.error().message, "the call is to end"));
}

TEST_F(Stopping, EndsCompilationAfterAFunction) {
  std::string functions;
  for (int i = 0; i < 100; ++i) functions += " nop";
  functions = "(func" + functions + ")\n";
  std::string module_text = "(module ";
  for (int i = 0; i < 1000; ++i) module_text += functions;
  const Bytes code = test::wat(module_text + ")");  // in more than one batch
  detail::Thread& caller = *detail::this_thread();
  for (const unsigned threads : {1u, 3u}) {
    caller.kill = 0;
    std::atomic<int> compiled = 0;
    const Engine engine({.compile_threads = threads, .cache = false, .progress = [&](std::uint32_t, std::uint32_t) {
                           if (++compiled == 3) caller.kill = 1;
                         }});
    const auto module = engine.compile(code);
    ASSERT_FALSE(module);
    EXPECT_TRUE(has(module.error().message, "the call is to end"));
    EXPECT_LT(compiled, 10);
  }
}

/// A state whose keys go on for ever.
class EndlessState final : public StateBackend {
 public:
  explicit EndlessState(std::size_t stop_after = 0) : stop_after_(stop_after) {}

  [[nodiscard]] Result<StorageValue> get(TrieId, BytesView) const override { return nullptr; }
  [[nodiscard]] Result<std::optional<Hash>> value_hash(BytesView) const override { return std::nullopt; }
  [[nodiscard]] Result<std::optional<Bytes>> next_key(TrieId, BytesView) const override {
    if (++asked_ == stop_after_) stop_calls_of_this_thread();
    Bytes key = from_text("key");
    for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<std::byte>(asked_ >> shift));
    return key;
  }
  [[nodiscard]] Result<Hash> root(TrieId, std::span<const TrieChange>, StateVersion) const override { return Hash{}; }

  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  std::size_t stop_after_;
  mutable std::size_t asked_ = 0;
};

TEST_F(Stopping, EndsClearPrefixAfterAKeyAndChangesNothing) {
  const EndlessState state(50);
  Overlay overlay(state);
  EXPECT_THROW((void)overlay.clear_prefix({}, from_text("key"), std::nullopt), CallStopped);
  EXPECT_LT(state.asked(), 60u);
  EXPECT_TRUE(overlay.changes().empty());
}

// By guests, at their deadlines.
class StoppedGuest : public testing::Test {
 protected:
  /// Calls with a deadline that passes while the host is at work.
  Error call(std::string_view name, const Bytes& arguments = {}) {
    Lease lease = runtime_.pool().acquire().value();
    Bytes result;
    const Method method = runtime_.method(name).value();
    lease.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(30));
    const auto called = Runtime::call_in(lease, method, arguments, result, &externalities_);
    return called ? Error{} : called.error();
  }

  Offchain offchain_;
  EndlessState state_;
  Externalities externalities_{state_, {.offchain = &offchain_}};
  Runtime runtime_ = Runtime::create(Engine({.cache = false}), test::wat(R"((module
      (import "env" "ext_storage_clear_prefix_version_1" (func $clear (param i64)))
      (import "env" "ext_offchain_sleep_until_version_1" (func $sleep (param i64)))
      (import "env" "ext_misc_runtime_version_version_1" (func $version (param i64) (result i64)))
      (memory (export "memory") 2)
      (data (i32.const 16) "key")
      (global (export "__heap_base") i32 (i32.const 1024))
      (func (export "clear") (param i32 i32) (result i64) (call $clear (i64.const 0x3_0000_0010)) (i64.const 0))
      (func (export "sleep") (param i32 i32) (result i64) (call $sleep (i64.const -1)) (i64.const 0))
      (func (export "version") (param i32 i32) (result i64)
        (call $version (i64.or (i64.extend_i32_u (local.get 0))
                               (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))))
  )"),
                                     {.heap_pages = 64, .audit_every = 1})
                         .value();
};

TEST_F(StoppedGuest, EndsAtItsDeadlineInWhateverItAskedOfTheHost) {
  EXPECT_EQ(call("clear").trap, TrapKind::kInterrupted);
  EXPECT_TRUE(externalities_.changes().empty());
  EXPECT_EQ(call("sleep").trap, TrapKind::kInterrupted);
  const Bytes endless = test::wat(R"((module (memory (export "memory") 1)
      (func (export "Core_version") (param i32 i32) (result i64) (loop $l (br $l)) (i64.const 0))))");
  EXPECT_EQ(call("version", endless).trap, TrapKind::kInterrupted);
  const Bytes starting = test::wat(R"((module (memory (export "memory") 1)
      (func $start (loop $l (br $l))) (start $start)
      (func (export "Core_version") (param i32 i32) (result i64) (i64.const 0))))");
  EXPECT_EQ(call("version", starting).trap, TrapKind::kInterrupted);
  EXPECT_EQ(runtime_.pool().statistics().audit_failures, 0u) << runtime_.pool().audit_report();
}

}  // namespace
}  // namespace anew::substrate
