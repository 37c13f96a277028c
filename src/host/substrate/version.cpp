// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RuntimeVersion (polkadot-sdk, substrate/primitives/version) and the ids of runtime APIs.
#include "host/substrate/version.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "host/substrate/scale.hpp"
#include "runtime/blake2b.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/reader.hpp"

namespace anew::substrate {
namespace {

ApiId id_of(std::string_view name) noexcept {
  return std::bit_cast<ApiId>(detail::blake2b<sizeof(ApiId)>(std::as_bytes(std::span(name))));
}

constexpr auto kApiNames = std::to_array<std::string_view>({
    "Core",
    "Metadata",
    "BlockBuilder",
    "TaggedTransactionQueue",
    "OffchainWorkerApi",
    "ParachainHost",
    "GrandpaApi",
    "BabeApi",
    "AuthorityDiscoveryApi",
    "SessionKeys",
    "AccountNonceApi",
    "TransactionPaymentApi",
    "TransactionPaymentCallApi",
    "BeefyApi",
    "BeefyMmrApi",
    "MmrApi",
    "GenesisBuilder",
    "NominationPoolsApi",
    "StakingApi",
    "AuraApi",
    "AuraUnincludedSegmentApi",
    "CollectCollationInfo",
    "ContractsApi",
    "AssetConversionApi",
    "FungiblesApi",
    "XcmPaymentApi",
    "DryRunApi",
    "LocationToAccountApi",
    "TryRuntime",
    "Benchmark",
});

using ApiTable = std::array<std::pair<ApiId, std::string_view>, kApiNames.size()>;

/// Sorted by id.
const ApiTable& api_table() noexcept {
  static const ApiTable table = [] {
    ApiTable made;
    std::transform(kApiNames.begin(), kApiNames.end(), made.begin(),
                   [](std::string_view name) { return std::pair{id_of(name), name}; });
    std::sort(made.begin(), made.end());
    return made;
  }();
  return table;
}

constexpr std::size_t kApiBytes = sizeof(ApiId) + sizeof(std::uint32_t);

bool read_api(ScaleReader& reader, RuntimeApi& api) {
  return reader.raw(std::as_writable_bytes(std::span(api.id))) && reader.u32(api.version);
}

/// The version of the Core API among these; 0 if it is not there.
std::uint32_t core_version_of(const std::vector<RuntimeApi>& apis) noexcept {
  static const ApiId core = id_of("Core");
  std::uint32_t version = 0;
  for (const RuntimeApi& api : apis)
    if (api.id == core) version = std::max(version, api.version);
  return version;
}

/// @param apis  those that the binary announces; null: those of the encoded version count.
bool read_version(ScaleReader& reader, RuntimeVersion& version, const std::vector<RuntimeApi>* apis) {
  std::uint32_t count = 0;
  if (!reader.string(version.spec_name) || !reader.string(version.impl_name) ||
      !reader.u32(version.authoring_version) || !reader.u32(version.spec_version) ||
      !reader.u32(version.impl_version) || !reader.length(kApiBytes, count)) {
    return false;
  }
  version.apis.resize(count);
  if (!std::ranges::all_of(version.apis, [&](RuntimeApi& api) { return read_api(reader, api); })) return false;
  if (apis != nullptr) version.apis = *apis;
  const std::uint32_t core_version = core_version_of(version.apis);
  if (core_version >= 3 && !reader.u32(version.transaction_version)) return false;
  if (core_version >= 4 && !reader.u8(version.state_version)) return false;
  return true;
}

/// The content of a custom section, behind its name.
std::optional<BytesView> find_section(const wasm::Module& module, BytesView binary, std::string_view wanted) {
  for (const wasm::SectionRange& section : module.sections) {
    if (section.id != 0 || section.name != wanted) continue;
    // The decoder found the section inside this binary.
    wasm::Reader reader(binary.subspan(section.offset, section.size));
    std::string_view name;
    if (!reader.name(name)) return std::nullopt;
    return binary.subspan(section.offset + section.size - reader.remaining(), reader.remaining());
  }
  return std::nullopt;
}

std::unexpected<Error> fail_in(const char* what, const ScaleReader& reader) {
  Error error = reader.error();
  error.message = what + (": " + error.message);
  return std::unexpected(std::move(error));
}

}  // namespace

std::string_view api_name(const ApiId& id) noexcept {
  const ApiTable& table = api_table();
  const auto found = std::lower_bound(table.begin(), table.end(), id,
                                      [](const auto& entry, const ApiId& wanted) { return entry.first < wanted; });
  return found != table.end() && found->first == id ? found->second : std::string_view{};
}

Result<RuntimeVersion> decode_version(BytesView encoded) {
  return detail::without_exceptions("a version is decoded", [&]() -> Result<RuntimeVersion> {
    ScaleReader reader(encoded);
    RuntimeVersion version;
    if (!read_version(reader, version, nullptr)) return fail_in("runtime version", reader);
    return version;
  });
}

Bytes encode_version(const RuntimeVersion& version) {
  Bytes encoded;
  append_bytes(encoded, std::as_bytes(std::span(version.spec_name)));
  append_bytes(encoded, std::as_bytes(std::span(version.impl_name)));
  append_u32(encoded, version.authoring_version);
  append_u32(encoded, version.spec_version);
  append_u32(encoded, version.impl_version);
  append_compact(encoded, static_cast<std::uint32_t>(version.apis.size()));  // a runtime has dozens
  for (const RuntimeApi& api : version.apis) {
    const auto id = std::as_bytes(std::span(api.id));
    encoded.insert(encoded.end(), id.begin(), id.end());
    append_u32(encoded, api.version);
  }
  append_u32(encoded, version.transaction_version);
  encoded.push_back(std::byte{version.state_version});
  return encoded;
}

Result<std::optional<RuntimeVersion>> read_embedded_version(const wasm::Module& module, BytesView binary) {
  const auto version_section = find_section(module, binary, "runtime_version");
  if (!version_section) return std::nullopt;
  std::vector<RuntimeApi> apis;
  const auto apis_section = find_section(module, binary, "runtime_apis");
  if (apis_section) {
    ScaleReader reader(*apis_section);
    while (reader.remaining() > 0)
      if (!read_api(reader, apis.emplace_back())) return fail_in("custom section runtime_apis", reader);
  }
  ScaleReader reader(*version_section);
  RuntimeVersion version;
  if (!read_version(reader, version, apis_section ? &apis : nullptr))
    return fail_in("custom section runtime_version", reader);
  return version;
}

}  // namespace anew::substrate
