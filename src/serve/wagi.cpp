// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/wagi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "host/wasi/attempt.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "serve/exchange.hpp"
#include "serve/reuse.hpp"
#include "serve/wagi_text.hpp"
#include "serve/work.hpp"

namespace anew::serve {
namespace {

constexpr std::string_view kInitialize = "_initialize";

/// What a thread's guest reads and writes, none of which waits: streams of WASI know no lease.
struct Streams {
  Exchange& exchange;
  WagiHead head;
};
thread_local Streams* current = nullptr;

/// While its guest runs.
class AsCurrent {
 public:
  explicit AsCurrent(Streams& streams) noexcept { current = &streams; }
  AsCurrent(const AsCurrent&) = delete;
  AsCurrent& operator=(const AsCurrent&) = delete;
  ~AsCurrent() { current = nullptr; }
};

/// Has the guest's call left until the socket can be read or written. @return what the stream returns then.
std::unexpected<Error> leave(short wanted) {
  auto* const attempt = wasi::detail::Attempt::current();
  if (attempt == nullptr)  // not one of the program's own calls, which may all be left
    return fail(ErrorCode::kHost, "it would have to wait for the client, which this call cannot");
  attempt->again([wanted](std::function<void()> tell) { current->exchange.when_ready(wanted, std::move(tell)); });
  return fail(ErrorCode::kIo, "it waits for the client");
}

Result<std::size_t> read_body(std::span<std::byte> bytes) {
  if (current == nullptr) return 0;  // before a request: while its pool is made
  const auto count = TRY(current->exchange.read_now(bytes));
  return count ? Result<std::size_t>(*count) : leave(os::kCanRead);
}

Result<void> write_response(std::span<const std::byte> bytes) {
  if (current == nullptr) return {};
  Exchange& exchange = current->exchange;
  const bool has_room = TRY(exchange.push());
  if (!has_room) return leave(os::kCanWrite);
  if (exchange.has_responded()) return exchange.add(bytes);
  const auto head = TRY(current->head.take({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (!head) return {};
  TRY(exchange.respond(head->status, head->headers));
  return exchange.add(std::as_bytes(std::span(head->rest)));
}

class Wagi;

class Program final : public CallWork<Program> {
 public:
  Program(Wagi& application, Exchange& exchange, Answered answered)
      : CallWork(exchange, std::move(answered)), application_(application), streams_{exchange, {}} {}

  Result<bool> start();
  [[nodiscard]] Call<void>& call() noexcept { return *call_; }
  void resume();
  Result<void> end_of_guest();
  Result<bool> send_rest() { return exchange().end(); }

 private:
  void let_go() noexcept override { call_.reset(); }

  Wagi& application_;
  Streams streams_;
  std::optional<Call<void>> call_;  ///< until it is done
  std::uint32_t served_ = 0;        ///< requests, by the instance
};

class Wagi final : public Application {
 public:
  Wagi(WagiOptions options, Pool pool, const Function<void()>& entry)
      : options_(std::move(options)), pool_(std::move(pool)), entry_(entry), reuse_(options_.reuse) {}

  void handle(Exchange& exchange, Answered answered) noexcept override { work_on<Program>(*this, exchange, answered); }

  void shut_down() noexcept override {
    reuse_.clear();
    static_cast<void>(pool_.shutdown(Clock::now()));  // who asked waits for the requests themselves
  }

  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    return {{options_.name, pool_.statistics()}};
  }

  [[nodiscard]] Result<Reuse<Lease>::Held> take(std::vector<std::string> environment) {
    environment.insert(environment.end(), options_.wasi.environment.begin(), options_.wasi.environment.end());
    auto held = TRY(reuse_.take([&] { return pool_.acquire(); }));
    TRY(wasi::Context::find(held.lease)->set_environment(std::move(environment)));  // the pool's linker has WASI
    return held;
  }
  void give_back(Lease lease, std::uint32_t served) { reuse_.give_back({std::move(lease), served}); }
  [[nodiscard]] const Function<void()>& entry() const noexcept { return entry_; }

 private:
  const WagiOptions options_;
  const Pool pool_;
  const Function<void()> entry_;  ///< `_start`
  Reuse<Lease> reuse_;
};

Result<bool> Program::start() {
  auto environment = wagi_environment(exchange().request());
  if (!environment) {
    exchange().refuse(400, environment.error().message);
    return false;
  }
  auto held = TRY(application_.take(std::move(*environment)));
  served_ = held.served;
  TRY(take_care_of(held.lease));
  const AsCurrent streams(streams_);
  call_ = TRY(wasi::start(std::move(held.lease), application_.entry()));
  return true;
}

void Program::resume() {
  const AsCurrent streams(streams_);
  call_->resume();
}

Result<void> Program::end_of_guest() {
  const auto code = wasi::exit_code(*call_);
  exchange().clear_canceller();
  if (!code) return std::unexpected(code.error());
  if (*code != 0) return fail(ErrorCode::kHost, fmt::format("the guest ended with exit code {}", *code));
  if (!exchange().has_responded()) return fail(ErrorCode::kHost, "the guest wrote no header of a response");
  application_.give_back(std::move(call_->lease()), served_);
  call_.reset();
  return {};
}

}  // namespace

Result<std::shared_ptr<Application>> make_wagi(const Module& module, WagiOptions options) {
  if (!module.function_type("_start")) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is no program that could be served: it exports no function _start", options.name));
  }
  for (const ExportDescription& exported : module.exports())
    if (exported.name == kInitialize && exported.kind == ExternalKind::kFunction &&
        std::ranges::find(options.pool.snapshot.prelude, kInitialize) == options.pool.snapshot.prelude.end())
      options.pool.snapshot.prelude.emplace_back(kInitialize);
  wasi::Options wasi_options = options.wasi;
  wasi_options.standard_input = wasi::Reader(read_body);
  wasi_options.standard_output = wasi::Writer(write_response);
  Linker linker;
  TRY(wasi::define(linker, wasi_options));
  auto pool = TRY(Pool::create(module, linker, options.pool));
  const auto entry = TRY(pool.function<void()>("_start"));
  return std::make_shared<Wagi>(std::move(options), std::move(pool), entry);
}

}  // namespace anew::serve
