// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate execute-block: a block, executed by its chain's runtime on the state of its parent.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/input.hpp"
#include "cli/output.hpp"
#include "cli/substrate_block_report.hpp"
#include "cli/substrate_chain.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/hex.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct BlockOptions {
  ChainOptions chain;
  std::string block;
};

/// Whether the bytes are text: a block begins with hashes, which never are.
bool is_text(std::span<const std::byte> bytes) {
  return std::ranges::all_of(as_text(bytes), [](char c) { return (c >= ' ' && c < 0x7F) || (c >= '\t' && c <= '\r'); });
}

/// Reads a SCALE-encoded block: as it is, or as "0x" and hexadecimal digits, with white space around.
Result<substrate::Bytes> read_block(const std::string& file) {
  constexpr std::uint64_t kMaximumBytes = 256ull << 20;
  auto content = read_input(file, kMaximumBytes);
  if (!content || !is_text(*content)) return content;
  std::string_view text = as_text(*content);
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(kSpace) + 1));  // 0 if there is none
  substrate::Bytes bytes;
  if (const char* wrong = substrate::decode_hex(text, bytes); wrong != nullptr)
    return fail(ErrorCode::kMalformed, fmt::format("{}: the text {}", file, wrong));
  return bytes;
}

Result<ExitCode> run_execute_block(const BlockOptions& options) {
  const auto encoded = TRY(read_block(options.block));
  auto block = substrate::decode_block(encoded);
  if (!block) {
    block.error().message = fmt::format("{}: {}", options.block, block.error().message);
    return std::unexpected(std::move(block.error()));
  }
  const auto chain = TRY(load_chain(options.chain));

  auto cost = TRY(Cost::start(chain.runtime.pool()));
  const auto outcome = TRY(chain.executor.execute_block(chain.state, encoded));
  cost.stop();
  const auto changes = TRY(real_changes(chain.state, outcome.changes));

  nlohmann::ordered_json object;
  if (options.chain.repeat.json) {
    object = {{"chain", chain.name}, {"block", block_json(*block)}, {"accepted", true}};
    cost.add_to(object);
    object["storage_changes"] = changes_json(changes);
    object["new_state_root"] = substrate::encode_hex(outcome.state_root);
  } else {
    print_field("chain", printable(chain.name));
    print_block(*block);
    fmt::print("\nThe runtime accepted the block.\n");
    cost.print();
    print_changes(changes, options.chain.all_changes);
    print_field("new state root", substrate::encode_hex(outcome.state_root));
  }

  const auto call = [&, arguments = block->executable()](Lease& lease, const substrate::Method& method,
                                                         substrate::Bytes& result) {
    substrate::Externalities externalities(chain.state);
    return substrate::Runtime::call_in(lease, method, arguments, result, &externalities);
  };
  auto code =
      repeat_call(options.chain.repeat, chain.runtime, runtime_maker(chain), "Core_execute_block", call, object);
  if (code && options.chain.repeat.json) print_json(object);
  return code;
}

}  // namespace

void add_substrate_execute_block(const Command& substrate) {
  const Command command = substrate.subcommand(
      "execute-block", "Executes a block by its chain's runtime, which checks it to the last bit of the new state");
  const auto options = std::make_shared<BlockOptions>();
  command
      .text("BLOCK", options->block,
            "A file with a SCALE-encoded block, as bytes or in hexadecimal; - reads standard input")
      .required();
  add_chain_options(command, options->chain);
  add_repeat_options(command, options->chain.repeat);
  command.runs([options] { return run_execute_block(*options); });
}

}  // namespace anew::cli
