// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/substrate/block_builder.hpp>
#include <array>
#include <string_view>
#include <utility>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/header.hpp"
#include "host/substrate/scale.hpp"
#include "host/substrate/storage_keys.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

void append_u64(Bytes& bytes, std::uint64_t value) {
  append_u32(bytes, static_cast<std::uint32_t>(value));  // the low half
  append_u32(bytes, static_cast<std::uint32_t>(value >> 32));
}

/// A pre-runtime digest item. @param engine  four characters.
Bytes pre_digest(std::string_view engine, BytesView data) {
  Bytes item = {static_cast<std::byte>(DigestKind::kPreRuntime)};
  const BytesView name = as_bytes(engine);
  item.insert(item.end(), name.begin(), name.end());
  append_bytes(item, data);
  return item;
}

/// The words of sp_runtime's InvalidTransaction and UnknownTransaction, by their numbers.
constexpr std::array<std::string_view, 13> kInvalid = {"its call is not expected now",
                                                       "its author cannot pay the fees",
                                                       "it is not valid yet: its nonce is too high",
                                                       "it is outdated: its nonce is too low",
                                                       "its signature or proof is bad",
                                                       "the block that it is valid from is too old",
                                                       "it exceeds what is left of the block",
                                                       "it is invalid, with the runtime's own number {}",
                                                       "it is mandatory, and cannot be applied",
                                                       "it is mandatory, and only inherents may be",
                                                       "its author may not sign",
                                                       "a part of what it signs cannot be determined",
                                                       "its origin is unknown"};
constexpr std::array<std::string_view, 3> kUnknown = {"something that it needs cannot be looked up",
                                                      "nobody validates it, as it is not signed",
                                                      "its validity is unknown, with the runtime's own number {}"};
constexpr std::uint8_t kCustomInvalid = 7;
constexpr std::uint8_t kCustomUnknown = 2;

/// TransactionValidityError in words.
bool read_refusal(ScaleReader& reader, std::string& reason) {
  std::uint8_t kind = 0;
  std::uint8_t number = 0;
  if (!reader.u8(kind) || !reader.u8(number)) return false;
  if (kind > 1) return reader.fail_at(0, "an unknown kind of refusal");
  const std::span<const std::string_view> words = kind == 0 ? std::span<const std::string_view>(kInvalid) : kUnknown;
  if (number >= words.size()) {
    reason = fmt::format("it is refused, with number {}", number);
    return true;
  }
  std::uint8_t own = 0;
  const bool has_own = number == (kind == 0 ? kCustomInvalid : kCustomUnknown);
  if (has_own && !reader.u8(own)) return false;
  reason = has_own ? fmt::format(fmt::runtime(words[number]), own) : std::string(words[number]);
  return true;
}

/// DispatchError: only modules' are taken apart, the rest differs between versions.
bool read_failure(ScaleReader& reader, std::string& reason) {
  constexpr std::uint8_t kModule = 3;
  std::uint8_t kind = 0;
  if (!reader.u8(kind)) return false;
  std::uint8_t pallet = 0;
  std::uint8_t error = 0;
  if (kind == kModule && reader.u8(pallet) && reader.u8(error))
    reason = fmt::format("its call failed with error {} of pallet {}", error, pallet);
  else
    reason = fmt::format("its call failed with dispatch error {}", kind);
  return true;
}

/// ApplyExtrinsicResult: Result<Result<(), DispatchError>, TransactionValidityError>.
bool read_outcome(ScaleReader& reader, ExtrinsicOutcome& outcome) {
  bool refused = false;
  if (!reader.boolean(refused)) return false;
  if (refused) return read_refusal(reader, outcome.reason);
  outcome.included = true;
  bool failed = false;
  if (!reader.boolean(failed)) return false;
  if (failed) return read_failure(reader, outcome.reason);
  outcome.succeeded = true;
  return true;
}

bool read_extrinsics(ScaleReader& reader, std::vector<Bytes>& extrinsics) {
  std::uint32_t count = 0;
  if (!reader.length(1, count)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    BytesView extrinsic;
    if (!reader.bytes(extrinsic)) return false;
    extrinsics.emplace_back(extrinsic.begin(), extrinsic.end());
  }
  return reader.remaining() == 0 || reader.fail_at(reader.position(), "the data goes on behind the extrinsics");
}

/// Undoes what is not committed.
class OpenTransaction {
 public:
  explicit OpenTransaction(Externalities& externalities) noexcept : externalities_(&externalities) {}
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;
  ~OpenTransaction() {
    if (externalities_ != nullptr) (void)externalities_->rollback_transaction();  // it is open
  }
  [[nodiscard]] Result<void> commit() { return std::exchange(externalities_, nullptr)->commit_transaction(); }

 private:
  Externalities* externalities_;
};

Error malformed(const ScaleReader& reader, std::string_view method) {
  Error error = reader.error();
  error.message = fmt::format("what {} returned: {}", method, error.message);
  return error;
}

}  // namespace

Bytes babe_pre_digest(std::uint64_t slot, std::uint32_t authority) {
  constexpr std::byte kSecondaryPlain{2};
  Bytes data = {kSecondaryPlain};
  append_u32(data, authority);
  append_u64(data, slot);
  return pre_digest("BABE", data);
}

Bytes aura_pre_digest(std::uint64_t slot) {
  Bytes data;
  append_u64(data, slot);
  return pre_digest("aura", data);
}

InherentData inherent_timestamp(std::uint64_t milliseconds) {
  Bytes data;
  append_u64(data, milliseconds);
  InherentData inherents;
  inherents.emplace(std::array{'t', 'i', 'm', 's', 't', 'a', 'p', '0'}, std::move(data));
  return inherents;
}

BlockBuilder::BlockBuilder(const Executor& executor, const StateBackend& parent, HostServices services)
    : executor_(executor), parent_(&parent), externalities_(parent, services) {}

Result<Bytes> BlockBuilder::call(std::string_view method, BytesView arguments) {
  if (finished_) return fail(ErrorCode::kArgument, "the block is finished: begin another");
  return executor_.call(*parent_, externalities_, method, arguments);
}

Result<BlockBuilder> BlockBuilder::begin(const Executor& executor, const StateBackend& parent, const BlockStart& start,
                                         HostServices services) {
  return detail::without_exceptions("a block is begun", [&]() -> Result<BlockBuilder> {
    if (start.digest.size() > kMaximumDigestItems) {
      return fail(ErrorCode::kArgument,
                  fmt::format("a digest of {} items: at most {}", start.digest.size(), kMaximumDigestItems));
    }
    Header header;
    header.parent_hash = start.parent_hash;
    header.number = start.number;
    for (const Bytes& encoded : start.digest) header.digest.emplace_back().encoded = encoded;
    BlockBuilder builder(executor, parent, services);
    TRY(builder.call("Core_initialize_block", encode_header(header, header.digest)));
    return builder;
  });
}

Result<std::vector<Bytes>> BlockBuilder::inherent_extrinsics(const InherentData& data) {
  constexpr std::string_view kMethod = "BlockBuilder_inherent_extrinsics";
  return detail::without_exceptions("inherent extrinsics are made", [&]() -> Result<std::vector<Bytes>> {
    Bytes arguments;
    append_compact(arguments, static_cast<std::uint32_t>(data.size()));  // there are a handful
    for (const auto& [identifier, content] : data) {
      const BytesView name = as_bytes(std::string_view(identifier.data(), identifier.size()));
      arguments.insert(arguments.end(), name.begin(), name.end());
      append_bytes(arguments, content);
    }
    TRY(externalities_.begin_transaction());
    const OpenTransaction undone(externalities_);
    const auto result = TRY(call(kMethod, arguments));
    ScaleReader reader(result);
    std::vector<Bytes> extrinsics;
    if (!read_extrinsics(reader, extrinsics)) return std::unexpected(malformed(reader, kMethod));
    return extrinsics;
  });
}

Result<ExtrinsicOutcome> BlockBuilder::apply(BytesView extrinsic) {
  constexpr std::string_view kMethod = "BlockBuilder_apply_extrinsic";
  return detail::without_exceptions("an extrinsic is applied", [&]() -> Result<ExtrinsicOutcome> {
    Bytes argument;
    append_bytes(argument, extrinsic);
    TRY(externalities_.begin_transaction());
    OpenTransaction transaction(externalities_);
    auto result = TRY(call(kMethod, argument));
    ExtrinsicOutcome outcome;
    ScaleReader reader(result);
    if (!read_outcome(reader, outcome)) return std::unexpected(malformed(reader, kMethod));
    outcome.result = std::move(result);
    if (!outcome.included) return outcome;
    extrinsics_.emplace_back(extrinsic.begin(), extrinsic.end());
    TRY(transaction.commit());
    return outcome;
  });
}

Result<BlockOutcome> BlockBuilder::finish() {
  constexpr std::string_view kMethod = "BlockBuilder_finalize_block";
  return detail::without_exceptions("a block is finished", [&]() -> Result<BlockOutcome> {
    const auto encoded = TRY(call(kMethod, {}));
    finished_ = true;
    ScaleReader reader(encoded);
    Block block;
    if (!read_header(reader, encoded, block.header)) return std::unexpected(malformed(reader, kMethod));
    if (reader.remaining() != 0) {
      (void)reader.fail_at(reader.position(), "the data goes on behind the header");
      return std::unexpected(malformed(reader, kMethod));
    }
    block.hash = blake2b_256(encoded);
    block.extrinsics = std::move(extrinsics_);
    return outcome_of(externalities_, std::move(block),
                      "the runtime built a block whose header has another root than the state after it");
  });
}

}  // namespace anew::substrate
