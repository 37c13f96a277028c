// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The module as a sequence of sections (specification, 5.5): header, order, lengths, and what ties sections together.
#include "wasm/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "wasm/limits.hpp"
#include "wasm/module_decoder.hpp"

namespace anew::wasm {
namespace {

enum SectionId : std::uint8_t {
  kCustom = 0,
  kType,
  kImport,
  kFunction,
  kTable,
  kMemory,
  kGlobal,
  kExport,
  kStart,
  kElement,
  kCode,
  kData,
  kDataCount,
  kTag,
};

// The place of each section in the prescribed order; the data count and tag sections came later than the numbering.
constexpr std::array<int, 14> kRanks = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};

}  // namespace

Result<Module> decode_module(BytesView binary, const MemoryLimit& memory_limit, Features accepted) {
  return ModuleDecoder(binary, memory_limit, accepted).decode();
}
Result<Module> decode_module(BytesView binary) {
  return decode_module(binary, MemoryLimit(binary.size(), UINT64_MAX), Features::every());
}

bool ModuleDecoder::take_memory(std::uint64_t count, std::uint64_t bytes_each) {
  // Counts are at most a few millions, and what each takes at most thousands: no overflow in as many steps as the
  // binary has bytes.
  module_.memory_bytes += count * bytes_each;
  return module_.memory_bytes <= memory_limit_.bytes() || reader_.fail(memory_limit_.exceeded());
}

Result<Module> ModuleDecoder::decode() {
  if (!module()) return std::unexpected(reader_.take_error());
  return std::move(module_);
}

bool ModuleDecoder::module() {
  if (!header()) return false;
  while (!reader_.at_end())
    if (!section()) return false;
  return whole_module();
}

bool ModuleDecoder::header() {
  if (!take_memory(1, std::min<std::uint64_t>(binary_.size(), limits::kModuleBytes))) return false;
  constexpr std::array<std::byte, 4> kMagic = {std::byte{0x00}, std::byte{'a'}, std::byte{'s'}, std::byte{'m'}};
  if (binary_.size() > limits::kModuleBytes) {
    return reader_.fail(ErrorCode::kLimit, 0,
                        fmt::format("the module has {} bytes, the limit is {}", binary_.size(), limits::kModuleBytes));
  }
  BytesView magic;
  if (reader_.remaining() < kMagic.size()) {
    return reader_.fail(ErrorCode::kMalformed, reader_.remaining(),
                        "unexpected end: magic header not detected, this is not a WebAssembly binary");
  }
  if (!reader_.bytes(kMagic.size(), magic)) return false;
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin())) {
    return reader_.fail(ErrorCode::kMalformed, 0,
                        "magic header not detected: a WebAssembly binary starts with 00 61 73 6D");
  }
  std::uint32_t version = 0;
  if (!reader_.fixed32(version)) return false;
  if (version == 0x1'000Du)
    return reader_.fail(ErrorCode::kUnsupported, 4,
                        "this is a component, and what it is given to takes core modules: anew::component::Component "
                        "takes components, as do `anew call`, "
                        "`anew run` and `anew serve`");
  return version == 1 ||
         reader_.fail(ErrorCode::kMalformed, 4, fmt::format("unknown binary version {}, expected 1", version));
}

bool ModuleDecoder::section() {
  const std::uint64_t start = reader_.offset();
  SectionRange range;
  std::uint32_t size = 0;
  BytesView payload;
  if (!reader_.byte(range.id) || !section_order(range.id, start) || !reader_.u32(size)) return false;
  range.offset = reader_.offset();
  range.size = size;
  if (!reader_.bytes(size, payload)) return false;
  // Within the section nothing may be read past its end, so it has a reader of its own.
  const Reader behind = std::exchange(reader_, Reader(payload, range.offset, module_.accepted));
  if (range.id == kCustom ? !custom_section(range) : !section_content(range.id)) return false;
  if (!reader_.at_end()) {
    return reader_.fail(
        ErrorCode::kMalformed, reader_.offset(),
        fmt::format("section size mismatch: {} bytes remain in section {}", reader_.remaining(), range.id));
  }
  module_.features = module_.features.with(reader_.features());
  reader_ = behind;
  module_.sections.push_back(range);
  return take_memory(1, memory::kSection);
}

bool ModuleDecoder::section_order(std::uint8_t id, std::uint64_t at) {
  if (id >= kRanks.size()) return reader_.fail(ErrorCode::kMalformed, at, fmt::format("malformed section id {}", id));
  if (id == kCustom) return true;
  if (kRanks[id] <= last_rank_) {
    return reader_.fail(ErrorCode::kMalformed, at,
                        fmt::format("unexpected content after last section: section {} {}", id,
                                    kRanks[id] == last_rank_ ? "occurs twice" : "is out of order"));
  }
  last_rank_ = kRanks[id];
  return true;
}

bool ModuleDecoder::section_content(std::uint8_t id) {
  switch (id) {
    case kType: return type_section();
    case kImport: return import_section();
    case kFunction: return function_section();
    case kTable: return table_section();
    case kMemory: return memory_section();
    case kTag: return reader_.needs(Feature::kExceptions, reader_.offset(), "a tag section") && tag_section();
    case kGlobal: return global_section();
    case kExport: return export_section();
    case kStart: return start_section();
    case kElement: return element_section();
    case kDataCount:
      return reader_.needs(Feature::kBulkMemory, reader_.offset(), "a data count section") && data_count_section();
    case kCode: return code_section();
    default:  // section_order let nothing else through
      return data_section();
  }
}

bool ModuleDecoder::custom_section(SectionRange& range) {
  BytesView payload;
  if (!reader_.name(range.name) || !reader_.bytes(reader_.remaining(), payload)) return false;
  if (range.name == "name" && module_.name_section.empty()) {
    module_.name_section = payload;
    return take_memory(1, payload.size());
  }
  return true;
}

// Only counted and cut apart: FunctionValidator reads the bodies.
bool ModuleDecoder::code_section() {
  code_offset_ = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kFunctions, "function bodies", count)) return false;
  if (!take_memory(count, memory::kBody)) return false;
  module_.bodies.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t start = reader_.offset();
    std::uint32_t size = 0;
    FunctionBody body;
    if (!reader_.u32(size)) return false;
    body.offset = reader_.offset();
    if (!reader_.bytes(size, body.bytes)) return false;
    if (size > limits::kFunctionBytes) {
      return reader_.fail(ErrorCode::kLimit, start,
                          fmt::format("function body of {} bytes, the limit is {}", size, limits::kFunctionBytes));
    }
    module_.bodies.push_back(body);
  }
  return true;
}

bool ModuleDecoder::whole_module() {
  const bool has_code = code_offset_ != 0;
  if (module_.bodies.size() != module_.defined_functions()) {
    return reader_.fail(ErrorCode::kMalformed, has_code ? code_offset_ : binary_.size(),
                        fmt::format("function and code section have inconsistent lengths: {} and {}",
                                    module_.defined_functions(), module_.bodies.size()));
  }
  if (module_.data_count && *module_.data_count != module_.data.size()) {
    return reader_.fail(ErrorCode::kMalformed, data_offset_ != 0 ? data_offset_ : binary_.size(),
                        fmt::format("data count and data section have inconsistent lengths: {} and {}",
                                    *module_.data_count, module_.data.size()));
  }
  module_.declared_functions.resize(module_.functions.size());
  return true;
}

}  // namespace anew::wasm
