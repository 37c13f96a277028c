// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/names.hpp"

#include <gtest/gtest.h>

namespace anew::component {
namespace {

TEST(ComponentNames, LabelsAreWordsInKebabCase) {
  for (const char* const label : {"a", "a-b-c", "a1-2-3", "A", "A-B-C", "A1-2-3", "a11-w0rds", "m1x3d-4CR0NYMS"})
    EXPECT_TRUE(is_label(label)) << label;
  for (const char* const text : {"", "1", "1-2-3", "-", "a-", "-a", "a--b", "aB", "Ab", "a_b", "a.b", "ä", "a b"})
    EXPECT_FALSE(is_label(text)) << text;
}

TEST(ComponentNames, ExternalNamesSayWhatTheyAre) {
  EXPECT_EQ(parse_external_name("get-value")->kind, NameKind::kLabel);
  EXPECT_EQ(parse_external_name("[constructor]fields")->kind, NameKind::kConstructor);
  EXPECT_EQ(parse_external_name("[constructor]fields")->resource, "fields");
  EXPECT_EQ(parse_external_name("[method]output-stream.write")->kind, NameKind::kMethod);
  EXPECT_EQ(parse_external_name("[method]output-stream.write")->resource, "output-stream");
  EXPECT_EQ(parse_external_name("[static]a.b")->kind, NameKind::kStatic);
  for (const char* const name : {"a:b/c", "wasi:http/types@0.2.0", "a:b/C-d@1.2.3-rc.1+build.007", "a-b:c-d/e"})
    EXPECT_EQ(parse_external_name(name)->kind, NameKind::kInterface) << name;
}

TEST(ComponentNames, WhatIsNoExternalNameIsInvalid) {
  for (const char* const name : {"",
                                 "1",
                                 "[method]a",
                                 "[method]a.",
                                 "[method].b",
                                 "[method]a.b.c",
                                 "[other]a",
                                 "[constructor]a.b",
                                 "a:b",
                                 "A:b/c",
                                 "a:B/c",
                                 "a:b/c@",
                                 "a:b/c@1",
                                 "a:b/c@1.2",
                                 "a:b/c@1.2.03",
                                 "a:b/c@1.2.3-",
                                 "a:b/c@1.2.3-01",
                                 "a:b/c@1.2.3+",
                                 "a:b/c@1.2.3.4",
                                 "a:b/c@1.2.x",
                                 "a:b/c@1.2.-3",
                                 "a:b/c/d",
                                 "a:b:c/d",
                                 ":b/c",
                                 "a:/c",
                                 "a:b/"}) {
    const auto parsed = parse_external_name(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid) << name;
  }
  for (const char* const name : {"url=<https://a.example>", "unlocked-dep=<a:b>", "[get]a", "[method][set]a.b"})
    EXPECT_EQ(parse_external_name(name).error().code, ErrorCode::kUnsupported) << name;
}

TEST(ComponentNames, ThatAreHardlyDifferentAreNot) {
  EXPECT_EQ(unique_key("foo-BAR"), unique_key("foobar"));
  EXPECT_EQ(unique_key("[method]foo.BAR"), unique_key("[static]FOO.bar"));
  EXPECT_EQ(unique_key("[method]foo-bar.foobar"), unique_key("foo-bar"));
  EXPECT_EQ(unique_key("foo:bar/BAZ@1.0.0"), unique_key("foo:bar/baz@1.0.0"));
  EXPECT_NE(unique_key("[constructor]foo"), unique_key("foo"));
  EXPECT_NE(unique_key("[method]foo.bar"), unique_key("foobar"));
  EXPECT_NE(unique_key("a:b/c@1.0.0-rc-1"), unique_key("a:b/c@1.0.0-rc1"));
}

}  // namespace
}  // namespace anew::component
