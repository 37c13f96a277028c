// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate: versions, calls and blocks.
#include <fmt/format.h>

#include "cli/command_fixture.hpp"
#include "support/wat.hpp"

namespace anew::testing {
namespace {

class Substrate : public CommandTest {
 protected:
  /// Of a module in the text format.
  static std::string binary(std::string_view text) {
    const std::vector<std::byte> bytes = test::wat(text);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // char may alias any object
  }
  static std::string spec(const std::string& chain) {
    return std::string(ANEW_SOURCE_DIR) + "/build/chain-specs/" + chain + ".json";
  }
  static std::string block(const std::string& chain) {
    return std::string(ANEW_SOURCE_DIR) + "/tests/data/substrate/" + chain + "-block-1.hex";
  }
  Outcome execute(const std::string& chain, const std::string& block_file, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"substrate", "execute-block", "--chain", spec(chain), block_file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return anew(arguments);
  }
  Outcome call(const std::string& chain, const std::string& method, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"substrate", "call", "--chain", spec(chain), method};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return anew(arguments);
  }
};

TEST_F(Substrate, TellsTheVersionOfAChainsRuntime) {
  const Outcome outcome = anew({"substrate", "version", spec("polkadot"), "--repeat", "20", "--audit", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto object = outcome.json();
  EXPECT_EQ(object["chain"], "Polkadot");
  EXPECT_EQ(object["spec_name"], "polkadot");
  EXPECT_EQ(object["impl_name"], "parity-polkadot");
  EXPECT_EQ(object["apis"][0]["name"], "Core");
  EXPECT_EQ(object["calls"], 20);
  EXPECT_EQ(object["distinct_results"], 1);
  EXPECT_EQ(object["audit"]["checked"], 20);
  EXPECT_EQ(object["audit"]["failures"], 0);
  const std::string text = anew({"substrate", "version", spec("polkadot")}).out;
  EXPECT_TRUE(contains(text, "parity-polkadot"));
}

TEST_F(Substrate, RefusesWhatIsNoRuntime) {
  EXPECT_EQ(anew({"substrate", "version", file("x.json", "{\"name\": \"x\"}")}).exit_code, 3);
  EXPECT_EQ(anew({"substrate", "version", file("x.wasm", "nothing of the kind")}).exit_code, 3);
  EXPECT_EQ(anew({"substrate", "version", path("missing.json").string()}).exit_code, 1);
}

TEST_F(Substrate, ReportsAHeapBaseThatIsNotAnnounced) {
  const std::string module = file("m.wasm", binary(R"((module (memory (export "memory") 2) (data (i32.const 0) "\00")
      (func (export "Core_version") (param i32 i32) (result i64) unreachable)))"));
  const Outcome outcome = anew({"substrate", "version", module});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(contains(
      outcome.err,
      "note: the runtime has no global __heap_base; its heap begins at 0x20000, the end of the initial memory\n"));
}

constexpr const char* kRoot1 = "0xc56fcd6e7a757926ace3e1ecff9b4010fc78b90d459202a339266a7f6360002f";

TEST_F(Substrate, ExecutesABlock) {
  const Outcome text = execute("polkadot", block("polkadot"));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  for (const char* part : {"block              1\n", "pre-runtime of BABE, 109 bytes", "unsigned, 10 bytes",
                           "The runtime accepted the block.", "pages restored", "storage changes    25\n"}) {
    EXPECT_TRUE(contains(text.out, part)) << part;
  }
  EXPECT_TRUE(contains(text.out, std::string("new state root     ") + kRoot1));

  const Outcome outcome = execute("polkadot", block("polkadot"), {"--json", "--repeat", "10", "--audit"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto object = outcome.json();
  EXPECT_EQ(object["chain"], "Polkadot");
  EXPECT_EQ(object["block"]["number"], 1);
  EXPECT_EQ(object["block"]["digest"][1]["kind"], "consensus");
  EXPECT_EQ(object["block"]["digest"][1]["engine"], "BABE");
  EXPECT_EQ(object["block"]["extrinsics"].size(), 2u);
  EXPECT_EQ(object["accepted"], true);
  EXPECT_GT(object["call_ns"], 0);
  EXPECT_GT(object["pages_restored"], 0);
  EXPECT_EQ(object["storage_changes"].size(), 25u);
  EXPECT_EQ(object["new_state_root"], kRoot1);
  EXPECT_EQ(object["calls"], 10);
  EXPECT_EQ(object["distinct_results"], 1);
  EXPECT_EQ(object["audit"]["failures"], 0);
}

TEST_F(Substrate, BuildsABlock) {
  const std::string built = path("block.scale").string();
  const auto build = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"substrate",   "build-block",   "--chain",    spec("polkadot"),
                                          "--timestamp", "1620000000000", "--inherent", "newheads=0x00"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return anew(arguments);
  };
  const Outcome outcome = build({"--slot", "270000000", "--extrinsic", "0xff", "--json", "--output", built});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto object = outcome.json();
  EXPECT_EQ(object["block"]["number"], 1);
  EXPECT_EQ(object["block"]["digest"][0]["engine"], "BABE");
  ASSERT_EQ(object["extrinsics"].size(), 3u);
  EXPECT_EQ(object["extrinsics"][0]["inherent"], true);
  EXPECT_EQ(object["extrinsics"][1]["succeeded"], true);
  EXPECT_EQ(object["extrinsics"][2]["included"], false);
  EXPECT_NE(object["extrinsics"][2]["reason"], "");
  EXPECT_EQ(object["block"]["extrinsics"].size(), 2u);

  const Outcome executed = execute("polkadot", built, {"--json"});
  ASSERT_EQ(executed.exit_code, 0) << executed.err;
  EXPECT_EQ(executed.json()["new_state_root"], object["new_state_root"]);
  EXPECT_EQ(executed.json()["block"]["hash"], object["block"]["hash"]);
  const Outcome text = build({"--slot", "270000000"});
  EXPECT_TRUE(contains(text.out, "The runtime built the block, and accepted it when it was executed again.\n"))
      << text.out << text.err;
  EXPECT_TRUE(contains(text.out, object["new_state_root"].get<std::string>()));

  const Outcome no_heads = anew({"substrate", "build-block", "--chain", spec("polkadot"), "--slot", "270000000"});
  EXPECT_EQ(no_heads.exit_code, 2) << no_heads.out;
  EXPECT_TRUE(contains(no_heads.err, "the runtime said: ")) << no_heads.err;
  EXPECT_EQ(build({"--extrinsic", "ff"}).exit_code, 64);
  EXPECT_EQ(build({"--inherent", "short=0x00"}).exit_code, 64);
  EXPECT_EQ(build({"--parent", "0x00"}).exit_code, 64);
  EXPECT_EQ(build({"--slot", "-1"}).exit_code, 64);
}

TEST_F(Substrate, CutsABlocksChangesOnATerminal) {
  const auto shown = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"substrate", "execute-block", "--chain", spec("polkadot"), block("polkadot")});
    std::string command =
        "export ANEW_CACHE_DIR=" + quoted(path("cache")) + "; " + quoted(std::string(ANEW_BINARY_DIR) + "/anew");
    for (const std::string& argument : more) command += " " + quoted(argument);
    return run_on_terminal(command);
  };
  const auto keys_in = [](const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find("\n  0x"); at != text.npos; at = text.find("\n  0x", at + 1)) ++count;
    return count;
  };
  const std::string some = shown({});
  EXPECT_TRUE(contains(some, "storage changes    25\r\n"));
  EXPECT_TRUE(contains(some, "(the first 20; --changes prints all, and a pipe gets all)"));
  const std::string all = shown({"--changes"});
  EXPECT_FALSE(contains(all, "the first 20"));
  EXPECT_EQ(keys_in(all), keys_in(some) + 5);
  EXPECT_EQ(keys_in(execute("polkadot", block("polkadot")).out), keys_in(all)) << "a pipe gets all";
}

TEST_F(Substrate, RefusesABlockInTheRuntimesWords) {
  const Outcome other = execute("polkadot", block("kusama"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_EQ(other.out, "");
  EXPECT_TRUE(contains(other.err, "anew: trap: unreachable; the runtime said: panicked at"));

  std::string hex = read(block("kusama"));
  const std::size_t state_root = 2 + 2 * 33;
  hex[state_root] = hex[state_root] == '0' ? '1' : '0';
  const Outcome changed = execute("kusama", file("changed.hex", hex));
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_TRUE(contains(changed.err, "Storage root must match that calculated"));
}

TEST_F(Substrate, RefusesWhatIsNoBlock) {
  const std::string hex = read(block("kusama"));
  const auto expect_refused = [&](const std::string& name, std::string_view content, const char* message) {
    const Outcome outcome = execute("kusama", file(name, content));
    EXPECT_EQ(outcome.exit_code, 3) << name;
    EXPECT_EQ(outcome.out, "") << name;
    EXPECT_TRUE(contains(outcome.err, message)) << name;
    EXPECT_TRUE(contains(outcome.err, name)) << "names the file";
  };
  expect_refused("short.hex", hex.substr(0, 100), "block: SCALE data");
  expect_refused("long.hex", hex.substr(0, hex.find_last_not_of('\n') + 1) + "00", "goes on behind the block");
  expect_refused("empty.hex", "", "does not begin with 0x");
  expect_refused("text.hex", "0xhello!", "no hexadecimal digit");
  EXPECT_EQ(execute("kusama", path("missing.hex").string()).exit_code, 1);
}

TEST_F(Substrate, TakesAStateFromPairs) {
  // Genesis, as state_getPairs lists it.
  const auto genesis = nlohmann::json::parse(read(spec("kusama")))["genesis"]["raw"][0];
  nlohmann::json pairs = nlohmann::json::array();
  for (const auto& [key, value] : genesis.items()) pairs.push_back({key, value});
  const std::string whole = file("pairs.json", pairs.dump());
  const Outcome accepted = execute("kusama", block("kusama"), {"--state", whole});
  EXPECT_EQ(accepted.exit_code, 0) << accepted.err;

  const std::string no_code = file("no_code.json", R"([["0x01", "0x02"]])");
  const Outcome refused = execute("kusama", block("kusama"), {"--state", no_code});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_TRUE(contains(refused.err, "no_code.json: the state has no key 0x3a636f6465 (\":code\")"));
  const Outcome malformed = execute("kusama", block("kusama"), {"--state", file("x.json", "[[\"0x01\"]]")});
  EXPECT_EQ(malformed.exit_code, 3);
  EXPECT_TRUE(contains(malformed.err, "x.json: state pairs: entry 0 is not a list of two strings"));
}

TEST_F(Substrate, CallsAnyEntryPoint) {
  const Outcome nonce =
      call("westend", "AccountNonceApi_account_nonce", {"--data", "0x" + std::string(64, '0'), "--json"});
  ASSERT_EQ(nonce.exit_code, 0) << nonce.err;
  EXPECT_EQ(nonce.json()["result"], "0x00000000");
  EXPECT_EQ(nonce.json()["method"], "AccountNonceApi_account_nonce");
  EXPECT_EQ(nonce.json()["storage_changes"].size(), 0u);

  const Outcome keys = call("polkadot", "SessionKeys_generate_session_keys", {"--data", "0x011c2f2f416c696365"});
  EXPECT_EQ(keys.exit_code, 0) << keys.err;  // by a keystore of its own
  const Outcome repeated = call("polkadot", "BabeApi_configuration", {"--repeat", "20", "--audit"});
  EXPECT_EQ(repeated.exit_code, 0) << repeated.err;
  EXPECT_TRUE(contains(repeated.out, "BabeApi_configuration, each call in an instance as new"));

  EXPECT_EQ(call("polkadot", "Core_nothing").exit_code, 64);
  EXPECT_EQ(call("polkadot", "Core_version", {"--data", "00"}).exit_code, 64);
  const Outcome trapped = call("polkadot", "AccountNonceApi_account_nonce");
  EXPECT_EQ(trapped.exit_code, 2);
  EXPECT_TRUE(contains(trapped.err, "the runtime said: panicked at 'Bad input data provided to account_nonce"));
}

std::string from_hexadecimal(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));  // a byte
  return bytes;
}

std::string to_hexadecimal(std::string_view bytes) {
  std::string text = "0x";
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

TEST_F(Substrate, TakesBlocksAsBytesAndFromStandardInput) {
  const std::string hex = read(block("kusama"));
  const std::string bytes = file("block.scale", from_hexadecimal(hex.substr(0, hex.find_last_not_of('\n') + 1)));
  const Outcome outcome = execute("kusama", bytes);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> arguments = {"substrate", "execute-block", "--chain", spec("kusama"), "-"};
  EXPECT_EQ(anew(arguments, "cat " + quoted(bytes) + " | ").exit_code, 0);
  EXPECT_EQ(anew(arguments, "cat " + quoted(block("kusama")) + " | ").exit_code, 0);
  const std::vector<std::string> chain = {"substrate", "execute-block", "--chain", "-", bytes};
  EXPECT_EQ(anew(chain, "cat " + quoted(spec("kusama")) + " | ").exit_code, 0);
  const Outcome cut = execute("kusama", file("cut.scale", read(bytes).substr(0, 200)));
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_TRUE(contains(cut.err, "block: SCALE data"));
}

TEST_F(Substrate, RuntimesAreModulesForTheOtherSubcommands) {
  const auto genesis = nlohmann::json::parse(read(spec("rococo-asset-hub")))["genesis"]["raw"];
  const auto& top = genesis.is_array() ? genesis[0] : genesis["top"];
  const std::string code = from_hexadecimal(top["0x3a636f6465"].get<std::string>());
  ASSERT_TRUE(code.starts_with("\x52\xbc\x53\x76")) << "compressed";
  const std::string compressed = file("runtime.compact.compressed.wasm", code);
  const auto inspected = anew({"inspect", compressed, "--json"}).json();
  EXPECT_GT(inspected["bytes"], code.size());
  EXPECT_EQ(anew({"inspect", spec("rococo-asset-hub"), "--json"}).json(), inspected);
  EXPECT_EQ(anew({"inspect", "-", "--json"}, "cat " + quoted(compressed) + " | ").json(), inspected);
  EXPECT_EQ(anew({"substrate", "version", "-", "--no-cache"}, "cat " + quoted(compressed) + " | ").exit_code, 0);
  const Outcome called = anew({"call", compressed, "Core_version", "0", "0", "--no-cache"});
  EXPECT_EQ(called.exit_code, 4) << "it was compiled";
  EXPECT_TRUE(contains(called.err, "anew substrate version FILE"));
  EXPECT_FALSE(std::filesystem::exists(path("cache")));
  const Outcome spoiled = anew({"inspect", file("spoiled.wasm", code.substr(0, code.size() / 2))});
  EXPECT_EQ(spoiled.exit_code, 3);
  EXPECT_TRUE(contains(spoiled.err, "spoiled.wasm"));
}

/// A chain whose runtime is a module in the text format.
class SmallChain : public Substrate {
 protected:
  [[nodiscard]] std::string spec_of(const std::string& text, const nlohmann::json& more = {}) const {
    nlohmann::json top = {{"0x3a636f6465", to_hexadecimal(binary(text))}};
    if (!more.is_null()) top.update(more);
    const nlohmann::json spec = {{"name", "Small\n\u202e"}, {"id", "small"}, {"genesis", {{"raw", {{"top", top}}}}}};
    return file("small.json", spec.dump());
  }
  /// Of which "give" returns 3000 bytes of memory.
  static constexpr const char* kRuntime = R"((module (memory (export "memory") 2)
    (global (export "__heap_base") i32 (i32.const 8192)) (data (i32.const 16) "\01\02\ff\00")
    (func (export "give") (param i32 i32) (result i64) (i64.const 0xbb800000010))))";
};

TEST_F(SmallChain, CallsARuntimeWithoutCoreVersionAndWritesWhatItReturns) {
  const std::string chain = spec_of(kRuntime);
  const std::string result = std::string("\x01\x02\xff", 3) + std::string(2997, '\0');
  const std::vector<std::string> arguments = {"substrate", "call", "--chain", chain, "give"};
  const Outcome printed = anew(arguments);
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_TRUE(contains(printed.out, "\n" + to_hexadecimal(result) + "\n")) << "all of it: this is no terminal";
  EXPECT_TRUE(contains(printed.out, "Small\\n\\u{202e}"));
  std::vector<std::string> to_file = arguments;
  to_file.insert(to_file.end(), {"--output", path("result").string()});
  EXPECT_EQ(anew(to_file).exit_code, 0);
  EXPECT_EQ(read(path("result")), result);
  to_file.back() = "-";
  const Outcome piped = anew(to_file);
  EXPECT_EQ(piped.out, result);
  EXPECT_TRUE(contains(piped.err, "3000 bytes"));
  to_file.back() = path("no/such/place").string();
  EXPECT_EQ(anew(to_file).exit_code, 1);
}

TEST_F(SmallChain, CutsALongResultOnATerminal) {
  std::vector<std::string> arguments = {"substrate", "call", "--chain", spec_of(kRuntime), "give", "--no-cache"};
  const auto on_terminal = [&] {
    std::string command = std::string(ANEW_BINARY_DIR) + "/anew";
    for (const std::string& argument : arguments) command += " " + quoted(argument);
    return run_on_terminal(command);
  };
  const std::string shown = on_terminal();
  EXPECT_TRUE(contains(shown, "0x0102ff00"));
  EXPECT_TRUE(contains(shown, "...\r\n(the first 1024 bytes; --output FILE writes all"));
  EXPECT_LT(shown.size(), 3000u);
  arguments.insert(arguments.end(), {"-o", "-"});
  EXPECT_TRUE(contains(on_terminal(), "anew: --output -: standard output is a terminal"));
}

TEST_F(SmallChain, RefusesStatesThatAreNotWhole) {
  const Outcome light = anew({"substrate", "version", file("light.json", R"({"name": "L", "id": "l", "genesis":
    {"stateRootHash": "0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3"}})")});
  EXPECT_EQ(light.exit_code, 3);
  EXPECT_TRUE(contains(light.err, "light.json: chain spec: the spec is a light one"));
  EXPECT_TRUE(contains(light.err, "build-spec --raw"));

  const std::string child = to_hexadecimal(":child_storage:default:crowdloan");
  const Outcome genesis = anew({"substrate", "call", "--chain", spec_of(kRuntime, {{child, "0x0102"}}), "give"});
  EXPECT_EQ(genesis.exit_code, 3);
  EXPECT_TRUE(contains(genesis.err, "the child trie \"" + to_hexadecimal("crowdloan") + "\""));
  const std::string pairs = file("pairs.json", "[[\"" + child + "\", \"0x0102\"]]");
  const Outcome state = anew({"substrate", "call", "--chain", spec_of(kRuntime), "--state", pairs, "give"});
  EXPECT_EQ(state.exit_code, 3);
  EXPECT_TRUE(contains(state.err, "pairs.json: state pairs: there is the root of the child trie \"" +
                                      to_hexadecimal("crowdloan") + "\""));
}

}  // namespace
}  // namespace anew::testing
