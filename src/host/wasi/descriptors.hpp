// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The descriptors of one lease: what each is, and its number.
#pragma once

#include <anew/wasi.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/wasi/errno.hpp"
#include "host/wasi/rights.hpp"
#include "os/file.hpp"
#include "os/sandbox/files.hpp"

namespace anew::wasi::detail {

/// What a descriptor reads from and writes to.
enum class Backing : std::uint8_t {
  kNone,        ///< the number is free
  kDirectory,   ///< of the system
  kFile,        ///< a file of the system, with the system's position
  kSharedFile,  ///< a file that others read as well: the position is this descriptor's
  kStream,      ///< a pipe, a terminal, a device
  kSocket,
  kNull,
  kBytes,
  kReader,
  kCapture,
  kWriter,
};

/// `fdflags`.
namespace flag {
inline constexpr std::uint16_t kAppend = 1;
inline constexpr std::uint16_t kDsync = 2;
inline constexpr std::uint16_t kNonblock = 4;
inline constexpr std::uint16_t kRsync = 8;
inline constexpr std::uint16_t kSync = 16;
inline constexpr std::uint16_t kAll = 31;
}  // namespace flag

/// An open descriptor of the guest's. What it points to is the configuration's or the sandbox's, and outlives it.
struct OpenDescriptor {
  Backing backing = Backing::kNone;
  os::NodeKind kind = os::NodeKind::kUnknown;
  std::uint16_t flags = 0;
  /// Of a stream: reading or writing may wait in the system, since others share how it was opened.
  bool waits = false;
  Rights rights = 0;
  Rights inheriting = 0;
  int system = -1;                                    ///< the system's descriptor
  os::Descriptor owned = {};                          ///< the same, if it goes with this one
  const std::string* guest_path = nullptr;            ///< of a directory that the lease begins with
  std::uint64_t position = 0;                         ///< kSharedFile, kBytes
  std::string_view bytes = {};                        ///< kBytes
  std::shared_ptr<const std::string> own_bytes = {};  ///< kBytes: the same, if they were set for this lease
  const Reader* reader = nullptr;                     ///< kReader
  const Writer* writer = nullptr;                     ///< kWriter
  std::string* captured = nullptr;                    ///< kCapture
  std::uint64_t maximum_captured_bytes = 0;           ///< kCapture
};

/// By number. Each step takes constant time, so a number that was freed last is given out first.
class Descriptors {
 public:
  explicit Descriptors(std::uint32_t maximum) : maximum_(maximum) {}

  /// @return null if none has the number. Good until the next is added.
  [[nodiscard]] OpenDescriptor* find(std::uint32_t number) noexcept {
    if (number >= entries_.size() || entries_[number].open.backing == Backing::kNone) return nullptr;
    return &entries_[number].open;
  }
  /// @return its number, or kMfile.
  [[nodiscard]] Outcome<std::uint32_t> add(OpenDescriptor open);
  [[nodiscard]] bool is_full() const noexcept { return free_ == kNothing && entries_.size() >= maximum_; }
  /// Of an open one.
  void close(std::uint32_t number) noexcept;
  void clear() noexcept;
  void reserve(std::size_t count) { entries_.reserve(count); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr std::uint32_t kNothing = ~std::uint32_t{0};
  struct Entry {
    OpenDescriptor open;
    std::uint32_t next_free = kNothing;
  };
  std::vector<Entry> entries_;
  std::uint32_t free_ = kNothing;  ///< the first of the list of free numbers
  std::uint32_t maximum_;
};

}  // namespace anew::wasi::detail
