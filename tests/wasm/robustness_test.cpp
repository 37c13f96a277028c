// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whatever the bytes are, the decoder and the validator answer. Run under the sanitizers these tests say more.
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "feature_module.hpp"
#include "module_bytes.hpp"
#include "recording_sink.hpp"
#include "wasm/names.hpp"
#include "wasm/validate_module.hpp"

namespace anew::wasm::test {
namespace {

/// The same numbers every time.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }     // fits
  std::uint8_t bit() { return static_cast<std::uint8_t>(1u << below(8)); }  // fits

 private:
  std::mt19937 engine_;
};

/// The whole way of a module, each view into an allocation of just the right size, so that a sanitizer sees a read past
/// its end.
Result<void> check(const ByteVector& original) {
  const ByteVector bytes(original.begin(), original.end());
  const Result<Module> module = decode_module(view(bytes));
  if (!module) {
    EXPECT_TRUE(module.error().offset);
    EXPECT_LE(module.error().offset.value_or(0), bytes.size()) << module.error().message;
    return std::unexpected(module.error());
  }
  const FunctionNames names(*module);
  FunctionValidator validator(*module);
  ReachabilitySink sink;
  for (std::uint32_t i = 0; i < module->bodies.size(); ++i) {
    if (Result<void> result = validator.validate(i, sink); !result) {
      EXPECT_GE(result.error().offset.value_or(0), module->bodies[i].offset) << result.error().message;
      EXPECT_LE(result.error().offset.value_or(0), module->bodies[i].offset + module->bodies[i].bytes.size());
      return result;
    }
  }
  return {};
}

/// A module with something of everything that WebAssembly 2.0 has without vectors.
ByteVector rich_module() {
  // clang-format off
  const ByteVector operators = {
      0x02, 3,                                                                      // block
      0x20, 0, 0x04, kEmpty, 0x20, 0, 0x0D, 0, 0x01, 0x05, 0x03, kEmpty, 0x0B, 0x0B,  // if, br_if, else, loop
      0x20, 0, 0x28, 2, 0x84, 0x01,                                                 // i32.load
      0x42, 0x80, 0x80, 0x80, 0x10,                                                 // i64.const
      0x0C, 0, 0x0B,                                                                // br, end
      0x1A, 0x02, kEmpty, 0x02, kEmpty, 0x41, 1, 0x0E, 2, 0, 1, 0, 0x0B, 0x0B,      // br_table
      0x43, 0, 0, 0x80, 0x3F, 0x1A,                                                 // f32.const
      0x41, 0, 0x11, 0, 0,                                                          // call_indirect
      0x10, 0, 0x20, 0, 0x41, 0x7F, 0x1B,                                           // call, select
      0xD2, 1, 0xD0, kFuncRef, 0x41, 0, 0x1C, 1, kFuncRef, 0x1A,                    // ref.func, ref.null, select
      0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 10, 0, 0,                                    // memory.copy
      0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 8, 0, 0,                                     // memory.init
      0xFC, 16, 1, 0x1A,                                                            // table.size
      0x00, 0x6A, 0x1A, 0x41, 0,                                                    // unreachable
  };
  // clang-format on
  return module_around(operators, 1, {2, 3, kI64, 1, kFuncRef});
}

/// And one with something of all the rest.
ByteVector rich_module_of_features() {
  // clang-format off
  const ByteVector operators = {
      0x02, kEmpty, 0xD0, 1, 0xD5, 0, 0x1A, 0x0B,                                   // br_on_null
      0x02, kRef, 1, 0xD2, 0, 0xD6, 0, 0x00, 0x0B, 0x22, 1, 0x1A,                   // br_on_non_null, local.tee
      0x20, 0, 0x20, 1, 0x14, 1, 0x1A,                                              // call_ref
      0xD0, 1, 0xD4, 0x1A,                                                          // ref.as_non_null
      0x02, 7, 0x02, 10,                                                            // blocks for what is caught
      0x1F, kEmpty, 2, 0, 0, 0, 3, 1, 0x08, 1, 0x0B, 0x00, 0x0B, 0x1A, 0x1A, 0x00, 0x0B,  // try_table, throw
      0x1A, 0x20, 0, 0x04, kEmpty, 0xD0, kExnRef, 0x0A, 0x05, 0x0B,                 // throw_ref
  };
  const ByteVector more = {
      0x41, 0, 0xFD, 0x00, 4, 0x80, 0x01, 0xFD, 0x0C, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,  // v128
      0xFD, 0x0D, 0, 1, 2, 3, 4, 5, 6, 7, 31, 30, 29, 28, 27, 26, 25, 24,           // i8x16.shuffle
      0x23, 0, 0x23, 0, 0xFD, 0x86, 0x02, 0x20, 2, 0x23, 0, 0xFD, 0x52,                      // two operators with three operands
      0xFD, 0x15, 3, 0x1A,                                                          // i8x16.extract_lane_s
      0x42, 0, 0x23, 0, 0xFD, 0x5B, 0x43, 1, 0, 1,                                  // v128.store64_lane of memory 1
      0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 10, 1, 0,                                    // memory.copy
      0x42, 0, 0x25, 1, 0x1A,                                                       // table.get
      0x41, 0, 0x42, 0, 0x42, 1, 0xFE, 0x49, 3, 0, 0x1A, 0xFE, 0x03, 0,             // atomics
      0x20, 0, 0x41, 0, 0x13, 1, 0,                                                 // return_call_indirect
  };
  // clang-format on
  return feature_module(join({operators, more}), 1, {2, 1, kRef, 1, 1, kV128});
}

/// And one with recursive groups, supertypes and casts.
ByteVector rich_module_of_types() {
  // clang-format off
  const ByteVector operators = {
      0x20, 0, 0xFB, 0x14, 1, 0x1A, 0x20, 0, 0xFB, 0x15, kFuncRef, 0x1A,            // ref.test
      0x20, 0, 0xFB, 0x16, 2, 0x1A, 0xD0, kExternRef, 0xFB, 0x17, 0x72, 0x1A,       // ref.cast
      0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, 1, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A,       // br_on_cast
      0x02, kRefNull, 0, 0x20, 0, 0xFB, 0x19, 1, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A,   // br_on_cast_fail
      0xD0, 0x71, 0x1A, 0xD0, 0x6D, 0xFB, 0x14, 0x6E, 0x1A,                         // ref.null none, eq
      0x41, 0, 0x11, 0, 0, 0x1A, 0x20, 0, 0x14, 0, 0x1A,                            // call_indirect, call_ref
  };
  // clang-format on
  return module({
      section(1, vector({{0x4E, 3, 0x50,     0, 0x60, 0, 1, kRefNull, 1, 0x50, 1,    0, 0x60,
                          0,    1, kRefNull, 2, 0x4F, 1, 1, 0x60,     0, 1,    kRef, 2},
                         {0x60, 1, kRefNull, 0, 0},
                         {0x4E, 0},
                         {0x50, 0, 0x60, 0, 0},
                         {0x4F, 1, 4, 0x60, 0, 0}})),
      section(2, vector({{0, 0, 0, 1}})),
      section(3, vector({{3}})),
      section(4, vector({{kRefNull, 0, 0x00, 4}})),
      section(10, vector({body(operators)})),
  });
}

struct RichModule {
  const char* name;
  ByteVector (*make)();
};
void PrintTo(const RichModule& rich, std::ostream* out) { *out << rich.name; }

class Robustness : public testing::TestWithParam<RichModule> {};
INSTANTIATE_TEST_SUITE_P(Modules, Robustness,
                         testing::Values(RichModule{"plain", rich_module},
                                         RichModule{"features", rich_module_of_features},
                                         RichModule{"types", rich_module_of_types}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(Robustness, EveryTruncationIsAnError) {
  const ByteVector whole = GetParam().make();
  const Result<void> valid = check(whole);
  ASSERT_TRUE(valid) << valid.error().message << " at " << valid.error().offset.value_or(0);
  const Module module = decode_module(view(whole)).value();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Cut between sections before the functions are announced, what is left is a module of its own.
    bool is_module = size == 8;
    for (const SectionRange& section : module.sections) {
      is_module |= section.id < 3 && size == section.offset + section.size;
    }
    const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(check(cut).has_value(), is_module) << size;
  }
}

TEST_P(Robustness, EveryTruncationOfABodyIsAnError) {
  const ByteVector whole = GetParam().make();
  Module module = decode_module(view(whole)).value();
  const FunctionBody body = module.bodies[0];
  for (std::size_t size = 0; size < body.bytes.size(); ++size) {
    const std::vector<std::byte> cut(body.bytes.begin(), body.bytes.begin() + size);
    module.bodies[0].bytes = cut;
    FunctionValidator validator(module);
    NullSink sink;
    const Result<void> result = validator.validate(0, sink);
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error().code, ErrorCode::kMalformed) << size << ": " << result.error().message;
    EXPECT_LE(result.error().offset.value(), body.offset + size);
  }
}

TEST_P(Robustness, NoChangedByteDoesHarm) {
  const ByteVector whole = GetParam().make();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      ByteVector changed = whole;
      changed[i] = static_cast<std::uint8_t>(value);  // below 256
      (void)check(changed);                           // any answer will do
    }
  }
}

TEST_P(Robustness, NoRandomChangesDoHarm) {
  const ByteVector whole = GetParam().make();
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    ByteVector changed = whole;
    for (std::size_t n = 1 + random.below(4); n > 0; --n) {
      const std::size_t at = random.below(changed.size());
      switch (random.below(4)) {
        case 0: changed[at] ^= random.bit(); break;
        case 1: changed[at] = random.byte(); break;
        case 2: changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), random.byte()); break;
        default: changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at)); break;
      }
    }
    (void)check(changed);  // any answer will do
    // With some proposals only, it is accepted just if they are all that is needed.
    const Features accepted = Features::from_bits(static_cast<std::uint32_t>(random.below(1u << kFeatures)));
    const Result<Features> needed = validate_module(view(changed), Features::all());
    const Result<Features> narrow = validate_module(view(changed), accepted);
    EXPECT_EQ(narrow.has_value(), needed && accepted.has_all(*needed)) << round;
    if (needed && !narrow) {
      EXPECT_EQ(narrow.error().code, ErrorCode::kUnsupported) << narrow.error().message;
    }
  }
}

#if ANEW_WITH_SUBSTRATE  // reads the module out of a chain's specification
TEST(RobustnessOfARealModule, WithRandomChanges) {
  const char* folder = std::getenv("ANEW_CHAIN_SPECS");
  const std::filesystem::path spec =
      std::filesystem::path(folder != nullptr ? folder : ANEW_SOURCE_DIR "/build/chain-specs") / "kusama.json";
  const auto runtime = substrate::load_runtime(spec);
  ASSERT_TRUE(runtime) << runtime.error().message << "; run scripts/fetch-chain-specs";
  ByteVector whole;
  for (const std::byte byte : runtime->code) whole.push_back(std::to_integer<std::uint8_t>(byte));
  const Result<void> valid = check(whole);
  ASSERT_TRUE(valid) << valid.error().message;
  const Module module = decode_module(view(whole)).value();
  ASSERT_FALSE(module.bodies.empty());

  // Function bodies one by one: most changes to a whole module would only meet the data.
  Random random(2);
  Module changed_module = module;
  FunctionValidator validator(changed_module);
  for (int round = 0; round < 20'000; ++round) {
    const auto index = static_cast<std::uint32_t>(random.below(module.bodies.size()));  // below 2^32
    const BytesView body = module.bodies[index].bytes;
    if (body.size() > 20'000) {
      continue;
    }
    std::vector<std::byte> changed(body.begin(), body.end());
    for (std::size_t n = 1 + random.below(3); n > 0; --n) {
      changed[random.below(changed.size())] = std::byte{random.byte()};
    }
    changed_module.bodies[index].bytes = changed;
    ReachabilitySink sink;
    (void)validator.validate(index, sink);  // any answer will do
    changed_module.bodies[index].bytes = body;
  }
  // The module as a whole, where the sections other than code and data are.
  for (int round = 0; round < 300; ++round) {
    const SectionRange& section = module.sections[random.below(module.sections.size())];
    if (section.id == 10 || section.size == 0) {
      continue;
    }
    ByteVector changed = whole;
    changed[section.offset - 2 + random.below(std::min<std::uint64_t>(section.size, 2000))] ^= random.bit();
    const Result<Module> result = decode_module(view(changed));
    if (!result) {
      EXPECT_LE(result.error().offset.value(), changed.size());
    }
  }
}
#endif

}  // namespace
}  // namespace anew::wasm::test
