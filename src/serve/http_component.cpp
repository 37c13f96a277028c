// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/http_component.hpp"

#include <fmt/format.h>

#include <anew/wasi_http.hpp>
#include <boost/asio/post.hpp>
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
#include "serve/loop.hpp"
#include "serve/reuse.hpp"

namespace anew::serve {
namespace {

namespace http = wasi::http;

class HttpComponent;

/// A request in work. The guest's calls leave the thread while they wait, or when they have computed for long: then the
/// exchange is parked, and nothing but this object is left of it, until what it waits for is there, or others have had
/// their turn.
class Work : public std::enable_shared_from_this<Work> {
 public:
  Work(HttpComponent& application, Exchange& exchange, Answered answered)
      : application_(application),
        exchange_(exchange),
        loop_(exchange.loop()),
        answered_(std::move(answered)),
        download_(std::make_shared<Download>(exchange)) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() = default;

  void begin();

 private:
  enum class State : std::uint8_t { kAtWork, kParked };

  Result<void> start();
  /// Behind each step of the guest's.
  void settle();
  /// Behind the guest: what is left of its response is sent as the client takes it.
  void drain();
  /// Leaves the thread. @param until  has something call post(&Work::go_on), with the lock.
  template <typename Until>
  void park(Until&& until);
  /// What was parked is at work again. @return null if it was not parked.
  [[nodiscard]] std::shared_ptr<Work> take();
  void go_on();
  void give_up();
  Result<void> end_of_guest();
  void end(Result<void> result);
  /// Has a function run on the thread that runs the loop.
  void post(void (Work::*function)()) noexcept;

  HttpComponent& application_;
  Exchange& exchange_;  ///< until answered_ is called
  Loop& loop_;
  Answered answered_;
  std::shared_ptr<Upload> upload_;  ///< null for a request without a body
  std::shared_ptr<Download> download_;
  std::optional<http::Handling> handling_;  ///< until the guest's call is done
  std::uint32_t served_ = 0;                ///< requests, by the instance
  std::mutex mutex_;
  State state_ = State::kAtWork;  ///< guarded by the mutex
  std::shared_ptr<Work> self_;    ///< while it is parked
};

class HttpComponent final : public Application {
 public:
  HttpComponent(HttpComponentOptions options, component::Pool pool, component::Function handler)
      : options_(std::move(options)), pool_(std::move(pool)), handler_(handler), reuse_(options_.reuse) {}

  void handle(Exchange& exchange, Answered answered) noexcept override {
    std::shared_ptr<Work> work;
    const auto made = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
      work = std::make_shared<Work>(*this, exchange, answered);
      return {};
    });
    if (!made) return answered(made);
    work->begin();
  }

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

void Work::begin() {
  const auto started = anew::detail::without_exceptions("a request is answered", [&] { return start(); });
  if (!started) return end(started);
  settle();
}

Result<void> Work::start() {
  const RequestHead& head = exchange_.request();
  http::Request request{.method = head.method, .scheme = "http", .path = head.target};
  if (!head.authority.empty()) request.authority = head.authority;
  for (const Header& header : head.headers) request.headers.push_back({header.name, header.value});
  if (exchange_.is_body_read()) {
    request.body = std::make_shared<http::Body>(std::string());
  } else {
    request.body = std::make_shared<http::Body>();
    upload_ = std::make_shared<Upload>(exchange_, request.body);
    upload_->begin();  // what of it is there already is there before the guest begins
    if (exchange_.failure() != Failure::kNone) return fail(ErrorCode::kIo, "the request's body is none");
  }
  auto held = TRY(application_.take());
  served_ = held.served;
  held.lease.core().set_deadline(exchange_.deadline());
  held.lease.core().set_time_slice(Exchange::kTimeSlice);
  exchange_.has_time_slices();
  auto canceller = TRY(held.lease.core().canceller());
  exchange_.set_canceller(std::move(canceller));
  handling_ = TRY(http::Handling::begin(
      std::move(held.lease), application_.handler(), std::move(request),
      [download = download_](http::Outcome<http::Response> response) { download->begin(std::move(response)); }));
  return {};
}

void Work::settle() {
  if (!handling_->call().is_done()) {
    return park([this] {
      if (handling_->call().is_parked()) {
        return Loop::later([weak = weak_from_this()] {
          if (const auto work = weak.lock()) work->go_on();
        });
      }
      handling_->call().on_ready([weak = weak_from_this()] {
        if (const auto work = weak.lock()) work->post(&Work::go_on);
      });
    });
  }
  const auto ended = anew::detail::without_exceptions("a request is answered", [&] { return end_of_guest(); });
  handling_.reset();
  if (!ended) return end(ended);
  drain();
}

void Work::drain() {
  bool is_sent = false;
  const auto drained = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
    is_sent = TRY(download_->finish());
    return {};
  });
  if (!drained || is_sent) return end(drained);
  park([this] {
    exchange_.when_ready(os::kCanWrite, [weak = weak_from_this()] {
      if (const auto work = weak.lock()) work->go_on();
    });
  });
}

/// Others may go on with it as soon as the lock is gone. Who gives it up before that does so again: the overseer tells
/// those that are to end each millisecond.
template <typename Until>
void Work::park(Until&& until) {
  const auto parked = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
    std::shared_ptr<Work> self = shared_from_this();
    exchange_.park([weak = weak_from_this()] {
      if (const auto work = weak.lock()) work->post(&Work::give_up);
    });
    const std::lock_guard lock(mutex_);
    until();
    self_ = std::move(self);
    state_ = State::kParked;
    return {};
  });
  if (!parked) end(parked);
}

std::shared_ptr<Work> Work::take() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kParked) return nullptr;
  state_ = State::kAtWork;
  return std::exchange(self_, nullptr);
}

void Work::go_on() {
  const std::shared_ptr<Work> self = take();
  if (self == nullptr) return;
  exchange_.unpark();
  if (!handling_) return drain();
  const auto resumed = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
    handling_->call().resume();
    return {};
  });
  if (!resumed) return end(resumed);
  settle();
}

void Work::give_up() {
  const std::shared_ptr<Work> self = take();
  if (self == nullptr) return;
  exchange_.unpark();
  end(fail(ErrorCode::kIo, "the request was given up while the guest waited"));
}

Result<void> Work::end_of_guest() {
  auto lease = handling_->end();
  exchange_.clear_canceller();
  if (!lease) return std::unexpected(std::move(lease.error()));
  if (exchange_.has_responded()) application_.give_back(std::move(*lease), served_);
  return {};
}

void Work::end(Result<void> result) {
  exchange_.clear_canceller();
  handling_.reset();
  if (upload_ != nullptr) upload_->end();
  download_->end();
  answered_(std::move(result));
}

void Work::post(void (Work::*function)()) noexcept {
  try {
    boost::asio::post(loop_.context(), [self = shared_from_this(), function] { (*self.*function)(); });
  } catch (const std::exception&) {
    // No memory: what gives it up is told again; what would go on is given up when its time is over.
  }
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
