// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sockets that a lease begins with, and those accepted from them: `sock_*`.
#include <utility>

#include "host/wasi/preview1.hpp"
#include "host/wasi/transfers.hpp"
#include "os/sandbox/files.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

Outcome<OpenDescriptor*> find_socket(Call& call, std::uint32_t fd, Rights rights) {
  OpenDescriptor* const open = TRY(call.find(fd));
  if (open->backing != Backing::kSocket) return fail(Errno::kNotsock);
  if ((open->rights & rights) != rights) return fail(Errno::kNotcapable);
  return open;
}

Outcome<void> sock_accept(Call& call, std::uint32_t fd, std::uint32_t flags, std::uint32_t accepted) {
  OpenDescriptor* const open = TRY(find_socket(call, fd, right::kSockAccept));
  if (flags > flag::kAll) return fail(Errno::kInval);
  TRY(call.check(accepted, sizeof(std::uint32_t)));
  if (call.sandbox.descriptors.is_full()) return fail(Errno::kMfile);
  const Rights rights = open->inheriting & right::kOfSockets;
  auto descriptor = TRY(accept(call.caller, *open));
  const auto status = TRY(to_outcome(os::status_of(descriptor.number())));
  OpenDescriptor connection{.backing = Backing::kSocket,
                            .kind = status.kind,
                            .flags = static_cast<std::uint16_t>(flags),  // at most kAll
                            .rights = rights,
                            .inheriting = rights,
                            .system = descriptor.number()};
  connection.owned = std::move(descriptor);
  const std::uint32_t number = TRY(call.sandbox.descriptors.add(std::move(connection)));
  return call.store(accepted, number);
}

Outcome<void> sock_recv(Call& call, std::uint32_t fd, std::uint32_t list, std::uint32_t count, std::uint32_t flags,
                        std::uint32_t received, std::uint32_t received_flags) {
  OpenDescriptor* const open = TRY(find_socket(call, fd, right::kFdRead));
  constexpr std::uint32_t kPeek = 1;
  constexpr std::uint32_t kWaitAll = 2;
  if (flags > (kPeek | kWaitAll)) return fail(Errno::kInval);
  GuestBuffers buffers;
  TRY(buffers.load(call.memory, list, count));
  TRY(call.check(received, sizeof(std::uint32_t)));
  TRY(call.check(received_flags, sizeof(std::uint16_t)));
  const Datagram datagram = TRY(receive(call.caller, *open, buffers, (flags & kPeek) != 0, (flags & kWaitAll) != 0));
  TRY(call.store(received, static_cast<std::uint32_t>(datagram.bytes)));  // below 2^31, as the buffers
  return call.store(received_flags, static_cast<std::uint16_t>(datagram.truncated));
}

Outcome<void> sock_send(Call& call, std::uint32_t fd, std::uint32_t list, std::uint32_t count, std::uint32_t flags,
                        std::uint32_t sent) {
  OpenDescriptor* const open = TRY(find_socket(call, fd, right::kFdWrite));
  if (flags != 0) return fail(Errno::kInval);
  GuestBuffers buffers;
  TRY(buffers.load(call.memory, list, count));
  TRY(call.check(sent, sizeof(std::uint32_t)));
  const std::uint64_t bytes = TRY(write(call.caller, *open, buffers));
  return call.store(sent, static_cast<std::uint32_t>(bytes));  // below 2^31, as the buffers
}

Outcome<void> sock_shutdown(Call& call, std::uint32_t fd, std::uint32_t how) {
  OpenDescriptor* const open = TRY(find_socket(call, fd, right::kSockShutdown));
  constexpr std::uint32_t kReading = 1;
  constexpr std::uint32_t kWriting = 2;
  if (how == 0 || how > (kReading | kWriting)) return fail(Errno::kInval);
  return to_outcome(os::shut_down(open->system, (how & kReading) != 0, (how & kWriting) != 0));
}

}  // namespace

void define_sockets(Linker& linker) {
  define<sock_accept>(linker, "sock_accept");
  define<sock_recv>(linker, "sock_recv");
  define<sock_send>(linker, "sock_send");
  define<sock_shutdown>(linker, "sock_shutdown");
}

}  // namespace anew::wasi::detail
