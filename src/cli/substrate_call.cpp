// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate call: any entry point of a chain's runtime.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "cli/output.hpp"
#include "cli/result_file.hpp"
#include "cli/substrate_chain.hpp"
#include "host/substrate/hex.hpp"
#include "os/terminal.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct CallOptions {
  ChainOptions chain;
  std::string method;
  std::string data = "0x";
  std::string output;  ///< empty: the result is printed only
};

/// What calls may use besides the state. Each has its own: nothing of one call is there in the next.
struct Services {
  substrate::Keystore keystore;
  substrate::Offchain offchain;
  [[nodiscard]] substrate::HostServices view() noexcept { return {&keystore, &offchain}; }
};

/// Cut short on a terminal, which a result of megabytes would flood.
void print_result(substrate::BytesView result) {
  constexpr std::size_t kMaximumBytes = 1024;
  if (result.size() <= kMaximumBytes || !os::standard_output_is_terminal()) {
    fmt::print("{}\n", substrate::encode_hex(result));
    return;
  }
  fmt::print("{}...\n(the first {} bytes; --output FILE writes all, and a pipe gets all of the text)\n",
             substrate::encode_hex(result.first(kMaximumBytes)), kMaximumBytes);
}

Result<ExitCode> run_call(const CallOptions& options) {
  substrate::Bytes arguments;
  if (const char* wrong = substrate::decode_hex(options.data, arguments); wrong != nullptr)
    return fail(ErrorCode::kArgument, fmt::format("--data {} {}", substrate::quote(options.data), wrong));
  const auto output = TRY(ResultFile::open_if_named(options.output));
  const auto chain = TRY(load_chain(options.chain));

  auto cost = TRY(Cost::start(chain.runtime.pool()));
  Services services;
  const auto outcome = TRY(chain.executor.call(chain.state, options.method, arguments, services.view()));
  cost.stop();
  if (output) TRY(output->write(outcome.result));
  const auto changes = TRY(real_changes(chain.state, outcome.changes));

  nlohmann::ordered_json object;
  if (options.chain.repeat.json) {
    object = {{"chain", chain.name},
              {"method", options.method},
              {"result", substrate::encode_hex(outcome.result)},
              {"storage_changes", changes_json(changes)}};
    cost.add_to(object);
  } else {
    print_field("chain", printable(chain.name));
    print_field("method", printable(options.method));
    cost.print();
    print_changes(changes, options.chain.all_changes);
    print_field("result", fmt::format("{} bytes", outcome.result.size()));
    print_result(outcome.result);
  }

  const auto call = [&](Lease& lease, const substrate::Method& method, substrate::Bytes& result) {
    Services own;
    substrate::Externalities externalities(chain.state, own.view());
    return substrate::Runtime::call_in(lease, method, arguments, result, &externalities);
  };
  auto code = repeat_call(options.chain.repeat, chain.runtime, runtime_maker(chain), options.method, call, object);
  if (code && options.chain.repeat.json) print_json(object);
  return code;
}

}  // namespace

void add_substrate_call(const Command& substrate) {
  const Command command =
      substrate.subcommand("call", "Calls an entry point of a chain's runtime on the chain's state");
  const auto options = std::make_shared<CallOptions>();
  command.text("METHOD", options->method, "Such as Core_version, Metadata_metadata, BabeApi_configuration").required();
  command.text("--data", options->data, "The arguments: SCALE-encoded, one after the other, in hexadecimal")
      .value_name("HEX");
  add_output_option(command, options->output,
                    "Write the result, as the bytes that it is, to a file too; - writes it to standard output, and all "
                    "else to standard error");
  add_chain_options(command, options->chain);
  add_repeat_options(command, options->chain.repeat);
  command.runs([options] { return run_call(*options); });
}

}  // namespace anew::cli
