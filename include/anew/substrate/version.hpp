// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a runtime says of itself (polkadot-sdk, substrate/primitives/version).
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace anew::substrate {

/// BLAKE2b-64 of a runtime API's name, by which a runtime announces it.
using ApiId = std::array<std::uint8_t, 8>;
/// The name of a runtime API that Anew knows, such as "Core" for df6acb689907609b; else "".
[[nodiscard]] ANEW_API std::string_view api_name(const ApiId& id) noexcept;

/// A runtime API and the version in which a runtime has it.
struct RuntimeApi {
  ApiId id{};
  std::uint32_t version = 0;
  bool operator==(const RuntimeApi&) const = default;
};

/// What `Core_version` answers.
struct RuntimeVersion {
  std::string spec_name;
  std::string impl_name;
  std::uint32_t authoring_version = 0;
  std::uint32_t spec_version = 0;
  std::uint32_t impl_version = 0;
  std::vector<RuntimeApi> apis;
  std::uint32_t transaction_version = 1;  ///< 1 in the layout that lacks it: that of a Core API before version 3
  std::uint8_t state_version = 0;         ///< 0 in the layouts that lack it: those of a Core API before version 4
  bool operator==(const RuntimeVersion&) const = default;
};

/// Decodes a SCALE-encoded version. As in Substrate, the version of the Core API among its `apis` decides the layout,
/// and what follows it is not looked at. @return kMalformed, with the byte offset, if the data ends early or is
/// malformed.
[[nodiscard]] ANEW_API Result<RuntimeVersion> decode_version(BytesView encoded);
/// Encodes a version in the newest layout, which decode_version reads too.
[[nodiscard]] ANEW_API Bytes encode_version(const RuntimeVersion& version);

}  // namespace anew::substrate
