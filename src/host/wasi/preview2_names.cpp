// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:sockets/ip-name-lookup`.
#include <atomic>
#include <mutex>

#include "host/wasi/http_syntax.hpp"
#include "host/wasi/preview2_sockets.hpp"
#include "os/sandbox/look_up.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

/// What the thread that looks a name up leaves behind.
struct Found {
  std::mutex mutex;
  std::optional<os::LookedUp> result;
};

SocketCode to_code(os::LookUpError error) noexcept {
  switch (error) {
    case os::LookUpError::kUnknown: return SocketCode::kNameUnresolvable;
    case os::LookUpError::kTemporary: return SocketCode::kTemporaryResolverFailure;
    case os::LookUpError::kPermanent: break;
  }
  return SocketCode::kPermanentResolverFailure;
}

/// `resolve-address-stream`.
class Addresses final : public Awaitable {
 public:
  explicit Addresses(std::shared_ptr<Found> found) : found_(std::move(found)) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    waiting.for_waker();
    const std::lock_guard lock(found_->mutex);
    return found_->result.has_value();
  }
  [[nodiscard]] SocketAnswer<std::optional<Value>> next() {
    const std::lock_guard lock(found_->mutex);
    const auto& result = found_->result;
    if (!result) return refuse(SocketCode::kWouldBlock);
    if (!*result) return refuse(to_code(result->error()));
    if (next_ == (*result)->size()) return std::nullopt;
    return to_ip_address((**result)[next_++]);
  }

 private:
  std::shared_ptr<Found> found_;
  std::size_t next_ = 0;
};

bool is_name(const std::string& text) {
  constexpr std::size_t kLongest = 253;  // RFC 1035, without the dot at the end
  return text.size() <= kLongest && http::is_authority(text) && text.find(':') == text.npos;
}

SocketAnswer<std::shared_ptr<Addresses>> resolve_addresses(Call& call, std::shared_ptr<WholeNetwork> /*network*/,
                                                           std::string name) {
  const AllowedNetwork& allowed = call.state.configuration->network;
  if (allowed.is_none()) return refuse(SocketCode::kAccessDenied);
  auto found = std::make_shared<Found>();
  if (const auto address = os::parse_address(name)) {
    found->result = std::vector{*address};
    return std::make_shared<Addresses>(std::move(found));
  }
  if (!is_name(name)) return refuse(SocketCode::kInvalidArgument);
  if (!allowed.can_look_up(name)) return refuse(SocketCode::kAccessDenied);
  auto& under_way = call.state.look_ups;
  if (under_way == nullptr) under_way = std::make_shared<std::atomic<std::uint32_t>>(0);
  constexpr std::uint32_t kMost = 8;
  if (*under_way >= kMost) return refuse(SocketCode::kTemporaryResolverFailure);
  ++*under_way;
  const bool is_started =
      os::start_look_up(std::move(name), [found, under_way, waker = call.state.waker](os::LookedUp result) {
        --*under_way;
        {
          const std::lock_guard lock(found->mutex);
          found->result = std::move(result);
        }
        waker->wake();
      });
  if (!is_started) {
    --*under_way;
    return refuse(SocketCode::kTemporaryResolverFailure);
  }
  return std::make_shared<Addresses>(std::move(found));
}

SocketAnswer<std::optional<Value>> resolve_next_address(Call& /*call*/, std::shared_ptr<Addresses> addresses) {
  return addresses->next();
}

}  // namespace

void define_names(component::Linker& linker) {
  Interface names(linker, "wasi:sockets/ip-name-lookup@0.2.0");
  names.resource("resolve-address-stream");
  names.function<resolve_addresses>("resolve-addresses");
  names.function<resolve_next_address>("[method]resolve-address-stream.resolve-next-address");
  names.function<subscribe<Addresses>>("[method]resolve-address-stream.subscribe");
}

}  // namespace anew::wasi::detail::preview2
