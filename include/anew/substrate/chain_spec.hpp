// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chain specifications and runtime code, from files.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/types.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace anew::substrate {

/// Wasm pages of heap that a chain has if its state does not say otherwise (Substrate's DEFAULT_HEAP_ALLOC_PAGES).
inline constexpr std::uint64_t kDefaultHeapPages = 2048;

/// What a raw chain spec says: the chain's names and its genesis state.
struct ChainSpec {
  std::string name;
  std::string id;
  /// The storage key-value pairs of genesis, in the order of their keys. Runtime code lies under ":code".
  std::map<Bytes, Bytes> top;
  /// The default child tries of genesis, by their storage keys without the prefix ":child_storage:default:".
  std::map<Bytes, std::map<Bytes, Bytes>> children;
  /// The value of ":heappages", if genesis sets one.
  std::optional<std::uint64_t> heap_pages;

  /// The value of ":code" as it lies in the state: a WebAssembly binary, maybe compressed (see decompress_code).
  [[nodiscard]] const Bytes& code() const;
};

/// Reads a chain spec in the raw form: `genesis.raw` an object with `top` and maybe `childrenDefault`, or, in the older
/// form, a list of these two maps. @return kMalformed, with what is missing or wrong and where, for anything else.
[[nodiscard]] ANEW_API Result<ChainSpec> parse_chain_spec(std::string_view json);

/// Undoes Substrate's compression of runtime code: eight bytes of prefix, then Zstandard. Code without the prefix is
/// returned as it is. @return kMalformed if the data is corrupt or would decompress to more than 50 MiB.
[[nodiscard]] ANEW_API Result<Bytes> decompress_code(BytesView code);

/// A runtime taken from a file.
struct RuntimeSource {
  Bytes code;                                    ///< the WebAssembly binary, decompressed
  std::uint64_t heap_pages = kDefaultHeapPages;  ///< from the chain spec, if it sets them
  std::string chain;                             ///< the chain's name; empty if the file was bare code
};

/// Takes a runtime out of a file's content: a chain spec, or bare code, compressed or not. @return kMalformed.
[[nodiscard]] ANEW_API Result<RuntimeSource> read_runtime(BytesView content);

/// The same from a file.
/// @return kNotFound, kIo or kLimit for the file, kMalformed for its content.
[[nodiscard]] ANEW_API Result<RuntimeSource> load_runtime(const std::filesystem::path& path);

}  // namespace anew::substrate
