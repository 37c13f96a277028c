// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/configuration.hpp"

#include <fmt/format.h>

#include <limits>
#include <system_error>
#include <utility>

#include "os/sandbox/files.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

constexpr std::uint32_t kMaximumDescriptors = 1 << 20;

std::unexpected<Error> fail_with(std::errc error, const std::string& what) {
  const auto code = error == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound : ErrorCode::kIo;
  return anew::fail(code, fmt::format("{}: {}", what, std::make_error_code(error).message()));
}

/// Adds descriptors to a configuration.
class Beginnings {
 public:
  explicit Beginnings(Configuration& configuration) : configuration_(configuration) {}

  Result<void> add_input(const Input& input) {
    OpenDescriptor open{.backing = Backing::kNull, .rights = right::kOfStreams & ~right::kFdWrite};
    if (const auto* bytes = std::get_if<std::string>(&input)) {
      open.backing = Backing::kBytes;
      open.bytes = *bytes;
    } else if (const auto* reader = std::get_if<Reader>(&input)) {
      if (!*reader) return anew::fail(ErrorCode::kArgument, "standard input: the callback is empty");
      open.backing = Backing::kReader;
      open.reader = reader;
    } else if (const auto* descriptor = std::get_if<Descriptor>(&input)) {
      return add_inherited(descriptor->number, Direction::kReads, "standard input");
    }
    configuration_.beginnings.push_back(std::move(open));
    return {};
  }

  Result<void> add_output(const Output& output, const std::string& what) {
    OpenDescriptor open{.backing = Backing::kNull, .rights = right::kOfStreams & ~right::kFdRead};
    if (const auto* capture = std::get_if<Capture>(&output)) {
      open.backing = Backing::kCapture;
      open.maximum_captured_bytes = capture->maximum_bytes;
    } else if (const auto* writer = std::get_if<Writer>(&output)) {
      if (!*writer) return anew::fail(ErrorCode::kArgument, what + ": the callback is empty");
      open.backing = Backing::kWriter;
      open.writer = writer;
    } else if (const auto* descriptor = std::get_if<Descriptor>(&output)) {
      return add_inherited(descriptor->number, Direction::kWrites, what);
    }
    configuration_.beginnings.push_back(std::move(open));
    return {};
  }

  Result<void> add_directory(const Directory& directory) {
    const std::string what = fmt::format("the directory \"{}\"", directory.host_path.string());
    if (directory.guest_path.empty() || directory.guest_path.find('\0') != std::string::npos)
      return anew::fail(
          ErrorCode::kArgument,
          fmt::format("{}: the guest's path for it is empty or holds a NUL: name it \".\" or \"/data\"", what));
    auto opened = os::open_directory(directory.host_path);
    if (!opened) return fail_with(opened.error(), what);
    const Rights all = directory.read_only ? ~right::kChanges : ~Rights{0};
    add({.backing = Backing::kDirectory,
         .kind = os::NodeKind::kDirectory,
         .rights = right::kOfDirectories & all,
         .inheriting = (right::kOfDirectories | right::kOfFiles | right::kOfStreams) & all,
         .guest_path = &directory.guest_path},
        std::move(*opened));
    return {};
  }

  Result<void> add_socket(const Descriptor& socket) {
    const std::string what = fmt::format("the socket {}", socket.number);
    auto opened = os::duplicate(socket.number);
    if (!opened) return fail_with(opened.error(), what);
    if (!os::is_socket(opened->number()))
      return anew::fail(ErrorCode::kArgument, what + " is another kind of descriptor");
    // Of several leases that find a connection one gets it: the others must not wait for the next.
    if (os::is_listening(opened->number()))
      if (auto done = os::set_non_blocking(opened->number()); !done) return fail_with(done.error(), what);
    auto status = os::status_of(opened->number());
    if (!status) return fail_with(status.error(), what);
    add({.backing = Backing::kSocket,
         .kind = status->kind,
         .rights = right::kOfSockets,
         .inheriting = right::kOfSockets},
        std::move(*opened));
    return {};
  }

 private:
  enum class Direction : std::uint8_t { kReads, kWrites };

  void add(OpenDescriptor open, os::Descriptor opened) {
    open.system = opened.number();
    configuration_.opened.push_back(std::move(opened));
    configuration_.beginnings.push_back(std::move(open));
  }

  Result<void> add_inherited(int number, Direction direction, const std::string& name) {
    const bool reads = direction == Direction::kReads;
    const std::string what = fmt::format("{}, descriptor {}", name, number);
    auto opened = os::duplicate(number);
    if (!opened) return fail_with(opened.error(), what);
    const os::Directions directions = os::directions_of(number);
    if (!(reads ? directions.reads : directions.writes))
      return anew::fail(ErrorCode::kArgument,
                        fmt::format("{}, was not opened to {} it", what, reads ? "read" : "write"));
    auto status = os::status_of(opened->number());
    if (!status) return fail_with(status.error(), what);
    OpenDescriptor open{.kind = status->kind,
                        .rights = right::kOfStreams & ~(reads ? right::kFdWrite : right::kFdRead)};
    switch (status->kind) {
      case os::NodeKind::kRegular:
      case os::NodeKind::kBlockDevice:
        if (!reads) {
          open.backing = Backing::kFile;
          break;
        }
        open.backing = Backing::kSharedFile;
        open.rights |= right::kFdSeek | right::kFdTell;
        open.position = os::seek(opened->number(), 0, os::Whence::kCurrent).value_or(0);
        break;
      case os::NodeKind::kStreamSocket:
      case os::NodeKind::kDatagramSocket: open.backing = Backing::kSocket; break;
      case os::NodeKind::kDirectory:
        return anew::fail(ErrorCode::kArgument, what + ", is a directory: name it in Options::directories");
      default:
        open.backing = Backing::kStream;
        open.rights |= rights_of(status->kind, os::is_terminal(number)) & (right::kFdSeek | right::kFdTell);
        // A file description of its own does not wait without making that so for all who share the other one.
        if (auto own = os::reopen_non_blocking(opened->number(), reads))
          *opened = std::move(*own);
        else
          open.waits = true;
    }
    add(std::move(open), std::move(*opened));
    return {};
  }

  Configuration& configuration_;
};

}  // namespace

Result<Strings> Strings::make(std::span<const std::string> strings, std::string_view what) {
  Strings made;
  for (const std::string& each : strings) {
    if (each.find('\0') != std::string::npos)
      return anew::fail(ErrorCode::kArgument, fmt::format("{} {}: it holds a NUL", what, made.starts_.size()));
    // The guest counts in 32 bits; a pointer to each comes on top.
    constexpr std::uint64_t kMaximum = std::numeric_limits<std::uint32_t>::max() / 2;
    if (made.bytes_.size() + each.size() >= kMaximum || made.starts_.size() >= kMaximum / 4)
      return anew::fail(ErrorCode::kArgument,
                        fmt::format("{} {}: together they take 2 GiB", what, made.starts_.size()));
    made.starts_.push_back(static_cast<std::uint32_t>(made.bytes_.size()));  // below kMaximum
    made.bytes_ += each;
    made.bytes_ += '\0';
  }
  return made;
}

Result<std::shared_ptr<const Configuration>> Configuration::make(const Options& options) {
  auto made = std::make_shared<Configuration>();
  made->options = options;  // what the descriptors point to
  const Options& own = made->options;
  made->arguments = TRY(Strings::make(own.arguments, "argument"));
  made->environment = TRY(Strings::make(own.environment, "environment variable"));
  made->network = TRY(AllowedNetwork::make(own.network));
  Beginnings beginnings(*made);
  TRY(beginnings.add_input(own.standard_input));
  TRY(beginnings.add_output(own.standard_output, "standard output"));
  TRY(beginnings.add_output(own.standard_error, "standard error"));
  for (const Directory& directory : own.directories) TRY(beginnings.add_directory(directory));
  for (const Descriptor& socket : own.sockets) TRY(beginnings.add_socket(socket));
  if (own.maximum_descriptors < made->beginnings.size() || own.maximum_descriptors > kMaximumDescriptors)
    return anew::fail(ErrorCode::kArgument,
                      fmt::format("maximum_descriptors is {}: leases begin with {}, and may have {} at most",
                                  own.maximum_descriptors, made->beginnings.size(), kMaximumDescriptors));
  return made;
}

OpenDescriptor copy_of(const OpenDescriptor& open) noexcept {
  return {.backing = open.backing,
          .kind = open.kind,
          .flags = open.flags,
          .waits = open.waits,
          .rights = open.rights,
          .inheriting = open.inheriting,
          .system = open.system,
          .owned = {},
          .guest_path = open.guest_path,
          .position = open.position,
          .bytes = open.bytes,
          .own_bytes = {},
          .reader = open.reader,
          .writer = open.writer,
          .captured = open.captured,
          .maximum_captured_bytes = open.maximum_captured_bytes};
}

}  // namespace anew::wasi::detail
