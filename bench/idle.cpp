// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What memory idle instances take that each brought a language's engine along: a thousand of each component that
// scripts/make-handlers made. Proportional set size, so what instances share counts once.
#include <algorithm>
#include <anew/component/component.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <string>
#include <vector>

#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::uint32_t kInstances = 1000;

void check(const Result<void>& result, const std::string& what) {
  if (result) return;
  fmt::print(stderr, "{}: {}\n", what, result.error().to_string());
  std::exit(1);
}

/// What this process has to itself, page tables included, and its part of what it shares. @return KiB.
[[nodiscard]] double own_memory() {
  double kib = 0;
  for (const auto& [file, field] : {std::pair{"/proc/self/smaps_rollup", "Pss:"}, {"/proc/self/status", "VmPTE:"}}) {
    std::ifstream stream(file);
    for (std::string word; stream >> word;) {
      double value = 0;
      if (word == field && stream >> value) kib += value;
    }
  }
  return kib;
}

[[nodiscard]] Result<void> ask(component::Lease& lease) {
  auto handler = wasi::http::find_handler(lease);
  if (!handler) return std::unexpected(std::move(handler.error()));
  return wasi::http::handle(lease, *handler, {.path = "/", .body = std::make_shared<wasi::http::Body>(std::string())},
                            [](const wasi::http::Outcome<wasi::http::Response>& response) {
                              if (response && response->status == 200) return;
                              fmt::print(stderr, "the guest answered with no success\n");
                              std::exit(1);
                            });
}

void measure(const Engine& engine, const std::filesystem::path& file, bool warm_up) {
  const std::string name = file.filename().string();
  const auto component = value_or_exit(component::Component::load(engine, file), name);
  component::Linker linker;
  check(wasi::define(linker, {}), name);
  check(wasi::http::define(linker), name);
  const auto pool = value_or_exit(component::Pool::create(component, linker, {.capacity = kInstances},
                                                          warm_up ? component::WarmUp(ask) : component::WarmUp()),
                                  name);
  const double before = own_memory();
  std::vector<component::Lease> leases;
  for (std::uint32_t i = 0; i < kInstances; ++i) leases.push_back(value_or_exit(pool.acquire(), name));
  const double made = own_memory();
  for (component::Lease& lease : leases) check(ask(lease), name);
  const double asked = own_memory();
  leases.clear();
  const double idle = own_memory();
  const auto each = [&](double now) { return (now - before) / kInstances; };
  fmt::print("{:34} {:12.0f} {:12.0f} {:12.0f}\n", name + (warm_up ? ", warmed up" : ""), each(made), each(asked),
             each(idle));
}

void run() {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(ANEW_HANDLERS, error))
    if (entry.path().extension() == ".wasm") files.push_back(entry.path());
  if (files.empty()) {
    fmt::print(stderr, "{} holds no components: scripts/make-handlers makes them\n", ANEW_HANDLERS);
    std::exit(1);
  }
  std::ranges::sort(files);
  const Engine engine({.cache = false});
  fmt::print("KiB an instance, of {}\n{:34} {:>12} {:>12} {:>12}\n", kInstances, "", "never asked", "asked once",
             "idle again");
  for (const auto& file : files)
    for (const bool warm_up : {false, true}) measure(engine, file, warm_up);
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
