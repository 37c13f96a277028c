// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chain specs (polkadot-sdk, substrate/client/chain-spec), and runtimes from files.
#include <fmt/format.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <nlohmann/json.hpp>

#include "host/substrate/code_blob.hpp"
#include "host/substrate/hex.hpp"
#include "host/substrate/storage_keys.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew::substrate {
namespace {

using Json = nlohmann::json;

const Bytes& code_key() {
  static const Bytes key(as_bytes(kCodeKey).begin(), as_bytes(kCodeKey).end());
  return key;
}

std::unexpected<Error> fail_spec(std::string what) {
  return fail(ErrorCode::kMalformed, "chain spec: " + std::move(what));
}

/// The maps of genesis, wherever this form of spec keeps them.
struct RawGenesis {
  const Json* top = nullptr;
  const Json* children = nullptr;  // null: there are none
  bool prefixed = false;           // whether the keys of `children` are those in the top trie
};

Result<RawGenesis> find_genesis(const Json& spec) {
  const auto genesis = spec.find("genesis");
  if (genesis == spec.end() || !genesis->is_object()) return fail_spec("there is no object \"genesis\"");
  const auto raw = genesis->find("raw");
  if (raw == genesis->end() && genesis->contains("stateRootHash")) {
    return fail_spec(
        "the spec is a light one: \"genesis\" has the root of the state (\"stateRootHash\"), but not the state; get "
        "the "
        "whole one from the chain's node, `build-spec --raw --chain NAME`");
  }
  if (raw == genesis->end()) {
    return fail_spec(
        "\"genesis\" has no \"raw\": the spec is not in the raw form; convert it with the chain's node, "
        "`build-spec --raw --chain FILE`");
  }
  RawGenesis found;
  if (raw->is_object()) {
    const auto top = raw->find("top");
    if (top == raw->end()) return fail_spec("\"genesis.raw\" has no \"top\"");
    found.top = &*top;
    if (const auto children = raw->find("childrenDefault"); children != raw->end()) found.children = &*children;
  } else if (raw->is_array() && !raw->empty()) {
    found.top = &raw->front();
    if (raw->size() > 1) found.children = &(*raw)[1];
    found.prefixed = true;
  } else {
    return fail_spec("\"genesis.raw\" is neither an object nor a list that begins with the top map");
  }
  if (!found.top->is_object()) return fail_spec("the top map of \"genesis.raw\" is not an object");
  if (found.children != nullptr && !found.children->is_object())
    return fail_spec("the child tries of \"genesis.raw\" are not an object");
  return found;
}

/// The bytes of a key of a JSON object.
Result<Bytes> read_key(const std::string& key) {
  Bytes bytes;
  const char* wrong = decode_hex(key, bytes);
  if (wrong != nullptr) return fail_spec(fmt::format("storage key {} {}", quote(key), wrong));
  return bytes;
}

Result<void> read_pairs(const Json& json, std::map<Bytes, Bytes>& pairs) {
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return fail_spec(fmt::format("the value of storage key {} is not a string", quote(key)));
    auto key_bytes = TRY(read_key(key));
    Bytes value_bytes;
    if (const char* wrong = decode_hex(value.get_ref<const std::string&>(), value_bytes); wrong != nullptr)
      return fail_spec(fmt::format("the value of storage key {} {}", quote(key), wrong));
    // JSON objects come in the order of their keys, which but for upper-case digits is the order of the bytes.
    const std::size_t before = pairs.size();
    pairs.emplace_hint(pairs.end(), std::move(key_bytes), std::move(value_bytes));
    if (pairs.size() == before) return fail_spec(fmt::format("storage key {} is there twice", quote(key)));
  }
  return {};
}

Result<void> read_children(const RawGenesis& genesis, ChainSpec& spec) {
  if (genesis.children == nullptr) return {};
  for (const auto& [key, pairs] : genesis.children->items()) {
    auto storage_key = TRY(read_key(key));
    if (const BytesView prefix = as_bytes(kDefaultChildPrefix); genesis.prefixed && starts_with(storage_key, prefix))
      storage_key.erase(storage_key.begin(), storage_key.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
    const auto [child, added] = spec.children.try_emplace(std::move(storage_key));
    if (!added) return fail_spec(fmt::format("child trie {} is there twice", quote(key)));
    if (!pairs.is_object()) return fail_spec(fmt::format("child trie {} is not an object", quote(key)));
    if (auto read = read_pairs(pairs, child->second); !read) {
      read.error().message += fmt::format(", in child trie {}", quote(key));
      return read;
    }
  }
  return {};
}

Result<ChainSpec> read_spec(const Json& json) {
  if (!json.is_object()) return fail_spec("the file is not a JSON object");
  ChainSpec spec;
  for (const auto& [field, target] : {std::pair{"name", &spec.name}, std::pair{"id", &spec.id}}) {
    const auto found = json.find(field);
    if (found == json.end() || !found->is_string()) return fail_spec(fmt::format("there is no string \"{}\"", field));
    *target = found->get<std::string>();
  }
  const auto genesis = TRY(find_genesis(json));
  TRY(read_pairs(*genesis.top, spec.top));
  TRY(read_children(genesis, spec));

  if (!spec.top.contains(code_key()))
    return fail_spec("genesis has no storage key 0x3a636f6465 (\":code\"), so there is no runtime");
  const BytesView heap_pages_key = as_bytes(kHeapPagesKey);
  if (const auto found = spec.top.find(Bytes(heap_pages_key.begin(), heap_pages_key.end())); found != spec.top.end()) {
    if (found->second.size() != sizeof(std::uint64_t))
      return fail_spec(fmt::format("the value of \":heappages\" has {} bytes, not 8", found->second.size()));
    std::uint64_t pages = 0;
    for (std::size_t i = 8; i-- > 0;) pages = pages << 8 | std::to_integer<std::uint64_t>(found->second[i]);
    spec.heap_pages = pages;
  }
  return spec;
}

}  // namespace

const Bytes& ChainSpec::code() const {
  static const Bytes none;
  const auto found = top.find(code_key());
  return found == top.end() ? none : found->second;
}

Result<ChainSpec> parse_chain_spec(std::string_view json) {
  return detail::without_exceptions("a chain spec is read", [&]() -> Result<ChainSpec> {
    try {
      return read_spec(Json::parse(json));
    } catch (const Json::exception& error) {
      return fail_spec(fmt::format("not JSON: {}", wasm::printable(error.what())));
    }
  });
}

Result<RuntimeSource> read_runtime(BytesView content) {
  return detail::without_exceptions("a runtime is read", [&]() -> Result<RuntimeSource> {
    RuntimeSource source;
    BytesView code = content;
    std::optional<ChainSpec> spec;
    // Bytes seen as characters, which may alias any object.
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    if (const std::size_t first = text.find_first_not_of(" \t\r\n"); first != text.npos && text[first] == '{') {
      auto parsed = TRY(parse_chain_spec(text));
      spec = std::move(parsed);
      source.chain = spec->name;
      source.heap_pages = spec->heap_pages.value_or(kDefaultHeapPages);
      code = spec->code();
    } else if (!is_code(code)) {
      return fail(ErrorCode::kMalformed, "neither a chain spec (JSON) nor a WebAssembly binary");
    }
    auto decompressed = TRY(decompress_code(code));
    source.code = std::move(decompressed);
    return source;
  });
}

Result<RuntimeSource> load_runtime(const std::filesystem::path& path) {
  return detail::without_exceptions("a runtime is read", [&]() -> Result<RuntimeSource> {
    constexpr std::uint64_t kMaximumFileBytes = 1ull << 30;  // a chain's whole state, as hexadecimal text
    const auto content = TRY(os::read_file(path, kMaximumFileBytes));
    auto source = read_runtime(content);
    if (!source) source.error().message = fmt::format("{}: {}", path.string(), source.error().message);
    return source;
  });
}

}  // namespace anew::substrate
