// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:filesystem`.
#include <algorithm>
#include <array>
#include <deque>
#include <limits>

#include "host/wasi/paths.hpp"
#include "host/wasi/preview2_streams.hpp"
#include "os/sandbox/files.hpp"
#include "wasm/reader.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

using component::Bytes;
using component::Case;
using component::Flags;

/// `error-code`, in the interface's order.
enum class FileError : std::uint8_t {
  kAccess,
  kWouldBlock,
  kAlready,
  kBadDescriptor,
  kBusy,
  kDeadlock,
  kQuota,
  kExist,
  kFileTooLarge,
  kIllegalByteSequence,
  kInProgress,
  kInterrupted,
  kInvalid,
  kIo,
  kIsDirectory,
  kLoop,
  kTooManyLinks,
  kMessageSize,
  kNameTooLong,
  kNoDevice,
  kNoEntry,
  kNoLock,
  kInsufficientMemory,
  kInsufficientSpace,
  kNotDirectory,
  kNotEmpty,
  kNotRecoverable,
  kUnsupported,
  kNoTty,
  kNoSuchDevice,
  kOverflow,
  kNotPermitted,
  kPipe,
  kReadOnly,
  kInvalidSeek,
  kTextFileBusy,
  kCrossDevice,
};

FileError to_file_error(Errno error) noexcept {
  switch (error) {
    case Errno::kAcces: return FileError::kAccess;
    case Errno::kAgain: return FileError::kWouldBlock;
    case Errno::kAlready: return FileError::kAlready;
    case Errno::kBadf: return FileError::kBadDescriptor;
    case Errno::kBusy: return FileError::kBusy;
    case Errno::kDeadlk: return FileError::kDeadlock;
    case Errno::kDquot: return FileError::kQuota;
    case Errno::kExist: return FileError::kExist;
    case Errno::kFbig: return FileError::kFileTooLarge;
    case Errno::kIlseq: return FileError::kIllegalByteSequence;
    case Errno::kInprogress: return FileError::kInProgress;
    case Errno::kIntr: return FileError::kInterrupted;
    case Errno::kInval: return FileError::kInvalid;
    case Errno::kIsdir: return FileError::kIsDirectory;
    case Errno::kLoop: return FileError::kLoop;
    case Errno::kMlink: return FileError::kTooManyLinks;
    case Errno::kMsgsize: return FileError::kMessageSize;
    case Errno::kNametoolong: return FileError::kNameTooLong;
    case Errno::kNodev: return FileError::kNoDevice;
    case Errno::kNoent: return FileError::kNoEntry;
    case Errno::kNolck: return FileError::kNoLock;
    case Errno::kMfile:
    case Errno::kNfile:
    case Errno::kNomem: return FileError::kInsufficientMemory;
    case Errno::kNospc: return FileError::kInsufficientSpace;
    case Errno::kNotdir: return FileError::kNotDirectory;
    case Errno::kNotempty: return FileError::kNotEmpty;
    case Errno::kNotrecoverable: return FileError::kNotRecoverable;
    case Errno::kNosys:
    case Errno::kNotsup: return FileError::kUnsupported;
    case Errno::kNotty: return FileError::kNoTty;
    case Errno::kNxio: return FileError::kNoSuchDevice;
    case Errno::kOverflow: return FileError::kOverflow;
    case Errno::kNotcapable:
    case Errno::kPerm: return FileError::kNotPermitted;
    case Errno::kPipe: return FileError::kPipe;
    case Errno::kRofs: return FileError::kReadOnly;
    case Errno::kSpipe: return FileError::kInvalidSeek;
    case Errno::kTxtbsy: return FileError::kTextFileBusy;
    case Errno::kXdev: return FileError::kCrossDevice;
    default: return FileError::kIo;
  }
}

Value to_case(Errno error) { return Case(static_cast<std::uint32_t>(to_file_error(error))); }

/// `descriptor`.
class Opened final : public Entry {
 public:
  Opened(Call& call, OpenDescriptor given, bool can_read, bool can_write)
      : open(std::move(given)), reads(can_read), writes(can_write), charge_(call.state.descriptors) {
    if (open.owned.is_open()) (void)charge_.set(1);  // check_room() found room
  }
  /// Asked before something is opened. @return kMfile if the lease has as many descriptors as it may.
  [[nodiscard]] static Outcome<void> check_room(const Call& call) {
    if (call.state.descriptors.is_full()) return fail(Errno::kMfile);
    return {};
  }

  [[nodiscard]] bool is_directory() const noexcept { return open.backing == Backing::kDirectory; }
  [[nodiscard]] bool is_file() const noexcept { return open.backing == Backing::kFile; }

  OpenDescriptor open;
  const bool reads;
  const bool writes;  ///< of a directory: what lies in it can be changed

 private:
  Charge charge_;
};
using Descriptor = std::shared_ptr<Opened>;

template <typename T>
using FileAnswer = Answer<T, Errno>;

// `path-flags`, `open-flags` and `descriptor-flags`.
constexpr std::uint32_t kFollow = 1;
constexpr std::uint32_t kCreate = 1;
constexpr std::uint32_t kDirectory = 2;
constexpr std::uint32_t kExclusive = 4;
constexpr std::uint32_t kTruncate = 8;
constexpr std::uint32_t kRead = 1;
constexpr std::uint32_t kWrite = 2;
constexpr std::uint32_t kFileSync = 4;
constexpr std::uint32_t kDataSync = 8;
constexpr std::uint32_t kWriteSync = 16;
constexpr std::uint32_t kMutateDirectory = 32;

os::LastLink last_link(Flags flags) noexcept {
  return (flags.bits & kFollow) != 0 ? os::LastLink::kFollow : os::LastLink::kKeep;
}

/// What a descriptor and a path lead to. @return kNotdir, what check_path() says.
Outcome<Path> path_in(const Opened& directory, std::string_view path) {
  if (!directory.is_directory()) return fail(Errno::kNotdir);
  TRY(check_path(path));
  return Path{directory.open.system, path};
}
/// The same to change something there. @return also kRofs.
Outcome<Path> path_to_change(const Opened& directory, std::string_view path) {
  const Path found = TRY(path_in(directory, path));
  if (!directory.writes) return fail(Errno::kRofs);
  return found;
}

std::uint32_t type_of(os::NodeKind kind) noexcept {
  switch (kind) {
    case os::NodeKind::kUnknown: break;
    case os::NodeKind::kBlockDevice: return 1;
    case os::NodeKind::kCharacterDevice: return 2;
    case os::NodeKind::kDirectory: return 3;
    case os::NodeKind::kPipe: return 4;
    case os::NodeKind::kSymbolicLink: return 5;
    case os::NodeKind::kRegular: return 6;
    case os::NodeKind::kDatagramSocket:
    case os::NodeKind::kStreamSocket: return 7;
  }
  return 0;
}

constexpr std::uint64_t kNanoseconds = 1'000'000'000;

Value to_stat(const os::NodeStatus& status) {
  const auto time = [](std::uint64_t nanoseconds) {
    return component::some(Values{nanoseconds / kNanoseconds, static_cast<std::uint32_t>(nanoseconds % kNanoseconds)});
  };
  return Values{Case(type_of(status.kind)), status.links,          status.bytes,
                time(status.accessed),      time(status.modified), time(status.changed)};
}

/// @return kInval for what is no `datetime`, kOverflow for one that is past 2^64 nanoseconds.
Outcome<os::NewTime> to_new_time(const Case& time) {
  constexpr std::uint32_t kGiven = 2;
  if (time.index != kGiven) return os::NewTime{time.index == 0 ? os::NewTime::What::kKeep : os::NewTime::What::kNow, 0};
  const auto& datetime = time.payload->as<Values>();
  const auto seconds = datetime.at(0).as<std::uint64_t>();
  const auto nanoseconds = datetime.at(1).as<std::uint32_t>();
  if (nanoseconds >= kNanoseconds) return fail(Errno::kInval);
  if (seconds >= std::numeric_limits<std::uint64_t>::max() / kNanoseconds) return fail(Errno::kOverflow);
  return os::NewTime{os::NewTime::What::kGiven, seconds * kNanoseconds + nanoseconds};
}

Result<Values> get_directories(Call& call) {
  Values directories;
  Descriptors& beginnings = call.sandbox.descriptors;
  for (std::uint32_t number = 0; number < beginnings.size(); ++number) {
    const OpenDescriptor* const open = beginnings.find(number);
    if (open == nullptr || open->guest_path == nullptr) continue;
    const bool writes = (open->rights & right::kPathCreateFile) != 0;
    Value descriptor = TRY(to_value(call, std::make_shared<Opened>(call, copy_of(*open), true, writes)));
    directories.push_back(Values{std::move(descriptor), to_utf8(*open->guest_path)});
  }
  return directories;
}

/// What can be read, or written, as a file.
Outcome<void> check_bytes(const Opened& descriptor, bool is_permitted) {
  if (descriptor.is_directory()) return fail(Errno::kIsdir);
  if (!is_permitted) return fail(Errno::kBadf);
  return {};
}

FileAnswer<std::shared_ptr<InputStream>> read_via_stream(Call& /*call*/, Descriptor descriptor, std::uint64_t offset) {
  TRY(check_bytes(*descriptor, descriptor->reads));
  if (!descriptor->is_file()) return make_input(descriptor->open, descriptor);
  return make_file_input(descriptor->open, descriptor, offset);
}

FileAnswer<std::shared_ptr<OutputStream>> output_stream(Call& call, const Descriptor& descriptor,
                                                        std::optional<std::uint64_t> position) {
  TRY(check_bytes(*descriptor, descriptor->writes));
  if (descriptor->is_file()) return make_file_output(descriptor->open, descriptor, position);
  auto stream = make_output(call, descriptor->open, descriptor);
  if (stream == nullptr) return fail(Errno::kNomem);
  return stream;
}
FileAnswer<std::shared_ptr<OutputStream>> write_via_stream(Call& call, Descriptor descriptor, std::uint64_t offset) {
  return output_stream(call, descriptor, offset);
}
FileAnswer<std::shared_ptr<OutputStream>> append_via_stream(Call& call, Descriptor descriptor) {
  return output_stream(call, descriptor, std::nullopt);
}

FileAnswer<void> advise(Call& /*call*/, Descriptor descriptor, std::uint64_t offset, std::uint64_t length,
                        Case advice) {
  // The same order.
  TRY(to_outcome(os::advise(descriptor->open.system, offset, length, static_cast<os::Advice>(advice.index))));
  return {};
}

FileAnswer<void> sync_data(Call& /*call*/, Descriptor descriptor) {
  TRY(to_outcome(os::sync_data(descriptor->open.system)));
  return {};
}
FileAnswer<void> sync(Call& /*call*/, Descriptor descriptor) {
  TRY(to_outcome(os::sync(descriptor->open.system)));
  return {};
}

FileAnswer<Flags> get_flags(Call& /*call*/, Descriptor descriptor) {
  Flags flags;
  if (descriptor->reads) flags.bits |= kRead;
  if (descriptor->writes) flags.bits |= descriptor->is_directory() ? kMutateDirectory : kWrite;
  if ((descriptor->open.flags & flag::kSync) != 0) flags.bits |= kFileSync;
  if ((descriptor->open.flags & flag::kDsync) != 0) flags.bits |= kDataSync;
  if ((descriptor->open.flags & flag::kRsync) != 0) flags.bits |= kWriteSync;
  return flags;
}

FileAnswer<Case> get_type(Call& /*call*/, Descriptor descriptor) { return Case(type_of(descriptor->open.kind)); }

FileAnswer<void> set_size(Call& /*call*/, Descriptor descriptor, std::uint64_t bytes) {
  TRY(check_bytes(*descriptor, descriptor->writes));
  TRY(to_outcome(os::resize(descriptor->open.system, bytes)));
  return {};
}

FileAnswer<void> set_times(Call& /*call*/, Descriptor descriptor, Case accessed, Case modified) {
  if (!descriptor->writes) return fail(descriptor->is_directory() ? Errno::kRofs : Errno::kPerm);
  const os::NewTime access = TRY(to_new_time(accessed));
  const os::NewTime modification = TRY(to_new_time(modified));
  TRY(to_outcome(os::set_times(descriptor->open.system, access, modification)));
  return {};
}

/// A signal ends a system call; the guest's call goes on unless it is to end.
template <typename T>
Answer<T, Errno> uninterrupted(Call& call, const auto& attempt /* -> SystemResult<T> */) {
  for (;;) {
    os::SystemResult<T> done = attempt();
    if (done) return std::move(*done);
    if (done.error() != std::errc::interrupted) return fail(to_errno(done.error()));
    if (call.caller.stopping()) return trap("the call is to end");
  }
}

FileAnswer<std::tuple<Bytes, bool>> read(Call& call, Descriptor descriptor, std::uint64_t length,
                                         std::uint64_t offset) {
  TRY(check_bytes(*descriptor, descriptor->reads));
  if (!descriptor->is_file()) return fail(Errno::kSpipe);
  Bytes bytes(std::min(length, kMostRead));
  const os::Buffer buffer{bytes.data(), bytes.size()};
  const std::uint64_t count = TRY(
      uninterrupted<std::uint64_t>(call, [&] { return os::read_at(descriptor->open.system, {&buffer, 1}, offset); }));
  bytes.resize(count);
  const bool is_end = count == 0 && length > 0;
  return std::tuple(std::move(bytes), is_end);
}

FileAnswer<std::uint64_t> write(Call& call, Descriptor descriptor, Bytes bytes, std::uint64_t offset) {
  TRY(check_bytes(*descriptor, descriptor->writes));
  if (!descriptor->is_file()) return fail(Errno::kSpipe);
  const os::Buffer buffer{bytes.data(), bytes.size()};
  return uninterrupted<std::uint64_t>(call,
                                      [&] { return os::write_at(descriptor->open.system, {&buffer, 1}, offset); });
}

/// Opens what a directory descriptor is of once more, with a position of its own.
class DirectoryEntries final : public Entry, os::DirectoryReader {
 public:
  explicit DirectoryEntries(Descriptor opened) : opened_(std::move(opened)) {}

  [[nodiscard]] FileAnswer<std::optional<Value>> next(Call& call) {
    if (entries_.empty()) {
      call_ = &call;
      TRY(to_outcome(os::read_directory(opened_->open.system, place_, *this)));
      if (call.caller.stopping()) return trap("the call is to end");
    }
    if (entries_.empty()) return std::nullopt;
    auto [type, name] = std::move(entries_.front());
    entries_.pop_front();
    if (!wasm::is_utf8(name)) return fail(Errno::kIlseq);
    return Value(Values{Case(type), std::move(name)});
  }

 private:
  static constexpr std::size_t kAtOnce = 64;
  [[nodiscard]] bool take(const os::DirectoryEntry& entry) override {
    place_ = entry.next;
    if (entry.name != "." && entry.name != "..") entries_.emplace_back(type_of(entry.kind), std::string(entry.name));
    return entries_.size() < kAtOnce;
  }
  [[nodiscard]] bool goes_on() override { return entries_.size() < kAtOnce && !call_->caller.stopping(); }

  Descriptor opened_;
  std::uint64_t place_ = 0;
  std::deque<std::pair<std::uint32_t, std::string>> entries_;
  Call* call_ = nullptr;  ///< during next()
};

FileAnswer<std::shared_ptr<DirectoryEntries>> read_directory(Call& call, Descriptor descriptor) {
  if (!descriptor->is_directory()) return fail(Errno::kNotdir);
  TRY(Opened::check_room(call));
  auto own = TRY(to_outcome(
      os::open_beneath(descriptor->open.system, ".", {.read = true, .directory = true}, os::LastLink::kKeep)));
  OpenDescriptor open{.backing = Backing::kDirectory, .kind = os::NodeKind::kDirectory, .system = own.number()};
  open.owned = std::move(own);
  return std::make_shared<DirectoryEntries>(std::make_shared<Opened>(call, std::move(open), true, false));
}

FileAnswer<std::optional<Value>> read_directory_entry(Call& call, std::shared_ptr<DirectoryEntries> entries) {
  return entries->next(call);
}

FileAnswer<void> create_directory_at(Call& /*call*/, Descriptor descriptor, std::string path) {
  const Path place = TRY(path_to_change(*descriptor, path));
  TRY(create_directory(place));
  return {};
}

Outcome<os::NodeStatus> status_of(const Opened& descriptor) {
  return to_outcome(os::status_of(descriptor.open.system));
}
Outcome<os::NodeStatus> status_at(const Opened& descriptor, Flags flags, std::string_view path) {
  const Path place = TRY(path_in(descriptor, path));
  return to_outcome(os::status_beneath(place.directory, place.path, last_link(flags)));
}

FileAnswer<Value> stat(Call& /*call*/, Descriptor descriptor) {
  const os::NodeStatus status = TRY(status_of(*descriptor));
  return to_stat(status);
}
FileAnswer<Value> stat_at(Call& /*call*/, Descriptor descriptor, Flags flags, std::string path) {
  const os::NodeStatus status = TRY(status_at(*descriptor, flags, path));
  return to_stat(status);
}

FileAnswer<void> set_times_at(Call& /*call*/, Descriptor descriptor, Flags flags, std::string path, Case accessed,
                              Case modified) {
  const Path place = TRY(path_to_change(*descriptor, path));
  const os::NewTime access = TRY(to_new_time(accessed));
  const os::NewTime modification = TRY(to_new_time(modified));
  TRY(detail::set_times(place, last_link(flags), access, modification));
  return {};
}

FileAnswer<void> link_at(Call& /*call*/, Descriptor descriptor, Flags flags, std::string old_path,
                         Descriptor new_descriptor, std::string new_path) {
  // A link makes a file changeable by another name, so both directories must be.
  const Path from = TRY(path_to_change(*descriptor, old_path));
  const Path to = TRY(path_to_change(*new_descriptor, new_path));
  TRY(link(from, last_link(flags), to));
  return {};
}

FileAnswer<Descriptor> open_at(Call& call, Descriptor directory, Flags path_flags, std::string path, Flags open_flags,
                               Flags flags) {
  const Path place = TRY(path_in(*directory, path));
  const bool changes =
      (flags.bits & (kWrite | kMutateDirectory)) != 0 || (open_flags.bits & (kCreate | kTruncate)) != 0;
  if (changes && !directory->writes) return fail(Errno::kRofs);
  const bool is_directory = (open_flags.bits & kDirectory) != 0;
  if (is_directory && (open_flags.bits & (kCreate | kExclusive | kTruncate)) != 0) return fail(Errno::kInval);
  TRY(Opened::check_room(call));
  const bool writes = (flags.bits & kWrite) != 0 && !is_directory;
  const bool syncs = (flags.bits & (kFileSync | kWriteSync)) != 0;
  const os::OpenHow how{.read = !writes || (flags.bits & kRead) != 0,
                        .write = writes,
                        .create = (open_flags.bits & kCreate) != 0,
                        .exclusive = (open_flags.bits & kExclusive) != 0,
                        .truncate = (open_flags.bits & kTruncate) != 0,
                        .directory = is_directory,
                        .append = false,
                        .data_sync = (flags.bits & kDataSync) != 0,
                        .sync = syncs};
  auto own = TRY(to_outcome(os::open_beneath(place.directory, place.path, how, last_link(path_flags))));
  const os::NodeStatus status = TRY(to_outcome(os::status_of(own.number())));
  OpenDescriptor open{.kind = status.kind, .system = own.number()};
  open.owned = std::move(own);
  if (status.kind == os::NodeKind::kDirectory)
    open.backing = Backing::kDirectory;
  else if (status.kind == os::NodeKind::kRegular || status.kind == os::NodeKind::kBlockDevice)
    open.backing = Backing::kFile;
  else
    open.backing = Backing::kStream;
  if ((flags.bits & kFileSync) != 0) open.flags |= flag::kSync;
  if ((flags.bits & kDataSync) != 0) open.flags |= flag::kDsync;
  if ((flags.bits & kWriteSync) != 0) open.flags |= flag::kRsync;
  // What is in a directory can be changed if it can be by the one that it was opened by: guests' libraries do not ask
  // for that.
  const bool is_open_directory = open.backing == Backing::kDirectory;
  const bool reads = is_open_directory || (flags.bits & kRead) != 0;
  return std::make_shared<Opened>(call, std::move(open), reads, is_open_directory ? directory->writes : writes);
}

FileAnswer<std::string> readlink_at(Call& /*call*/, Descriptor descriptor, std::string path) {
  const Path place = TRY(path_in(*descriptor, path));
  std::string target(kMaximumPath + 1, '\0');  // none is longer
  const std::uint64_t bytes = TRY(read_link(place, std::as_writable_bytes(std::span(target))));
  target.resize(bytes);
  if (target.starts_with('/')) return fail(Errno::kPerm);
  if (!wasm::is_utf8(target)) return fail(Errno::kIlseq);
  return target;
}

FileAnswer<void> remove_directory_at(Call& /*call*/, Descriptor descriptor, std::string path) {
  const Path place = TRY(path_to_change(*descriptor, path));
  TRY(remove_directory(place));
  return {};
}

FileAnswer<void> rename_at(Call& /*call*/, Descriptor descriptor, std::string old_path, Descriptor new_descriptor,
                           std::string new_path) {
  const Path from = TRY(path_to_change(*descriptor, old_path));
  const Path to = TRY(path_to_change(*new_descriptor, new_path));
  TRY(rename(from, to));
  return {};
}

FileAnswer<void> symlink_at(Call& /*call*/, Descriptor descriptor, std::string target, std::string path) {
  TRY(check_path(target));
  const Path place = TRY(path_to_change(*descriptor, path));
  TRY(create_symbolic_link(target, place));
  return {};
}

FileAnswer<void> unlink_file_at(Call& /*call*/, Descriptor descriptor, std::string path) {
  const Path place = TRY(path_to_change(*descriptor, path));
  TRY(unlink_file(place));
  return {};
}

bool is_same_object(Call& /*call*/, Descriptor a, Descriptor b) {
  const auto one = status_of(*a);
  const auto other = status_of(*b);
  return one && other && one->device == other->device && one->inode == other->inode;
}

/// What changes when a file does, mixed with a number that guests do not know (the steps of splitmix64).
Values hash_of(const os::NodeStatus& status) {
  static const std::uint64_t secret = [] {
    std::uint64_t bits = 0;
    (void)os::fill_random(std::as_writable_bytes(std::span(&bits, 1)));
    return bits;
  }();
  const auto hash = [&](std::uint64_t state) {
    for (const std::uint64_t each : {status.device, status.inode, status.bytes, status.modified, status.changed}) {
      state = (state ^ each) + 0x9E37'79B9'7F4A'7C15;  // wraps around, as all of it may
      state = (state ^ state >> 30) * 0xBF58'476D'1CE4'E5B9;
      state = (state ^ state >> 27) * 0x94D0'49BB'1331'11EB;
      state ^= state >> 31;
    }
    return state;
  };
  return {hash(secret), hash(~secret)};
}
FileAnswer<Values> metadata_hash(Call& /*call*/, Descriptor descriptor) {
  const os::NodeStatus status = TRY(status_of(*descriptor));
  return hash_of(status);
}
FileAnswer<Values> metadata_hash_at(Call& /*call*/, Descriptor descriptor, Flags flags, std::string path) {
  const os::NodeStatus status = TRY(status_at(*descriptor, flags, path));
  return hash_of(status);
}

std::optional<Value> filesystem_error_code(Call& /*call*/, std::shared_ptr<StreamFailure> failure) {
  const auto* const error = std::get_if<Errno>(&failure->reason());
  if (error == nullptr) return std::nullopt;
  return to_case(*error);
}

}  // namespace

Result<Value> to_value(Call& /*call*/, Errno&& error) { return to_case(error); }

void define_files(component::Linker& linker) {
  Interface(linker, "wasi:filesystem/preopens@0.2.0").function<get_directories>("get-directories");
  Interface types(linker, "wasi:filesystem/types@0.2.0");
  types.resource("descriptor");
  types.function<read_via_stream>("[method]descriptor.read-via-stream");
  types.function<write_via_stream>("[method]descriptor.write-via-stream");
  types.function<append_via_stream>("[method]descriptor.append-via-stream");
  types.function<advise>("[method]descriptor.advise");
  types.function<sync_data>("[method]descriptor.sync-data");
  types.function<get_flags>("[method]descriptor.get-flags");
  types.function<get_type>("[method]descriptor.get-type");
  types.function<set_size>("[method]descriptor.set-size");
  types.function<set_times>("[method]descriptor.set-times");
  types.function<read>("[method]descriptor.read");
  types.function<write>("[method]descriptor.write");
  types.function<read_directory>("[method]descriptor.read-directory");
  types.function<sync>("[method]descriptor.sync");
  types.function<create_directory_at>("[method]descriptor.create-directory-at");
  types.function<stat>("[method]descriptor.stat");
  types.function<stat_at>("[method]descriptor.stat-at");
  types.function<set_times_at>("[method]descriptor.set-times-at");
  types.function<link_at>("[method]descriptor.link-at");
  types.function<open_at>("[method]descriptor.open-at");
  types.function<readlink_at>("[method]descriptor.readlink-at");
  types.function<remove_directory_at>("[method]descriptor.remove-directory-at");
  types.function<rename_at>("[method]descriptor.rename-at");
  types.function<symlink_at>("[method]descriptor.symlink-at");
  types.function<unlink_file_at>("[method]descriptor.unlink-file-at");
  types.function<is_same_object>("[method]descriptor.is-same-object");
  types.function<metadata_hash>("[method]descriptor.metadata-hash");
  types.function<metadata_hash_at>("[method]descriptor.metadata-hash-at");
  types.resource("directory-entry-stream");
  types.function<read_directory_entry>("[method]directory-entry-stream.read-directory-entry");
  types.function<filesystem_error_code>("filesystem-error-code");
}

}  // namespace anew::wasi::detail::preview2
