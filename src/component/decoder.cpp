// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The component as a sequence of sections, and all definitions but types.
#include "component/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "component/component_decoder.hpp"

namespace anew::component {
namespace {

using namespace binary;

enum SectionId : std::uint8_t {
  kCustom = 0,
  kCoreModule,
  kCoreInstance,
  kCoreType,
  kComponent,
  kInstance,
  kAlias,
  kType,
  kCanonical,
  kStart,
  kImport,
  kExport,
  kValue,
};

constexpr std::array<std::uint8_t, 8> kHeader = {0x00, 'a', 's', 'm', 0x0D, 0x00, 0x01, 0x00};

// Canonical definitions that belong to async, threads and error-context, by their opcode; empty where there is none.
constexpr std::array<std::string_view, 0x2E> kUnsupportedCanonicals = {
    "",
    "",
    "",
    "",
    "",
    "task.cancel",
    "subtask.cancel",
    "resource.drop async",
    "backpressure.set",
    "task.return",
    "context.get",
    "context.set",
    "thread.yield",
    "subtask.drop",
    "stream.new",
    "stream.read",
    "stream.write",
    "stream.cancel-read",
    "stream.cancel-write",
    "stream.drop-readable",
    "stream.drop-writable",
    "future.new",
    "future.read",
    "future.write",
    "future.cancel-read",
    "future.cancel-write",
    "future.drop-readable",
    "future.drop-writable",
    "error-context.new",
    "error-context.debug-message",
    "error-context.drop",
    "waitable-set.new",
    "waitable-set.wait",
    "waitable-set.poll",
    "waitable-set.drop",
    "waitable.join",
    "backpressure.inc",
    "backpressure.dec",
    "thread.index",
    "thread.new-indirect",
    "thread.resume-later",
    "thread.suspend",
    "thread.suspend-then-resume",
    "thread.yield-then-resume",
    "thread.suspend-then-promote",
    "thread.yield-then-promote",
};

}  // namespace

bool is_component(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= kHeader.size() &&
         std::equal(kHeader.begin(), kHeader.end(), bytes.begin(),
                    [](std::uint8_t expected, std::byte byte) { return std::byte{expected} == byte; });
}

Result<std::unique_ptr<Component>> decode(std::span<const std::byte> bytes) {
  if (bytes.size() > limits::kComponentBytes) {
    return fail_at(ErrorCode::kLimit, 0,
                   fmt::format("the component has {} bytes, the limit is {}", bytes.size(), limits::kComponentBytes));
  }
  ComponentDecoder decoder(bytes);
  auto component = std::make_unique<Component>();
  if (!decoder.component(*component)) return std::unexpected(decoder.take_error());
  return component;
}

bool ComponentDecoder::component(Component& component) {
  if (!header()) return false;
  while (!reader_.at_end())
    if (!section(component)) return false;
  return true;
}

bool ComponentDecoder::header() {
  const std::uint64_t start = reader_.offset();
  BytesView header;
  if (!reader_.bytes(kHeader.size(), header)) return false;
  return is_component(header) ||
         reader_.fail(ErrorCode::kMalformed, start,
                      "unknown binary version: a component begins with 00 61 73 6D 0D 00 01 00");
}

bool ComponentDecoder::section(Component& component) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t id = 0;
  std::uint32_t size = 0;
  BytesView payload;
  if (!reader_.byte(id) || !reader_.u32(size)) return false;
  const std::uint64_t offset = reader_.offset();
  if (!reader_.bytes(size, payload)) return false;
  // Within the section nothing may be read past its end, so it has a reader of its own.
  const wasm::Reader behind = std::exchange(reader_, wasm::Reader(payload, offset));
  if (!section_content(id, start, component)) return false;
  if (!reader_.at_end()) {
    return reader_.fail(ErrorCode::kMalformed, reader_.offset(),
                        fmt::format("section size mismatch: {} bytes remain in section {}", reader_.remaining(), id));
  }
  reader_ = behind;
  return true;
}

bool ComponentDecoder::section_content(std::uint8_t id, std::uint64_t at, Component& component) {
  const auto add = [&component](std::uint64_t offset, Definition definition) {
    component.definitions.push_back(std::move(definition));
    component.offsets.push_back(static_cast<std::size_t>(offset));  // within the binary, which is in memory
  };
  // All but modules and components come as a vector of definitions.
  const auto definitions = [&]<typename T>(std::type_identity<T>, bool (ComponentDecoder::*read)(T&)) {
    std::uint32_t count = 0;
    if (!reader_.count(limits::kParts, "definitions", count) || !take_parts(count)) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t offset = reader_.offset();
      T definition{};
      if (!(this->*read)(definition)) return false;
      add(offset, std::move(definition));
    }
    return true;
  };
  switch (id) {
    case kCustom: {
      std::string_view name;
      BytesView payload;
      return reader_.name(name) && reader_.bytes(reader_.remaining(), payload);
    }
    case kCoreModule: {
      const std::uint64_t offset = reader_.offset();
      CoreModule module;
      if (!take_parts(1) || !reader_.bytes(reader_.remaining(), module.bytes)) return false;
      add(offset, module);
      return true;
    }
    case kCoreInstance: return definitions(std::type_identity<CoreInstance>(), &ComponentDecoder::core_instance);
    case kCoreType: return definitions(std::type_identity<CoreType>(), &ComponentDecoder::core_type);
    case kComponent: {
      const std::uint64_t offset = reader_.offset();
      auto inner = std::make_unique<Component>();
      if (!take_parts(1) || !nested([&] { return this->component(*inner); })) return false;
      add(offset, std::move(inner));
      return true;
    }
    case kInstance: return definitions(std::type_identity<ComponentInstance>(), &ComponentDecoder::instance);
    case kAlias: return definitions(std::type_identity<Alias>(), &ComponentDecoder::alias);
    case kType: return definitions(std::type_identity<TypeDefinition>(), &ComponentDecoder::type);
    case kCanonical: return definitions(std::type_identity<Canonical>(), &ComponentDecoder::canonical);
    case kStart: return unsupported(at, "start functions of components");
    case kImport: return definitions(std::type_identity<Import>(), &ComponentDecoder::import);
    case kExport: return definitions(std::type_identity<Export>(), &ComponentDecoder::export_);
    case kValue: return unsupported(at, "value definitions");
    default: return malformed(at, "section id", id);
  }
}

bool ComponentDecoder::core_instance(CoreInstance& instance) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0x00: {
      auto& instantiate = instance.emplace<CoreInstantiate>();
      return reader_.u32(instantiate.module) &&
             vector("arguments", instantiate.arguments, [this](CoreArgument& each) { return core_argument(each); });
    }
    case 0x01:
      return vector("exports", instance.emplace<CoreItems>().exports,
                    [this](NamedItem& each) { return core_export_item(each); });
    default: return malformed(start, "core instance", kind);
  }
}

bool ComponentDecoder::core_argument(CoreArgument& argument) {
  constexpr std::uint8_t kInstanceSort = 0x12;
  return name(argument.name) && expect(kInstanceSort, "sort of a core argument") && reader_.u32(argument.instance);
}

bool ComponentDecoder::core_export_item(NamedItem& item) {
  return name(item.name) && core_sort(item.item.sort) && reader_.u32(item.item.index);
}

bool ComponentDecoder::instance(ComponentInstance& instance) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0x00: {
      auto& instantiate = instance.emplace<Instantiate>();
      return reader_.u32(instantiate.component) &&
             vector("arguments", instantiate.arguments, [this](NamedItem& each) { return argument(each); });
    }
    case 0x01:
      return vector("exports", instance.emplace<Items>().exports,
                    [this](NamedItem& each) { return export_item(each); });
    default: return malformed(start, "instance", kind);
  }
}

bool ComponentDecoder::argument(NamedItem& argument) { return name(argument.name) && item(argument.item); }

bool ComponentDecoder::export_item(NamedItem& exported) { return external_name(exported.name) && item(exported.item); }

bool ComponentDecoder::alias(Alias& alias) {
  const std::uint64_t start = reader_.offset();
  Sort of{};
  std::uint8_t target = 0;
  if (!sort(of) || !reader_.byte(target)) return false;
  switch (target) {
    case 0x00: {
      auto& exported = alias.emplace<ExportAlias>();
      exported.sort = of;
      return reader_.u32(exported.instance) && name(exported.name);
    }
    case 0x01: {
      auto& exported = alias.emplace<CoreExportAlias>();
      exported.sort = of;
      return reader_.u32(exported.instance) && name(exported.name);
    }
    case 0x02: {
      auto& outer = alias.emplace<OuterAlias>();
      outer.sort = of;
      return reader_.u32(outer.count) && reader_.u32(outer.index);
    }
    default: return malformed(start, "alias target", target);
  }
}

bool ComponentDecoder::canonical(Canonical& canonical) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t opcode = 0;
  if (!reader_.byte(opcode)) return false;
  constexpr std::uint8_t kFunctionSort = 0x00;
  switch (opcode) {
    case 0x00: {
      auto& lift = canonical.emplace<Lift>();
      return expect(kFunctionSort, "sort of what is lifted") && reader_.u32(lift.core_function) &&
             canonical_options(lift.options) && reader_.u32(lift.type);
    }
    case 0x01: {
      auto& lower = canonical.emplace<Lower>();
      return expect(kFunctionSort, "sort of what is lowered") && reader_.u32(lower.function) &&
             canonical_options(lower.options);
    }
    case 0x02: return reader_.u32(canonical.emplace<ResourceNew>().resource);
    case 0x03: return reader_.u32(canonical.emplace<ResourceDrop>().resource);
    case 0x04: return reader_.u32(canonical.emplace<ResourceRepresentation>().resource);
    case 0x40: return unsupported(start, "thread.spawn-ref");
    case 0x41: return unsupported(start, "thread.spawn-indirect");
    case 0x42: return unsupported(start, "thread.available-parallelism");
    default:
      if (opcode < kUnsupportedCanonicals.size()) return unsupported(start, kUnsupportedCanonicals[opcode]);
      return malformed(start, "canonical definition", opcode);
  }
}

bool ComponentDecoder::canonical_options(CanonicalOptions& options) {
  constexpr std::uint32_t kMost = 16;  // none may stand twice, and there are fewer
  std::uint32_t count = 0;
  bool has_encoding = false;
  if (!reader_.count(kMost, "canonical options", count)) return false;
  const auto index = [this](std::uint64_t at, std::string_view what, std::optional<std::uint32_t>& option) {
    if (option) return reader_.fail(ErrorCode::kInvalid, at, fmt::format("canonical option {} occurs twice", what));
    return reader_.u32(option.emplace());
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t start = reader_.offset();
    std::uint8_t kind = 0;
    if (!reader_.byte(kind)) return false;
    switch (kind) {
      case 0x00:
      case 0x01:
      case 0x02:
        if (std::exchange(has_encoding, true))
          return reader_.fail(ErrorCode::kInvalid, start, "canonical encoding option conflicts with another one");
        options.encoding = static_cast<StringEncoding>(kind);  // the enumerators are these
        break;
      case 0x03:
        if (!index(start, "memory", options.memory)) return false;
        break;
      case 0x04:
        if (!index(start, "realloc", options.realloc)) return false;
        break;
      case 0x05:
        if (!index(start, "post-return", options.post_return)) return false;
        break;
      case 0x06: return unsupported(start, "the canonical option async");
      case 0x07: return unsupported(start, "the canonical option callback");
      case 0x08: return unsupported(start, "the canonical option core-type");
      case 0x09: return unsupported(start, "the canonical option gc");
      default: return malformed(start, "canonical option", kind);
    }
  }
  return true;
}

bool ComponentDecoder::import(Import& import) { return external_name(import.name) && external_type(import.type); }

bool ComponentDecoder::export_(Export& exported) {
  bool has_type = false;
  if (!external_name(exported.name) || !item(exported.item) || !flag("type of an export", has_type)) return false;
  return !has_type || external_type(exported.type.emplace());
}

bool ComponentDecoder::core_sort(Sort& sort) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  switch (code) {
    case 0x00: sort = Sort::kCoreFunction; return true;
    case 0x01: sort = Sort::kCoreTable; return true;
    case 0x02: sort = Sort::kCoreMemory; return true;
    case 0x03: sort = Sort::kCoreGlobal; return true;
    case 0x04: sort = Sort::kCoreTag; return true;
    case 0x10: sort = Sort::kCoreType; return true;
    case 0x11: sort = Sort::kCoreModule; return true;
    case 0x12: sort = Sort::kCoreInstance; return true;
    default: return malformed(start, "core sort", code);
  }
}

bool ComponentDecoder::sort(Sort& sort) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  switch (code) {
    case 0x00: return core_sort(sort);
    case 0x01: sort = Sort::kFunction; return true;
    case 0x02: return unsupported(start, "values");
    case 0x03: sort = Sort::kType; return true;
    case 0x04: sort = Sort::kComponent; return true;
    case 0x05: sort = Sort::kInstance; return true;
    default: return malformed(start, "sort", code);
  }
}

bool ComponentDecoder::name(std::string& name) {
  const std::uint64_t start = reader_.offset();
  std::string_view view;
  if (!reader_.name(view)) return false;
  if (view.size() > limits::kNameBytes) {
    return reader_.fail(ErrorCode::kLimit, start,
                        fmt::format("a name of {} bytes, the limit is {}", view.size(), limits::kNameBytes));
  }
  name = view;
  return true;
}

bool ComponentDecoder::external_name(std::string& name) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  if (kind == 0x02) return unsupported(start, "attributes of names");
  if (kind > 0x02) return malformed(start, "kind of name", kind);
  return this->name(name);
}

bool ComponentDecoder::flag(std::string_view what, bool& value) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  value = code == 1;
  return code <= 1 || malformed(start, what, code);
}

bool ComponentDecoder::expect(std::uint8_t value, std::string_view what) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  return code == value || malformed(start, what, code);
}

bool ComponentDecoder::take_parts(std::uint32_t count) {
  // Both are at most kParts, so the sum cannot overflow.
  parts_ += count;
  return parts_ <= limits::kParts ||
         reader_.fail(ErrorCode::kLimit, reader_.offset(),
                      fmt::format("too many definitions, fields, names and so on in a component: the limit is {}",
                                  limits::kParts));
}

bool ComponentDecoder::fail_nesting() {
  return reader_.fail(ErrorCode::kLimit, reader_.offset(),
                      fmt::format("components and types are nested more than {} deep", limits::kNesting));
}

bool ComponentDecoder::malformed(std::uint64_t at, std::string_view what, std::uint8_t code) {
  return reader_.fail(ErrorCode::kMalformed, at, fmt::format("malformed {}: 0x{:02X}", what, code));
}

bool ComponentDecoder::unsupported(std::uint64_t at, std::string_view what) {
  return reader_.fail(ErrorCode::kUnsupported, at,
                      fmt::format("not supported yet: {}; components may use what WASI 0.2 needs: no async, threads, "
                                  "values or error contexts",
                                  what));
}

}  // namespace anew::component
