// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The expected texts are those of c++filt (GNU Binutils 2.40), without what Anew leaves out: hashes of crates, types of
// constants, parameters, and the inside of C++'s template arguments.
#include "wasm/demangle.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace anew::wasm::test {
namespace {

struct Name {
  const char* mangled;
  const char* readable;
};

constexpr Name kRust[] = {
    // rustc's older mangling
    {"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
    {"_ZN1r5entry28_$u7b$$u7b$closure$u7d$$u7d$17h6da7f676935ada1eE", "r::entry::{{closure}}"},
    {"_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE", "<&T as core::fmt::Debug>::fmt"},
    {"_ZN4core3ptr33drop_in_place$LT$$u5b$u8$u5d$$GT$17h0123456789abcdefE", "core::ptr::drop_in_place<[u8]>"},
    {"_ZN4core3fmt5write17h0123456789abcdefE.llvm.123", "core::fmt::write"},
    // rustc's newer one
    {"_RNvMs_Cs2OpA4fNwd7R_1rINtB4_1SINtNtCslNYArtu3iFV_5alloc3vec3VechEE3newB4_", "<r::S<alloc::vec::Vec<u8>>>::new"},
    {"_RNvMs_NtCslNYArtu3iFV_5alloc3vecINtB4_3VecyE7reserveCs2OpA4fNwd7R_1r", "<alloc::vec::Vec<u64>>::reserve"},
    {"_RINvMs6_NtNtCsgEmfK2I1SDS_4core3fmt8buildersNtB6_8DebugMap7entriesRmRNtNtCslNYArtu3iFV_5alloc6string6StringINtNt"
     "NtNtCsjrHSEGnQ3l9_3std11collections4hash3map4ItermB15_EECs2OpA4fNwd7R_1r",
     "<core::fmt::builders::DebugMap>::entries::<&u32, &alloc::string::String, std::collections::hash::map::Iter<u32, "
     "alloc::string::String>>"},
    // RFC 2603 and polkadot-sdk's kind
    {"_RNvC6_123foo3bar", "123foo::bar"},
    {"_RNCNvC1a1b0", "a::b::{closure#0}"},
    {"_RNCNvC1a1bs_0", "a::b::{closure#1}"},
    {"_RNSNvC1a1b6vtable", "a::b::{shim:vtable#0}"},
    {"_RINvC1a1bKj3_Kin5_Kb1_Kc78_E", "a::b::<3, -5, true, 'x'>"},
    {"_RINvC1a1bAhj4_ShTlETEE", "a::b::<[u8; 4], [u8], (i32,), ()>"},
    {"_RINvC1a1bRL_eQhPuOcE", "a::b::<&str, &mut u8, *const (), *mut char>"},
    {"_RINvC1a1bFUKCmEuE", "a::b::<unsafe extern \"C\" fn(u32)>"},
    {"_RINvC1a1bFG_RL0_eEbE", "a::b::<for<'a> fn(&'a str) -> bool>"},
    {"_RINvC1a1bDNtC1a1Tp4Itemmp1Xh", nullptr},
    {"_RINvC1a1bDNtC1a1Tp4ItemmNtC1a1UEL_E", "a::b::<dyn a::T<Item = u32> + a::U>"},
    {"_RNvXC1aNtB2_1SNtB2_1T1f", "<a::S as a::T>::f"},
    {"_RNvYNtC1a1SNtB4_1T1f", "<a::S as a::T>::f"},
    {"_RNvC1au8gdel_5qa", "a::punycode{gdel_5qa}"},
    {"_RNvC1a1b.llvm.99", "a::b"},
    // and what is none
    {"_R", nullptr},
    {"_R0NvC1a1b", nullptr},
    {"_RNvC1a9b", nullptr},
    {"_RNvB_1a", nullptr},
    {"_RNvC1a1b!", nullptr},
    {"_RNvC1a99999999999999999999999b", nullptr},
    {"_RNvB9999999999999999999_1a", nullptr},
};

constexpr Name kCpp[] = {
    {"_Z3foov", "foo"},
    {"_ZN3foo3barEiPKc", "foo::bar"},
    {"_ZL6helperi", "helper"},
    {"_ZNSt3__16vectorIiNS_9allocatorIiEEE9push_backEOi", "std::__1::vector<...>::push_back"},
    {"_ZNKSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE4sizeEv", "std::__1::basic_string<...>::size"},
    {"_ZNSt3__16vectorIiNS_9allocatorIiEEEC2ERKS3_", "std::__1::vector<...>::vector"},
    {"_ZN3foo3BarD1Ev", "foo::Bar::~Bar"},
    {"_ZN3fooplERKNS_3BarES2_", "foo::operator+"},
    {"_ZN3foolsIiEEvT_", "foo::operator<< <...>"},
    {"_ZN3foo3BarcvbEv", "foo::Bar::operator <type>"},
    {"_Zli3_kmy", "operator\"\" _km"},
    {"_ZNSs6appendEPKc", "std::string::append"},
    {"_ZSt4moveIRiEONSt16remove_referenceIT_E4typeEOS2_", "std::move<...>"},
    {"_ZZ4mainENKUlvE_clEv", "main::{lambda}::operator()"},
    {"_ZZ4mainEN5Local3runEv", "main::Local::run"},
    {"_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo"},
    {"_ZN3fooB5cxx11Ev", "foo"},
    {"_Z1fILi5ELb1EEvv", "f<...>"},
    {"_Z1fIJidPKcEEvDpT_", "f<...>"},
    {"_Z1fIXadL_Z3barvEEEvv", nullptr},  // an expression
    {"_ZTV3Foo", nullptr},
    {"_Z", nullptr},
    {"_ZN", nullptr},
    {"_ZNE", nullptr},
    {"_ZN3foo", nullptr},
    {"_Z9foo", nullptr},
    {"_ZNS_3fooEv", nullptr},
    {"_ZNC1Ev", nullptr},
    {"_Z99999999999999999999999foo", nullptr},
};

void expect_all(std::span<const Name> names) {
  for (const Name& name : names)
    EXPECT_EQ(demangle(name.mangled), name.readable == nullptr ? "" : name.readable) << name.mangled;
}

TEST(Demangle, ReadsBothManglingsOfRust) { expect_all(kRust); }
TEST(Demangle, ReadsTheNamesOfCpp) { expect_all(kCpp); }

TEST(Demangle, LeavesOtherNamesAlone) {
  for (const char* const name :
       {"", "main", "memory.copy", "std::vector<int>::push_back(int)", "_start", "__Z3foov", "ZN3fooE"}) {
    EXPECT_EQ(demangle(name), "") << name;
  }
}

/// Each generic argument is a pair of what the one before it is.
std::string doubling(int times) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto back_reference = [&](std::size_t place) {  // to a place behind "_R"
    if (place == 0) return std::string("B_");
    std::string digits;
    for (std::size_t number = place - 1; digits.empty() || number > 0; number /= 62)
      digits.insert(digits.begin(), kDigits[number % 62]);
    return "B" + digits + "_";
  };
  std::string name = "_RINvC1a1b";
  std::size_t last = name.size() - 2;
  name += "TuuE";
  for (int i = 0; i < times; ++i) {
    const std::string reference = back_reference(last);
    last = name.size() - 2;
    name += "T" + reference + reference + "E";
  }
  return name + "E";
}

TEST(Demangle, HostileNamesCostLittle) {
  EXPECT_EQ(demangle(doubling(1)), "a::b::<((), ()), (((), ()), ((), ()))>");
  std::vector<std::string> names = {doubling(40), doubling(300)};
  std::string nested = "_ZN";
  for (int i = 0; i < 3000; ++i) nested += "1aI";
  names.push_back(nested);
  std::string constructors = "_ZN4000" + std::string(4000, 'x');  // each C1 would print the name again
  for (int i = 0; i < 4000; ++i) constructors += "C1";
  names.push_back(constructors + "Ev");
  names.push_back("_RNvC1a" + std::string(8000, 'N'));
  names.push_back("_RINvC1a1bFGzzz_uEuE");  // a binder of 238,327 lifetimes
  names.push_back("_RINvC1a1b" + std::string(15'000, 'R') + "uE");
  names.push_back("_ZN" + std::string(1'000'000, '1') + "aE");
  names.push_back("_R" + std::string(1'000'000, 'M'));
  const std::clock_t begin = std::clock();
  for (const std::string& name : names) EXPECT_EQ(demangle(name), "") << name.substr(0, 40);
  EXPECT_EQ(demangle("_Z1fI" + std::string(15'000, 'P') + "iE"), "f<...>");
  // Milliseconds, sanitizers included; followed to the end it would be centuries.
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST(Demangle, AnyBytesGiveABoundedText) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t count) { return random() % count; };
  constexpr std::string_view kLetters = "_0123456789abcdefhijlmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$.\xff";
  std::size_t readable = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::span<const Name> names = i % 2 == 0 ? std::span<const Name>(kRust) : std::span<const Name>(kCpp);
    std::string name = names[below(names.size())].mangled;
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = 2 + below(name.size() - 1);
      switch (below(4)) {
        case 0: name.insert(std::min(at, name.size()), 1, kLetters[below(kLetters.size())]); break;
        case 1: name.erase(std::min(at, name.size())); break;
        case 2: name.insert(std::min(at, name.size()), name.substr(below(name.size()), below(20))); break;
        default: name.back() = kLetters[below(kLetters.size())];
      }
      if (name.size() < 3) name += "R_";
    }
    const std::string text = demangle(name);
    ASSERT_LE(text.size(), 4000u);
    readable += text.empty() ? 0 : 1;
  }
  EXPECT_GT(readable, 1000u);
}

}  // namespace
}  // namespace anew::wasm::test
