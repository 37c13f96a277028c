// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/http_component.hpp"

#include <fmt/format.h>

#include <anew/wasi_http.hpp>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "os/try.hpp"
#include "serve/exchange.hpp"
#include "serve/reuse.hpp"

namespace anew::serve {
namespace {

namespace http = wasi::http;

/// A request's body that is longer than what is read before the guest begins: a thread of its own reads it, as the
/// guest takes it, until this goes.
class Upload {
 public:
  Upload(Exchange& exchange, std::shared_ptr<http::Body> body)
      : exchange_(exchange), body_(std::move(body)), room_(std::make_shared<Room>()) {
    body_->on_writable([room = room_] { room->tell(false); });
    thread_ = std::thread([this] { run(); });
  }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() {
    body_->on_writable({});
    if (!room_->has_ended()) exchange_.stop_reading();
    room_->tell(true);
    thread_.join();
  }

 private:
  /// What on_writable tells: it may be called while this goes.
  struct Room {
    std::mutex mutex;
    std::condition_variable told;
    bool is_there = false;
    bool is_over = false;
    bool ended = false;  ///< the thread reads no more

    void tell(bool over) {
      const std::lock_guard lock(mutex);
      is_there = true;
      is_over = is_over || over;
      told.notify_one();
    }
    /// @return false if it is over.
    bool wait() {
      std::unique_lock lock(mutex);
      told.wait(lock, [&] { return is_there; });
      is_there = false;
      return !is_over;
    }
    void end() {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    bool has_ended() {
      const std::lock_guard lock(mutex);
      return ended;
    }
  };

  void run() noexcept {
    try {
      pass_on();
    } catch (const std::exception&) {
      body_->fail({});
    }
    room_->end();
  }
  void pass_on() {
    std::vector<std::byte> bytes(Exchange::kPieceBytes);
    while (!body_->is_abandoned()) {
      const auto count = exchange_.read(bytes);
      if (!count) return body_->fail({http::ErrorCode::kConnectionTerminated, count.error().message});
      if (*count == 0) {
        room_->end();  // before the guest can end: the connection goes on
        return body_->finish();
      }
      for (std::span<const std::byte> rest(bytes.data(), *count); !rest.empty();) {
        rest = rest.subspan(body_->write(rest));
        if (!rest.empty() && !room_->wait()) return;
      }
    }
  }

  Exchange& exchange_;
  const std::shared_ptr<http::Body> body_;
  const std::shared_ptr<Room> room_;
  std::thread thread_;
};

/// Of a body that the guest can have whole before it begins.
Result<std::string> read_whole(Exchange& exchange) {
  std::string result(http::Body::kCapacity, '\0');
  std::size_t size = 0;
  while (!exchange.is_body_read()) {
    // Its length was told, so there is room for all of it.
    const std::size_t count = TRY(exchange.read(std::as_writable_bytes(std::span(result)).subspan(size)));
    size += count;
    if (count == 0) break;
  }
  result.resize(size);
  return result;
}

/// What the guest answers, sent as it writes it: on its thread, which waits as long as the client makes it.
class Download {
 public:
  explicit Download(Exchange& exchange) : exchange_(exchange) {}
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;
  ~Download() {
    if (body_) body_->on_readable({});
  }

  void begin(http::Outcome<http::Response> response) {
    if (!response) {
      result_ = fail(ErrorCode::kHost,
                     fmt::format("the guest answered with the error {}{}{}", http::to_string(response.error().code),
                                 response.error().text ? ": " : "", response.error().text.value_or("")));
      return;
    }
    std::vector<Header> headers;
    for (http::Field& field : response->headers) headers.push_back({std::move(field.name), std::move(field.value)});
    result_ = exchange_.respond(response->status, headers);
    body_ = std::move(response->body);
    if (!body_) return;
    body_->on_readable([this] { pass_on(); });
    pass_on();
  }
  /// Behind the guest's call. @return what went wrong.
  Result<void> end() {
    if (!body_) return std::move(result_);
    pass_on();
    if (result_ && body_->end() != http::Body::End::kFinished)
      return fail(ErrorCode::kHost, "the guest did not finish the response's body");
    return std::move(result_);
  }

 private:
  void pass_on() noexcept {
    std::byte bytes[4096];
    try {
      while (result_) {
        const std::size_t count = body_->read(bytes);
        if (count == 0) return;
        result_ = exchange_.write({bytes, count});
      }
      body_->abandon();
    } catch (const std::exception& exception) {
      result_ = fail(ErrorCode::kResource, exception.what());
    }
  }

  Exchange& exchange_;
  std::shared_ptr<http::Body> body_;
  Result<void> result_;
};

class HttpComponent final : public Application {
 public:
  HttpComponent(HttpComponentOptions options, component::Pool pool, component::Function handler)
      : options_(std::move(options)), pool_(std::move(pool)), handler_(handler), reuse_(options_.reuse) {}

  Result<void> handle(Exchange& exchange) override {
    const RequestHead& head = exchange.request();
    http::Request request{.method = head.method, .scheme = "http", .path = head.target};
    if (!head.authority.empty()) request.authority = head.authority;
    for (const Header& header : head.headers) request.headers.push_back({header.name, header.value});

    std::optional<Upload> upload;
    if (exchange.is_body_read() || (head.content_length && *head.content_length <= http::Body::kCapacity)) {
      std::string body = TRY(read_whole(exchange));
      request.body = std::make_shared<http::Body>(std::move(body));
    } else {
      request.body = std::make_shared<http::Body>();
      upload.emplace(exchange, request.body);
    }
    auto held = TRY(reuse_.take([&] { return pool_.acquire(); }));
    held.lease.core().set_deadline(exchange.deadline());
    auto canceller = TRY(held.lease.core().canceller());
    exchange.set_canceller(std::move(canceller));
    Download download(exchange);
    const auto handled =
        http::handle(held.lease, handler_, std::move(request),
                     [&](http::Outcome<http::Response> response) { download.begin(std::move(response)); });
    exchange.clear_canceller();
    if (!handled) return std::unexpected(handled.error());
    TRY(download.end());
    if (!exchange.has_responded()) return fail(ErrorCode::kHost, "the guest gave no response");
    reuse_.give_back(std::move(held));
    return {};
  }

  void shut_down() noexcept override {
    reuse_.clear();
    static_cast<void>(pool_.core().shutdown(Clock::now()));  // who asked waits for the requests themselves
  }

  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    return {{options_.name, pool_.core().statistics()}};
  }

 private:
  const HttpComponentOptions options_;
  const component::Pool pool_;
  const component::Function handler_;
  Reuse<component::Lease> reuse_;
};

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

Result<std::shared_ptr<Application>> make_http_component(const component::Component& component,
                                                         HttpComponentOptions options) {
  component::Linker linker;
  TRY(wasi::define(linker, options.wasi));
  TRY(http::define(linker, options.http));
  component::WarmUp warm;
  if (!options.warm_up.empty()) {
    // Its handler is of a pool that is not there yet.
    warm = [paths = options.warm_up](component::Lease& lease) -> Result<void> {
      for (const std::string& path : paths) TRY(warm_up(lease, TRY(http::find_handler(lease)), path));
      return {};
    };
  }
  auto pool = TRY(component::Pool::create(component, linker, options.pool, std::move(warm)));
  const auto handler = TRY(http::find_handler(pool));
  return std::make_shared<HttpComponent>(std::move(options), std::move(pool), handler);
}

}  // namespace anew::serve
