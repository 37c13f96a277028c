// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace anew::bench {
namespace {

/// Calls `run` of one of the programs in programs/.
class RunScenario final : public Scenario {
 public:
  RunScenario(std::uint32_t size, std::uint32_t times, bool initialize)
      : size_(size), times_(times), initialize_(initialize) {}
  void set_up(Guest& guest) override {
    if (initialize_) guest.call({"_initialize"});
  }
  Call next(Guest&) override { return {"run", {size_}, times_}; }

 private:
  std::uint32_t size_;
  std::uint32_t times_;
  bool initialize_;
};

/// hash-wasm: digests of a full buffer, each of which begins with the last digest.
class HashScenario final : public Scenario {
 public:
  HashScenario(std::vector<std::uint32_t> arguments, std::uint32_t times)
      : arguments_(std::move(arguments)), times_(times) {}
  void set_up(Guest& guest) override {
    buffer_ = guest.call({"Hash_GetBuffer"}).result;
    std::string bytes;
    for (unsigned i = 0; i < arguments_[0]; ++i) bytes.push_back(static_cast<char>(i * 31 % 127));
    guest.write(buffer_, bytes);
  }
  Call next(Guest&) override { return {"Hash_Calculate", arguments_, times_}; }
  std::string check(Guest& guest, std::uint32_t) override { return guest.read(buffer_, 64); }

 private:
  std::vector<std::uint32_t> arguments_;
  std::uint32_t times_;
  std::uint32_t buffer_ = 0;
};

/// hash-wasm: Argon2id over some KiB of memory, which every round fills from what the last one left in it.
class Argon2Scenario final : public Scenario {
 public:
  explicit Argon2Scenario(std::uint32_t kibibytes) : kibibytes_(kibibytes) {}
  void set_up(Guest& guest) override {
    buffer_ = guest.call({"Hash_GetBuffer"}).result;  // lies where the memory ends at the first call
    guest.call({"Hash_SetMemorySize", {kibibytes_ * 1024 + 1024}});
    guest.write(buffer_, std::string(2048, 'a'));
  }
  Call next(Guest& guest) override {
    std::string parameters;
    constexpr std::uint32_t kLanes = 1, kHashBytes = 32, kIterations = 2, kVersion = 0x13, kArgon2Id = 2;
    for (const std::uint32_t value : {kLanes, kHashBytes, kibibytes_, kIterations, kVersion, kArgon2Id})
      for (int shift = 0; shift < 32; shift += 8) parameters.push_back(static_cast<char>(value >> shift & 0xFF));
    guest.write(buffer_ + kibibytes_ * 1024, parameters);
    return {"Hash_Calculate", {0, kibibytes_}};
  }
  std::string check(Guest& guest, std::uint32_t) override { return guest.read(buffer_, 1024); }

 private:
  std::uint32_t kibibytes_;
  std::uint32_t buffer_ = 0;
};

/// hash-wasm: the password hash bcrypt.
class BcryptScenario final : public Scenario {
 public:
  void set_up(Guest& guest) override { buffer_ = guest.call({"Hash_GetBuffer"}).result; }
  Call next(Guest& guest) override {
    const std::string salt = "0123456789abcdef", password = "correct horse battery staple";
    guest.write(buffer_, salt + password);
    constexpr std::uint32_t kCost = 4, kRaw = 0;
    return {"bcrypt", {static_cast<std::uint32_t>(password.size()), kCost, kRaw}, 8};
  }
  std::string check(Guest& guest, std::uint32_t) override { return guest.read(buffer_, 24); }

 private:
  std::uint32_t buffer_ = 0;
};

/// source-map: parses the mappings of a source map, base64 numbers of variable length.
class SourceMapScenario final : public Scenario {
 public:
  explicit SourceMapScenario(unsigned lines) {
    static constexpr const char* kSegments[] = {"AAAA", "CAAC", "IAAIA", "gBACE"};
    for (unsigned line = 0; line < lines; ++line) {
      for (unsigned i = 0; i < 12; ++i)
        text_ += fmt::format("{}{}", i == 0 ? "" : ",", kSegments[(line * 7 + i * i) % 4]);
      text_ += line % 40 == 39 ? ";AAAA;" : ";";
    }
  }
  Call next(Guest& guest) override {
    const std::uint32_t buffer = guest.call({"allocate_mappings", {static_cast<std::uint32_t>(text_.size())}}).result;
    guest.write(buffer, text_);
    return {"parse_mappings", {buffer}};
  }
  std::string check(Guest& guest, std::uint32_t mappings) override {
    if (mappings == 0) return fmt::format("error {}", guest.call({"get_last_error"}).result);
    guest.call({"free_mappings", {mappings}});
    return std::to_string(mappings);
  }

 private:
  std::string text_;
};

/// es-module-lexer: finds the imports and exports of a JavaScript module.
class LexerScenario final : public Scenario {
 public:
  explicit LexerScenario(unsigned lines) {
    for (unsigned i = 0; i < lines; ++i) {
      if (i % 50 == 0) text_ += fmt::format("import {{ a{0}, b as c{0} }} from './module-{0}.js';\n", i);
      text_ += fmt::format("export const value{0} = (x) => {{ if (x / {0} > 2 && /[a-z\\/]+/.test('x{0}')) ", i);
      text_ += fmt::format(
          "{{ return `a ${{x + `${{value{0}}}`}} b`; }} /* {0} */ return {{ x: x ? [1, 2] : null }}; }};\n", i);
      if (i % 20 == 0) text_ += fmt::format("const lazy{0} = () => import('./lazy-{0}.js'); // later\n", i);
    }
  }
  void set_up(Guest& guest) override {
    guest.grow(static_cast<std::uint32_t>(8 * text_.size() >> 16) + 1);  // UTF-16, and what it found
  }
  Call next(Guest& guest) override {
    const std::uint32_t buffer = guest.call({"sa", {static_cast<std::uint32_t>(text_.size())}}).result;
    if (!written_) {
      std::string wide;
      for (const char c : text_) wide.append({c, '\0'});
      guest.write(buffer, wide);
      written_ = true;
    }
    return {"parse"};
  }
  std::string check(Guest& guest, std::uint32_t good) override {
    unsigned imports = 0, exports = 0;
    for (; guest.call({"ri"}).result != 0 && imports < 5; ++imports) {
    }
    for (; guest.call({"re"}).result != 0 && exports < 5; ++exports) {
    }
    return fmt::format("{} {} {} {}", good, guest.call({"e"}).result, imports, exports);
  }

 private:
  std::string text_;
  bool written_ = false;
};

/// SQLite: fills a table in memory, joins and groups it, and drops it.
class SqliteScenario final : public Scenario {
 public:
  void set_up(Guest& guest) override {
    const std::uint32_t database = guest.call({"sqlite3_malloc", {4}}).result;
    guest.call({"sqlite3_open", {text(guest, ":memory:"), database}});
    database_ = word(guest, database);
    work_ = text(guest,
                 "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL);"
                 "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
                 "  SELECT i, 'row ' || (i * 7919 % 1009), i * 0.25 FROM n;"
                 "CREATE INDEX by_name ON t (name);"
                 "CREATE TABLE r AS SELECT a.name AS name, count(*) AS c, sum(b.size) AS s, max(length(b.name)) AS l"
                 "  FROM t a JOIN t b ON a.name = b.name WHERE a.id % 3 = 0 GROUP BY a.name ORDER BY s DESC;");
    ask_ = text(guest, "SELECT count(*) * 1000 + sum(c) + CAST(sum(s) AS INTEGER) FROM r");
    drop_ = text(guest, "DROP TABLE r; DROP TABLE t");
    statement_ = guest.call({"sqlite3_malloc", {4}}).result;
  }
  Call next(Guest&) override { return {"sqlite3_exec", {database_, work_, 0, 0, 0}}; }
  std::string check(Guest& guest, std::uint32_t result) override {
    guest.call({"sqlite3_prepare_v2", {database_, ask_, ~0u, statement_, 0}});
    const std::uint32_t statement = word(guest, statement_);
    guest.call({"sqlite3_step", {statement}});
    const std::uint32_t answer = guest.call({"sqlite3_column_int", {statement, 0}}).result;
    guest.call({"sqlite3_finalize", {statement}});
    guest.call({"sqlite3_exec", {database_, drop_, 0, 0, 0}});
    return fmt::format("{} {}", result, answer);
  }

 private:
  static std::uint32_t text(Guest& guest, std::string_view text) {
    const std::uint32_t at = guest.call({"sqlite3_malloc", {static_cast<std::uint32_t>(text.size() + 1)}}).result;
    guest.write(at, std::string(text) + '\0');
    return at;
  }
  static std::uint32_t word(Guest& guest, std::uint32_t at) {
    std::uint32_t value = 0;
    const std::string bytes = guest.read(at, 4);
    for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    return value;
  }
  std::uint32_t database_ = 0, work_ = 0, ask_ = 0, drop_ = 0, statement_ = 0;
};

template <typename T, typename... A>
std::function<std::unique_ptr<Scenario>()> maker(A... arguments) {
  return [=] { return std::make_unique<T>(arguments...); };
}

}  // namespace

std::vector<Program> programs() {
  std::vector<Program> programs;
  auto compiled = [&](const char* source, const char* name, std::uint32_t size, std::uint32_t times, bool wasi) {
    const std::string path = fmt::format("{}/{}.wasm", ANEW_BENCH_PROGRAMS, name);
    programs.push_back({name, source, path, maker<RunScenario>(size, times, wasi)});
  };
  auto c = [&](const char* name, std::uint32_t size, std::uint32_t times = 1) {
    compiled("C", name, size, times, false);
  };
  auto wasi_c = [&](const char* name, std::uint32_t size) { compiled("C, wasi-libc", name, size, 1, true); };
  auto wasi_cpp = [&](const char* name, std::uint32_t size) { compiled("C++, libc++", name, size, 1, true); };
  auto fetched = [&](const char* name, const char* package, std::function<std::unique_ptr<Scenario>()> make,
                     Imports imports = {}) {
    programs.push_back(
        {name, package, fmt::format("{}/{}.wasm", ANEW_NPM_MODULES, name), std::move(make), std::move(imports)});
  };
  c("bignum", 5'000);
  c("bytecode", 15'000);
  c("dispatch", 10'000);
  c("fannkuch", 9);
  c("fft", 15);
  c("fibonacci", 32);
  c("hashtable", 50'000, 3);
  c("levenshtein", 2'000);
  c("life", 30);
  c("mandelbrot", 400);
  c("matmul", 250);
  c("nbody", 200'000);
  c("queens", 12);
  c("quicksort", 100'000);
  c("sha256", 16'000);
  c("sieve", 1'000'000, 2);
  wasi_c("png", 192);
  wasi_c("qsort", 20'000);
  wasi_c("trees", 15);
  wasi_c("xxhash", 40);
  wasi_cpp("json", 600);
  wasi_cpp("raytracer", 192);
  wasi_cpp("regex", 400);
  fetched("argon2", "hash-wasm@4.13.0", maker<Argon2Scenario>(2048u));
  fetched("bcrypt", "hash-wasm@4.13.0", maker<BcryptScenario>());
  fetched("blake3", "hash-wasm@4.13.0", maker<HashScenario>(std::vector<std::uint32_t>{16'384, 0, 32}, 100u));
  fetched("sha512", "hash-wasm@4.13.0", maker<HashScenario>(std::vector<std::uint32_t>{16'384, 512}, 100u));
  fetched("es_module_lexer", "es-module-lexer@1.7.0", maker<LexerScenario>(10'000u));
  fetched("source_map", "source-map@0.7.4", maker<SourceMapScenario>(8'000u));
  fetched(
      "sqlite3", "@sqlite.org/sqlite-wasm@3.41.2", maker<SqliteScenario>(),
      {.memory = Limits{256, 32'768}, .answers = {{"__syscall_openat", -44}, {"emscripten_date_now", 0}}});  // no file
  return programs;
}

void require_names(const std::vector<std::string>& names, const std::vector<std::string>& known) {
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    fmt::print(stderr, "there is no program \"{}\"; there are {}\n", name, fmt::join(known, ", "));
    std::exit(64);
  }
}

}  // namespace anew::bench
