// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What host functions of both kinds of storage do with values.
#pragma once

#include "host/substrate/host_interface.hpp"

namespace anew::substrate {

/// Writes what a value holds from `offset` on, as much as there is room for. @return how many bytes it holds from there
/// on; nothing if there is no value.
[[nodiscard]] Result<std::optional<std::uint32_t>> read_value(const Result<StorageValue>& value, GuestBuffer out,
                                                              std::uint32_t offset);
/// A root, as a result of its own size.
[[nodiscard]] Result<Blob> as_blob(const Result<Hash>& root);
/// In the form of the functions that take a cursor.
[[nodiscard]] Result<RemovalResults> as_results(Result<Overlay::Removal> removal);
/// Only whether it succeeded.
[[nodiscard]] Result<void> without_value(const Result<Overlay::Removal>& removal);

}  // namespace anew::substrate
