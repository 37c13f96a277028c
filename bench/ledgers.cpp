// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a call costs under each ledger: against the pages that it dirties, against the pages that were ever dirtied, and
// against the size of the memory. A call is acquire + call + release; the call stores once to each of the pages.
//
//   anew_bench_ledgers [--svg FILE]     FILE: the same as a picture (docs/ledgers.svg)
#include <cmath>
#include <cstring>
#include <fstream>
#include <string_view>

#include "module_builder.hpp"
#include "os/pagemap.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::uint64_t kWasmPage = 65'536;
constexpr std::uint64_t kImagePages = 16;  // with data, of 4 KiB

/// (func (export "dirty") (param i32)   one store in each of the first n 4 KiB pages
///   (loop local.get 0  i32.const 1  i32.sub  local.tee 0  i32.const 12  i32.shl  i32.const 7  i32.store
///         local.get 0  br_if 0))
[[nodiscard]] std::vector<std::byte> make_module(std::uint64_t bytes) {
  ModuleBuilder module;
  const auto type = module.type({kI32}, {});
  const ModuleBytes body =
      ModuleBytes({0x03, 0x40, 0x20, 0, 0x41, 1, 0x6B, 0x22, 0, 0x41, 12, 0x74, 0x41, 7, 0x36, 2, 0})
          .raw({0x20, 0, 0x0D, 0, 0x0B});
  module.export_function("dirty", module.function(type, {0}, body));
  module.memory(bytes / kWasmPage);
  module.data(0, ModuleBytes().repeat(kImagePages * 4096, {1}));
  const ModuleBytes built = module.build();
  return {built.span().begin(), built.span().end()};
}

struct Subject {
  Pool pool;
  Function<void(std::int32_t)> dirty;

  void call(std::uint64_t pages) const {
    Lease lease = value_or_exit(pool.acquire(), "acquire");
    if (pages != 0) (void)lease.call(dirty, static_cast<std::int32_t>(pages));
  }
};

[[nodiscard]] Subject make_subject(Ledger ledger, std::uint64_t bytes) {
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.compile(make_module(bytes), {.ledger = ledger}), "compile");
  Pool pool = value_or_exit(Pool::create(module, Linker(), {.capacity = 1}), "pool");
  auto dirty = value_or_exit(pool.function<void(std::int32_t)>("dirty"), "dirty");
  return {std::move(pool), dirty};
}

struct Point {
  double x;
  double ns;
};
struct Curve {
  std::string name;
  std::vector<Point> points;
};
struct Figure {
  std::string title;
  std::string axis;
  std::vector<Curve> curves;
};

/// Median ns of a call.
[[nodiscard]] double time_call(const Subject& subject, std::uint64_t pages) {
  subject.call(pages);
  const std::size_t repeat = pages > 256 ? 1 : 8;
  const std::size_t rounds = pages > 1024 ? 41 : 201;
  return measure_in_turn(rounds, repeat, [&] { subject.call(pages); }, [] {}).subject;
}

[[nodiscard]] double time_memcpy(std::uint64_t pages) {
  std::vector<std::byte> from(pages * 4096, std::byte{1});
  std::vector<std::byte> to(pages * 4096);
  return measure_in_turn(
             201, 1,
             [&] {
               std::memcpy(to.data(), from.data(), to.size());
               benchmark::DoNotOptimize(to.data());
               benchmark::ClobberMemory();
             },
             [] {})
      .subject;
}

[[nodiscard]] std::vector<Ledger> ledgers() {
  std::vector<Ledger> all = {Ledger::kCards, Ledger::kCow};
  if (os::has_pagemap_scan())
    all.insert(all.begin() + 1, Ledger::kPagemap);
  else
    fmt::print("this kernel has no PAGEMAP_SCAN: pagemap is left out\n");
  return all;
}

[[nodiscard]] Figure against_dirty() {
  Figure figure{"each call dirties N pages of a memory of 64 MiB", "pages of 4 KiB dirtied", {}};
  const std::uint64_t counts[] = {1, 4, 16, 64, 256, 1024, 4096};
  for (const Ledger ledger : ledgers()) {
    Curve& curve = figure.curves.emplace_back(to_string(ledger), std::vector<Point>{});
    const Subject subject = make_subject(ledger, 64 << 20);
    for (const std::uint64_t n : counts) curve.points.push_back({static_cast<double>(n), time_call(subject, n)});
  }
  Curve& floor = figure.curves.emplace_back("memcpy of the pages", std::vector<Point>{});
  for (const std::uint64_t n : counts) floor.points.push_back({static_cast<double>(n), time_memcpy(n)});
  return figure;
}

[[nodiscard]] Figure against_resident() {
  Figure figure{"each call dirties 1 page; one call before dirtied N", "pages of 4 KiB ever dirtied", {}};
  for (const Ledger ledger : ledgers()) {
    Curve& curve = figure.curves.emplace_back(to_string(ledger), std::vector<Point>{});
    for (const std::uint64_t n : {1, 4, 16, 64, 256, 1024, 4096}) {
      const Subject subject = make_subject(ledger, 64 << 20);
      subject.call(n);
      curve.points.push_back({static_cast<double>(n), time_call(subject, 1)});
    }
  }
  return figure;
}

[[nodiscard]] Figure against_size() {
  Figure figure{"each call dirties 1 page of a memory of N MiB", "MiB of memory", {}};
  for (const Ledger ledger : ledgers()) {
    Curve& curve = figure.curves.emplace_back(to_string(ledger), std::vector<Point>{});
    for (const std::uint64_t mebibytes : {1, 4, 16, 64, 256, 1024, 4096}) {
      const Subject subject = make_subject(ledger, mebibytes << 20);
      curve.points.push_back({static_cast<double>(mebibytes), time_call(subject, 1)});
    }
  }
  return figure;
}

void print(const Figure& figure) {
  fmt::print("\n{}: ns a call (median)\n{:>24}", figure.title, figure.axis);
  for (const Curve& curve : figure.curves) fmt::print("{:>22}", curve.name);
  fmt::print("\n");
  for (std::size_t i = 0; i < figure.curves[0].points.size(); ++i) {
    fmt::print("{:>24}", figure.curves[0].points[i].x);
    for (const Curve& curve : figure.curves) fmt::print("{:>22.0f}", curve.points[i].ns);
    fmt::print("\n");
  }
}

// --- the picture ----------------------------------------------------------------------------------------------------

constexpr double kWidth = 360, kHeight = 300, kLeft = 60, kTop = 40, kPlotWidth = 270, kPlotHeight = 200;

[[nodiscard]] const char* color_of(std::string_view name) {
  if (name == "cards") return "#0a7d32";
  if (name == "pagemap") return "#1f5fbf";
  if (name == "cow") return "#c0392b";
  return "#888888";
}

/// Both axes are logarithmic: x from the first to the last point, y from 10 ns to 10 ms.
[[nodiscard]] std::string draw(const Figure& figure, double at) {
  const auto& points = figure.curves[0].points;
  const double low = std::log10(points.front().x);
  const double high = std::log10(points.back().x);
  const auto x = [&](double value) { return at + kLeft + (std::log10(value) - low) / (high - low) * kPlotWidth; };
  const auto y = [](double ns) { return kTop + kPlotHeight - (std::log10(std::max(ns, 10.0)) - 1) / 6 * kPlotHeight; };
  std::string svg = fmt::format("<text x=\"{}\" y=\"20\" font-weight=\"bold\">{}</text>\n", at + 10, figure.title);
  for (int decade = 1; decade <= 7; ++decade) {
    const double ns = std::pow(10, decade);
    const char* const label[] = {"", "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms"};
    svg += fmt::format(
        "<line x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\" stroke=\"#ddd\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        at + kLeft, y(ns), at + kLeft + kPlotWidth, at + kLeft - 5, y(ns) + 4, label[decade]);
  }
  for (const Point& point : points) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x(point.x),
                       kTop + kPlotHeight + 16, point.x);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", at + kLeft + kPlotWidth / 2,
                     kTop + kPlotHeight + 34, figure.axis);
  double legend = kTop + 12;
  for (const Curve& curve : figure.curves) {
    std::string path;
    for (const Point& point : curve.points) path += fmt::format("{:.1f},{:.1f} ", x(point.x), y(point.ns));
    svg += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>"
        "<text x=\"{}\" y=\"{}\" fill=\"{}\">{}</text>\n",
        path, color_of(curve.name), at + kLeft + 8, legend, color_of(curve.name), curve.name);
    legend += 14;
  }
  return svg;
}

void write_svg(const std::vector<Figure>& figures, const char* path) {
  std::ofstream file(path);
  file << fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" "
      "font-size=\"11\">\n<!-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception; made by "
      "anew_bench_ledgers -->\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth * static_cast<double>(figures.size()), kHeight);
  for (std::size_t i = 0; i < figures.size(); ++i) file << draw(figures[i], kWidth * static_cast<double>(i));
  file << "</svg>\n";
  if (!file) {
    fmt::print(stderr, "cannot write {}\n", path);
    std::exit(1);
  }
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) {
  using namespace anew::bench;
  const std::vector<Figure> figures = {against_dirty(), against_resident(), against_size()};
  for (const Figure& figure : figures) print(figure);
  if (argc == 3 && std::string_view(argv[1]) == "--svg") write_svg(figures, argv[2]);
  return 0;
}
