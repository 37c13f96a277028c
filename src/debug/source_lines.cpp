// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/source_lines.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace anew::debug {
namespace {

constexpr std::uint8_t kCodeSection = 10;
constexpr std::uint8_t kCustomSection = 0;

// Numbers of the line number program (DWARF 5, 7.22) and of forms (7.5.6).
enum Standard : std::uint8_t {
  kCopy = 1,
  kAdvancePc = 2,
  kAdvanceLine = 3,
  kSetFile = 4,
  kConstAddPc = 8,
  kFixedAdvancePc = 9,
};
enum Extended : std::uint8_t { kEndSequence = 1, kSetAddress = 2 };
enum Content : std::uint8_t { kPath = 1, kDirectoryIndex = 2 };
enum Form : std::uint8_t {
  kBlock2 = 0x03,
  kBlock4 = 0x04,
  kData2 = 0x05,
  kData4 = 0x06,
  kData8 = 0x07,
  kString = 0x08,
  kBlock = 0x09,
  kBlock1 = 0x0a,
  kData1 = 0x0b,
  kStrp = 0x0e,
  kUdata = 0x0f,
  kLineStrp = 0x1f,
  kData16 = 0x1e,
};

std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // char may alias any object
}

/// The payload of the first custom section of that name.
BytesView custom_section(const wasm::Module& module, BytesView binary, std::string_view name) {
  for (const wasm::SectionRange& section : module.sections) {
    if (section.id != kCustomSection || section.name != name) continue;
    // The name stands before the payload, in it: the decoder has checked both.
    const auto* const end = reinterpret_cast<const std::byte*>(section.name.data() + section.name.size());
    return {end, static_cast<std::size_t>(binary.data() + section.offset + section.size - end)};
  }
  return {};
}

/// Little-endian numbers, one after the other. What lies past the end reads as zero, and ok() is false from then on.
class Bytes {
 public:
  explicit Bytes(BytesView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == bytes_.size(); }
  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  void fail() noexcept {
    ok_ = false;
    at_ = bytes_.size();
  }

  [[nodiscard]] BytesView take(std::uint64_t count) noexcept {
    if (count > bytes_.size() - at_) {
      fail();
      return {};
    }
    const BytesView taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  [[nodiscard]] std::uint64_t fixed(std::size_t size) noexcept {  // of at most 8 bytes
    std::uint64_t value = 0;
    const BytesView taken = take(size);
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
  }
  [[nodiscard]] std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(fixed(1)); }
  [[nodiscard]] std::uint64_t unsigned_leb() noexcept { return leb(false); }
  [[nodiscard]] std::uint64_t signed_leb() noexcept { return leb(true); }  // in two's complement
  /// Up to a zero byte, which is read too.
  [[nodiscard]] std::string_view string() noexcept {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const std::size_t size = rest.find('\0');
    if (size == rest.npos) {
      fail();
      return {};
    }
    at_ += size + 1;
    return rest.substr(0, std::min(size, kMaximumPath));
  }

 private:
  [[nodiscard]] std::uint64_t leb(bool is_signed) noexcept {
    std::uint64_t value = 0;
    unsigned shift = 0;
    std::uint8_t next = 0;
    do {
      next = byte();
      if (shift < 64) value |= std::uint64_t{next & 0x7Fu} << shift;
      shift = std::min(shift + 7, 64u);
    } while (next >= 0x80);
    if (is_signed && shift < 64 && (next & 0x40) != 0) value |= ~std::uint64_t{0} << shift;
    return value;
  }

  BytesView bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// The string at an offset in a section of strings. Many may name one place, so none is read further than is shown.
std::string_view string_at(BytesView strings, std::uint64_t offset) noexcept {
  if (offset >= strings.size()) return {};
  const std::string_view text = as_text(strings.subspan(offset)).substr(0, kMaximumPath);
  return text.substr(0, text.find('\0'));
}

}  // namespace

/// Reads the units of ".debug_line" one after the other.
class LineReader {
 public:
  LineReader(const wasm::Module& module, BytesView binary, std::uint64_t code_bytes, SourceLines& lines)
      : strings_(custom_section(module, binary, ".debug_str")),
        line_strings_(custom_section(module, binary, ".debug_line_str")),
        code_bytes_(code_bytes),
        maximum_rows_(std::min<std::uint64_t>(kMaximumRows, 2 * code_bytes)),
        lines_(lines) {}

  void read(BytesView section) {
    Bytes units(section);
    while (!units.at_end() && !is_full()) {
      std::uint64_t length = units.fixed(4);
      const bool is_64 = length == 0xFFFF'FFFF;
      if (is_64) length = units.fixed(8);
      offset_size_ = is_64 ? 8 : 4;
      const BytesView unit = units.take(length);
      if (!units.ok()) return;
      read_unit(unit);
    }
  }

 private:
  struct Header {
    std::uint64_t minimum_instruction_length = 1;
    std::int8_t line_base = 0;
    std::uint8_t line_range = 1;
    std::uint8_t opcode_base = 1;
    BytesView opcode_lengths;
    std::uint32_t first_file = 0;  ///< in SourceLines::files_: of the unit's file with the smallest number
    std::uint64_t file_base = 0;   ///< that number: 1 before DWARF 5
  };
  struct Entry {
    std::string_view path;
    std::uint64_t directory = 0;
  };
  struct EntryFormat {
    std::uint64_t content;
    std::uint64_t form;
  };

  [[nodiscard]] bool is_full() const noexcept {
    return lines_.rows_.size() >= maximum_rows_ || lines_.files_.size() >= kMaximumFiles;
  }

  void read_unit(BytesView unit) {
    Bytes in(unit);
    const std::uint64_t version = in.fixed(2);
    if (version < 2 || version > 5) return;
    if (version == 5) (void)in.take(2);  // sizes of addresses and segments
    const std::uint64_t header_length = in.fixed(offset_size_);
    const std::size_t program = in.position() + std::min<std::uint64_t>(header_length, unit.size());
    Header header;
    header.minimum_instruction_length = in.byte();
    if (version >= 4) (void)in.byte();  // operations an instruction: one
    (void)in.byte();                    // whether rows begin statements
    header.line_base = static_cast<std::int8_t>(in.byte());
    header.line_range = in.byte();
    header.opcode_base = in.byte();
    if (!in.ok() || header.line_range == 0 || header.opcode_base == 0) return;
    header.opcode_lengths = in.take(header.opcode_base - 1u);
    // Fits: files are limited.
    header.first_file = static_cast<std::uint32_t>(lines_.files_.size());
    version == 5 ? read_tables(in) : read_old_tables(in);
    header.file_base = version == 5 ? 0 : 1;
    if (in.ok() && program <= unit.size()) run(Bytes(unit.subspan(program)), header);
  }

  // Before DWARF 5: names until an empty one. Directory 0 is the compiler's own, which stands elsewhere.
  void read_old_tables(Bytes& in) {
    directories_.assign(1, {});
    for (std::string_view name = in.string(); in.ok() && !name.empty(); name = in.string()) {
      if (directories_.size() >= kMaximumFiles) return in.fail();
      directories_.push_back(name);
    }
    for (std::string_view name = in.string(); in.ok() && !name.empty(); name = in.string()) read_old_file(in, name);
  }
  void read_old_file(Bytes& in, std::string_view name) {
    const std::uint64_t directory = in.unsigned_leb();
    (void)in.unsigned_leb();  // time and size
    (void)in.unsigned_leb();
    add_file({name, directory}, in);
  }

  void read_tables(Bytes& in) {
    directories_.clear();
    read_entries(in, [&](const Entry& entry) {
      if (directories_.size() >= kMaximumFiles) return in.fail();
      directories_.push_back(entry.path);
    });
    read_entries(in, [&](const Entry& entry) { add_file(entry, in); });
  }
  template <typename Add>
  void read_entries(Bytes& in, Add&& add) {
    formats_.clear();
    for (unsigned count = in.byte(); count > 0 && in.ok(); --count) {
      const std::uint64_t content = in.unsigned_leb();
      formats_.push_back({content, in.unsigned_leb()});
    }
    for (std::uint64_t count = in.unsigned_leb(); count > 0 && in.ok(); --count) {
      const std::size_t before = in.position();
      Entry entry;
      for (const EntryFormat& format : formats_) read_part(in, format, entry);
      if (in.position() == before) return in.fail();  // entries of nothing could be any number
      if (in.ok()) add(entry);
    }
  }
  void read_part(Bytes& in, const EntryFormat& format, Entry& entry) {
    std::string_view text;
    std::uint64_t number = 0;
    switch (format.form) {
      case kString: text = in.string(); break;
      case kLineStrp: text = string_at(line_strings_, in.fixed(offset_size_)); break;
      case kStrp: text = string_at(strings_, in.fixed(offset_size_)); break;
      case kUdata: number = in.unsigned_leb(); break;
      case kData1: number = in.byte(); break;
      case kData2: number = in.fixed(2); break;
      case kData4: number = in.fixed(4); break;
      case kData8: number = in.fixed(8); break;
      case kData16: (void)in.take(16); break;
      case kBlock: (void)in.take(in.unsigned_leb()); break;
      case kBlock1: (void)in.take(in.byte()); break;
      case kBlock2: (void)in.take(in.fixed(2)); break;
      case kBlock4: (void)in.take(in.fixed(4)); break;
      default: return in.fail();
    }
    if (format.content == kPath) entry.path = text;
    if (format.content == kDirectoryIndex) entry.directory = number;
  }
  void add_file(const Entry& entry, Bytes& in) {
    if (lines_.files_.size() >= kMaximumFiles) return in.fail();
    const bool is_known = entry.directory < directories_.size();
    lines_.files_.push_back({is_known ? directories_[entry.directory] : std::string_view(), entry.path});
  }

  struct State {
    std::uint64_t address = 0;
    std::uint64_t file = 1;
    std::uint64_t line = 1;
    bool is_dead = false;  ///< the function is not in the module: the linker left it out
    bool has_rows = false;
  };

  void run(Bytes program, const Header& header) {
    State state;
    const auto advance = [&](std::uint64_t operations) {
      state.address += operations * header.minimum_instruction_length;
    };
    while (!program.at_end() && lines_.rows_.size() < maximum_rows_) {
      const std::uint8_t opcode = program.byte();
      if (opcode >= header.opcode_base) {
        const unsigned number = opcode - unsigned{header.opcode_base};
        advance(number / header.line_range);
        state.line += static_cast<std::uint64_t>(header.line_base + static_cast<int>(number % header.line_range));
        add_row(state, header);
        continue;
      }
      switch (opcode) {
        case 0:
          if (!run_extended(program, state)) return;
          break;
        case kCopy: add_row(state, header); break;
        case kAdvancePc: advance(program.unsigned_leb()); break;
        case kAdvanceLine: state.line += program.signed_leb(); break;
        case kSetFile: state.file = program.unsigned_leb(); break;
        case kConstAddPc: advance((255u - header.opcode_base) / header.line_range); break;
        case kFixedAdvancePc: state.address += program.fixed(2); break;
        default:  // as the header says how to pass over it
          for (auto left = std::to_integer<unsigned>(header.opcode_lengths[opcode - 1u]); left > 0; --left)
            (void)program.unsigned_leb();
      }
    }
    end_stretch(state);  // one that the section cuts
  }

  [[nodiscard]] bool run_extended(Bytes& program, State& state) {
    const BytesView operation = program.take(program.unsigned_leb());
    if (operation.empty()) return program.ok();
    Bytes in(operation);
    switch (in.byte()) {
      case kEndSequence:
        end_stretch(state);
        state = State();
        break;
      case kSetAddress:
        state.address = in.fixed(std::min<std::size_t>(operation.size() - 1, 8));
        // What is left out has address 0, where the code section's count is, or one past the end, from which an address
        // of 64 bits would come round to live code.
        state.is_dead = state.address == 0 || state.address >= code_bytes_;
        break;
      default: break;
    }
    return true;
  }

  void add_row(State& state, const Header& header) {
    if (state.is_dead || state.address >= code_bytes_) return;
    const std::uint64_t number = state.file - header.file_base;  // huge if below
    const std::uint64_t files = lines_.files_.size() - header.first_file;
    const bool is_known = number < files && state.line > 0 && state.line <= std::numeric_limits<std::uint32_t>::max();
    // Both fit: an address is below the module's size, and what is known was compared.
    const SourceLines::Row row{static_cast<std::uint32_t>(state.address),
                               is_known ? header.first_file + static_cast<std::uint32_t>(number) : SourceLines::kNoFile,
                               is_known ? static_cast<std::uint32_t>(state.line) : 0};
    if (!state.has_rows) {
      lines_.rows_.push_back(row);
      state.has_rows = true;
      return;
    }
    SourceLines::Row& last = lines_.rows_.back();
    if (last.file == row.file && last.line == row.line) return;
    if (last.address == row.address)
      last = row;  // no byte is of the last one
    else
      lines_.rows_.push_back(row);
  }

  void end_stretch(State& state) {
    if (!state.has_rows) return;
    const auto end = static_cast<std::uint32_t>(std::min(state.address, code_bytes_));  // fits, as above
    const SourceLines::Row behind{end, SourceLines::kNoFile, 0};
    SourceLines::Row& last = lines_.rows_.back();  // of this stretch
    if (last.address == end)
      last = behind;  // no byte is of the last one
    else
      lines_.rows_.push_back(behind);
  }

  BytesView strings_;
  BytesView line_strings_;
  std::uint64_t code_bytes_;
  std::uint64_t maximum_rows_;  ///< a line and an end of a stretch for each byte of code: more say nothing
  SourceLines& lines_;
  unsigned offset_size_ = 4;
  std::vector<std::string_view> directories_;  ///< of the unit
  std::vector<EntryFormat> formats_;
};

SourceLines::SourceLines(const wasm::Module& module, std::span<const std::byte> binary) {
  const BytesView section = custom_section(module, binary, ".debug_line");
  const auto code = std::ranges::find(module.sections, kCodeSection, &wasm::SectionRange::id);
  if (section.empty() || code == module.sections.end()) return;
  code_offset_ = code->offset;
  // An address has 32 bits, as a section's size has in the binary format.
  LineReader(module, binary, std::min<std::uint64_t>(code->size, UINT32_MAX), *this).read(section);
  // Where one stretch ends the next may begin, and that one counts.
  const auto before = [](const Row& a, const Row& b) {
    return a.address != b.address ? a.address < b.address : a.file == kNoFile && b.file != kNoFile;
  };
  if (!std::ranges::is_sorted(rows_, before)) std::ranges::sort(rows_, before);
}

std::optional<SourceLine> SourceLines::find(std::uint64_t module_offset) const noexcept {
  if (module_offset < code_offset_) return std::nullopt;
  const auto behind = std::ranges::upper_bound(rows_, module_offset - code_offset_, {}, &Row::address);
  if (behind == rows_.begin()) return std::nullopt;
  const Row& row = *std::prev(behind);
  if (row.file == kNoFile) return std::nullopt;
  return SourceLine{row.file, row.line};
}

std::string SourceLines::file(std::uint32_t number) const {
  const File& file = files_[number];
  std::string path;
  if (!file.directory.empty() && !file.name.starts_with('/')) path.append(file.directory).append("/");
  return path.append(file.name);
}

}  // namespace anew::debug
