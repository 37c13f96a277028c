// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The calling convention and the host functions, with small runtimes made for it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "host/substrate/host_functions.hpp"
#include "substrate/guest.hpp"
#include "support/wat.hpp"

namespace anew::substrate {
namespace {

Engine engine() { return Engine({.cache = false}); }

Runtime make_from(const Bytes& binary, RuntimeOptions options = {.heap_pages = 16, .audit_every = 1}) {
  auto runtime = Runtime::create(engine(), binary, std::move(options));
  EXPECT_TRUE(runtime) << runtime.error().to_string();
  return std::move(runtime.value());
}

Runtime make(const Guest& guest, RuntimeOptions options = {.heap_pages = 16, .audit_every = 1}) {
  return make_from(guest.binary(), std::move(options));
}

/// Returns its arguments where they lie.
Guest::Entry echo() { return {"echo", packed_arguments()}; }

Bytes call(const Runtime& runtime, std::string_view name, const Bytes& arguments = {}) {
  const auto result = runtime.call(name, arguments);
  EXPECT_TRUE(result) << result.error().to_string();
  return result.value_or(Bytes{});
}

Error call_error(const Runtime& runtime, std::string_view name, const Bytes& arguments = {}) {
  const auto result = runtime.call(name, arguments);
  EXPECT_FALSE(result);
  return result ? Error{} : result.error();
}

void expect_message(const Error& error, std::string_view part) {
  EXPECT_NE(error.message.find(part), std::string::npos) << error.to_string();
}

TEST(Runtime, ArgumentsAndResultsGoThroughGuestMemory) {
  for (const bool imports_memory : {false, true}) {
    const Runtime runtime = make({.entries = {echo()}, .imports_memory = imports_memory});
    for (const std::size_t size : {0u, 1u, 100u, 100'000u}) {
      Bytes arguments(size);
      for (std::size_t i = 0; i < size; ++i) arguments[i] = static_cast<std::byte>(i * 7);
      EXPECT_EQ(call(runtime, "echo", arguments), arguments) << size << " bytes, imported: " << imports_memory;
    }
    EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
  }
}

TEST(Runtime, ArgumentsLieInTheHeapsFirstBlock) {
  // Returns the 4 bytes at the argument's address less 8: the header of its block.
  const Runtime runtime = make({.entries = {{"header", join({from_hex("20 00 41 08 6b 41 08"), pack()})}}});
  EXPECT_EQ(call(runtime, "header", Bytes(20)), from_hex("02000000 01000000")) << "occupied, order 2: 32 bytes";

  // Returns its two parameters, stored at address 16.
  const Runtime parameters =
      make({.entries = {
                {"parameters", join({from_hex("41 10 20 00 36 02 00  41 14 20 01 36 02 00  41 10 41 08"), pack()})}}});
  EXPECT_EQ(call(parameters, "parameters", Bytes(20)), from_hex("08040000 14000000")) << "1024 + 8, and 20";
}

TEST(Runtime, HeapPagesAreAddedToTheMemory) {
  for (const bool imports_memory : {false, true}) {
    const Guest guest{.entries = {echo()}, .imports_memory = imports_memory, .memory_pages = 3};
    const Runtime runtime = make(guest, {.heap_pages = 100});
    auto lease = runtime.pool().acquire();
    ASSERT_TRUE(lease) << lease.error().to_string();
    EXPECT_EQ(lease->memory().size(), 103u * 65'536);
  }
}

/// Adds one to the i32 at address 16, mallocs 8 bytes, and returns both numbers.
Guest counter() {
  return {.imports = {{"ext_allocator_malloc_version_1", GuestType::kMalloc}},
          .entries = {{"count", join({from_hex("41 10 41 10 28 02 00 41 01 6a 36 02 00"
                                               "41 14 41 08 10 00 36 02 00"
                                               "41 10 41 08"),
                                      pack()})}}};
}

TEST(Runtime, EachCallFindsMemoryAndHeapAsNew) {
  const Runtime runtime = make(counter());
  const Bytes expected = from_hex("01000000 18040000");  // 1, and 1024 + 8 + 8 (the empty argument) + 8
  for (int i = 0; i < 20; ++i) ASSERT_EQ(call(runtime, "count"), expected) << "call " << i;
  EXPECT_EQ(runtime.pool().statistics().audited, 20u);
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(Runtime, AFreshInstanceAnswersTheSame) {
  const Runtime runtime = make(counter());
  const auto method = runtime.method("count");
  ASSERT_TRUE(method) << method.error().to_string();
  for (int i = 0; i < 3; ++i) {
    Bytes result;
    const auto called = runtime.call_fresh(*method, {}, result);
    ASSERT_TRUE(called) << called.error().to_string();
    EXPECT_EQ(result, from_hex("01000000 18040000"));
  }
}

TEST(Runtime, ALeaseKeepsItsStateBetweenCalls) {
  const Runtime runtime = make(counter());
  const auto method = runtime.method("count");
  ASSERT_TRUE(method);
  auto lease = runtime.pool().acquire();
  ASSERT_TRUE(lease);
  Bytes result;
  ASSERT_TRUE(Runtime::call_in(*lease, *method, {}, result));
  EXPECT_EQ(result, from_hex("01000000 18040000"));
  ASSERT_TRUE(Runtime::call_in(*lease, *method, {}, result));
  EXPECT_EQ(result, from_hex("02000000 38040000"));
}

TEST(Runtime, ALeaseOfAnotherHostsPoolIsRefused) {
  const Runtime runtime = make({.entries = {echo()}});
  const Method method = runtime.method("echo").value();
  const Module module = engine().compile(Guest{.entries = {echo()}}.binary()).value();
  for (const bool has_state : {false, true}) {
    Linker linker;
    if (has_state) linker.define_state<int>();  // smaller than what a runtime's instances have
    const Pool pool = Pool::create(module, linker).value();
    Lease lease = pool.acquire().value();
    Bytes result = from_text("as it was");
    const auto called = Runtime::call_in(lease, method, {}, result);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code, ErrorCode::kArgument);
    EXPECT_EQ(result, from_text("as it was"));
  }
  const Runtime other = make({.entries = {echo()}});
  Lease lease = other.pool().acquire().value();
  Bytes result;
  const auto called = Runtime::call_in(lease, method, {}, result);
  ASSERT_FALSE(called) << "nor does another runtime's do";
  EXPECT_EQ(called.error().code, ErrorCode::kArgument);
  lease.release();
  EXPECT_EQ(Runtime::call_in(lease, method, {}, result).error().code, ErrorCode::kArgument);
}

TEST(Runtime, AResultIsWrittenIntoTheBufferGiven) {
  const Runtime runtime = make({.entries = {echo()}});
  const auto method = runtime.method("echo");
  ASSERT_TRUE(method);
  Bytes result(1000);
  const std::byte* const place = result.data();
  ASSERT_TRUE(runtime.call(*method, from_hex("010203"), result));
  EXPECT_EQ(result, from_hex("010203"));
  EXPECT_EQ(result.data(), place) << "nothing was allocated";
}

TEST(Runtime, AfterATrapTheNextCallIsAsNew) {
  Guest guest = counter();
  // The same with `unreachable` in the end.
  guest.entries.push_back(
      {"crash", join({Bytes(guest.entries[0].body.begin(), guest.entries[0].body.end()), from_hex("00")})});
  const Runtime runtime = make(guest);
  for (int i = 0; i < 3; ++i) {
    const Error error = call_error(runtime, "crash");
    EXPECT_EQ(error.code, ErrorCode::kTrap);
    EXPECT_EQ(error.trap, TrapKind::kUnreachable) << error.to_string();
    EXPECT_EQ(call(runtime, "count"), from_hex("01000000 18040000"));
  }
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(Runtime, AResultOutsideTheMemoryIsRefused) {
  const Runtime runtime = make({.entries = {{"far", join({from_hex("41 70 41 08"), pack()})},      // at 2^32 - 16
                                            {"long", join({from_hex("41 10 41 7f"), pack()})}}});  // 2^32 - 1 bytes
  expect_message(call_error(runtime, "far"), "the runtime returned 8 bytes at address 0xfffffff0");
  expect_message(call_error(runtime, "long"), "the runtime returned 4294967295 bytes at address 0x10");
}

TEST(Runtime, ArgumentsThatDoNotFitAreRefused) {
  const Runtime runtime = make({.entries = {echo()}});
  expect_message(call_error(runtime, "echo", Bytes(2u << 20)), "out of space");
  expect_message(call_error(runtime, "echo", Bytes((32u << 20) + 1)), "the most is 33554432");
  EXPECT_EQ(call(runtime, "echo", from_hex("01")), from_hex("01")) << "the next call is as new";
}

TEST(Runtime, AMissingMethodIsNamed) {
  const Runtime runtime = make({.entries = {echo()}});
  const auto missing = runtime.method("ecko");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  expect_message(missing.error(), "ecko");
  const auto memory = runtime.method("memory");
  ASSERT_FALSE(memory) << "an export, but no function";
}

TEST(Runtime, CodeMayBeCompressedAndMustBeAModule) {
  const auto garbage = Runtime::create(engine(), from_text("garbage"));
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kMalformed);
  const auto corrupt = Runtime::create(engine(), from_hex("52bc537646db8e05 00"));
  ASSERT_FALSE(corrupt);
  expect_message(corrupt.error(), "compressed runtime code");
}

TEST(Runtime, SaysWhereItsHeapBegins) {
  const HeapBase exported = make({.entries = {echo()}}).heap_base();
  EXPECT_EQ(exported.address, 1024u);
  EXPECT_TRUE(exported.announced);
  EXPECT_EQ(exported.found, "exported global __heap_base");

  const HeapBase named = make_from(test::wat(R"((module (memory (export "memory") 2)
      (global $__heap_base i32 (i32.const 5000))))"))
                             .heap_base();
  EXPECT_EQ(named.address, 5000u);
  EXPECT_TRUE(named.announced);
  EXPECT_EQ(named.found, "global __heap_base, by the name section");
}

TEST(Runtime, WithoutAHeapBaseTheHeapBeginsBehindTheInitialMemory) {
  for (const Guest& guest : {Guest{.entries = {echo()}, .heap_base_name = "__data_end"},
                             Guest{.entries = {echo()}, .heap_base_is_mutable = true},
                             Guest{.entries = {echo()}, .imports_memory = true, .heap_base_name = "__data_end"}}) {
    const Runtime runtime = make(guest);
    EXPECT_EQ(runtime.heap_base().address, 2u * 65'536);
    EXPECT_FALSE(runtime.heap_base().announced);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(call(runtime, "echo", from_hex("0102")), from_hex("0102"));
    EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
  }
}

TEST(Runtime, WithoutAHeapBaseAndWithAFullMemoryItIsRefused) {
  const auto runtime = Runtime::create(engine(), test::wat("(module (memory (export \"memory\") 65536))"));
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().code, ErrorCode::kLink);
  expect_message(runtime.error(), "does not say where its heap begins");
}

TEST(Runtime, WithoutAMemoryItIsRefused) {
  const auto runtime = Runtime::create(engine(), from_hex("0061736d 01000000"));
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().code, ErrorCode::kLink);
  expect_message(runtime.error(), "memory");
}

TEST(Runtime, TooManyHeapPagesAreRefused) {
  for (const std::uint64_t pages : {65'535ull, ~0ull}) {
    const auto runtime = Runtime::create(engine(), Guest{.entries = {echo()}}.binary(), {.heap_pages = pages});
    ASSERT_FALSE(runtime) << pages;
    EXPECT_EQ(runtime.error().code, ErrorCode::kArgument) << runtime.error().to_string();
  }
}

TEST(HostFunctions, AnUnknownOneTrapsWhenCalled) {
  const Runtime runtime = make({.imports = {{"ext_storage_get_version_9", GuestType::kVersion}},
                                .entries = {echo(), {"get", join({packed_arguments(), from_hex("10 00")})}}});
  EXPECT_EQ(call(runtime, "echo", from_hex("01")), from_hex("01"));
  const Error error = call_error(runtime, "get");
  EXPECT_EQ(error.code, ErrorCode::kTrap);
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  expect_message(error, "not implemented");
  expect_message(error, "ext_storage_get_version_9");
}

/// "malloc" requests as many bytes as the first 4 of its arguments say and returns the header; "fill" does so for ever;
/// "free" frees the address that they say.
Guest allocating_guest() {
  return {.imports = {{"ext_allocator_malloc_version_1", GuestType::kMalloc},
                      {"ext_allocator_free_version_1", GuestType::kFree}},
          .entries = {{"malloc", join({from_hex("20 00 28 02 00 10 00 41 08 6b 41 08"), pack()})},
                      {"fill", from_hex("03 40 20 00 28 02 00 10 00 1a 0c 00 0b 00")},
                      {"free", from_hex("20 00 28 02 00 10 01 42 00")},
                      {"free_twice", from_hex("20 00 28 02 00 10 01 20 00 28 02 00 10 01 42 00")}}};
}

TEST(HostFunctions, AllocatorServesTheGuest) {
  const Runtime runtime = make(allocating_guest());
  EXPECT_EQ(call(runtime, "malloc", from_hex("e8030000")), from_hex("07000000 01000000"))
      << "1000: order 7, 1024 bytes";
  EXPECT_EQ(call(runtime, "free", from_hex("08040000")), Bytes{}) << "the arguments' own block";
}

TEST(HostFunctions, AllocatorErrorsTrap) {
  const Runtime runtime = make(allocating_guest());
  for (const auto& [method, arguments, message] : std::vector<std::tuple<const char*, Bytes, const char*>>{
           {"malloc", from_hex("01000002"), "33554433 bytes requested"},
           {"fill", from_hex("00100000"), "out of space for 4096 bytes"},
           {"free", from_hex("00000000"), "before the first header"},
           {"free", from_hex("10040000"), "no occupied block"},
           {"free_twice", from_hex("08040000"), "no occupied block"}}) {
    const Error error = call_error(runtime, method, arguments);
    EXPECT_EQ(error.code, ErrorCode::kTrap) << method;
    EXPECT_EQ(error.trap, TrapKind::kHostError) << method;
    expect_message(error, message);
  }
  EXPECT_EQ(call(runtime, "malloc", from_hex("08000000")), from_hex("00000000 01000000")) << "as new";
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(HostFunctions, AHeapThatMayGrowTakesMemoryUpToTheModulesMaximum) {
  Guest guest = allocating_guest();
  guest.memory_maximum = 100;
  const RuntimeOptions options{.heap_pages = 1, .grow_heap = true, .audit_every = 1};
  const Runtime runtime = make(guest, options);
  // 1 MiB does not fit in 3 pages. Grown memory is gone after the call, so each finds the same.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(call(runtime, "malloc", from_hex("00001000")), from_hex("11000000 01000000"));
    expect_message(call_error(runtime, "fill", from_hex("00001000")), "6553600 bytes of memory");
  }
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
  guest.memory_maximum.reset();
  const Runtime fixed = make(guest, {.heap_pages = 1});
  expect_message(call_error(fixed, "malloc", from_hex("00001000")), "196608 bytes of memory");
}

/// What a log sink was given.
using Logged = std::vector<std::tuple<LogLevel, std::string, std::string>>;

Guest logging_guest() {
  // The first byte of the arguments is the level, the next two the target, the rest the message.
  const Bytes log = from_hex(
      "20 00 2d 00 00"
      "20 00 41 01 6a ad 42 80 80 80 80 20 84"
      "20 00 41 03 6a ad 20 01 41 03 6b ad 42 20 86 84"
      "10 00 42 00");
  return {.imports = {{"ext_logging_log_version_1", GuestType::kLog},
                      {"ext_logging_max_level_version_1", GuestType::kLevel},
                      {"ext_misc_print_num_version_1", GuestType::kPrint},
                      {"ext_misc_print_utf8_version_1", GuestType::kPrint},
                      {"ext_misc_print_hex_version_1", GuestType::kPrint}},
          .entries = {{"log", log},
                      {"level", join({from_hex("41 10 10 01 36 02 00 41 10 41 04"), pack()})},
                      {"num", from_hex("20 00 29 03 00 10 02 42 00")},
                      {"utf8", join({packed_arguments(), from_hex("10 03 42 00")})},
                      {"hex", join({packed_arguments(), from_hex("10 04 42 00")})},
                      {"log_far", from_hex("41 00 42 00 42 70 10 00 42 00")}}};
}

RuntimeOptions logging_to(Logged& logged, LogLevel level) {
  return {.heap_pages = 16,
          .log = [&](LogLevel at, std::string_view target,
                     std::string_view message) { logged.emplace_back(at, target, message); },
          .log_level = level};
}

TEST(HostFunctions, LogGoesToTheSinkUpToTheLevel) {
  Logged logged;
  const Runtime runtime = make(logging_guest(), logging_to(logged, LogLevel::kWarn));
  (void)call(runtime, "log", join({from_hex("00"), from_text("rtdead")}));
  (void)call(runtime, "log", join({from_hex("01"), from_text("rt")}));
  (void)call(runtime, "log", join({from_hex("02"), from_text("rtnot taken")}));
  (void)call(runtime, "log", join({from_hex("00"), from_text("rt"), from_hex("ff")}));  // a message that is not UTF-8
  EXPECT_EQ(logged, (Logged{{LogLevel::kError, "rt", "dead"}, {LogLevel::kWarn, "rt", ""}}));
  EXPECT_EQ(call(runtime, "level"), from_hex("02000000"));
}

/// Logs its arguments at level error, and then traps, or panics with them, or asks for too much.
Guest panicking_guest() {
  const Bytes log = join({from_hex("41 00 42 00"), packed_arguments(), from_hex("10 00")});
  return {.imports = {{"ext_logging_log_version_1", GuestType::kLog},
                      {"ext_panic_handler_abort_on_panic_version_1", GuestType::kPrint},
                      {"ext_allocator_malloc_version_1", GuestType::kMalloc}},
          .entries = {{"trap", join({log, from_hex("00")})},
                      {"log", join({log, from_hex("42 00")})},
                      {"silent", from_hex("00")},
                      {"panic", join({packed_arguments(), from_hex("10 01 42 00")})},
                      {"ask", join({log, from_hex("41 7f 10 02 1a 42 00")})}}};
}

TEST(HostFunctions, AMessageAtLevelErrorExplainsAPanic) {
  const Runtime runtime = make(panicking_guest());
  EXPECT_EQ(call_error(runtime, "trap", from_text("it broke")).message, "unreachable; the runtime said: it broke");
  EXPECT_EQ(call_error(runtime, "trap", from_hex("ff")).message, "unreachable") << "not UTF-8";
  EXPECT_EQ(call_error(runtime, "silent").message, "unreachable") << "that was another call";
  expect_message(call_error(runtime, "panic", from_text("it broke")), "the runtime panicked: it broke");
  EXPECT_EQ(call_error(runtime, "ask", from_text("it broke")).message.find("it broke"), std::string::npos)
      << "no panic, and explained";
  std::string text(4095, 'a');
  for (int i = 0; i < 100; ++i) text += "\xC3\xA9";
  EXPECT_EQ(call_error(runtime, "trap", from_text(text)).message,
            "unreachable; the runtime said: " + std::string(4095, 'a'))
      << "cut between characters";

  const auto log = runtime.method("log");
  const auto silent = runtime.method("silent");
  ASSERT_TRUE(log && silent);
  auto lease = runtime.pool().acquire();
  ASSERT_TRUE(lease);
  Bytes result;
  ASSERT_TRUE(Runtime::call_in(*lease, *log, from_text("it broke"), result));
  EXPECT_EQ(Runtime::call_in(*lease, *silent, {}, result).error().message, "unreachable")
      << "nor that of the same lease";
}

TEST(HostFunctions, WithoutASinkNothingIsLogged) {
  const Runtime runtime = make(logging_guest());
  EXPECT_EQ(call(runtime, "level"), from_hex("00000000")) << "off";
  (void)call(runtime, "log", join({from_hex("00"), from_text("rtdead")}));
}

TEST(HostFunctions, LogChecksWhatItIsGiven) {
  const Runtime runtime = make(logging_guest());
  expect_message(call_error(runtime, "log", from_hex("05 6161")), "log level 5");
  expect_message(call_error(runtime, "log", from_hex("00 ff61")), "target is not UTF-8");
  EXPECT_EQ(call_error(runtime, "log_far").trap, TrapKind::kHostError) << "a message outside the memory";
}

TEST(HostFunctions, PrintingIsDebugOutputOfTheTargetRuntime) {
  Logged logged;
  const Runtime runtime = make(logging_guest(), logging_to(logged, LogLevel::kDebug));
  (void)call(runtime, "num", from_hex("ffffffffffffffff"));
  (void)call(runtime, "utf8", from_text("h\xC3\xA9"));
  (void)call(runtime, "utf8", from_hex("ff"));  // not UTF-8: not printed
  (void)call(runtime, "hex", from_hex("00ab"));
  (void)call(runtime, "hex", Bytes(1026));
  (void)call(runtime, "hex", Bytes(1027));
  const std::string end(1024, '0');
  EXPECT_EQ(logged, (Logged{{LogLevel::kDebug, "runtime", "18446744073709551615"},
                            {LogLevel::kDebug, "runtime", "h\xC3\xA9"},
                            {LogLevel::kDebug, "runtime", "00ab"},
                            {LogLevel::kDebug, "runtime", std::string(2052, '0')},
                            {LogLevel::kDebug, "runtime", end + "..." + end}}));

  Logged nothing;
  const Runtime quiet = make(logging_guest(), logging_to(nothing, LogLevel::kInfo));
  (void)call(quiet, "num", Bytes(8));
  EXPECT_TRUE(nothing.empty());
}

Guest asking_guest() {
  return {.imports = {{"ext_misc_runtime_version_version_1", GuestType::kVersion}},
          .entries = {{"ask", join({packed_arguments(), from_hex("10 00")})}}};
}

TEST(HostFunctions, RuntimeVersionCallsTheOtherRuntime) {
  // The other one answers with the bytes 61 73 6d 01 at its address 0.
  Guest other{.entries = {{"Core_version", join({from_hex("41 00 41 e1 e6 b5 0b 36 02 00 41 00 41 04"), pack()})}}};
  const Runtime runtime = make(asking_guest());
  EXPECT_EQ(call(runtime, "ask", other.binary()), from_hex("01 10 61736d01"));
}

TEST(HostFunctions, RuntimeVersionOfWhatCannotBeAskedIsNone) {
  const Runtime runtime = make(asking_guest());
  const Guest trapping{.entries = {{"Core_version", from_hex("00")}}};
  for (const Bytes& code : {Bytes{}, from_text("garbage"), trapping.binary(), Guest{}.binary()})
    EXPECT_EQ(call(runtime, "ask", code), from_hex("00"));
}

TEST(HostFunctions, RuntimeVersionOfLargeCodeIsReadButNotAskedFor) {
  // A custom section of 9 MiB, which costs nothing to compile.
  const auto padded = [](const Bytes& code) {
    constexpr std::size_t kBytes = 9u << 20;
    Bytes section = from_hex("00 80 80 c0 04 01 78");  // of kBytes, LEB128, with the name "x"
    section.resize(5 + kBytes);
    return join({code, section});
  };
  const Bytes asked = test::wat(R"((module (memory (export "memory") 1) (data (i32.const 0) "yes")
      (func (export "Core_version") (param i32 i32) (result i64) (i64.const 0x3_0000_0000))))");
  const Bytes version = encode_version({.spec_name = "spec", .impl_name = "impl", .apis = {}});
  const Bytes read = join({asked,
                           from_hex("00"),
                           {static_cast<std::byte>(version.size() + 16)},
                           from_hex("0f"),
                           from_text("runtime_version"),
                           version});
  const Runtime runtime = make(asking_guest(), {.heap_pages = 600});
  EXPECT_EQ(call(runtime, "ask", asked), from_hex("01 0c 796573"));
  EXPECT_EQ(call(runtime, "ask", padded(asked)), from_hex("00")) << "None";
  const Bytes answer = call(runtime, "ask", read);
  EXPECT_EQ(answer.at(0), std::byte{1});
  EXPECT_EQ(call(runtime, "ask", padded(read)), answer);
}

TEST(HostFunctions, RuntimeVersionIsAskedForOnceDeep) {
  // The one that is asked asks for a version itself: of code that says its own, if it were looked at.
  const Bytes version = test::wat(R"((module (memory (export "memory") 1) (data (i32.const 0) "yes")
      (func (export "Core_version") (param i32 i32) (result i64) (i64.const 0x3_0000_0000))))");
  std::string text;
  for (const std::byte byte : version) text += fmt::format("\\{:02x}", std::to_integer<int>(byte));
  const Bytes nested = test::wat(fmt::format(R"((module
      (import "env" "ext_misc_runtime_version_version_1" (func $ask (param i64) (result i64)))
      (memory (export "memory") 1) (data (i32.const 16) "{}")
      (func (export "Core_version") (param i32 i32) (result i64) (call $ask (i64.const 0x{:x}_0000_0010)))))",
                                             text, version.size()));
  EXPECT_EQ(call(make_from(nested), "Core_version"), from_hex("01 0c 796573")) << "directly";
  EXPECT_EQ(call(make(asking_guest()), "ask", nested), from_hex("01 04 00")) << "Some of its answer, None";
}

}  // namespace
}  // namespace anew::substrate
