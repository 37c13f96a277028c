// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/http_component.hpp"

#include <fmt/format.h>

#include <anew/wasi_http.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "os/sandbox/streams.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "serve/exchange.hpp"
#include "serve/http_bodies.hpp"
#include "serve/reuse.hpp"
#include "serve/work.hpp"

namespace anew::serve {
namespace {

namespace http = wasi::http;

class HttpComponent;

class Handler final : public CallWork<Handler> {
 public:
  Handler(HttpComponent& application, Exchange& exchange, Answered answered)
      : CallWork(exchange, std::move(answered)),
        application_(application),
        download_(std::make_shared<Download>(exchange)) {}

  Result<bool> start();
  [[nodiscard]] component::Call& call() noexcept { return handling_->call(); }
  void resume() { call().resume(); }
  Result<void> end_of_guest();
  Result<bool> send_rest() { return download_->finish(); }

 private:
  void let_go() noexcept override;

  HttpComponent& application_;
  std::shared_ptr<Upload> upload_;  ///< null for a request without a body
  std::shared_ptr<Download> download_;
  std::optional<http::Handling> handling_;  ///< until the guest's call is done
  std::uint32_t served_ = 0;                ///< requests, by the instance
};

class HttpComponent final : public Application {
 public:
  HttpComponent(HttpComponentOptions options, component::Pool pool, component::Function handler)
      : options_(std::move(options)), pool_(std::move(pool)), handler_(handler), reuse_(options_.reuse) {}

  void handle(Exchange& exchange, Answered answered) noexcept override { work_on<Handler>(*this, exchange, answered); }

  void shut_down() noexcept override {
    reuse_.clear();
    static_cast<void>(pool_.core().shutdown(Clock::now()));  // who asked waits for the requests themselves
  }

  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    return {{options_.name, pool_.core().statistics()}};
  }

  [[nodiscard]] Result<Reuse<component::Lease>::Held> take() {
    return reuse_.take([&] { return pool_.acquire(); });
  }
  void give_back(component::Lease lease, std::uint32_t served) { reuse_.give_back({std::move(lease), served}); }
  [[nodiscard]] const component::Function& handler() const noexcept { return handler_; }

 private:
  const HttpComponentOptions options_;
  const component::Pool pool_;
  const component::Function handler_;
  Reuse<component::Lease> reuse_;
};

Result<bool> Handler::start() {
  const RequestHead& head = exchange().request();
  http::Request request{.method = head.method, .scheme = "http", .path = head.target};
  if (!head.authority.empty()) request.authority = head.authority;
  for (const Header& header : head.headers) request.headers.push_back({header.name, header.value});
  if (exchange().is_body_read()) {
    request.body = std::make_shared<http::Body>(std::string());
  } else {
    request.body = std::make_shared<http::Body>();
    upload_ = std::make_shared<Upload>(exchange(), request.body);
    upload_->begin();  // what of it is there already is there before the guest begins
    if (exchange().failure() != Failure::kNone) return fail(ErrorCode::kIo, "the request's body is none");
  }
  auto held = TRY(application_.take());
  served_ = held.served;
  TRY(take_care_of(held.lease.core()));
  handling_ = TRY(http::Handling::begin(
      std::move(held.lease), application_.handler(), std::move(request),
      [download = download_](http::Outcome<http::Response> response) { download->begin(std::move(response)); }));
  return true;
}

Result<void> Handler::end_of_guest() {
  auto lease = handling_->end();
  exchange().clear_canceller();
  if (lease && exchange().has_responded()) application_.give_back(std::move(*lease), served_);
  handling_.reset();
  if (!lease) return std::unexpected(std::move(lease.error()));
  return {};
}

void Handler::let_go() noexcept {
  handling_.reset();
  if (upload_ != nullptr) upload_->end();
  download_->end();
}

/// Has an instance answer GET for a path, as a client on this machine would ask, and drops the body.
Result<void> warm_up(component::Lease& lease, const component::Function& handler, const std::string& path) {
  if (!path.starts_with('/'))
    return fail(ErrorCode::kArgument, fmt::format("the warm-up \"{}\" is no path: it has to begin with /", path));
  std::optional<http::Outcome<http::Response>> answer;
  const auto take = [&answer](http::Outcome<http::Response> response) {
    answer = std::move(response);
    if (!*answer || (*answer)->body == nullptr) return;
    const auto drop = [&body = *(*answer)->body] {
      std::byte bytes[4096];
      while (body.read(bytes) > 0) {
      }
    };
    (*answer)->body->on_readable(drop);
    drop();
  };
  const http::Request request{
      .scheme = "http", .authority = "localhost", .path = path, .body = std::make_shared<http::Body>(std::string())};
  auto handled = http::handle(lease, handler, request, take);
  const auto refuse = [&path](Error error) {
    error.message = fmt::format("the warm-up GET {}: {}", path, error.message);
    return std::unexpected(std::move(error));
  };
  if (!handled) return refuse(std::move(handled.error()));
  if (!answer) return refuse(make_error(ErrorCode::kHost, "the guest gave no response"));
  if (!*answer) return refuse(make_error(ErrorCode::kHost, std::string(http::to_string(answer->error().code))));
  if ((*answer)->status >= 500)
    return refuse(make_error(ErrorCode::kHost, fmt::format("the guest answered with status {}", (*answer)->status)));
  return {};
}

}  // namespace

component::WarmUp warm_up_with(std::vector<std::string> paths) {
  if (paths.empty()) return nullptr;
  // The handler is of a pool that is not there yet.
  return [paths = std::move(paths)](component::Lease& lease) -> Result<void> {
    for (const std::string& path : paths) TRY(warm_up(lease, TRY(http::find_handler(lease)), path));
    return {};
  };
}

Result<std::shared_ptr<Application>> make_http_component(const component::Component& component,
                                                         HttpComponentOptions options) {
  component::Linker linker;
  TRY(wasi::define(linker, options.wasi));
  TRY(http::define(linker, options.http));
  auto pool = TRY(component::Pool::create(component, linker, options.pool, warm_up_with(options.warm_up)));
  const auto handler = TRY(http::find_handler(pool));
  return std::make_shared<HttpComponent>(std::move(options), std::move(pool), handler);
}

}  // namespace anew::serve
