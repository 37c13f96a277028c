// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WASI 0.2 but for wasi:http, function by function.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "os/temporary_directory.hpp"
#include "wasi/host2.hpp"

namespace anew::test {
namespace {

using component::Value;

constexpr const char* kStreams = "io/streams";
constexpr const char* kFiles = "filesystem/types";
constexpr std::uint32_t kFailedStream = 0;
constexpr std::uint32_t kClosed = 1;

// Cases of the error-code of wasi:filesystem.
constexpr std::uint32_t kBadDescriptor = 3;
constexpr std::uint32_t kExist = 7;
constexpr std::uint32_t kInvalid = 12;
constexpr std::uint32_t kIsDirectory = 14;
constexpr std::uint32_t kNameTooLong = 18;
constexpr std::uint32_t kNoEntry = 20;
constexpr std::uint32_t kInsufficientMemory = 22;
constexpr std::uint32_t kNotDirectory = 24;
constexpr std::uint32_t kNotEmpty = 25;
constexpr std::uint32_t kNotPermitted = 31;
constexpr std::uint32_t kReadOnly = 33;

constexpr std::uint32_t kRead = 1;
constexpr std::uint32_t kWrite = 2;
constexpr std::uint32_t kMutate = 32;
constexpr std::uint32_t kCreate = 1;
constexpr std::uint32_t kDirectory = 2;
constexpr std::uint32_t kExclusive = 4;

std::string method(const std::string& name) { return "[method]" + name; }

TEST(WasiOfComponents, ArgumentsAndEnvironment) {
  HostGuest guest({.arguments = {"program", "\xFFx"}, .environment = {"A=b=c", "EMPTY", "B="}});
  guest.check([](Host& host) {
    EXPECT_EQ(host.call("cli/environment", "get-arguments"), (Values{std::string("program"), std::string("\uFFFDx")}));
    EXPECT_EQ(host.call("cli/environment", "get-environment"),
              (Values{Values{std::string("A"), std::string("b=c")}, Values{std::string("EMPTY"), std::string()},
                      Values{std::string("B"), std::string()}}));
    EXPECT_EQ(host.call("cli/environment", "initial-cwd"), component::none());
  });
}

TEST(WasiOfComponents, StandardStreams) {
  HostGuest guest({.standard_input = std::string("some input"), .standard_output = wasi::Capture{8}});
  guest.check([](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.read"), {input, std::uint64_t{4}})), "some");
    EXPECT_EQ(host.ok(kStreams, method("input-stream.skip"), {input, std::uint64_t{1}}).as<std::uint64_t>(), 1u);
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.blocking-read"), {input, ~std::uint64_t{0}})), "input");
    EXPECT_EQ(host.error(kStreams, method("input-stream.read"), {input, std::uint64_t{1}}), kClosed);
    const Value output = lent(host.call("cli/stdout", "get-stdout"));
    EXPECT_GE(host.ok(kStreams, method("output-stream.check-write"), {output}).as<std::uint64_t>(), 4096u);
    host.ok(kStreams, method("output-stream.write"), {output, to_bytes("12345")});
    host.ok(kStreams, method("output-stream.blocking-flush"), {output});
    EXPECT_EQ(host.error(kStreams, method("output-stream.blocking-write-and-flush"), {output, to_bytes("6789")}),
              kFailedStream);
    EXPECT_EQ(host.error(kStreams, method("output-stream.check-write"), {output}), kClosed);
    // All streams of standard output are one.
    const Value again = lent(host.call("cli/stdout", "get-stdout"));
    EXPECT_EQ(host.error(kStreams, method("output-stream.check-write"), {again}), kClosed);
  });
  EXPECT_EQ(wasi::Context::find(guest.lease())->standard_output(), "12345678");
  guest.renew();
  guest.check([](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.read"), {input, std::uint64_t{4}})), "some");
    const Value output = lent(host.call("cli/stdout", "get-stdout"));
    host.ok(kStreams, method("output-stream.blocking-write-and-flush"), {output, to_bytes("new")});
  });
  EXPECT_EQ(wasi::Context::find(guest.lease())->standard_output(), "new");
}

TEST(WasiOfComponents, WritingMoreThanPermittedTraps) {
  HostGuest guest({});
  const auto error = guest.run([](Host& host) {
    const Value output = lent(host.call("cli/stdout", "get-stdout"));
    const auto room = host.ok(kStreams, method("output-stream.check-write"), {output}).as<std::uint64_t>();
    EXPECT_FALSE(host.attempt(kStreams, method("output-stream.write"), {output, Bytes(room + 1)}));
    EXPECT_FALSE(host.attempt(kStreams, method("output-stream.write-zeroes"), {output, ~std::uint64_t{0}}));
  });
  EXPECT_FALSE(error);
}

TEST(WasiOfComponents, CallbackThatFailsTraps) {
  HostGuest guest({.standard_input = wasi::Reader([](std::span<std::byte>) -> Result<std::size_t> {
                     return fail(ErrorCode::kIo, "the line is dead");
                   })});
  guest.check([](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    const auto read = host.attempt(kStreams, method("input-stream.read"), {input, std::uint64_t{4}});
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("the line is dead"), std::string::npos);
  });
}

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_) != 0) throw std::runtime_error("pipe failed");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_write();
    close_read();
  }
  int reads() const { return ends_[0]; }
  int writes() const { return ends_[1]; }
  void close_write() { close(std::exchange(ends_[1], -1)); }
  void close_read() { close(std::exchange(ends_[0], -1)); }

 private:
  int ends_[2];
};

TEST(WasiOfComponents, InputFromAPipeDoesNotWaitUnlessAskedTo) {
  Pipe pipe;
  HostGuest guest({.standard_input = wasi::Descriptor{pipe.reads()}});
  guest.check([&](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.read"), {input, std::uint64_t{9}})), "");
    const Value pollable = lent(host.call(kStreams, method("input-stream.subscribe"), {input}));
    EXPECT_FALSE(host.call("io/poll", method("pollable.ready"), {pollable}).as<bool>());
    std::thread writer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      EXPECT_EQ(write(pipe.writes(), "late", 4), 4);
    });
    const Value never = lent(host.call("clocks/monotonic-clock", "subscribe-duration", {~std::uint64_t{0}}));
    EXPECT_EQ(host.call("io/poll", "poll", {Value(Values{never, pollable, pollable})}),
              (Values{std::uint32_t{1}, std::uint32_t{2}}));
    writer.join();
    EXPECT_TRUE(host.call("io/poll", method("pollable.ready"), {pollable}).as<bool>());
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.blocking-read"), {input, std::uint64_t{9}})), "late");
    pipe.close_write();
    EXPECT_EQ(host.error(kStreams, method("input-stream.blocking-read"), {input, std::uint64_t{9}}), kClosed);
  });
}

TEST(WasiOfComponents, OutputToAFullPipeWaitsForItsReader) {
  Pipe pipe;
  std::size_t written = 0;
  std::size_t received = 0;
  std::thread reader;
  {
    HostGuest guest({.standard_output = wasi::Descriptor{pipe.writes()}});
    pipe.close_write();
    guest.check([&](Host& host) {
      const Value output = lent(host.call("cli/stdout", "get-stdout"));
      // Until nothing is permitted any more: the pipe is full, and so is what is kept for it.
      for (;;) {
        const auto room = host.ok(kStreams, method("output-stream.check-write"), {output}).as<std::uint64_t>();
        if (room == 0) break;
        host.ok(kStreams, method("output-stream.write"), {output, Bytes(room)});
        written += room;
        ASSERT_LT(written, 100'000'000u);
      }
      const Value pollable = lent(host.call(kStreams, method("output-stream.subscribe"), {output}));
      EXPECT_FALSE(host.call("io/poll", method("pollable.ready"), {pollable}).as<bool>());
      reader = std::thread([&] {
        std::array<char, 4096> bytes;
        for (ssize_t count = 1; count > 0; received += static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
          count = read(pipe.reads(), bytes.data(), bytes.size());
      });
      host.call("io/poll", method("pollable.block"), {pollable});
      EXPECT_GT(host.ok(kStreams, method("output-stream.check-write"), {output}).as<std::uint64_t>(), 0u);
      host.ok(kStreams, method("output-stream.blocking-write-and-flush"), {output, Bytes(400'000)});
      written += 400'000;
    });
  }
  reader.join();
  EXPECT_EQ(received, written);
}

TEST(WasiOfComponents, OutputToAClosedPipeIsAnError) {
  Pipe pipe;
  HostGuest guest({.standard_output = wasi::Descriptor{pipe.writes()}});
  pipe.close_read();
  guest.check([&](Host& host) {
    const Value output = lent(host.call("cli/stdout", "get-stdout"));
    EXPECT_EQ(host.error(kStreams, method("output-stream.blocking-write-and-flush"), {output, to_bytes("x")}),
              kFailedStream);
    EXPECT_EQ(host.error(kStreams, method("output-stream.check-write"), {output}), kClosed);
  });
}

TEST(WasiOfComponents, WaitingEndsAtTheDeadline) {
  Pipe pipe;
  HostGuest guest({.standard_input = wasi::Descriptor{pipe.reads()}});
  guest.lease().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  const auto error = guest.run([](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    EXPECT_FALSE(host.attempt(kStreams, method("input-stream.blocking-read"), {input, std::uint64_t{9}}));
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->trap, TrapKind::kInterrupted);
}

TEST(WasiOfComponents, Clocks) {
  HostGuest guest({.clock = wasi::Clock::kSimulated});
  guest.check([](Host& host) {
    const auto now = host.call("clocks/monotonic-clock", "now").as<std::uint64_t>();
    EXPECT_EQ(host.call("clocks/monotonic-clock", "resolution").as<std::uint64_t>(), 1000u);
    constexpr std::uint64_t kHour = 3'600'000'000'000;
    const Value pollable = lent(host.call("clocks/monotonic-clock", "subscribe-instant", {now + kHour}));
    EXPECT_FALSE(host.call("io/poll", method("pollable.ready"), {pollable}).as<bool>());
    host.call("io/poll", method("pollable.block"), {pollable});  // takes no time
    EXPECT_GE(host.call("clocks/monotonic-clock", "now").as<std::uint64_t>(), now + kHour);
    const Value wall = host.call("clocks/wall-clock", "now");
    EXPECT_EQ(wall.as<Values>().at(0).as<std::uint64_t>(), 3600u);
    EXPECT_LT(wall.as<Values>().at(1).as<std::uint32_t>(), 1'000'000'000u);
  });
}

TEST(WasiOfComponents, PollOfNothingTraps) {
  HostGuest guest({});
  guest.check([](Host& host) { EXPECT_FALSE(host.attempt("io/poll", "poll", {Value(Values{})})); });
}

TEST(WasiOfComponents, RandomBytes) {
  const auto bytes = [] {
    HostGuest guest({.random_seed = 7});
    std::string text;
    guest.check([&](Host& host) {
      text = to_text(host.call("random/random", "get-random-bytes", {std::uint64_t{11}}));
      EXPECT_FALSE(host.attempt("random/random", "get-random-bytes", {std::uint64_t{1} << 40}));
      EXPECT_NE(host.call("random/insecure", "get-insecure-random-u64"),
                host.call("random/insecure", "get-insecure-random-u64"));
      EXPECT_EQ(host.call("random/insecure-seed", "insecure-seed").as<Values>().size(), 2u);
    });
    return text;
  };
  const std::string first = bytes();
  EXPECT_EQ(first.size(), 11u);
  EXPECT_EQ(bytes(), first);
}

TEST(WasiOfComponents, Exit) {
  HostGuest guest({});
  guest.check([](Host& host) { EXPECT_FALSE(host.attempt("cli/exit", "exit-with-code", {std::uint8_t{42}})); });
  EXPECT_EQ(wasi::Context::find(guest.lease())->exit_code(), 42u);
}

TEST(WasiOfComponents, NoNetwork) {
  HostGuest guest({});
  guest.check([](Host& host) {
    constexpr std::uint32_t kDenied = 1;
    const Value network = lent(host.call("sockets/instance-network", "instance-network"));
    EXPECT_EQ(host.error("sockets/tcp-create-socket", "create-tcp-socket", {Case(0)}), kDenied);
    EXPECT_EQ(host.error("sockets/udp-create-socket", "create-udp-socket", {Case(1)}), kDenied);
    EXPECT_EQ(host.error("sockets/ip-name-lookup", "resolve-addresses", {network, std::string("example.org")}),
              kDenied);
  });
}

TEST(WasiOfComponents, AResourceOfAnotherTypeIsNotTaken) {
  HostGuest guest({});
  const auto error = guest.run([](Host& host) {
    const Value input = lent(host.call("cli/stdin", "get-stdin"));
    (void)host.attempt(kStreams, method("output-stream.check-write"), {input});
  });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("another type"), std::string::npos);
}

TEST(WasiOfComponents, ResourcesAreBoundedAndGoWithTheLease) {
  HostGuest guest({});
  for (int round = 0; round < 2; ++round) {
    guest.check([](Host& host) {
      int count = 0;
      for (; count < 100'000; ++count)
        if (!host.attempt("clocks/monotonic-clock", "subscribe-duration", {std::uint64_t{0}})) break;
      EXPECT_EQ(count, 16'384);
      host.drop("io/poll", "pollable", Resource{5, true});
      EXPECT_TRUE(host.attempt("clocks/monotonic-clock", "subscribe-duration", {std::uint64_t{0}}));
      EXPECT_FALSE(host.attempt("clocks/monotonic-clock", "subscribe-duration", {std::uint64_t{0}}));
    });
    guest.renew();
  }
}

/// A directory that the guest has as "/d".
class FilesOfComponents : public ::testing::Test {
 protected:
  static wasi::Options options(const std::filesystem::path& path, bool read_only) {
    return {.directories = {{.host_path = path, .guest_path = "/d", .read_only = read_only}}, .maximum_descriptors = 8};
  }
  static Value root(Host& host) {
    const Value directories = host.call("filesystem/preopens", "get-directories");
    EXPECT_EQ(directories.as<Values>().size(), 1u);
    EXPECT_EQ(directories.as<Values>().at(0).as<Values>().at(1), Value(std::string("/d")));
    return lent(directories.as<Values>().at(0).as<Values>().at(0));
  }
  static Values open_arguments(const Value& directory, const std::string& path, std::uint32_t open_flags,
                               std::uint32_t flags) {
    return {directory, Flags{1}, path, Flags{open_flags}, Flags{flags}};
  }
  static Value open(Host& host, const Value& directory, const std::string& path, std::uint32_t open_flags = 0,
                    std::uint32_t flags = kRead) {
    return lent(host.ok(kFiles, method("descriptor.open-at"), open_arguments(directory, path, open_flags, flags)));
  }

  TemporaryDirectory directory_;
  HostGuest guest_{options(directory_.path(), false)};
};

TEST_F(FilesOfComponents, ReadAndWrite) {
  write_text(directory_ / "text", "0123456789");
  guest_.check([](Host& host) {
    const Value dir = root(host);
    const Value file = open(host, dir, "text", 0, kRead | kWrite);
    EXPECT_EQ(host.ok(kFiles, method("descriptor.get-flags"), {file}), Value(Flags{kRead | kWrite}));
    EXPECT_EQ(host.ok(kFiles, method("descriptor.get-flags"), {dir}), Value(Flags{kRead | kMutate}));
    EXPECT_EQ(host.ok(kFiles, method("descriptor.get-type"), {file}), Value(Case(6)));
    Value read = host.ok(kFiles, method("descriptor.read"), {file, std::uint64_t{4}, std::uint64_t{3}});
    EXPECT_EQ(to_text(read.as<Values>().at(0)), "3456");
    EXPECT_FALSE(read.as<Values>().at(1).as<bool>());
    read = host.ok(kFiles, method("descriptor.read"), {file, std::uint64_t{4}, std::uint64_t{10}});
    EXPECT_TRUE(read.as<Values>().at(1).as<bool>());
    EXPECT_EQ(host.ok(kFiles, method("descriptor.write"), {file, to_bytes("ab"), std::uint64_t{1}}),
              Value(std::uint64_t{2}));

    const Value input = lent(host.ok(kFiles, method("descriptor.read-via-stream"), {file, std::uint64_t{1}}));
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.read"), {input, std::uint64_t{3}})), "ab3");
    EXPECT_EQ(to_text(host.ok(kStreams, method("input-stream.blocking-read"), {input, std::uint64_t{100}})), "456789");
    EXPECT_EQ(host.error(kStreams, method("input-stream.read"), {input, std::uint64_t{3}}), kClosed);

    const Value output = lent(host.ok(kFiles, method("descriptor.write-via-stream"), {file, std::uint64_t{9}}));
    host.ok(kStreams, method("output-stream.write"), {output, to_bytes("X")});
    host.ok(kStreams, method("output-stream.blocking-write-zeroes-and-flush"), {output, std::uint64_t{2}});
    const Value end = lent(host.ok(kFiles, method("descriptor.append-via-stream"), {file}));
    host.ok(kStreams, method("output-stream.blocking-write-and-flush"), {end, to_bytes("end")});
    // Both are there when the descriptor is not any more.
    host.drop(kFiles, "descriptor", file);
    host.ok(kStreams, method("output-stream.blocking-write-and-flush"), {end, to_bytes(".")});
  });
  std::ifstream file(directory_ / "text", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, std::string("0ab345678X\0\0end.", 16));
}

TEST_F(FilesOfComponents, Splice) {
  write_text(directory_ / "from", std::string(300'000, 's'));
  guest_.check([](Host& host) {
    const Value dir = root(host);
    const Value from = open(host, dir, "from");
    const Value to = open(host, dir, "to", kCreate | kExclusive, kWrite);
    const Value input = lent(host.ok(kFiles, method("descriptor.read-via-stream"), {from, std::uint64_t{0}}));
    const Value output = lent(host.ok(kFiles, method("descriptor.write-via-stream"), {to, std::uint64_t{0}}));
    std::uint64_t sum = 0;
    for (;;) {
      Value result = host.call(kStreams, method("output-stream.blocking-splice"), {output, input, ~std::uint64_t{0}});
      if (result.as<Case>().index != 0) break;
      sum += result.as<Case>().payload->as<std::uint64_t>();
    }
    EXPECT_EQ(sum, 300'000u);
  });
  EXPECT_EQ(std::filesystem::file_size(directory_ / "to"), 300'000u);
}

TEST_F(FilesOfComponents, Directories) {
  guest_.check([](Host& host) {
    const Value dir = root(host);
    host.ok(kFiles, method("descriptor.create-directory-at"), {dir, std::string("sub")});
    EXPECT_EQ(host.error(kFiles, method("descriptor.create-directory-at"), {dir, std::string("sub")}), kExist);
    for (int i = 0; i < 200; ++i) {
      const Value file = open(host, dir, "sub/" + std::to_string(i), kCreate | kExclusive, kWrite);
      host.drop(kFiles, "descriptor", file);
    }
    const Value sub = open(host, dir, "sub", kDirectory, kRead);
    const Value entries = lent(host.ok(kFiles, method("descriptor.read-directory"), {sub}));
    std::vector<std::string> names;
    for (;;) {
      Value entry = host.ok(kFiles, method("directory-entry-stream.read-directory-entry"), {entries});
      if (entry.as<Case>().index == 0) break;
      EXPECT_EQ(entry.as<Case>().payload->as<Values>().at(0), Value(Case(6)));
      names.push_back(entry.as<Case>().payload->as<Values>().at(1).as<std::string>());
    }
    EXPECT_EQ(names.size(), 200u);
    std::ranges::sort(names);
    EXPECT_EQ(names.front(), "0");
    EXPECT_TRUE(std::ranges::adjacent_find(names) == names.end());
    // What is opened by it can be changed, too.
    host.ok(kFiles, method("descriptor.unlink-file-at"), {sub, std::string("0")});
    EXPECT_EQ(host.error(kFiles, method("descriptor.remove-directory-at"), {dir, std::string("sub")}), kNotEmpty);
    EXPECT_EQ(host.error(kFiles, method("descriptor.unlink-file-at"), {dir, std::string("sub")}), kIsDirectory);
    EXPECT_EQ(host.error(kFiles, method("descriptor.read-via-stream"), {sub, std::uint64_t{0}}), kIsDirectory);
  });
}

TEST_F(FilesOfComponents, NamesAndLinks) {
  write_text(directory_ / "file", "x");
  guest_.check([](Host& host) {
    const Value dir = root(host);
    host.ok(kFiles, method("descriptor.symlink-at"), {dir, std::string("file"), std::string("link")});
    EXPECT_EQ(host.ok(kFiles, method("descriptor.readlink-at"), {dir, std::string("link")}),
              Value(std::string("file")));
    EXPECT_EQ(host.error(kFiles, method("descriptor.symlink-at"), {dir, std::string("/etc"), std::string("l")}),
              kNotPermitted);
    host.ok(kFiles, method("descriptor.link-at"), {dir, Flags{0}, std::string("file"), dir, std::string("hard")});
    Value status = host.ok(kFiles, method("descriptor.stat-at"), {dir, Flags{1}, std::string("link")});
    EXPECT_EQ(status.as<Values>().at(0), Value(Case(6)));
    EXPECT_EQ(status.as<Values>().at(1), Value(std::uint64_t{2}));
    EXPECT_EQ(status.as<Values>().at(2), Value(std::uint64_t{1}));
    status = host.ok(kFiles, method("descriptor.stat-at"), {dir, Flags{0}, std::string("link")});
    EXPECT_EQ(status.as<Values>().at(0), Value(Case(5)));
    const Value file = open(host, dir, "file");
    const Value hard = open(host, dir, "hard");
    EXPECT_EQ(host.call(kFiles, method("descriptor.is-same-object"), {file, hard}), Value(true));
    EXPECT_EQ(host.call(kFiles, method("descriptor.is-same-object"), {file, dir}), Value(false));
    const Value hash = host.ok(kFiles, method("descriptor.metadata-hash"), {file});
    EXPECT_EQ(host.ok(kFiles, method("descriptor.metadata-hash-at"), {dir, Flags{1}, std::string("link")}), hash);
    EXPECT_NE(host.ok(kFiles, method("descriptor.metadata-hash"), {dir}), hash);
    host.ok(kFiles, method("descriptor.rename-at"), {dir, std::string("hard"), dir, std::string("moved")});
    EXPECT_EQ(host.error(kFiles, method("descriptor.stat-at"), {dir, Flags{0}, std::string("hard")}), kNoEntry);
    host.ok(kFiles, method("descriptor.set-times-at"),
            {dir, Flags{1}, std::string("file"), Case(0), Case(2, Values{std::uint64_t{77}, std::uint32_t{5}})});
    status = host.ok(kFiles, method("descriptor.stat"), {file});
    EXPECT_EQ(status.as<Values>().at(4), component::some(Values{std::uint64_t{77}, std::uint32_t{5}}));
    EXPECT_EQ(host.error(kFiles, method("descriptor.set-times-at"),
                         {dir, Flags{1}, std::string("file"), Case(0),
                          Case(2, Values{std::uint64_t{77}, std::uint32_t{1'000'000'000}})}),
              kInvalid);
    EXPECT_EQ(host.error(kFiles, method("descriptor.set-size"), {file, std::uint64_t{0}}), kBadDescriptor);
    EXPECT_EQ(host.error(kFiles, method("descriptor.stat-at"), {file, Flags{0}, std::string("x")}), kNotDirectory);
  });
}

TEST_F(FilesOfComponents, NoPathLeadsOut) {
  std::filesystem::create_directory(directory_ / "in");
  std::filesystem::create_symlink("/etc", directory_ / "absolute");
  std::filesystem::create_symlink("../..", directory_ / "in" / "up");
  guest_.check([](Host& host) {
    const Value dir = root(host);
    for (const char* path : {"/etc/passwd", "..", "../x", "in/../..", "absolute/passwd", "in/up/x"}) {
      EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(dir, path, 0, kRead)), kNotPermitted)
          << path;
      EXPECT_EQ(host.error(kFiles, method("descriptor.stat-at"), {dir, Flags{1}, std::string(path)}), kNotPermitted)
          << path;
    }
    EXPECT_EQ(host.error(kFiles, method("descriptor.readlink-at"), {dir, std::string("absolute")}), kNotPermitted);
    EXPECT_EQ(host.error(kFiles, method("descriptor.stat-at"), {dir, Flags{1}, std::string("a\0b", 3)}), kInvalid);
    EXPECT_EQ(host.error(kFiles, method("descriptor.stat-at"), {dir, Flags{1}, std::string(5000, 'a')}), kNameTooLong);
    const Value in = open(host, dir, "in");
    EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(in, "..", 0, kRead)), kNotPermitted);
  });
}

TEST_F(FilesOfComponents, ReadOnly) {
  write_text(directory_ / "file", "x");
  std::filesystem::create_directory(directory_ / "sub");
  HostGuest guest(options(directory_.path(), true));
  guest.check([](Host& host) {
    const Value dir = root(host);
    EXPECT_EQ(host.ok(kFiles, method("descriptor.get-flags"), {dir}), Value(Flags{kRead}));
    const Value sub = open(host, dir, "sub");
    for (const Value& each : {dir, sub}) {
      const auto name = std::string("x");
      EXPECT_EQ(host.error(kFiles, method("descriptor.create-directory-at"), {each, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(each, name, kCreate, kRead)),
                kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.unlink-file-at"), {each, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.remove-directory-at"), {each, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.rename-at"), {each, name, each, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.symlink-at"), {each, name, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.link-at"), {each, Flags{0}, name, each, name}), kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.set-times-at"), {each, Flags{0}, name, Case(1), Case(1)}),
                kReadOnly);
      EXPECT_EQ(host.error(kFiles, method("descriptor.set-times"), {each, Case(1), Case(1)}), kReadOnly);
    }
    EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(dir, "file", 0, kWrite)), kReadOnly);
    const Value file = open(host, dir, "file");
    EXPECT_EQ(host.error(kFiles, method("descriptor.write"), {file, to_bytes("y"), std::uint64_t{0}}), kBadDescriptor);
    EXPECT_EQ(host.error(kFiles, method("descriptor.write-via-stream"), {file, std::uint64_t{0}}), kBadDescriptor);
    EXPECT_EQ(host.error(kFiles, method("descriptor.append-via-stream"), {file}), kBadDescriptor);
    EXPECT_EQ(host.error(kFiles, method("descriptor.set-size"), {file, std::uint64_t{0}}), kBadDescriptor);
    EXPECT_EQ(host.error(kFiles, method("descriptor.set-times"), {file, Case(1), Case(1)}), kNotPermitted);
  });
  EXPECT_EQ(std::filesystem::file_size(directory_ / "file"), 1u);
}

TEST_F(FilesOfComponents, DescriptorsAreBoundedAndGoWithTheLease) {
  write_text(directory_ / "file", "x");
  for (int round = 0; round < 3; ++round) {
    guest_.check([](Host& host) {
      const Value dir = root(host);
      for (int i = 0; i < 7; ++i) (void)open(host, dir, "file");
      const Value last = open(host, dir, "file");
      EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(dir, "file", 0, kRead)),
                kInsufficientMemory);
      EXPECT_EQ(host.error(kFiles, method("descriptor.read-directory"), {dir}), kInsufficientMemory);
      // A stream keeps what it is of.
      const Value input = lent(host.ok(kFiles, method("descriptor.read-via-stream"), {last, std::uint64_t{0}}));
      host.drop(kFiles, "descriptor", last);
      EXPECT_EQ(host.error(kFiles, method("descriptor.open-at"), open_arguments(dir, "file", 0, kRead)),
                kInsufficientMemory);
      host.drop(kStreams, "input-stream", input);
      (void)open(host, dir, "file");
    });
    guest_.renew();
  }
}

TEST_F(FilesOfComponents, ErrorsOfStreamsAreKnownToTheFilesystem) {
  HostGuest guest({.standard_output = wasi::Capture{0}});
  guest.check([](Host& host) {
    const Value output = lent(host.call("cli/stdout", "get-stdout"));
    Value result = host.call(kStreams, method("output-stream.blocking-write-and-flush"), {output, to_bytes("x")});
    const Value failure = lent(*result.as<Case>().payload->as<Case>().payload);
    constexpr std::uint32_t kInsufficientSpace = 23;
    EXPECT_EQ(host.call(kFiles, "filesystem-error-code", {failure}), component::some(Case(kInsufficientSpace)));
    EXPECT_EQ(host.call("http/types", "http-error-code", {failure}), component::none());
    EXPECT_NE(host.call("io/error", method("error.to-debug-string"), {failure}).as<std::string>(), "");
  });
}

}  // namespace
}  // namespace anew::test
