// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "os/try.hpp"
#include "serve/access_log.hpp"
#include "serve/connection.hpp"
#include "serve/loop.hpp"
#include "serve/metrics.hpp"
#include "serve/overseer.hpp"

namespace anew::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Late by so much at most, a connection that waited too long is closed.
constexpr std::chrono::milliseconds kLookTime{500};
/// Files that are watched are looked at so often.
constexpr std::chrono::milliseconds kWatchTime{500};
/// Where the system has no more descriptors, the next connection is accepted so much later.
constexpr std::chrono::milliseconds kAcceptPause{100};
/// What was cut off may still take to end: host functions end when they return.
constexpr std::chrono::seconds kCutTime{5};

/// "HOST:PORT" or "[::1]:8080".
Result<tcp::endpoint> parse_address(const std::string& text) {
  const auto wrong = [&] {
    return fail(ErrorCode::kArgument,
                fmt::format("\"{}\" is no address to listen on: write 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return wrong();
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, bad] = std::from_chars(text.data() + colon + 1, end, port);
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || bad != std::errc() || rest != end) return wrong();
  return tcp::endpoint(address, port);
}

Result<std::optional<tcp::acceptor>> listen(asio::io_context& context, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const tcp::endpoint endpoint = TRY(parse_address(text));
  std::optional<tcp::acceptor> acceptor(std::in_place, context);
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("cannot listen on {}: {}", text, error.message()));
  return acceptor;
}

/// What tells that a file is another one: its time and size, or that it is not there.
using Stamp = std::pair<std::filesystem::file_time_type, std::uintmax_t>;
std::vector<Stamp> stamps_of(const std::vector<std::filesystem::path>& files) {
  std::vector<Stamp> stamps;
  for (const auto& file : files) {
    std::error_code ignored;
    const auto time = std::filesystem::last_write_time(file, ignored);
    stamps.emplace_back(time, std::filesystem::file_size(file, ignored));
  }
  return stamps;
}

/// The answer to what went wrong, of an application that did not see to it itself.
struct Answer {
  unsigned status;
  std::string_view words;
};
Answer answer_to(Failure failure) {
  switch (failure) {
    case Failure::kBadBody: return {400, "the request's body is malformed"};
    case Failure::kLargeBody: return {413, "the request's body is too large"};
    case Failure::kTimedOut: return {504, "the request took too long"};
    case Failure::kShutDown: return {503, "the server is going down"};
    case Failure::kNone:
    case Failure::kClientGone:
    case Failure::kApplication: break;
  }
  return {500, "the request could not be answered"};
}

}  // namespace

/// A request that a guest answers, until it is answered.
struct Server::InWork {
  InWork(State& server, std::shared_ptr<Application> by, Overseer& overseer, Exchange& of, std::function<void()> then)
      : state(server), application(std::move(by)), exchange(of), behind(std::move(then)) {
    care.emplace(overseer, of);
  }
  void answered(Result<void> handled) noexcept;

  State& state;
  std::shared_ptr<Application> application;
  Exchange& exchange;
  std::function<void()> behind;
  std::optional<Overseer::Care> care;
};

struct Server::State final : Host {
  State(ServerOptions server_options, LoadApplication load_application)
      : options(std::move(server_options)), load(std::move(load_application)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() override;

  Result<void> start();
  void accept(std::optional<tcp::acceptor>& acceptor, bool is_admin);
  void accept_later(std::optional<tcp::acceptor>& acceptor, bool is_admin);
  void look_after(Loop& loop, asio::steady_timer& timer);
  void await_signal(asio::signal_set& signals);
  void reload_when_needed();
  void load_again();
  void stop();
  bool wait();
  std::size_t close_idle();
  void close_all();

  void answer(Exchange& exchange, bool is_admin, std::function<void()> answered) override;
  void answer_admin(Exchange& exchange);
  void answer_guest(Exchange& exchange, std::function<void()> answered);
  void note(Exchange& exchange, std::string_view error);
  [[nodiscard]] bool is_draining() const noexcept override { return draining; }
  [[nodiscard]] std::shared_ptr<Application> current() {
    const std::lock_guard lock(mutex);
    return application;
  }

  const ServerOptions options;
  const LoadApplication load;
  std::unique_ptr<AccessLog> log;
  std::vector<std::unique_ptr<Loop>> loops;
  std::optional<Overseer> overseer;
  std::optional<tcp::acceptor> acceptor;
  std::optional<tcp::acceptor> admin_acceptor;
  std::optional<asio::signal_set> signals;
  std::vector<std::unique_ptr<asio::steady_timer>> timers;
  std::size_t next_loop = 0;
  std::uint16_t port = 0;
  std::uint16_t admin_port = 0;

  std::atomic<std::uint32_t> in_flight = 0;
  std::atomic<bool> draining = false;
  std::atomic<std::uint64_t> reloads = 0;
  std::atomic<std::uint64_t> failed_reloads = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Application> application;
  std::vector<std::weak_ptr<Application>> former;  ///< that may have requests
  bool wants_reload = false;
  bool is_stopped = false;
  std::vector<Stamp> stamps;  ///< the reloader's, once it runs: of the files as they were loaded
  std::thread reloader;
};

Result<void> Server::State::start() {
  maximum_body_bytes = options.maximum_body_bytes;
  timeout = std::chrono::duration_cast<Clock::duration>(options.timeout);
  header_time = std::chrono::duration_cast<Clock::duration>(options.header_time);
  idle_time = std::chrono::duration_cast<Clock::duration>(options.idle_time);
  log = TRY(AccessLog::open(options.access_log));
  for (std::uint32_t i = 0; i < std::max(options.loops, 1u); ++i) loops.push_back(std::make_unique<Loop>());
  acceptor = TRY(listen(loops[0]->context(), options.address));
  admin_acceptor = TRY(listen(loops[0]->context(), options.admin_address));
  if (!acceptor) return fail(ErrorCode::kArgument, "there is no address to listen on");
  error_code ignored;
  port = acceptor->local_endpoint(ignored).port();
  if (admin_acceptor) admin_port = admin_acceptor->local_endpoint(ignored).port();
  application = TRY(load());
  stamps = stamps_of(options.watched_files());

  overseer.emplace(loops, *log);
  if (options.takes_signals) {
    signals.emplace(loops[0]->context(), SIGTERM, SIGINT, SIGHUP);
    await_signal(*signals);
  }
  for (const auto& loop : loops) {
    timers.push_back(std::make_unique<asio::steady_timer>(loop->context()));
    look_after(*loop, *timers.back());
  }
  accept(acceptor, false);
  if (admin_acceptor) accept(admin_acceptor, true);
  reloader = std::thread([this] { reload_when_needed(); });
  const bool started = overseer->start() && std::ranges::all_of(loops, [](const auto& loop) { return loop->start(); });
  if (!started) return fail(ErrorCode::kResource, "the system has no more threads");
  return {};
}

void Server::State::accept(std::optional<tcp::acceptor>& from, bool is_admin) {
  Loop& loop = *loops[next_loop];
  next_loop = (next_loop + 1) % loops.size();
  from->async_accept(loop.context(), [this, &from, &loop, is_admin](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || draining) return;
    if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
        error == asio::error::no_buffer_space) {
      return accept_later(from, is_admin);
    }
    if (!error) {
      try {
        loop.metrics.connections.fetch_add(1, std::memory_order_relaxed);
        auto connection = std::make_shared<Connection>(*this, loop, std::move(socket), is_admin);
        asio::post(loop.context(), [connection = std::move(connection)] {
          try {
            connection->begin();
          } catch (const std::exception&) {
            // No memory for this one.
          }
        });
      } catch (const std::exception&) {
        return accept_later(from, is_admin);
      }
    }
    accept(from, is_admin);
  });
}

void Server::State::accept_later(std::optional<tcp::acceptor>& from, bool is_admin) {
  timers.push_back(std::make_unique<asio::steady_timer>(loops[0]->context(), kAcceptPause));
  const asio::steady_timer* const timer = timers.back().get();
  timers.back()->async_wait([this, &from, is_admin, timer](const error_code& error) {
    if (error || draining) return;
    std::erase_if(timers, [&](const auto& each) { return each.get() == timer; });
    accept(from, is_admin);
  });
}

void Server::State::look_after(Loop& loop, asio::steady_timer& timer) {
  timer.expires_after(kLookTime);
  timer.async_wait([this, &loop, &timer](const error_code& error) {
    if (error) return;
    {
      const std::lock_guard lock(loop.tenants.mutex);
      for (Connection* const connection : loop.tenants.connections) connection->look(Clock::now());
    }
    look_after(loop, timer);
  });
}

void Server::State::await_signal(asio::signal_set& set) {
  set.async_wait([this, &set](const error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      log->reopen();
      const std::lock_guard lock(mutex);
      wants_reload = true;
      changed.notify_all();
    } else {
      stop();
    }
    await_signal(set);
  });
}

void Server::State::reload_when_needed() {
  std::vector<Stamp> seen = stamps;
  std::unique_lock lock(mutex);
  while (!is_stopped) {
    changed.wait_for(lock, kWatchTime, [&] { return is_stopped || wants_reload; });
    if (is_stopped) return;
    const bool is_asked = std::exchange(wants_reload, false);
    lock.unlock();
    // A file that is being written is taken once it has been the same for as long as between two looks. Where loading
    // made it other files, all is loaded once more: nothing that changed meanwhile is missed.
    std::vector<Stamp> now = stamps_of(options.watched_files());
    const bool is_still = now == std::exchange(seen, now);
    if (is_asked || (is_still && now != stamps)) {
      stamps = std::move(now);
      load_again();
    }
    lock.lock();
  }
}

void Server::State::load_again() {
  auto loaded = load();
  if (!loaded) {
    ++failed_reloads;
    options.notice(fmt::format("could not be loaded again, the old one stays: {}", loaded.error().to_string()));
    return;
  }
  ++reloads;
  {
    const std::lock_guard lock(mutex);
    std::erase_if(former, [](const auto& each) { return each.expired(); });
    former.push_back(application);
    application = std::move(*loaded);
  }
  options.notice("loaded again");
}

void Server::State::answer(Exchange& exchange, bool is_admin, std::function<void()> answered) {
  if (!is_admin) return answer_guest(exchange, std::move(answered));
  answer_admin(exchange);
  static_cast<void>(exchange.finish());
  answered();
}

void Server::State::answer_admin(Exchange& exchange) {
  const std::string_view target = exchange.request().target;
  if (target == "/healthz") return exchange.refuse(200, "ok");
  if (target != "/metrics") return exchange.refuse(404, "there are /healthz and /metrics");
  std::vector<const Metrics*> metrics;
  ServerCounts counts;
  for (const auto& loop : loops) {
    metrics.push_back(&loop->metrics);
    const std::lock_guard lock(loop->tenants.mutex);
    counts.open_connections += loop->tenants.connections.size();
  }
  counts.in_flight = in_flight;
  counts.reloads = reloads;
  counts.failed_reloads = failed_reloads;
  const std::string text = metrics_text(metrics, counts, current()->statistics());
  const Header type[] = {{"Content-Type", "text/plain; version=0.0.4"}};
  if (exchange.respond(200, type)) static_cast<void>(exchange.write(std::as_bytes(std::span(text))));
}

void Server::State::answer_guest(Exchange& exchange, std::function<void()> answered) {
  if (in_flight.fetch_add(1) >= options.maximum_in_flight) {
    exchange.loop().metrics.refused.fetch_add(1, std::memory_order_relaxed);
    const Header later[] = {{"Retry-After", "1"}};
    exchange.refuse(503, "too many requests are in work", later);
    static_cast<void>(exchange.finish());
    in_flight.fetch_sub(1);
    note(exchange, "too many requests are in work");
    return answered();
  }
  InWork* work = nullptr;
  try {
    work = new InWork(*this, current(), *overseer, exchange, std::move(answered));  // goes with its answered()
  } catch (const std::exception&) {
    in_flight.fetch_sub(1);
    throw;  // the connection closes
  }
  work->application->handle(exchange, [work](Result<void> handled) { work->answered(std::move(handled)); });
}

/// Behind the application. Nothing of the request is left behind this.
void Server::InWork::answered(Result<void> handled) noexcept {
  const std::unique_ptr<InWork> self(this);
  Metrics& metrics = exchange.loop().metrics;
  std::string error;
  try {
    if (handled && !exchange.has_responded()) handled = fail(ErrorCode::kHost, "the guest gave no response");
    if (handled) handled = exchange.finish();
    if (!handled) {
      error = handled.error().to_string();
      const bool is_late = exchange.failure() == Failure::kNone && Clock::now() >= exchange.deadline();
      if (is_late) exchange.cancel(Failure::kTimedOut);
      const Failure failure = exchange.failure();
      if (failure == Failure::kTimedOut)
        metrics.timed_out.fetch_add(1, std::memory_order_relaxed);
      else if (failure == Failure::kClientGone)
        metrics.clients_gone.fetch_add(1, std::memory_order_relaxed);
      else if (failure == Failure::kNone)
        metrics.guest_failures.fetch_add(1, std::memory_order_relaxed);
      if (failure == Failure::kClientGone) {
        exchange.cut();
      } else {
        const Answer answer = answer_to(failure);
        exchange.refuse(answer.status, answer.words);
        if (!exchange.is_cut()) static_cast<void>(exchange.finish());
      }
    }
    care.reset();
    state.in_flight.fetch_sub(1);
    state.note(exchange, error);
  } catch (const std::exception&) {
    // No memory for the answer or the log.
    exchange.cut();
    if (care) state.in_flight.fetch_sub(1);
    care.reset();
  }
  try {
    behind();
  } catch (const std::exception&) {
    // No memory for the connection, which closes.
  }
}

void Server::State::note(Exchange& exchange, std::string_view error) {
  const auto time = Clock::now() - exchange.begin();
  Metrics& metrics = exchange.loop().metrics;
  metrics.add_response(exchange.status(), time);
  metrics.body_bytes_read.fetch_add(exchange.body_bytes_read(), std::memory_order_relaxed);
  metrics.body_bytes_written.fetch_add(exchange.body_bytes_written(), std::memory_order_relaxed);
  if (!log->is_on()) return;
  const RequestHead& head = exchange.request();
  log->add({.client = head.client_address,
            .method = head.method,
            .host = head.authority,
            .target = head.target,
            .status = exchange.status(),
            .request_bytes = exchange.body_bytes_read(),
            .response_bytes = exchange.body_bytes_written(),
            .time = time,
            .trace_parent = head.header("traceparent"),
            .error = error});
}

void Server::State::stop() {
  const std::lock_guard lock(mutex);
  is_stopped = true;
  changed.notify_all();
}

bool Server::State::wait() {
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_stopped; });
  }
  draining = true;
  asio::post(loops[0]->context(), [this] {
    error_code ignored;
    acceptor->close(ignored);
    if (admin_acceptor) admin_acceptor->close(ignored);
  });
  const auto deadline = Clock::now() + options.drain_time;
  while (close_idle() > 0 && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const bool all_answered = in_flight == 0;
  close_all();
  return all_answered;
}

/// @return how many connections are left: those that are idle go in a moment.
std::size_t Server::State::close_idle() {
  std::size_t count = 0;
  for (const auto& loop : loops) {
    const std::lock_guard lock(loop->tenants.mutex);
    count += loop->tenants.connections.size();
    for (Connection* const connection : loop->tenants.connections) connection->close_if_idle();
  }
  return count;
}

/// What is in flight is cut, and all ends.
void Server::State::close_all() {
  draining = true;
  if (in_flight > 0) {
    if (overseer) overseer->cancel_all();
    std::vector<std::shared_ptr<Application>> all = {current()};
    {
      const std::lock_guard lock(mutex);
      for (const auto& each : former)
        if (auto application_of_then = each.lock()) all.push_back(std::move(application_of_then));
    }
    for (const auto& each : all) each->shut_down();
    const auto deadline = Clock::now() + kCutTime;
    while (in_flight > 0 && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const auto& loop : loops) loop->stop();
  if (overseer) overseer->stop();
}

Server::State::~State() {
  stop();
  close_all();
  if (reloader.joinable()) reloader.join();
  // Acceptors and timers are of the loops, which go behind them.
  signals.reset();
  timers.clear();
  acceptor.reset();
  admin_acceptor.reset();
}

Server::Server(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, LoadApplication load) {
  auto state = std::make_unique<State>(std::move(options), std::move(load));
  TRY(state->start());
  return std::unique_ptr<Server>(new Server(std::move(state)));  // its constructor is private
}

std::uint16_t Server::port() const noexcept { return state_->port; }
std::uint16_t Server::admin_port() const noexcept { return state_->admin_port; }

void Server::reload() noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->wants_reload = true;
  state_->changed.notify_all();
}

void Server::stop() noexcept { state_->stop(); }

bool Server::wait() { return state_->wait(); }

}  // namespace anew::serve
