// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What Options give to all leases of a linker, opened and checked.
#pragma once

#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/wasi/descriptors.hpp"
#include "host/wasi/network.hpp"
#include "os/file.hpp"

namespace anew::wasi::detail {

/// Arguments or environment: as the guest gets them, one behind the other, each with a NUL.
class Strings {
 public:
  Strings() = default;
  /// @param what  they are, for the message of kArgument.
  [[nodiscard]] static Result<Strings> make(std::span<const std::string> strings, std::string_view what);
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  /// Where each begins.
  [[nodiscard]] std::span<const std::uint32_t> starts() const noexcept { return starts_; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> starts_;
};

/// Shared by all leases, and not changed. Descriptors that leases begin with point into it.
struct Configuration {
  Options options;
  Strings arguments;
  Strings environment;
  AllowedNetwork network;
  std::vector<os::Descriptor> opened;      ///< what the descriptors below are of the system
  std::vector<OpenDescriptor> beginnings;  ///< the standard ones, the directories, the sockets; none owns anything

  [[nodiscard]] static Result<std::shared_ptr<const Configuration>> make(const Options& options);
};

/// A copy that owns nothing, of one that owns nothing.
[[nodiscard]] OpenDescriptor copy_of(const OpenDescriptor& open) noexcept;

}  // namespace anew::wasi::detail
