// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/preview2.hpp"

#include "host/wasi/preview2_streams.hpp"

namespace anew::wasi::detail::preview2 {

Result<std::uint32_t> Table::add(std::shared_ptr<Entry> entry) {
  if (free_ != kNothing) {
    const std::uint32_t representation = free_;
    Slot& slot = slots_[representation];
    free_ = slot.next_free;
    slot.entry = std::move(entry);
    return representation;
  }
  if (slots_.size() >= kMost)
    return anew::fail(anew::ErrorCode::kResource,
                      "the instance has " + std::to_string(kMost) + " resources of WASI, as many as it may have");
  slots_.push_back({std::move(entry)});
  return static_cast<std::uint32_t>(slots_.size() - 1);  // below kMost
}

void Table::remove(std::uint32_t representation) noexcept {
  if (representation >= slots_.size() || slots_[representation].entry == nullptr) return;
  slots_[representation].entry.reset();
  slots_[representation].next_free = std::exchange(free_, representation);
}

void Table::clear() noexcept {
  constexpr std::size_t kKept = 256;
  const bool is_large = slots_.capacity() > kKept;
  slots_.clear();
  if (is_large) slots_ = std::vector<Slot>();
  free_ = kNothing;
}

void Preview2::reset() noexcept {
  watch.reset();
  table.clear();
  for (auto& output : outputs) output.reset();
  look_ups.reset();
}

}  // namespace anew::wasi::detail::preview2

namespace anew::wasi {

Result<void> define(component::Linker& linker, const Options& options) {
  auto configuration = TRY(detail::Configuration::make(options));
  linker.define_state<Context>([configuration] { return Context(configuration); }, &Context::reset);
  linker.define_state<detail::preview2::Preview2>([configuration] { return detail::preview2::Preview2(configuration); },
                                                  &detail::preview2::Preview2::reset);
  detail::preview2::define_io(linker);
  detail::preview2::define_process(linker);
  detail::preview2::define_files(linker);
  detail::preview2::define_sockets(linker);
  detail::preview2::define_tcp(linker);
  detail::preview2::define_udp(linker);
  detail::preview2::define_names(linker);
  return {};
}

Result<std::uint32_t> run(component::Lease& lease) {
  auto* const context = Context::find(lease.core());
  if (context == nullptr)
    return anew::fail(ErrorCode::kArgument, "the lease has no WASI: call wasi::define with the linker of its pool");
  context->sandbox().exit_code.reset();
  auto result = lease.call("wasi:cli/run#run", {});
  if (result) return result->as<component::Case>().index;  // ok or error
  if (result.error().trap == TrapKind::kHostError && context->exit_code()) return *context->exit_code();
  return std::unexpected(std::move(result.error()));
}

}  // namespace anew::wasi
