// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/preview1.hpp"

#include <bit>

#include "host/wasi/paths.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "structures are copied to the guest's memory as they are");

struct Filestat {
  std::uint64_t device;
  std::uint64_t inode;
  std::uint8_t type;
  std::uint8_t padding[7];
  std::uint64_t links;
  std::uint64_t bytes;
  std::uint64_t accessed;
  std::uint64_t modified;
  std::uint64_t changed;
};
static_assert(sizeof(Filestat) == 64);

}  // namespace

Outcome<std::span<std::byte>> Call::write(std::uint64_t address, std::uint64_t count) {
  auto bytes = memory.write(address, count);
  if (!bytes) return fail(Errno::kFault);
  return *bytes;
}

Outcome<void> Call::check(std::uint32_t address, std::uint64_t count) const {
  if (!memory.read(address, count)) return fail(Errno::kFault);
  return {};
}

Outcome<std::string_view> Call::path(std::uint32_t address, std::uint32_t length) const {
  const auto bytes = memory.read(address, length);
  if (!bytes) return fail(Errno::kFault);
  const std::string_view path(reinterpret_cast<const char*>(bytes->data()), bytes->size());  // bytes
  TRY(check_path(path));
  return path;
}

Outcome<OpenDescriptor*> Call::find(std::uint32_t number, Rights rights) const {
  OpenDescriptor* const open = sandbox.descriptors.find(number);
  if (open == nullptr) return fail(Errno::kBadf);
  if ((open->rights & rights) != rights) return fail(Errno::kNotcapable);
  return open;
}

Outcome<OpenDescriptor*> Call::find_directory(std::uint32_t number, Rights rights) const {
  OpenDescriptor* const open = TRY(find(number));
  if (open->backing != Backing::kDirectory) return fail(Errno::kNotdir);
  if ((open->rights & rights) != rights) return fail(Errno::kNotcapable);
  return open;
}

std::uint8_t filetype_of(os::NodeKind kind) noexcept {
  switch (kind) {
    case os::NodeKind::kUnknown:
    case os::NodeKind::kPipe: break;
    case os::NodeKind::kBlockDevice: return 1;
    case os::NodeKind::kCharacterDevice: return 2;
    case os::NodeKind::kDirectory: return 3;
    case os::NodeKind::kRegular: return 4;
    case os::NodeKind::kDatagramSocket: return 5;
    case os::NodeKind::kStreamSocket: return 6;
    case os::NodeKind::kSymbolicLink: return 7;
  }
  return 0;
}

Outcome<void> store_status(Call& call, std::uint32_t address, const os::NodeStatus& status) {
  return call.store(address, Filestat{.device = status.device,
                                      .inode = status.inode,
                                      .type = filetype_of(status.kind),
                                      .padding = {},
                                      .links = status.links,
                                      .bytes = status.bytes,
                                      .accessed = status.accessed,
                                      .modified = status.modified,
                                      .changed = status.changed});
}

Outcome<NewTimes> new_times(std::uint64_t accessed, std::uint64_t modified, std::uint32_t flags) {
  constexpr std::uint32_t kGiven = 1;
  constexpr std::uint32_t kNow = 2;
  constexpr std::uint32_t kBoth = kGiven | kNow;
  const auto decode = [](std::uint32_t bits, std::uint64_t time) {
    const auto what = bits == kGiven ? os::NewTime::What::kGiven
                      : bits == kNow ? os::NewTime::What::kNow
                                     : os::NewTime::What::kKeep;
    return os::NewTime{what, time};
  };
  const std::uint32_t of_accessed = flags & kBoth;
  const std::uint32_t of_modified = flags >> 2;
  if (of_accessed == kBoth || of_modified >= kBoth) return fail(Errno::kInval);
  return NewTimes{decode(of_accessed, accessed), decode(of_modified, modified)};
}

}  // namespace anew::wasi::detail

namespace anew::wasi {

Context::Context(std::shared_ptr<const detail::Configuration> configuration)
    : sandbox_(std::make_unique<detail::Sandbox>(std::move(configuration))) {}
Context::~Context() = default;

Context* Context::find(const Lease& lease) noexcept { return lease.find_state<Context>(); }

Result<void> Context::set_arguments(std::vector<std::string> arguments) {
  sandbox_->own_arguments = TRY(detail::Strings::make(arguments, "argument"));
  return {};
}
Result<void> Context::set_environment(std::vector<std::string> environment) {
  sandbox_->own_environment = TRY(detail::Strings::make(environment, "environment variable"));
  return {};
}
void Context::set_standard_input(std::string bytes) { sandbox_->set_input(std::move(bytes)); }
std::string_view Context::standard_output() const noexcept { return sandbox_->captured_output; }
std::string_view Context::standard_error() const noexcept { return sandbox_->captured_error; }
std::optional<std::uint32_t> Context::exit_code() const noexcept { return sandbox_->exit_code; }
void Context::reset() { sandbox_->reset(); }

Result<void> define(Linker& linker, const Options& options) {
  auto configuration = TRY(detail::Configuration::make(options));
  linker.define_state<Context>([configuration] { return Context(configuration); }, &Context::reset);
  detail::define_process(linker);
  detail::define_descriptors(linker);
  detail::define_paths(linker);
  detail::define_poll(linker);
  detail::define_sockets(linker);
  return {};
}

namespace {

Result<Context*> begin(const Lease& lease) {
  auto* const context = Context::find(lease);
  if (context == nullptr)
    return anew::fail(ErrorCode::kArgument, "the lease has no WASI: call wasi::define with the linker of its pool");
  context->sandbox().exit_code.reset();
  return context;
}

Result<std::uint32_t> end(const Context& context, Result<void> result) {
  if (result) return 0;
  if (result.error().trap == TrapKind::kHostError && context.exit_code()) return *context.exit_code();
  return std::unexpected(std::move(result.error()));
}

}  // namespace

Result<std::uint32_t> run(Lease& lease) {
  const Context* const context = TRY(begin(lease));
  return end(*context, lease.call("_start"));
}

Result<Call<void>> start(Lease lease, const Function<void()>& entry) {
  (void)TRY(begin(lease));
  return std::move(lease).start(entry);
}

Result<std::uint32_t> exit_code(Call<void>& call) {
  auto result = call.result();
  const Context* const context = Context::find(call.lease());
  if (context == nullptr) return std::unexpected(std::move(result.error()));  // start() did not begin it
  return end(*context, std::move(result));
}

}  // namespace anew::wasi
