// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A guest that is nothing but the functions of WASI and a memory: tests call them as a program would.
#pragma once

#include <gtest/gtest.h>

#include <anew/wasi.hpp>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "host/wasi/errno.hpp"
#include "host/wasi/rights.hpp"
#include "os/temporary_directory.hpp"
#include "support/wat.hpp"

namespace anew::test {

using wasi::Errno;

inline constexpr std::uint32_t kMemoryBytes = 4 * 65'536;
inline constexpr std::uint64_t kAllRights = ~std::uint64_t{0};
inline constexpr std::uint32_t kFollow = 1;
inline constexpr std::uint32_t kCreate = 1;
inline constexpr std::uint32_t kDirectory = 2;
inline constexpr std::uint32_t kExclusive = 4;
inline constexpr std::uint32_t kTruncate = 8;
inline constexpr std::uint64_t kReads = wasi::right::kFdRead | wasi::right::kFdSeek | wasi::right::kFdTell |
                                        wasi::right::kFdFilestatGet | wasi::right::kFdReaddir |
                                        wasi::right::kPollFdReadwrite;
inline constexpr std::uint64_t kReadsAndWrites = kReads | wasi::right::kFdWrite | wasi::right::kFdAllocate |
                                                 wasi::right::kFdFilestatSetSize | wasi::right::kFdFdstatSetFlags |
                                                 wasi::right::kFdAdvise | wasi::right::kFdSync;

/// Exports all functions as they are.
inline std::string all_functions() {
  struct Function {
    const char* name;
    const char* parameters;
  };
  constexpr Function kFunctions[] = {{"args_get", "i32 i32"},
                                     {"args_sizes_get", "i32 i32"},
                                     {"environ_get", "i32 i32"},
                                     {"environ_sizes_get", "i32 i32"},
                                     {"clock_res_get", "i32 i32"},
                                     {"clock_time_get", "i32 i64 i32"},
                                     {"fd_advise", "i32 i64 i64 i32"},
                                     {"fd_allocate", "i32 i64 i64"},
                                     {"fd_close", "i32"},
                                     {"fd_datasync", "i32"},
                                     {"fd_fdstat_get", "i32 i32"},
                                     {"fd_fdstat_set_flags", "i32 i32"},
                                     {"fd_fdstat_set_rights", "i32 i64 i64"},
                                     {"fd_filestat_get", "i32 i32"},
                                     {"fd_filestat_set_size", "i32 i64"},
                                     {"fd_filestat_set_times", "i32 i64 i64 i32"},
                                     {"fd_pread", "i32 i32 i32 i64 i32"},
                                     {"fd_prestat_get", "i32 i32"},
                                     {"fd_prestat_dir_name", "i32 i32 i32"},
                                     {"fd_pwrite", "i32 i32 i32 i64 i32"},
                                     {"fd_read", "i32 i32 i32 i32"},
                                     {"fd_readdir", "i32 i32 i32 i64 i32"},
                                     {"fd_renumber", "i32 i32"},
                                     {"fd_seek", "i32 i64 i32 i32"},
                                     {"fd_sync", "i32"},
                                     {"fd_tell", "i32 i32"},
                                     {"fd_write", "i32 i32 i32 i32"},
                                     {"path_create_directory", "i32 i32 i32"},
                                     {"path_filestat_get", "i32 i32 i32 i32 i32"},
                                     {"path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"},
                                     {"path_link", "i32 i32 i32 i32 i32 i32 i32"},
                                     {"path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"},
                                     {"path_readlink", "i32 i32 i32 i32 i32 i32"},
                                     {"path_remove_directory", "i32 i32 i32"},
                                     {"path_rename", "i32 i32 i32 i32 i32 i32"},
                                     {"path_symlink", "i32 i32 i32 i32 i32"},
                                     {"path_unlink_file", "i32 i32 i32"},
                                     {"poll_oneoff", "i32 i32 i32 i32"},
                                     {"proc_raise", "i32"},
                                     {"sched_yield", ""},
                                     {"random_get", "i32 i32"},
                                     {"sock_accept", "i32 i32 i32"},
                                     {"sock_recv", "i32 i32 i32 i32 i32 i32"},
                                     {"sock_send", "i32 i32 i32 i32 i32"},
                                     {"sock_shutdown", "i32 i32"}};
  static_assert(std::size(kFunctions) == 45);
  std::string imports;
  std::string exports;
  for (const auto& [name, parameters] : kFunctions) {
    const std::string quoted = "\"" + std::string(name) + "\"";
    const std::string symbol = "$" + std::string(name);
    imports += "(import \"wasi_snapshot_preview1\" " + quoted + " (func " + symbol +
               (*parameters == 0 ? "" : " (param " + std::string(parameters) + ")") + " (result i32)))\n";
    exports += "(export " + quoted + " (func " + symbol + "))\n";
  }
  return "(module " + imports + R"(
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (memory (export "memory") 4) (export "proc_exit" (func $proc_exit)) )" +
         exports + ")";
}

/// An engine's module of it, compiled once.
inline const Module& function_module() {
  static const Module module = compile(all_functions());
  return module;
}

/// A pool of such guests with one instance, so each lease has what the last one had; and the lease.
class Guest {
 public:
  explicit Guest(const wasi::Options& options) : pool_(make(options)), lease_(acquire()) {}

  template <typename... A>
  Errno call(std::string_view name, A... arguments) {
    auto result = lease_.call<std::uint32_t>(name, arguments...);
    if (!result) throw std::runtime_error(result.error().to_string());
    return static_cast<Errno>(*result);
  }
  Lease& lease() { return lease_; }
  Pool& pool() { return pool_; }
  wasi::Context& context() { return *wasi::Context::find(lease_); }
  /// Gives the instance back and takes it again.
  void renew() {
    lease_.release();
    lease_ = acquire();
    next_ = 1024;
  }

  std::uint32_t reserve(std::uint32_t bytes) {
    next_ = (next_ + 7) & ~7U;
    const std::uint32_t address = next_;
    next_ += bytes;
    if (next_ > kMemoryBytes) throw std::runtime_error("the test takes more of the guest's memory than there is");
    return address;
  }
  std::uint32_t put(std::string_view bytes) {
    const std::uint32_t address = reserve(static_cast<std::uint32_t>(bytes.size()));
    auto room = lease_.memory().write(address, bytes.size()).value();
    std::memcpy(room.data(), bytes.data(), bytes.size());
    return address;
  }
  template <typename T>
  T get(std::uint32_t address) {
    return lease_.memory().load<T>(address).value();
  }
  template <typename T>
  void set(std::uint32_t address, T value) {
    lease_.memory().store(address, value).value();
  }
  std::string text(std::uint32_t address, std::uint32_t length) {
    const auto bytes = lease_.memory().read(address, length).value();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// An iovec.
  std::uint32_t buffer(std::uint32_t address, std::uint32_t length) {
    const std::uint32_t list = reserve(8);
    set(list, address);
    set(list + 4, length);
    return list;
  }

  struct Opened {
    Errno error;
    std::uint32_t fd;
  };
  Opened open(std::uint32_t directory, std::string_view path, std::uint32_t flags = 0, std::uint64_t rights = kReads,
              std::uint32_t lookup = kFollow, std::uint32_t fd_flags = 0) {
    const std::uint32_t mark = next_;
    const std::uint32_t fd = reserve(4);
    const Errno error =
        call("path_open", directory, lookup, put(path), length(path), flags, rights, kAllRights, fd_flags, fd);
    const Opened opened{error, error == Errno::kSuccess ? get<std::uint32_t>(fd) : ~0U};
    next_ = mark;
    return opened;
  }
  Errno write(std::uint32_t fd, std::string_view bytes) {
    const std::uint32_t mark = next_;
    const std::uint32_t done = reserve(4);
    const Errno error = call("fd_write", fd, buffer(put(bytes), length(bytes)), 1u, done);
    written = error == Errno::kSuccess ? get<std::uint32_t>(done) : 0;
    next_ = mark;
    return error;
  }
  struct Bytes {
    Errno error;
    std::string text;
    bool operator==(const Bytes&) const = default;
  };
  Bytes read(std::uint32_t fd, std::uint32_t most = 1000) {
    const std::uint32_t mark = next_;
    const std::uint32_t done = reserve(4);
    const std::uint32_t bytes = reserve(most);
    const Errno error = call("fd_read", fd, buffer(bytes, most), 1u, done);
    next_ = mark;
    return {error, error == Errno::kSuccess ? text(bytes, get<std::uint32_t>(done)) : std::string()};
  }
  /// A call that takes a descriptor and a path.
  Errno on_path(std::string_view function, std::uint32_t directory, std::string_view path) {
    const std::uint32_t mark = next_;
    const Errno error = call(function, directory, put(path), length(path));
    next_ = mark;
    return error;
  }
  Errno symlink(std::string_view target, std::uint32_t directory, std::string_view path) {
    const std::uint32_t mark = next_;
    const Errno error = call("path_symlink", put(target), length(target), directory, put(path), length(path));
    next_ = mark;
    return error;
  }
  Errno rename(std::uint32_t from, std::string_view old_path, std::uint32_t to, std::string_view new_path) {
    const std::uint32_t mark = next_;
    const Errno error = call("path_rename", from, put(old_path), length(old_path), to, put(new_path), length(new_path));
    next_ = mark;
    return error;
  }
  Errno link(std::uint32_t from, std::string_view old_path, std::uint32_t to, std::string_view new_path,
             std::uint32_t flags = 0) {
    const std::uint32_t mark = next_;
    const Errno error =
        call("path_link", from, flags, put(old_path), length(old_path), to, put(new_path), length(new_path));
    next_ = mark;
    return error;
  }
  Errno set_times(std::uint32_t directory, std::string_view path, std::uint32_t lookup) {
    const std::uint32_t mark = next_;
    const Errno error = call("path_filestat_set_times", directory, lookup, put(path), length(path), std::uint64_t{0},
                             std::uint64_t{1'000'000'000}, 4u);
    next_ = mark;
    return error;
  }
  /// `filestat`.
  struct Status {
    Errno error;
    std::uint8_t type;
    std::uint64_t size;
    std::uint64_t modified;
  };
  Status status(std::uint32_t directory, std::string_view path, std::uint32_t lookup = kFollow) {
    const std::uint32_t mark = next_;
    const std::uint32_t at = reserve(64);
    const Errno error = call("path_filestat_get", directory, lookup, put(path), length(path), at);
    next_ = mark;
    return {error, get<std::uint8_t>(at + 16), get<std::uint64_t>(at + 32), get<std::uint64_t>(at + 48)};
  }
  Bytes read_link(std::uint32_t directory, std::string_view path) {
    const std::uint32_t mark = next_;
    const std::uint32_t used = reserve(4);
    const std::uint32_t bytes = reserve(256);
    const Errno error = call("path_readlink", directory, put(path), length(path), bytes, 256u, used);
    next_ = mark;
    return {error, error == Errno::kSuccess ? text(bytes, get<std::uint32_t>(used)) : std::string()};
  }

  std::uint32_t written = 0;  ///< by the last write()

 private:
  static std::uint32_t length(std::string_view bytes) { return static_cast<std::uint32_t>(bytes.size()); }
  static Pool make(const wasi::Options& options) {
    Linker linker;
    if (auto defined = wasi::define(linker, options); !defined) throw std::runtime_error(defined.error().to_string());
    auto pool = Pool::create(function_module(), linker, {.capacity = 1, .audit_every = 1});
    if (!pool) throw std::runtime_error(pool.error().to_string());
    return std::move(*pool);
  }
  Lease acquire() {
    auto lease = pool_.acquire();
    if (!lease) throw std::runtime_error(lease.error().to_string());
    return std::move(*lease);
  }
  Pool pool_;
  Lease lease_;
  std::uint32_t next_ = 1024;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace anew::test
