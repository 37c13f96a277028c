// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is done with open descriptors: `fd_*`.
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "host/wasi/preview1.hpp"
#include "host/wasi/transfers.hpp"
#include "os/sandbox/files.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

struct Fdstat {
  std::uint8_t type;
  std::uint8_t padding;
  std::uint16_t flags;
  std::uint32_t more_padding;
  std::uint64_t rights;
  std::uint64_t inheriting;
};
static_assert(sizeof(Fdstat) == 24);

struct Prestat {
  std::uint32_t tag;  ///< 0: a directory
  std::uint32_t name_length;
};
static_assert(sizeof(Prestat) == 8);

struct Dirent {
  std::uint64_t next;
  std::uint64_t inode;
  std::uint32_t name_length;
  std::uint8_t type;
  std::uint8_t padding[3];
};
static_assert(sizeof(Dirent) == 24);

bool is_file(const OpenDescriptor& open) noexcept {
  return open.backing == Backing::kFile || open.backing == Backing::kSharedFile;
}
bool is_of_system(const OpenDescriptor& open) noexcept { return open.system >= 0; }

/// What `fd_read` and its kin check first. Without the right a directory says what it is.
Outcome<OpenDescriptor*> find_for(Call& call, std::uint32_t number, Rights rights) {
  OpenDescriptor* const open = TRY(call.find(number));
  if (open->backing == Backing::kDirectory) return fail(Errno::kIsdir);
  if ((open->rights & rights) != rights) return fail(Errno::kNotcapable);
  return open;
}

using Transfer = Outcome<std::uint64_t> (*)(const Caller&, OpenDescriptor&, GuestBuffers&);
using TransferAt = Outcome<std::uint64_t> (*)(const Caller&, OpenDescriptor&, GuestBuffers&, std::uint64_t);

template <Transfer kTransfer, Rights kRights>
Outcome<void> transfer(Call& call, std::uint32_t fd, std::uint32_t list, std::uint32_t count, std::uint32_t done) {
  OpenDescriptor* const open = TRY(find_for(call, fd, kRights));
  GuestBuffers buffers;
  TRY(buffers.load(call.memory, list, count));
  TRY(call.check(done, sizeof(std::uint32_t)));
  const std::uint64_t bytes = TRY(kTransfer(call.caller, *open, buffers));
  return call.store(done, static_cast<std::uint32_t>(bytes));  // below 2^31, as the buffers
}

template <TransferAt kTransfer, Rights kRights>
Outcome<void> transfer_at(Call& call, std::uint32_t fd, std::uint32_t list, std::uint32_t count, std::uint64_t position,
                          std::uint32_t done) {
  OpenDescriptor* const open = TRY(find_for(call, fd, kRights));
  GuestBuffers buffers;
  TRY(buffers.load(call.memory, list, count));
  TRY(call.check(done, sizeof(std::uint32_t)));
  const std::uint64_t bytes = TRY(kTransfer(call.caller, *open, buffers, position));
  return call.store(done, static_cast<std::uint32_t>(bytes));  // below 2^31, as the buffers
}

Outcome<void> fd_advise(Call& call, std::uint32_t fd, std::uint64_t offset, std::uint64_t length,
                        std::uint32_t advice) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdAdvise));
  constexpr std::uint32_t kLast = 5;
  if (advice > kLast) return fail(Errno::kInval);
  return to_outcome(os::advise(open->system, offset, length, static_cast<os::Advice>(advice)));  // the same numbers
}

Outcome<void> fd_allocate(Call& call, std::uint32_t fd, std::uint64_t offset, std::uint64_t length) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdAllocate));
  return to_outcome(os::allocate(open->system, offset, length));
}

Outcome<void> fd_close(Call& call, std::uint32_t fd) {
  (void)TRY(call.find(fd));
  call.sandbox.descriptors.close(fd);
  return {};
}

Outcome<void> fd_datasync(Call& call, std::uint32_t fd) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdDatasync));
  return to_outcome(os::sync_data(open->system));
}

Outcome<void> fd_sync(Call& call, std::uint32_t fd) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdSync));
  return to_outcome(os::sync(open->system));
}

Outcome<void> fd_fdstat_get(Call& call, std::uint32_t fd, std::uint32_t address) {
  OpenDescriptor* const open = TRY(call.find(fd));
  return call.store(address, Fdstat{.type = filetype_of(open->kind),
                                    .padding = 0,
                                    .flags = open->flags,
                                    .more_padding = 0,
                                    .rights = open->rights,
                                    .inheriting = open->inheriting});
}

Outcome<void> fd_fdstat_set_flags(Call& call, std::uint32_t fd, std::uint32_t flags) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdFdstatSetFlags));
  if (flags > flag::kAll) return fail(Errno::kInval);
  // How a file writes is the system's to do; for what is inherited, others would see it.
  constexpr std::uint32_t kOfWriting = flag::kAppend | flag::kDsync | flag::kSync | flag::kRsync;
  if (open->backing == Backing::kFile && ((open->flags ^ flags) & kOfWriting) != 0) {
    if (!open->owned.is_open() || ((open->flags ^ flags) & kOfWriting) != flag::kAppend) return fail(Errno::kNotsup);
    TRY(to_outcome(os::set_append(open->system, (flags & flag::kAppend) != 0)));
  }
  open->flags = static_cast<std::uint16_t>(flags);  // at most kAll
  return {};
}

Outcome<void> fd_fdstat_set_rights(Call& call, std::uint32_t fd, std::uint64_t rights, std::uint64_t inheriting) {
  OpenDescriptor* const open = TRY(call.find(fd));
  if ((rights & ~open->rights) != 0 || (inheriting & ~open->inheriting) != 0) return fail(Errno::kNotcapable);
  open->rights = rights;
  open->inheriting = inheriting;
  return {};
}

Outcome<void> fd_filestat_get(Call& call, std::uint32_t fd, std::uint32_t address) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdFilestatGet));
  os::NodeStatus status{.kind = open->kind};
  if (is_of_system(*open)) status = TRY(to_outcome(os::status_of(open->system)));
  return store_status(call, address, status);
}

Outcome<void> fd_filestat_set_size(Call& call, std::uint32_t fd, std::uint64_t bytes) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdFilestatSetSize));
  return to_outcome(os::resize(open->system, bytes));
}

Outcome<void> fd_filestat_set_times(Call& call, std::uint32_t fd, std::uint64_t accessed, std::uint64_t modified,
                                    std::uint32_t flags) {
  OpenDescriptor* const open = TRY(call.find(fd, right::kFdFilestatSetTimes));
  const NewTimes times = TRY(new_times(accessed, modified, flags));
  return to_outcome(os::set_times(open->system, times.accessed, times.modified));
}

Outcome<void> fd_prestat_get(Call& call, std::uint32_t fd, std::uint32_t address) {
  OpenDescriptor* const open = TRY(call.find(fd));
  if (open->guest_path == nullptr) return fail(Errno::kBadf);
  return call.store(address, Prestat{.tag = 0, .name_length = static_cast<std::uint32_t>(open->guest_path->size())});
}

Outcome<void> fd_prestat_dir_name(Call& call, std::uint32_t fd, std::uint32_t address, std::uint32_t length) {
  OpenDescriptor* const open = TRY(call.find(fd));
  if (open->guest_path == nullptr) return fail(Errno::kBadf);
  if (length < open->guest_path->size()) return fail(Errno::kNametoolong);
  const auto bytes = TRY(call.write(address, open->guest_path->size()));
  std::ranges::copy(std::as_bytes(std::span(*open->guest_path)), bytes.begin());
  return {};
}

/// Writes entries to the guest's memory until that is full; the last may be cut off, which tells the guest so.
class Entries final : public os::DirectoryReader {
 public:
  Entries(Call& call, std::uint32_t address, std::uint32_t length) : call_(call), address_(address), length_(length) {}
  [[nodiscard]] bool take(const os::DirectoryEntry& entry) override {
    // What the directory above is has nothing to do with the guest.
    const Dirent head{.next = entry.next,
                      .inode = entry.name == ".." ? 0 : entry.inode,
                      .name_length = static_cast<std::uint32_t>(entry.name.size()),
                      .type = filetype_of(entry.kind),
                      .padding = {}};
    return put(std::as_bytes(std::span(&head, 1))) && put(std::as_bytes(std::span(entry.name)));
  }
  [[nodiscard]] bool goes_on() override { return used_ < length_ && !call_.caller.stopping(); }
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }

 private:
  /// @return whether all of it fitted.
  [[nodiscard]] bool put(std::span<const std::byte> bytes) {
    const std::size_t count = std::min<std::size_t>(bytes.size(), length_ - used_);
    const auto room = call_.write(std::uint64_t{address_} + used_, count);
    if (!room) return false;  // it was checked
    std::ranges::copy(bytes.first(count), room->begin());
    used_ += static_cast<std::uint32_t>(count);  // at most length_
    return count == bytes.size();
  }

  Call& call_;
  std::uint32_t address_;
  std::uint32_t length_;
  std::uint32_t used_ = 0;
};

Outcome<void> fd_readdir(Call& call, std::uint32_t fd, std::uint32_t address, std::uint32_t length,
                         std::uint64_t cookie, std::uint32_t used) {
  OpenDescriptor* const open = TRY(call.find_directory(fd, right::kFdReaddir));
  TRY(call.check(address, length));
  TRY(call.check(used, sizeof(std::uint32_t)));
  // A directory that the lease began with is shared with others: its position is theirs, too.
  if (!open->owned.is_open()) {
    auto own =
        TRY(to_outcome(os::open_beneath(open->system, ".", {.read = true, .directory = true}, os::LastLink::kKeep)));
    open->system = own.number();
    open->owned = std::move(own);
  }
  Entries entries(call, address, length);
  TRY(to_outcome(os::read_directory(open->system, cookie, entries)));
  return call.store(used, entries.used());
}

Outcome<void> fd_renumber(Call& call, std::uint32_t from, std::uint32_t to) {
  OpenDescriptor* const source = TRY(call.find(from));
  OpenDescriptor* const target = TRY(call.find(to));
  if (from == to) return {};
  *target = std::move(*source);
  call.sandbox.descriptors.close(from);
  return {};
}

Outcome<std::uint64_t> moved(std::uint64_t base, std::int64_t offset) {
  // Of two's complement: the sum wraps around exactly when it is not between 0 and 2^63.
  const std::uint64_t sum = base + static_cast<std::uint64_t>(offset);
  const bool is_inside = offset < 0 ? sum < base : sum >= base;
  if (!is_inside || sum > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail(Errno::kInval);
  return sum;
}

Outcome<std::uint64_t> seek(OpenDescriptor& open, std::int64_t offset, os::Whence whence) {
  if (!is_file(open)) return fail(Errno::kSpipe);
  if (open.backing == Backing::kFile) return to_outcome(os::seek(open.system, offset, whence));
  std::uint64_t base = 0;
  if (whence == os::Whence::kCurrent) base = open.position;
  if (whence == os::Whence::kEnd) {
    const auto status = TRY(to_outcome(os::status_of(open.system)));
    base = status.bytes;
  }
  open.position = TRY(moved(base, offset));
  return open.position;
}

Outcome<void> fd_seek(Call& call, std::uint32_t fd, std::int64_t offset, std::uint32_t whence, std::uint32_t position) {
  OpenDescriptor* const open = TRY(call.find(fd));
  if (open->backing == Backing::kStream || open->backing == Backing::kSocket) return fail(Errno::kSpipe);
  constexpr std::uint32_t kLast = 2;
  if (whence > kLast) return fail(Errno::kInval);
  const auto from = static_cast<os::Whence>(whence);  // the same numbers
  const bool only_tells = from == os::Whence::kCurrent && offset == 0;
  (void)TRY(call.find(fd, only_tells ? right::kFdTell : right::kFdSeek | right::kFdTell));
  TRY(call.check(position, sizeof(std::uint64_t)));
  const std::uint64_t now = TRY(seek(*open, offset, from));
  return call.store(position, now);
}

Outcome<void> fd_tell(Call& call, std::uint32_t fd, std::uint32_t position) {
  return fd_seek(call, fd, 0, static_cast<std::uint32_t>(os::Whence::kCurrent), position);
}

}  // namespace

void define_descriptors(Linker& linker) {
  define<fd_advise>(linker, "fd_advise");
  define<fd_allocate>(linker, "fd_allocate");
  define<fd_close>(linker, "fd_close");
  define<fd_datasync>(linker, "fd_datasync");
  define<fd_fdstat_get>(linker, "fd_fdstat_get");
  define<fd_fdstat_set_flags>(linker, "fd_fdstat_set_flags");
  define<fd_fdstat_set_rights>(linker, "fd_fdstat_set_rights");
  define<fd_filestat_get>(linker, "fd_filestat_get");
  define<fd_filestat_set_size>(linker, "fd_filestat_set_size");
  define<fd_filestat_set_times>(linker, "fd_filestat_set_times");
  define<transfer_at<read_at, right::kFdRead | right::kFdSeek>>(linker, "fd_pread");
  define<fd_prestat_get>(linker, "fd_prestat_get");
  define<fd_prestat_dir_name>(linker, "fd_prestat_dir_name");
  define<transfer_at<write_at, right::kFdWrite | right::kFdSeek>>(linker, "fd_pwrite");
  define<transfer<read, right::kFdRead>>(linker, "fd_read");
  define<fd_readdir>(linker, "fd_readdir");
  define<fd_renumber>(linker, "fd_renumber");
  define<fd_seek>(linker, "fd_seek");
  define<fd_sync>(linker, "fd_sync");
  define<fd_tell>(linker, "fd_tell");
  define<transfer<write, right::kFdWrite>>(linker, "fd_write");
}

}  // namespace anew::wasi::detail
