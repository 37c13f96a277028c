// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WASI preview 1, and WASI 0.2 for components: what programs of ordinary toolchains (C, C++, Rust, Go) import. A
// library of its own, libanew_wasi.
//
//   anew::Linker linker;
//   anew::wasi::Options options;
//   options.arguments = {"program", "input.txt"};
//   options.directories = {{.host_path = "/srv/data", .guest_path = "/data", .read_only = true}};
//   options.standard_output = anew::wasi::Capture{};
//   auto defined = anew::wasi::define(linker, options);          // a Result<void>
//   anew::Pool pool = anew::Pool::create(module, linker).value();
//   anew::Lease lease = pool.acquire().value();
//   anew::Result<std::uint32_t> code = anew::wasi::run(lease);   // the exit code, or the trap
//   std::string_view output = anew::wasi::Context::find(lease)->standard_output();
//
// docs/wasi.md says what is there, what the sandbox promises and what is as new in each lease.
#pragma once

#include <anew/component/component.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace anew::wasi {

/// A directory of the host that the guest finds under a name of its own, with all that lies in it and nothing else.
struct Directory {
  std::filesystem::path host_path;
  std::string guest_path;  ///< "/data", "."; what the guest's library compares its paths with
  bool read_only = false;  ///< nothing in it can be created, changed, renamed or removed
};

/// Reading finds the end at once; what is written is dropped.
struct Null {};

/// A file, pipe, terminal or socket of this process: define() duplicates it, so it may be closed behind that. A regular
/// file is read from the place where it stood then, in each lease anew; all else is one stream that leases share. A
/// closed pipe is an error for the guest, never a SIGPIPE.
struct Descriptor {
  int number = -1;
};

/// What is written is kept for Context::standard_output or standard_error until the lease goes.
struct Capture {
  std::uint64_t maximum_bytes = 16 << 20;  ///< past it the guest's writes fail with "no space"
};

/// Fills what it likes of the bytes, which are never none, and returns how many; 0 is the end. An error ends the
/// guest's call with its message. Called by the threads of all leases, maybe at once.
using Reader = std::function<Result<std::size_t>(std::span<std::byte>)>;

/// Takes all bytes. An error ends the guest's call with its message. Called as a Reader is.
using Writer = std::function<Result<void>(std::span<const std::byte>)>;

/// Where standard input comes from; a string is its bytes.
using Input = std::variant<Null, Descriptor, std::string, Reader>;
/// Where standard output or standard error goes.
using Output = std::variant<Null, Descriptor, Capture, Writer>;

/// What the clocks of a guest show.
enum class Clock : std::uint8_t {
  kCoarse,     ///< the system's time to the millisecond: what a guest can measure of others is coarse
  kFine,       ///< the system's time as it is
  kSimulated,  ///< 1970-01-01 in each lease; every look at a clock takes a microsecond, and waiting takes no time
};

/// What of the network components are given, by `wasi:sockets`; to all else `access-denied`. The defaults give nothing.
/// An address is "127.0.0.1:5432" or "[::1]:443", or with a prefix's length "10.0.0.0/8:443" or "[fd00::/8]:443"; one
/// without a port is for all ports.
struct Network {
  std::vector<std::string> connect = {};  ///< what TCP may connect to, and UDP exchange datagrams with
  std::vector<std::string> listen = {};   ///< where TCP may listen, and UDP receive of everybody
  std::vector<std::string> look_up = {};  ///< names: "db.example.org", "*.example.org", "*" for all
};

/// What define() gives to the guests. The defaults give nothing: no directory, no stream, no environment.
struct Options {
  std::vector<std::string> arguments = {};    ///< the program's name first; none holds a NUL
  std::vector<std::string> environment = {};  ///< "NAME=value"
  std::vector<Directory> directories = {};    ///< descriptors 3, 4 and so on
  std::vector<Descriptor> sockets = {};       ///< listening or connected; descriptors behind the directories
  Network network = {};                       ///< of components: preview 1 has no function for it
  Input standard_input = Null{};
  Output standard_output = Null{};
  Output standard_error = Null{};
  Clock clock = Clock::kCoarse;
  /// Random bytes are the same in each lease, made from this; otherwise they are the system's.
  std::optional<std::uint64_t> random_seed = std::nullopt;
  /// Descriptors that a lease may have at once, those that it begins with included: 1 to 2^20.
  std::uint32_t maximum_descriptors = 256;
};

namespace detail {
class Sandbox;
struct Configuration;
}  // namespace detail

/// What WASI keeps for a lease: used from the lease's thread, between its calls. All of it goes with the lease; the
/// next begins with the Options again.
class ANEW_API Context {
 public:
  /// That of a lease, good until the lease is given back. Lease::find_state finds it too, unless Anew is in a shared
  /// library: then that has a type of its own. @return null if its pool has no WASI, or the lease is empty.
  [[nodiscard]] static Context* find(const Lease& lease) noexcept;

  /// In place of Options::arguments. @return kArgument if one holds a NUL, or they take 4 GiB together.
  [[nodiscard]] Result<void> set_arguments(std::vector<std::string> arguments);
  /// In place of Options::environment. @return as set_arguments.
  [[nodiscard]] Result<void> set_environment(std::vector<std::string> environment);
  /// In place of Options::standard_input: these bytes, then the end.
  void set_standard_input(std::string bytes);

  /// What the calls of this lease wrote, if the option is a Capture; else empty. Good until the guest writes again.
  [[nodiscard]] std::string_view standard_output() const noexcept;
  [[nodiscard]] std::string_view standard_error() const noexcept;
  /// What the guest gave to `proc_exit`, which ends its call with kTrap and TrapKind::kHostError; nothing if it did not
  /// call it since the lease was taken.
  [[nodiscard]] std::optional<std::uint32_t> exit_code() const noexcept;

  /// For the library's own folders.
  explicit Context(std::shared_ptr<const detail::Configuration> configuration);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();
  [[nodiscard]] detail::Sandbox& sandbox() noexcept { return *sandbox_; }
  void reset();

 private:
  std::unique_ptr<detail::Sandbox> sandbox_;
};

/// Defines the 46 functions of `wasi_snapshot_preview1` and the state Context. Directories are opened, and descriptors
/// duplicated, now; they are closed when the linker and all pools made with it are gone. For another set of options
/// use another linker.
/// @return kNotFound or kIo for a directory that cannot be opened or a descriptor that is none; kArgument for bad
/// options.
[[nodiscard]] ANEW_API Result<void> define(Linker& linker, const Options& options);

/// Calls the program's `_start` and tells its end from a trap.
/// @return the exit code, 0 if it returned; kNotFound if the module is no program; kArgument if the linker of its pool
/// has no WASI; kTrap for every other end.
[[nodiscard]] ANEW_API Result<std::uint32_t> run(Lease& lease);
/// Begins what run() calls, in a call that may leave its thread when its time slice is over (Lease::set_time_slice).
/// @param entry  the program's `_start`, of the lease's pool.
[[nodiscard]] ANEW_API Result<Call<void>> start(Lease lease, const Function<void()>& entry);
/// How such a call ended, when it is done. @return as run().
[[nodiscard]] ANEW_API Result<std::uint32_t> exit_code(Call<void>& call);

/// Defines the interfaces of WASI 0.2 that programs import (`wasi:io`, `wasi:cli`, `wasi:clocks`, `wasi:random`,
/// `wasi:filesystem`, `wasi:sockets`), and the state Context, as define() above. `wasi:http` is wasi_http.hpp's.
[[nodiscard]] ANEW_API Result<void> define(component::Linker& linker, const Options& options);

/// Calls `wasi:cli/run` of a component and tells its end from a trap.
/// @return the exit code, 0 for ok and 1 for an error that it returned; else as run() above.
[[nodiscard]] ANEW_API Result<std::uint32_t> run(component::Lease& lease);

}  // namespace anew::wasi
