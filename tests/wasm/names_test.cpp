// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/names.hpp"

#include <gtest/gtest.h>

#include "module_bytes.hpp"

namespace anew::wasm::test {
namespace {

ByteVector with_name_section(const ByteVector& payload) { return join({module_around({}), custom("name", payload)}); }

FunctionNames names_of(const ByteVector& bytes) { return FunctionNames(decode_module(view(bytes)).value()); }

TEST(FunctionNames, ComeFromImportsAndExports) {
  const FunctionNames names = names_of(module_around({}));
  EXPECT_EQ(names[0], "env.f");
  EXPECT_EQ(names[1], "run");
  EXPECT_EQ(names[2], "");
  EXPECT_EQ(names[3], "");
  EXPECT_EQ(FunctionNames()[0], "");
}

TEST(FunctionNames, TheNameSectionComesFirst) {
  const FunctionNames names = names_of(with_name_section(
      join({{0},
            sized(text("module")),
            {1},
            sized(vector({join({{0}, text("imported")}), join({{2}, text("last")}), join({{9}, text("none")})}))})));
  EXPECT_EQ(names[0], "imported");
  EXPECT_EQ(names[1], "run");
  EXPECT_EQ(names[2], "last");
}

TEST(FunctionNames, AreReadUpToTheFirstBadByte) {
  const FunctionNames bad_text =
      names_of(with_name_section(join({{1}, sized(join({{2}, {1}, text("good"), {2, 1, 0xFF}}))})));
  EXPECT_EQ(bad_text[1], "good");
  EXPECT_EQ(bad_text[2], "");
  const FunctionNames bad_size = names_of(with_name_section({1, 100, 1, 1, 1, 'x'}));
  EXPECT_EQ(bad_size[1], "run");
  const FunctionNames bad_count = names_of(with_name_section({1, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}));
  EXPECT_EQ(bad_count[0], "env.f");
  const FunctionNames truncated = names_of(with_name_section({0, 0, 1}));
  EXPECT_EQ(truncated[0], "env.f");
}

}  // namespace
}  // namespace anew::wasm::test
