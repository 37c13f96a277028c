// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "large_block.hpp"

#include <array>
#include <string_view>

#include "host/substrate/hashing.hpp"
#include "host/substrate/scale.hpp"
#include "host/substrate/storage_keys.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

using substrate::append_bytes;
using substrate::append_compact;
using substrate::Bytes;
using substrate::BytesView;

constexpr std::uint32_t kAccounts = 6000;
constexpr std::uint32_t kNominators = 3000;
constexpr std::uint32_t kValidatorsOfANominator = 16;

// Places of modules and calls in this runtime's metadata.
enum Module : std::uint8_t { kSystem = 0, kBalances = 5, kUtility = 26 };
constexpr std::uint8_t kSetStorage = 6;
constexpr std::uint8_t kKillPrefix = 8;
constexpr std::uint8_t kSetBalance = 1;
constexpr std::uint8_t kBatch = 0;

void append(Bytes& bytes, BytesView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
void append_u8(Bytes& bytes, std::uint8_t value) { bytes.push_back(std::byte{value}); }
void append_number(Bytes& bytes, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> 8 * i));  // the low byte
}

/// Where a module of the runtime keeps a value.
Bytes storage_key(std::string_view module, std::string_view item) {
  Bytes key;
  append(key, substrate::twox_128(substrate::as_bytes(module)));
  append(key, substrate::twox_128(substrate::as_bytes(item)));
  return key;
}
/// The same of a map from `of`, which its hash precedes.
Bytes storage_key(std::string_view module, std::string_view item, BytesView of) {
  Bytes key = storage_key(module, item);
  append(key, substrate::twox_64(of));
  append(key, of);
  return key;
}

substrate::Digest<32> account(std::string_view kind, std::uint32_t index) {
  Bytes seed(substrate::as_bytes(kind).begin(), substrate::as_bytes(kind).end());
  append_number(seed, index, 4);
  return substrate::blake2b_256(seed);
}

/// Utility.batch of all that the block does.
Bytes large_call() {
  Bytes call = {std::byte{kUtility}, std::byte{kBatch}};
  append_compact(call, kAccounts + 2);
  for (std::uint32_t i = 0; i < kAccounts; ++i) {
    append(call, std::array{std::byte{kBalances}, std::byte{kSetBalance}});
    append(call, account("account", i));
    append_u8(call, 0b11 | 1 << 2);  // a compact number of five bytes
    append_number(call, 1'000'000'000'000 + i, 5);
    append_compact(call, 0);  // nothing reserved
  }

  Bytes nomination;
  append_compact(nomination, kValidatorsOfANominator);
  for (std::uint32_t i = 0; i < kValidatorsOfANominator; ++i) append(nomination, account("validator", i));
  append_number(nomination, 0, 4);  // since era 0
  append_u8(nomination, 0);         // not suppressed
  append(call, std::array{std::byte{kSystem}, std::byte{kSetStorage}});
  append_compact(call, kNominators);
  for (std::uint32_t i = 0; i < kNominators; ++i) {
    append_bytes(call, storage_key("Staking", "Nominators", account("nominator", i)));
    append_bytes(call, nomination);
  }

  append(call, std::array{std::byte{kSystem}, std::byte{kKillPrefix}});
  append_bytes(call, substrate::twox_128(substrate::as_bytes("Claims")));  // all that the module has
  append_number(call, 20'000, 4);
  return call;
}

}  // namespace

LargeBlock make_large_block(const substrate::Runtime& runtime, const substrate::MemoryState& genesis,
                            const substrate::Bytes& block_1) {
  substrate::Block block = value_or_exit(substrate::decode_block(block_1), "block 1");
  block.header.digest.resize(1);  // BABE's: kind, authority, and the slot

  substrate::StateChanges changes;
  Bytes agenda;
  append_compact(agenda, 1);
  append(agenda, std::array{std::byte{1}, std::byte{0}, std::byte{0}});  // there; without a name; of priority 0
  append(agenda, large_call());
  append_u8(agenda, 0);  // once
  Bytes number_1;
  append_number(number_1, 1, 4);
  changes.top[storage_key("Scheduler", "Agenda", number_1)] = substrate::make_value(agenda);
  // The epoch, of 2,400 slots, and with it the era, ends soon.
  const BytesView slot_bytes = BytesView(block.header.digest[0].data).subspan(5, 8);
  std::uint64_t slot = 0;
  for (std::size_t i = 8; i-- > 0;) slot = slot << 8 | std::to_integer<std::uint64_t>(slot_bytes[i]);
  Bytes genesis_slot;
  append_number(genesis_slot, slot - 2390, 8);
  changes.top[storage_key("Babe", "GenesisSlot")] = substrate::make_value(genesis_slot);
  changes.top[storage_key("Staking", "IsCurrentSessionFinal")] = substrate::make_value(std::array{std::byte{1}});
  LargeBlock large{value_or_exit(genesis.with(changes, substrate::StateVersion::kV0), "the large block's state"), {}};

  substrate::Externalities externalities(large.state);
  const auto call = [&](std::string_view method, const Bytes& arguments) {
    return value_or_exit(runtime.call(method, arguments, &externalities), std::string(method));
  };
  Bytes header = substrate::Block{.header = block.header, .extrinsics = {}}.executable();
  header.pop_back();  // the number of extrinsics
  (void)call("Core_initialize_block", header);
  for (const Bytes& extrinsic : block.extrinsics) {
    Bytes argument;
    append_bytes(argument, extrinsic);
    (void)call("BlockBuilder_apply_extrinsic", argument);
  }
  Bytes built = call("BlockBuilder_finalize_block", {});
  built.push_back(std::byte{0});  // decoded as a block without extrinsics
  block.header = value_or_exit(substrate::decode_block(built), "the large block's header").header;
  large.block = block.executable();
  large.changed_keys = externalities.changes().top.size();
  return large;
}

}  // namespace anew::bench
