// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/object.hpp"

#include <fmt/format.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/LEB128.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {
namespace {

namespace elf = ::llvm::ELF;
using ::llvm::StringRef;
using Elf = ::llvm::object::ELF64LE;

/// What LLVM made is its fault if it cannot be read.
template <typename T>
T value_of(::llvm::Expected<T> expected) {
  if (!expected) throw std::logic_error("LLVM's object file: " + ::llvm::toString(expected.takeError()));
  return std::move(*expected);
}

struct Symbol {
  StringRef name;
  std::uint32_t section = 0;  ///< 0: not defined here
  std::uint64_t value = 0;    ///< offset in the section
  bool is_section = false;
};

/// A place in a section that is to be filled in: with the distance from it to the symbol, and `addend` more.
struct Reference {
  std::uint64_t at = 0;
  std::uint32_t type = 0;
  std::uint32_t symbol = 0;
  std::int64_t addend = 0;
};

struct Section {
  std::uint64_t flags = 0;
  std::uint64_t entry_bytes = 0;  ///< of a section whose entries may stand by themselves; else 0
  std::uint64_t alignment = 1;
  std::string_view bytes;
  std::vector<Reference> references;         ///< in the order of their places
  std::optional<std::uint64_t> frame_bytes;  ///< of the function in it
  std::vector<Line> lines;
};

/// A stretch of a section, copied behind a function.
struct Piece {
  std::uint32_t section;
  std::uint64_t from;
  std::uint64_t bytes;
  std::uint64_t at;  ///< where it lies in the function's code
};

}  // namespace

struct ObjectFile::Contents {
  explicit Contents(std::string_view bytes)
      : file(value_of(::llvm::object::ELF64LEObjectFile::create({StringRef(bytes.data(), bytes.size()), "unit"}))) {
    const auto& elf_file = file.getELFFile();
    const auto headers = value_of(elf_file.sections());
    for (const Elf::Shdr& header : headers) {
      Section& section = sections.emplace_back();
      section.flags = header.sh_flags;
      if ((section.flags & elf::SHF_MERGE) != 0 && (section.flags & elf::SHF_STRINGS) == 0)
        section.entry_bytes = header.sh_entsize;
      section.alignment = std::max<std::uint64_t>(header.sh_addralign, 1);
      if (header.sh_type == elf::SHT_NOBITS) continue;
      const auto contents = value_of(elf_file.getSectionContents(header));
      // Bytes are bytes: a view of another type of them.
      section.bytes = {reinterpret_cast<const char*>(contents.data()), contents.size()};
    }
    for (const Elf::Shdr& header : headers)
      if (header.sh_type == elf::SHT_SYMTAB) read_symbols(header);
    for (const Elf::Shdr& header : headers)
      if (header.sh_type == elf::SHT_RELA) read_references(header);
    for (std::size_t i = 0; i < headers.size(); ++i)
      if (value_of(elf_file.getSectionName(headers[i])) == ".stack_sizes") read_frames(sections[i]);
    read_lines();
  }

  void read_symbols(const Elf::Shdr& table) {
    const auto names = value_of(file.getELFFile().getStringTableForSymtab(table));
    for (const Elf::Sym& each : value_of(file.getELFFile().symbols(&table))) {
      const bool is_defined = each.st_shndx < elf::SHN_LORESERVE && each.st_shndx < sections.size();
      symbols.push_back({value_of(each.getName(names)), is_defined ? each.st_shndx : std::uint32_t{0}, each.st_value,
                         each.getType() == elf::STT_SECTION});
    }
  }

  void read_references(const Elf::Shdr& table) {
    std::vector<Reference>& references = sections.at(table.sh_info).references;
    for (const Elf::Rela& each : value_of(file.getELFFile().relas(table)))
      references.push_back({each.r_offset, each.getType(false), each.getSymbol(false), each.r_addend});
    std::ranges::stable_sort(references, {}, &Reference::at);
  }

  /// An address, which is a reference to a function, and a LEB128 number. Functions whose frames have no fixed size are
  /// not there.
  void read_frames(const Section& sizes) {
    for (const Reference& each : sizes.references) {
      const std::uint64_t at = each.at + sizeof(std::uint64_t);
      if (at >= sizes.bytes.size()) continue;
      const auto* const end = reinterpret_cast<const std::uint8_t*>(sizes.bytes.data() + sizes.bytes.size());
      const std::uint64_t bytes =
          ::llvm::decodeULEB128(reinterpret_cast<const std::uint8_t*>(sizes.bytes.data() + at), nullptr, end);
      sections[symbols.at(each.symbol).section].frame_bytes = bytes + sizeof(void*);  // with the return address
    }
  }

  void read_lines() {
    const auto ignore = [](::llvm::Error error) { ::llvm::consumeError(std::move(error)); };
    const auto context = ::llvm::DWARFContext::create(file, ::llvm::DWARFContext::ProcessDebugRelocations::Process,
                                                      nullptr, "", ignore, ignore);
    for (const auto& unit : context->compile_units()) {
      const ::llvm::DWARFDebugLine::LineTable* const table = context->getLineTableForUnit(unit.get());
      if (table == nullptr) continue;
      for (const ::llvm::DWARFDebugLine::Row& row : table->Rows) {
        if (row.EndSequence || row.Address.SectionIndex >= sections.size()) continue;
        std::vector<Line>& lines = sections[row.Address.SectionIndex].lines;
        // Of several of one place the last is meant.
        if (!lines.empty() && lines.back().code_offset == row.Address.Address) lines.pop_back();
        lines.push_back({row.Address.Address, row.Line});
      }
    }
  }

  ::llvm::object::ELF64LEObjectFile file;
  std::vector<Section> sections;  ///< by index; 0 is none
  std::vector<Symbol> symbols;    ///< by index; 0 is none
};

namespace {

/// Puts together a function's code: its section, and behind it, as they are met, the constants that it uses.
class Taker {
 public:
  Taker(const std::vector<Section>& sections, const std::vector<Symbol>& symbols)
      : sections_(sections), symbols_(symbols) {}

  FunctionCode take(std::uint32_t section) {
    code_.alignment = 1;
    add({section, 0, sections_[section].bytes.size(), 0});
    for (std::size_t i = 0; i < pieces_.size(); ++i) resolve(pieces_[i]);
    if (code_.alignment > 64) throw NotTaken{fmt::format("its constants are aligned to {} bytes", code_.alignment)};
    std::ranges::sort(code_.relocations, {}, &Relocation::at);
    return std::move(code_);
  }

 private:
  const Piece& add(Piece piece) {
    const Section& section = sections_[piece.section];
    piece.at = (code_.code.size() + section.alignment - 1) / section.alignment * section.alignment;
    code_.alignment = std::max(code_.alignment, static_cast<std::uint32_t>(section.alignment));
    code_.code.resize(piece.at);
    const auto* const from = reinterpret_cast<const std::byte*>(section.bytes.data()) + piece.from;
    code_.code.insert(code_.code.end(), from, from + piece.bytes);
    pieces_.push_back(piece);
    if (code_.code.size() > wasm::limits::kTextBytes) throw NotTaken{"its code is too large"};
    return pieces_.back();
  }

  /// Where a place in a section of constants, or in the function itself, lies in the code.
  std::uint64_t place(const Symbol& symbol) {
    const Section& section = sections_[symbol.section];
    // The entries of a section of small constants belong to many functions. The symbol says which is meant, unless it
    // stands for the section; then all of it is taken.
    const bool is_entry = section.entry_bytes != 0 && !symbol.is_section;
    const std::uint64_t from = is_entry ? symbol.value / section.entry_bytes * section.entry_bytes : 0;
    const std::uint64_t bytes = is_entry ? section.entry_bytes : section.bytes.size();
    if (from + bytes > section.bytes.size() || symbol.value > from + bytes) throw NotTaken{"its constants are cut off"};
    auto found = std::ranges::find_if(pieces_, [&](const Piece& each) {
      return each.section == symbol.section && each.from == from && each.bytes == bytes;
    });
    const Piece piece = found != pieces_.end() ? *found : add_constants(symbol, from, bytes);
    return piece.at + (symbol.value - from);
  }

  const Piece& add_constants(const Symbol& symbol, std::uint64_t from, std::uint64_t bytes) {
    constexpr std::uint64_t kNotConstant = elf::SHF_EXECINSTR | elf::SHF_WRITE | elf::SHF_TLS;
    const Section& section = sections_[symbol.section];
    if ((section.flags & elf::SHF_ALLOC) == 0 || (section.flags & kNotConstant) != 0)
      throw NotTaken{fmt::format("it uses {}, which is no constant", std::string_view(symbol.name))};
    return add({symbol.section, from, bytes, 0});
  }

  void resolve(Piece piece) {
    const std::vector<Reference>& references = sections_[piece.section].references;
    auto each = std::ranges::lower_bound(references, piece.from, {}, &Reference::at);
    for (; each != references.end() && each->at < piece.from + piece.bytes; ++each) {
      const Symbol& symbol = symbols_.at(each->symbol);
      const std::uint64_t at = piece.at + (each->at - piece.from);
      if (each->type != elf::R_X86_64_PC32 && each->type != elf::R_X86_64_PLT32)
        throw NotTaken{
            fmt::format("it refers to {} in a way that is not known ({})", std::string_view(symbol.name), each->type)};
      if (at + sizeof(std::int32_t) > code_.code.size()) throw NotTaken{"a displacement is cut off"};
      if (symbol.section == 0) {
        refer(symbol.name, static_cast<std::uint32_t>(at), each->addend);  // below kTextBytes
        continue;
      }
      // All of a function's code is below 2^31 bytes.
      const std::int64_t distance =
          static_cast<std::int64_t>(place(symbol)) - static_cast<std::int64_t>(at) + each->addend;
      if (distance != static_cast<std::int32_t>(distance)) throw NotTaken{"a constant is too far away"};
      const auto displacement = static_cast<std::int32_t>(distance);
      std::memcpy(code_.code.data() + at, &displacement, sizeof(displacement));
    }
  }

  /// To something outside: the addend is what is to be added to the distance between `at` and the symbol.
  void refer(StringRef symbol, std::uint32_t at, std::int64_t addend) {
    constexpr std::int64_t kDisplacementBytes = 4;
    unsigned kind = 0;
    StringRef name = symbol;
    if (name == kEntriesSymbol)
      code_.relocations.push_back({at, Target::kEntries, addend + kDisplacementBytes, -kDisplacementBytes});
    else if (name.consume_front(kTrapSymbol) && !name.getAsInteger(10, kind))
      code_.relocations.push_back({at, Target::kTrap, kind, addend});
    else
      throw NotTaken{fmt::format("it needs {}, which there is not", std::string_view(symbol))};
  }

  const std::vector<Section>& sections_;
  const std::vector<Symbol>& symbols_;
  FunctionCode code_;
  std::vector<Piece> pieces_;
};

}  // namespace

ObjectFile::ObjectFile(std::string_view bytes) : contents_(std::make_unique<const Contents>(bytes)) {}
ObjectFile::~ObjectFile() = default;

FunctionCode ObjectFile::take(const std::string& symbol, std::vector<Line>& lines) const {
  const auto found = std::ranges::find_if(
      contents_->symbols, [&](const Symbol& each) { return each.section != 0 && each.name == StringRef(symbol); });
  if (found == contents_->symbols.end() || found->value != 0)
    throw std::logic_error("LLVM's object file lacks a function of its own section: " + symbol);
  const Section& section = contents_->sections[found->section];
  if (!section.frame_bytes) throw NotTaken{"its frame has no fixed size"};
  if (*section.frame_bytes > std::numeric_limits<std::uint32_t>::max()) throw NotTaken{"its frame is too large"};
  FunctionCode code = Taker(contents_->sections, contents_->symbols).take(found->section);
  code.frame_bytes = static_cast<std::uint32_t>(*section.frame_bytes);
  lines = section.lines;
  return code;
}

}  // namespace anew::codegen::optimizing
