// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "artifact/artifact.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "artifact/content_hash.hpp"
#include "artifact/format.hpp"
#include "artifact/sample.hpp"
#include "os/temporary_directory.hpp"

namespace anew::artifact {
namespace {

constexpr Expectation kAnything{};

class ArtifactFile : public testing::Test {
 protected:
  void SetUp() override {
    umask(022);
    bytes_ = test::join(sample_.encode());
    write(bytes_);
  }
  void write(const std::vector<std::byte>& bytes) {
    const BytesView pieces[] = {bytes};
    ASSERT_TRUE(os::write_file(path_, pieces, 0644));
  }
  [[nodiscard]] Result<Loaded> read_back(const Expectation& expectation = kAnything) const {
    auto file = os::File::open(path_, os::File::Links::kRefuse);
    if (!file) return std::unexpected(file.error());
    return read(*file, expectation);
  }
  /// Expects a refusal that says `why`.
  void expect_refused(std::string_view why, const Expectation& expectation = kAnything) const {
    const auto loaded = read_back(expectation);
    ASSERT_FALSE(loaded) << why;
    EXPECT_EQ(loaded.error().code, ErrorCode::kArtifact) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(why), std::string::npos) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(path_.string()), std::string::npos) << loaded.error().message;
  }
  /// Writes the file with another head and other bytes, and the hash that fits them: what only the later checks can
  /// find.
  void forge(const std::function<void(Meta&, std::vector<std::byte>&)>& change) {
    std::vector<std::byte> bytes = bytes_;
    Meta meta;
    std::memcpy(&meta, bytes.data() + kMetaOffset, sizeof meta);
    change(meta, bytes);
    std::memcpy(bytes.data() + kMetaOffset, &meta, sizeof meta);
    ContentHasher hasher;
    hasher.add(std::span(bytes).first(kHashOffset));
    hasher.add(std::span(bytes).subspan(kHeadBytes));
    const auto hash = hasher.finish();
    std::memcpy(bytes.data() + kHashOffset, hash.data(), hash.size());
    write(bytes);
  }

  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "sample.anew";
  test::Sample sample_;
  std::vector<std::byte> bytes_;
};

TEST_F(ArtifactFile, ReadsBackAsItWasWritten) {
  const auto loaded = read_back({.hash = sample_.hash, .card_shift = 10, .marks = true});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->hash, sample_.hash);
  EXPECT_EQ(loaded->options, sample_.options);
  EXPECT_TRUE(std::ranges::equal(loaded->binary, sample_.binary));
  EXPECT_EQ(loaded->layout.card_shift(), 10u);
  const auto image = sample_.image.view();
  EXPECT_EQ(loaded->image.frames, image.frames);
  EXPECT_TRUE(std::ranges::equal(loaded->image.text, image.text));
  EXPECT_TRUE(std::ranges::equal(loaded->image.functions, image.functions));
  EXPECT_TRUE(std::ranges::equal(loaded->image.thunks, image.thunks));
  EXPECT_TRUE(std::ranges::equal(loaded->image.position_starts, image.position_starts));
  EXPECT_TRUE(std::ranges::equal(loaded->image.positions, image.positions));
  const auto same_bytes = [](const auto& one, const auto& other) {
    return std::ranges::equal(std::as_bytes(one), std::as_bytes(other));
  };
  EXPECT_TRUE(same_bytes(loaded->image.call_sites, image.call_sites));
  EXPECT_TRUE(same_bytes(loaded->image.try_blocks, image.try_blocks));
  EXPECT_TRUE(same_bytes(loaded->image.handlers, image.handlers));
  EXPECT_TRUE(same_bytes(loaded->image.roots, image.roots));
  ASSERT_EQ(loaded->module.exports.size(), 2u);
  EXPECT_EQ(loaded->module.exports[1].name, "other");
}

TEST_F(ArtifactFile, RunsFromWhereItIsMapped) {
  const auto loaded = read_back();
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (std::uint32_t i = 0; i < sample_.module.functions.size(); ++i)
    EXPECT_EQ(test::call_entry(loaded->code, i), 100 + i);
}

TEST_F(ArtifactFile, KeepsRunningWhenTheFileIsReplacedOrRemoved) {
  const auto loaded = read_back();
  ASSERT_TRUE(loaded) << loaded.error().message;
  write(test::join(test::Sample(500).encode()));
  EXPECT_EQ(test::call_entry(loaded->code, 1), 101u);
  std::filesystem::remove(path_);
  EXPECT_EQ(test::call_entry(loaded->code, 1), 101u);
}

TEST_F(ArtifactFile, IsMappedWithTextThatCannotBeWrittenAndEntriesThatCannotBeRun) {
  const auto fresh = codegen::CodeMemory::from_image(sample_.image.view());
  const auto loaded = read_back();
  ASSERT_TRUE(fresh && loaded);
  const auto access_of = [](const void* address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      char access[5] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) == 3 &&
          reinterpret_cast<std::uintptr_t>(address) >= begin && reinterpret_cast<std::uintptr_t>(address) < end) {
        return std::string(access);
      }
    }
    return std::string();
  };
  EXPECT_EQ(access_of(loaded->code.text().data()), "r-xp");
  EXPECT_EQ(access_of(loaded->code.entry(0)), "rw-p");
  EXPECT_EQ(access_of(fresh->text().data()), "r-xp");
  EXPECT_EQ(access_of(fresh->entry(0)), "rw-p");
}

TEST_F(ArtifactFile, PutsTheEntriesWhereCodeExpectsThem) {
  const auto loaded = read_back();
  ASSERT_TRUE(loaded);
  const std::size_t functions = sample_.module.functions.size();
  EXPECT_EQ(reinterpret_cast<const std::byte*>(loaded->code.entry(0)),
            loaded->code.text().data() - codegen::entries_bytes(functions));
}

TEST_F(ArtifactFile, IsRefusedWhereverItIsCutOff) {
  for (std::size_t size = bytes_.size(); size > 0;) {
    const bool near_an_end = size < 2 * kHeadBytes || size + 64 > bytes_.size();
    size -= near_an_end ? 1 : std::min<std::size_t>(size, 61);
    ASSERT_EQ(truncate(path_.c_str(), static_cast<off_t>(size)), 0);
    expect_refused("truncated");
    ASSERT_FALSE(HasFailure()) << "cut off at " << size;
  }
}

TEST_F(ArtifactFile, IsRefusedIfSomethingWasAppended) {
  bytes_.resize(bytes_.size() + 4096);
  write(bytes_);
  expect_refused("too long");
}

TEST_F(ArtifactFile, IsRefusedWhicheverByteWasChanged) {
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&file](std::size_t at, std::byte value) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(value));
    file.flush();
  };
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const std::byte flip : {std::byte{0x01}, std::byte{0x80}}) {
      put(at, bytes_[at] ^ flip);
      const auto loaded = read_back();
      ASSERT_FALSE(loaded) << "byte " << at << " of " << bytes_.size();
      ASSERT_EQ(loaded.error().code, ErrorCode::kArtifact) << loaded.error().message;
    }
    put(at, bytes_[at]);
  }
  EXPECT_TRUE(read_back());
}

TEST_F(ArtifactFile, OfAnotherFormatAbiProcessorOrModuleIsRefusedForThatReason) {
  forge([](Meta& meta, auto&) { meta.format_version = 77; });
  expect_refused("it has format version 77");
  forge([](Meta& meta, auto&) { meta.abi_version = 78; });
  expect_refused("ABI version 78");
  forge([](Meta& meta, auto&) { meta.code_version ^= 1; });
  expect_refused("made by another build of Anew");
  forge([](Meta& meta, auto&) { meta.cpu_features |= 1ull << 63; });
  expect_refused("processor features that this machine lacks");
  write(bytes_);
  Hash other = sample_.hash;
  other[31] ^= std::byte{1};
  expect_refused("compiled from another module", {.hash = other, .marks = true});
}

TEST_F(ArtifactFile, WithOtherOptionsIsRefusedForThatReason) {
  const auto expecting = [](auto change) {
    Expectation expectation;
    change(expectation);
    return expectation;
  };
  const auto marks = [&](bool wanted) { return expecting([wanted](auto& each) { each.marks = wanted; }); };
  const auto bounds = [&](bool wanted) { return expecting([wanted](auto& each) { each.explicit_bounds = wanted; }); };
  const auto fuel = [&](bool wanted) { return expecting([wanted](auto& each) { each.fuel = wanted; }); };
  const auto nan = [&](bool wanted) { return expecting([wanted](auto& each) { each.canonical_nan = wanted; }); };
  const auto stack = [&](bool wanted) { return expecting([wanted](auto& each) { each.metered_stack = wanted; }); };
  expect_refused("marks cards of 1024 bytes, and 4096 are asked for",
                 expecting([](auto& each) { each.card_shift = 12; }));
  expect_refused("code without marks is asked for", marks(false));
  expect_refused("code that does is asked for", bounds(true));
  expect_refused("counts no fuel, and code that does is asked for", fuel(true));
  expect_refused("make NaNs canonical, and code that does is asked for", nan(true));
  expect_refused("how deep calls nest, and code that does is asked for", stack(true));
  EXPECT_TRUE(read_back(expecting([](auto&) {})));
  forge([](Meta& meta, auto&) { meta.flags = 0; });
  expect_refused("code with marks is asked for", marks(true));
  EXPECT_TRUE(read_back(marks(false)));
  forge([](Meta& meta, auto&) { meta.flags = kExplicitBounds | kFuel | kCanonicalNan | kMeteredStack; });
  expect_refused("code that does not is asked for", bounds(false));
  expect_refused("counts fuel, and code that does not is asked for", fuel(false));
  expect_refused("makes NaNs canonical, and code that does not is asked for", nan(false));
  expect_refused("how deep calls nest, and code that does not is asked for", stack(false));
  const auto loaded = read_back();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->options.explicit_bounds && loaded->options.fuel && !loaded->options.marks);
  EXPECT_TRUE(loaded->options.canonical_nan && loaded->options.metered_stack);
  forge([](Meta& meta, auto&) { meta.flags = kAllFlags + 1; });
  expect_refused("options have values that no Anew writes");
  forge([](Meta& meta, auto&) { meta.card_shift = 40; });
  expect_refused("options have values that no Anew writes");
  forge([](Meta& meta, auto&) { meta.tier = {'s', 'l', 'o', 'w'}; });
  expect_refused("options have values that no Anew writes");
  forge([](Meta& meta, auto&) { meta.features = std::uint64_t{1} << kFeatures; });
  expect_refused("options have values that no Anew writes");
  forge([](Meta& meta, auto&) { meta.features = Features(Feature::kSimd).bits(); });
  EXPECT_TRUE(read_back()->module.features.has(Feature::kSimd));
}

TEST_F(ArtifactFile, WhoseSectionsLieOutsideIsRefusedBeforeTheyAreUsed) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0} - 7;
  using Member = Range Meta::*;
  for (const Member member : {&Meta::text, &Meta::functions, &Meta::thunks, &Meta::position_starts, &Meta::positions,
                              &Meta::call_sites, &Meta::try_blocks, &Meta::handlers, &Meta::module}) {
    for (const Range range : {Range{kHuge, 16}, Range{16, kHuge}, Range{kHuge, kHuge}, Range{0, 8},
                              Range{bytes_.size(), 4096}, Range{bytes_.size() - 4096, 8192}}) {
      forge([&](Meta& meta, auto&) { meta.*member = range; });
      expect_refused("sections do not fit the file");
    }
  }
  forge([](Meta& meta, auto&) { meta.text.offset += 1; });
  expect_refused("sections do not fit the file");
  forge([](Meta& meta, auto&) { meta.functions.offset += 2; });
  expect_refused("sections do not fit the file");
  forge([](Meta& meta, auto&) { meta.thunks.bytes -= 1; });
  expect_refused("sections do not fit the file");
  for (const Member member : {&Meta::call_sites, &Meta::try_blocks, &Meta::handlers}) {
    forge([&](Meta& meta, auto&) { (meta.*member).bytes -= 4; });
    expect_refused("sections do not fit the file");
    forge([&](Meta& meta, auto&) { (meta.*member).offset += 1; });
    expect_refused("sections do not fit the file");
  }
}

TEST_F(ArtifactFile, WhoseTablesDoNotFitTheModuleIsRefused) {
  const auto set_word = [](std::vector<std::byte>& bytes, std::uint64_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  constexpr std::string_view kWhy = "tables do not fit the module";
  forge([&](Meta& meta, auto& bytes) { set_word(bytes, meta.functions.offset + 4, 0xFFFF'FFFF); });
  expect_refused(kWhy);
  forge([&](Meta& meta, auto& bytes) {
    set_word(bytes, meta.functions.offset, static_cast<std::uint32_t>(meta.text.bytes));
  });
  expect_refused(kWhy);
  forge([&](Meta& meta, auto& bytes) { set_word(bytes, meta.thunks.offset, 0xFFFF'FFF0); });
  expect_refused(kWhy);
  forge([](Meta& meta, auto&) { meta.functions.bytes -= 4; });
  expect_refused(kWhy);
  forge([](Meta& meta, auto&) { meta.thunks.bytes -= 4; });
  expect_refused(kWhy);
  forge([](Meta& meta, auto&) { meta.position_starts.bytes = 0; });
  expect_refused(kWhy);
  forge([&](Meta& meta, auto& bytes) { set_word(bytes, meta.position_starts.offset, 3); });  // 3, 2, 5
  expect_refused(kWhy);
  forge([&](Meta& meta, auto& bytes) { set_word(bytes, meta.position_starts.offset + 8, 6); });  // past 5 bytes
  expect_refused(kWhy);
}

TEST_F(ArtifactFile, WhoseTryTablesLeadAstrayIsRefused) {
  const auto text_bytes = static_cast<std::uint32_t>(sample_.image.text.size());
  const auto refused = [&](const auto& change) {
    test::Sample changed;
    change(changed.image);
    bytes_ = test::join(changed.encode());  // with the hash that fits
    write(bytes_);
    expect_refused("tables do not fit the module");
  };
  using Image = codegen::Image;
  constexpr std::uint32_t kHuge = 0xFFFF'FFFF;
  refused([](Image& image) { image.call_sites[0].return_offset = 0; });
  refused([](Image& image) { image.call_sites[1].return_offset = 16; });  // not after the one before
  refused([](Image& image) { image.call_sites[2].return_offset = 39; });
  refused([&](Image& image) { image.call_sites[2].return_offset = text_bytes + 1; });
  refused([](Image& image) { image.call_sites[1].try_block = 2; });
  refused([](Image& image) { image.call_sites[1].roots = 2; });
  refused([](Image& image) { image.roots[1].next = 1; });        // itself: a list without end
  refused([](Image& image) { image.try_blocks[0].outer = 0; });  // itself: unwinding would never end
  refused([](Image& image) { image.try_blocks[0].outer = 1; });
  refused([](Image& image) { image.try_blocks[1].handlers = 3; });
  refused([](Image& image) { image.try_blocks[1].first_handler = 4; });
  refused([](Image& image) { image.try_blocks[1] = {0, 2, kHuge}; });
  refused([](Image& image) { image.try_blocks[1] = {0, kHuge, 2}; });
  refused([](Image& image) { image.handlers[0].kind = static_cast<wasm::CatchKind>(4); });
  refused([](Image& image) { image.handlers[1].tag = 1; });
  refused([&](Image& image) { image.handlers[2].offset = text_bytes; });
}

TEST_F(ArtifactFile, WhoseFramesKeepTheCellWhereNoFrameCanIsRefused) {
  for (const std::int32_t displacement : {0, 8, -4, -20, -4104, 4104, 1 << 30, -0x7FFF'FFFF - 1}) {
    forge([&](Meta& meta, auto&) { meta.kept_cell = displacement; });
    expect_refused("frames are laid out as no Anew lays them out");
  }
  for (const std::int32_t displacement : {-8, -4096, 16, 4096}) {
    forge([&](Meta& meta, auto&) { meta.kept_cell = displacement; });
    EXPECT_TRUE(read_back()) << displacement;
  }
}

TEST_F(ArtifactFile, WithAModuleThatDoesNotDecodeIsRefused) {
  forge([](Meta& meta, auto& bytes) { bytes[meta.module.offset] = std::byte{0xFF}; });
  expect_refused("does not decode");
  forge([](Meta& meta, auto&) { meta.module.bytes = 0; });
  expect_refused("does not decode");
}

TEST_F(ArtifactFile, ThatOthersMayWriteIsRefused) {
  for (const mode_t mode : {0664, 0646, 0622}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    expect_refused("group or others may write");
  }
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  EXPECT_TRUE(read_back());
}

TEST_F(ArtifactFile, ThatAnotherUserOwnsIsRefused) {
  if (chown(path_.c_str(), 65'534, 65'534) != 0) GTEST_SKIP() << "only root may give files away";
  expect_refused("another user owns it");
}

TEST_F(ArtifactFile, ThatIsNoRegularFileIsRefused) {
  std::filesystem::rename(path_, directory_ / "target");
  std::filesystem::create_symlink(directory_ / "target", path_);
  const auto link = read_back();
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().message.find("symbolic link"), std::string::npos) << link.error().message;
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  expect_refused("not a regular file");
  std::filesystem::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  expect_refused("not a regular file");
}

TEST_F(ArtifactFile, ThatIsSomeOtherElfFileIsRefused) {
  std::filesystem::copy_file("/proc/self/exe", path_, std::filesystem::copy_options::overwrite_existing);
  ASSERT_EQ(chmod(path_.c_str(), 0755), 0);
  expect_refused("not a compiled module of Anew");
}

TEST(Artifact, OfAModuleWithoutAnyCodeReadsBack) {
  const test::TemporaryDirectory directory;
  std::vector<std::byte> binary = test::sample_binary();
  binary.resize(8);  // the header alone is a module
  const wasm::Module module = wasm::decode_module(binary).value();
  const wasm::FunctionNames names(module);
  codegen::Image image;
  image.frames.kept_cell = -8;
  image.position_starts = {0};
  const auto encoded = encode({.hash = {},
                               .options = {.card_shift = 12, .marks = true},
                               .image = image.view(),
                               .module = module,
                               .names = names,
                               .binary = binary});
  ASSERT_TRUE(os::write_file(directory / "empty.anew", encoded.pieces(), 0644));
  const auto file = os::File::open(directory / "empty.anew", os::File::Links::kRefuse).value();
  const auto loaded = read(file, kAnything);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->image.text.empty());
}

std::string output_of(const std::string& command) {
  std::string output;
  if (FILE* pipe = popen((command + " 2>&1").c_str(), "r")) {
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
    pclose(pipe);
  }
  return output;
}

TEST_F(ArtifactFile, IsReadByObjdumpWithTheFunctionsNames) {
  if (output_of("command -v objdump").empty()) GTEST_SKIP() << "objdump is not installed";
  const std::string listing = output_of("objdump -d " + path_.string());
  EXPECT_NE(listing.find("file format elf64-x86-64"), std::string::npos) << listing;
  EXPECT_NE(listing.find("<answer>:"), std::string::npos) << listing;
  EXPECT_NE(listing.find("<env.log>:"), std::string::npos) << listing;
  EXPECT_NE(listing.find("<entry_thunk_1>:"), std::string::npos) << listing;
  EXPECT_NE(listing.find("mov    $0x65,%eax"), std::string::npos) << listing;  // 101, what "answer" returns
}

TEST_F(ArtifactFile, IsAnElfFileWithoutWritableSegmentsThatReadelfFindsNoFaultWith) {
  if (output_of("command -v readelf").empty()) GTEST_SKIP() << "readelf is not installed";
  const std::string listing = output_of("readelf --all --wide " + path_.string());
  EXPECT_EQ(listing.find("arning"), std::string::npos) << listing;
  EXPECT_EQ(listing.find("rror"), std::string::npos) << listing;
  EXPECT_NE(listing.find(".anew.meta"), std::string::npos) << listing;
  EXPECT_NE(listing.find(" R E "), std::string::npos) << listing;
  EXPECT_EQ(listing.find(" RW"), std::string::npos) << listing;
}

}  // namespace
}  // namespace anew::artifact
