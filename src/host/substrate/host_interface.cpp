// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/host_interface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "host/substrate/scale.hpp"
#include "os/try.hpp"
#include "runtime/linked_module.hpp"

namespace anew::substrate {
namespace {

constexpr std::array kNone = {std::byte{0}};
constexpr std::array kSome = {std::byte{1}};

/// Reads a SCALE-encoded parameter with `decode`. As in Substrate, what follows it is not looked at.
template <typename T, typename F>
Result<T> decode_parameter(const HostCall& call, std::uint64_t packed, F decode) {
  const auto bytes = TRY(Passed<BytesView>::read(call, packed));
  ScaleReader reader(bytes);
  T value{};
  if (!decode(reader, value)) return std::unexpected(reader.error());
  return value;
}

/// Items that a list may have, more than any block has extrinsics: an empty one takes one byte of the guest's memory,
/// but about 500 of the host's while the root of a trie of them is computed.
constexpr std::uint32_t kMaximumItems = 1u << 18;

bool read_count(ScaleReader& reader, std::size_t item_bytes, std::uint32_t& count) {
  const std::size_t start = reader.position();
  if (!reader.length(item_bytes, count)) return false;
  return count <= kMaximumItems || reader.fail_at(start, "a list of more than 262,144 items");
}

}  // namespace

Result<std::uint32_t> GuestBuffer::write(BytesView bytes) {
  const BytesView written = bytes.first(std::min<std::size_t>(bytes.size(), span_.length));
  auto target = TRY(memory_.write(span_.address, written.size()));
  if (!written.empty()) std::memcpy(target.data(), written.data(), written.size());
  return static_cast<std::uint32_t>(written.size());  // at most the span's length
}

Result<GuestBuffer> Passed<GuestBuffer>::read(const HostCall& call, Wasm packed) {
  // All of it must be in the memory, however much is written.
  TRY(Passed<BytesView>::read(call, packed));
  return GuestBuffer(call.memory, GuestSpan::unpack(packed));
}

Result<StateVersion> Passed<StateVersion>::read(const HostCall&, Wasm value) {
  if (value > 1) return fail(ErrorCode::kHost, fmt::format("{} is no state version: there are 0 and 1", value));
  return static_cast<StateVersion>(value);  // one of its two values
}

Result<StorageKind> Passed<StorageKind>::read(const HostCall&, Wasm value) {
  // Runtimes pass the kind's place, 0 or 1, those of a newer Substrate its number, 1 or 2. For both 1 is persistent
  // here: no node ever had the local one, so none ask for it.
  if (value > 2) {
    return fail(ErrorCode::kHost,
                fmt::format("{} is no kind of storage: there are 0 and 1, persistent, and 2, local", value));
  }
  return value == 2 ? StorageKind::kLocal : StorageKind::kPersistent;
}

Result<std::optional<std::uint32_t>> Passed<std::optional<std::uint32_t>>::read(const HostCall& call, Wasm packed) {
  return decode_parameter<std::optional<std::uint32_t>>(call, packed, [](ScaleReader& reader, auto& value) {
    bool some = false;
    return reader.boolean(some) && (!some || reader.u32(value.emplace()));
  });
}

Result<std::optional<BytesView>> Passed<std::optional<BytesView>>::read(const HostCall& call, Wasm packed) {
  return decode_parameter<std::optional<BytesView>>(call, packed, [](ScaleReader& reader, auto& value) {
    bool some = false;
    return reader.boolean(some) && (!some || reader.bytes(value.emplace()));
  });
}

Result<std::vector<BytesView>> Passed<std::vector<BytesView>>::read(const HostCall& call, Wasm packed) {
  return decode_parameter<std::vector<BytesView>>(call, packed, [](ScaleReader& reader, auto& items) {
    std::uint32_t count = 0;
    if (!read_count(reader, 1, count)) return false;
    items.resize(count);
    return std::ranges::all_of(items, [&](BytesView& item) { return reader.bytes(item); });
  });
}

Result<std::vector<std::pair<BytesView, BytesView>>> Passed<std::vector<std::pair<BytesView, BytesView>>>::read(
    const HostCall& call, Wasm packed) {
  using Pairs = std::vector<std::pair<BytesView, BytesView>>;
  return decode_parameter<Pairs>(call, packed, [](ScaleReader& reader, Pairs& items) {
    std::uint32_t count = 0;
    if (!read_count(reader, 2, count)) return false;
    items.resize(count);
    return std::ranges::all_of(items,
                               [&](auto& item) { return reader.bytes(item.first) && reader.bytes(item.second); });
  });
}

Result<ReturnedBytes::Wasm> ReturnedBytes::give_option(const HostCall& call, std::optional<BytesView> value) {
  if (!value) return give(call, {kNone});
  // What is longer than an address space is refused when it is allocated.
  const CompactLength length(static_cast<std::uint32_t>(std::min<std::size_t>(value->size(), UINT32_MAX)));
  return give(call, {kSome, length.bytes(), *value});
}

Result<ReturnedBytes::Wasm> Returned<std::optional<std::uint32_t>>::give(const HostCall& call,
                                                                         std::optional<std::uint32_t> value) {
  if (!value) return ReturnedBytes::give(call, {kNone});
  return ReturnedBytes::give(call, {kSome, std::as_bytes(std::span(&*value, 1))});  // little-endian, as the guest is
}

Result<ReturnedBytes::Wasm> Returned<Overlay::Removal>::give(const HostCall& call, const Overlay::Removal& removal) {
  const std::array kind = {removal.all ? std::byte{0} : std::byte{1}};
  return ReturnedBytes::give(call, {kind, std::as_bytes(std::span(&removal.removed, 1))});
}

Result<ReturnedBytes::Wasm> Returned<RemovalResults>::give(const HostCall& call, const RemovalResults& results) {
  const Overlay::Removal& removal = results.removal;
  Bytes encoded;
  if (removal.all) {
    encoded.push_back(std::byte{0});
  } else {
    encoded.push_back(std::byte{1});
    append_bytes(encoded, removal.next);  // a key of the state: shorter than a guest's memory
  }
  for (const std::uint32_t count : {removal.from_base, removal.unique, removal.removed}) append_u32(encoded, count);
  return ReturnedBytes::give(call, {encoded});
}

void ProfiledCall::add() noexcept {
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  try {
    HostFunctionUse& use = (*profile_)[name_];
    ++use.calls;
    // Time passed is not negative.
    use.nanoseconds += static_cast<std::uint64_t>(std::chrono::nanoseconds(elapsed).count());
  } catch (const std::bad_alloc&) {
    // A profile without this call is all that is lost.
  }
}

bool HostFunctions::is_defined(std::string_view name) const {
  return linker_->state()->definitions.contains(std::pair(std::string("env"), std::string(name)));
}

std::unexpected<Error> HostFunctions::fail_without_state(std::string_view name) {
  return fail(ErrorCode::kHost,
              fmt::format("{}: this call has no state; call with Externalities, or by an Executor", name));
}

std::unexpected<Error> HostFunctions::fail_in(std::string_view name, const Error& error) {
  return fail(error.code, fmt::format("{}: {}", name, error.message));
}

}  // namespace anew::substrate
