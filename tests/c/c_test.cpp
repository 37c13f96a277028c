// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the clients in C of this folder, and shows what a build without NDEBUG makes of misuse.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "client.h"
#include "os/temporary_directory.hpp"
#include "support/wat.hpp"

extern "C" {

void client_failed(const char* file, int line, const char* what) { ADD_FAILURE_AT(file, line) << what; }

bool client_succeeded(const char* file, int line, const char* what, anew_error_t* error) {
  if (error == nullptr) return true;
  ADD_FAILURE_AT(file, line) << what << ": " << anew_error_text(error);
  anew_error_delete(error);
  return false;
}

void client_fails(const char* file, int line, const char* what, anew_error_t* error, anew_error_code_t code,
                  const char* words) {
  if (error == nullptr) return client_failed(file, line, what);
  if (anew_error_code(error) != code || !std::string_view(anew_error_message(error)).contains(words)) {
    ADD_FAILURE_AT(file, line) << what << ": " << anew_error_code_name(anew_error_code(error)) << ": "
                               << anew_error_message(error);
  }
  anew_error_delete(error);
}

const void* client_wat(const char* text, size_t* size) {
  static std::vector<std::byte> binary;
  binary = anew::test::wat(text);
  *size = binary.size();
  return binary.data();
}

anew_module_t* client_module(const char* text) {
  std::size_t size = 0;
  const void* const binary = client_wat(text, &size);
  anew_engine_options_t options = {};
  options.struct_size = sizeof(options);
  options.no_cache = true;
  anew_engine_t* engine = nullptr;
  anew_module_t* module = nullptr;
  OK(anew_engine_new(&options, &engine));
  OK(anew_engine_compile(engine, binary, size, nullptr, &module));
  anew_engine_delete(engine);
  return module;
}

anew_pool_t* client_pool(const char* text, anew_linker_t* linker, const anew_pool_options_t* options) {
  anew_module_t* const module = client_module(text);
  anew_linker_t* made = nullptr;
  anew_pool_t* pool = nullptr;
  if (linker == nullptr) OK(anew_linker_new(&made));
  OK(anew_pool_new(module, linker != nullptr ? linker : made, options, &pool));
  anew_linker_delete(made);
  anew_module_delete(module);
  return pool;
}

const char* client_path(const char* name) {
  static const anew::test::TemporaryDirectory directory;
  static std::string path;
  path = (directory.path() / name).string();
  return path.c_str();
}

void client_on_thread(void (*function)(void*), void* data) {
  std::jthread([=] { function(data); }).join();
}

}  // extern "C"

namespace {

TEST(CClients, CallBySlotsAndByValues) { client_calls(); }
TEST(CClients, ReadErrorsAndBacktraces) { client_errors(); }
TEST(CClients, LookAtModules) { client_modules(); }
TEST(CClients, HaveHostFunctions) { client_host_functions(); }
TEST(CClients, HaveHostState) { client_host_state(); }
TEST(CClients, ReadAndWriteMemory) { client_memory(); }
TEST(CClients, ShareAndClosePools) { client_pools(); }
TEST(CClients, LimitCalls) { client_limits(); }
TEST(CClients, WaitForWhatHostFunctionsGiveLater) { client_async(); }
TEST(CClients, SaveAndLoad) { client_snapshots(); }
TEST(CClients, FindPoolsByCode) { client_pool_cache(); }
TEST(CClients, GetAnErrorForEachNull) { client_null_arguments(); }
TEST(CClients, MayBeOfOtherVersions) { client_options(); }
TEST(CClients, RunProgramsWithWasi) { client_wasi(); }
TEST(CClients, HaveComponentsWaitAndBeginWarm) {
  const anew::test::TemporaryDirectory scratch;
  client_component_calls(ANEW_SOURCE_DIR "/tests/data/component", scratch.path().c_str());
}
TEST(CClients, CallComponents) { client_component(ANEW_SOURCE_DIR "/tests/data/component"); }
TEST(CClients, RunComponentsWithWasi) { client_wasi_component(ANEW_SOURCE_DIR "/tests/data/component"); }

#ifndef NDEBUG

TEST(CMisuseDeathTest, ASecondDeletionIsFound) {
  anew_linker_t* linker = nullptr;
  ASSERT_TRUE(OK(anew_linker_new(&linker)));
  anew_linker_delete(linker);
  EXPECT_DEATH(anew_linker_delete(linker), "anew_linker_delete was given a handle that was deleted before");
  EXPECT_DEATH((void)anew_linker_trap_unknown_functions(linker), "deleted before");
}

TEST(CMisuseDeathTest, AHandleOfAnotherKindIsFound) {
  anew_linker_t* linker = nullptr;
  ASSERT_TRUE(OK(anew_linker_new(&linker)));
  EXPECT_DEATH(anew_pool_delete(reinterpret_cast<anew_pool_t*>(linker)), "of another kind");
  anew_linker_delete(linker);
}

anew_error_t* use_elsewhere(void* lease, anew_caller_t*, std::uint64_t*) {
  // The same thread may be in its lease again; another one may not.
  EXPECT_EQ(anew_lease_fuel(*static_cast<anew_lease_t**>(lease)), anew_lease_fuel(*static_cast<anew_lease_t**>(lease)));
  EXPECT_DEATH(std::jthread([lease] { (void)anew_lease_fuel(*static_cast<anew_lease_t**>(lease)); }).join(),
               "a lease is used by two threads at once");
  EXPECT_DEATH(anew_lease_release(*static_cast<anew_lease_t**>(lease)), "whose call has not returned");
  return nullptr;
}

TEST(CMisuseDeathTest, TwoThreadsInALeaseAreFound) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  anew_linker_t* linker = nullptr;
  anew_lease_t* lease = nullptr;
  ASSERT_TRUE(OK(anew_linker_new(&linker)));
  const anew_function_type_t type = {nullptr, 0, nullptr, 0};
  ASSERT_TRUE(
      OK(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("f"), &type, use_elsewhere, &lease, nullptr)));
  anew_pool_t* const pool =
      client_pool(R"((module (import "env" "f" (func $f)) (func (export "g") (call $f))))", linker, nullptr);
  ASSERT_TRUE(OK(anew_pool_acquire(pool, &lease)));
  client_on_thread([](void* moved) { anew_lease_set_fuel(static_cast<anew_lease_t*>(moved), 5); }, lease);  // in turn
  ASSERT_TRUE(OK(anew_lease_call_values(lease, ANEW_TEXT("g"), nullptr, 0, nullptr, 0)));
  anew_lease_release(lease);
  anew_pool_delete(pool);
  anew_linker_delete(linker);
}

#endif

}  // namespace
