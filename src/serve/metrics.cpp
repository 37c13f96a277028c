// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace anew::serve {
namespace {

class Text {
 public:
  explicit Text(std::span<const Metrics* const> loops) : loops_(loops) {}

  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP anew_serve_{0} {1}\n# TYPE anew_serve_{0} {2}\n", name, help,
                   type);
  }
  void value(std::string_view name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(text_), "anew_serve_{} {}\n", name, value);
  }
  void only(std::string_view name, std::string_view type, std::string_view help, std::uint64_t number) {
    head(name, type, help);
    value(name, number);
  }
  void counter(std::string_view name, std::string_view help, Metrics::Count Metrics::* count) {
    only(name, "counter", help, sum([&](const Metrics& each) -> const auto& { return each.*count; }));
  }
  template <typename F>
  [[nodiscard]] std::uint64_t sum(const F& count) const {
    std::uint64_t result = 0;
    for (const Metrics* const each : loops_) result += count(*each).load(std::memory_order_relaxed);
    return result;
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::span<const Metrics* const> loops_;
  std::string text_;
};

/// As a label's value is written.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

void Metrics::add_response(unsigned status, std::chrono::nanoseconds time) noexcept {
  const auto count = [](Count& which, std::uint64_t more) { which.fetch_add(more, std::memory_order_relaxed); };
  count(responses[std::min<std::size_t>(status / 100, responses.size() - 1)], 1);
  // Not negative: of a steady clock.
  const auto spent = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  const auto* const bucket = std::ranges::lower_bound(kTimes, spent);
  count(times[static_cast<std::size_t>(bucket - kTimes.begin())], 1);
  count(microseconds, spent);
}

std::string metrics_text(std::span<const Metrics* const> loops, const ServerCounts& counts,
                         std::span<const std::pair<std::string, PoolStatistics>> pools) {
  Text text(loops);
  text.head("responses_total", "counter", "Responses, by the first digit of their status.");
  for (std::size_t i = 1; i < std::tuple_size_v<decltype(Metrics::responses)>; ++i) {
    text.value(fmt::format("responses_total{{status=\"{}xx\"}}", i),
               text.sum([&](const Metrics& each) -> const auto& { return each.responses[i]; }));
  }
  text.head("request_seconds", "histogram", "From a request's header to the end of its response.");
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i <= Metrics::kTimes.size(); ++i) {
    so_far += text.sum([&](const Metrics& each) -> const auto& { return each.times[i]; });
    const std::string bound =
        i == Metrics::kTimes.size() ? "+Inf" : fmt::format("{}", static_cast<double>(Metrics::kTimes[i]) / 1e6);
    text.value(fmt::format("request_seconds_bucket{{le=\"{}\"}}", bound), so_far);
  }
  const std::uint64_t spent = text.sum([](const Metrics& each) -> const auto& { return each.microseconds; });
  text.value("request_seconds_count", so_far);
  std::string result = text.take();
  fmt::format_to(std::back_inserter(result), "anew_serve_request_seconds_sum {:.6f}\n",
                 static_cast<double>(spent) / 1e6);

  text.counter("request_body_bytes_total", "Bytes of request bodies that were read.", &Metrics::body_bytes_read);
  text.counter("response_body_bytes_total", "Bytes of response bodies.", &Metrics::body_bytes_written);
  text.counter("guest_failures_total", "Requests whose guest trapped, failed, or gave no response.",
               &Metrics::guest_failures);
  text.counter("timeouts_total", "Requests that took longer than they may.", &Metrics::timed_out);
  text.counter("clients_gone_total", "Clients that went away before their response was there.", &Metrics::clients_gone);
  text.counter("refused_total", "Requests for which there was no room.", &Metrics::refused);
  text.counter("connections_total", "Connections that were accepted.", &Metrics::connections);
  text.only("in_flight", "gauge", "Requests in work.", counts.in_flight);
  text.only("connections", "gauge", "Open connections.", counts.open_connections);
  text.only("reloads_total", "counter", "Times that the files were loaded again.", counts.reloads);
  text.only("reload_failures_total", "counter", "Times that they could not be.", counts.failed_reloads);

  struct Figure {
    std::string_view name, type, help;
    std::uint64_t PoolStatistics::* value;
  };
  static constexpr Figure kFigures[] = {
      {"pool_instances_total", "counter", "Instances that were made.", &PoolStatistics::instances},
      {"pool_leased", "gauge", "Instances in use.", &PoolStatistics::leased},
      {"pool_idle", "gauge", "Instances that wait.", &PoolStatistics::idle},
      {"pool_restored_total", "counter", "Instances that were made as new.", &PoolStatistics::restored},
      {"pool_pages_restored_total", "counter", "Pages of 4 KiB that this put back.", &PoolStatistics::pages_restored},
      {"pool_traps_total", "counter", "Calls that trapped.", &PoolStatistics::traps},
      {"pool_kills_total", "counter", "Calls that were ended from outside.", &PoolStatistics::kills},
  };
  for (const Figure& figure : kFigures) {
    text.head(figure.name, figure.type, figure.help);
    for (const auto& [name, statistics] : pools)
      text.value(fmt::format("{}{{file=\"{}\"}}", figure.name, escaped(name)), statistics.*figure.value);
  }
  return result + text.take();
}

}  // namespace anew::serve
