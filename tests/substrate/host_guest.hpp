// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A runtime for tests of the Polkadot Host API: it imports all of its functions, and its only entry point calls them
// one after the other, as its arguments say.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/substrate/scale.hpp"
#include "substrate/bytes.hpp"
#include "support/wat.hpp"

namespace anew::substrate {

/// A host function, and how its parameters and its result are passed:
///   span    i64, address and length         buffer  the same; what is in there after the call is a result too
///   pN      i32, the address of N bytes     u32, u64  as they are
struct HostFunction {
  std::string_view name;
  std::string_view parameters;  ///< words with a blank between
  std::string_view result;      ///< a word; "": nothing

  [[nodiscard]] std::vector<std::string> parameter_words() const {
    std::vector<std::string> words;
    for (const char c : parameters) {
      if (words.empty() || c == ' ') words.emplace_back();
      if (c != ' ') words.back() += c;
    }
    return words;
  }
};

/// All but those that log and print (runtime_test.cpp).
inline constexpr HostFunction kHostFunctions[] = {
    {"ext_allocator_malloc_version_1", "u32", "u32"},
    {"ext_allocator_free_version_1", "u32", ""},
    {"ext_storage_get_version_1", "span", "span"},
    {"ext_storage_read_version_1", "span buffer u32", "span"},
    {"ext_storage_exists_version_1", "span", "u32"},
    {"ext_storage_set_version_1", "span span", ""},
    {"ext_storage_clear_version_1", "span", ""},
    {"ext_storage_clear_prefix_version_1", "span", ""},
    {"ext_storage_clear_prefix_version_2", "span span", "span"},
    {"ext_storage_clear_prefix_version_3", "span span span", "span"},
    {"ext_storage_append_version_1", "span span", ""},
    {"ext_storage_next_key_version_1", "span", "span"},
    {"ext_storage_root_version_1", "", "span"},
    {"ext_storage_root_version_2", "u32", "span"},
    {"ext_storage_changes_root_version_1", "span", "span"},
    {"ext_storage_start_transaction_version_1", "", ""},
    {"ext_storage_commit_transaction_version_1", "", ""},
    {"ext_storage_rollback_transaction_version_1", "", ""},
    {"ext_default_child_storage_get_version_1", "span span", "span"},
    {"ext_default_child_storage_read_version_1", "span span buffer u32", "span"},
    {"ext_default_child_storage_exists_version_1", "span span", "u32"},
    {"ext_default_child_storage_set_version_1", "span span span", ""},
    {"ext_default_child_storage_clear_version_1", "span span", ""},
    {"ext_default_child_storage_clear_prefix_version_1", "span span", ""},
    {"ext_default_child_storage_clear_prefix_version_2", "span span span", "span"},
    {"ext_default_child_storage_clear_prefix_version_3", "span span span span", "span"},
    {"ext_default_child_storage_storage_kill_version_1", "span", ""},
    {"ext_default_child_storage_storage_kill_version_2", "span span", "u32"},
    {"ext_default_child_storage_storage_kill_version_3", "span span", "span"},
    {"ext_default_child_storage_storage_kill_version_4", "span span span", "span"},
    {"ext_default_child_storage_next_key_version_1", "span span", "span"},
    {"ext_default_child_storage_root_version_1", "span", "span"},
    {"ext_default_child_storage_root_version_2", "span u32", "span"},
    {"ext_crypto_ed25519_public_keys_version_1", "p4", "span"},
    {"ext_crypto_ed25519_generate_version_1", "p4 span", "p32"},
    {"ext_crypto_ed25519_sign_version_1", "p4 p32 span", "span"},
    {"ext_crypto_ed25519_verify_version_1", "p64 span p32", "u32"},
    {"ext_crypto_ed25519_batch_verify_version_1", "p64 span p32", "u32"},
    {"ext_crypto_sr25519_public_keys_version_1", "p4", "span"},
    {"ext_crypto_sr25519_generate_version_1", "p4 span", "p32"},
    {"ext_crypto_sr25519_sign_version_1", "p4 p32 span", "span"},
    {"ext_crypto_sr25519_verify_version_1", "p64 span p32", "u32"},
    {"ext_crypto_sr25519_verify_version_2", "p64 span p32", "u32"},
    {"ext_crypto_sr25519_batch_verify_version_1", "p64 span p32", "u32"},
    {"ext_crypto_ecdsa_public_keys_version_1", "p4", "span"},
    {"ext_crypto_ecdsa_generate_version_1", "p4 span", "p33"},
    {"ext_crypto_ecdsa_sign_version_1", "p4 p33 span", "span"},
    {"ext_crypto_ecdsa_sign_prehashed_version_1", "p4 p33 p32", "span"},
    {"ext_crypto_ecdsa_verify_version_1", "p65 span p33", "u32"},
    {"ext_crypto_ecdsa_verify_version_2", "p65 span p33", "u32"},
    {"ext_crypto_ecdsa_verify_prehashed_version_1", "p65 p32 p33", "u32"},
    {"ext_crypto_ecdsa_batch_verify_version_1", "p65 span p33", "u32"},
    {"ext_crypto_start_batch_verify_version_1", "", ""},
    {"ext_crypto_finish_batch_verify_version_1", "", "u32"},
    {"ext_crypto_secp256k1_ecdsa_recover_version_1", "p65 p32", "span"},
    {"ext_crypto_secp256k1_ecdsa_recover_version_2", "p65 p32", "span"},
    {"ext_crypto_secp256k1_ecdsa_recover_compressed_version_1", "p65 p32", "span"},
    {"ext_crypto_secp256k1_ecdsa_recover_compressed_version_2", "p65 p32", "span"},
    {"ext_hashing_blake2_128_version_1", "span", "p16"},
    {"ext_hashing_blake2_256_version_1", "span", "p32"},
    {"ext_hashing_twox_64_version_1", "span", "p8"},
    {"ext_hashing_twox_128_version_1", "span", "p16"},
    {"ext_hashing_twox_256_version_1", "span", "p32"},
    {"ext_hashing_keccak_256_version_1", "span", "p32"},
    {"ext_hashing_keccak_512_version_1", "span", "p64"},
    {"ext_hashing_sha2_256_version_1", "span", "p32"},
    {"ext_trie_blake2_256_root_version_1", "span", "p32"},
    {"ext_trie_blake2_256_root_version_2", "span u32", "p32"},
    {"ext_trie_blake2_256_ordered_root_version_1", "span", "p32"},
    {"ext_trie_blake2_256_ordered_root_version_2", "span u32", "p32"},
    {"ext_trie_keccak_256_root_version_1", "span", "p32"},
    {"ext_trie_keccak_256_root_version_2", "span u32", "p32"},
    {"ext_trie_keccak_256_ordered_root_version_1", "span", "p32"},
    {"ext_trie_keccak_256_ordered_root_version_2", "span u32", "p32"},
    {"ext_trie_blake2_256_verify_proof_version_1", "p32 span span span", "u32"},
    {"ext_trie_blake2_256_verify_proof_version_2", "p32 span span span u32", "u32"},
    {"ext_trie_keccak_256_verify_proof_version_1", "p32 span span span", "u32"},
    {"ext_trie_keccak_256_verify_proof_version_2", "p32 span span span u32", "u32"},
    {"ext_misc_runtime_version_version_1", "span", "span"},
    {"ext_offchain_is_validator_version_1", "", "u32"},
    {"ext_offchain_timestamp_version_1", "", "u64"},
    {"ext_offchain_random_seed_version_1", "", "p32"},
    {"ext_offchain_network_state_version_1", "", "span"},
    {"ext_offchain_submit_transaction_version_1", "span", "span"},
    {"ext_offchain_sleep_until_version_1", "u64", ""},
    {"ext_offchain_set_authorized_nodes_version_1", "span u32", ""},
    {"ext_offchain_local_storage_set_version_1", "u32 span span", ""},
    {"ext_offchain_local_storage_clear_version_1", "u32 span", ""},
    {"ext_offchain_local_storage_compare_and_set_version_1", "u32 span span span", "u32"},
    {"ext_offchain_local_storage_get_version_1", "u32 span", "span"},
    {"ext_offchain_http_request_start_version_1", "span span span", "span"},
    {"ext_offchain_http_request_add_header_version_1", "u32 span span", "span"},
    {"ext_offchain_http_request_write_body_version_1", "u32 span span", "span"},
    {"ext_offchain_http_response_wait_version_1", "span span", "span"},
    {"ext_offchain_http_response_headers_version_1", "u32", "span"},
    {"ext_offchain_http_response_read_body_version_1", "u32 buffer span", "span"},
    {"ext_offchain_index_set_version_1", "span span", ""},
    {"ext_offchain_index_clear_version_1", "span", ""},
    {"ext_storage_proof_size_storage_proof_size_version_1", "", "u64"},
    {"ext_transaction_index_index_version_1", "u32 u32 p32", ""},
    {"ext_transaction_index_renew_version_1", "u32 p32", ""},
    {"ext_wasm_tracing_enabled_version_1", "span", "u32"},
    {"ext_wasm_tracing_enter_span_version_1", "span", "u64"},
    {"ext_wasm_tracing_event_version_1", "span", ""},
    {"ext_wasm_tracing_exit_version_1", "u64", ""},
};

/// Little-endian, as numbers are passed and returned.
inline Bytes number(std::uint64_t value, std::size_t bytes) {
  Bytes encoded;
  for (; bytes > 0; --bytes, value >>= 8) encoded.push_back(static_cast<std::byte>(value));  // the low byte
  return encoded;
}
inline Bytes u32(std::uint32_t value) { return number(value, 4); }
inline Bytes u64(std::uint64_t value) { return number(value, 8); }

/// A byte sequence in SCALE, with its length.
inline Bytes scale(BytesView bytes) {
  Bytes encoded;
  append_bytes(encoded, bytes);
  return encoded;
}
inline Bytes scale(std::string_view text) { return scale(from_text(text)); }
/// Options.
inline const Bytes kNone = {std::byte{0}};
inline Bytes some(const Bytes& encoded) { return join({{std::byte{1}}, encoded}); }

/// A parameter of a host function: the bytes of a span, pointer or number, or an address that is passed as it is.
struct Argument {
  Argument(Bytes content) : bytes(std::move(content)) {}            // NOLINT: implicit, for short tests
  Argument(std::string_view text) : bytes(from_text(text)) {}       // NOLINT
  Argument(const char* text) : Argument(std::string_view(text)) {}  // NOLINT
  Argument(std::uint32_t value) : bytes(u32(value)) {}              // NOLINT
  template <std::size_t N>
  Argument(const std::array<std::byte, N>& array) : bytes(array.begin(), array.end()) {}  // NOLINT
  /// The bits of an i32 or i64, whatever lies there.
  static Argument raw(std::uint64_t bits) {
    Argument argument(u64(bits));
    argument.is_raw = true;
    return argument;
  }
  static Argument span_at(std::uint32_t address, std::uint32_t length) {
    return raw(std::uint64_t{length} << 32 | address);
  }

  Bytes bytes;
  bool is_raw = false;
};

/// A call of a host function by its name without "ext_"; or "trap", which executes `unreachable`.
struct Step {
  Step(std::string_view called, std::initializer_list<Argument> given = {}) : function(called), arguments(given) {}
  Step(std::string_view called, std::vector<Argument> given) : function(called), arguments(std::move(given)) {}

  std::string function;
  std::vector<Argument> arguments;
};

/// What each step returned, and then what its buffer held, if it has one.
using Answers = std::vector<Bytes>;

/// Compiles the guest; its memory has 6 pages at first, and `heap_pages` more.
class HostGuest {
 public:
  static constexpr std::uint64_t kPages = 6, kHeapPages = 16;
  static constexpr std::uint32_t kMemoryBytes = (kPages + kHeapPages) * 65'536;

  HostGuest() : runtime_(make()) {}

  /// Makes one call of the runtime, which makes all steps.
  [[nodiscard]] Result<Answers> call(const std::vector<Step>& steps, Externalities* externalities = nullptr) const {
    Bytes script;
    for (const Step& step : steps) {
      script = join({script, {static_cast<std::byte>(index_of(step.function))}});  // there are fewer than 255
      for (const Argument& argument : step.arguments) {
        const auto length = argument.is_raw ? kRaw : static_cast<std::uint32_t>(argument.bytes.size());
        script = join({script, u32(length), argument.bytes});
      }
    }
    const auto output = runtime_.call("run", script, externalities);
    if (!output) return std::unexpected(output.error());
    Answers answers;
    for (BytesView rest = *output; !rest.empty();) {
      std::size_t length = 0;
      for (std::size_t i = 4; i-- > 0;) length = length << 8 | std::to_integer<std::size_t>(rest[i]);
      answers.push_back(to_bytes(rest.subspan(4, length)));
      rest = rest.subspan(4 + length);
    }
    return answers;
  }

  /// The same for calls that must succeed.
  [[nodiscard]] Answers run(const std::vector<Step>& steps, Externalities* externalities = nullptr) const {
    auto answers = call(steps, externalities);
    EXPECT_TRUE(answers) << answers.error().to_string();
    return answers.value_or(Answers{});
  }
  /// What one step returns.
  [[nodiscard]] Bytes ask(const Step& step, Externalities* externalities = nullptr) const {
    const Answers answers = run({step}, externalities);
    return answers.empty() ? Bytes{} : answers.front();
  }
  /// The message of a call that must trap in the host.
  [[nodiscard]] std::string trap(const std::vector<Step>& steps, Externalities* externalities = nullptr) const {
    const auto answers = call(steps, externalities);
    EXPECT_FALSE(answers);
    if (answers) return "no trap";
    EXPECT_EQ(answers.error().code, ErrorCode::kTrap) << answers.error().to_string();
    EXPECT_EQ(answers.error().trap, TrapKind::kHostError) << answers.error().to_string();
    return answers.error().message;
  }

  /// Every call's restore was audited; this is what the audits found wrong.
  [[nodiscard]] std::string audit() const {
    return runtime_.pool().statistics().audit_failures == 0 ? "" : runtime_.pool().audit_report();
  }

 private:
  static constexpr std::uint32_t kRaw = UINT32_MAX;  // as a length: an address follows, of 8 bytes

  static Runtime make() {
    auto runtime = Runtime::create(Engine({.cache = false}), test::wat(text()),
                                   {.heap_pages = kHeapPages, .capacity = 1, .audit_every = 1});
    if (!runtime) throw std::runtime_error(runtime.error().to_string());
    return std::move(*runtime);
  }

  static std::size_t index_of(std::string_view function) {
    if (function == "trap") return std::size(kHostFunctions);
    for (std::size_t i = 0; i < std::size(kHostFunctions); ++i)
      if (kHostFunctions[i].name.substr(4) == function) return i;
    throw std::runtime_error(fmt::format("no host function {}", function));
  }

  /// "$p" and "u32": the function that reads a parameter, or writes a result, of this kind.
  static std::string_view kind(std::string_view word) { return word.starts_with('p') ? "p" : word; }
  static std::string_view type(std::string_view word) {
    return word == "span" || word == "buffer" || word == "u64" ? "i64" : "i32";
  }

  static std::string text() {
    std::string imports;
    std::string steps;
    for (const HostFunction& function : kHostFunctions) {
      std::string types;
      std::string reads;
      std::string after;
      for (const std::string& word : function.parameter_words()) {
        types += fmt::format(" (param {})", type(word));
        reads += fmt::format(" (call $read_{})", kind(word));
        if (word == "buffer") after = " (call $write_span (global.get $buffer))";
      }
      if (!function.result.empty()) types += fmt::format(" (result {})", type(function.result));
      imports += fmt::format("(import \"env\" \"{0}\" (func ${0}{1}))\n", function.name, types);
      std::string step = fmt::format("(call ${}{})", function.name, reads);
      if (function.result.empty())
        step += " (call $write_span (i64.const 0))";
      else if (function.result.starts_with('p'))
        step = fmt::format("(call $write_p {} (i32.const {}))", step, function.result.substr(1));
      else
        step = fmt::format("(call $write_{} {})", function.result, step);
      steps += fmt::format("(func ${}.step {}{})\n", function.name, step, after);
    }
    std::string elements;
    for (const HostFunction& function : kHostFunctions) elements += fmt::format(" ${}.step", function.name);
    // The output lies at 1024 to 5 pages; parameters are where the arguments are, on the heap.
    return fmt::format(R"((module
      {}
      (memory (export "memory") {})
      (global (export "__heap_base") i32 (i32.const 327680))
      (global $at (mut i32) (i32.const 0))
      (global $to (mut i32) (i32.const 1024))
      (global $buffer (mut i64) (i64.const 0))
      (type $step (func))
      (table funcref (elem{} $trap))
      (func $trap unreachable)
      {}
      (func $skip (param $bytes i32) (result i32) (global.get $at)
        (global.set $at (i32.add (global.get $at) (local.get $bytes))))
      (func $pack (param $address i32) (param $length i32) (result i64)
        (i64.or (i64.extend_i32_u (local.get $address))
          (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))))
      (func $read_span (result i64) (local $length i32)
        (local.set $length (i32.load (call $skip (i32.const 4))))
        (if (result i64) (i32.eq (local.get $length) (i32.const -1))
          (then (i64.load (call $skip (i32.const 8))))
          (else (call $pack (call $skip (local.get $length)) (local.get $length)))))
      (func $read_buffer (result i64) (global.set $buffer (call $read_span)) (global.get $buffer))
      (func $read_p (result i32) (i32.wrap_i64 (call $read_span)))
      (func $read_u32 (result i32) (i32.load (call $read_p)))
      (func $read_u64 (result i64) (i64.load (call $read_p)))
      (func $write_p (param $address i32) (param $length i32)
        (i32.store (global.get $to) (local.get $length))
        (memory.copy (i32.add (global.get $to) (i32.const 4)) (local.get $address) (local.get $length))
        (global.set $to (i32.add (global.get $to) (i32.add (local.get $length) (i32.const 4)))))
      (func $write_span (param $packed i64)
        (call $write_p (i32.wrap_i64 (local.get $packed)) (i32.wrap_i64 (i64.shr_u (local.get $packed) (i64.const 32)))))
      (func $write_u32 (param $value i32)
        (i32.store (i32.const 512) (local.get $value)) (call $write_p (i32.const 512) (i32.const 4)))
      (func $write_u64 (param $value i64)
        (i64.store (i32.const 512) (local.get $value)) (call $write_p (i32.const 512) (i32.const 8)))
      (func (export "run") (param $arguments i32) (param $length i32) (result i64)
        (global.set $at (local.get $arguments))
        (block $end (loop $again
          (br_if $end (i32.ge_u (global.get $at) (i32.add (local.get $arguments) (local.get $length))))
          (call_indirect (type $step) (i32.load8_u (call $skip (i32.const 1))))
          (br $again)))
        (call $pack (i32.const 1024) (i32.sub (global.get $to) (i32.const 1024)))))
    )",
                       imports, kPages, elements, steps);
  }

  Runtime runtime_;
};

/// A test program's functions share one guest.
inline const HostGuest& host_guest() {
  static const HostGuest guest;
  return guest;
}

/// Audits all calls of a test.
class HostTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(guest.audit(), ""); }

  const HostGuest& guest = host_guest();
};

/// A state in memory of these pairs.
inline MemoryState state_of(const std::map<Bytes, Bytes>& top,
                            const std::map<Bytes, std::map<Bytes, Bytes>>& children = {}) {
  StateChanges changes;
  for (const auto& [key, value] : top) changes.top[key] = std::make_shared<const Bytes>(value);
  for (const auto& [storage_key, child] : children)
    for (const auto& [key, value] : child) changes.children[storage_key][key] = std::make_shared<const Bytes>(value);
  return MemoryState().with(changes, StateVersion::kV0).value();
}

inline testing::AssertionResult has(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" is not in: " << message;
}

}  // namespace anew::substrate
