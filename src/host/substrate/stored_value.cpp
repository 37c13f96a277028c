// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/stored_value.hpp"

#include <algorithm>
#include <memory>

#include "os/try.hpp"

namespace anew::substrate {

Result<std::optional<std::uint32_t>> read_value(const Result<StorageValue>& value, GuestBuffer out,
                                                std::uint32_t offset) {
  if (!value) return std::unexpected(value.error());
  if (*value == nullptr) return std::nullopt;
  const BytesView all = **value;
  const BytesView rest = all.subspan(std::min<std::size_t>(offset, all.size()));
  (void)TRY(out.write(rest));
  return static_cast<std::uint32_t>(rest.size());  // a value that came out of a guest's memory, or a chain's
}

Result<Blob> as_blob(const Result<Hash>& root) {
  if (!root) return std::unexpected(root.error());
  return Blob{Bytes(root->begin(), root->end())};
}

Result<RemovalResults> as_results(Result<Overlay::Removal> removal) {
  if (!removal) return std::unexpected(std::move(removal.error()));
  return RemovalResults{std::move(*removal)};
}

Result<void> without_value(const Result<Overlay::Removal>& removal) {
  if (!removal) return std::unexpected(removal.error());
  return {};
}

}  // namespace anew::substrate
