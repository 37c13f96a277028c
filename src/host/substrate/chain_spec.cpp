// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chain specs (polkadot-sdk, substrate/client/chain-spec), and runtimes from files.
#include <fmt/format.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <nlohmann/json.hpp>

#include "host/substrate/code_blob.hpp"
#include "os/file.hpp"

namespace anew::substrate {
namespace {

using Json = nlohmann::json;

Bytes to_bytes(std::string_view text) {
  Bytes bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

const Bytes& code_key() {
  static const Bytes key = to_bytes(":code");
  return key;
}

std::unexpected<Error> fail_spec(std::string what) {
  return fail(ErrorCode::kMalformed, "chain spec: " + std::move(what));
}

/// The value of a hexadecimal digit, or -1.
constexpr int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// "0x" and an even number of hexadecimal digits. @return what is wrong with the text, or null.
const char* decode_hex(std::string_view text, Bytes& bytes) {
  if (!text.starts_with("0x")) return "does not begin with 0x";
  text.remove_prefix(2);
  if (text.size() % 2 != 0) return "has an odd number of hexadecimal digits";
  bytes.resize(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return "has a character that is no hexadecimal digit";
    bytes[i] = static_cast<std::byte>(high * 16 + low);  // at most 255
  }
  return nullptr;
}

/// Long keys and values are cut short in messages.
std::string quote(std::string_view text) {
  return text.size() <= 80 ? fmt::format("\"{}\"", text) : fmt::format("\"{}...\"", text.substr(0, 77));
}

/// The top map, wherever this form of spec keeps it.
Result<const Json*> find_top(const Json& spec) {
  const auto genesis = spec.find("genesis");
  if (genesis == spec.end() || !genesis->is_object()) return fail_spec("there is no object \"genesis\"");
  const auto raw = genesis->find("raw");
  if (raw == genesis->end()) {
    return fail_spec(
        "\"genesis\" has no \"raw\": the spec is not in the raw form; convert it with the chain's node, "
        "`build-spec --raw --chain FILE`");
  }
  const Json* top = nullptr;
  if (raw->is_object()) {
    const auto found = raw->find("top");
    if (found == raw->end()) return fail_spec("\"genesis.raw\" has no \"top\"");
    top = &*found;
  } else if (raw->is_array() && !raw->empty()) {
    top = &raw->front();
  } else {
    return fail_spec("\"genesis.raw\" is neither an object nor a list that begins with the top map");
  }
  if (!top->is_object()) return fail_spec("the top map of \"genesis.raw\" is not an object");
  return top;
}

Result<void> read_top(const Json& top, ChainSpec& spec) {
  for (const auto& [key, value] : top.items()) {
    if (!value.is_string()) return fail_spec(fmt::format("the value of storage key {} is not a string", quote(key)));
    Bytes key_bytes;
    Bytes value_bytes;
    if (const char* wrong = decode_hex(key, key_bytes); wrong != nullptr) {
      return fail_spec(fmt::format("storage key {} {}", quote(key), wrong));
    }
    if (const char* wrong = decode_hex(value.get_ref<const std::string&>(), value_bytes); wrong != nullptr) {
      return fail_spec(fmt::format("the value of storage key {} {}", quote(key), wrong));
    }
    // JSON objects come in the order of their keys, which but for upper-case digits is the order of the bytes.
    const std::size_t before = spec.top.size();
    spec.top.emplace_hint(spec.top.end(), std::move(key_bytes), std::move(value_bytes));
    if (spec.top.size() == before) return fail_spec(fmt::format("storage key {} is there twice", quote(key)));
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
  const Result<const Json*> top = find_top(json);
  if (!top) return std::unexpected(top.error());
  if (auto read = read_top(**top, spec); !read) return std::unexpected(std::move(read.error()));

  if (!spec.top.contains(code_key())) {
    return fail_spec("genesis has no storage key 0x3a636f6465 (\":code\"), so there is no runtime");
  }
  static const Bytes heap_pages_key = to_bytes(":heappages");
  if (const auto found = spec.top.find(heap_pages_key); found != spec.top.end()) {
    if (found->second.size() != sizeof(std::uint64_t)) {
      return fail_spec(fmt::format("the value of \":heappages\" has {} bytes, not 8", found->second.size()));
    }
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
  try {
    return read_spec(Json::parse(json));
  } catch (const std::exception& error) {
    return fail_spec(fmt::format("not JSON: {}", error.what()));
  }
}

Result<RuntimeSource> load_runtime(const std::filesystem::path& path) {
  constexpr std::uint64_t kMaximumFileBytes = 1ull << 30;  // a chain's whole state, as hexadecimal text
  const Result<Bytes> content = os::read_file(path, kMaximumFileBytes);
  if (!content) return std::unexpected(content.error());
  const auto named = [&](Error error) {
    error.message = fmt::format("{}: {}", path.string(), error.message);
    return std::unexpected(std::move(error));
  };

  RuntimeSource source;
  std::span<const std::byte> code = *content;
  std::optional<ChainSpec> spec;
  // Bytes seen as characters, which may alias any object.
  const std::string_view text(reinterpret_cast<const char*>(content->data()), content->size());
  if (const std::size_t first = text.find_first_not_of(" \t\r\n"); first != text.npos && text[first] == '{') {
    Result<ChainSpec> parsed = parse_chain_spec(text);
    if (!parsed) return named(std::move(parsed.error()));
    spec = std::move(*parsed);
    source.chain = spec->name;
    source.heap_pages = spec->heap_pages.value_or(kDefaultHeapPages);
    code = spec->code();
  } else if (!is_code(code)) {
    return named(fail(ErrorCode::kMalformed, "neither a chain spec (JSON) nor a WebAssembly binary").error());
  }
  Result<Bytes> decompressed = decompress_code(code);
  if (!decompressed) return named(std::move(decompressed.error()));
  source.code = std::move(*decompressed);
  return source;
}

}  // namespace anew::substrate
