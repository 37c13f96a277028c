// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a request is given to a component: `wasi:http/incoming-handler`.
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "host/wasi/preview2_http.hpp"

namespace anew::wasi::http {

using detail::preview2::Preview2;
using detail::preview2::ResponseOutparam;

namespace {
constexpr std::string_view kHandler = "wasi:http/incoming-handler#handle";
}  // namespace

Result<component::Function> find_handler(const component::Pool& pool) { return pool.function(kHandler); }

Result<component::Function> find_handler(const component::Lease& lease) { return lease.function(kHandler); }

/// Of a request that is handled: what ends with it.
struct Handling::Bodies {
  explicit Bodies(Respond respond) : exchange(std::make_shared<detail::preview2::Exchange>(std::move(respond))) {}
  Bodies(const Bodies&) = delete;
  Bodies& operator=(const Bodies&) = delete;
  /// An instance that is called again may still have the resources of this call.
  ~Bodies() {
    exchange->respond = nullptr;
    if (received != nullptr) received->abandon();
    if (exchange->body != nullptr) exchange->body->fail({.text = "the component ended before the body did"});
  }

  /// @return the handler's arguments.
  Result<std::array<component::Value, 2>> begin(component::Lease& lease, Request request) {
    auto* const context = lease.core().find_state<Context>();
    auto* const state = lease.core().find_state<Preview2>();
    if (context == nullptr || state == nullptr)
      return anew::fail(anew::ErrorCode::kArgument,
                        "the lease has no WASI: call wasi::define with the linker of its pool");
    received = request.body;
    auto incoming = TRY(detail::preview2::make_incoming(*state, std::move(request)));
    const std::uint32_t of_request = TRY(state->table.add(std::move(incoming)));
    const std::uint32_t of_response = TRY(state->table.add(std::make_shared<ResponseOutparam>(exchange)));
    return std::array<component::Value, 2>{component::Resource{of_request, true},
                                           component::Resource{of_response, true}};
  }

  std::shared_ptr<detail::preview2::Exchange> exchange;
  std::shared_ptr<Body> received;
};

Result<void> handle(component::Lease& lease, const component::Function& handler, Request request, Respond respond) {
  Handling::Bodies bodies(std::move(respond));
  const auto arguments = TRY(bodies.begin(lease, std::move(request)));
  (void)TRY(lease.call(handler, arguments));
  return {};
}

Handling::Handling(std::unique_ptr<Bodies> bodies, component::Call call) noexcept
    : bodies_(std::move(bodies)), call_(std::move(call)) {}
Handling::Handling(Handling&&) noexcept = default;
Handling& Handling::operator=(Handling&& other) noexcept {
  if (this != &other) {
    call_ = std::move(other.call_);
    bodies_ = std::move(other.bodies_);
  }
  return *this;
}
Handling::~Handling() = default;

Result<Handling> Handling::begin(component::Lease lease, const component::Function& handler, Request request,
                                 Respond respond) {
  auto bodies = std::make_unique<Bodies>(std::move(respond));
  const auto arguments = TRY(bodies->begin(lease, std::move(request)));
  component::Call call = std::move(lease).start(handler, arguments);
  return Handling(std::move(bodies), std::move(call));
}

Result<component::Lease> Handling::end() {
  bodies_.reset();
  (void)TRY(call_.result());
  return std::move(call_.lease());
}

}  // namespace anew::wasi::http
