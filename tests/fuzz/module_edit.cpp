// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "module_edit.hpp"

#include <algorithm>
#include <array>

#include "wasm/decoder.hpp"
#include "wasm/validator.hpp"

namespace anew::fuzz {
namespace {

constexpr std::uint8_t kHeader[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
constexpr std::uint8_t kGlobalSection = 6;
constexpr std::uint8_t kExportSection = 7;
constexpr std::uint8_t kCodeSection = 10;

/// What a module may start out with: calls are to be quick.
constexpr std::uint64_t kMaximumPages = 64;
constexpr std::uint64_t kMaximumElements = 100'000;

/// Bytes and LEB128 numbers, read without asking whether they are well-formed.
struct Cursor {
  std::span<const std::uint8_t> left;

  std::optional<std::uint32_t> leb() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && !left.empty(); shift += 7) {
      const std::uint8_t byte = left[0];
      left = left.subspan(1);
      value |= std::uint32_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }
  std::optional<Buffer> sized() {
    const auto size = leb();
    if (!size || *size > left.size()) return std::nullopt;
    Buffer bytes(left.begin(), left.begin() + *size);
    left = left.subspan(*size);
    return bytes;
  }
};

void append(Buffer& to, std::span<const std::uint8_t> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
void append_sized(Buffer& to, std::span<const std::uint8_t> bytes) {
  append_leb(to, bytes.size());
  append(to, bytes);
}

/// Where in the module each operator that can be reached begins. Nothing but the offsets is asked of the sink, so that
/// operators which are new to the validator need no change here.
struct OperatorOffsets : wasm::NullSink {
  std::vector<std::uint64_t> offsets;
  void at(std::uint64_t offset) { offsets.push_back(offset); }
};

/// unreachable unless the fuel is `cost` at least; then takes it.
void append_payment(Buffer& to, std::uint64_t global, std::uint8_t cost) {
  to.push_back(0x23);  // global.get
  append_leb(to, global);
  append(to, std::to_array<std::uint8_t>({0x41, cost, 0x48, 0x04, 0x40, 0x00, 0x0B}));  // < cost: if unreachable end
  to.push_back(0x23);
  append_leb(to, global);
  append(to, std::to_array<std::uint8_t>({0x41, cost, 0x6B, 0x24}));  // minus cost; global.set
  append_leb(to, global);
}

bool has_64_bit_addresses(const auto& type) {
  if constexpr (requires { type.is_64; }) return type.is_64;
  return false;
}

/// How much more a memory or table may become at a time: `mask` is and-ed to the operand on the stack.
void append_mask(Buffer& to, bool is_64, std::uint8_t mask) {
  append(to, std::to_array<std::uint8_t>({static_cast<std::uint8_t>(is_64 ? 0x42 : 0x41), mask,
                                          static_cast<std::uint8_t>(is_64 ? 0x83 : 0x71)}));
}

/// A body with payments in it. @param begin  of the body in the module.
Buffer pay(const wasm::Module& module, std::span<const std::uint8_t> body, std::uint64_t begin,
           std::span<const std::uint64_t> offsets) {
  constexpr std::uint8_t kStep = 1;
  constexpr std::uint8_t kRange = 20;  // what works on a range
  const std::uint64_t fuel = module.globals.size();
  Buffer paid;
  std::uint64_t done = 0;
  bool owed = true;  // for the function, or the loop just begun
  for (const std::uint64_t offset : offsets) {
    const std::uint64_t at = offset - begin;
    append(paid, body.subspan(done, at - done));
    done = at;
    if (owed) append_payment(paid, fuel, kStep);
    owed = body[at] == 0x03;  // loop
    const auto immediates = [&](std::uint64_t skipped) { return Cursor{body.subspan(at + skipped)}.leb().value_or(0); };
    if (body[at] == 0x40) {  // memory.grow
      append_payment(paid, fuel, kRange);
      append_mask(paid, has_64_bit_addresses(module.memories[immediates(1)]), 1);
    } else if (body[at] == 0xFC && immediates(1) >= 8) {
      append_payment(paid, fuel, kRange);
      if (immediates(1) ==
          15) {  // table.grow; its code takes one byte, or the table is another's and the result invalid
        append_mask(paid,
                    has_64_bit_addresses(module.tables[std::min<std::size_t>(immediates(2), module.tables.size() - 1)]),
                    15);
      }
    }
  }
  append(paid, body.subspan(done));
  return paid;
}

bool starts_small(const wasm::Module& module) {
  std::uint64_t pages = 0;
  for (const MemoryType& memory : module.memories) pages += std::min(memory.limits.minimum, kMaximumPages + 1);
  std::uint64_t elements = 0;
  for (const TableType& table : module.tables) elements += std::min(table.limits.minimum, kMaximumElements + 1);
  return pages <= kMaximumPages && elements <= kMaximumElements;
}

}  // namespace

void append_leb(Buffer& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

std::optional<std::vector<Section>> split(std::span<const std::uint8_t> module) {
  if (module.size() < sizeof kHeader) return std::nullopt;
  std::vector<Section> sections;
  Cursor cursor{module.subspan(sizeof kHeader)};
  while (!cursor.left.empty()) {
    const std::uint8_t id = cursor.left[0];
    cursor.left = cursor.left.subspan(1);
    auto payload = cursor.sized();
    if (!payload) return std::nullopt;
    sections.push_back({id, std::move(*payload)});
  }
  return sections;
}

Buffer join(const std::vector<Section>& sections) {
  Buffer module(std::begin(kHeader), std::end(kHeader));
  for (const Section& section : sections) {
    module.push_back(section.id);
    append_sized(module, section.payload);
  }
  return module;
}

std::optional<std::vector<Buffer>> split_bodies(std::span<const std::uint8_t> payload) {
  Cursor cursor{payload};
  const auto count = cursor.leb();
  if (!count || *count > cursor.left.size()) return std::nullopt;
  std::vector<Buffer> bodies;
  for (std::uint32_t i = 0; i < *count; ++i) {
    auto body = cursor.sized();
    if (!body) return std::nullopt;
    bodies.push_back(std::move(*body));
  }
  return bodies;
}

Buffer join_bodies(const std::vector<Buffer>& bodies) {
  Buffer payload;
  append_leb(payload, bodies.size());
  for (const Buffer& body : bodies) append_sized(payload, body);
  return payload;
}

std::optional<Buffer> add_fuel(std::span<const std::uint8_t> bytes) {
  const auto module = wasm::decode_module(std::as_bytes(bytes));
  if (!module || !starts_small(*module)) return std::nullopt;
  std::vector<Buffer> bodies;
  wasm::FunctionValidator validator(*module);
  for (std::uint32_t i = 0; i < module->bodies.size(); ++i) {
    OperatorOffsets operators;
    if (!validator.validate(i, operators)) return std::nullopt;
    const wasm::FunctionBody& body = module->bodies[i];
    bodies.push_back(pay(*module, bytes.subspan(body.offset, body.bytes.size()), body.offset, operators.offsets));
  }

  auto sections = split(bytes);
  if (!sections) return std::nullopt;
  const auto of = [](std::uint8_t id) { return [id](const Section& section) { return section.id == id; }; };
  auto globals = std::ranges::find_if(*sections, of(kGlobalSection));
  if (globals == sections->end()) {
    // Before the first that must stand behind it: all known ones from the exports on.
    const auto behind = [](const Section& section) { return section.id >= kExportSection && section.id <= 12; };
    globals = sections->insert(std::ranges::find_if(*sections, behind), Section{kGlobalSection, {0}});
  }
  Cursor cursor{globals->payload};
  const auto count = cursor.leb();
  Buffer payload;
  append_leb(payload, count.value_or(0) + 1);
  append(payload, cursor.left);
  // (global (mut i32) (i32.const kFuel)), as signed LEB128 of two bytes
  append(payload, std::to_array<std::uint8_t>({0x7F, 0x01, 0x41, (kFuel & 0x7F) | 0x80, kFuel >> 7, 0x0B}));
  static_assert(kFuel >= 0x80 && kFuel < 1 << 13);
  globals->payload = std::move(payload);
  const auto code = std::ranges::find_if(*sections, of(kCodeSection));
  if (code != sections->end()) code->payload = join_bodies(bodies);
  return join(*sections);
}

}  // namespace anew::fuzz
