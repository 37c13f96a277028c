// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The object file that describes compiled code to gdb: ELF, with DWARF 4 in it. All addresses are where the code is
// executed; the text is not in the file.
#include <elf.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "abi/processor.hpp"
#include "debug/gdb.hpp"

namespace anew::debug {
namespace {

enum Section : std::uint16_t {
  kNull,
  kText,
  kSymbols,
  kSymbolNames,
  kSectionNames,
  kFrames,
  kAbbreviations,
  kInfo,
  kLines,
  kSectionCount
};
constexpr std::array<const char*, kSectionCount> kNames = {
    "", ".text", ".symtab", ".strtab", ".shstrtab", ".debug_frame", ".debug_abbrev", ".debug_info", ".debug_line"};

// Numbers of DWARF 4, chapter 7.
constexpr std::uint8_t kTagCompileUnit = 0x11, kTagSubprogram = 0x2e, kChildren = 1, kNoChildren = 0;
constexpr std::uint8_t kName = 0x03, kStatementList = 0x10, kLowPc = 0x11, kHighPc = 0x12, kLanguage = 0x13;
constexpr std::uint8_t kAddressForm = 0x01, kData2Form = 0x05, kData8Form = 0x07, kStringForm = 0x08;
constexpr std::uint8_t kSectionOffsetForm = 0x17;
constexpr std::uint16_t kC99 = 0x0c;
constexpr std::uint8_t kSetFile = 4, kAdvanceLine = 3, kCopy = 1, kAdvancePc = 2, kEndSequence = 1, kSetAddress = 2;
constexpr std::uint8_t kFirstSpecialOpcode = 10;
constexpr std::array<std::uint8_t, kFirstSpecialOpcode - 1> kOperands = {0, 1, 1, 1, 1, 0, 0, 0, 1};
constexpr std::uint8_t kAddressBytes = 8;

/// Bytes that are put one behind another. Little-endian, as the processors are that Anew runs on.
class Writer {
 public:
  template <typename T>
  void put(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void put_bytes(std::span<const std::uint8_t> bytes) {
    for (const std::uint8_t byte : bytes) put(byte);
  }
  /// Up to a zero byte, which is put too.
  void put_string(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    put(std::uint8_t{0});
  }
  void put_unsigned(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) put(static_cast<std::uint8_t>(value | 0x80));  // the low seven bits, and one
    put(static_cast<std::uint8_t>(value));
  }
  void put_signed(std::int64_t value) {
    for (; value < -0x40 || value >= 0x40; value >>= 7) put(static_cast<std::uint8_t>(value | 0x80));  // as above
    put(static_cast<std::uint8_t>(value & 0x7F));
  }
  /// A length that is known once what it is of is there.
  [[nodiscard]] std::size_t begin_length() {
    put(std::uint32_t{0});
    return bytes_.size();
  }
  void end_length(std::size_t begin) {
    // Sections of 4 GiB would take as many bytes of names and lines in the module, which has fewer.
    const auto length = static_cast<std::uint32_t>(bytes_.size() - begin);
    std::memcpy(bytes_.data() + begin - sizeof length, &length, sizeof length);
  }
  void align(std::size_t alignment) {
    while (bytes_.size() % alignment != 0) put(std::uint8_t{0});
  }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }
  void replace(std::size_t at, std::span<const std::byte> bytes) {
    std::memcpy(bytes_.data() + at, bytes.data(), bytes.size());
  }

 private:
  std::vector<std::byte> bytes_;
};

class ObjectWriter {
 public:
  ObjectWriter(const Code& code, std::span<const Symbol> symbols) : code_(code), symbols_(symbols) {}

  std::vector<std::byte> write() {
    put_symbols();
    put_frames();
    // Without lines there is nothing to say that the symbols do not.
    if (!code_.lines.empty()) {
      put_lines();
      put_abbreviations();
      put_info();
    }
    for (const char* name : kNames) sections_[kSectionNames].put_string(name);

    Writer file;
    file.put(Elf64_Ehdr{});
    std::array<Elf64_Shdr, kSectionCount> headers{};
    std::uint32_t name = 1;
    for (std::uint16_t i = kNull + 1; i < kSectionCount; ++i) {
      file.align(8);
      headers[i].sh_name = name;
      name += static_cast<std::uint32_t>(std::strlen(kNames[i])) + 1;  // a hundred bytes in all
      headers[i].sh_type = SHT_PROGBITS;
      headers[i].sh_offset = file.size();
      headers[i].sh_size = sections_[i].size();
      headers[i].sh_addralign = 1;
      file.put_bytes(as_numbers(sections_[i].bytes()));
    }
    headers[kText].sh_type = SHT_NOBITS;
    headers[kText].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    headers[kText].sh_addr = text();
    headers[kText].sh_size = code_.image.text.size();
    headers[kText].sh_addralign = 16;
    headers[kSymbols].sh_type = SHT_SYMTAB;
    headers[kSymbols].sh_link = kSymbolNames;
    headers[kSymbols].sh_entsize = sizeof(Elf64_Sym);
    headers[kSymbols].sh_addralign = 8;
    headers[kSymbols].sh_info = static_cast<Elf64_Word>(symbols_.size() + 1);  // all are local; limits.hpp bounds them
    headers[kSymbolNames].sh_type = SHT_STRTAB;
    headers[kSectionNames].sh_type = SHT_STRTAB;
    file.align(8);
    const std::uint64_t headers_at = file.size();
    for (const Elf64_Shdr& header : headers) file.put(header);
    const Elf64_Ehdr header = elf_header(headers_at);
    file.replace(0, std::as_bytes(std::span(&header, 1)));
    return std::move(file).take();
  }

 private:
  static std::span<const std::uint8_t> as_numbers(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};  // unsigned char may alias any object
  }

  [[nodiscard]] std::uint64_t text() const noexcept {
    return reinterpret_cast<std::uint64_t>(code_.image.text.data());  // an address to tell to others
  }

  static Elf64_Ehdr elf_header(std::uint64_t section_headers) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = abi::kElfMachine;
    header.e_version = EV_CURRENT;
    header.e_shoff = section_headers;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = kSectionCount;
    header.e_shstrndx = kSectionNames;
    return header;
  }

  void put_symbols() {
    Writer& names = sections_[kSymbolNames];
    names.put_string("");
    sections_[kSymbols].put(Elf64_Sym{});
    for (const Symbol& each : symbols_) {
      Elf64_Sym symbol{};
      // At most some hundred bytes for each of the 3,000,000 functions and types that limits.hpp allows.
      symbol.st_name = static_cast<Elf64_Word>(names.size());
      symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
      symbol.st_shndx = kText;
      symbol.st_value = each.address;
      symbol.st_size = each.bytes;
      sections_[kSymbols].put(symbol);
      names.put_string(each.name);
    }
  }

  void put_frames() {
    Writer& out = sections_[kFrames];
    const std::size_t common = out.begin_length();
    out.put(UINT32_MAX);       // a common information entry
    out.put(std::uint8_t{1});  // version
    out.put_string("");        // no augmentation
    out.put_unsigned(1);       // advances are in bytes
    out.put(abi::kDwarfDataAlignment);
    out.put(abi::kDwarfReturnAddress);
    out.put_bytes(abi::kDwarfEntryRules);
    out.align(8);
    out.end_length(common);
    for (const Symbol& symbol : symbols_) {
      const std::size_t entry = out.begin_length();
      out.put(std::uint32_t{0});  // where the common entry is
      out.put(symbol.address);
      out.put(symbol.bytes);
      if (symbol.function == Symbol::kThunk)
        out.put_bytes(abi::kDwarfThunkRules);
      else
        out.put_bytes(abi::kDwarfFunctionRules);
      out.align(8);
      out.end_length(entry);
    }
  }

  /// One stretch for each function.
  void put_lines() {
    Writer program;
    std::unordered_map<std::uint32_t, std::uint64_t> numbers;  // by SourceLine::file
    std::vector<std::uint32_t> files;
    for (const Symbol& symbol : symbols_) {
      const std::vector<CodeLine> lines = lines_of(code_, symbol);
      if (lines.empty()) continue;
      std::uint64_t address = lines.front().address;
      program.put(std::uint8_t{0});
      program.put_unsigned(1 + kAddressBytes);
      program.put(kSetAddress);
      program.put(address);
      SourceLine now{0, 1};  // as a stretch begins
      for (const CodeLine& each : lines) {
        const auto [number, is_new] = numbers.try_emplace(each.line.file, files.size() + 1);
        if (is_new) files.push_back(each.line.file);
        program.put(kAdvancePc);
        program.put_unsigned(each.address - address);
        program.put(kSetFile);
        program.put_unsigned(number->second);
        program.put(kAdvanceLine);
        program.put_signed(std::int64_t{each.line.line} - now.line);
        program.put(kCopy);
        address = each.address;
        now = each.line;
      }
      program.put(kAdvancePc);
      program.put_unsigned(symbol.address + symbol.bytes - address);
      program.put(std::uint8_t{0});
      program.put_unsigned(1);
      program.put(kEndSequence);
    }

    Writer& out = sections_[kLines];
    const std::size_t unit = out.begin_length();
    out.put(std::uint16_t{4});
    const std::size_t header = out.begin_length();
    out.put(std::uint8_t{1});  // bytes of the shortest instruction
    out.put(std::uint8_t{1});  // operations of an instruction
    out.put(std::uint8_t{1});  // rows begin statements
    out.put(std::int8_t{0});   // no special opcodes are used
    out.put(std::uint8_t{1});
    out.put(kFirstSpecialOpcode);
    out.put_bytes(kOperands);
    out.put(std::uint8_t{0});  // no directories: files have their paths
    for (const std::uint32_t file : files) {
      const std::string path = code_.lines.file(file);
      out.put_string(path.empty() || path.front() == '\0' ? "?" : path);  // an empty one would end the list
      out.put_bytes(std::array<std::uint8_t, 3>{});                       // directory, time and size
    }
    out.put(std::uint8_t{0});
    out.end_length(header);
    out.put_bytes(as_numbers(program.bytes()));
    out.end_length(unit);
  }

  void put_abbreviations() {
    Writer& out = sections_[kAbbreviations];
    out.put_bytes(std::array<std::uint8_t, 15>{1, kTagCompileUnit, kChildren, kName, kStringForm, kLanguage, kData2Form,
                                               kLowPc, kAddressForm, kHighPc, kData8Form, kStatementList,
                                               kSectionOffsetForm, 0, 0});
    out.put_bytes(std::array<std::uint8_t, 12>{2, kTagSubprogram, kNoChildren, kName, kStringForm, kLowPc, kAddressForm,
                                               kHighPc, kData8Form, 0, 0, 0});
  }

  void put_info() {
    Writer& out = sections_[kInfo];
    const std::size_t unit = out.begin_length();
    out.put(std::uint16_t{4});
    out.put(std::uint32_t{0});  // the abbreviations
    out.put(kAddressBytes);
    out.put(std::uint8_t{1});
    out.put_string("WebAssembly");
    out.put(kC99);
    out.put(text());
    out.put(std::uint64_t{code_.image.text.size()});
    out.put(std::uint32_t{0});  // the lines
    for (const Symbol& symbol : symbols_) {
      out.put(std::uint8_t{2});
      out.put_string(symbol.name);
      out.put(symbol.address);
      out.put(symbol.bytes);
    }
    out.put(std::uint8_t{0});
    out.end_length(unit);
  }

  const Code& code_;
  std::span<const Symbol> symbols_;
  std::array<Writer, kSectionCount> sections_;
};

}  // namespace

std::vector<std::byte> make_object(const Code& code, std::span<const Symbol> symbols) {
  return ObjectWriter(code, symbols).write();
}

}  // namespace anew::debug
