// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "artifact/saved_snapshot.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string_view>

#include "artifact/content_hash.hpp"
#include "os/virtual_memory.hpp"

namespace anew::artifact {
namespace {

constexpr std::string_view kMagic = "ANEWSNAP";
constexpr std::uint64_t kHashOffset = 24;
constexpr std::uint64_t kHeadBytes = 40;
constexpr std::uint64_t kStartAfterRestore = 1;
constexpr std::uint64_t kOfComponent = 2;
static_assert(kSnapshotBeginning == kHeadBytes + sizeof(kOfComponent));

std::array<std::uint8_t, 16> hash_of(std::span<const std::byte> file) {
  ContentHasher hasher;
  hasher.add(file.first(kHashOffset));
  hasher.add(file.subspan(kHeadBytes));
  return hasher.finish();
}

class Writer {
 public:
  void number(std::uint64_t value) { append(std::as_bytes(std::span(&value, 1))); }
  void bytes(std::span<const std::byte> value) {
    number(value.size());
    append(value);
    bytes_.resize((bytes_.size() + 7) & ~std::size_t{7});
  }
  void numbers(std::span<const std::uint64_t> values) { bytes(std::as_bytes(values)); }
  void append(std::span<const std::byte> value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  [[nodiscard]] std::vector<std::byte>& result() noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what the Writer wrote. Past the end, or after a number that cannot be, everything is 0 or empty and good() is
/// false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> rest) : rest_(rest) {}
  std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    if (const auto from = take(sizeof value); !from.empty()) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  /// How many of something follow that takes at least `bytes_each`.
  std::uint64_t count(std::uint64_t bytes_each) noexcept {
    const std::uint64_t value = number();
    if (value <= rest_.size() / bytes_each) return value;
    good_ = false;
    return 0;
  }
  std::span<const std::byte> bytes() noexcept {
    const std::uint64_t size = count(1);
    const std::uint64_t padded = (size + 7) & ~std::uint64_t{7};  // the size is at most that of the file
    const auto all = take(padded);
    return all.first(std::min<std::size_t>(size, all.size()));
  }
  std::vector<std::uint64_t> numbers() {
    const auto from = bytes();
    if (from.size() % sizeof(std::uint64_t) != 0) good_ = false;
    std::vector<std::uint64_t> values(from.size() / sizeof(std::uint64_t));
    if (!values.empty()) std::memcpy(values.data(), from.data(), values.size() * sizeof(std::uint64_t));
    return values;
  }
  std::span<const std::byte> take(std::uint64_t size) noexcept {
    if (size > rest_.size()) {
      good_ = false;
      rest_ = {};
    }
    const auto taken = rest_.first(good_ ? size : 0);
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return good_ && rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  bool good_ = true;
};

void write_instance(Writer& to, const SavedInstance& instance) {
  to.number(instance.names.size());
  for (const std::string& name : instance.names) to.bytes(std::as_bytes(std::span(name)));
  to.bytes(instance.binary);
  to.numbers(instance.globals);
  to.bytes(instance.dropped);
  to.number(instance.memories.size());
  for (const SavedMemory& memory : instance.memories) {
    to.number(memory.memory);
    to.number(memory.bytes);
    to.numbers(memory.pages);
    for (const std::byte* page : memory.contents) to.append({page, os::kPageBytes});
  }
  to.number(instance.tables.size());
  for (const SavedTable& table : instance.tables) {
    to.number(table.table);
    to.numbers(table.elements);
  }
}

SavedInstance read_instance(Reader& from) {
  SavedInstance instance;
  for (std::uint64_t left = from.count(8); left > 0 && from.good(); --left) {
    const auto name = from.bytes();
    instance.names.emplace_back(reinterpret_cast<const char*>(name.data()), name.size());  // char may view any object
  }
  instance.binary = from.bytes();
  instance.globals = from.numbers();
  const auto dropped = from.bytes();
  instance.dropped.assign(dropped.begin(), dropped.end());
  for (std::uint64_t left = from.count(24); left > 0 && from.good(); --left) {
    SavedMemory& memory = instance.memories.emplace_back();
    memory.memory = from.number();
    memory.bytes = from.number();
    memory.pages = from.numbers();
    for (std::size_t i = 0; i < memory.pages.size() && from.good(); ++i)
      memory.contents.push_back(from.take(os::kPageBytes).data());
  }
  for (std::uint64_t left = from.count(16); left > 0 && from.good(); --left) {
    SavedTable& table = instance.tables.emplace_back();
    table.table = from.number();
    table.elements = from.numbers();
  }
  return instance;
}

}  // namespace

std::vector<std::byte> encode(const SavedSnapshot& snapshot) {
  Writer to;
  to.append(std::as_bytes(std::span(kMagic)));
  to.number(kSavedSnapshotVersion);
  to.number(0);  // the file's size and its hash are filled in last
  to.append(std::array<std::byte, kHeadBytes - kHashOffset>{});
  to.number((snapshot.start_after_restore ? kStartAfterRestore : 0) | (snapshot.is_component() ? kOfComponent : 0));
  to.number(snapshot.extra_memory_pages);
  to.number(snapshot.instances.size());
  for (const SavedInstance& each : snapshot.instances) write_instance(to, each);
  if (snapshot.is_component()) {
    to.bytes(snapshot.component);
    to.number(snapshot.handles.size());
    for (const auto& each : snapshot.handles) to.numbers(each);
  }
  std::vector<std::byte>& bytes = to.result();
  const std::uint64_t size = bytes.size();
  std::memcpy(bytes.data() + 16, &size, sizeof size);
  const auto hash = hash_of(bytes);
  std::memcpy(bytes.data() + kHashOffset, hash.data(), hash.size());
  return std::move(bytes);
}

Result<SavedSnapshot> decode_saved(std::vector<std::byte> bytes, const std::string& where) {
  const auto refuse = [&where](const std::string& why) {
    return fail(ErrorCode::kArtifact,
                fmt::format("{} is not a usable snapshot: {}; take it again with `anew snapshot`", where, why));
  };
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> file(*owner);
  if (file.size() < kHeadBytes || !has_snapshot_magic(file)) return refuse("it is truncated");
  Reader head(file.subspan(kMagic.size()));
  if (const std::uint64_t version = head.number(); version != kSavedSnapshotVersion)
    return refuse(fmt::format("it has version {}, and this Anew reads version {}", version, kSavedSnapshotVersion));
  if (const std::uint64_t size = head.number(); size != file.size()) {
    return refuse(fmt::format("it is {}: {} bytes instead of {}", file.size() < size ? "truncated" : "too long",
                              file.size(), size));
  }
  const auto hash = hash_of(file);
  if (std::memcmp(hash.data(), file.data() + kHashOffset, hash.size()) != 0)
    return refuse("it was altered or damaged: its hash does not match its content");
  Reader from(file.subspan(kHeadBytes));
  SavedSnapshot snapshot;
  const std::uint64_t flags = from.number();
  snapshot.start_after_restore = flags == kStartAfterRestore;
  const bool is_component = flags == kOfComponent;
  snapshot.extra_memory_pages = from.number();
  const std::uint64_t instances = from.count(8);
  if (instances > kMaximumSavedInstances)
    return refuse(fmt::format("it has {} instances, and {} are the most", instances, kMaximumSavedInstances));
  for (std::uint64_t left = instances; left > 0 && from.good(); --left)
    snapshot.instances.push_back(read_instance(from));
  if (is_component) {
    snapshot.component = from.bytes();
    for (std::uint64_t left = from.count(8); left > 0 && from.good(); --left)
      snapshot.handles.push_back(from.numbers());
  }
  if (flags > kOfComponent || !from.at_end() || snapshot.instances.empty() || snapshot.is_component() != is_component)
    return refuse("its content is not what any Anew writes");
  snapshot.owner = owner;
  return snapshot;
}

bool has_component_snapshot_magic(std::span<const std::byte> bytes) noexcept {
  std::uint64_t flags = 0;
  if (bytes.size() < kSnapshotBeginning || !has_snapshot_magic(bytes)) return false;
  std::memcpy(&flags, bytes.data() + kHeadBytes, sizeof flags);
  return flags == kOfComponent;
}

bool has_snapshot_magic(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

}  // namespace anew::artifact
