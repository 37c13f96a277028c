// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate build-block: the block that a chain's runtime builds on a state, as a node that authors does.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/output.hpp"
#include "cli/result_file.hpp"
#include "cli/substrate_block_report.hpp"
#include "cli/substrate_chain.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/header.hpp"
#include "host/substrate/hex.hpp"
#include "host/substrate/octets.hpp"
#include "host/substrate/trie_node.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct BuildOptions {
  ChainOptions chain;
  std::string parent;  ///< hexadecimal; empty: the genesis block
  std::optional<std::uint64_t> slot;
  std::optional<std::uint64_t> timestamp;
  std::vector<std::string> digest;
  std::vector<std::string> inherents;  ///< IDENTIFIER=HEX
  std::vector<std::string> extrinsics;
  std::string output;
};

Result<substrate::Bytes> read_hex(std::string_view option, const std::string& text) {
  substrate::Bytes bytes;
  if (const char* wrong = substrate::decode_hex(text, bytes); wrong != nullptr)
    return fail(ErrorCode::kArgument, fmt::format("{} {} {}", option, substrate::quote(text), wrong));
  return bytes;
}

/// System.Number of FRAME, of which a state of genesis has none or zero.
Result<std::uint32_t> block_number(const substrate::MemoryState& state) {
  substrate::Bytes key;
  for (const char* name : {"System", "Number"}) {
    const auto part = substrate::twox_128(substrate::as_bytes(name));
    key.insert(key.end(), part.begin(), part.end());
  }
  const auto value = TRY(state.get({}, key));
  std::uint32_t number = 0;
  if (value == nullptr || value->size() != sizeof(number)) return number;
  for (std::size_t i = sizeof(number); i-- > 0;) number = number << 8 | std::to_integer<std::uint32_t>((*value)[i]);
  return number;
}

/// Of a chain's genesis block: nothing but a state.
substrate::Hash genesis_hash(const substrate::MemoryState& state) {
  substrate::Header header;
  header.state_root = state.root();
  header.extrinsics_root = substrate::empty_root(substrate::blake2b_256);
  return substrate::blake2b_256(substrate::encode_header(header, {}));
}

Result<substrate::BlockStart> read_start(const BuildOptions& options, const Chain& chain) {
  substrate::BlockStart start;
  const auto number = TRY(block_number(chain.state));
  start.number = number + 1;
  if (!options.parent.empty()) {
    const auto parent = TRY(read_hex("--parent", options.parent));
    if (parent.size() != start.parent_hash.size())
      return fail(ErrorCode::kArgument, fmt::format("--parent has {} bytes: a block's hash has 32", parent.size()));
    std::ranges::copy(parent, start.parent_hash.begin());
  } else if (number == 0) {
    start.parent_hash = genesis_hash(chain.state);
  } else {
    return fail(ErrorCode::kArgument,
                fmt::format("the state is that of block {}: give its hash with --parent HASH", number));
  }
  for (const std::string& text : options.digest) {
    auto item = TRY(read_hex("--digest", text));
    start.digest.push_back(std::move(item));
  }
  if (options.slot) {
    const auto version = TRY(chain.runtime.version());
    const auto has_api = [&](std::string_view name) {
      return std::ranges::any_of(version.apis, [&](const auto& api) { return substrate::api_name(api.id) == name; });
    };
    if (has_api("BabeApi")) {
      start.digest.push_back(substrate::babe_pre_digest(*options.slot, 0));
    } else if (has_api("AuraApi")) {
      start.digest.push_back(substrate::aura_pre_digest(*options.slot));
    } else {
      return fail(ErrorCode::kArgument,
                  "--slot: the runtime has neither BABE nor Aura; give what its consensus wants with --digest");
    }
  }
  return start;
}

Result<substrate::InherentData> read_inherents(const BuildOptions& options) {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  const auto now = std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  auto data = substrate::inherent_timestamp(options.timestamp.value_or(static_cast<std::uint64_t>(now)));  // past 1970
  for (const std::string& text : options.inherents) {
    const std::size_t equals = text.find('=');
    std::array<char, 8> identifier{};
    if (equals != identifier.size()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("--inherent {}: write an identifier of 8 characters, \"=\" and its data, as in "
                              "newheads=0x00",
                              substrate::quote(text)));
    }
    std::copy_n(text.begin(), identifier.size(), identifier.begin());
    auto content = TRY(read_hex("--inherent", text.substr(equals + 1)));
    data.insert_or_assign(identifier, std::move(content));
  }
  return data;
}

/// An extrinsic, and what became of it.
struct Tried {
  substrate::Bytes extrinsic;
  bool inherent = false;
  substrate::ExtrinsicOutcome outcome;
};

Result<std::vector<Tried>> apply_all(substrate::BlockBuilder& builder, const BuildOptions& options,
                                     const substrate::InherentData& data) {
  std::vector<Tried> tried;
  auto inherents = TRY(builder.inherent_extrinsics(data));
  for (substrate::Bytes& extrinsic : inherents) tried.push_back({std::move(extrinsic), true, {}});
  for (const std::string& text : options.extrinsics) {
    auto extrinsic = TRY(read_hex("--extrinsic", text));
    tried.push_back({std::move(extrinsic), false, {}});
  }
  for (Tried& each : tried) {
    auto outcome = builder.apply(each.extrinsic);
    if (!outcome && each.inherent) return std::unexpected(std::move(outcome.error()));
    if (outcome)
      each.outcome = std::move(*outcome);
    else
      each.outcome.reason = outcome.error().message;  // it trapped: the block goes on without it
  }
  return tried;
}

std::string_view verdict(const substrate::ExtrinsicOutcome& outcome) {
  if (!outcome.included) return "left out";
  return outcome.succeeded ? "included" : "included, failed";
}

void print_tried(const std::vector<Tried>& tried) {
  for (const Tried& each : tried) {
    fmt::print("  {}  {}{}{}\n", substrate::encode_hex(substrate::blake2b_256(each.extrinsic)), verdict(each.outcome),
               each.outcome.reason.empty() ? "" : ": ", printable(each.outcome.reason));
  }
}

nlohmann::ordered_json tried_json(const std::vector<Tried>& tried) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Tried& each : tried) {
    list.push_back({{"hash", substrate::encode_hex(substrate::blake2b_256(each.extrinsic))},
                    {"inherent", each.inherent},
                    {"included", each.outcome.included},
                    {"succeeded", each.outcome.succeeded},
                    {"reason", each.outcome.reason}});
  }
  return list;
}

Result<ExitCode> run_build_block(const BuildOptions& options) {
  const auto data = TRY(read_inherents(options));
  const auto output = TRY(ResultFile::open_if_named(options.output));
  const auto chain = TRY(load_chain(options.chain));
  const auto start = TRY(read_start(options, chain));

  auto builder = TRY(substrate::BlockBuilder::begin(chain.executor, chain.state, start));
  const auto tried = TRY(apply_all(builder, options, data));
  const auto built = TRY(builder.finish());
  const substrate::Bytes encoded = built.block.executable();
  if (const auto executed = chain.executor.execute_block(chain.state, encoded); !executed) {
    Error error = executed.error();
    error.message = "the block that the runtime built, executed by it again: " + error.message;
    return std::unexpected(std::move(error));
  }
  if (output) TRY(output->write(encoded));
  const auto changes = TRY(real_changes(chain.state, built.changes));

  if (options.chain.repeat.json) {
    print_json({{"chain", chain.name},
                {"block", block_json(built.block)},
                {"extrinsics", tried_json(tried)},
                {"storage_changes", changes_json(changes)},
                {"new_state_root", substrate::encode_hex(built.state_root)},
                {"encoded", substrate::encode_hex(encoded)}});
    return kSuccess;
  }
  print_field("chain", printable(chain.name));
  print_block(built.block);
  fmt::print("\nThe runtime built the block, and accepted it when it was executed again.\n");
  print_field("tried", fmt::format("{} extrinsics", tried.size()));
  print_tried(tried);
  print_changes(changes, options.chain.all_changes);
  print_field("new state root", substrate::encode_hex(built.state_root));
  return kSuccess;
}

}  // namespace

void add_substrate_build_block(const Command& substrate) {
  const Command command = substrate.subcommand(
      "build-block", "Has a chain's runtime build the block that follows on a state, and executes it");
  const auto options = std::make_shared<BuildOptions>();
  command
      .texts("--extrinsic", options->extrinsics,
             "An extrinsic to include, in hexadecimal, without its length; may be given again")
      .value_name("HEX")
      .repeatable();
  command.number(
      "--timestamp", 0, std::numeric_limits<std::uint64_t>::max(),
      [options](std::uint64_t value) { options->timestamp = value; },
      "The block's time, in milliseconds since 1970; without it: now");
  command
      .texts("--inherent", options->inherents,
             "More data for inherent extrinsics: an identifier of 8 characters and the data, as in "
             "newheads=0x00; may be given again")
      .value_name("ID=HEX")
      .repeatable();
  command.number(
      "--slot", 0, std::numeric_limits<std::uint64_t>::max(), [options](std::uint64_t value) { options->slot = value; },
      "The slot, for a digest item of BABE or Aura, whichever the runtime has");
  command.texts("--digest", options->digest, "Another digest item, encoded, in hexadecimal; may be given again")
      .value_name("HEX")
      .repeatable();
  command.text("--parent", options->parent, "The parent's hash; without it: that of the genesis block")
      .value_name("HASH");
  add_output_option(command, options->output,
                    "Write the block, SCALE-encoded, to a file too; - writes it to standard output, and all else to "
                    "standard error");
  add_chain_options(command, options->chain);
  command.flag("--json", options->chain.repeat.json, "Print one JSON object");
  command.runs([options] { return run_build_block(*options); });
}

}  // namespace anew::cli
