// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Thousands of requests that are almost right: the server stays up, answers each, and takes none for another.
#include "serve/wire.hpp"

#include <gtest/gtest.h>

#include <random>

namespace anew::serve::testing {
namespace {

constexpr std::string_view kGood = "POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";

/// As it is, escaped, for who has to find out what happened.
std::string shown(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c == '\r')
      text += "\\r";
    else if (c == '\n')
      text += "\\n\n";
    else if (c >= ' ' && c <= '~')
      text += c;
    else
      text += "\\x" + std::to_string(static_cast<unsigned char>(c));
  }
  return text;
}

/// What attackers put in places where it should not be.
std::string mutant(std::string bytes, const std::vector<std::string>& corpus, std::mt19937& random) {
  static constexpr std::string_view kParts[] = {"\r\n",
                                                "\n",
                                                "\r",
                                                " ",
                                                "\t",
                                                ":",
                                                ";",
                                                ",",
                                                "\"",
                                                "=",
                                                "0",
                                                "f",
                                                "\r\n\r\n",
                                                "\r\n ",
                                                "0\r\n\r\n",
                                                "\xFF",
                                                "Content-Length: 1\r\n",
                                                "Transfer-Encoding: chunked\r\n",
                                                "Transfer-Encoding: identity\r\n",
                                                "chunked",
                                                "Host: b\r\n",
                                                "Connection: close\r\n",
                                                "HTTP/1.0",
                                                "+",
                                                "-",
                                                "0x",
                                                "_",
                                                "\x0B",
                                                "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
  const auto below = [&](std::size_t limit) { return std::size_t{random()} % std::max<std::size_t>(limit, 1); };
  for (std::size_t i = 1 + below(3); i > 0; --i) {
    const std::size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0:
      case 1: bytes.insert(at, kParts[below(std::size(kParts))]); break;
      case 2: bytes.erase(at, 1 + below(4)); break;
      case 3: bytes.replace(at, std::min<std::size_t>(bytes.size() - at, 1), kParts[below(std::size(kParts))]); break;
      case 4:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random());
        break;
      default: {
        const std::string& other = corpus[below(corpus.size())];
        bytes = bytes.substr(0, at) + other.substr(below(other.size()));
      }
    }
  }
  return bytes;
}

TEST(Wire, MeansWhatItStrictlySaysOrNothing) {
  RecordingServer server;
  const std::vector<std::string> corpus = wire_corpus();
  std::mt19937 random(20);
  std::size_t taken = 0;
  std::size_t cut = 0;
  for (int batch = 0; batch < 100; ++batch) {
    for (int i = 0; i < 40; ++i) {
      const std::string bytes = mutant(corpus[random() % corpus.size()], corpus, random);
      std::vector<std::size_t> pieces;
      if (i % 4 == 0)
        for (int k = 0; k < 3; ++k) pieces.push_back(random() % (bytes.size() + 1));
      std::ranges::sort(pieces);
      const auto outcome = server.exchange(bytes, pieces);
      ASSERT_EQ(outcome.problem, "") << shown(bytes);
      taken += outcome.taken;
      cut += outcome.was_cut ? 1 : 0;
    }
    const auto good = server.exchange(kGood);
    ASSERT_EQ(good.problem, "");
    ASSERT_EQ(good.taken, 1u) << "batch " << batch;
  }
  EXPECT_GT(taken, 400u) << "hardly anything was compared";
  EXPECT_LT(cut, 2000u) << "hardly any answer was looked at";
}

/// The requests of the corpus that are right, with the number of those that come one behind the other.
TEST(Wire, IsTheSameHoweverItIsCut) {
  RecordingServer server;
  for (const std::string& bytes : wire_corpus()) {
    const auto whole = server.exchange(bytes);
    EXPECT_EQ(whole.problem, "") << shown(bytes);
    std::vector<std::size_t> everywhere;
    for (std::size_t i = 1; i < bytes.size(); ++i) everywhere.push_back(i);
    const auto bytewise = server.exchange(bytes, everywhere);
    EXPECT_EQ(bytewise.problem, "") << shown(bytes);
    EXPECT_EQ(bytewise.taken, whole.taken) << shown(bytes);
  }
}

TEST(Wire, TakesAnEmptyLineBeforeARequestHoweverItIsCut) {
  RecordingServer server;
  const std::string bytes = "\r\n" + std::string(kGood);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}}) {
    const auto outcome = server.exchange(bytes, {&cut, 1}, std::chrono::milliseconds(20));
    EXPECT_EQ(outcome.problem, "");
    EXPECT_EQ(outcome.taken, 1u) << cut;
  }
}

TEST(Wire, HasNoLineEndsInExtensionsOfChunks) {
  RecordingServer server;
  const std::string head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(server.exchange(head + "2;a=\"b\"\r\nok\r\n0;c\r\n\r\n").taken, 1u);
  // Others may take a line feed for the end of the line, and what is behind it for the chunk.
  for (const char* const chunks : {"2;a=\"\n\"\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0;a=\"\n\"\r\n\r\n"}) {
    const auto outcome = server.exchange(head + chunks);
    EXPECT_EQ(outcome.problem, "");
    EXPECT_EQ(outcome.taken, 0u) << chunks;
  }
}

}  // namespace
}  // namespace anew::serve::testing
