// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/transfers.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "host/wasi/attempt.hpp"
#include "os/sandbox/files.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

/// Waits until a descriptor can be read or written. @return kAgain if it does not wait, kIntr if the call is to end,
/// kLeft.
Outcome<void> await(const Caller& caller, const OpenDescriptor& open, short wanted, Attempt* attempt) {
  const bool waits = (open.flags & flag::kNonblock) == 0;
  while (!caller.stopping()) {
    os::Awaited awaited{open.system, wanted, 0};
    const auto ready = os::wait_for({&awaited, 1}, waits && attempt == nullptr ? kSlice : 0);
    if (ready && *ready > 0) return {};
    if (!ready && ready.error() != std::errc::interrupted) return fail(to_errno(ready.error()));
    if (ready && !waits) return fail(Errno::kAgain);
    if (attempt != nullptr && attempt->again_when({&awaited, 1})) return fail(Errno::kLeft);
    attempt = nullptr;  // nobody can tell
  }
  return fail(Errno::kIntr);
}

/// Does what may have to wait: at once, and again whenever the descriptor is ready.
/// @param attempt  if the call may be left for that; or null.
template <typename T>
Outcome<T> patiently(const Caller& caller, const OpenDescriptor& open, short wanted,
                     const auto& try_it /* -> SystemResult<T> */, Attempt* attempt = Attempt::current()) {
  if (open.waits) TRY(await(caller, open, wanted, attempt));
  for (;;) {
    os::SystemResult<T> done = try_it();
    if (done) return std::move(*done);
    if (done.error() == std::errc::interrupted) {
      if (caller.stopping()) return fail(Errno::kIntr);
    } else if (done.error() == std::errc::resource_unavailable_try_again) {
      TRY(await(caller, open, wanted, attempt));
    } else {
      return fail(to_errno(done.error()));
    }
  }
}

std::uint64_t read_bytes(OpenDescriptor& open, const GuestBuffers& buffers, MemoryView& memory) {
  const std::uint64_t count = std::min<std::uint64_t>(buffers.bytes(), open.bytes.size() - open.position);
  buffers.mark(memory, count);
  std::uint64_t copied = 0;
  for (const os::Buffer& buffer : buffers.all()) {
    const std::size_t part = std::min<std::size_t>(buffer.size, count - copied);
    if (part == 0) break;
    std::memcpy(buffer.data, open.bytes.data() + open.position + copied, part);
    copied += part;
  }
  open.position += count;
  return count;
}

/// Whether a callback of the library's own that failed has the call left.
bool has_left() noexcept { return Attempt::current() != nullptr && Attempt::current()->waits(); }

Outcome<std::uint64_t> read_callback(const Reader& reader, const GuestBuffers& buffers, MemoryView& memory) {
  if (buffers.bytes() == 0) return 0;
  const os::Buffer& buffer = buffers.all().front();
  buffers.mark(memory, buffer.size);
  const auto count = reader({buffer.data, buffer.size});
  if (!count && has_left()) return fail(Errno::kLeft);
  if (!count) throw std::runtime_error("standard input: " + count.error().message);
  if (*count > buffer.size) throw std::runtime_error("standard input: the callback read more than there is room for");
  return *count;
}

Outcome<std::uint64_t> write_callback(const Writer& writer, const GuestBuffers& buffers) {
  std::uint64_t written = 0;
  for (const os::Buffer& buffer : buffers.all()) {
    if (const auto done = writer({buffer.data, buffer.size}); !done) {
      if (!has_left()) throw std::runtime_error("an output stream: " + done.error().message);
      if (written == 0) return fail(Errno::kLeft);
      (void)Attempt::current()->take();  // it writes the rest later
      return written;
    }
    written += buffer.size;
  }
  return written;
}

Outcome<std::uint64_t> capture(OpenDescriptor& open, const GuestBuffers& buffers) {
  const std::uint64_t room =
      open.maximum_captured_bytes - std::min<std::uint64_t>(open.maximum_captured_bytes, open.captured->size());
  if (room == 0 && buffers.bytes() > 0) return fail(Errno::kNospc);
  std::uint64_t written = 0;
  for (const os::Buffer& buffer : buffers.all()) {
    const std::size_t part = std::min<std::size_t>(buffer.size, room - written);
    open.captured->append(reinterpret_cast<const char*>(buffer.data), part);  // bytes
    written += part;
    if (part < buffer.size) break;
  }
  return written;
}

/// Reads by a system call, then marks. What an attempt that failed may have left is marked, too.
template <typename Attempt>
Outcome<std::uint64_t> read_system(const Caller& caller, const OpenDescriptor& open, GuestBuffers& buffers,
                                   const Attempt& attempt) {
  MemoryView memory = caller.memory();
  auto count = patiently<std::uint64_t>(caller, open, os::kCanRead, attempt);
  buffers.mark(memory, count ? *count : buffers.bytes());
  return count;
}

}  // namespace

Outcome<std::uint64_t> read(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers) {
  MemoryView memory = caller.memory();
  switch (open.backing) {
    case Backing::kDirectory: return fail(Errno::kIsdir);
    case Backing::kNull: return 0;
    case Backing::kBytes: return read_bytes(open, buffers, memory);
    case Backing::kReader: return read_callback(*open.reader, buffers, memory);
    case Backing::kSharedFile: {
      const std::uint64_t count = TRY(read_at(caller, open, buffers, open.position));
      open.position += count;
      return count;
    }
    case Backing::kFile:
    case Backing::kStream:
      return read_system(caller, open, buffers, [&] { return os::read(open.system, buffers.all()); });
    case Backing::kSocket: {
      const Datagram datagram = TRY(receive(caller, open, buffers, false, false));
      return datagram.bytes;
    }
    case Backing::kNone:
    case Backing::kCapture:
    case Backing::kWriter: break;
  }
  return fail(Errno::kBadf);
}

Outcome<std::uint64_t> read_at(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers,
                               std::uint64_t position) {
  if (open.backing == Backing::kDirectory) return fail(Errno::kIsdir);
  if (open.backing != Backing::kFile && open.backing != Backing::kSharedFile) return fail(Errno::kSpipe);
  return read_system(caller, open, buffers, [&] { return os::read_at(open.system, buffers.all(), position); });
}

Outcome<std::uint64_t> write(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers) {
  switch (open.backing) {
    case Backing::kDirectory: return fail(Errno::kIsdir);
    case Backing::kNull: return buffers.bytes();
    case Backing::kCapture: return capture(open, buffers);
    case Backing::kWriter: return write_callback(*open.writer, buffers);
    case Backing::kStream:
      if (open.waits) buffers.limit(kPipeBytes);
      [[fallthrough]];
    case Backing::kFile:
      return patiently<std::uint64_t>(caller, open, os::kCanWrite,
                                      [&] { return os::write(open.system, buffers.all(), open.kind); });
    case Backing::kSocket:
      return patiently<std::uint64_t>(caller, open, os::kCanWrite,
                                      [&] { return os::send(open.system, buffers.all()); });
    case Backing::kNone:
    case Backing::kSharedFile:
    case Backing::kBytes:
    case Backing::kReader: break;
  }
  return fail(Errno::kBadf);
}

Outcome<std::uint64_t> write_at(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers,
                                std::uint64_t position) {
  if (open.backing == Backing::kDirectory) return fail(Errno::kIsdir);
  if (open.backing != Backing::kFile) return fail(Errno::kSpipe);
  return patiently<std::uint64_t>(caller, open, os::kCanWrite,
                                  [&] { return os::write_at(open.system, buffers.all(), position); });
}

Outcome<Datagram> receive(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers, bool peek, bool whole) {
  if (open.backing != Backing::kSocket) return fail(Errno::kNotsock);
  MemoryView memory = caller.memory();
  // All of it: a datagram that turns out to be damaged was written before it was looked at.
  buffers.mark(memory, buffers.bytes());
  std::uint64_t sum = 0;
  for (;;) {
    const auto received = patiently<os::Received>(
        caller, open, os::kCanRead, [&] { return os::receive(open.system, buffers.all(), peek); },
        sum == 0 ? Attempt::current() : nullptr);
    if (!received) {
      if (sum > 0) return Datagram{sum, false};  // the error comes again
      return fail(received.error());
    }
    sum += received->bytes;
    const bool is_stream = open.kind == os::NodeKind::kStreamSocket;
    if (!whole || peek || !is_stream || received->bytes == 0 || received->bytes == buffers.bytes())
      return Datagram{sum, received->truncated};
    buffers.skip(received->bytes);
  }
}

Outcome<os::Descriptor> accept(const Caller& caller, OpenDescriptor& open) {
  if (open.backing != Backing::kSocket) return fail(Errno::kNotsock);
  return patiently<os::Descriptor>(caller, open, os::kCanRead, [&] { return os::accept(open.system); });
}

}  // namespace anew::wasi::detail
