// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory runs out at each allocation that functions of the C API make: each returns an error that says so, or does what
// it is for; none throws, and all works on afterwards.
#include <anew.h>
#include <anew/wasm-c-api/wasm.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "attempts.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

/// Runs a function of the C API with allocations failing. @return whether it succeeded.
template <typename F>
bool works(F&& function, std::optional<anew_error_code_t> other = {}) {
  anew_error_t* error = nullptr;
  const bool failed = run_failing([&]() noexcept { error = function(); });
  if (error == nullptr) return true;
  const anew_error_code_t code = anew_error_code(error);
  if (code != other && !(failed && code == ANEW_ERROR_RESOURCE)) report(anew_error_message(error));
  // An error tells what it knows without memory too.
  never_fails([&] {
    if (anew_error_message(error) == nullptr || anew_error_text(error) == nullptr) std::abort();
    anew_error_delete(error);
  });
  return false;
}

constexpr std::string_view kGuest = R"((module
  (import "an environment with a long name" "a host function by its slots" (func $slots (param i32) (result i32)))
  (import "an environment with a long name" "a host function by values" (func $values (param i32) (result i32)))
  (memory (export "a memory with a long name") 1)
  (global (export "a global with a long name") (mut i64) (i64.const 5))
  (func (export "a function that calls the host") (param i32) (result i32) (call $values (call $slots (local.get 0))))
  (func (export "a function that traps") unreachable)))";

anew_error_t* by_slots(void* data, anew_caller_t* caller, std::uint64_t* slots) {
  ++*static_cast<int*>(data);
  if (slots[0] == 1) return anew_error_new(ANEW_ERROR_IO, ANEW_TEXT("a message that needs memory of its own"));
  if (slots[0] == 2) return anew_caller_call_values(caller, ANEW_TEXT("a function that traps"), nullptr, 0, nullptr, 0);
  return nullptr;
}

anew_error_t* by_values(void*, anew_caller_t*, const anew_value_t* arguments, std::size_t, anew_value_t* results,
                        std::size_t) {
  results[0] = arguments[0];
  return nullptr;
}

anew_error_t* create_state(void*, void** state) {
  *state = nullptr;
  return nullptr;
}

void count(void* data) { ++*static_cast<int*>(data); }

/// Deletes handles when they go, which takes no memory.
template <typename T, void (*kDelete)(T*)>
struct Owned {
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    never_fails([this] { kDelete(handle); });
  }
  T* handle = nullptr;
};
using OwnedEngine = Owned<anew_engine_t, anew_engine_delete>;
using OwnedModule = Owned<anew_module_t, anew_module_delete>;
using OwnedLinker = Owned<anew_linker_t, anew_linker_delete>;
using OwnedStateType = Owned<anew_state_type_t, anew_state_type_delete>;
using OwnedPool = Owned<anew_pool_t, anew_pool_delete>;
using OwnedFunction = Owned<anew_function_t, anew_function_delete>;
using OwnedLease = Owned<anew_lease_t, anew_lease_release>;
using OwnedCanceller = Owned<anew_canceller_t, anew_canceller_delete>;
using OwnedCache = Owned<anew_pool_cache_t, anew_pool_cache_delete>;

constexpr anew_type_t kI32 = ANEW_I32;
constexpr anew_function_type_t kType = {&kI32, 1, &kI32, 1};
int calls = 0;

bool define_all(anew_linker_t* linker) {
  constexpr std::string_view kModule = "an environment with a long name";
  constexpr std::string_view kSlots = "a host function by its slots";
  constexpr std::string_view kValues = "a host function by values";
  static int finalized = 0;
  const int before = finalized;
  const bool defined = works([&] {
    return anew_linker_define_slots(linker, kModule.data(), kModule.size(), "unused", 6, &kType, by_slots, &finalized,
                                    count);
  });
  if (finalized - before != (defined ? 0 : 1)) report("a finalizer is to run at once if its function is not defined");
  const anew_value_t value = anew_value_i32(1);
  return defined && works([&] {
           return anew_linker_define_slots(linker, kModule.data(), kModule.size(), kSlots.data(), kSlots.size(), &kType,
                                           by_slots, &calls, nullptr);
         }) &&
         works([&] {
           return anew_linker_define_values(linker, kModule.data(), kModule.size(), kValues.data(), kValues.size(),
                                            &kType, by_values, nullptr, nullptr);
         }) &&
         works([&] {
           return anew_linker_define_global(linker, kModule.data(), kModule.size(), "a global with a long name", 25,
                                            &value);
         }) &&
         works([&] { return anew_linker_define_memory(linker, kModule.data(), kModule.size(), "memory", 6, 1, 2); }) &&
         works([&] {
           return anew_linker_define_table(linker, kModule.data(), kModule.size(), "table", 5, ANEW_FUNCREF, 1, 2);
         });
}

class COutOfMemory : public testing::Test {
 protected:
  void SetUp() override {
    anew_engine_options_t options = {};
    options.struct_size = sizeof(options);
    options.no_cache = true;
    const std::vector<std::byte> binary = wat(kGuest);
    ASSERT_EQ(anew_engine_new(&options, &engine_.handle), nullptr);
    ASSERT_EQ(anew_engine_compile(engine_.handle, binary.data(), binary.size(), nullptr, &module_.handle), nullptr);
    ASSERT_EQ(anew_linker_new(&linker_.handle), nullptr);
    ASSERT_TRUE(define_all(linker_.handle));
    ASSERT_EQ(anew_pool_new(module_.handle, linker_.handle, nullptr, &pool_.handle), nullptr);
  }

  OwnedEngine engine_;
  OwnedModule module_;
  OwnedLinker linker_;
  OwnedPool pool_;
};

TEST_F(COutOfMemory, EnginesModulesAndLinkers) {
  for_each_allocation("the parts of a pool", [&] {
    OwnedEngine engine;
    (void)works([&] { return anew_engine_new(nullptr, &engine.handle); });
    OwnedModule module;
    if (works([&] { return anew_module_copy(module_.handle, &module.handle); })) {
      anew_item_t item = {};
      item.struct_size = sizeof(item);
      (void)works([&] { return anew_module_import(module.handle, 0, &item); });
      (void)works([&] { return anew_module_export(module.handle, 9, &item); }, ANEW_ERROR_NOT_FOUND);
    }
    OwnedLinker linker;
    if (works([&] { return anew_linker_new(&linker.handle); })) (void)define_all(linker.handle);
    OwnedStateType type;
    anew_state_options_t options = {};
    options.struct_size = sizeof(options);
    options.create = create_state;
    if (works(
            [&] { return anew_state_type_new(ANEW_TEXT("a kind of state that has a name"), &options, &type.handle); }))
      if (linker.handle != nullptr) (void)works([&] { return anew_linker_define_state(linker.handle, type.handle); });
    (void)works([&] { return anew_engine_compile(nullptr, "", 0, nullptr, nullptr); }, ANEW_ERROR_ARGUMENT);
  });
}

TEST_F(COutOfMemory, PoolsAndLeases) {
  for_each_allocation("a pool and a lease", [&] {
    OwnedPool pool;
    if (!works([&] { return anew_pool_new(module_.handle, linker_.handle, nullptr, &pool.handle); })) return;
    OwnedFunction function;
    (void)works([&] {
      return anew_pool_function(pool.handle, ANEW_TEXT("a function that calls the host"), &kType, &function.handle);
    });
    (void)works([&] { return anew_pool_function(pool.handle, ANEW_TEXT("a function not there"), nullptr, nullptr); },
                ANEW_ERROR_ARGUMENT);
    OwnedLease lease;
    if (!works([&] { return anew_pool_acquire(pool.handle, &lease.handle); })) return;
    OwnedCanceller canceller;
    (void)works([&] { return anew_lease_canceller(lease.handle, &canceller.handle); });
    if (function.handle != nullptr) {
      for (std::uint64_t what = 0; what < 3; ++what) {
        std::uint64_t slot = what;
        (void)works([&] { return anew_lease_call(lease.handle, function.handle, &slot, 1); }, ANEW_ERROR_TRAP);
      }
      (void)works([&] { return anew_lease_call(lease.handle, function.handle, nullptr, 0); }, ANEW_ERROR_ARGUMENT);
    }
    const anew_value_t argument = anew_value_i32(1);
    anew_value_t value = {};
    (void)works(
        [&] {
          return anew_lease_call_values(lease.handle, ANEW_TEXT("a function that calls the host"), &argument, 1, &value,
                                        1);
        },
        ANEW_ERROR_TRAP);
    (void)works([&] { return anew_lease_global(lease.handle, ANEW_TEXT("a global with a long name"), &value); });
    anew_memory_t memory = {};
    if (works([&] { return anew_lease_memory(lease.handle, ANEW_TEXT("a memory with a long name"), &memory); }))
      (void)works([&] { return anew_memory_read(&memory, 65536, &value, 1); }, ANEW_ERROR_ARGUMENT);
  });
  std::uint64_t slot = 5;  // all works on
  anew_value_t value = anew_value_i32(5);
  OwnedLease lease;
  ASSERT_EQ(anew_pool_acquire(pool_.handle, &lease.handle), nullptr);
  ASSERT_EQ(anew_lease_call_values(lease.handle, ANEW_TEXT("a function that calls the host"), &value, 1, &value, 1),
            nullptr);
  EXPECT_EQ(static_cast<std::uint64_t>(value.of.i32), slot);
}

TEST_F(COutOfMemory, PoolCaches) {
  const std::vector<std::byte> binary = wat(kGuest);
  for_each_allocation("a pool cache", [&] {
    OwnedCache cache;
    if (!works([&] { return anew_pool_cache_new(engine_.handle, linker_.handle, nullptr, &cache.handle); })) return;
    anew_pool_cache_statistics_t statistics = {};
    statistics.struct_size = sizeof(statistics);
    (void)works([&] { return anew_pool_cache_statistics(cache.handle, &statistics); });
  });
}

TEST(CStandardOutOfMemory, CopiesOfVectorsAreWholeOrEmpty) {
  constexpr wasm_valkind_t kKinds[] = {WASM_I32, WASM_F64, WASM_FUNCREF};
  for_each_allocation("vectors of the standard interface", [&] {
    wasm_valtype_t* types[std::size(kKinds)];
    for (std::size_t i = 0; i < std::size(kKinds); ++i) types[i] = wasm_valtype_new(kKinds[i]);
    wasm_valtype_vec_t given;
    wasm_valtype_vec_new(&given, std::size(kKinds), types);
    wasm_valtype_vec_t copy;
    never_fails([&] { wasm_valtype_vec_copy(&copy, &given); });
    if (copy.size != 0) {
      ASSERT_EQ(copy.size, std::size(kKinds));
      for (std::size_t i = 0; i < copy.size; ++i) ASSERT_TRUE(copy.data[i] != nullptr) << "half a copy";
    }
    wasm_valtype_vec_delete(&copy);
    wasm_valtype_vec_delete(&given);
  });
}

}  // namespace
}  // namespace anew::test
