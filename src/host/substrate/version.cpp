// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RuntimeVersion (polkadot-sdk, substrate/primitives/version) and the ids of runtime APIs.
#include <sodium.h>

#include <algorithm>
#include <anew/substrate.hpp>

#include "host/substrate/scale.hpp"

namespace anew::substrate {
namespace {

ApiId id_of(std::string_view name) noexcept {
  ApiId id{};
  // Cannot fail: BLAKE2b takes any output length from 1 to 64. A string's characters are read as bytes.
  (void)crypto_generichash_blake2b(id.data(), id.size(), reinterpret_cast<const unsigned char*>(name.data()),
                                   name.size(), nullptr, 0);
  return id;
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

bool read_version(ScaleReader& reader, RuntimeVersion& version) {
  std::uint32_t apis = 0;
  if (!reader.string(version.spec_name) || !reader.string(version.impl_name) ||
      !reader.u32(version.authoring_version) || !reader.u32(version.spec_version) ||
      !reader.u32(version.impl_version) || !reader.length(sizeof(ApiId) + sizeof(std::uint32_t), apis)) {
    return false;
  }
  std::uint32_t core_version = 0;
  static const ApiId core = id_of("Core");
  version.apis.resize(apis);
  for (RuntimeApi& api : version.apis) {
    for (std::uint8_t& byte : api.id) {
      if (!reader.u8(byte)) return false;
    }
    if (!reader.u32(api.version)) return false;
    if (api.id == core) core_version = std::max(core_version, api.version);
  }
  if (core_version >= 3 && !reader.u32(version.transaction_version)) return false;
  if (core_version >= 4 && !reader.u8(version.state_version)) return false;
  return true;
}

}  // namespace

std::string_view api_name(const ApiId& id) noexcept {
  const ApiTable& table = api_table();
  const auto found = std::lower_bound(table.begin(), table.end(), id,
                                      [](const auto& entry, const ApiId& wanted) { return entry.first < wanted; });
  return found != table.end() && found->first == id ? found->second : std::string_view{};
}

Result<RuntimeVersion> decode_version(std::span<const std::byte> encoded) {
  ScaleReader reader(encoded);
  RuntimeVersion version;
  if (!read_version(reader, version)) {
    Error error = reader.error();
    error.message = "runtime version: " + error.message;
    return std::unexpected(std::move(error));
  }
  return version;
}

}  // namespace anew::substrate
