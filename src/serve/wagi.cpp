// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/wagi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "serve/exchange.hpp"
#include "serve/reuse.hpp"
#include "serve/wagi_text.hpp"

namespace anew::serve {
namespace {

constexpr std::string_view kInitialize = "_initialize";

/// What a thread's guest reads and writes: streams of WASI know no lease.
struct Streams {
  Exchange& exchange;
  WagiHead head;
};
thread_local Streams* current = nullptr;

Result<std::size_t> read_body(std::span<std::byte> bytes) {
  if (current == nullptr) return 0;  // before a request: while its pool is made
  return current->exchange.read(bytes);
}

Result<void> write_response(std::span<const std::byte> bytes) {
  if (current == nullptr) return {};
  Exchange& exchange = current->exchange;
  if (exchange.has_responded()) return exchange.write(bytes);
  const auto head = TRY(current->head.take({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (!head) return {};
  TRY(exchange.respond(head->status, head->headers));
  return exchange.write(std::as_bytes(std::span(head->rest)));
}

class Wagi final : public Application {
 public:
  Wagi(WagiOptions options, Pool pool) : options_(std::move(options)), pool_(std::move(pool)), reuse_(options_.reuse) {}

  void handle(Exchange& exchange, Answered answered) noexcept override {
    answered(anew::detail::without_exceptions("a request is answered", [&] { return run(exchange); }));
  }

  void shut_down() noexcept override {
    reuse_.clear();
    static_cast<void>(pool_.shutdown(Clock::now()));  // who asked waits for the requests themselves
  }

  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    return {{options_.name, pool_.statistics()}};
  }

 private:
  Result<void> run(Exchange& exchange) {
    auto environment = wagi_environment(exchange.request());
    if (!environment) {
      exchange.refuse(400, environment.error().message);
      return {};
    }
    environment->insert(environment->end(), options_.wasi.environment.begin(), options_.wasi.environment.end());
    auto held = TRY(reuse_.take([&] { return pool_.acquire(); }));
    Lease& lease = held.lease;
    TRY(wasi::Context::find(lease)->set_environment(std::move(*environment)));  // the pool's linker has WASI
    lease.set_deadline(exchange.deadline());
    auto canceller = TRY(lease.canceller());
    exchange.set_canceller(std::move(canceller));
    Streams streams{exchange, {}};
    current = &streams;
    const auto code = wasi::run(lease);
    current = nullptr;
    exchange.clear_canceller();
    if (!code) return std::unexpected(code.error());
    if (*code != 0) return fail(ErrorCode::kHost, fmt::format("the guest ended with exit code {}", *code));
    if (!exchange.has_responded()) return fail(ErrorCode::kHost, "the guest wrote no header of a response");
    reuse_.give_back(std::move(held));
    return {};
  }

  const WagiOptions options_;
  const Pool pool_;
  Reuse<Lease> reuse_;
};

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
  return std::make_shared<Wagi>(std::move(options), std::move(pool));
}

}  // namespace anew::serve
