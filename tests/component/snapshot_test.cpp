// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Snapshots of components in files (component::Pool::save_snapshot).
#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "artifact/saved_snapshot.hpp"
#include "component/abi.hpp"
#include "component/handles.hpp"
#include "engine.hpp"
#include "os/file.hpp"
#include "os/temporary_directory.hpp"

namespace anew::component {
namespace {

namespace fs = std::filesystem;

/// The host of counters.wat: files are numbers.
Linker make_files() {
  Linker linker;
  linker.define("test:host/files", "open", [](Caller&, Values arguments) -> Result<Value> {
    return Value(Resource{.representation = arguments.at(0).as<std::uint32_t>(), .is_owned = true});
  });
  linker.define("test:host/files", "[method]file.size", [](Caller&, Values arguments) -> Result<Value> {
    return Value(100 * arguments.at(0).as<Resource>().representation);
  });
  linker.define_resource("test:host/files", "file", [](Caller&, std::uint32_t) -> Result<void> { return {}; });
  return linker;
}

constexpr PoolOptions kAudited = {.capacity = 2, .audit_every = 1};

class ComponentSnapshots : public testing::Test {
 protected:
  /// A pool of counters.wasm whose guest has kept a handle of a file, and its destructor has run with 7.
  Pool make_pool() {
    return Pool::create(Component::load(engine(), data("counters.wasm")).value(), make_files(), kAudited,
                        [](Lease& lease) -> Result<void> {
                          if (auto kept = lease.call("keep", {std::uint32_t{4}}); !kept)
                            return std::unexpected(kept.error());
                          auto made = lease.call("make", {std::uint32_t{7}});
                          if (!made) return std::unexpected(made.error());
                          return lease.drop(made->as<Resource>());
                        })
        .value();
  }
  /// Writes what a change makes of the snapshot, with the right hash, and makes a pool of it. @return the error.
  Error error_of(const std::function<void(artifact::SavedSnapshot&)>& change) {
    auto saved = artifact::decode_saved(os::read_file(path_, 1 << 30).value(), "it").value();
    change(saved);
    const auto bytes = artifact::encode(saved);
    const fs::path changed = directory_.path() / "changed";
    std::ofstream(changed, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const auto component = Component::load(engine(), changed);
    if (!component) return component.error();
    const auto pool = Pool::create(*component, make_files(), kAudited);
    return pool ? Error() : pool.error();
  }

  test::TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "counters.snapshot";
};

TEST_F(ComponentSnapshots, StartWhereTheyWereTaken) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  const Component component = Component::load(engine(), path_).value();
  const Pool pool = Pool::create(component, make_files(), kAudited).value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("destroyed", {}).value(), Value(std::uint32_t{7}));
    EXPECT_EQ(lease.call("keep", {std::uint32_t{5}}).value(), Value(std::uint32_t{2})) << "1 is there";
    const auto gone = lease.call("forge", {std::uint32_t{1}});
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().message.find("from before the snapshot was taken"), std::string::npos);
  }
  EXPECT_EQ(pool.instantiate()->call("destroyed", {}).value(), Value(std::uint32_t{7}));
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST_F(ComponentSnapshots, AreSavedAgain) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  const Pool pool = Pool::create(Component::load(engine(), path_).value(), make_files()).value();
  const fs::path again = directory_.path() / "again";
  ASSERT_TRUE(pool.save_snapshot(again));
  EXPECT_EQ(os::read_file(path_, 1 << 30).value(), os::read_file(again, 1 << 30).value());
}

TEST_F(ComponentSnapshots, AreWhatTheyAre) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  const Component component = Component::load(engine(), path_).value();
  EXPECT_EQ(component.exports().size(), 8u);
  PoolOptions options = kAudited;
  options.snapshot.prelude = {"destroyed"};
  EXPECT_EQ(Pool::create(component, make_files(), options).error().code, ErrorCode::kArgument);
  EXPECT_EQ(Pool::create(component, make_files(), kAudited, [](Lease&) -> Result<void> { return {}; }).error().code,
            ErrorCode::kArgument);
  EXPECT_EQ(Pool::create(component, Linker(), kAudited).error().code, ErrorCode::kLink);
  EXPECT_EQ(make_pool().core().save_snapshot(path_).error().code, ErrorCode::kArgument) << "that of the core instances";
}

TEST_F(ComponentSnapshots, AreToldFromThoseOfModules) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  EXPECT_EQ(engine().load(path_).error().code, ErrorCode::kArgument);
  constexpr unsigned char kEmpty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  const auto module = engine().compile(std::as_bytes(std::span(kEmpty))).value();
  ASSERT_TRUE(anew::Pool::create(module, anew::Linker()).value().save_snapshot(path_));
  EXPECT_EQ(Component::load(engine(), path_).error().code, ErrorCode::kArgument);
}

TEST_F(ComponentSnapshots, ThatAreDamagedAreRefused) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  const auto whole = os::read_file(path_, 1 << 30).value();
  for (std::size_t i = 0; i < whole.size(); i += 101) {
    for (const bool is_cut : {false, true}) {
      auto bytes = whole;
      if (is_cut)
        bytes.resize(i);
      else
        bytes[i] ^= std::byte{0x10};
      std::ofstream(path_, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
      EXPECT_FALSE(Component::load(engine(), path_)) << i << ' ' << is_cut;
    }
  }
}

TEST_F(ComponentSnapshots, ThatDoNotFitTheirComponentAreRefused) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  using Saved = artifact::SavedSnapshot;
  EXPECT_EQ(error_of([](Saved&) {}).message, "") << "as it is";
  const std::vector<std::function<void(Saved&)>> changes = {
      [](Saved& saved) { saved.instances.pop_back(); },
      [](Saved& saved) { saved.instances.push_back(saved.instances.front()); },
      [](Saved& saved) { std::swap(saved.instances.front(), saved.instances.back()); },
      [](Saved& saved) { saved.instances.front().globals.clear(); },
      [](Saved& saved) { saved.instances.front().globals.push_back(1); },
      [](Saved& saved) { saved.instances.back().memories.emplace_back().bytes = 65536; },
      [](Saved& saved) { saved.start_after_restore = true; },
      [](Saved& saved) { saved.extra_memory_pages = 1; },
      [](Saved& saved) { saved.handles.clear(); },
      [](Saved& saved) { saved.handles.push_back({0}); },
      [](Saved& saved) { saved.handles.front() = {}; },
      [](Saved& saved) { saved.handles.front()[0] = 1; },
      [](Saved& saved) { saved.handles.front()[1] = 99; },
      [](Saved& saved) { saved.handles.front().assign(1 + 2 * 5000, 0); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Error error = error_of(changes[i]);
    EXPECT_EQ(error.code, ErrorCode::kArtifact) << i << ": " << error.to_string();
  }
}

TEST_F(ComponentSnapshots, OfOtherVersionsAreRefused) {
  ASSERT_TRUE(make_pool().save_snapshot(path_));
  auto bytes = os::read_file(path_, 1 << 30).value();
  bytes[8] = std::byte{2};  // behind the magic
  std::ofstream(path_, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const Error error = Component::load(engine(), path_).error();
  EXPECT_EQ(error.code, ErrorCode::kArtifact);
  EXPECT_NE(error.message.find("it has version 2"), std::string::npos) << error.message;
}

/// greet.wat has a memory that two core instances share, and globals of both.
TEST_F(ComponentSnapshots, WhoseNumbersAreRandomDoNoHarm) {
  Linker linker;
  linker.define("test:host/log", "log", [](Caller&, Values) -> Result<Value> { return Value(); });
  linker.define("test:host/log", "lines", [](Caller&, Values) -> Result<Value> { return Value(Values{}); });
  const auto greet = [](Lease& lease) -> Result<void> {
    auto greeted = lease.call("greet", {std::string("Ada")});
    return greeted ? Result<void>() : std::unexpected(greeted.error());
  };
  ASSERT_TRUE(Pool::create(Component::load(engine(), data("greet.wasm")).value(), linker, kAudited, greet)
                  .value()
                  .save_snapshot(path_));
  const auto good = os::read_file(path_, 1 << 30).value();
  std::mt19937_64 random(7);
  int usable = 0;
  for (int round = 0; round < 300; ++round) {
    auto saved = artifact::decode_saved(good, "it").value();
    std::vector<std::uint64_t*> targets;
    for (auto& instance : saved.instances) {
      for (auto& global : instance.globals) targets.push_back(&global);
      for (auto& memory : instance.memories) {
        targets.push_back(&memory.memory);
        targets.push_back(&memory.bytes);
        for (auto& page : memory.pages) targets.push_back(&page);
      }
    }
    ASSERT_GE(targets.size(), 6u);
    const std::uint64_t values[] = {0, 1, 2, random() % 64, 0x10000, 0x20000, random(), ~std::uint64_t{0}};
    *targets[random() % targets.size()] = values[random() % std::size(values)];
    const auto bytes = artifact::encode(saved);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const auto pool = Pool::create(Component::load(engine(), path_).value(), linker, kAudited);
    if (!pool) {
      EXPECT_EQ(pool.error().code, ErrorCode::kArtifact) << pool.error().to_string();
      continue;
    }
    ++usable;
    (void)pool->acquire()->call("greet", {std::string("Eva")});  // it may trap
    EXPECT_EQ(pool->core().audit_report(), "");
  }
  EXPECT_TRUE(usable > 20 && usable < 280) << usable;
}

/// Whatever numbers a file has: what is taken for a table gives out each handle once.
TEST(SavedHandles, AreATable) {
  const std::vector<std::uint32_t> implementers = {0, kHost};
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    const std::size_t count = random() % 4;
    std::vector<std::uint64_t> numbers = {random() % (count + 2)};
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_used = random() % 2 == 0;
      numbers.push_back(is_used ? random() % 3 : random() % 8 == 0 ? 1u : 0u);
      numbers.push_back(std::uint64_t{is_used} << 32 | (is_used ? random() % 8 == 0 : random() % (count + 2)));
    }
    auto table = HandleTable::from_numbers(numbers, implementers);
    if (!table) continue;
    ++accepted;
    EXPECT_EQ(table->to_numbers(), numbers);
    std::vector<bool> given(count + 4);
    for (std::size_t i = 1; i < numbers.size(); i += 2)
      if (numbers[i + 1] >> 32 != 0) given[(i + 1) / 2] = true;
    for (int i = 0; i < 3; ++i) {
      const std::uint32_t handle = table->add_own(0, 5).value();
      ASSERT_TRUE(handle != 0 && handle < given.size() && !given[handle]);
      given[handle] = true;
    }
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace anew::component
