// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/merlin.hpp"

#include <gtest/gtest.h>

#include "host/substrate/octets.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

Bytes challenge_of(Transcript& transcript, std::size_t size = 32) {
  Bytes bytes(size);
  transcript.challenge("challenge", bytes);
  return bytes;
}

// The vectors of Merlin's own tests and of those of its ports.
TEST(Merlin, SimpleTranscript) {
  Transcript transcript("test protocol");
  transcript.append("some label", from_text("some data"));
  EXPECT_EQ(challenge_of(transcript), from_hex("d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"));
}

TEST(Merlin, TranscriptOverManyBlocks) {
  Transcript transcript("test protocol");
  transcript.append("step1", from_text("some data"));
  const Bytes data(1024, std::byte{99});
  Bytes challenge;
  for (int i = 0; i < 32; ++i) {
    challenge = challenge_of(transcript);
    transcript.append("bigdata", data);
    transcript.append("challengedata", challenge);
  }
  EXPECT_EQ(challenge, from_hex("a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c"));
}

TEST(Merlin, StrobeConforms) {
  Strobe128 strobe(as_bytes("Conformance Test Protocol"));
  strobe.meta_ad(as_bytes("ms"));
  strobe.meta_ad(as_bytes("g"), true);
  strobe.ad(Bytes(1024, std::byte{99}));
  Bytes output(32);
  strobe.meta_ad(as_bytes("prf"));
  strobe.prf(output);
  EXPECT_EQ(output, from_hex("b48e645ca17c667fd5206ba57a6a228d72d8e1903814d3f17f622996d7cfefb0"));
  strobe.meta_ad(as_bytes("key"));
  strobe.key(output);
  strobe.meta_ad(as_bytes("prf"));
  strobe.prf(output);
  EXPECT_EQ(output, from_hex("07e45cce8078cee259e3e375bb85d75610e2d1e1201c5f645045a194edd49ff8"));
}

TEST(Merlin, ChallengesDependOnAllThatWentBefore) {
  Transcript one("test protocol");
  one.append("ab", from_text("c"));
  Transcript other("test protocol");
  other.append("a", from_text("bc"));
  EXPECT_NE(challenge_of(one), challenge_of(other));

  Transcript drawn("test protocol");
  drawn.append("ab", from_text("c"));
  const Bytes first = challenge_of(drawn);
  EXPECT_NE(challenge_of(drawn), first);
}

TEST(Merlin, WitnessesAreFreshAndLeaveTheTranscriptAlone) {
  Transcript transcript("test protocol");
  Transcript untouched = transcript;
  const Bytes secret = from_text("secret");
  Bytes first(64);
  Bytes second(64);
  transcript.witness("signing", {secret}, first);
  transcript.witness("signing", {secret}, second);
  EXPECT_NE(first, second);
  EXPECT_NE(first, Bytes(64));
  EXPECT_EQ(challenge_of(transcript), challenge_of(untouched));
}

}  // namespace
}  // namespace anew::substrate
