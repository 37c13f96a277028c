// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/substrate_block_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/output.hpp"
#include "cli/substrate_chain.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/hex.hpp"

namespace anew::cli {

namespace {

std::string engine_name(const substrate::DigestItem& item) {
  return {reinterpret_cast<const char*>(item.engine.data()), item.engine.size()};  // char may alias any object
}

bool has_engine(const substrate::DigestItem& item) {
  return item.kind == substrate::DigestKind::kConsensus || item.kind == substrate::DigestKind::kSeal ||
         item.kind == substrate::DigestKind::kPreRuntime;
}

/// Whether a signature comes with an extrinsic, by its first byte.
bool is_signed(const substrate::Bytes& extrinsic) {
  return !extrinsic.empty() && (extrinsic.front() & std::byte{0x80}) != std::byte{0};
}

}  // namespace

void print_block(const substrate::Block& block) {
  const substrate::Header& header = block.header;
  print_field("block", fmt::format("{}", header.number));
  print_field("hash", substrate::encode_hex(block.hash));
  print_field("parent", substrate::encode_hex(header.parent_hash));
  print_field("state root", substrate::encode_hex(header.state_root));
  print_field("extrinsics root", substrate::encode_hex(header.extrinsics_root));
  print_field("digest", fmt::format("{} items", header.digest.size()));
  for (std::size_t i = 0; i < header.digest.size(); ++i) {
    const substrate::DigestItem& item = header.digest[i];
    fmt::print("  {}{}, {} bytes{}\n", to_string(item.kind),
               has_engine(item) ? " of " + printable(engine_name(item)) : std::string(), item.data.size(),
               block.sealed && i + 1 == header.digest.size() ? " (set aside)" : "");
  }
  print_field("extrinsics", fmt::format("{}", block.extrinsics.size()));
  for (const substrate::Bytes& extrinsic : block.extrinsics) {
    fmt::print("  {}  {}, {} bytes\n", substrate::encode_hex(substrate::blake2b_256(extrinsic)),
               is_signed(extrinsic) ? "signed" : "unsigned", extrinsic.size());
  }
}

nlohmann::ordered_json block_json(const substrate::Block& block) {
  const substrate::Header& header = block.header;
  nlohmann::ordered_json digest = nlohmann::ordered_json::array();
  for (const substrate::DigestItem& item : header.digest) {
    nlohmann::ordered_json entry = {{"kind", to_string(item.kind)}};
    if (has_engine(item)) entry["engine"] = engine_name(item);
    entry["data"] = substrate::encode_hex(item.data);
    digest.push_back(std::move(entry));
  }
  nlohmann::ordered_json extrinsics = nlohmann::ordered_json::array();
  for (const substrate::Bytes& extrinsic : block.extrinsics) {
    extrinsics.push_back({{"hash", substrate::encode_hex(substrate::blake2b_256(extrinsic))},
                          {"signed", is_signed(extrinsic)},
                          {"bytes", extrinsic.size()}});
  }
  return {{"number", header.number},
          {"hash", substrate::encode_hex(block.hash)},
          {"parent_hash", substrate::encode_hex(header.parent_hash)},
          {"state_root", substrate::encode_hex(header.state_root)},
          {"extrinsics_root", substrate::encode_hex(header.extrinsics_root)},
          {"digest", std::move(digest)},
          {"seal_set_aside", block.sealed},
          {"extrinsics", std::move(extrinsics)}};
}

}  // namespace anew::cli
