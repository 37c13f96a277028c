// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "abi/processor.hpp"
#include "artifact/artifact.hpp"
#include "artifact/code_version.hpp"
#include "artifact/content_hash.hpp"
#include "artifact/format.hpp"

namespace anew::artifact {
namespace {

constexpr std::size_t kSymbolBytes = 256;  // of a name; longer ones are cut
constexpr std::array<std::byte, kTextAlignment> kZeros{};

enum Section : std::uint16_t {
  kNull,
  kMeta,
  kFunctions,
  kThunks,
  kStarts,
  kPositions,
  kCallSites,
  kTryBlocks,
  kHandlers,
  kRoots,
  kOptimized,
  kOptimizedPositions,
  kModule,
  kSymbols,
  kSymbolNames,
  kSectionNames,
  kText,
  kSectionCount
};
constexpr std::array<const char*, kSectionCount> kNames = {"",
                                                           ".anew.meta",
                                                           ".anew.functions",
                                                           ".anew.thunks",
                                                           ".anew.starts",
                                                           ".anew.positions",
                                                           ".anew.calls",
                                                           ".anew.tries",
                                                           ".anew.handlers",
                                                           ".anew.roots",
                                                           ".anew.optimized",
                                                           ".anew.inlined",
                                                           ".anew.module",
                                                           ".symtab",
                                                           ".strtab",
                                                           ".shstrtab",
                                                           ".text"};

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) / alignment * alignment;
}

/// The file as it grows: pieces one after the other, zeros between them.
struct Layout {
  std::vector<BytesView> pieces;
  std::uint64_t bytes = 0;

  void align(std::uint64_t alignment) {
    if (const std::uint64_t padding = round_up(bytes, alignment) - bytes; padding != 0)
      add(BytesView(kZeros).first(padding), 1);  // `alignment` is at most kTextAlignment
  }
  Range add(BytesView piece, std::uint64_t alignment) {
    align(alignment);
    const Range range{bytes, piece.size()};
    pieces.push_back(piece);
    bytes += piece.size();
    return range;
  }
};

/// A name as tools like it: printable ASCII without spaces.
std::string symbol_name(std::string_view name, std::uint32_t function) {
  if (name.empty()) return fmt::format("function_{}", function);
  std::string result(name.substr(0, kSymbolBytes));
  for (char& c : result) c = c > ' ' && c < '\x7F' ? c : '_';
  return result;
}

struct SymbolTable {
  std::vector<Elf64_Sym> symbols;
  std::string names;
};

/// A symbol for every function, import stub and entry thunk, with offsets in the text as values.
SymbolTable make_symbols(const Contents& contents) {
  SymbolTable table;
  table.symbols.emplace_back();  // index 0 is reserved
  table.names.push_back('\0');
  auto add = [&](std::uint32_t offset, const std::string& name) {
    Elf64_Sym symbol{};
    // At most 267 bytes each for the 2,000,000 functions, twice, and 1,000,000 types that limits.hpp allows: 32 bits
    // hold them.
    symbol.st_name = static_cast<Elf64_Word>(table.names.size());
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
    symbol.st_shndx = kText;
    symbol.st_value = offset;
    table.symbols.push_back(symbol);
    table.names += name;
    table.names.push_back('\0');
  };
  for (std::uint32_t i = 0; i < contents.image.functions.size(); ++i)
    add(contents.image.functions[i], symbol_name(contents.names[i], i));
  for (std::uint32_t i = 0; i < contents.image.thunks.size(); ++i)
    add(contents.image.thunks[i], fmt::format("entry_thunk_{}", i));
  for (const codegen::OptimizedFunction& each : contents.image.optimized)
    add(each.offset, symbol_name(contents.names[each.function], each.function) + "_optimized");
  // Each reaches to the next.
  std::vector<std::uint64_t> starts;
  for (std::size_t i = 1; i < table.symbols.size(); ++i) starts.push_back(table.symbols[i].st_value);
  std::sort(starts.begin(), starts.end());
  for (std::size_t i = 1; i < table.symbols.size(); ++i) {
    const auto next = std::upper_bound(starts.begin(), starts.end(), table.symbols[i].st_value);
    table.symbols[i].st_size = (next != starts.end() ? *next : contents.image.text.size()) - table.symbols[i].st_value;
  }
  return table;
}

template <typename T>
std::vector<std::byte> copy_bytes(std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

/// Copies a fixed structure into the head of the file.
template <typename T>
void put(std::span<std::byte> head, std::uint64_t offset, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  std::copy(bytes.begin(), bytes.end(), head.subspan(offset, bytes.size()).begin());
}

template <std::size_t N>
std::array<char, N> to_field(std::string_view text) {
  std::array<char, N> field{};
  std::copy_n(text.begin(), std::min(text.size(), N), field.begin());
  return field;
}

Elf64_Ehdr make_elf_header(std::uint64_t section_headers) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = abi::kElfMachine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_shoff = section_headers;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = kSectionNames;
  return header;
}

/// The text, at an address that equals its place in the file.
Elf64_Phdr make_program_header(Range text) {
  Elf64_Phdr header{};
  header.p_type = PT_LOAD;
  header.p_flags = PF_R | PF_X;
  header.p_offset = header.p_vaddr = header.p_paddr = text.offset;
  header.p_filesz = header.p_memsz = text.bytes;
  header.p_align = kTextAlignment;
  return header;
}

/// @param at  where each section lies.
std::array<Elf64_Shdr, kSectionCount> make_section_headers(const std::array<Range, kSectionCount>& at,
                                                           std::size_t symbols) {
  std::array<Elf64_Shdr, kSectionCount> headers{};
  std::uint32_t name = 1;
  for (std::uint16_t i = kNull + 1; i < kSectionCount; ++i) {
    headers[i].sh_name = name;
    name += static_cast<std::uint32_t>(std::strlen(kNames[i])) + 1;  // a hundred bytes in all
    headers[i].sh_type = SHT_PROGBITS;
    headers[i].sh_offset = at[i].offset;
    headers[i].sh_size = at[i].bytes;
    headers[i].sh_addralign = 1;
  }
  headers[kText].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  headers[kText].sh_addr = at[kText].offset;
  headers[kText].sh_addralign = kTextAlignment;
  headers[kSymbols].sh_type = SHT_SYMTAB;
  headers[kSymbols].sh_addralign = alignof(Elf64_Sym);
  headers[kSymbols].sh_entsize = sizeof(Elf64_Sym);
  headers[kSymbols].sh_link = kSymbolNames;
  headers[kSymbols].sh_info = static_cast<Elf64_Word>(symbols);  // all are local; as bounded as in make_symbols
  headers[kSymbolNames].sh_type = SHT_STRTAB;
  headers[kSectionNames].sh_type = SHT_STRTAB;
  return headers;
}

Meta make_meta(const Contents& contents, const std::array<Range, kSectionCount>& at, std::uint64_t file_bytes) {
  Meta meta{};
  meta.magic = kMetaMagic;
  meta.format_version = kFormatVersion;
  meta.abi_version = abi::kAbiVersion;
  meta.code_version = kCodeVersion;
  meta.file_bytes = file_bytes;
  meta.cpu_features = abi::kBaselineFeatures;
  meta.features = contents.module.features.bits();
  meta.card_shift = contents.options.card_shift;
  meta.flags = (contents.options.marks ? kMarks : 0) | (contents.options.explicit_bounds ? kExplicitBounds : 0) |
               (contents.options.fuel ? kFuel : 0) | (contents.options.canonical_nan ? kCanonicalNan : 0) |
               (contents.options.metered_stack ? kMeteredStack : 0) |
               (contents.options.foreign_memory ? kForeignMemory : 0);
  meta.module_hash = contents.hash;
  meta.producer = to_field<16>(ANEW_VERSION_STRING);
  meta.tier = to_field<12>(codegen::to_string(contents.options.tier));
  meta.kept_cell = contents.image.frames.kept_cell;
  meta.text = at[kText];
  meta.functions = at[kFunctions];
  meta.thunks = at[kThunks];
  meta.position_starts = at[kStarts];
  meta.positions = at[kPositions];
  meta.call_sites = at[kCallSites];
  meta.try_blocks = at[kTryBlocks];
  meta.handlers = at[kHandlers];
  meta.roots = at[kRoots];
  meta.optimized = at[kOptimized];
  meta.optimized_positions = at[kOptimizedPositions];
  meta.module = at[kModule];
  return meta;
}

}  // namespace

Encoded encode(const Contents& contents) {
  Encoded encoded;
  // Views of what is added stay valid: growing the outer vector moves the inner ones, but not their bytes.
  auto own = [&encoded](std::vector<std::byte> bytes) -> std::span<std::byte> {
    return encoded.owned_.emplace_back(std::move(bytes));
  };
  Layout file;
  std::array<Range, kSectionCount> at{};
  const std::span<std::byte> head = own(std::vector<std::byte>(kHeadBytes));  // filled in last
  file.add(head, 1);
  at[kMeta] = {kMetaOffset, sizeof(Meta)};
  at[kFunctions] = file.add(std::as_bytes(contents.image.functions), 8);
  at[kThunks] = file.add(std::as_bytes(contents.image.thunks), 8);
  at[kStarts] = file.add(std::as_bytes(contents.image.position_starts), 8);
  at[kPositions] = file.add(contents.image.positions, 8);
  at[kCallSites] = file.add(std::as_bytes(contents.image.call_sites), 8);
  at[kTryBlocks] = file.add(std::as_bytes(contents.image.try_blocks), 8);
  at[kHandlers] = file.add(std::as_bytes(contents.image.handlers), 8);
  at[kRoots] = file.add(std::as_bytes(contents.image.roots), 8);
  at[kOptimized] = file.add(own(copy_bytes(contents.image.optimized)), 8);
  at[kOptimizedPositions] = file.add(own(copy_bytes(contents.image.optimized_positions)), 8);
  at[kModule] = file.add(contents.binary, 8);

  std::string section_names;
  for (const char* name : kNames) {
    section_names += name;
    section_names.push_back('\0');
  }
  at[kSectionNames] = file.add(own(copy_bytes<char>(section_names)), 1);
  SymbolTable table = make_symbols(contents);
  at[kSymbolNames] = file.add(own(copy_bytes<char>(table.names)), 1);

  // Symbols and section headers tell where the text begins, which lies behind them.
  file.align(8);
  at[kSymbols] = {file.bytes, table.symbols.size() * sizeof(Elf64_Sym)};
  const std::uint64_t headers_offset = at[kSymbols].offset + at[kSymbols].bytes;
  at[kText] = {round_up(headers_offset + kSectionCount * sizeof(Elf64_Shdr), kTextAlignment),
               contents.image.text.size()};
  for (Elf64_Sym& symbol : std::span(table.symbols).subspan(1)) symbol.st_value += at[kText].offset;
  file.add(own(copy_bytes<Elf64_Sym>(table.symbols)), 1);
  file.add(own(copy_bytes<Elf64_Shdr>(make_section_headers(at, table.symbols.size()))), 1);
  file.add(contents.image.text, kTextAlignment);
  file.align(kTextAlignment);

  put(head, 0, make_elf_header(headers_offset));
  put(head, sizeof(Elf64_Ehdr), make_program_header(at[kText]));
  put(head, kMetaOffset, make_meta(contents, at, file.bytes));
  // The hash covers all but itself, and the head ends with it.
  static_assert(kHashOffset + sizeof(Meta::content_hash) == kHeadBytes);
  ContentHasher hasher;
  hasher.add(head.first(kHashOffset));
  for (const BytesView piece : std::span(file.pieces).subspan(1)) hasher.add(piece);
  put(head, kHashOffset, hasher.finish());
  encoded.pieces_ = std::move(file.pieces);
  encoded.bytes_ = file.bytes;
  return encoded;
}

}  // namespace anew::artifact
