// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sandbox/streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <string>

namespace anew::os {
namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;

static_assert(sizeof(Awaited) == sizeof(pollfd) && offsetof(Awaited, descriptor) == offsetof(pollfd, fd) &&
              offsetof(Awaited, wanted) == offsetof(pollfd, events) &&
              offsetof(Awaited, found) == offsetof(pollfd, revents));
static_assert(kCanRead == POLLIN && kCanWrite == POLLOUT && kFailed == POLLERR && kHungUp == POLLHUP &&
              kNotOpen == POLLNVAL && kPeerClosed == POLLRDHUP);

msghdr to_message(std::span<const Buffer> buffers) noexcept {
  msghdr message{};
  // The same two members at the same places (files.cpp asserts it); receiving writes what the buffers point to alone.
  message.msg_iov = const_cast<iovec*>(reinterpret_cast<const iovec*>(buffers.data()));
  message.msg_iovlen = buffers.size();
  return message;
}

std::uint64_t nanoseconds_of(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);  // both clocks are always there
  // Neither shows a moment before 1970, or one past 2^64 nanoseconds.
  return static_cast<std::uint64_t>(time.tv_sec) * kNanoseconds + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

SystemResult<std::uint64_t> wait_for(std::span<Awaited> awaited, std::uint64_t nanoseconds) {
  const timespec time{static_cast<time_t>(nanoseconds / kNanoseconds), static_cast<long>(nanoseconds % kNanoseconds)};
  // The same three members at the same places, asserted above.
  const int ready = ppoll(reinterpret_cast<pollfd*>(awaited.data()), awaited.size(), &time, nullptr);
  if (ready < 0) return fail_with(errno);
  return static_cast<std::uint64_t>(ready);  // not negative
}

std::uint64_t readable_bytes(int descriptor) noexcept {
  int bytes = 0;
  if (ioctl(descriptor, FIONREAD, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

SystemResult<Descriptor> make_event() { return check_descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void signal_event(int event) noexcept {
  const std::uint64_t one = 1;
  // It fails if a signal is to come anyway, and the count is full.
  (void)!::write(event, &one, sizeof(one));
}

void clear_event(int event) noexcept {
  std::uint64_t count = 0;
  (void)!::read(event, &count, sizeof(count));  // fails if there was no signal
}

SystemResult<Received> receive(int descriptor, std::span<const Buffer> buffers, bool peek) {
  msghdr message = to_message(buffers);
  const ssize_t count = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (peek ? MSG_PEEK : 0));
  if (count < 0) return fail_with(errno);
  return Received{static_cast<std::uint64_t>(count), (message.msg_flags & MSG_TRUNC) != 0};
}

SystemResult<std::uint64_t> send(int descriptor, std::span<const Buffer> buffers) {
  const msghdr message = to_message(buffers);
  const ssize_t count = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) return fail_with(errno);
  return static_cast<std::uint64_t>(count);
}

SystemResult<Descriptor> accept(int descriptor) {
  const int accepted = accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) return fail_with(errno);
  return Descriptor(accepted);
}

SystemResult<void> shut_down(int descriptor, bool reading, bool writing) {
  return check(shutdown(descriptor, reading && writing ? SHUT_RDWR : (reading ? SHUT_RD : SHUT_WR)));
}

bool is_socket(int descriptor) noexcept {
  int type = 0;
  socklen_t length = sizeof(type);
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

bool is_listening(int descriptor) noexcept {
  int listens = 0;
  socklen_t length = sizeof(listens);
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0;
}

bool is_terminal(int descriptor) noexcept { return isatty(descriptor) == 1; }

SystemResult<void> set_non_blocking(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return fail_with(errno);
  return check(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
}

SystemResult<Descriptor> reopen_non_blocking(int descriptor, bool reads) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int opened = ::open(path.c_str(), (reads ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (opened < 0) return fail_with(errno);
  return Descriptor(opened);
}

Directions directions_of(int descriptor) noexcept {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0) return {false, false};
  const int access = flags & O_ACCMODE;
  return {access != O_WRONLY, access != O_RDONLY};
}

std::uint64_t real_time() noexcept { return nanoseconds_of(CLOCK_REALTIME); }
std::uint64_t monotonic_time() noexcept { return nanoseconds_of(CLOCK_MONOTONIC); }

SystemResult<void> fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno != EINTR) return fail_with(errno);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));  // positive
  }
  return {};
}

}  // namespace anew::os
