// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any file as a snapshot. Its magic, version, size and hash are made to fit, so that what is behind them is read. What
// decodes encodes to the same again; what loads makes a pool whose instances are as new and pass their audits, and
// whose own snapshot file loads, and is written, again. Calls have fuel, start functions a deadline; modules that may
// become large are left out.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "any_calls.hpp"
#include "artifact/content_hash.hpp"
#include "artifact/saved_snapshot.hpp"
#include "module_edit.hpp"
#include "os/file.hpp"
#include "os/virtual_memory.hpp"
#include "tests/os/temporary_directory.hpp"
#include "wasm/decoder.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace anew;
using artifact::SavedInstance;
using artifact::SavedSnapshot;
using fuzz::check;
using File = std::vector<std::byte>;

constexpr std::size_t kHashOffset = 24;
constexpr std::size_t kHeadBytes = 40;
constexpr std::uint64_t kMaximumPages = 64;
constexpr std::uint64_t kMaximumElements = 100'000;

/// The file with a head that fits what is behind it.
File with_head(std::span<const std::byte> bytes) {
  File file(bytes.begin(), bytes.end());
  file.resize(std::max(file.size(), kHeadBytes));
  const std::uint64_t head[] = {artifact::kSavedSnapshotVersion, file.size()};
  std::memcpy(file.data(), "ANEWSNAP", 8);
  std::memcpy(file.data() + 8, head, sizeof head);
  artifact::ContentHasher hasher;
  hasher.add(std::span(file).first(kHashOffset));
  hasher.add(std::span(file).subspan(kHeadBytes));
  const auto hash = hasher.finish();
  std::memcpy(file.data() + kHashOffset, hash.data(), hash.size());
  return file;
}

/// Calls are to be quick, and so are audits, which look at all memory.
bool stays_small(const wasm::Module& module) {
  return std::ranges::all_of(module.memories,
                             [](const auto& each) { return each.limits.maximum.value_or(~0ull) <= kMaximumPages; }) &&
         std::ranges::all_of(module.tables,
                             [](const auto& each) { return each.limits.maximum.value_or(~0ull) <= kMaximumElements; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Engine engine({.compile_threads = 1, .cache = false});
  static const test::TemporaryDirectory directory;
  const File file = with_head(std::as_bytes(std::span(data, size)));
  const auto snapshot = artifact::decode_saved(file, "the input");
  if (!snapshot) {
    check(snapshot.error().code == ErrorCode::kArtifact, "wrong error:", snapshot.error().to_string());
    return 0;
  }
  const File encoded = artifact::encode(*snapshot);
  const auto decoded = artifact::decode_saved(encoded, "the input, encoded again");
  check(decoded.has_value(), "what was encoded is refused:", decoded ? "" : decoded.error().to_string());
  check(artifact::encode(*decoded) == encoded, "encodes differently a second time");

  // More than can be is refused, and few are fine; what lies between takes long.
  if (snapshot->extra_memory_pages > kMaximumPages && snapshot->extra_memory_pages < 1u << 20) return 0;
  Linker linker;
  for (const SavedInstance& each : snapshot->instances) {
    const auto module = wasm::decode_module(each.binary);
    if (!module) continue;  // what follows must refuse it
    if (!stays_small(*module)) return 0;
    fuzz::define_imports(linker, *module);
  }
  // As in run.cpp.
  const CompileOptions options{.card_bytes = (size & 7) < 3 ? 512u << (size & 7) : 4096u,
                               .ledger = (size & 24) != 0 ? Ledger::kCards : Ledger::kCow,
                               .fuel = true};
  const auto load = [&](std::span<const std::byte> bytes) -> Result<Pool> {
    const BytesView pieces[] = {bytes};
    check(os::write_file(directory / "file", pieces, 0600).has_value(), "the temporary directory cannot be written");
    const auto module = engine.load(directory / "file", options);
    if (!module) return std::unexpected(module.error());
    auto pool = Pool::create(*module, linker,
                             {.capacity = 1, .snapshot = {.start_timeout = std::chrono::seconds(1)}, .audit_every = 1});
    if (!pool) return pool;
    const auto input = std::span(data, size);
    const std::string first = fuzz::call_all(*pool, *module, input);
    const std::string second = fuzz::call_all(*pool, *module, input);
    check(first == second, "a restored instance differs:\n", first + "--- then\n" + second);
    check(pool->statistics().audit_failures == 0, "audit:", pool->audit_report());
    return pool;
  };
  const auto save = [&](const Pool& pool) {
    const auto saved = pool.save_snapshot(directory / "again");
    check(saved.has_value(), "the snapshot cannot be saved again:", saved ? "" : saved.error().to_string());
    auto bytes = os::read_file(directory / "again", 1u << 30);
    check(bytes.has_value(), "what was saved cannot be read");
    return std::move(*bytes);
  };
  const auto pool = load(file);
  if (!pool) return 0;
  const File saved = save(*pool);
  const auto again = load(saved);
  check(again.has_value(), "what was saved is refused:", again ? "" : again.error().to_string());
  check(save(*again) == saved, "is saved differently a second time");
  return 0;
}

namespace {

/// Views of the parsed file look at what it owns, so what a mutation makes is kept beside it.
struct Mutation {
  SavedSnapshot snapshot;
  fuzz::Buffer binary;
  File page = File(os::kPageBytes);
  std::minstd_rand random;

  template <typename Values>
  auto* any(Values& values) {
    return values.empty() ? nullptr : &values[random() % values.size()];
  }
  /// Numbers near to what may be right, and far from it.
  void number(std::uint64_t* value) {
    if (value == nullptr) return;
    const std::uint64_t values[] = {0,
                                    1,
                                    *value + 1,
                                    *value - 1,
                                    random() % 16,
                                    *value ^ std::uint64_t{1} << random() % 64,
                                    1 | std::uint64_t{random() % 4} << 32,
                                    std::numeric_limits<std::uint64_t>::max()};
    *value = values[random() % std::size(values)];
  }
  void numbers(std::vector<std::uint64_t>& values) {
    if (random() % 8 == 0)
      values.resize(random() % 16);
    else
      number(any(values));
  }
  void memory(artifact::SavedMemory& memory) {
    switch (random() % 5) {
      case 0: return number(&memory.memory);
      case 1: return number(any(memory.pages));
      case 2:
        memory.pages.push_back(random() % 32);
        memory.contents.push_back(page.data());
        return;
      default: memory.bytes = (random() % 4) << 16; return;
    }
  }
  void instance(SavedInstance& instance) {
    switch (random() % 8) {
      case 0: return numbers(instance.globals);
      case 1:
        if (auto* const each = any(instance.dropped)) *each ^= std::byte{1};
        return;
      case 2:
        if (auto* const each = any(instance.memories)) memory(*each);
        return;
      case 3:
        if (auto* const each = any(instance.tables)) random() % 8 == 0 ? number(&each->table) : numbers(each->elements);
        return;
      case 4:
        if (random() % 4 == 0 && !instance.memories.empty()) instance.memories.pop_back();
        if (random() % 4 == 0 && !instance.tables.empty()) instance.tables.pop_back();
        if (random() % 4 == 0) instance.names.emplace_back(random() % 2 == 0 ? "library" : "");
        return;
      default: {
        const std::size_t bytes = instance.binary.size();
        binary.assign(bytes + 64, 0);
        std::memcpy(binary.data(), instance.binary.data(), bytes);
        binary.resize(fuzz::mutate_module(binary.data(), bytes, binary.size(), static_cast<unsigned>(random())));
        instance.binary = std::as_bytes(std::span(binary));
      }
    }
  }
  void run() {
    switch (random() % 16) {
      case 0: return number(&snapshot.extra_memory_pages);
      case 1: snapshot.start_after_restore = !snapshot.start_after_restore; return;
      case 2: std::ranges::reverse(snapshot.instances); return;
      case 3: snapshot.instances.push_back(*any(snapshot.instances)); return;
      default: return instance(*any(snapshot.instances));
    }
  }
};

}  // namespace

/// Mostly the fields and the modules of what can be read, else the bytes as they are.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  auto snapshot = artifact::decode_saved(with_head(std::as_bytes(std::span(data, size))), "the input");
  if (!snapshot || seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  Mutation mutation{.snapshot = std::move(*snapshot), .binary = {}, .random = std::minstd_rand(seed)};
  mutation.run();
  const File file = artifact::encode(mutation.snapshot);
  if (file.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data, file.data(), file.size());
  return file.size();
}
