// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Small runtimes for tests, put together from parts: a memory, a heap base, host functions and entry points.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "substrate/bytes.hpp"

namespace anew::substrate {

/// The types of all functions of a Guest, by their index.
enum class GuestType : std::uint8_t {
  kEntry,    ///< [i32 i32] -> [i64]
  kMalloc,   ///< [i32] -> [i32]
  kFree,     ///< [i32] -> []
  kLog,      ///< [i32 i64 i64] -> []
  kPrint,    ///< [i64] -> []
  kVersion,  ///< [i64] -> [i64]
  kLevel,    ///< [] -> [i32]
  kStore,    ///< [i64 i64] -> []
};

struct Guest {
  struct Import {
    std::string name;
    GuestType type;
  };
  struct Entry {
    std::string name;
    Bytes body;  ///< operators without the last `end`; locals 0 and 1 are the arguments, 2 and 3 are an i32 and an i64
  };

  std::vector<Import> imports = {};  ///< function i of the module is import i; entries follow
  std::vector<Entry> entries = {};
  bool imports_memory = false;
  std::uint8_t memory_pages = 2;
  std::optional<std::uint8_t> memory_maximum = std::nullopt;
  std::string heap_base_name = "__heap_base";  ///< of the exported global
  bool heap_base_is_mutable = false;
  Bytes heap_base = from_hex("80 08");  ///< 1024, as LEB128

  /// The module's binary.
  [[nodiscard]] Bytes binary() const {
    const auto leb = [](std::size_t value) {
      Bytes bytes;
      for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>((value & 0x7F) | 0x80));
      bytes.push_back(static_cast<std::byte>(value));
      return bytes;
    };
    const auto name = [&](const std::string& text) { return join({leb(text.size()), from_text(text)}); };
    const auto section = [&](std::uint8_t id, std::size_t count, const Bytes& items) {
      const Bytes number = leb(count);
      return join({{std::byte{id}}, leb(number.size() + items.size()), number, items});
    };
    const auto byte = [](std::size_t value) { return Bytes{static_cast<std::byte>(value)}; };

    const Bytes memory = memory_maximum ? join({from_hex("01"), leb(memory_pages), leb(*memory_maximum)})
                                        : join({from_hex("00"), leb(memory_pages)});
    Bytes import_items;
    if (imports_memory) import_items = join({name("env"), name("memory"), from_hex("02"), memory});
    for (const Import& import : imports) {
      import_items = join(
          {import_items, name("env"), name(import.name), from_hex("00"), byte(static_cast<std::size_t>(import.type))});
    }
    Bytes functions;
    Bytes codes;
    Bytes exports = join({name(heap_base_name), from_hex("03 00")});
    if (!imports_memory) exports = join({exports, name("memory"), from_hex("02 00")});
    for (std::size_t i = 0; i < entries.size(); ++i) {
      functions.push_back(std::byte{0});
      const Bytes body = join({from_hex("02 01 7f 01 7e"), entries[i].body, from_hex("0b")});
      codes = join({codes, leb(body.size()), body});
      exports = join({exports, name(entries[i].name), from_hex("00"), leb(imports.size() + i)});
    }
    return join({
        from_hex("0061736d 01000000"),
        section(1, 8,
                from_hex("60 02 7f7f 01 7e  60 01 7f 01 7f  60 01 7f 00  60 03 7f7e7e 00  60 01 7e 00  60 01 7e 01 7e "
                         "60 00 01 7f  60 02 7e7e 00")),
        section(2, imports.size() + (imports_memory ? 1 : 0), import_items),
        section(3, entries.size(), functions),
        imports_memory ? Bytes{} : section(5, 1, memory),
        section(6, 1,
                join({from_hex("7f"), byte(heap_base_is_mutable ? 1 : 0), from_hex("41"), heap_base, from_hex("0b")})),
        section(7, entries.size() + (imports_memory ? 1 : 2), exports),
        section(10, entries.size(), codes),
    });
  }
};

/// Operators: packs the two i32 on the stack, address and length, into the i64 that an entry point returns. Uses
/// local 2.
inline Bytes pack() { return from_hex("21 02 ad 20 02 ad 42 20 86 84"); }
/// Operators: the arguments, packed.
inline Bytes packed_arguments() { return from_hex("20 00 ad 20 01 ad 42 20 86 84"); }

}  // namespace anew::substrate
